//! Rules over an object.

use std::cmp::Ordering;

use serde_json::Value;

use super::library;
use super::parse::{Comparison, KindRules, Operand, Part, Path, Start, Step, Test, What};
use crate::argo::Health;
use crate::lua;

/// The first verdict.
pub(super) fn decide(rules: &KindRules, object: &Value) -> Option<Health> {
    try_steps(&rules.steps, Place { object, item: object, outer: &Value::Null, is_condition: false })
}

/// What the tests of a step look at.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    object: &'a Value,
    item: &'a Value,
    /// The item around the item.
    outer: &'a Value,
    /// Whether the item is a condition.
    is_condition: bool,
}

fn try_steps(steps: &[Step], place: Place<'_>) -> Option<Health> {
    steps.iter().find_map(|step| match step {
        Step::Rule { status, tests, message } => {
            let found = place.holds(tests)?;
            Some(Health { status: *status, message: found.message(message) })
        }
        Step::Each { list, tests, steps } => {
            let is_condition = list.names.last().is_some_and(|name| name == "conditions");
            place.items(list).into_iter().find_map(|item| {
                let place = Place { item, outer: place.item, is_condition, ..place };
                place.holds(tests)?;
                try_steps(steps, place)
            })
        }
        Step::Lua(name) => lua::built_in(library::script(name), place.object),
    })
}

impl<'a> Place<'a> {
    /// The place in which a message is made, when all tests hold.
    fn holds(self, tests: &[Test]) -> Option<Place<'a>> {
        tests.iter().try_fold(self, |found, test| match (&test.what, test.negated) {
            (What::Condition { kind, unequal, values }, negated) => {
                let condition =
                    self.condition(kind, |status| values.iter().any(|value| status == value) != *unequal);
                match (condition, negated) {
                    (Some(item), false) if self.is_condition => Some(Place { item, ..found }),
                    (Some(item), false) => Some(Place { item, outer: self.item, ..found }),
                    (None, true) => Some(found),
                    _ => None,
                }
            }
            (What::Truth(operand), negated) => (self.is_true(operand) != negated).then_some(found),
            (What::Compare { left, comparison, right }, negated) => {
                (self.compare(left, *comparison, right) != negated).then_some(found)
            }
        })
    }

    fn conditions(self) -> &'a [Value] {
        if self.is_condition {
            return std::slice::from_ref(self.item);
        }
        let at_object = std::ptr::eq(self.object, self.item);
        let list = if at_object { &self.item["status"]["conditions"] } else { &self.item["conditions"] };
        list.as_array().map_or(&[], Vec::as_slice)
    }

    fn condition(self, kind: &str, is_wanted: impl Fn(&str) -> bool) -> Option<&'a Value> {
        self.conditions().iter().find(|condition| {
            condition["type"] == kind && is_wanted(condition["status"].as_str().unwrap_or_default())
        })
    }

    fn look(self, path: &Path) -> &'a Value {
        let start = match path.start {
            Start::Object => self.object,
            Start::Item => self.item,
            Start::Outer => self.outer,
        };
        path.names.iter().fold(start, |value, name| match value {
            Value::Array(items) if name == "last" => items.last().unwrap_or(&Value::Null),
            value => &value[name.as_str()],
        })
    }

    /// The items of a list, or the values of a map.
    fn items(self, path: &Path) -> Vec<&'a Value> {
        match self.look(path) {
            Value::Array(items) => items.iter().collect(),
            Value::Object(entries) => entries.values().collect(),
            _ => Vec::new(),
        }
    }

    fn value(self, operand: &Operand) -> Value {
        match operand {
            Operand::Literal(value) => value.clone(),
            Operand::Path(path) => self.look(path).clone(),
            Operand::First(operands) => {
                let found = operands.iter().map(|operand| self.value(operand));
                found.into_iter().find(|value| !value.is_null()).unwrap_or_default()
            }
            Operand::Length(path) => Value::from(self.items(path).len()),
            Operand::OfCondition { kind, field } => {
                let at_object = Place { item: self.object, is_condition: false, ..self };
                at_object.condition(kind, |_| true).map_or(Value::Null, |found| found[field.as_str()].clone())
            }
        }
    }

    fn is_true(self, operand: &Operand) -> bool {
        !matches!(self.value(operand), Value::Null | Value::Bool(false))
    }

    fn compare(self, left: &Operand, comparison: Comparison, right: &[Operand]) -> bool {
        let left = self.value(left);
        let mut right = right.iter().map(|operand| self.value(operand));
        match comparison {
            Comparison::Equal => right.any(|value| is_equal(&left, &value)),
            Comparison::NotEqual => !right.any(|value| is_equal(&left, &value)),
            _ => right.any(|value| match (order(&left, &value), comparison) {
                (Some(Ordering::Less), Comparison::Less | Comparison::AtMost)
                | (Some(Ordering::Equal), Comparison::AtMost | Comparison::AtLeast)
                | (Some(Ordering::Greater), Comparison::More | Comparison::AtLeast) => true,
                (_, _) => false,
            }),
        }
    }

    fn message(self, parts: &[Part]) -> String {
        let text = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Value(operand) => text(&self.value(operand)),
        };
        parts.iter().map(text).collect()
    }
}

fn is_equal(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other) == Ordering::Equal,
        _ => one == other,
    }
}

fn order(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64()?.partial_cmp(&other.as_f64()?),
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
