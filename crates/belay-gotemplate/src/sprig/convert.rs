//! Conversions many families share: sprig's `strval`, and the numbers of the cast library.

use crate::function::FunctionError;
use crate::value::{Kind, Text, Value};

/// sprig's `strval`: strings and bytes as they are, anything else as `%v` prints it.
pub(super) fn text(value: &Value) -> Text {
    match value {
        Value::String(text) => text.clone(),
        Value::Bytes(bytes) => Text::from(&bytes[..]),
        Value::Nil => Text::from("<nil>"),
        other => crate::format::sprint_one(other).into(),
    }
}

/// sprig's `strslice`: any slice as strings without its nils, any other value as one string.
pub(super) fn texts(value: &Value) -> Vec<Text> {
    if value.is_nil() {
        return Vec::new();
    }
    match items(value) {
        Some(items) => items.iter().filter(|item| !item.is_nil()).map(text).collect(),
        None => vec![text(value)],
    }
}

/// The items of any slice.
pub(super) fn items(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::List(list) => Some(list.items().to_vec()),
        Value::Bytes(bytes) => Some(bytes.iter().map(|byte| Value::Uint8(*byte)).collect()),
        Value::Host(object) => object.underlying().as_ref().and_then(items),
        _ => None,
    }
}

/// The items of a slice, or the panic or error Go gives for something else.
pub(super) fn items_or(value: &Value, failure: &str) -> Result<Vec<Value>, FunctionError> {
    if value.is_nil() {
        return Err(nil_dereference());
    }
    items(value).ok_or_else(|| FunctionError::new(format!("{failure} {}", value.kind().name())))
}

pub(super) fn nil_dereference() -> FunctionError {
    FunctionError::new("runtime error: invalid memory address or nil pointer dereference")
}

/// `cast.ToInt64`: what is not a number is 0.
pub(super) fn int64(value: &Value) -> i64 {
    match value {
        Value::Bool(truth) => (*truth).into(),
        Value::Float(number) => go_int(*number),
        Value::String(text) => {
            let text = text.to_str();
            crate::parse::literal::parse_int(without_zero_decimals(&text)).unwrap_or(0)
        }
        Value::Host(object) => object.underlying().map_or(0, |value| int64(&value)),
        other => other.as_signed().unwrap_or_else(|| other.as_unsigned().unwrap_or(0) as i64),
    }
}

const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

/// Go's conversion on amd64: out of range is the smallest number.
fn go_int(number: f64) -> i64 {
    if (-TWO_TO_63..TWO_TO_63).contains(&number) { number as i64 } else { i64::MIN }
}

/// `12.00` is read as `12`.
fn without_zero_decimals(text: &str) -> &str {
    match text.rsplit_once('.') {
        Some((whole, zeros)) if zeros.bytes().all(|byte| byte == b'0') => whole,
        _ => text,
    }
}

/// `cast.ToFloat64`: what is not a number is 0.
pub(super) fn float64(value: &Value) -> f64 {
    match value {
        Value::Bool(truth) => f64::from(u8::from(*truth)),
        Value::Float(number) => *number,
        Value::String(text) => crate::parse::literal::parse_float(&text.to_str()).unwrap_or(0.0),
        Value::Host(object) => object.underlying().map_or(0.0, |value| float64(&value)),
        other => match (other.as_signed(), other.as_unsigned()) {
            (Some(number), _) => number as f64,
            (None, number) => number.unwrap_or(0) as f64,
        },
    }
}

/// sprig's `empty`.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Host(object) if matches!(object.kind(), Kind::Struct | Kind::Ptr) => false,
        other => !other.is_true(),
    }
}

/// Go's `reflect.DeepEqual`: the types count.
pub(super) fn deep_equal(first: &Value, second: &Value) -> bool {
    match (first, second) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) | (Value::Int64(a), Value::Int64(b)) => a == b,
        (Value::Int32(a), Value::Int32(b)) => a == b,
        (Value::Uint(a), Value::Uint(b)) | (Value::Uint64(a), Value::Uint64(b)) => a == b,
        (Value::Uint8(a), Value::Uint8(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Complex(a, b), Value::Complex(c, d)) => a == c && b == d,
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            let alike = a.element() == b.element() && a.is_nil() == b.is_nil() && a.len() == b.len();
            let mut pairs = a.items().iter().zip(b.items());
            alike && crate::descent::descend(|| pairs.all(|(a, b)| deep_equal(a, b)), || false)
        }
        (Value::Map(a), Value::Map(b)) => {
            let same_type = a.element() == b.element() && a.type_name() == b.type_name();
            let same_size = a.is_nil() == b.is_nil() && a.len() == b.len();
            let same_entries = || {
                let (a, b) = (a.entries(), b.entries());
                a.iter()
                    .zip(&b)
                    .all(|((key, value), (other_key, other))| key == other_key && deep_equal(value, other))
            };
            same_type && same_size && (a.is_same(b) || crate::descent::descend(same_entries, || false))
        }
        (Value::Host(a), Value::Host(b)) => {
            let same_text = a.text().is_some() && a.text() == b.text();
            std::rc::Rc::ptr_eq(a, b) || (a.type_name() == b.type_name() && same_text)
        }
        _ => false,
    }
}
