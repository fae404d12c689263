//! Evaluation: every result is a value and, where it stands in the object, the path to it.

mod calls;
mod matching;
mod parts;
mod places;
mod scope;
mod sorted;
mod values;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use self::parts::{at, children, resolved, slice};
use self::scope::{Binding, Scope, bound, variable};
use self::values::{arithmetic, pairs, size};
use super::Step;
use super::parse::{Comparison, Expression, Operator};

/// The most steps that one evaluation may take: some 0.2 s, and 100 MB for what it makes.
const STEPS: usize = 1_000_000;
/// The deepest nesting of one part of an expression, and of functions, in another.
const DEEPEST: usize = 400;
/// Where so many bytes of stack are left, more is taken. One level needs less.
const RED_ZONE: usize = 128 * 1024;
/// How many bytes are taken.
const STACK: usize = 1024 * 1024;

/// A result: a value, and its path if it is a part of the object.
#[derive(Clone)]
struct Found<'a> {
    path: Option<Vec<Step>>,
    value: Cow<'a, Value>,
}

impl Found<'_> {
    /// How many steps it counts for to have this.
    fn weight(&self) -> usize {
        let path = self.path.as_ref().map_or(0, Vec::len);
        let made = match &self.value {
            Cow::Borrowed(_) => 0,
            Cow::Owned(value) => size(value),
        };
        1 + path / 4 + made
    }
}

/// Why there is no result: jq would say an error here.
struct Misfit;

type Outcome<'a> = Result<Vec<Found<'a>>, Misfit>;

/// The paths that an expression names in a value; `None` when jq would end with an error.
pub(super) fn paths(expression: &Expression, value: &Value) -> Option<Vec<Vec<Step>>> {
    let start = Found { path: Some(Vec::new()), value: Cow::Borrowed(value) };
    let found = Run { steps: 0, depth: 0 }.run(expression, &start, &None).ok()?;
    let named: Vec<Vec<Step>> = found.into_iter().map(|found| found.path).collect::<Option<_>>()?;
    let mut gone: BTreeSet<&[Step]> = BTreeSet::new();
    let mut all = Vec::new();
    for path in &named {
        match resolved(path, value) {
            Ok(paths) => all.extend(paths),
            // What holds it was taken out before, as gojq sees it.
            Err(Misfit) if (0..path.len()).any(|length| gone.contains(&path[..length])) => {}
            Err(Misfit) => return None,
        }
        gone.insert(path);
    }
    Some(all)
}

fn made<'a>(value: impl Into<Value>) -> Found<'a> {
    Found { path: None, value: Cow::Owned(value.into()) }
}

fn is_true(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

struct Run {
    steps: usize,
    depth: usize,
}

impl Run {
    fn run<'a, 'e>(
        &mut self,
        expression: &'e Expression,
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
    ) -> Outcome<'a> {
        self.step(1)?;
        self.depth += 1;
        let found = match self.depth > DEEPEST {
            true => Err(Misfit),
            false => stacker::maybe_grow(RED_ZONE, STACK, || self.evaluate(expression, input, scope)),
        };
        self.depth -= 1;
        let found = found?;
        self.step(found.iter().map(Found::weight).sum())?;
        Ok(found)
    }

    /// Counts work, and what was made of it.
    fn step(&mut self, count: usize) -> Result<(), Misfit> {
        self.steps = self.steps.saturating_add(count);
        if self.steps > STEPS { Err(Misfit) } else { Ok(()) }
    }

    fn evaluate<'a, 'e>(
        &mut self,
        expression: &'e Expression,
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
    ) -> Outcome<'a> {
        match expression {
            Expression::Identity => Ok(vec![input.clone()]),
            Expression::Literal(value) => Ok(vec![made(value.clone())]),
            Expression::Everything => self.everything(input),
            Expression::Try(inner) => self.tried(inner, input, scope),
            Expression::Pipe(first, then) => {
                let mut all = Vec::new();
                for found in self.run(first, input, scope)? {
                    all.extend(self.run(then, &found, scope)?);
                }
                Ok(all)
            }
            Expression::Both(one, other) => {
                let mut all = self.run(one, input, scope)?;
                all.extend(self.run(other, input, scope)?);
                Ok(all)
            }
            Expression::Otherwise(one, other) => {
                let mut found = self.run(one, input, scope)?;
                found.retain(|found| is_true(&found.value));
                if found.is_empty() { self.run(other, input, scope) } else { Ok(found) }
            }
            Expression::Logic(one, both, other) => {
                let mut all = Vec::new();
                for left in self.run(one, input, scope)? {
                    if is_true(&left.value) == *both {
                        let rest = self.run(other, input, scope)?;
                        all.extend(rest.iter().map(|right| made(is_true(&right.value))));
                    } else {
                        all.push(made(!*both));
                    }
                }
                Ok(all)
            }
            Expression::Compare(one, comparison, other) => {
                let mut all = Vec::new();
                for right in self.run(other, input, scope)? {
                    for left in self.run(one, input, scope)? {
                        self.step(size(&left.value).min(size(&right.value)))?;
                        all.push(made(holds(&left.value, *comparison, &right.value)));
                    }
                }
                Ok(all)
            }
            Expression::List(None) => Ok(vec![made(Vec::<Value>::new())]),
            Expression::List(Some(inner)) => {
                let found = self.run(inner, input, scope)?;
                self.list(found).map(|list| vec![list])
            }
            Expression::Each(of) => {
                let mut all = Vec::new();
                for found in self.run(of, input, scope)? {
                    all.extend(children(&found).ok_or(Misfit)?);
                }
                Ok(all)
            }
            Expression::Key(of, key) => {
                let mut all = Vec::new();
                for found in self.run(of, input, scope)? {
                    for key in self.run(key, input, scope)? {
                        all.push(at(&found, &key.value)?);
                    }
                }
                Ok(all)
            }
            Expression::Slice(of, from, to) => {
                let mut all = Vec::new();
                for found in self.run(of, input, scope)? {
                    let (from, to) = self.bounds(from, to, input, scope)?;
                    all.push(slice(&found, from, to)?);
                }
                Ok(all)
            }
            Expression::Match(matching) => self.matching(matching, input, scope),
            Expression::Text(parts) => self.text(parts, input, scope),
            Expression::Call(function, arguments) => self.call(*function, arguments, input, scope),
            Expression::Variable(name) => variable(scope, name)
                .map(|value| vec![Found { path: None, value: value.clone() }])
                .ok_or(Misfit),
            Expression::Bind(source, name, body) => {
                let mut all = Vec::new();
                for found in self.run(source, input, scope)? {
                    let inner = bound(scope, Binding::Value(name, found.value));
                    all.extend(self.run(body, input, &inner)?);
                }
                Ok(all)
            }
            Expression::Reduce(fold) => self.reduce(fold, input, scope),
            Expression::Foreach(fold) => self.foreach(fold, input, scope),
            Expression::If(condition, then, otherwise) => {
                let mut all = Vec::new();
                for found in self.run(condition, input, scope)? {
                    match (is_true(&found.value), otherwise) {
                        (true, _) => all.extend(self.run(then, input, scope)?),
                        (false, Some(otherwise)) => all.extend(self.run(otherwise, input, scope)?),
                        (false, None) => all.push(input.clone()),
                    }
                }
                Ok(all)
            }
            Expression::Catch(body, catch) => match (self.run(body, input, scope), catch) {
                (Err(misfit), None) => self.within(misfit),
                (Err(misfit), Some(catch)) => {
                    self.within(misfit)?;
                    // What went wrong is not told in words.
                    self.run(catch, &made(Value::Null), scope)
                }
                (found, _) => found,
            },
            Expression::Define(definition, rest) => {
                self.run(rest, input, &bound(scope, Binding::Function(definition)))
            }
            Expression::Invoke(name, arguments) => self.invoke(name, arguments, input, scope),
            Expression::Arithmetic(one, operator, other) => {
                let mut all = Vec::new();
                for right in self.run(other, input, scope)? {
                    for left in self.run(one, input, scope)? {
                        if *operator == Operator::Subtract {
                            self.step(pairs(&left.value, &right.value))?;
                        }
                        let result = arithmetic(&left.value, *operator, &right.value)?;
                        self.step(size(&result))?;
                        all.push(made(result));
                    }
                }
                Ok(all)
            }
            Expression::Map(entries) => self.map(entries, input, scope),
        }
    }

    /// `EXPRESSION?`: what one item does not fit, others still may.
    fn tried<'a, 'e>(
        &mut self,
        inner: &'e Expression,
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
    ) -> Outcome<'a> {
        let mut all = Vec::new();
        match inner {
            Expression::Each(of) => {
                for found in self.run(of, input, scope)? {
                    all.extend(children(&found).unwrap_or_default());
                }
            }
            Expression::Key(of, key) => {
                for found in self.run(of, input, scope)? {
                    for key in self.run(key, input, scope).or_else(|misfit| self.within(misfit))? {
                        all.extend(at(&found, &key.value).ok());
                    }
                }
            }
            Expression::Slice(of, from, to) => {
                for found in self.run(of, input, scope)? {
                    let (from, to) = self.bounds(from, to, input, scope)?;
                    all.extend(slice(&found, from, to).ok());
                }
            }
            _ => return self.run(inner, input, scope).or_else(|misfit| self.within(misfit)),
        }
        Ok(all)
    }

    /// An error that `?` swallows; not that of the limit.
    fn within<'a>(&self, misfit: Misfit) -> Outcome<'a> {
        if self.steps > STEPS { Err(misfit) } else { Ok(Vec::new()) }
    }

    /// The input and what is below it.
    fn everything<'a>(&mut self, input: &Found<'a>) -> Outcome<'a> {
        let mut all = Vec::new();
        self.descend(input, &mut all)?;
        Ok(all)
    }

    fn descend<'a>(&mut self, input: &Found<'a>, all: &mut Vec<Found<'a>>) -> Result<(), Misfit> {
        self.step(input.weight())?;
        all.push(input.clone());
        for child in children(input).unwrap_or_default() {
            self.descend(&child, all)?;
        }
        Ok(())
    }

    fn bounds<'a, 'e>(
        &mut self,
        from: &'e Option<Box<Expression>>,
        to: &'e Option<Box<Expression>>,
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
    ) -> Result<(Option<i64>, Option<i64>), Misfit> {
        let to = self.bound(to, input, scope)?.map(f64::ceil);
        let from = self.bound(from, input, scope)?.map(f64::floor);
        Ok((from.map(|bound| bound as i64), to.map(|bound| bound as i64)))
    }

    fn bound<'a, 'e>(
        &mut self,
        bound: &'e Option<Box<Expression>>,
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
    ) -> Result<Option<f64>, Misfit> {
        let Some(bound) = bound else { return Ok(None) };
        let found = self.run(bound, input, scope)?;
        match found.as_slice() {
            [found] if found.value.is_null() => Ok(None),
            [found] => found.value.as_f64().map(Some).ok_or(Misfit),
            _ => Err(Misfit),
        }
    }
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
        (Value::Object(left), Value::Object(right)) => {
            let names = |fields: &Map<String, Value>| fields.keys().cloned().collect::<BTreeSet<_>>();
            let known = names(left);
            let values = known.iter().map(|name| order(&left[name], right.get(name).unwrap_or(&Value::Null)));
            known.cmp(&names(right)).then_with(|| values.fold(Ordering::Equal, Ordering::then))
        }
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
        (Value::Null, Value::String(_) | Value::Number(_)) => Ok(false),
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
