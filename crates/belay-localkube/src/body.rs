//! Reading request bodies.

use serde_json::Value;

use crate::request::Request;
use crate::status::ApiError;

/// As much as the API server takes.
pub(crate) const LIMIT: usize = 3 * 1024 * 1024;

const ACCEPTED: &[&str] = &["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];

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
