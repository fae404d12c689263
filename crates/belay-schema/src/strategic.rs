//! Strategic merge patch: what `kubectl apply` and `kubectl patch` send for built-in kinds.

mod order;
mod three_way;

use serde_json::{Map, Value};

use crate::arena::{Patch, TypeId, Types};
use crate::kind::KindSchema;
use crate::patches::PatchError;
use crate::values::equal;

pub use three_way::three_way;

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_PREFIX: &str = "$deleteFromPrimitiveList/";
const ORDER_PREFIX: &str = "$setElementOrder/";

type Object = Map<String, Value>;

/// `original` with `patch` applied by the kind's merge keys and directives.
///
/// Custom resources have no strategic merge; asking for one is an error.
pub fn merge(kind: &KindSchema, original: &Value, patch: &Value) -> Result<Value, PatchError> {
    if kind.is_custom() {
        return Err(PatchError::Malformed(
            "strategic merge patch is not supported for custom resources".to_owned(),
        ));
    }
    let (Value::Object(original), Value::Object(patch)) = (original, patch) else {
        return Err(PatchError::Malformed(
            "a strategic merge patch and its object must be JSON objects".to_owned(),
        ));
    };
    let place = Place { types: &kind.types, id: Some(kind.root) };
    Ok(Value::Object(merge_map(original.clone(), patch.clone(), place)?))
}

/// A type in its arena.
#[derive(Clone, Copy)]
struct Place<'a> {
    types: &'a Types,
    id: Option<TypeId>,
}

impl<'a> Place<'a> {
    /// The field's place and its strategy. Entries of plain maps have none.
    fn field(self, name: &str) -> (Self, Patch) {
        let map = self.id.and_then(|id| self.types.get(id).map.as_ref());
        let field = map.and_then(|map| map.fields.get(name));
        let id = field.map(|field| field.type_id).or_else(|| map.and_then(|map| map.element));
        (Self { id, ..self }, field.map(|field| field.patch.clone()).unwrap_or_default())
    }

    fn element(self) -> Self {
        let list = self.id.and_then(|id| self.types.get(id).list.as_ref());
        Self { id: list.map(|list| list.element), ..self }
    }
}

fn merge_map(mut original: Object, mut patch: Object, place: Place<'_>) -> Result<Object, PatchError> {
    match patch.get(DIRECTIVE).cloned() {
        None => {}
        Some(directive) => {
            return match directive.as_str() {
                Some("replace") => {
                    patch.shift_remove(DIRECTIVE);
                    Ok(patch)
                }
                Some("delete") => Ok(Object::new()),
                _ => Err(unknown_directive(&directive, &patch)),
            };
        }
    }
    retain_keys(&mut original, &mut patch)?;
    merge_ordered_lists(&mut original, &mut patch, place)?;
    for (key, change) in patch {
        let (name, is_deletion) = match key.strip_prefix(DELETE_PREFIX) {
            Some(name) => (name.to_owned(), true),
            None => (key, false),
        };
        merge_entry(&mut original, name, change, is_deletion, place)?;
    }
    Ok(original)
}

fn merge_entry(
    original: &mut Object,
    name: String,
    change: Value,
    is_deletion: bool,
    place: Place<'_>,
) -> Result<(), PatchError> {
    if change.is_null() {
        original.shift_remove(&name);
        return Ok(());
    }
    let (field, strategy) = place.field(&name);
    let merged = match (original.get(&name).cloned(), change) {
        (Some(Value::Array(before)), Value::Array(gone)) if is_deletion => {
            let is_gone = |item: &Value| gone.iter().any(|gone| equal(gone, item));
            Some(Value::Array(before.into_iter().filter(|item| !is_gone(item)).collect()))
        }
        _ if is_deletion => return Ok(()),
        (Some(Value::Object(before)), Value::Object(change)) if !strategy.replace => {
            Some(Value::Object(merge_map(before, change, field)?))
        }
        (Some(Value::Object(_)), Value::Object(change)) => Some(Value::Object(change)),
        (Some(Value::Array(before)), Value::Array(change)) if strategy.merge => {
            Some(Value::Array(merge_list(before, change, field, strategy.merge_key.as_deref())?))
        }
        (Some(Value::Array(_)), Value::Array(change)) => Some(Value::Array(change)),
        (_, mut change) => {
            discard_nulls(&mut change);
            without_directives(change)
        }
    };
    match merged {
        Some(merged) => original.insert(name, merged),
        None => original.shift_remove(&name),
    };
    Ok(())
}

fn unknown_directive(directive: &Value, patch: &Object) -> PatchError {
    let directive = directive.as_str().map_or_else(|| directive.to_string(), str::to_owned);
    PatchError::Unmergeable(format!("unknown patch type: {directive} in map: {}", order::go_map(patch)))
}

/// Nulls in what is merely added mean nothing.
fn discard_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(discard_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(discard_nulls),
        _ => {}
    }
}

/// A value without the parts that carry a `$patch`; `None` when it carries one itself.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(map) if map.contains_key(DIRECTIVE) => None,
        Value::Object(map) => {
            let kept = map.into_iter().filter_map(|(name, value)| Some((name, without_directives(value)?)));
            Some(Value::Object(kept.collect()))
        }
        Value::Array(items) => Some(Value::Array(items.into_iter().filter_map(without_directives).collect())),
        other => Some(other),
    }
}

/// `$retainKeys` names the only keys that may stay.
fn retain_keys(original: &mut Object, patch: &mut Object) -> Result<(), PatchError> {
    const BAD_FORMAT: &str = "invalid patch format of retainKeys";
    let Some(listed) = patch.shift_remove(RETAIN_KEYS) else {
        return Ok(());
    };
    let Value::Array(listed) = listed else {
        return Err(PatchError::Malformed(BAD_FORMAT.to_owned()));
    };
    let is_kept = |name: &str| listed.iter().any(|key| key.as_str() == Some(name));
    for (name, value) in &*patch {
        let is_directive = name.starts_with(DELETE_PREFIX) || name.starts_with(ORDER_PREFIX);
        if !value.is_null() && !is_directive && !is_kept(name) {
            return Err(PatchError::Malformed(BAD_FORMAT.to_owned()));
        }
    }
    original.retain(|name, _| is_kept(name));
    Ok(())
}

/// Lists with a `$setElementOrder`: merge them now, then put them in that order.
fn merge_ordered_lists(
    original: &mut Object,
    patch: &mut Object,
    place: Place<'_>,
) -> Result<(), PatchError> {
    let directives: Vec<String> = patch.keys().filter(|key| key.starts_with(ORDER_PREFIX)).cloned().collect();
    for directive in directives {
        let Some(Value::Array(wanted)) = patch.shift_remove(&directive) else {
            return Err(PatchError::Malformed(format!("{directive} must be a list")));
        };
        let name = directive[ORDER_PREFIX.len()..].to_owned();
        let (field, strategy) = place.field(&name);
        let key = strategy.merge_key.as_deref();
        let before = list_of(original, &name)?;
        let change = list_of(patch, &name)?;
        order::check_directive(change.as_deref().unwrap_or_default(), &wanted, key)?;
        let merged = match (before.clone(), change) {
            (None, None) => continue,
            (Some(before), None) => before,
            (None, Some(change)) => change.into_iter().filter_map(without_directives).collect(),
            (Some(before), Some(change)) if strategy.merge => merge_list(before, change, field, key)?,
            (Some(_), Some(change)) => change,
        };
        let ordered = order::arrange(merged, &wanted, before.as_deref().unwrap_or_default(), key);
        original.insert(name.clone(), Value::Array(ordered));
        patch.shift_remove(&name);
    }
    Ok(())
}

fn list_of(map: &Object, name: &str) -> Result<Option<Vec<Value>>, PatchError> {
    match map.get(name) {
        None => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items.clone())),
        Some(_) => Err(PatchError::Malformed(format!("expected {name} to be a list"))),
    }
}

fn merge_list(
    original: Vec<Value>,
    patch: Vec<Value>,
    place: Place<'_>,
    key: Option<&str>,
) -> Result<Vec<Value>, PatchError> {
    let Some(first) = original.first().or(patch.first()) else {
        return Ok(original);
    };
    if !first.is_object() {
        let mut merged: Vec<Value> = Vec::new();
        for item in original.iter().chain(&patch) {
            if !merged.iter().any(|known| equal(known, item)) {
                merged.push(item.clone());
            }
        }
        return Ok(order::arrange(merged, &patch, &original, None));
    }
    let Some(key) = key else {
        return Err(PatchError::Unmergeable("cannot merge lists without merge key".to_owned()));
    };
    let (original, patch) = apply_directives(original, patch, key)?;
    let mut merged = original.clone();
    for change in &patch {
        let Value::Object(change) = change else {
            return Err(not_a_map(key));
        };
        let Some(name) = change.get(key) else {
            return Err(order::no_merge_key(change, key));
        };
        let same = merged.iter_mut().find(|item| item.get(key).is_some_and(|known| equal(known, name)));
        match same {
            Some(Value::Object(item)) => *item = merge_map(item.clone(), change.clone(), place.element())?,
            _ => merged.push(Value::Object(change.clone())),
        }
    }
    Ok(order::arrange(merged, &patch, &original, Some(key)))
}

fn not_a_map(key: &str) -> PatchError {
    PatchError::Malformed(format!("expected a map in a list with merge key {key}"))
}

/// Items with a `$patch`: those to delete, and whether the list is replaced as a whole.
fn apply_directives(
    mut original: Vec<Value>,
    patch: Vec<Value>,
    key: &str,
) -> Result<(Vec<Value>, Vec<Value>), PatchError> {
    let mut plain = Vec::new();
    let mut is_replaced = false;
    for item in patch {
        let Value::Object(map) = &item else {
            return Err(not_a_map(key));
        };
        let Some(directive) = map.get(DIRECTIVE) else {
            plain.push(item);
            continue;
        };
        match directive.as_str() {
            Some("delete") => {
                let Some(name) = map.get(key) else {
                    return Err(order::no_merge_key(map, key));
                };
                original.retain(|known| !known.get(key).is_some_and(|known| equal(known, name)));
            }
            Some("replace") => is_replaced = true,
            Some("merge") => {
                let detail = "merging lists cannot yet be specified in the patch";
                return Err(PatchError::Unmergeable(detail.to_owned()));
            }
            _ => return Err(unknown_directive(directive, map)),
        }
    }
    Ok(if is_replaced { (plain, Vec::new()) } else { (original, plain) })
}
