//! Functions: those that everybody knows, and those that the expression defines.

use std::ops::ControlFlow;

use serde_json::{Map, Value};

use super::compared::{contains, has, keys, length, order, type_name};
use super::parts::{at, children, parts};
use super::scope::{Binding, Scope, bound, callable};
use super::values::{arithmetic, flat, indices, number, pairs, size, split};
use super::{Flow, Found, Misfit, Outcome, Run, Take, is_true, made};
use crate::ignore::jq::formats::{json, plain};
use crate::ignore::jq::functions::Function;
use crate::ignore::jq::parse::{Expression, Fold, Operator};

impl Run {
    /// A list of what was found.
    pub(super) fn list<'a>(&mut self, found: Vec<Found<'a>>) -> Result<Found<'a>, Misfit> {
        let mut items = Vec::with_capacity(found.len());
        for found in found {
            self.step(size(&found.value))?;
            items.push(found.value.into_owned());
        }
        Ok(made(items))
    }

    /// `{A: B}`: one map for each way to choose among the results.
    pub(super) fn map<'a, 'e>(
        &mut self,
        entries: &'e [(Expression, Expression)],
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
    ) -> Outcome<'a> {
        let mut maps = vec![Map::new()];
        for (key, value) in entries {
            let (keys, values) = (self.run(key, input, scope)?, self.run(value, input, scope)?);
            let mut longer = Vec::new();
            for map in &maps {
                for key in &keys {
                    let key = key.value.as_str().ok_or(Misfit)?;
                    for value in &values {
                        self.step(1 + map.len() + size(&value.value))?;
                        let mut map: Map<String, Value> = map.clone();
                        map.insert(key.to_owned(), value.value.clone().into_owned());
                        longer.push(map);
                    }
                }
            }
            maps = longer;
        }
        Ok(maps.into_iter().map(|map| made(Value::Object(map))).collect())
    }

    pub(super) fn reduce<'a, 'e>(
        &mut self,
        fold: &'e Fold,
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
    ) -> Outcome<'a> {
        let items = self.run(&fold.source, input, scope)?;
        let mut all = Vec::new();
        for start in self.run(&fold.start, input, scope)? {
            // jq knows no place of what was folded.
            let mut state = Some(if items.is_empty() { start } else { Found { path: None, ..start } });
            for item in &items {
                let inner = bound(scope, Binding::Value(&fold.name, item.value.clone()));
                let before = state.take().unwrap_or_else(|| made(Value::Null));
                state = self.run(&fold.update, &before, &inner)?.pop();
            }
            all.push(state.unwrap_or_else(|| made(Value::Null)));
        }
        Ok(all)
    }

    pub(super) fn foreach<'a, 'e>(
        &mut self,
        fold: &'e Fold,
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
        take: Take<'_, 'a>,
    ) -> Flow {
        self.each(&fold.start, input, scope, &mut |run, start| {
            // jq knows no place of what was folded.
            let mut state = Found { path: None, ..start };
            run.each(&fold.source, input, scope, &mut |run, item| {
                let inner = bound(scope, Binding::Value(&fold.name, item.value));
                let before = state.clone();
                run.each(&fold.update, &before, &inner, &mut |run, next| {
                    state = next.clone();
                    match &fold.extract {
                        Some(extract) => run.each(extract, &next, &inner, take),
                        None => take(run, next),
                    }
                })
            })
        })
    }

    /// A function that the expression defines, or an argument of one.
    pub(super) fn invoke<'a, 'e>(
        &mut self,
        name: &str,
        arguments: &'e [Expression],
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
        take: Take<'_, 'a>,
    ) -> Flow {
        let link = callable(scope, name, arguments.len()).ok_or(Misfit)?;
        match &link.binding {
            Binding::Argument(_, body, known) => self.each(body, input, known, take),
            Binding::Function(definition) => {
                // It knows itself, so that it can go on by calling itself.
                let mut inner = Some(link.clone());
                for (parameter, argument) in definition.parameters.iter().zip(arguments) {
                    inner = bound(&inner, Binding::Argument(parameter, argument, scope.clone()));
                }
                self.each(&definition.body, input, &inner, take)
            }
            Binding::Value(..) => Err(Misfit),
        }
    }

    pub(super) fn call<'a, 'e>(
        &mut self,
        function: Function,
        arguments: &'e [Expression],
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
        take: Take<'_, 'a>,
    ) -> Flow {
        match arguments {
            [] => self.call_alone(function, input, take),
            [argument] => self.call_with(function, argument, input, scope, take),
            [one, other] => self.call_with_two(function, one, other, input, scope, take),
            _ => Err(Misfit),
        }
    }

    fn call_alone<'a>(&mut self, function: Function, input: &Found<'a>, take: Take<'_, 'a>) -> Flow {
        let value = &*input.value;
        let is_kept = match function {
            Function::Empty => false,
            Function::Each => !value.is_null(),
            Function::OfType(types) => types.contains(&type_name(value)),
            Function::Error => return Err(Misfit),
            Function::First => return take(self, at(input, &Value::from(0))?),
            Function::Last => return take(self, at(input, &Value::from(-1))?),
            Function::Recurse => return self.everything(input, take),
            Function::Paths => return self.paths_below(input, |_, _| Ok(true), take),
            Function::Not => return take(self, made(!is_true(value))),
            Function::Type => return take(self, made(type_name(value))),
            _ => {
                self.step(size(value))?;
                let result = self.made_of(function, value)?;
                return take(self, made(result));
            }
        };
        if is_kept { take(self, input.clone()) } else { Ok(ControlFlow::Continue(())) }
    }

    /// What a function makes of its whole input.
    fn made_of(&mut self, function: Function, value: &Value) -> Result<Value, Misfit> {
        let text = || value.as_str().ok_or(Misfit);
        let items = || value.as_array().ok_or(Misfit);
        Ok(match function {
            Function::Length => length(value)?,
            Function::Keys => keys(value)?,
            Function::ToText => Value::from(plain(value)),
            Function::Format(format) => Value::from(format.write(value).ok_or(Misfit)?),
            Function::ToNumber => match value {
                Value::String(text) => number(text.trim().parse().map_err(|_no_number| Misfit)?)?,
                Value::Number(_) => value.clone(),
                _ => return Err(Misfit),
            },
            Function::Lower => Value::from(text()?.to_ascii_lowercase()),
            Function::Upper => Value::from(text()?.to_ascii_uppercase()),
            Function::Any => Value::Bool(parts(value).ok_or(Misfit)?.iter().any(|(_, part)| is_true(part))),
            Function::All => Value::Bool(parts(value).ok_or(Misfit)?.iter().all(|(_, part)| is_true(part))),
            Function::Add => {
                let mut sum = Value::Null;
                for (_, item) in parts(value).ok_or(Misfit)? {
                    sum = arithmetic(&sum, Operator::Add, item)?;
                    self.step(size(&sum))?;
                }
                sum
            }
            Function::Reverse => items()?.iter().rev().cloned().collect(),
            Function::Sort | Function::Unique => {
                let mut sorted = items()?.clone();
                sorted.sort_by(order);
                if function == Function::Unique {
                    sorted.dedup_by(|other, one| order(one, other).is_eq());
                }
                Value::Array(sorted)
            }
            Function::Min => {
                items()?.iter().min_by(|one, other| order(one, other)).cloned().unwrap_or_default()
            }
            Function::Max => {
                items()?.iter().max_by(|one, other| order(one, other)).cloned().unwrap_or_default()
            }
            Function::Entries => entries(value)?,
            Function::Flatten => flat(value, f64::INFINITY)?,
            Function::Floor => number(value.as_f64().ok_or(Misfit)?.floor())?,
            Function::Ceil => number(value.as_f64().ok_or(Misfit)?.ceil())?,
            Function::Round => number(value.as_f64().ok_or(Misfit)?.round())?,
            Function::Abs => number(value.as_f64().ok_or(Misfit)?.abs())?,
            Function::ToJson => Value::from(json(value)),
            Function::FromJson => serde_json::from_str(text()?).map_err(|_no_json| Misfit)?,
            Function::Trim => Value::from(text()?.trim_ascii()),
            Function::TrimLeft => Value::from(text()?.trim_ascii_start()),
            Function::TrimRight => Value::from(text()?.trim_ascii_end()),
            Function::FromEntries => from_entries(value)?,
            _ => return Err(Misfit),
        })
    }

    fn call_with<'a, 'e>(
        &mut self,
        function: Function,
        argument: &'e Expression,
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
        take: Take<'_, 'a>,
    ) -> Flow {
        match function {
            Function::Select => self.each(argument, input, scope, &mut |run, chosen| {
                if is_true(&chosen.value) { take(run, input.clone()) } else { Ok(ControlFlow::Continue(())) }
            }),
            Function::First => self.first(1, argument, input, scope, take),
            // A value and no place, as jq makes it by `reduce`.
            Function::Last => {
                let last = self.run(argument, input, scope)?.pop();
                self.give(last.into_iter().map(|last| Found { path: None, ..last }).collect(), take)
            }
            Function::Any | Function::All => {
                let wanted = function == Function::Any;
                let mut seen = false;
                for child in children(input).ok_or(Misfit)? {
                    seen = seen || self.is_any(wanted, argument, &child, scope)?;
                }
                take(self, made(seen == wanted))
            }
            Function::IsIn => {
                let mut seen = false;
                let value = &*input.value;
                let _found = self.each(argument, input, scope, &mut |run, found| {
                    run.step(size(value).min(size(&found.value)))?;
                    seen = *found.value == *value;
                    Ok(if seen { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
                })?;
                take(self, made(seen))
            }
            Function::Map => {
                let mut all = Vec::new();
                for child in children(input).ok_or(Misfit)? {
                    all.extend(self.run(argument, &child, scope)?);
                }
                let list = self.list(all)?;
                take(self, list)
            }
            Function::WithEntries => {
                let mut all = Vec::new();
                for entry in children(&made(entries(&input.value)?)).ok_or(Misfit)? {
                    all.extend(self.run(argument, &entry, scope)?);
                }
                let list = self.list(all)?;
                take(self, made(from_entries(&list.value)?))
            }
            Function::Recurse | Function::Repeat => {
                let mut waiting = vec![input.clone()];
                while let Some(next) = waiting.pop() {
                    self.step(next.weight())?;
                    if take(self, next.clone())?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                    let mut below = self.run(argument, &next, scope)?;
                    below.reverse();
                    waiting.extend(below);
                }
                Ok(ControlFlow::Continue(()))
            }
            Function::Range => self.each(argument, input, scope, &mut |run, end| {
                run.range(0.0, end.value.as_f64().ok_or(Misfit)?, take)
            }),
            Function::Error => Err(Misfit),
            Function::IsEmpty => {
                let mut is_empty = true;
                let _first = self.each(argument, input, scope, &mut |_, _| {
                    is_empty = false;
                    Ok(ControlFlow::Break(()))
                })?;
                take(self, made(is_empty))
            }
            Function::SortBy | Function::GroupBy | Function::UniqueBy | Function::MinBy | Function::MaxBy => {
                let sorted = self.sorted_by(function, argument, input, scope)?;
                take(self, sorted)
            }
            Function::MapValues => {
                let values = self.map_values(argument, input, scope)?;
                take(self, values)
            }
            Function::GetPath => self.get_path(argument, input, scope, take),
            Function::PathOf => self.path_of(argument, input, scope, take),
            Function::Paths => {
                self.paths_below(input, |run, found| run.is_any(true, argument, found, scope), take)
            }
            Function::Nth => {
                self.each(argument, input, scope, &mut |run, place| take(run, at(input, &place.value)?))
            }
            _ => self.each(argument, input, scope, &mut |run, argument| {
                let (value, argument) = (&*input.value, &*argument.value);
                run.step(match function {
                    Function::Has | Function::In => 1,
                    _ => size(value) + size(argument) + pairs(value, argument),
                })?;
                take(run, made(of_two(function, value, argument)?))
            }),
        }
    }

    /// Whether one of the results is true, or false.
    fn is_any<'a, 'e>(
        &mut self,
        wanted: bool,
        argument: &'e Expression,
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
    ) -> Result<bool, Misfit> {
        let mut seen = false;
        let _found = self.each(argument, input, scope, &mut |_, found| {
            seen = is_true(&found.value) == wanted;
            Ok(if seen { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok(seen)
    }

    /// So many results; what comes after them is not asked for.
    fn first<'a, 'e>(
        &mut self,
        mut count: usize,
        argument: &'e Expression,
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
        take: Take<'_, 'a>,
    ) -> Flow {
        if count == 0 {
            return Ok(ControlFlow::Continue(()));
        }
        let mut flow = ControlFlow::Continue(());
        let _found = self.each(argument, input, scope, &mut |run, found| {
            count -= 1;
            flow = take(run, found)?;
            Ok(if count == 0 { ControlFlow::Break(()) } else { flow })
        })?;
        Ok(flow)
    }

    fn call_with_two<'a, 'e>(
        &mut self,
        function: Function,
        one: &'e Expression,
        other: &'e Expression,
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
        take: Take<'_, 'a>,
    ) -> Flow {
        match function {
            Function::AnyOf | Function::AllOf => {
                let wanted = function == Function::AnyOf;
                let mut seen = false;
                let _found = self.each(one, input, scope, &mut |run, found| {
                    seen = run.is_any(wanted, other, &found, scope)?;
                    Ok(if seen { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
                })?;
                take(self, made(seen == wanted))
            }
            Function::Limit => self.each(one, input, scope, &mut |run, count| {
                let count = count.value.as_u64().and_then(|count| usize::try_from(count).ok());
                run.first(count.unwrap_or(0), other, input, scope, take)
            }),
            Function::Nth => self.each(one, input, scope, &mut |run, place| {
                let place = place.value.as_u64().and_then(|place| usize::try_from(place).ok());
                let mut before = place.ok_or(Misfit)?;
                let mut flow = ControlFlow::Continue(());
                let _found = run.each(other, input, scope, &mut |run, found| {
                    if before > 0 {
                        before -= 1;
                        return Ok(ControlFlow::Continue(()));
                    }
                    flow = take(run, found)?;
                    Ok(ControlFlow::Break(()))
                })?;
                Ok(flow)
            }),
            Function::Range => self.each(one, input, scope, &mut |run, start| {
                run.each(other, input, scope, &mut |run, end| {
                    let bound = |found: &Found<'_>| found.value.as_f64().ok_or(Misfit);
                    run.range(bound(&start)?, bound(&end)?, take)
                })
            }),
            Function::While | Function::Until => {
                let mut waiting = vec![input.clone()];
                while let Some(next) = waiting.pop() {
                    self.step(next.weight())?;
                    let holds = self.is_any(true, one, &next, scope)?;
                    if holds && take(self, next.clone())?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                    if holds == (function == Function::While) {
                        let mut below = self.run(other, &next, scope)?;
                        below.reverse();
                        waiting.extend(below);
                    }
                }
                Ok(ControlFlow::Continue(()))
            }
            _ => Err(Misfit),
        }
    }

    fn range<'a>(&mut self, start: f64, end: f64, take: Take<'_, 'a>) -> Flow {
        let mut next = start;
        while next < end {
            self.step(1)?;
            if take(self, made(number(next)?))?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            next += 1.0;
        }
        Ok(ControlFlow::Continue(()))
    }
}

fn of_two(function: Function, value: &Value, argument: &Value) -> Result<Value, Misfit> {
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or(Misfit);
    let cut = |cut: Option<&str>| cut.map_or_else(|| value.clone(), Value::from);
    Ok(match function {
        Function::Has => Value::Bool(has(value, argument)?),
        Function::In => Value::Bool(has(argument, value)?),
        Function::StartsWith => Value::Bool(text(value)?.starts_with(&text(argument)?)),
        Function::EndsWith => Value::Bool(text(value)?.ends_with(&text(argument)?)),
        Function::Contains => Value::Bool(contains(value, argument)?),
        Function::Inside => Value::Bool(contains(argument, value)?),
        Function::Flatten => flat(value, argument.as_f64().ok_or(Misfit)?)?,
        Function::Indices => indices(value, argument)?,
        Function::Index => indices(value, argument)?.get(0).cloned().unwrap_or_default(),
        Function::LastIndex => {
            let all = indices(value, argument)?;
            all.as_array().and_then(|all| all.last()).cloned().unwrap_or_default()
        }
        Function::Split => split(&text(value)?, &text(argument)?),
        Function::TrimStart => cut(text(value)?.strip_prefix(&text(argument)?)),
        Function::TrimEnd => cut(text(value)?.strip_suffix(&text(argument)?)),
        Function::Join => {
            let parts = value.as_array().ok_or(Misfit)?.iter().map(|part| match part {
                Value::Null => Ok(String::new()),
                Value::String(text) => Ok(text.clone()),
                Value::Bool(_) | Value::Number(_) => Ok(part.to_string()),
                Value::Array(_) | Value::Object(_) => Err(Misfit),
            });
            Value::from(parts.collect::<Result<Vec<_>, _>>()?.join(&text(argument)?))
        }
        _ => return Err(Misfit),
    })
}

fn entries(value: &Value) -> Result<Value, Misfit> {
    let mut fields: Vec<(&String, &Value)> = value.as_object().ok_or(Misfit)?.iter().collect();
    fields.sort_by_key(|(name, _)| *name);
    Ok(fields.into_iter().map(|(key, value)| serde_json::json!({"key": key, "value": value})).collect())
}

fn from_entries(value: &Value) -> Result<Value, Misfit> {
    let mut fields = Map::new();
    for entry in value.as_array().ok_or(Misfit)? {
        let either =
            |names: &[&str]| names.iter().find_map(|name| entry.get(name)).cloned().unwrap_or_default();
        let key = match either(&["key", "k", "name", "Name", "Key", "K"]) {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            _ => return Err(Misfit),
        };
        fields.insert(key, either(&["value", "v", "Value", "V"]));
    }
    Ok(Value::Object(fields))
}
