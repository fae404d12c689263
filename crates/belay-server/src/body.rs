//! Bodies of requests, within a bound.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::StatusCode;
use axum::response::Response;

use crate::api::problem;

/// Until all of a body is here.
const WHOLE: Duration = Duration::from_secs(30);

/// Reads a body; the error is the answer to it.
pub(crate) async fn read(body: Body, largest: usize) -> Result<Bytes, Response> {
    let Ok(read) = tokio::time::timeout(WHOLE, to_bytes(body, largest)).await else {
        return Err(problem(StatusCode::REQUEST_TIMEOUT, "the body takes too long"));
    };
    match read {
        Ok(bytes) => Ok(bytes),
        Err(error) if is_too_long(&error) => {
            let message = format!("the body is larger than {} MiB", largest / (1024 * 1024));
            Err(problem(StatusCode::PAYLOAD_TOO_LARGE, &message))
        }
        Err(_) => Err(problem(StatusCode::BAD_REQUEST, "the body ended early")),
    }
}

fn is_too_long(error: &axum::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.to_string().contains("length limit exceeded") {
            return true;
        }
        cause = error.source();
    }
    false
}
