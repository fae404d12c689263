//! Reading request bodies.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Body;
use serde_json::Value;

use crate::request::Request;
use crate::status::ApiError;

/// As much as the API server takes.
pub(crate) const LIMIT: usize = 3 * 1024 * 1024;

/// How much of too large a body is read and thrown away, so that its sender comes to read the answer.
const DRAINED: usize = 64 * 1024 * 1024;

const ACCEPTED: &[&str] = &["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];

/// All of a request's body.
pub(crate) async fn read<B>(body: B) -> Result<Bytes, ApiError>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut body = std::pin::pin!(body);
    let (mut kept, mut seen) = (BytesMut::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            ApiError::bad_request(format!("the request's body cannot be read: {}", error.into()))
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        seen += data.remaining();
        if seen <= LIMIT {
            kept.put(data);
        } else if seen > DRAINED {
            break;
        }
    }
    if seen > LIMIT {
        let text = format!("Request entity too large: limit is {LIMIT}");
        return Err(ApiError::new(413, "RequestEntityTooLarge", text));
    }
    Ok(kept.freeze())
}

/// The body of a create, update or delete.
pub(crate) fn object(request: &Request) -> Result<Value, ApiError> {
    match request.content_type() {
        "" | "application/json" | "*/*" => json(&request.body),
        "application/yaml" => yaml(&request.body),
        "application/vnd.kubernetes.protobuf" => crate::protobuf::object(&request.body),
        other => Err(ApiError::unsupported_media_type(other, ACCEPTED)),
    }
}

pub(crate) fn json(body: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        ApiError::bad_request(format!("the object provided is unrecognized (must be of type JSON): {error}"))
    })
}

/// YAML, which JSON is too.
pub(crate) fn yaml(body: &[u8]) -> Result<Value, ApiError> {
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    let text = std::str::from_utf8(body)
        .map_err(|error| ApiError::bad_request(format!("error decoding YAML: {error}")))?;
    belay_goyaml::to_json(text)
        .map_err(|error| ApiError::bad_request(format!("error decoding YAML: {error}")))
}
