//! Checks a value against a schema: what the API server would say, found also where no API server looked.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, RwLock};

use regex::Regex;
use serde_json::Value;

use crate::error::join;
use crate::{FieldError, parse_go_duration};

/// Everything in `value` that `schema` does not allow. Unknown fields are not looked at, nor are CEL rules: each kind's
/// `validate` has those in Rust.
pub fn check(schema: &Value, value: &Value, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    check_value(schema, value, path, &mut errors);
    errors
}

fn check_value(schema: &Value, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    match value {
        Value::Null => {}
        Value::String(text) => check_string(schema, text, path, errors),
        Value::Number(number) => check_number(schema, number.as_f64(), path, errors),
        Value::Array(items) => {
            check_count(schema, items.len(), path, errors);
            for (index, item) in items.iter().enumerate() {
                check_value(&schema["items"], item, &format!("{path}[{index}]"), errors);
            }
        }
        Value::Object(fields) => {
            check_required(schema, value, path, errors);
            for (name, field) in fields {
                let property = match schema["properties"].get(name) {
                    Some(property) => property,
                    None => &schema["additionalProperties"],
                };
                check_value(property, field, &join(path, name), errors);
            }
        }
        Value::Bool(_) => {}
    }
}

fn check_string(schema: &Value, text: &str, path: &str, errors: &mut Vec<FieldError>) {
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.iter().any(|value| value == text)
    {
        let allowed: Vec<String> = allowed.iter().map(Value::to_string).collect();
        errors.push(FieldError::new(
            path,
            format!("unsupported value {text:?}: supported values: {}", allowed.join(", ")),
        ));
    }
    let length = text.chars().count() as u64;
    if schema["minLength"].as_u64().is_some_and(|least| length < least) {
        errors.push(FieldError::new(
            path,
            format!("should be at least {} characters long", schema["minLength"]),
        ));
    }
    if schema["maxLength"].as_u64().is_some_and(|most| length > most) {
        errors.push(FieldError::new(
            path,
            format!("should be at most {} characters long", schema["maxLength"]),
        ));
    }
    if let Some(pattern) = schema["pattern"].as_str()
        && compiled(pattern).is_some_and(|regex| !regex.is_match(text))
    {
        errors.push(FieldError::new(path, format!("{text:?} should match '{pattern}'")));
    }
    if schema["format"] == "date-time" && text.parse::<jiff::Timestamp>().is_err() {
        errors.push(FieldError::new(path, format!("{text:?} is no RFC 3339 time")));
    }
}

fn check_number(schema: &Value, number: Option<f64>, path: &str, errors: &mut Vec<FieldError>) {
    let below = |limit: &Value| limit.as_f64().zip(number).is_some_and(|(limit, number)| number < limit);
    let above = |limit: &Value| limit.as_f64().zip(number).is_some_and(|(limit, number)| number > limit);
    if below(&schema["minimum"]) {
        errors
            .push(FieldError::new(path, format!("should be greater than or equal to {}", schema["minimum"])));
    }
    if above(&schema["maximum"]) {
        errors.push(FieldError::new(path, format!("should be less than or equal to {}", schema["maximum"])));
    }
}

fn check_count(schema: &Value, count: usize, path: &str, errors: &mut Vec<FieldError>) {
    let count = count as u64;
    if schema["minItems"].as_u64().is_some_and(|least| count < least) {
        errors.push(FieldError::new(path, format!("should have at least {} items", schema["minItems"])));
    }
    if schema["maxItems"].as_u64().is_some_and(|most| count > most) {
        errors.push(FieldError::new(path, format!("should have at most {} items", schema["maxItems"])));
    }
}

fn check_required(schema: &Value, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none_or(Value::is_null) {
            errors.push(FieldError::new(join(path, name), "required value"));
        }
    }
}

/// Patterns are compiled once; a pattern that this engine cannot compile checks nothing (a test keeps that from happening).
fn compiled(pattern: &str) -> Option<Arc<Regex>> {
    static COMPILED: LazyLock<RwLock<HashMap<String, Option<Arc<Regex>>>>> = LazyLock::new(RwLock::default);
    if let Ok(known) = COMPILED.read()
        && let Some(regex) = known.get(pattern)
    {
        return regex.clone();
    }
    let regex = Regex::new(pattern).ok().map(Arc::new);
    if let Ok(mut known) = COMPILED.write() {
        known.insert(pattern.to_owned(), regex.clone());
    }
    regex
}

/// An error for each named text that is there and is no Go duration.
pub fn duration_errors(fields: &[(&str, &str)]) -> Vec<FieldError> {
    let invalid = |(_, text): &&(&str, &str)| !text.is_empty() && parse_go_duration(text).is_none();
    let error = |(path, text): &(&str, &str)| FieldError::new(*path, format!("invalid duration {text:?}"));
    fields.iter().filter(invalid).map(error).collect()
}
