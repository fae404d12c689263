//! The parts of a value, each with its path.

use std::borrow::Cow;

use serde_json::Value;

use super::values::indices;
use super::{Found, Misfit, made};
use crate::ignore::jq::Step;

fn below(path: &Option<Vec<Step>>, step: Step) -> Option<Vec<Step>> {
    let mut path = path.clone()?;
    path.push(step);
    Some(path)
}

/// The value of a map, list or text at a key; null when it is not there.
pub(super) fn at<'a>(found: &Found<'a>, key: &Value) -> Result<Found<'a>, Misfit> {
    match (key, &*found.value) {
        (Value::String(name), Value::Object(_) | Value::Null) => {
            let path = below(&found.path, Step::Field(name.clone()));
            Ok(Found { path, value: part(&found.value, |value| value.get(name)) })
        }
        (Value::Number(number), value @ (Value::Array(_) | Value::String(_) | Value::Null)) => {
            let index = place(number.as_f64().ok_or(Misfit)?, length(value));
            let path = below(&found.path, Step::Index(index));
            let value = match value {
                Value::String(text) => Cow::Owned(
                    text.chars().nth(index).map_or(Value::Null, |letter| letter.to_string().into()),
                ),
                _ => part(&found.value, |value| value.get(index)),
            };
            Ok(Found { path, value })
        }
        // Where a list is in a list.
        (Value::Array(wanted), value @ Value::Array(_)) => {
            let places = if wanted.is_empty() { Value::Array(Vec::new()) } else { indices(value, key)? };
            Ok(made(places))
        }
        _ => Err(Misfit),
    }
}

/// A part of a value, borrowed where the value is.
fn part<'a>(value: &Cow<'a, Value>, get: impl Fn(&Value) -> Option<&Value>) -> Cow<'a, Value> {
    match value {
        Cow::Borrowed(value) => get(value).map_or(Cow::Owned(Value::Null), Cow::Borrowed),
        Cow::Owned(value) => Cow::Owned(get(value).cloned().unwrap_or_default()),
    }
}

/// How many items there are, or letters.
fn length(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.len(),
        Value::String(text) => text.chars().count(),
        _ => 0,
    }
}

/// The place that a number means; one before the beginning is no place at all.
fn place(number: f64, length: usize) -> usize {
    let number = number.trunc();
    let number = if number < 0.0 { number + length as f64 } else { number };
    if number < 0.0 { usize::MAX } else { number as usize }
}

/// The items of a list or, by name, those of a map; `None` of a scalar.
pub(super) fn children<'a>(found: &Found<'a>) -> Option<Vec<Found<'a>>> {
    let item = |step: Step, value: Cow<'a, Value>| Found { path: below(&found.path, step), value };
    match &found.value {
        Cow::Borrowed(value) => parts(value)
            .map(|parts| parts.into_iter().map(|(step, value)| item(step, Cow::Borrowed(value))).collect()),
        Cow::Owned(value) => parts(value).map(|parts| {
            parts.into_iter().map(|(step, value)| item(step, Cow::Owned(value.clone()))).collect()
        }),
    }
}

/// The items of a list or, by name, those of a map.
pub(super) fn parts(value: &Value) -> Option<Vec<(Step, &Value)>> {
    match value {
        Value::Array(items) => {
            Some(items.iter().enumerate().map(|(index, item)| (Step::Index(index), item)).collect())
        }
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            Some(fields.into_iter().map(|(name, value)| (Step::Field(name.clone()), value)).collect())
        }
        _ => None,
    }
}

/// A part of a list, a text or null.
pub(super) fn slice<'a>(found: &Found<'a>, from: Option<i64>, to: Option<i64>) -> Result<Found<'a>, Misfit> {
    let (start, end) = bounds(from, to, length(&found.value));
    let value = match &*found.value {
        Value::Array(items) => Value::from(&items[start..end]),
        Value::String(text) => Value::from(text.chars().skip(start).take(end - start).collect::<String>()),
        Value::Null => Value::Null,
        _ => return Err(Misfit),
    };
    Ok(Found { path: below(&found.path, Step::Slice(from, to)), value: Cow::Owned(value) })
}

/// Where a slice begins and ends.
fn bounds(from: Option<i64>, to: Option<i64>, length: usize) -> (usize, usize) {
    let place = |bound: i64| {
        let distance = usize::try_from(bound.unsigned_abs()).unwrap_or(usize::MAX);
        if bound < 0 { length.saturating_sub(distance) } else { distance.min(length) }
    };
    let end = to.map_or(length, place);
    (from.map_or(0, place).min(end), end)
}

/// The paths to what a path names in a value, with slices as their items; none where nothing is there.
pub(super) fn resolved(path: &[Step], value: &Value) -> Result<Vec<Vec<Step>>, Misfit> {
    let (mut done, mut value, mut window) = (Vec::with_capacity(path.len()), value, None);
    for step in path {
        if let Value::Array(items) = value {
            let (start, end) = window.take().unwrap_or((0, items.len()));
            match step {
                Step::Index(index) if *index < end - start => {
                    done.push(Step::Index(start + index));
                    value = &items[start + index];
                }
                Step::Slice(from, to) => {
                    let (from, to) = bounds(*from, *to, end - start);
                    window = Some((start + from, start + to));
                }
                _ => return Ok(Vec::new()),
            }
            continue;
        }
        match (step, value) {
            (_, Value::Null) => return Ok(Vec::new()),
            (Step::Field(name), Value::Object(fields)) => match fields.get(name) {
                Some(field) => {
                    done.push(step.clone());
                    value = field;
                }
                None => return Ok(Vec::new()),
            },
            // A text's letters are not taken out.
            _ => return Err(Misfit),
        }
    }
    let Some((start, end)) = window else { return Ok(vec![done]) };
    let item = |index| done.iter().cloned().chain([Step::Index(index)]).collect();
    Ok((start..end).map(item).collect())
}
