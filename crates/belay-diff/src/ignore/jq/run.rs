//! Evaluation: every result is a value and, where it stands in the object, the path to it.

mod calls;
mod compared;
mod matching;
mod parts;
mod places;
mod scope;
mod sorted;
mod values;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

use serde_json::Value;

use self::compared::holds;
use self::parts::{at, children, resolved, slice};
use self::scope::{Binding, Scope, bound, variable};
use self::values::{arithmetic, pairs, size};
use super::Step;
use super::parse::{Expression, Operator};

/// The most steps that one evaluation may take: some 0.2 s, and 100 MB for what it makes.
const STEPS: usize = 1_000_000;
/// The deepest nesting of one part of an expression, and of functions, in another.
const DEEPEST: usize = 2000;
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

/// Whether more results are wanted.
type Flow = Result<ControlFlow<()>, Misfit>;

/// What is done with each result.
type Take<'t, 'a> = &'t mut dyn FnMut(&mut Run, Found<'a>) -> Flow;

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
    /// All results.
    fn run<'a, 'e>(
        &mut self,
        expression: &'e Expression,
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
    ) -> Outcome<'a> {
        let mut all = Vec::new();
        let _all = self.each(expression, input, scope, &mut |_, found| {
            all.push(found);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(all)
    }

    /// Hands on one result after another, for as long as they are wanted.
    fn each<'a, 'e>(
        &mut self,
        expression: &'e Expression,
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
        take: Take<'_, 'a>,
    ) -> Flow {
        self.step(1)?;
        self.depth += 1;
        let flow = match self.depth > DEEPEST {
            true => Err(Misfit),
            false => stacker::maybe_grow(RED_ZONE, STACK, || {
                self.evaluate(expression, input, scope, &mut |run, found| {
                    run.step(found.weight())?;
                    // What takes it stands upon all that made it.
                    stacker::maybe_grow(RED_ZONE, STACK, || take(run, found))
                })
            }),
        };
        self.depth -= 1;
        flow
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
        take: Take<'_, 'a>,
    ) -> Flow {
        match expression {
            Expression::Identity => take(self, input.clone()),
            Expression::Literal(value) => take(self, made(value.clone())),
            Expression::Everything => self.everything(input, take),
            Expression::Variable(name) => {
                let value = variable(scope, name).ok_or(Misfit)?.clone();
                take(self, Found { path: None, value })
            }
            Expression::Pipe(first, then) => {
                self.each(first, input, scope, &mut |run, found| run.each(then, &found, scope, take))
            }
            Expression::Both(one, other) => {
                let flow = self.each(one, input, scope, take)?;
                if flow.is_break() { Ok(flow) } else { self.each(other, input, scope, take) }
            }
            Expression::Otherwise(one, other) => {
                let mut seen = false;
                let flow = self.each(one, input, scope, &mut |run, found| {
                    if !is_true(&found.value) {
                        return Ok(ControlFlow::Continue(()));
                    }
                    seen = true;
                    take(run, found)
                })?;
                if seen { Ok(flow) } else { self.each(other, input, scope, take) }
            }
            Expression::Logic(one, both, other) => self.each(one, input, scope, &mut |run, left| {
                if is_true(&left.value) != *both {
                    return take(run, made(!*both));
                }
                run.each(other, input, scope, &mut |run, right| take(run, made(is_true(&right.value))))
            }),
            Expression::Compare(one, comparison, other) => {
                self.each(other, input, scope, &mut |run, right| {
                    run.each(one, input, scope, &mut |run, left| {
                        run.step(size(&left.value).min(size(&right.value)))?;
                        take(run, made(holds(&left.value, *comparison, &right.value)))
                    })
                })
            }
            Expression::Arithmetic(one, operator, other) => {
                self.each(other, input, scope, &mut |run, right| {
                    run.each(one, input, scope, &mut |run, left| {
                        let result = run.calculated(&left.value, *operator, &right.value)?;
                        take(run, made(result))
                    })
                })
            }
            Expression::List(None) => take(self, made(Vec::<Value>::new())),
            Expression::List(Some(inner)) => {
                let found = self.run(inner, input, scope)?;
                let list = self.list(found)?;
                take(self, list)
            }
            Expression::Each(of) => {
                self.each(of, input, scope, &mut |run, found| run.give(children(&found).ok_or(Misfit)?, take))
            }
            Expression::Key(of, key) => self.each(of, input, scope, &mut |run, found| {
                run.each(key, input, scope, &mut |run, key| take(run, at(&found, &key.value)?))
            }),
            Expression::Slice(of, from, to) => self.each(of, input, scope, &mut |run, found| {
                let (from, to) = run.bounds(from, to, input, scope)?;
                take(run, slice(&found, from, to)?)
            }),
            Expression::Bind(source, name, body) => self.each(source, input, scope, &mut |run, found| {
                run.each(body, input, &bound(scope, Binding::Value(name, found.value)), take)
            }),
            Expression::If(condition, then, otherwise) => {
                self.each(condition, input, scope, &mut |run, found| match (is_true(&found.value), otherwise)
                {
                    (true, _) => run.each(then, input, scope, take),
                    (false, Some(otherwise)) => run.each(otherwise, input, scope, take),
                    (false, None) => take(run, input.clone()),
                })
            }
            Expression::Try(inner) => self.tried(inner, input, scope, take),
            Expression::Catch(body, catch) => match catch {
                None => self.caught(take, |run, take| run.each(body, input, scope, take)),
                Some(catch) => {
                    let mut failed = true;
                    let flow = self.caught(take, |run, take| {
                        let flow = run.each(body, input, scope, take);
                        failed = flow.is_err();
                        flow
                    })?;
                    // What went wrong is not told in words.
                    if failed { self.each(catch, &made(Value::Null), scope, take) } else { Ok(flow) }
                }
            },
            Expression::Define(definition, rest) => {
                self.each(rest, input, &bound(scope, Binding::Function(definition)), take)
            }
            Expression::Invoke(name, arguments) => self.invoke(name, arguments, input, scope, take),
            Expression::Call(function, arguments) => self.call(*function, arguments, input, scope, take),
            Expression::Foreach(fold) => self.foreach(fold, input, scope, take),
            Expression::Reduce(fold) => {
                let found = self.reduce(fold, input, scope)?;
                self.give(found, take)
            }
            Expression::Match(matching) => {
                let found = self.matching(matching, input, scope)?;
                self.give(found, take)
            }
            Expression::Text(parts) => {
                let found = self.text(parts, input, scope)?;
                self.give(found, take)
            }
            Expression::Map(entries) => {
                let found = self.map(entries, input, scope)?;
                self.give(found, take)
            }
        }
    }

    /// Hands on what is there.
    fn give<'a>(&mut self, found: Vec<Found<'a>>, take: Take<'_, 'a>) -> Flow {
        for found in found {
            if take(self, found)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn calculated(&mut self, left: &Value, operator: Operator, right: &Value) -> Result<Value, Misfit> {
        if operator == Operator::Subtract {
            self.step(pairs(left, right))?;
        }
        arithmetic(left, operator, right)
    }

    /// `EXPRESSION?`: of a path, it is about its last step.
    fn tried<'a, 'e>(
        &mut self,
        inner: &'e Expression,
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
        take: Take<'_, 'a>,
    ) -> Flow {
        match inner {
            Expression::Each(of) => self.each(of, input, scope, &mut |run, found| {
                run.give(children(&found).unwrap_or_default(), take)
            }),
            Expression::Key(of, key) => self.each(of, input, scope, &mut |run, found| {
                run.caught(take, |run, take| {
                    run.each(key, input, scope, &mut |run, key| take(run, at(&found, &key.value)?))
                })
            }),
            Expression::Slice(of, from, to) => self.each(of, input, scope, &mut |run, found| {
                run.caught(take, |run, take| {
                    let (from, to) = run.bounds(from, to, input, scope)?;
                    take(run, slice(&found, from, to)?)
                })
            }),
            _ => self.caught(take, |run, take| run.each(inner, input, scope, take)),
        }
    }

    /// What goes wrong ends the results and is no error; what takes them may still end with one, and so does the limit.
    fn caught<'a>(
        &mut self,
        take: Take<'_, 'a>,
        results: impl FnOnce(&mut Run, Take<'_, 'a>) -> Flow,
    ) -> Flow {
        let mut is_passed_on = false;
        let flow = results(self, &mut |run, found| {
            let flow = take(run, found);
            is_passed_on |= flow.is_err();
            flow
        });
        if flow.is_ok() || is_passed_on || self.steps > STEPS {
            return flow;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The input and what is below it.
    fn everything<'a>(&mut self, input: &Found<'a>, take: Take<'_, 'a>) -> Flow {
        self.step(input.weight())?;
        if take(self, input.clone())?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        for child in children(input).unwrap_or_default() {
            if self.everything(&child, take)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
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
