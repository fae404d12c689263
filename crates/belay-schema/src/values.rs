//! Comparing JSON values as structured merge does: integers and floats compare by number, kinds have an order.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

/// Whether two values are the same to structured merge; `1` equals `1.0`, field order does not matter.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, value)| right.get(key).is_some_and(|other| equal(value, other)))
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Number(left), Value::Number(right)) => compare_numbers(left, right).is_eq(),
        _ => left == right,
    }
}

/// The total order of values that path elements are sorted by.
pub(crate) fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => compare_numbers(left, right),
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Array(left), Value::Array(right)) => compare_lists(left, right),
        (Value::Object(left), Value::Object(right)) => compare_maps(left, right),
        _ => rank(left).cmp(&rank(right)),
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        Value::Bool(_) => 2,
        Value::Array(_) => 3,
        Value::Object(_) => 4,
        Value::Null => 5,
    }
}

fn compare_numbers(left: &Number, right: &Number) -> Ordering {
    if let (Some(left), Some(right)) = (left.as_i64(), right.as_i64()) {
        return left.cmp(&right);
    }
    let number = |number: &Number| number.as_f64().unwrap_or(f64::NAN);
    number(left).partial_cmp(&number(right)).unwrap_or(Ordering::Equal)
}

fn compare_lists(left: &[Value], right: &[Value]) -> Ordering {
    let unequal =
        left.iter().zip(right).map(|(left, right)| compare(left, right)).find(|order| order.is_ne());
    unequal.unwrap_or_else(|| left.len().cmp(&right.len()))
}

fn compare_maps(left: &Map<String, Value>, right: &Map<String, Value>) -> Ordering {
    let sorted = |map: &Map<String, Value>| {
        let mut keys: Vec<String> = map.keys().cloned().collect();
        keys.sort();
        keys
    };
    let (left_keys, right_keys) = (sorted(left), sorted(right));
    for (left_key, right_key) in left_keys.iter().zip(&right_keys) {
        let order = left_key.cmp(right_key).then_with(|| compare(&left[left_key], &right[right_key]));
        if order.is_ne() {
            return order;
        }
    }
    left_keys.len().cmp(&right_keys.len())
}

/// A value as Go's encoder writes it: compact, with HTML characters escaped. Go sorts the keys of maps; here they stay.
pub fn go_json(value: &Value) -> String {
    let mut text = value.to_string();
    for (character, escape) in [
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("&", "\\u0026"),
        ("\u{2028}", "\\u2028"),
        ("\u{2029}", "\\u2029"),
    ] {
        if text.contains(character) {
            text = text.replace(character, escape);
        }
    }
    text
}

/// A value as Go's `%+v` prints what it reads from JSON: `map[a:1 b:[x y]]`.
pub fn go_text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(go_text).collect::<Vec<_>>().join(" "))
        }
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort();
            let parts = names.iter().map(|name| format!("{name}:{}", go_text(&fields[*name])));
            format!("map[{}]", parts.collect::<Vec<_>>().join(" "))
        }
        other => other.to_string(),
    }
}

/// `metadata.NAME` of an object as text, empty when absent.
pub(crate) fn metadata_text<'a>(object: &'a Value, name: &str) -> &'a str {
    object.get("metadata").and_then(|metadata| metadata.get(name)).and_then(Value::as_str).unwrap_or_default()
}
