//! Structured merge: walking two values of one type side by side.
//!
//! These are the algorithms of Kubernetes' structured-merge-diff. Absent (`None`) and null are different things here.

mod compare;
mod field_set_of;
mod merge;
mod reconcile;
mod remove;
mod well_formed;

use serde_json::{Map, Value};

use crate::arena::{ListType, MapType, Relationship, Scalar, TypeId, Types};
use crate::path::{FieldPath, PathElement};

pub(crate) use compare::{Comparison, compare};
pub(crate) use field_set_of::field_set_of;
pub(crate) use merge::merge;
pub(crate) use reconcile::reconcile;
pub(crate) use remove::remove;
pub(crate) use well_formed::check;

/// A value that does not fit its type, worded as structured merge does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misfit {
    path: String,
    detail: String,
}

impl std::fmt::Display for Misfit {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.path.is_empty() {
            write!(out, "{}", self.detail)
        } else {
            write!(out, "{}: {}", self.path, self.detail)
        }
    }
}

/// Several misfits in the original's words.
pub(crate) fn misfits_text(misfits: &[Misfit]) -> String {
    if let [only] = misfits {
        return only.to_string();
    }
    let mut lines = vec!["errors:".to_owned()];
    lines.extend(misfits.iter().map(|misfit| format!("  {misfit}")));
    lines.join("\n")
}

/// A type narrowed by the value at hand.
#[derive(Clone, Copy)]
enum Atom<'a> {
    Scalar(Scalar),
    List(&'a ListType),
    Map(&'a MapType),
    /// A place the schema does not know.
    Undeclared,
}

/// Which of a type's sides are left after a look at the value: scalar, list, map.
type Sides = (bool, bool, bool);

fn atom_for<'a>(types: &'a Types, id: Option<TypeId>, value: Option<&Value>) -> (Atom<'a>, Sides) {
    let Some(id) = id else {
        return (Atom::Undeclared, (false, false, false));
    };
    let declared = types.get(id);
    match value {
        Some(Value::String(_) | Value::Bool(_) | Value::Number(_)) => {
            if let Some(scalar) = declared.scalar {
                return (Atom::Scalar(scalar), (true, false, false));
            }
        }
        Some(Value::Array(_)) => {
            if let Some(list) = &declared.list {
                return (Atom::List(list), (false, true, false));
            }
        }
        Some(Value::Object(_)) => {
            if let Some(map) = &declared.map {
                return (Atom::Map(map), (false, false, true));
            }
        }
        Some(Value::Null) | None => {}
    }
    let sides = (declared.scalar.is_some(), declared.list.is_some(), declared.map.is_some());
    let atom = match (&declared.map, declared.scalar, &declared.list) {
        (Some(map), _, _) => Atom::Map(map),
        (_, Some(scalar), _) => Atom::Scalar(scalar),
        (_, _, Some(list)) => Atom::List(list),
        _ => Atom::Undeclared,
    };
    (atom, sides)
}

/// The items of a list; null and values that are no list have none.
fn items(value: Option<&Value>) -> Option<&Vec<Value>> {
    value.and_then(Value::as_array)
}

/// The entries of a map; null and values that are no map have none.
fn entries(value: Option<&Value>) -> Option<&Map<String, Value>> {
    value.and_then(Value::as_object)
}

fn field_type(map: &MapType, name: &str) -> Option<TypeId> {
    map.fields.get(name).map(|field| field.type_id).or(map.element)
}

/// What is wrong with a scalar, if anything.
fn scalar_misfit(scalar: Scalar, value: Option<&Value>, side: &str) -> Option<String> {
    let value = value?;
    let fits = match scalar {
        _ if value.is_null() => true,
        Scalar::Number => value.is_number(),
        Scalar::String => value.is_string(),
        Scalar::Boolean => value.is_boolean(),
        Scalar::Untyped => !value.is_array() && !value.is_object(),
    };
    if fits {
        return None;
    }
    Some(match scalar {
        Scalar::Number => format!("{side}expected numeric (int or float), got {}", go_type(value)),
        Scalar::String => format!("{side}expected string, got {}", go_syntax(value)),
        Scalar::Boolean => format!("{side}expected boolean, got {}", go_text(value)),
        Scalar::Untyped => format!("{side}expected any scalar, got {}", go_text(value)),
    })
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// `%#v` of an unstructured value.
fn go_syntax(value: &Value) -> String {
    format!("&value.valueUnstructured{{Value:{}}}", go_literal(value))
}

fn go_literal(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{key:?}:{}", go_literal(value))).collect();
            entries.sort();
            format!("map[string]interface {{}}{{{}}}", entries.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(go_literal).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Null => "interface {}(nil)".to_owned(),
        other => other.to_string(),
    }
}

/// `%v` of an unstructured value, as structured merge prints it (JSON-like).
fn go_text(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{key}:{}", go_text(value))).collect();
            entries.sort();
            format!("map[{}]", entries.join(" "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(go_text).collect();
            format!("[{}]", items.join(" "))
        }
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
}

/// The path element of a list's item, by key fields (with their defaults) or by value.
fn item_element(types: &Types, list: &ListType, item: &Value) -> Result<PathElement, String> {
    if list.relationship != Relationship::Associative {
        return Err("invalid indexing of non-associative list".to_owned());
    }
    if list.keys.is_empty() { set_element(item) } else { keyed_element(types, list, item) }
}

fn keyed_element(types: &Types, list: &ListType, item: &Value) -> Result<PathElement, String> {
    let map = match item {
        Value::Object(map) => map,
        Value::Null => return Err("associative list with keys may not have a null element".to_owned()),
        _ => return Err("associative list with keys may not have non-map elements".to_owned()),
    };
    let mut fields = Vec::new();
    for key in &list.keys {
        let declared = types.get(list.element).map.as_ref();
        let value = match map.get(key) {
            Some(value) => Some(value.clone()),
            None => match declared {
                Some(declared) => declared.fields.get(key).and_then(|field| field.default.clone()),
                None => {
                    return Err(format!(
                        "couldn't find default value for {key}: associative list may not have non-map types"
                    ));
                }
            },
        };
        fields.extend(value.map(|value| (key.clone(), value)));
    }
    if fields.is_empty() {
        let keys: Vec<String> = list.keys.iter().map(|key| format!("{key:?}")).collect();
        return Err(format!(
            "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
            keys.join(" ")
        ));
    }
    Ok(PathElement::key(fields))
}

fn set_element(item: &Value) -> Result<PathElement, String> {
    match item {
        Value::Object(_) => Err("associative list without keys has an element that's a map type".to_owned()),
        Value::Array(_) => Err("not supported: associative list with lists as elements".to_owned()),
        Value::Null => Err("associative list without keys has an element that's an explicit null".to_owned()),
        scalar => Ok(PathElement::Value(scalar.clone())),
    }
}

/// Errors found on the way, and the way.
#[derive(Default)]
struct Trail {
    path: Vec<PathElement>,
    misfits: Vec<Misfit>,
}

impl Trail {
    fn report(&mut self, detail: impl Into<String>) {
        let path = FieldPath(self.path.clone()).to_string();
        self.misfits.push(Misfit { path, detail: detail.into() });
    }

    fn finish(self) -> Result<(), Vec<Misfit>> {
        if self.misfits.is_empty() { Ok(()) } else { Err(self.misfits) }
    }
}
