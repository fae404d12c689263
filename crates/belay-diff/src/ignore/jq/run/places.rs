//! Paths as values.

use std::ops::ControlFlow;

use serde_json::{Map, Value};

use super::parts::{at, children, parts};
use super::scope::Scope;
use super::values::size;
use super::{Flow, Found, Misfit, Run, Take, made};
use crate::ignore::jq::Step;
use crate::ignore::jq::parse::Expression;

impl Run {
    /// `getpath(P)`: the part at a path, and null where there is none.
    pub(super) fn get_path<'a, 'e>(
        &mut self,
        argument: &'e Expression,
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
        take: Take<'_, 'a>,
    ) -> Flow {
        self.each(argument, input, scope, &mut |run, path| {
            let mut found = input.clone();
            for step in path.value.as_array().ok_or(Misfit)? {
                run.step(found.weight())?;
                if found.value.is_string() {
                    return Err(Misfit);
                }
                found = at(&found, step)?;
            }
            take(run, found)
        })
    }

    /// `path(E)`: where that is what an expression names.
    pub(super) fn path_of<'a, 'e>(
        &mut self,
        argument: &'e Expression,
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
        take: Take<'_, 'a>,
    ) -> Flow {
        let start = Found { path: Some(Vec::new()), value: input.value.clone() };
        self.each(argument, &start, scope, &mut |run, found| {
            let path = written(found.path.as_ref().ok_or(Misfit)?)?;
            take(run, made(path))
        })
    }

    /// `paths`: of everything below the input that is wanted.
    pub(super) fn paths_below<'a>(
        &mut self,
        input: &Found<'a>,
        mut is_wanted: impl FnMut(&mut Run, &Found<'a>) -> Result<bool, Misfit>,
        take: Take<'_, 'a>,
    ) -> Flow {
        let start = Found { path: Some(Vec::new()), value: input.value.clone() };
        self.everything(&start, &mut |run, found| {
            let path = found.path.as_ref().ok_or(Misfit)?;
            if path.is_empty() || !is_wanted(run, &found)? {
                return Ok(ControlFlow::Continue(()));
            }
            let path = written(path)?;
            run.step(size(&path))?;
            take(run, made(path))
        })
    }

    /// `map_values(E)`: each value becomes the first result, or goes where there is none.
    pub(super) fn map_values<'a, 'e>(
        &mut self,
        argument: &'e Expression,
        input: &Found<'a>,
        scope: &Scope<'a, 'e>,
    ) -> Result<Found<'a>, Misfit> {
        let mut fields = Map::new();
        let mut items = Vec::new();
        let steps = parts(&input.value).ok_or(Misfit)?.into_iter().map(|(step, _)| step);
        for (step, child) in steps.zip(children(input).ok_or(Misfit)?) {
            let Some(first) = self.run(argument, &child, scope)?.into_iter().next() else { continue };
            match step {
                Step::Field(name) => {
                    fields.insert(name, first.value.into_owned());
                }
                _ => items.push(first.value.into_owned()),
            }
        }
        let result = if input.value.is_object() { Value::Object(fields) } else { Value::Array(items) };
        Ok(made(result))
    }
}

/// A path as a list of names and places.
fn written(path: &[Step]) -> Result<Value, Misfit> {
    let steps = path.iter().map(|step| match step {
        Step::Field(name) => Ok(Value::from(name.clone())),
        // No list is that long: it is a place that is not there.
        Step::Index(usize::MAX) => Err(Misfit),
        Step::Index(place) => Ok(Value::from(*place)),
        Step::Slice(from, to) => Ok(serde_json::json!({"start": from, "end": to})),
    });
    steps.collect()
}
