//! The order of merged lists: that of the patch, what only the server has staying near its neighbours.

use serde_json::{Map, Value};

use crate::patches::PatchError;
use crate::values::equal;

/// Put `merged` in order: items that `wanted` names as there, the others as in `server`, both woven by `server`.
pub(super) fn arrange(
    merged: Vec<Value>,
    wanted: &[Value],
    server: &[Value],
    key: Option<&str>,
) -> Vec<Value> {
    let (mut named, mut others): (Vec<Value>, Vec<Value>) =
        merged.into_iter().partition(|item| position(wanted, item, key).is_some());
    named.sort_by_key(|item| position(wanted, item, key));
    others.sort_by_key(|item| position(server, item, key));
    weave(others, named, server, key)
}

/// Take from the server's items only what stands before the next named one.
fn weave(others: Vec<Value>, named: Vec<Value>, server: &[Value], key: Option<&str>) -> Vec<Value> {
    let mut out = Vec::with_capacity(others.len() + named.len());
    let (mut others, mut named) = (others.into_iter().peekable(), named.into_iter().peekable());
    while let (Some(other), Some(name)) = (others.peek(), named.peek()) {
        let is_before = match (position(server, other, key), position(server, name, key)) {
            (Some(other), Some(name)) => other < name,
            _ => false,
        };
        out.extend(if is_before { others.next() } else { named.next() });
    }
    out.extend(named);
    out.extend(others);
    out
}

fn position(list: &[Value], item: &Value, key: Option<&str>) -> Option<usize> {
    list.iter().position(|known| match key {
        None => equal(known, item),
        Some(key) => match (known.get(key), item.get(key)) {
            (Some(known), Some(item)) => equal(known, item),
            _ => false,
        },
    })
}

/// A patch may hold only items that its order names, in that order.
pub(super) fn check_directive(
    patch: &[Value],
    wanted: &[Value],
    key: Option<&str>,
) -> Result<(), PatchError> {
    let is_deletion = |item: &Value| item.get("$patch").is_some_and(|directive| directive == "delete");
    let mut remaining = wanted.iter();
    for item in patch.iter().filter(|item| !is_deletion(item)) {
        if let (Some(key), Value::Object(map)) = (key, item)
            && !map.contains_key(key)
        {
            return Err(no_merge_key(map, key));
        }
        if !remaining.any(|known| position(std::slice::from_ref(known), item, key).is_some()) {
            return Err(PatchError::Unmergeable(format!(
                "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
                go_list(patch),
                go_list(wanted)
            )));
        }
    }
    Ok(())
}

pub(super) fn no_merge_key(item: &Map<String, Value>, key: &str) -> PatchError {
    PatchError::Unmergeable(format!("map: {} does not contain declared merge key: {key}", go_map(item)))
}

/// A map as Go's `%v` prints it.
pub(super) fn go_map(map: &Map<String, Value>) -> String {
    let mut entries: Vec<String> =
        map.iter().map(|(name, value)| format!("{name}:{}", go_text(value))).collect();
    entries.sort();
    format!("map[{}]", entries.join(" "))
}

fn go_list(items: &[Value]) -> String {
    let items: Vec<String> = items.iter().map(go_text).collect();
    format!("[{}]", items.join(" "))
}

fn go_text(value: &Value) -> String {
    match value {
        Value::Object(map) => go_map(map),
        Value::Array(items) => go_list(items),
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
}
