//! The web UI, embedded. Addresses of its screens all get its one page.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::api::problem;

/// The built UI; empty when it was not built before this crate.
#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
#[allow_missing = true]
struct Ui;

const NOT_BUILT: &str = "<!doctype html><meta charset=utf-8><title>Belay</title><p>This binary was built without \
    the web UI. Build it with <code>make</code>, which builds the UI first. The API is at \
    <a href=\"/api/belay/v1/apps\">/api/belay/v1/apps</a>.";

/// A file of the UI, or its page for the address of a screen.
pub(crate) async fn answer(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return problem(StatusCode::METHOD_NOT_ALLOWED, "only GET here");
    }
    let path = uri.path().trim_start_matches('/');
    if path.starts_with("api/") {
        return problem(StatusCode::NOT_FOUND, "there is no such route");
    }
    if let Some(found) = Ui::get(path) {
        return file(path, found, &headers);
    }
    if path.starts_with("assets/") {
        return problem(StatusCode::NOT_FOUND, "there is no such file");
    }
    match Ui::get("index.html") {
        Some(page) => file("index.html", page, &headers),
        None => Html(NOT_BUILT).into_response(),
    }
}

fn file(path: &str, found: EmbeddedFile, headers: &HeaderMap) -> Response {
    let hash = found.metadata.sha256_hash();
    let tag = format!("\"{}\"", hex::encode(&hash[..16]));
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    // The names of built assets carry a hash of their content.
    let keep = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = if known
        .is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag))
    {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Response::new(Body::from(found.data.into_owned()));
        if let Ok(kind) = HeaderValue::from_str(found.metadata.mimetype()) {
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
        response
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
