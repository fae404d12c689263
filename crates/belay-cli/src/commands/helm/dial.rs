//! Why a server was not reached, in the words of Go's client.

use std::error::Error;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use reqwest::Url;

/// The address without its password.
pub(super) fn shown(address: &Url) -> String {
    let mut shown = address.clone();
    if shown.password().is_some() {
        // An address that has a password has a host, so one may be set.
        let _ = shown.set_password(Some("xxxxx"));
    }
    let text = shown.to_string();
    // Go leaves out the path that nobody wrote.
    match (shown.path(), shown.query()) {
        ("/", None) => text.trim_end_matches('/').to_owned(),
        _ => text,
    }
}

/// The cause, as Go tells the commonest of them.
pub(super) fn reason(error: &(dyn Error + 'static), address: &Url) -> String {
    let host = address.host_str().unwrap_or_default();
    let causes: Vec<&(dyn Error + 'static)> =
        std::iter::successors(Some(error), |&error| error.source()).collect();
    let texts: Vec<String> = causes.iter().map(ToString::to_string).collect();
    let says = |words: &str| texts.iter().any(|text| text.contains(words));
    let kinds: Vec<io::ErrorKind> =
        causes.iter().filter_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind).collect();
    if kinds.contains(&io::ErrorKind::ConnectionRefused) {
        let port = address.port_or_known_default().unwrap_or_default();
        let at = resolved(host, port).map_or_else(|| format!("{host}:{port}"), |at| at.to_string());
        return format!("dial tcp {at}: connect: connection refused");
    }
    if kinds.contains(&io::ErrorKind::TimedOut) || says("timed out") {
        return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)".to_owned();
    }
    if says("dns error") || says("failed to lookup address") {
        return format!("dial tcp: lookup {host}: no such host");
    }
    if says("UnknownIssuer") {
        return "tls: failed to verify certificate: x509: certificate signed by unknown authority".to_owned();
    }
    texts.last().cloned().unwrap_or_default()
}

/// The address that Go's client names when none of them answers.
fn resolved(host: &str, port: u16) -> Option<SocketAddr> {
    let host = host.trim_matches(['[', ']']);
    let found: Vec<SocketAddr> = (host, port).to_socket_addrs().ok()?.collect();
    found.iter().find(|address| address.is_ipv4()).or_else(|| found.first()).copied()
}
