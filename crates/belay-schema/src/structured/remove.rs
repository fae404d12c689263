//! Taking fields out of an object.

use serde_json::{Map, Value};

use super::{Atom, atom_for, field_type, item_element};
use crate::arena::{ListType, MapType, Relationship, TypeId, Types};
use crate::field_set::FieldSet;
use crate::path::PathElement;

/// `value` without the fields in `removed`.
pub(crate) fn remove(types: &Types, id: TypeId, value: &Value, removed: &FieldSet) -> Value {
    match atom_for(types, Some(id), Some(value)).0 {
        Atom::Scalar(_) | Atom::Undeclared => value.clone(),
        Atom::List(list) => remove_from_list(types, list, value, removed),
        Atom::Map(map) => remove_from_map(types, map, value, removed),
    }
}

fn remove_from_list(types: &Types, list: &ListType, value: &Value, removed: &FieldSet) -> Value {
    let Some(items) = value.as_array().filter(|items| !items.is_empty()) else {
        return Value::Null;
    };
    if list.relationship == Relationship::Atomic {
        return Value::Null;
    }
    let mut kept = Vec::new();
    for item in items {
        let Ok(element) = item_element(types, list, item) else {
            kept.push(item.clone());
            continue;
        };
        if removed.has_element(&element) {
            continue;
        }
        kept.push(without_below(types, Some(list.element), item, removed, &element));
    }
    if kept.is_empty() { Value::Null } else { Value::Array(kept) }
}

fn remove_from_map(types: &Types, map: &MapType, value: &Value, removed: &FieldSet) -> Value {
    let Some(fields) = value.as_object().filter(|fields| !fields.is_empty()) else {
        return Value::Null;
    };
    if map.relationship == Relationship::Atomic {
        return Value::Null;
    }
    let mut kept = Map::new();
    for (name, value) in fields {
        let element = PathElement::field(name);
        if removed.has_element(&element) {
            continue;
        }
        kept.insert(name.clone(), without_below(types, field_type(map, name), value, removed, &element));
    }
    if kept.is_empty() { Value::Null } else { Value::Object(kept) }
}

fn without_below(
    types: &Types,
    id: Option<TypeId>,
    value: &Value,
    removed: &FieldSet,
    element: &PathElement,
) -> Value {
    match (id, removed.below(element).filter(|below| !below.is_empty())) {
        (Some(id), Some(below)) => remove(types, id, value, below),
        _ => value.clone(),
    }
}
