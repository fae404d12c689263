//! A number or a string.

use serde_json::Value;

use crate::{Described, FieldError, Schema};

/// Kubernetes' IntOrString; [`IntOrString::Unset`] when the field is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum IntOrString {
    /// The field is absent.
    #[default]
    Unset,
    /// A number.
    Int(i64),
    /// A string, perhaps holding a number or a percentage.
    String(String),
}

impl IntOrString {
    /// The number, also when it is written as a string.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            IntOrString::Unset => None,
            IntOrString::Int(number) => Some(*number),
            IntOrString::String(text) => text.parse().ok(),
        }
    }
}

impl std::fmt::Display for IntOrString {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            IntOrString::Unset => Ok(()),
            IntOrString::Int(number) => write!(formatter, "{number}"),
            IntOrString::String(text) => formatter.write_str(text),
        }
    }
}

impl Described for IntOrString {
    fn schema() -> Schema {
        Schema::int_or_string()
    }
    fn read(value: Value) -> Result<Self, FieldError> {
        match value {
            Value::Number(number) if number.is_i64() => {
                Ok(IntOrString::Int(number.as_i64().unwrap_or_default()))
            }
            Value::String(text) => Ok(IntOrString::String(text)),
            other => Err(FieldError::new("", format!("expected an integer or a string, found {other}"))),
        }
    }
    fn write(&self) -> Value {
        match self {
            IntOrString::Unset => Value::Null,
            IntOrString::Int(number) => Value::from(*number),
            IntOrString::String(text) => Value::from(text.as_str()),
        }
    }
    fn is_absent(&self) -> bool {
        *self == IntOrString::Unset
    }
}

crate::described!(@serde IntOrString);
