//! Errors about fields of an object, worded as the API server words them.

use std::fmt;

/// Why a field is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A required field is missing.
    Required,
    /// The value is not allowed.
    Invalid,
    /// The value has the wrong JSON type.
    TypeInvalid,
    /// The value is not among those supported.
    NotSupported,
    /// The field must not be set.
    Forbidden,
    /// A text is too long.
    TooLong,
    /// A list or map has too many entries.
    TooMany,
    /// A value appears twice.
    Duplicate,
    /// A reference leads nowhere.
    NotFound,
    /// The server failed.
    Internal,
}

impl Reason {
    /// The `reason` of a cause in a `Status`.
    pub fn as_cause(self) -> &'static str {
        match self {
            Self::Required => "FieldValueRequired",
            Self::Invalid => "FieldValueInvalid",
            Self::TypeInvalid => "FieldValueTypeInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::Duplicate => "FieldValueDuplicate",
            Self::NotFound => "FieldValueNotFound",
            Self::Internal => "InternalError",
        }
    }
}

/// One refused field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// `spec.ports[0].port`.
    pub path: String,
    /// Why.
    pub reason: Reason,
    /// The message of the `Status` cause, without the path: `Invalid value: "x": must be …`.
    pub message: String,
}

impl FieldError {
    /// An error with its whole message.
    pub fn new(path: impl Into<String>, reason: Reason, message: impl Into<String>) -> Self {
        Self { path: path.into(), reason, message: message.into() }
    }

    /// `Required value`, with a detail if there is one.
    pub fn required(path: impl Into<String>, detail: &str) -> Self {
        Self::new(path, Reason::Required, with_detail("Required value", detail))
    }

    /// `Invalid value: VALUE: DETAIL`.
    pub fn invalid(path: impl Into<String>, value: &serde_json::Value, detail: &str) -> Self {
        Self::new(path, Reason::Invalid, with_detail(&format!("Invalid value: {}", bad_value(value)), detail))
    }

    /// `Invalid value: VALUE: DETAIL`, the value being of a wrong type.
    pub fn type_invalid(path: impl Into<String>, value: &serde_json::Value, detail: &str) -> Self {
        Self::new(
            path,
            Reason::TypeInvalid,
            with_detail(&format!("Invalid value: {}", bad_value(value)), detail),
        )
    }

    /// `Forbidden: DETAIL`.
    pub fn forbidden(path: impl Into<String>, detail: &str) -> Self {
        Self::new(path, Reason::Forbidden, with_detail("Forbidden", detail))
    }

    /// `Duplicate value: VALUE`.
    pub fn duplicate(path: impl Into<String>, value: &serde_json::Value) -> Self {
        Self::new(path, Reason::Duplicate, format!("Duplicate value: {}", bad_value(value)))
    }

    /// `Unsupported value: VALUE: supported values: "A", "B"`.
    pub fn not_supported(path: impl Into<String>, value: &serde_json::Value, supported: &[String]) -> Self {
        let quoted: Vec<String> = supported.iter().map(|text| format!("{text:?}")).collect();
        let message = format!("Unsupported value: {}", bad_value(value));
        Self::new(
            path,
            Reason::NotSupported,
            with_detail(&message, &format!("supported values: {}", quoted.join(", "))),
        )
    }

    /// `Too long: may not be more than N bytes`.
    pub fn too_long(path: impl Into<String>, limit: i64) -> Self {
        Self::new(path, Reason::TooLong, format!("Too long: may not be more than {limit} bytes"))
    }

    /// `Too many: N: must have at most M items`.
    pub fn too_many(path: impl Into<String>, actual: usize, limit: i64) -> Self {
        Self::new(path, Reason::TooMany, format!("Too many: {actual}: must have at most {limit} items"))
    }
}

fn with_detail(message: &str, detail: &str) -> String {
    if detail.is_empty() { message.to_owned() } else { format!("{message}: {detail}") }
}

/// A value as a field error shows it.
pub(crate) fn bad_value(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "null".to_owned(),
        serde_json::Value::Object(_) | serde_json::Value::Array(_) => value.to_string(),
        other => other.to_string(),
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.path, self.message)
    }
}

/// The message of a 422 answer: `Deployment.apps "x" is invalid: …`, several errors in brackets.
pub fn invalid_message(group: &str, kind: &str, name: &str, errors: &[FieldError]) -> String {
    let qualified = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
    let mut texts: Vec<String> = Vec::new();
    for error in errors {
        let text = error.to_string();
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    let listed = match texts.as_slice() {
        [only] => only.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    format!("{qualified} {name:?} is invalid: {listed}")
}
