//! Calculating with values.

use serde_json::{Map, Value};

use super::Misfit;
use super::parts::parts;
use crate::ignore::jq::parse::Operator;

/// How many steps the making of a value counts for.
pub(super) fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(fields) => 1 + fields.values().map(size).sum::<usize>(),
        Value::String(text) => 1 + text.len() / 64,
        _ => 1,
    }
}

/// How many steps it counts for to compare each part of one value with each of another.
pub(super) fn pairs(one: &Value, other: &Value) -> usize {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one.len().saturating_mul(other.len()) / 4096,
        _ => size(one).saturating_mul(size(other)) / 64,
    }
}

pub(super) fn arithmetic(left: &Value, operator: Operator, right: &Value) -> Result<Value, Misfit> {
    match (operator, left, right) {
        (Operator::Add, Value::Null, other) | (Operator::Add, other, Value::Null) => Ok(other.clone()),
        (Operator::Add, Value::String(left), Value::String(right)) => {
            Ok(Value::from(format!("{left}{right}")))
        }
        (Operator::Add, Value::Array(left), Value::Array(right)) => {
            Ok(Value::Array(left.iter().chain(right).cloned().collect()))
        }
        (Operator::Add, Value::Object(left), Value::Object(right)) => {
            let mut sum: Map<String, Value> = left.clone();
            sum.extend(right.clone());
            Ok(Value::Object(sum))
        }
        (Operator::Subtract, Value::Array(left), Value::Array(right)) => {
            Ok(Value::Array(left.iter().filter(|item| !right.contains(item)).cloned().collect()))
        }
        (Operator::Divide, Value::String(text), Value::String(by)) => Ok(split(text, by)),
        (_, Value::Number(left), Value::Number(right)) => {
            let (left, right) = (left.as_f64().ok_or(Misfit)?, right.as_f64().ok_or(Misfit)?);
            number(match operator {
                Operator::Add => left + right,
                Operator::Subtract => left - right,
                Operator::Multiply => left * right,
                Operator::Divide if right != 0.0 => left / right,
                Operator::Remainder if right.trunc() != 0.0 => left.trunc() % right.trunc(),
                Operator::Divide | Operator::Remainder => return Err(Misfit),
            })
        }
        _ => Err(Misfit),
    }
}

/// Whole numbers as such.
pub(super) fn number(number: f64) -> Result<Value, Misfit> {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return Ok(Value::from(number as i64));
    }
    serde_json::Number::from_f64(number).map(Value::Number).ok_or(Misfit)
}

pub(super) fn split(text: &str, by: &str) -> Value {
    if text.is_empty() {
        return Value::Array(Vec::new());
    }
    if by.is_empty() {
        return text.chars().map(|letter| Value::from(letter.to_string())).collect();
    }
    text.split(by).map(Value::from).collect()
}

/// What is in a list or map, with the items of lists in their place, so many levels deep.
pub(super) fn flat(value: &Value, depth: f64) -> Result<Value, Misfit> {
    if depth < 0.0 {
        return Err(Misfit);
    }
    let mut all = Vec::new();
    for (_, item) in parts(value).ok_or(Misfit)? {
        match item {
            Value::Array(_) if depth >= 1.0 => match flat(item, depth - 1.0)? {
                Value::Array(below) => all.extend(below),
                other => all.push(other),
            },
            _ => all.push(item.clone()),
        }
    }
    Ok(Value::Array(all))
}

/// Where a part begins in a text, in letters, or in a list; where an item is in a list. Null for an empty part.
pub(super) fn indices(value: &Value, part: &Value) -> Result<Value, Misfit> {
    let places = |length: usize, width: usize, is_there: &dyn Fn(usize) -> bool| -> Value {
        if width == 0 {
            return Value::Null;
        }
        (0..(length + 1).saturating_sub(width)).filter(|place| is_there(*place)).collect()
    };
    Ok(match (value, part) {
        (Value::Null, _) => Value::Null,
        (Value::String(text), Value::String(part)) => {
            let (letters, wanted): (Vec<char>, Vec<char>) = (text.chars().collect(), part.chars().collect());
            places(letters.len(), wanted.len(), &|place| letters[place..].starts_with(&wanted))
        }
        (Value::Array(items), Value::Array(wanted)) => {
            places(items.len(), wanted.len(), &|place| items[place..].starts_with(wanted))
        }
        (Value::Array(items), item) => places(items.len(), 1, &|place| items[place] == *item),
        _ => return Err(Misfit),
    })
}
