//! What values are to one another, and what is said of one.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Misfit;
use crate::ignore::jq::parse::Comparison;

pub(super) fn holds(left: &Value, comparison: Comparison, right: &Value) -> bool {
    let order = order(left, right);
    match comparison {
        Comparison::Equal => order == Ordering::Equal,
        Comparison::NotEqual => order != Ordering::Equal,
        Comparison::Less => order == Ordering::Less,
        Comparison::LessOrEqual => order != Ordering::Greater,
        Comparison::Greater => order == Ordering::Greater,
        Comparison::GreaterOrEqual => order != Ordering::Less,
    }
}

/// jq's order of all values: null, false, true, numbers, texts, lists, maps.
pub(super) fn order(left: &Value, right: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Bool(false) => 1,
        Value::Bool(true) => 2,
        Value::Number(_) => 3,
        Value::String(_) => 4,
        Value::Array(_) => 5,
        Value::Object(_) => 6,
    };
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            left.as_f64().partial_cmp(&right.as_f64()).unwrap_or(Ordering::Equal)
        }
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Array(left), Value::Array(right)) => {
            let items = left.iter().zip(right).map(|(left, right)| order(left, right));
            items.fold(Ordering::Equal, Ordering::then).then(left.len().cmp(&right.len()))
        }
        (Value::Object(left), Value::Object(right)) => {
            let names = |fields: &Map<String, Value>| fields.keys().cloned().collect::<BTreeSet<_>>();
            let known = names(left);
            let values = known.iter().map(|name| order(&left[name], right.get(name).unwrap_or(&Value::Null)));
            known.cmp(&names(right)).then_with(|| values.fold(Ordering::Equal, Ordering::then))
        }
        _ => rank(left).cmp(&rank(right)),
    }
}

pub(super) fn length(value: &Value) -> Result<Value, Misfit> {
    Ok(match value {
        Value::Null => Value::from(0),
        Value::String(text) => Value::from(text.chars().count()),
        Value::Array(items) => Value::from(items.len()),
        Value::Object(fields) => Value::from(fields.len()),
        Value::Number(_) => value.clone(),
        Value::Bool(_) => return Err(Misfit),
    })
}

pub(super) fn keys(value: &Value) -> Result<Value, Misfit> {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<String> = fields.keys().cloned().collect();
            names.sort();
            Ok(Value::from(names))
        }
        Value::Array(items) => Ok(Value::from((0..items.len()).collect::<Vec<usize>>())),
        _ => Err(Misfit),
    }
}

pub(super) fn has(value: &Value, key: &Value) -> Result<bool, Misfit> {
    match (value, key) {
        (Value::Object(fields), Value::String(name)) => Ok(fields.contains_key(name)),
        (Value::Null, Value::String(_) | Value::Number(_)) => Ok(false),
        (Value::Array(items), Value::Number(index)) => {
            Ok(index.as_u64().is_some_and(|index| index < items.len() as u64))
        }
        _ => Err(Misfit),
    }
}

pub(super) fn contains(value: &Value, part: &Value) -> Result<bool, Misfit> {
    match (value, part) {
        (Value::String(text), Value::String(part)) => Ok(text.contains(part.as_str())),
        (Value::Array(items), Value::Array(parts)) => {
            Ok(parts.iter().all(|part| items.iter().any(|item| contains(item, part).unwrap_or(false))))
        }
        (Value::Object(fields), Value::Object(parts)) => Ok(parts.iter().all(|(name, part)| {
            fields.get(name).is_some_and(|field| contains(field, part).unwrap_or(false))
        })),
        _ if type_name(value) == type_name(part) => Ok(value == part),
        _ => Err(Misfit),
    }
}

pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
