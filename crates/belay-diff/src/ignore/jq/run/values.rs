//! Calculating with values.

use serde_json::{Map, Value};

use super::Misfit;
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
