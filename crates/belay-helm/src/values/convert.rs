//! Between JSON and the values of templates.

use std::cell::Cell;

use belay_gotemplate::{self as gotemplate, Kind, Map};
use serde_json::{Number, Value};

/// Values nested deeper than this were built to exhaust the stack, or hold themselves.
const MAX_DEPTH: usize = 1000;

/// JSON as the values Go decodes it to, except that integers stay integers.
pub(crate) fn to_template(value: &Value) -> gotemplate::Value {
    match value {
        Value::Null => gotemplate::Value::Nil,
        Value::Bool(value) => gotemplate::Value::Bool(*value),
        Value::Number(number) => number_to_template(number),
        Value::String(text) => gotemplate::Value::string(text),
        Value::Array(items) => gotemplate::Value::list(items.iter().map(to_template).collect()),
        Value::Object(map) => gotemplate::Value::Map(map_to_template(map)),
    }
}

fn number_to_template(number: &Number) -> gotemplate::Value {
    match number.as_i64() {
        Some(integer) if !number.is_f64() => gotemplate::Value::Int64(integer),
        _ => gotemplate::Value::Float(number.as_f64().unwrap_or_default()),
    }
}

pub(crate) fn map_to_template(map: &serde_json::Map<String, Value>) -> Map {
    map.iter().map(|(key, value)| (key.as_str(), to_template(value))).collect()
}

/// Why a value cannot be written: Go's `encoding/json` would refuse it too.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ToJsonError {
    #[error("json: unsupported value: {0}")]
    NotFinite(String),
    #[error("json: unsupported type: {0}")]
    Type(String),
    #[error("json: unsupported value: encountered a cycle via {0}")]
    Cycle(String),
}

/// A value as Go's `encoding/json` writes it. Bytes that are no text become U+FFFD, `[]byte` is
/// base64.
pub(crate) fn to_json(value: &gotemplate::Value) -> Result<Value, ToJsonError> {
    convert(value, &Cell::new(0))
}

fn convert(value: &gotemplate::Value, depth: &Cell<usize>) -> Result<Value, ToJsonError> {
    if depth.get() > MAX_DEPTH {
        return Err(ToJsonError::Cycle(value.type_name().into_owned()));
    }
    depth.set(depth.get() + 1);
    let converted = convert_here(value, depth);
    depth.set(depth.get() - 1);
    converted
}

fn convert_here(value: &gotemplate::Value, depth: &Cell<usize>) -> Result<Value, ToJsonError> {
    use gotemplate::Value as Template;
    if let Some(number) = value.as_signed() {
        return Ok(Value::from(number));
    }
    if let Some(number) = value.as_unsigned() {
        return Ok(Value::from(number));
    }
    match value {
        Template::Nil => Ok(Value::Null),
        Template::Bool(value) => Ok(Value::Bool(*value)),
        Template::Float(float) => float_to_json(*float),
        Template::String(text) => Ok(Value::String(text.to_str().into_owned())),
        Template::Bytes(bytes) => Ok(Value::String(base64_of(bytes))),
        Template::List(list) if list.is_nil() => Ok(Value::Null),
        Template::List(list) => {
            let items: Result<Vec<Value>, ToJsonError> =
                list.items().iter().map(|item| convert(item, depth)).collect();
            Ok(Value::Array(items?))
        }
        Template::Map(map) if map.is_nil() => Ok(Value::Null),
        Template::Map(map) => {
            let mut object = serde_json::Map::new();
            for (key, item) in map.entries() {
                object.insert(key.to_str().into_owned(), convert(&item, depth)?);
            }
            Ok(Value::Object(object))
        }
        Template::Host(object) => match (object.to_json(), object.underlying()) {
            (Some(json), _) => Ok(json),
            (None, Some(underlying)) => convert(&underlying, depth),
            (None, None) if object.kind() == Kind::Struct || object.kind() == Kind::Ptr => {
                let mut map = serde_json::Map::new();
                for (name, field) in object.fields() {
                    map.insert(name.into_owned(), convert(&field, depth)?);
                }
                Ok(Value::Object(map))
            }
            (None, None) => Err(ToJsonError::Type(object.type_name().into_owned())),
        },
        other => Err(ToJsonError::Type(other.type_name().into_owned())),
    }
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// A float without a fraction is written as an integer, as Go's JSON does.
fn float_to_json(float: f64) -> Result<Value, ToJsonError> {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    if float.fract() == 0.0 && float.abs() < 9e15 {
        return Ok(Value::from(float as i64));
    }
    match Number::from_f64(float) {
        Some(number) => Ok(Value::Number(number)),
        None if float.is_nan() => Err(ToJsonError::NotFinite("NaN".to_owned())),
        None if float > 0.0 => Err(ToJsonError::NotFinite("+Inf".to_owned())),
        None => Err(ToJsonError::NotFinite("-Inf".to_owned())),
    }
}
