//! Walks to the fields a [`FieldSpec`] names, and makes them where it says so.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::error::{During, Error};
use crate::id::{FieldSpec, Gvk};

/// What a missing last field starts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Create {
    /// Nothing is ever made.
    Never,
    /// A text or number, which the visitor sets.
    Scalar,
    /// A map, which the visitor fills.
    Map,
}

/// Calls `visit` for every field of `object` the place names; `gvk` is the object's.
pub(crate) fn visit(
    object: &mut Value,
    gvk: &Gvk,
    spec: &FieldSpec,
    create: Create,
    visit: &mut dyn FnMut(&mut Value) -> Result<(), Error>,
) -> Result<(), Error> {
    if !spec.selects(gvk) {
        return Ok(());
    }
    descend(object, &spec.path, if spec.create { create } else { Create::Never }, visit)
}

/// Calls `visit` for every field of `object` at the path.
pub(crate) fn descend(
    object: &mut Value,
    path: &str,
    create: Create,
    visit: &mut dyn FnMut(&mut Value) -> Result<(), Error>,
) -> Result<(), Error> {
    let names = path.strip_prefix('/').unwrap_or(path);
    Walk { create, visit }.step(object, Some(names)).during(|| format!("considering field '{path}'"))
}

/// The first name of a path and the path below it; `\/` is a slash within a name.
fn first_name(path: &str) -> (Cow<'_, str>, Option<&str>) {
    // Names are so short that a search with its own preparation takes longer.
    match path.bytes().position(|byte| byte == b'/').map(|at| (&path[..at], &path[at + 1..])) {
        None => (Cow::Borrowed(path), None),
        Some((name, rest)) => match name.strip_suffix('\\') {
            None => (Cow::Borrowed(name), Some(rest)),
            Some(start) => {
                let (end, rest) = first_name(rest);
                (Cow::Owned(format!("{start}/{end}")), rest)
            }
        },
    }
}

/// Splits a path; `\/` is a slash within a name, and one slash may lead.
pub(crate) fn split(path: &str, delimiter: char) -> Vec<String> {
    let mut parts: Vec<&str> = path.split(delimiter).collect();
    if parts.len() > 1 && parts[0].is_empty() {
        parts.remove(0);
    }
    let mut names: Vec<String> = Vec::with_capacity(parts.len());
    for part in parts {
        match names.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push(delimiter);
                last.push_str(part);
            }
            _ => names.push(part.to_owned()),
        }
    }
    names
}

struct Walk<'v> {
    create: Create,
    visit: &'v mut dyn FnMut(&mut Value) -> Result<(), Error>,
}

impl Walk<'_> {
    fn step(&mut self, value: &mut Value, path: Option<&str>) -> Result<(), Error> {
        let Some(names) = path else {
            return (self.visit)(value);
        };
        match value {
            Value::Null => Ok(()),
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.step(item, path)),
            Value::Object(fields) => {
                let (name, rest) = first_name(names);
                self.field(fields, &name, rest)
            }
            _ => Err(Error::rule("expected sequence or mapping node")),
        }
    }

    fn field(
        &mut self,
        fields: &mut Map<String, Value>,
        name: &str,
        rest: Option<&str>,
    ) -> Result<(), Error> {
        let (name, is_list) = match name.strip_suffix("[]") {
            Some(name) => (name, true),
            None => (name, false),
        };
        if name.is_empty() {
            return Err(Error::rule("cannot set or create an empty field name"));
        }
        let fresh = match (is_list, self.create) {
            (true, _) => Some(Value::Array(Vec::new())),
            (false, Create::Never) => None,
            (false, Create::Scalar) if rest.is_none() => Some(Value::String(String::new())),
            (false, _) => Some(Value::Object(Map::new())),
        };
        let makes = !is_list && self.create != Create::Never;
        if makes && !fields.contains_key(name) {
            fields.insert(name.to_owned(), Value::Null);
        }
        let Some(field) = fields.get_mut(name) else { return Ok(()) };
        if let (Value::Null, Some(fresh)) = (&*field, fresh) {
            *field = fresh;
        }
        self.step(field, rest)
    }
}
