//! Walks to the fields a [`FieldSpec`] names, and makes them where it says so.

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
    let path = split(&spec.path, '/');
    let walk = Walk { create: if spec.create { create } else { Create::Never }, visit };
    walk.down(object, &path).during(|| format!("considering field '{}'", spec.path))
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
    fn down(mut self, value: &mut Value, path: &[String]) -> Result<(), Error> {
        self.step(value, path)
    }

    fn step(&mut self, value: &mut Value, path: &[String]) -> Result<(), Error> {
        let Some((name, rest)) = path.split_first() else {
            return (self.visit)(value);
        };
        match value {
            Value::Null => Ok(()),
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.step(item, path)),
            Value::Object(fields) => self.field(fields, name, rest),
            _ => Err(Error::rule("expected sequence or mapping node")),
        }
    }

    fn field(&mut self, fields: &mut Map<String, Value>, name: &str, rest: &[String]) -> Result<(), Error> {
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
            (false, Create::Scalar) if rest.is_empty() => Some(Value::String(String::new())),
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
