//! Who may ask what: requests of other sites' pages are turned away, and what changes something
//! needs the token of this start.
//!
//! A page of another site can send requests to a loopback address, and with a name that it rebinds
//! to 127.0.0.1 it can even read the answers. So the `Host` must be ours, an `Origin` must be the
//! same as the `Host`, and the token, which no other page knows, is needed for every change.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use crate::api::problem;
use crate::serve::Settings;

/// The header that carries the token.
pub(crate) const TOKEN_HEADER: &str = "x-belay-token";

const CONTENT_POLICY: &str = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Turns away requests for another host and of other sites' pages.
pub(crate) async fn same_site(
    State(settings): State<Arc<Settings>>,
    request: Request,
    next: Next,
) -> Response {
    match check_site(request.headers(), &settings) {
        Ok(()) => with_headers(next.run(request).await),
        Err(reason) => with_headers(problem(StatusCode::FORBIDDEN, reason)),
    }
}

/// Turns away requests without the token.
pub(crate) async fn needs_token(
    State(settings): State<Arc<Settings>>,
    request: Request,
    next: Next,
) -> Response {
    let given = request.headers().get(TOKEN_HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
    if same_bytes(given, settings.token.expose().as_bytes()) {
        return next.run(request).await;
    }
    problem(
        StatusCode::UNAUTHORIZED,
        "this needs the token of this start; open the address that was printed when it started",
    )
    .into_response()
}

/// Whether both are the same, in a time that does not tell where they differ. Nothing equals an
/// empty secret.
pub(crate) fn same_bytes(given: &[u8], secret: &[u8]) -> bool {
    !secret.is_empty() && bool::from(given.ct_eq(secret))
}

fn check_site(headers: &HeaderMap, settings: &Settings) -> Result<(), &'static str> {
    let host =
        headers.get(header::HOST).and_then(|host| host.to_str().ok()).ok_or("the Host header is missing")?;
    if !is_our_host(host, &settings.hosts) {
        return Err("this server does not answer to that Host");
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
            Some(b"cross-site" | b"same-site") if !is_navigation(headers) => {
                Err("another site's page may not ask this")
            }
            _ => Ok(()),
        };
    };
    let origin = origin.to_str().unwrap_or_default();
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    if authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host)) {
        return Ok(());
    }
    Err("another site's page may not ask this")
}

/// Following a link to us is fine; it brings no answer back to the other page.
fn is_navigation(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate")
}

/// An address cannot be rebound, a name can: so any address, `localhost`, and the names in the settings.
fn is_our_host(host: &str, names: &[String]) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn with_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_can_be_rebound_are_not_ours() {
        let names = vec!["belay.example.org".to_owned()];
        for host in
            ["localhost", "localhost:80", "127.0.0.1:8080", "[::1]:8080", "10.0.0.7", "Belay.example.org:443"]
        {
            assert!(is_our_host(host, &names), "{host}");
        }
        for host in
            ["evil.example", "localhost.evil.example:80", "127.0.0.1.evil.example", "", ":80", "[evil]"]
        {
            assert!(!is_our_host(host, &names), "{host}");
        }
    }

    #[test]
    fn an_empty_secret_equals_nothing() {
        assert!(!same_bytes(b"", b""));
        assert!(!same_bytes(b"ab", b"abc"));
        assert!(same_bytes(b"abc", b"abc"));
    }
}
