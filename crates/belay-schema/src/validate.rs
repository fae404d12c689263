//! Validation.
use crate::errors::FieldError;
use crate::kind::KindSchema;
use serde_json::Value;
/// What is wrong with an object.
pub fn validate(_kind: &KindSchema, _object: &Value, _old: Option<&Value>) -> Vec<FieldError> {
    Vec::new()
}
