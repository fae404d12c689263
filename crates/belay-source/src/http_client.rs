//! The HTTP client of one access: its certificates, its proxy, and no servers that are none.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::blocking::{Client, ClientBuilder};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Identity, NoProxy, redirect};

use crate::access::{Access, Proxy, Tls};
use crate::address::is_forbidden;
use crate::budget::TransportError;

const CONNECT: Duration = Duration::from_secs(20);

/// A client that follows no redirects and decompresses nothing.
pub(crate) fn build(access: &Access) -> Result<Client, TransportError> {
    let builder = Client::builder()
        .connect_timeout(CONNECT)
        .redirect(redirect::Policy::none())
        .no_gzip()
        .dns_resolver(Arc::new(Resolver));
    let builder = with_tls(builder, &access.tls)?;
    let builder = match &access.proxy {
        None => builder,
        Some(proxy) => builder.no_proxy().proxy(read_proxy(proxy)?),
    };
    builder.build().map_err(|error| unreadable("the certificates", &error))
}

fn with_tls(builder: ClientBuilder, tls: &Tls) -> Result<ClientBuilder, TransportError> {
    let mut builder = builder.danger_accept_invalid_certs(tls.insecure);
    if !tls.authorities.is_empty() {
        let found = Certificate::from_pem_bundle(tls.authorities.as_bytes())
            .map_err(|error| unreadable("the authority's certificate", &error))?;
        if found.is_empty() {
            return Err(none_found("the authority's certificate"));
        }
        for certificate in found {
            builder = builder.add_root_certificate(certificate);
        }
    }
    if !tls.certificate.is_empty() || !tls.key.is_empty() {
        let pem = format!("{}\n{}\n", tls.key.reveal(), tls.certificate);
        let identity = Identity::from_pem(pem.as_bytes())
            .map_err(|error| unreadable("the client certificate", &error))?;
        builder = builder.identity(identity);
    }
    Ok(builder)
}

fn read_proxy(proxy: &Proxy) -> Result<reqwest::Proxy, TransportError> {
    // As Go's client does, names are left to a SOCKS proxy to look up.
    let url = proxy.url.reveal();
    let named = url.strip_prefix("socks5://").map(|rest| format!("socks5h://{rest}"));
    // The error would show the URL, which may hold a login.
    let read = reqwest::Proxy::all(named.as_deref().unwrap_or(url)).map_err(|_hidden| {
        TransportError::Access { what: "the proxy's address", reason: "it is no URL of a proxy".to_owned() }
    })?;
    Ok(read.no_proxy(NoProxy::from_string(&proxy.except)))
}

fn unreadable(what: &'static str, error: &reqwest::Error) -> TransportError {
    TransportError::Access { what, reason: belay_causes::chain(error) }
}

fn none_found(what: &'static str) -> TransportError {
    TransportError::Access { what, reason: "there is none in the PEM".to_owned() }
}

/// The system's resolver, less the addresses where no repository is.
struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed: Vec<SocketAddr> =
                found.into_iter().filter(|address| !is_forbidden(address.ip())).collect();
            if allowed.is_empty() {
                return Err(format!("{} has no address of a repository", name.as_str()).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::SecretText;

    #[test]
    fn bad_m5_certificates_of_garbage_are_errors_that_name_them() {
        let pem = |what: &str, text: &str| format!("-----BEGIN {what}-----\n{text}\n-----END {what}-----\n");
        let said = |tls: Tls| build(&Access { tls, ..Access::default() }).unwrap_err().to_string();
        for garbage in [
            "s3cret".to_owned(),
            "\u{0}".to_owned(),
            pem("CERTIFICATE", "????"),
            pem("CERTIFICATE", "c2VjcmV0"),
            pem("CERTIFICATE", ""),
            pem("PRIVATE KEY", "c2VjcmV0"),
            "-----BEGIN CERTIFICATE-----\n".to_owned(),
            "s3cret ".repeat(100_000),
        ] {
            let start: String = garbage.chars().take(40).collect();
            let authority = said(Tls { authorities: garbage.clone(), ..Tls::default() });
            assert!(
                authority.contains("certificate") && !authority.contains("s3cret"),
                "{start}: {authority}"
            );
            let own =
                said(Tls { certificate: garbage.clone(), key: SecretText::new(garbage), ..Tls::default() });
            assert!(own.contains("certificate") && !own.contains("s3cret"), "{start}: {own}");
        }
    }
}
