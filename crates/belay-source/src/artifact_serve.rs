//! Artifacts over HTTP, at the paths that statuses name.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::artifact_store::ArtifactStore;

/// A router that answers `GET /kind/namespace/name/file`, and `GET /` for probes.
pub fn artifact_router(store: ArtifactStore) -> Router {
    Router::new().route("/", get(async || StatusCode::OK)).route("/{*path}", get(serve)).with_state(store)
}

async fn serve(State(store): State<ArtifactStore>, Path(path): Path<String>) -> Response {
    let Some(file) = store.file(&path) else { return not_found() };
    match tokio::fs::read(&file).await {
        Ok(bytes) => {
            let kind = (header::CONTENT_TYPE, "application/gzip");
            ([kind], Body::from(bytes)).into_response()
        }
        Err(_collected_meanwhile) => not_found(),
    }
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{Method, Request};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    async fn ask(store: &ArtifactStore, method: Method, path: &str) -> (StatusCode, Vec<u8>) {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let answer = artifact_router(store.clone()).oneshot(request).await.unwrap();
        let status = answer.status();
        (status, answer.into_body().collect().await.unwrap().to_bytes().to_vec())
    }

    #[tokio::test]
    async fn artifacts_are_read_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let store = ArtifactStore::new(folder.path());
        store.put("gitrepository/apps/web/abc.tar.gz", b"bytes").unwrap();
        let path = "/gitrepository/apps/web/abc.tar.gz";
        assert_eq!(ask(&store, Method::GET, path).await, (StatusCode::OK, b"bytes".to_vec()));
        assert_eq!(ask(&store, Method::HEAD, path).await, (StatusCode::OK, Vec::new()));
        assert_eq!(ask(&store, Method::GET, "/").await.0, StatusCode::OK);
        for path in ["/gitrepository/apps/web", "/gitrepository/..%2f..%2fx", "/x"] {
            assert_eq!(ask(&store, Method::GET, path).await.0, StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(ask(&store, Method::POST, path).await.0, StatusCode::METHOD_NOT_ALLOWED);
    }
}
