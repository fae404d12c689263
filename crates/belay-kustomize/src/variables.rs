//! `vars`: values of fields put in place of `$(NAME)`. Of old; `replacements` does more.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::{During, Error};
use crate::explain::Cause;
use crate::field_lookup;
use crate::field_path::{self, Create};
use crate::id::{FieldSpec, Gvk, ResourceId};
use crate::kustomization::Variable;
use crate::resource::Resource;
use crate::resources::Resources;

/// The variables of a build by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Variables(BTreeMap<String, Declared>);

/// A variable and where it was declared.
#[derive(Debug, Clone)]
struct Declared {
    variable: Variable,
    /// What declares it.
    cause: Cause,
}

/// What variables stand for.
pub(crate) type Values = BTreeMap<String, Value>;

impl Variables {
    /// Adds variables and marks the objects they read, by the names they have at this point.
    pub(crate) fn add(
        &mut self,
        added: &[Variable],
        cause: impl Fn(usize, &str) -> Cause,
        resources: &mut Resources,
    ) -> Result<(), Error> {
        for (number, variable) in added.iter().enumerate() {
            if let Some(at) = target_of(variable, resources)? {
                resources.content_mut(at).variables.push(variable.name.clone());
            }
            let cause = cause(number, &variable.name);
            self.insert(Declared { variable: variable.clone(), cause })?;
        }
        Ok(())
    }

    pub(crate) fn merge(&mut self, other: Variables) -> Result<(), Error> {
        other.0.into_values().try_for_each(|variable| self.insert(variable))
    }

    fn insert(&mut self, declared: Declared) -> Result<(), Error> {
        let name = declared.variable.name.clone();
        match self.0.insert(name.clone(), declared) {
            None => Ok(()),
            Some(_) => Err(Error::rule(format!("var '{name}' already encountered"))),
        }
    }

    /// Puts the values in place, in the fields the configuration names.
    pub(crate) fn resolve(&self, resources: &mut Resources, fields: &[FieldSpec]) -> Result<Values, Error> {
        if self.0.is_empty() {
            return Ok(Values::new());
        }
        let values = self.values(resources)?;
        for at in 0..resources.len() {
            let resource = resources.content_mut(at);
            let gvk = resource.gvk();
            for field in fields.iter().filter(|field| field.selects(&gvk)) {
                let replace = &mut |value: &mut Value| replace_in(value, &values);
                let result = field_path::visit(&mut resource.object, &gvk, field, Create::Never, replace);
                result.during(|| format!("replacing vars of {}", resource.id()))?;
                resource.untyped.retain(|path| !is_below(path, &field.path));
            }
        }
        Ok(values)
    }

    /// What becomes of a value, one variable after another, and where each was declared.
    pub(crate) fn steps(&self, value: &Value, values: &Values) -> Vec<(Cause, Value)> {
        let mut known = Values::new();
        let mut steps: Vec<(Cause, Value)> = Vec::new();
        for (name, Declared { cause, .. }) in &self.0 {
            let Some(own) = values.get(name).filter(|_| names(value, name)) else { continue };
            known.insert(name.clone(), own.clone());
            let mut replaced = value.clone();
            replace_below(&mut replaced, &known);
            steps.push((cause.clone(), replaced));
        }
        steps
    }

    fn values(&self, resources: &Resources) -> Result<Values, Error> {
        let mut values = Values::new();
        for (name, Declared { variable, .. }) in &self.0 {
            let marked = |resource: &&Resource| resource.variables.contains(name);
            let Some(resource) = resources.iter().find(marked) else {
                return Err(Error::rule(format!(
                    "var '{name}' cannot be mapped to a field in the set of known resources"
                )));
            };
            let path = if variable.fieldref.fieldpath.is_empty() {
                "metadata.name"
            } else {
                &variable.fieldref.fieldpath
            };
            let found = field_lookup::get(&resource.object, &with_indexes(path))?;
            let value = found.ok_or_else(|| {
                Error::rule(format!(
                    "field '{path}' specified in var '{name}' not found in {}",
                    resource.id()
                ))
            })?;
            values.insert(name.clone(), value.clone());
        }
        Ok(values)
    }
}

/// Whether a dotted path leads to a place, or into it: what is looked at there stays a text.
fn is_below(path: &str, place: &str) -> bool {
    let names = field_lookup::split(path);
    let mut names = names.iter();
    let mut place = place.split('/').map(|name| name.trim_end_matches("[]"));
    place.all(|name| names.next().is_some_and(|own| own == name))
}

fn target_of(variable: &Variable, resources: &mut Resources) -> Result<Option<usize>, Error> {
    let target = &variable.objref;
    let gvk = if target.api_version.is_empty() {
        Gvk { group: target.group.clone(), version: target.version.clone(), kind: target.kind.clone() }
    } else {
        Gvk::of(&target.api_version, &target.kind)
    };
    let any_namespace = target.namespace.is_empty() && !gvk.is_cluster_scoped();
    let id = ResourceId::new(gvk, &target.name, &target.namespace);
    let found = if any_namespace {
        let same = |other: ResourceId| other.gvk == id.gvk && other.name == id.name;
        let means = |resource: &Resource| resource.previous_ids().any(same) || same(resource.id());
        resources.iter().enumerate().filter(|(_, resource)| means(resource)).map(|(at, _)| at).collect()
    } else {
        resources.by_any_id(&id)
    };
    match found[..] {
        [] => Ok(None),
        [at] => Ok(Some(at)),
        _ => Err(Error::rule(format!(
            "found {} resId matches for var {} (unable to disambiguate)",
            found.len(),
            variable.name
        ))),
    }
}

/// `a[0].b` as `a`, `0`, `b`.
fn with_indexes(path: &str) -> Vec<String> {
    let mut names = Vec::new();
    for part in field_lookup::split(path) {
        match part.strip_suffix(']').and_then(|part| part.split_once('[')) {
            Some((name, at)) if !name.is_empty() && at.parse::<usize>().is_ok() => {
                names.extend([name.to_owned(), at.to_owned()]);
            }
            _ => names.push(part),
        }
    }
    names
}

/// Whether a variable is named anywhere in a value.
fn names(value: &Value, variable: &str) -> bool {
    match value {
        Value::String(text) => text.contains(&format!("$({variable})")),
        Value::Array(items) => items.iter().any(|item| names(item, variable)),
        Value::Object(fields) => fields.values().any(|field| names(field, variable)),
        _ => false,
    }
}

/// Replaces in every text of a value.
fn replace_below(value: &mut Value, values: &Values) {
    match value {
        Value::String(text) => *value = expand(text, values),
        Value::Array(items) => items.iter_mut().for_each(|item| replace_below(item, values)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace_below(field, values)),
        _ => {}
    }
}

fn replace_in(value: &mut Value, values: &Values) -> Result<(), Error> {
    match value {
        Value::String(text) => *value = expand(text, values),
        Value::Object(fields) => {
            for field in fields.values_mut().filter(|field| field.is_string()) {
                replace_in(field, values)?;
            }
        }
        Value::Array(items) => {
            for item in items {
                if !item.is_string() {
                    return Err(Error::rule("invalid value type expect a string"));
                }
                replace_in(item, values)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Replaces `$(NAME)`; `$$` is one `$`. A text that is nothing but a name takes the value's type.
fn expand(text: &str, values: &Values) -> Value {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let mut letters = after.chars();
        match letters.next() {
            None => {
                expanded.push('$');
                rest = after;
            }
            Some('$') => {
                expanded.push('$');
                rest = letters.as_str();
            }
            Some('(') => match after.find(')') {
                Some(end) => {
                    let name = &after[1..end];
                    match values
                        .get(name)
                        .filter(|value| !matches!(value, Value::Array(_) | Value::Object(_)))
                    {
                        Some(value) if text == format!("$({name})") => return value.clone(),
                        Some(value) => expanded.push_str(&crate::resource::scalar_text(value)),
                        None => expanded.push_str(&format!("$({name})")),
                    }
                    rest = &after[end + 1..];
                }
                None => {
                    expanded.push_str("$(");
                    rest = letters.as_str();
                }
            },
            Some(other) => {
                expanded.push('$');
                expanded.push(other);
                rest = letters.as_str();
            }
        }
    }
    expanded.push_str(rest);
    Value::String(expanded)
}
