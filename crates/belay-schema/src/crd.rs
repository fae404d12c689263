//! Checks on a CustomResourceDefinition itself.
use crate::errors::FieldError;
use serde_json::Value;
/// What is wrong with a CustomResourceDefinition.
pub fn crd_errors(_crd: &Value) -> Vec<FieldError> {
    Vec::new()
}
