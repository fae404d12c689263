//! What reading into Go types and writing them out again does to an object of a built-in kind:
//! unknown fields and empty optional ones vanish, required ones appear, quantities and times take their one form.

use serde_json::{Map, Value, json};

use crate::arena::{Encoding, Field, GoSort, MapType, Scalar, Special, Type, TypeId, Types};
use crate::kind::KindSchema;
use crate::quantity::Quantity;

/// A value of a wrong type, worded as the API server's decoder does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} in version {version:?} cannot be handled as a {kind}: {detail}")]
pub struct DecodeError {
    kind: String,
    version: String,
    detail: String,
}

impl DecodeError {
    /// What is wrong, without the words around it.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

/// The object as the API server holds it once read: a built-in kind in Go's form, a custom resource pruned.
pub fn decode(kind: &KindSchema, object: &Value) -> Result<Value, DecodeError> {
    let mut object = object.clone();
    if kind.is_custom() {
        crate::prune::read_custom(kind, &mut object);
        return Ok(object);
    }
    let mut checker = Checker { types: &kind.types, path: Vec::new() };
    checker.value(kind.root, &object, "").map_err(|detail| DecodeError {
        kind: kind.kind.clone(),
        version: kind.version.clone(),
        detail,
    })?;
    encode(kind, &mut object);
    crate::conversion::mirror_fields(kind, &mut object);
    Ok(object)
}

/// What the decoder would refuse, without the words around it.
pub(crate) fn decode_detail(kind: &KindSchema, object: &Value) -> Result<(), String> {
    decode_value_detail(&kind.types, kind.root, object)
}

/// The same for a value that is only part of an object.
pub(crate) fn decode_value_detail(types: &Types, id: TypeId, value: &Value) -> Result<(), String> {
    Checker { types, path: Vec::new() }.value(id, value, "")
}

/// Bring `metadata` into its form; every kind has the same.
pub(crate) fn encode_metadata(kind: &KindSchema, object: &mut Value) {
    let field = kind.types.get(kind.root).map.as_ref().and_then(|map| map.fields.get("metadata"));
    if let (Some(field), Some(metadata)) = (field, object.get_mut("metadata")) {
        encode_value(&kind.types, field.type_id, metadata);
    }
}

/// What storage does to required lists and maps that are empty: they come back as null.
pub(crate) fn null_empty(kind: &KindSchema, object: &mut Value) {
    null_empty_value(&kind.types, kind.root, object);
}

fn null_empty_value(types: &Types, id: TypeId, value: &mut Value) {
    let declared = types.get(id);
    match value {
        Value::Object(object) => {
            let Some(map) = &declared.map else { return };
            for (name, value) in object.iter_mut() {
                let field = map.fields.get(name);
                let sort = field.and_then(|field| field.encoding).map(|encoding| encoding.sort);
                let is_empty = value.as_array().is_some_and(Vec::is_empty)
                    || value.as_object().is_some_and(Map::is_empty);
                if is_empty && matches!(sort, Some(GoSort::List | GoSort::Map)) {
                    *value = Value::Null;
                } else if let Some(id) = field.map(|field| field.type_id).or(map.element) {
                    null_empty_value(types, id, value);
                }
            }
        }
        Value::Array(items) => {
            let Some(list) = &declared.list else { return };
            items.iter_mut().for_each(|item| null_empty_value(types, list.element, item));
        }
        _ => {}
    }
}

/// Bring an object into the form Go writes, in place.
pub(crate) fn encode(kind: &KindSchema, object: &mut Value) {
    encode_value(&kind.types, kind.root, object);
}

/// Bring a value into the form Go writes its type in, in place.
pub(crate) fn encode_value(types: &Types, id: TypeId, value: &mut Value) {
    let declared = types.get(id);
    match declared.special {
        Special::None => {}
        Special::Raw | Special::IntOrString | Special::Integer | Special::Float | Special::Bytes => return,
        Special::Quantity => return encode_quantity(value),
        Special::Time => return encode_time(value, false),
        Special::MicroTime => return encode_time(value, true),
    }
    match (value, declared) {
        (Value::Object(object), Type { map: Some(map), .. }) => encode_map(types, map, object),
        (Value::Array(items), Type { list: Some(list), .. }) => {
            for item in items {
                if item.is_null() {
                    *item = zero_of(types, list.element);
                }
                encode_value(types, list.element, item);
            }
        }
        _ => {}
    }
}

fn encode_map(types: &Types, map: &MapType, object: &mut Map<String, Value>) {
    if map.fields.is_empty() {
        let Some(element) = map.element else { return };
        for value in object.values_mut() {
            if value.is_null() && element != Types::DEDUCED && element != Types::UNTYPED {
                *value = zero_of(types, element);
            }
            encode_value(types, element, value);
        }
        return;
    }
    let mut given = std::mem::take(object);
    for (name, field) in &map.fields {
        let value = given.shift_remove(name).filter(|value| !value.is_null());
        let Some(encoding) = field.encoding else {
            if let Some(value) = value {
                object.insert(name.clone(), value);
            }
            continue;
        };
        if let Some(value) = encode_field(types, field, encoding, value) {
            object.insert(name.clone(), value);
        }
    }
}

fn encode_field(types: &Types, field: &Field, encoding: Encoding, value: Option<Value>) -> Option<Value> {
    let present = |mut value: Value| {
        encode_value(types, field.type_id, &mut value);
        value
    };
    let unless_omitted = |zero: Value| (!encoding.omit).then_some(zero);
    match encoding.sort {
        GoSort::Bool => value
            .filter(|value| *value != json!(false) || !encoding.omit)
            .or_else(|| unless_omitted(json!(false))),
        GoSort::Number => {
            let is_zero = |value: &Value| value.as_f64() == Some(0.0);
            value.filter(|value| !is_zero(value) || !encoding.omit).or_else(|| unless_omitted(json!(0)))
        }
        GoSort::String | GoSort::Duration => {
            value.filter(|value| *value != json!("") || !encoding.omit).or_else(|| unless_omitted(json!("")))
        }
        GoSort::List | GoSort::Map | GoSort::Bytes => {
            let is_empty = |value: &Value| match value {
                Value::Array(items) => items.is_empty(),
                Value::Object(object) => object.is_empty(),
                Value::String(text) => text.is_empty(),
                _ => false,
            };
            value
                .filter(|value| !is_empty(value) || !encoding.omit)
                .map(present)
                .or_else(|| unless_omitted(Value::Null))
        }
        GoSort::Pointer => value.map(present).or_else(|| unless_omitted(Value::Null)),
        GoSort::Struct => {
            let value = present(value.unwrap_or_else(|| Value::Object(Map::new())));
            let is_zero = value.as_object().is_some_and(Map::is_empty);
            (!(encoding.omit_zero_struct && is_zero)).then_some(value)
        }
        GoSort::Time => match value {
            Some(value) => Some(present(value)),
            None => (!encoding.omit_zero_struct).then_some(Value::Null),
        },
        GoSort::Quantity => Some(present(value.unwrap_or_else(|| json!("0")))),
        GoSort::IntOrString => Some(value.unwrap_or_else(|| json!(0))),
        GoSort::Raw => Some(value.unwrap_or(Value::Null)),
    }
}

/// Go's zero value of a list's or map's element.
fn zero_of(types: &Types, id: TypeId) -> Value {
    let declared = types.get(id);
    match declared {
        Type { special: Special::Quantity, .. } => json!("0"),
        Type { special: Special::Integer | Special::Float | Special::IntOrString, .. } => json!(0),
        Type { map: Some(_), scalar: None, .. } => json!({}),
        Type { scalar: Some(Scalar::String), .. } => json!(""),
        Type { scalar: Some(Scalar::Boolean), .. } => json!(false),
        _ => Value::Null,
    }
}

fn encode_quantity(value: &mut Value) {
    let text = match &*value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return,
    };
    if let Ok(canonical) = crate::quantity::canonical(&text) {
        *value = Value::String(canonical);
    }
}

/// Times are written in UTC, with seconds or microseconds.
fn encode_time(value: &mut Value, micro: bool) {
    let Some(written) = value.as_str().and_then(|text| utc(text, micro)) else {
        return;
    };
    *value = Value::String(written);
}

fn utc(text: &str, micro: bool) -> Option<String> {
    let timestamp: jiff::Timestamp = text.parse().ok()?;
    let pattern = if micro { "%Y-%m-%dT%H:%M:%S.%6fZ" } else { "%Y-%m-%dT%H:%M:%SZ" };
    Some(timestamp.strftime(pattern).to_string())
}

/// Finds the first value that Go's decoder would refuse.
struct Checker<'a> {
    types: &'a Types,
    path: Vec<String>,
}

impl Checker<'_> {
    /// `structure` is the Go struct that holds the value.
    fn value(&mut self, id: TypeId, value: &Value, structure: &str) -> Result<(), String> {
        let declared = self.types.get(id);
        match (declared.special, value) {
            (_, Value::Null) | (Special::Raw, _) => Ok(()),
            (Special::Quantity, Value::String(text)) => {
                text.trim().parse::<Quantity>().map(drop).map_err(|error| error.to_string())
            }
            (Special::Quantity, Value::Number(_)) => Ok(()),
            (Special::IntOrString, Value::String(_) | Value::Number(_)) => Ok(()),
            (Special::MicroTime, Value::String(text)) if !text.is_empty() => micro_time(text),
            (Special::Time, Value::String(text)) if !text.is_empty() => {
                text.parse::<jiff::Timestamp>().map(drop).map_err(|_| {
                    let (rest, wanted) = unread_time(text).unwrap_or((text, "2006"));
                    format!("parsing time {text:?} as \"2006-01-02T15:04:05Z07:00\": cannot parse {rest:?} as {wanted:?}")
                })
            }
            (Special::Bytes, Value::String(text)) => bytes(text),
            (Special::Integer, Value::Number(number)) if number.is_f64() => {
                Err(self.refusal(&format!("number {number}"), declared, structure))
            }
            (_, Value::Object(object)) => match &declared.map {
                Some(map) => self.map(map, object, declared, structure),
                None => Err(self.refusal("object", declared, structure)),
            },
            (_, Value::Array(items)) => match &declared.list {
                Some(list) => items.iter().try_for_each(|item| self.value(list.element, item, structure)),
                None => Err(self.refusal("array", declared, structure)),
            },
            (_, Value::String(_)) if !matches!(declared.scalar, Some(Scalar::String | Scalar::Untyped)) => {
                Err(self.refusal("string", declared, structure))
            }
            (_, Value::Bool(_)) if declared.scalar != Some(Scalar::Boolean) => {
                Err(self.refusal("bool", declared, structure))
            }
            (_, Value::Number(_)) if declared.scalar != Some(Scalar::Number) => {
                Err(self.refusal("number", declared, structure))
            }
            _ => Ok(()),
        }
    }

    /// `around` is the Go struct that a plain map is a field of.
    fn map(
        &mut self,
        map: &MapType,
        object: &Map<String, Value>,
        declared: &Type,
        around: &str,
    ) -> Result<(), String> {
        let structure = declared.go_name().map(|(_, name)| name.to_owned()).unwrap_or_default();
        for (name, value) in object {
            let field = map.fields.get(name).map(|field| field.type_id).or(map.element);
            let Some(id) = field else { continue };
            let is_field = map.fields.contains_key(name);
            if is_field {
                self.path.push(name.clone());
            }
            self.value(id, value, if is_field { &structure } else { around })?;
            if is_field {
                self.path.pop();
            }
        }
        Ok(())
    }

    fn refusal(&self, found: &str, declared: &Type, structure: &str) -> String {
        let go_type = go_type(self.types, declared);
        if self.path.is_empty() {
            return format!("json: cannot unmarshal {found} into Go value of type {go_type}");
        }
        let path = self.path.join(".");
        format!("json: cannot unmarshal {found} into Go struct field {structure}.{path} of type {go_type}")
    }
}

/// Bytes are written in base64; line ends in it do not count.
fn bytes(text: &str) -> Result<(), String> {
    use base64::Engine as _;
    let plain = text.replace(['\n', '\r'], "");
    let decoded = base64::engine::general_purpose::STANDARD.decode(&plain);
    decoded.map(drop).map_err(|error| {
        let place = match error {
            base64::DecodeError::InvalidByte(place, _) | base64::DecodeError::InvalidLastSymbol(place, _) => {
                place
            }
            _ => plain.len() / 4 * 4,
        };
        format!("illegal base64 data at input byte {place}")
    })
}

/// Microseconds are required, all six digits.
fn micro_time(text: &str) -> Result<(), String> {
    let layout = "2006-01-02T15:04:05.000000Z07:00";
    if let Some((rest, wanted)) = unread_time(text) {
        return Err(format!("parsing time {text:?} as {layout:?}: cannot parse {rest:?} as {wanted:?}"));
    }
    let fraction = text.get(19..).unwrap_or_default();
    let digits =
        fraction.strip_prefix('.').map_or(0, |rest| rest.chars().take_while(char::is_ascii_digit).count());
    if digits == 6 && text.parse::<jiff::Timestamp>().is_ok() {
        return Ok(());
    }
    Err(format!("parsing time {text:?} as {layout:?}: cannot parse {fraction:?} as \".000000\""))
}

/// What of a time cannot be read, and as what, where it is no date with a `T` behind it.
fn unread_time(text: &str) -> Option<(&str, &'static str)> {
    let is_date = text.len() >= 10
        && text.bytes().take(10).enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !is_date {
        return Some((text, "2006"));
    }
    let rest = &text[10..];
    (!rest.starts_with('T')).then_some((rest, "T"))
}

fn go_type(types: &Types, declared: &Type) -> String {
    if let Some((package, name)) = declared.go_name() {
        return format!("{package}.{name}");
    }
    match declared {
        Type { special: Special::Integer, long: true, .. } => "int64".to_owned(),
        Type { special: Special::Integer, .. } => "int32".to_owned(),
        Type { special: Special::Float, .. } => "float64".to_owned(),
        Type { special: Special::Bytes, .. } => "[]uint8".to_owned(),
        Type { scalar: Some(Scalar::Boolean), .. } => "bool".to_owned(),
        Type { list: Some(list), .. } => format!("[]{}", go_type(types, types.get(list.element))),
        Type { map: Some(map), .. } => {
            let element = map.element.map_or_else(|| "string".to_owned(), |id| go_type(types, types.get(id)));
            format!("map[string]{element}")
        }
        _ => "string".to_owned(),
    }
}
