//! YAML as Helm reads it, and the error chain its texts carry.

use std::borrow::Cow;

use serde_json::{Number, Value};

/// A text that is not YAML.
#[derive(Debug, thiserror::Error)]
#[error("error converting YAML to JSON")]
pub struct YamlError(#[source] belay_goyaml::Error);

/// A file's bytes as YAML reads them: UTF-8 or UTF-16.
pub(crate) fn text(bytes: &[u8]) -> Result<Cow<'_, str>, YamlError> {
    belay_goyaml::text_from_bytes(bytes).map_err(YamlError)
}

/// The first document of a text.
pub(crate) fn decode(text: &str) -> Result<Value, YamlError> {
    belay_goyaml::to_json(text).map_err(YamlError)
}

/// Every number becomes the float Go makes of it when the type is not known.
pub(crate) fn numbers_as_floats(value: &mut Value) {
    match value {
        Value::Number(number) if !number.is_f64() => {
            if let Some(float) = number.as_f64().and_then(Number::from_f64) {
                *number = float;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(numbers_as_floats),
        Value::Object(map) => map.values_mut().for_each(numbers_as_floats),
        _ => {}
    }
}
