//! Errors as the API server answers them: a `Status` with code, reason, message and details.

use belay_schema::{FieldError, invalid_message};
use serde_json::{Map, Value, json};

/// A refused request.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// The HTTP status code.
    pub code: u16,
    /// The machine-readable reason, `NotFound`.
    pub reason: &'static str,
    /// The message for people.
    pub message: String,
    /// What it is about; null for none.
    pub details: Value,
}

impl ApiError {
    /// An error without details.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null }
    }

    fn about(mut self, group: &str, kind: &str, name: &str) -> Self {
        let mut details = Map::new();
        if !name.is_empty() {
            details.insert("name".into(), name.into());
        }
        if !group.is_empty() {
            details.insert("group".into(), group.into());
        }
        if !kind.is_empty() {
            details.insert("kind".into(), kind.into());
        }
        self.details = Value::Object(details);
        self
    }

    fn with_causes(mut self, causes: Vec<Value>) -> Self {
        crate::object::set(&mut self.details, &["causes"], Value::Array(causes));
        self
    }

    /// Ask the client to come again later.
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        crate::object::set(&mut self.details, &["retryAfterSeconds"], seconds.into());
        self
    }

    /// The seconds a client shall wait, if any.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.details["retryAfterSeconds"].as_u64()
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    pub(crate) fn not_found(group: &str, resource: &str, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", qualified(group, resource));
        Self::new(404, "NotFound", message).about(group, resource, name)
    }

    pub(crate) fn no_such_resource() -> Self {
        Self {
            details: json!({}),
            ..Self::new(404, "NotFound", "the server could not find the requested resource")
        }
    }

    pub(crate) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self { details: json!({}), ..Self::new(405, "MethodNotAllowed", message) }
    }

    pub(crate) fn not_acceptable() -> Self {
        Self::new(
            406,
            "NotAcceptable",
            "only the following media types are accepted: application/json, application/yaml",
        )
    }

    pub(crate) fn unsupported_media_type(found: &str, accepted: &[&str]) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            accepted.join(", ")
        );
        tracing::debug!(found, "unsupported media type");
        Self::new(415, "UnsupportedMediaType", message)
    }

    pub(crate) fn already_exists(group: &str, resource: &str, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", qualified(group, resource));
        Self::new(409, "AlreadyExists", message).about(group, resource, name)
    }

    pub(crate) fn conflict(group: &str, resource: &str, name: &str, cause: &str) -> Self {
        let message =
            format!("Operation cannot be fulfilled on {} \"{name}\": {cause}", qualified(group, resource));
        Self::new(409, "Conflict", message).about(group, resource, name)
    }

    /// Another manager owns applied fields.
    pub(crate) fn apply_conflict(message: String, causes: Vec<Value>) -> Self {
        Self { details: json!({}), ..Self::new(409, "Conflict", message) }.with_causes(causes)
    }

    pub(crate) fn forbidden(group: &str, resource: &str, name: &str, cause: &str) -> Self {
        let object = if name.is_empty() {
            qualified(group, resource)
        } else {
            format!("{} \"{name}\"", qualified(group, resource))
        };
        Self::new(403, "Forbidden", format!("{object} is forbidden: {cause}")).about(group, resource, name)
    }

    /// The namespace goes away: nothing new may appear in it.
    pub(crate) fn namespace_terminating(group: &str, resource: &str, name: &str, namespace: &str) -> Self {
        let cause =
            format!("unable to create new content in namespace {namespace} because it is being terminated");
        Self::forbidden(group, resource, name, &cause).with_causes(vec![json!({
            "reason": "NamespaceTerminating",
            "message": format!("namespace {namespace} is being terminated"),
            "field": "metadata.namespace",
        })])
    }

    pub(crate) fn invalid(group: &str, kind: &str, name: &str, errors: &[FieldError]) -> Self {
        let causes = errors
            .iter()
            .map(|error| {
                json!({"reason": error.reason.as_cause(), "message": error.message, "field": error.path})
            })
            .collect();
        Self::new(422, "Invalid", invalid_message(group, kind, name, errors))
            .about(group, kind, name)
            .with_causes(causes)
    }

    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// A part of the API that is not there.
    pub(crate) fn not_supported(feature: &str) -> Self {
        Self::new(
            501,
            "NotImplemented",
            format!("{feature} is not supported yet by the embedded Kubernetes API"),
        )
    }

    /// The `Status` object.
    pub fn to_status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message,
        });
        if !self.reason.is_empty() {
            status["reason"] = self.reason.into();
        }
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status["code"] = self.code.into();
        status
    }
}

/// `deployments.apps`, or `pods` in the core group.
pub(crate) fn qualified(group: &str, resource: &str) -> String {
    if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") }
}
