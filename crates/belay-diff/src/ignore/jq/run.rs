//! Evaluation: every result is a value and, where it stands in the object, the path to it.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use super::Step;
use super::parse::{Comparison, Expression, Function};

/// The most steps that one evaluation may take.
const STEPS: usize = 200_000;

/// A result: a value, and its path if it is a part of the object.
#[derive(Clone)]
struct Found<'a> {
    path: Option<Vec<Step>>,
    value: Cow<'a, Value>,
}

/// Why there is no result: jq would say an error here.
struct Misfit;

type Outcome<'a> = Result<Vec<Found<'a>>, Misfit>;

/// The paths that an expression names in a value; `None` when jq would end with an error.
pub(super) fn paths(expression: &Expression, value: &Value) -> Option<Vec<Vec<Step>>> {
    let start = Found { path: Some(Vec::new()), value: Cow::Borrowed(value) };
    let found = Run { steps: 0 }.run(expression, &start).ok()?;
    found.into_iter().map(|found| found.path).collect()
}

fn made<'a>(value: impl Into<Value>) -> Found<'a> {
    Found { path: None, value: Cow::Owned(value.into()) }
}

fn is_true(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

struct Run {
    steps: usize,
}

impl Run {
    fn run<'a>(&mut self, expression: &Expression, input: &Found<'a>) -> Outcome<'a> {
        self.steps += 1;
        if self.steps > STEPS {
            return Err(Misfit);
        }
        match expression {
            Expression::Identity => Ok(vec![input.clone()]),
            Expression::Literal(value) => Ok(vec![made(value.clone())]),
            Expression::Everything => {
                let mut all = Vec::new();
                self.everything(input, &mut all)?;
                Ok(all)
            }
            Expression::Try(inner) => self.tried(inner, input),
            Expression::Pipe(first, then) => {
                let mut all = Vec::new();
                for found in self.run(first, input)? {
                    all.extend(self.run(then, &found)?);
                }
                Ok(all)
            }
            Expression::Both(one, other) => {
                let mut all = self.run(one, input)?;
                all.extend(self.run(other, input)?);
                Ok(all)
            }
            Expression::Otherwise(one, other) => {
                let mut found = self.run(one, input).or_else(|misfit| self.within(misfit))?;
                found.retain(|found| is_true(&found.value));
                if found.is_empty() { self.run(other, input) } else { Ok(found) }
            }
            Expression::Logic(one, both, other) => {
                let mut all = Vec::new();
                for left in self.run(one, input)? {
                    if is_true(&left.value) == *both {
                        let rest = self.run(other, input)?;
                        all.extend(rest.iter().map(|right| made(is_true(&right.value))));
                    } else {
                        all.push(made(!*both));
                    }
                }
                Ok(all)
            }
            Expression::Compare(one, comparison, other) => {
                let mut all = Vec::new();
                for left in self.run(one, input)? {
                    for right in self.run(other, input)? {
                        all.push(made(holds(&left.value, *comparison, &right.value)));
                    }
                }
                Ok(all)
            }
            Expression::List(None) => Ok(vec![made(Vec::<Value>::new())]),
            Expression::List(Some(inner)) => {
                let items = self.run(inner, input)?.into_iter().map(|found| found.value.into_owned());
                Ok(vec![made(items.collect::<Vec<Value>>())])
            }
            Expression::Each(of) => {
                let mut all = Vec::new();
                for found in self.run(of, input)? {
                    all.extend(children(&found).ok_or(Misfit)?);
                }
                Ok(all)
            }
            Expression::Key(of, key) => {
                let mut all = Vec::new();
                for found in self.run(of, input)? {
                    for key in self.run(key, input)? {
                        all.push(at(&found, &key.value)?);
                    }
                }
                Ok(all)
            }
            Expression::Slice(of, from, to) => {
                let mut all = Vec::new();
                for found in self.run(of, input)? {
                    let (from, to) = (self.bound(from.as_deref(), input)?, self.bound(to.as_deref(), input)?);
                    all.extend(slice(&found, from, to)?);
                }
                Ok(all)
            }
            Expression::Test(regex) => {
                let text = input.value.as_str().ok_or(Misfit)?;
                Ok(vec![made(regex.is_match(text))])
            }
            Expression::Call(function, arguments) => self.call(*function, arguments, input),
        }
    }

    /// `EXPRESSION?`: what one item does not fit, others still may.
    fn tried<'a>(&mut self, inner: &Expression, input: &Found<'a>) -> Outcome<'a> {
        let mut all = Vec::new();
        match inner {
            Expression::Each(of) => {
                for found in self.run(of, input)? {
                    all.extend(children(&found).unwrap_or_default());
                }
            }
            Expression::Key(of, key) => {
                for found in self.run(of, input)? {
                    for key in self.run(key, input)? {
                        all.extend(at(&found, &key.value).ok());
                    }
                }
            }
            _ => return self.run(inner, input).or_else(|misfit| self.within(misfit)),
        }
        Ok(all)
    }

    /// An error that `?` swallows; not that of the limit.
    fn within<'a>(&self, misfit: Misfit) -> Outcome<'a> {
        if self.steps > STEPS { Err(misfit) } else { Ok(Vec::new()) }
    }

    fn everything<'a>(&mut self, input: &Found<'a>, all: &mut Vec<Found<'a>>) -> Result<(), Misfit> {
        self.steps += 1;
        if self.steps > STEPS {
            return Err(Misfit);
        }
        all.push(input.clone());
        for child in children(input).unwrap_or_default() {
            self.everything(&child, all)?;
        }
        Ok(())
    }

    fn bound(&mut self, bound: Option<&Expression>, input: &Found<'_>) -> Result<Option<i64>, Misfit> {
        let Some(bound) = bound else { return Ok(None) };
        let found = self.run(bound, input)?;
        found.first().and_then(|found| found.value.as_i64()).map(Some).ok_or(Misfit)
    }

    fn call<'a>(&mut self, function: Function, arguments: &[Expression], input: &Found<'a>) -> Outcome<'a> {
        let value = &input.value;
        let one = |value: Value| Ok(vec![made(value)]);
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or(Misfit);
        match (function, arguments) {
            (Function::Select, [condition]) => {
                let chosen = self.run(condition, input)?;
                Ok(chosen.iter().filter(|found| is_true(&found.value)).map(|_| input.clone()).collect())
            }
            (Function::Not, _) => one(Value::Bool(!is_true(value))),
            (Function::Empty, _) => Ok(Vec::new()),
            (Function::Length, _) => one(length(value)?),
            (Function::Keys, _) => one(keys(value)?),
            (Function::Type, _) => one(Value::from(type_name(value))),
            (Function::ToText, _) => {
                one(Value::from(value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            }
            (Function::Lower, _) => one(Value::from(text(value)?.to_ascii_lowercase())),
            (Function::First, [of]) => Ok(self.run(of, input)?.into_iter().take(1).collect()),
            (Function::Any | Function::All, [condition]) => {
                let wanted = function == Function::Any;
                let mut seen = false;
                for child in children(input).ok_or(Misfit)? {
                    seen |= self.run(condition, &child)?.iter().any(|found| is_true(&found.value) == wanted);
                }
                one(Value::Bool(seen == wanted))
            }
            (Function::IsIn, [of]) => {
                let found = self.run(of, input)?;
                one(Value::Bool(found.iter().any(|found| found.value == *value)))
            }
            (_, [argument]) => {
                let mut all = Vec::new();
                for argument in self.run(argument, input)? {
                    let argument = &argument.value;
                    all.push(made(match function {
                        Function::Has => has(value, argument)?,
                        Function::StartsWith => text(value)?.starts_with(&text(argument)?),
                        Function::EndsWith => text(value)?.ends_with(&text(argument)?),
                        Function::Contains => contains(value, argument)?,
                        _ => return Err(Misfit),
                    }));
                }
                Ok(all)
            }
            _ => Err(Misfit),
        }
    }
}

fn below(path: &Option<Vec<Step>>, step: Step) -> Option<Vec<Step>> {
    let mut path = path.clone()?;
    path.push(step);
    Some(path)
}

/// The value of a map or list at a key; null when it is not there.
fn at<'a>(found: &Found<'a>, key: &Value) -> Result<Found<'a>, Misfit> {
    let (step, name, index) = match (key, &*found.value) {
        (Value::String(name), Value::Object(_) | Value::Null) => {
            (Step::Field(name.clone()), Some(name), None)
        }
        (Value::Number(number), Value::Array(items)) => {
            let number = number.as_i64().ok_or(Misfit)?;
            let length = i64::try_from(items.len()).map_err(|_large| Misfit)?;
            let number = if number < 0 { number + length } else { number };
            let index = usize::try_from(number).unwrap_or(usize::MAX);
            (Step::Index(index), None, Some(index))
        }
        (Value::Number(_), Value::Null) => (Step::Index(usize::MAX), None, Some(usize::MAX)),
        _ => return Err(Misfit),
    };
    let get = |value: &Value| match (name, index) {
        (Some(name), _) => value.get(name).cloned(),
        (_, Some(index)) => value.get(index).cloned(),
        _ => None,
    };
    let value = match &found.value {
        Cow::Borrowed(value) => {
            let value: &'a Value = value;
            let part = match (name, index) {
                (Some(name), _) => value.get(name),
                (_, Some(index)) => value.get(index),
                _ => None,
            };
            part.map_or(Cow::Owned(Value::Null), Cow::Borrowed)
        }
        Cow::Owned(value) => Cow::Owned(get(value).unwrap_or_default()),
    };
    Ok(Found { path: below(&found.path, step), value })
}

/// The items of a list or map; `None` of a scalar.
fn children<'a>(found: &Found<'a>) -> Option<Vec<Found<'a>>> {
    match &*found.value {
        Value::Array(items) => {
            let keys = (0..items.len()).map(Value::from);
            keys.map(|key| at(found, &key).ok()).collect()
        }
        Value::Object(fields) => {
            let keys = fields.keys().map(|name| Value::from(name.clone()));
            keys.map(|key| at(found, &key).ok()).collect()
        }
        _ => None,
    }
}

fn slice<'a>(found: &Found<'a>, from: Option<i64>, to: Option<i64>) -> Outcome<'a> {
    let Value::Array(items) = &*found.value else {
        return if found.value.is_null() { Ok(Vec::new()) } else { Err(Misfit) };
    };
    let length = i64::try_from(items.len()).map_err(|_large| Misfit)?;
    let place = |bound: i64| if bound < 0 { (bound + length).max(0) } else { bound.min(length) };
    let (from, to) = (place(from.unwrap_or(0)), place(to.unwrap_or(length)));
    (from..to).map(|index| at(found, &Value::from(index))).collect()
}

fn holds(left: &Value, comparison: Comparison, right: &Value) -> bool {
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
fn order(left: &Value, right: &Value) -> Ordering {
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
        (Value::Object(_), Value::Object(_)) if left == right => Ordering::Equal,
        (Value::Object(_), Value::Object(_)) => left.to_string().cmp(&right.to_string()),
        _ => rank(left).cmp(&rank(right)),
    }
}

fn length(value: &Value) -> Result<Value, Misfit> {
    Ok(match value {
        Value::Null => Value::from(0),
        Value::String(text) => Value::from(text.chars().count()),
        Value::Array(items) => Value::from(items.len()),
        Value::Object(fields) => Value::from(fields.len()),
        Value::Number(_) => value.clone(),
        Value::Bool(_) => return Err(Misfit),
    })
}

fn keys(value: &Value) -> Result<Value, Misfit> {
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

fn has(value: &Value, key: &Value) -> Result<bool, Misfit> {
    match (value, key) {
        (Value::Object(fields), Value::String(name)) => Ok(fields.contains_key(name)),
        (Value::Array(items), Value::Number(index)) => {
            Ok(index.as_u64().is_some_and(|index| index < items.len() as u64))
        }
        _ => Err(Misfit),
    }
}

fn contains(value: &Value, part: &Value) -> Result<bool, Misfit> {
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

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
