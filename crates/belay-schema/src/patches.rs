//! JSON merge patch and JSON patch.

use serde_json::{Map, Value};

use crate::values::equal;

/// More operations than this are refused, as the API server does.
const MAX_OPERATIONS: usize = 10_000;
/// The largest result that `copy` operations may build up to.
const MAX_COPIED: usize = 3 * 1024 * 1024;

/// A patch that cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The patch is malformed (400).
    #[error("{0}")]
    Malformed(String),
    /// The patch does not fit the object (422). The API server's message is general ("the server rejected our request
    /// due to an error in our request"); this text is the message of its one cause, `UnexpectedServerResponse`.
    #[error("{0}")]
    Unprocessable(String),
    /// A strategic merge that cannot be done (500, as the API server answers).
    #[error("{0}")]
    Unmergeable(String),
    /// Too many operations (413).
    #[error("the allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {0}")]
    TooLarge(usize),
}

/// RFC 7396: objects merge, null removes, everything else replaces.
pub fn merge_patch(original: &Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else {
        return patch.clone();
    };
    let mut out = original.as_object().cloned().unwrap_or_default();
    for (name, change) in patch {
        if change.is_null() {
            out.shift_remove(name);
            continue;
        }
        let before = out.get(name).cloned().unwrap_or_else(|| Value::Object(Map::new()));
        let mut merged = merge_patch(&before, change);
        if merged.is_array() {
            prune_nulls(&mut merged);
        }
        out.insert(name.clone(), merged);
    }
    Value::Object(out)
}

/// Objects inside a list lose their nulls too; the list keeps its own.
fn prune_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(prune_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(prune_nulls),
        _ => {}
    }
}

/// The merge patch that turns `old` into `new`: changed fields, and nulls for those that go.
pub fn merge_patch_between(old: &Value, new: &Value) -> Value {
    let nothing = Map::new();
    let (old, Some(new)) = (old.as_object().unwrap_or(&nothing), new.as_object()) else { return new.clone() };
    let mut patch = Map::new();
    for (name, value) in new {
        match old.get(name) {
            Some(known) if known == value => {}
            Some(known) if known.is_object() && value.is_object() => {
                patch.insert(name.clone(), merge_patch_between(known, value));
            }
            _ => {
                patch.insert(name.clone(), value.clone());
            }
        }
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    Value::Object(patch)
}

/// RFC 6902, with the errors of the library that the API server uses.
pub fn json_patch(original: &Value, patch: &Value) -> Result<Value, PatchError> {
    let Value::Array(operations) = patch else {
        let found = if patch.is_object() { "object" } else { "value" };
        let detail = format!(
            "error decoding patch: json: cannot unmarshal {found} into Go value of type []handlers.jsonPatchOp"
        );
        return Err(PatchError::Malformed(detail));
    };
    if operations.len() > MAX_OPERATIONS {
        return Err(PatchError::TooLarge(operations.len()));
    }
    let mut object = original.clone();
    let mut copied = 0;
    for operation in operations {
        run(&mut object, operation, &mut copied)?;
    }
    Ok(object)
}

fn run(object: &mut Value, operation: &Value, copied: &mut usize) -> Result<(), PatchError> {
    let text = |key: &str| operation.get(key).and_then(Value::as_str);
    let path = || text("path").ok_or_else(|| unprocessable("unexpected empty path: missing path", ""));
    let from = || {
        text("from").ok_or_else(|| unprocessable("jsonpatch move operation does not apply: missing from", ""))
    };
    let value = || {
        operation
            .get("value")
            .cloned()
            .ok_or_else(|| PatchError::Malformed("missing value in JSON patch".to_owned()))
    };
    match text("op").unwrap_or_default() {
        "add" => add(object, path()?, value()?),
        "remove" => remove(object, path()?, "remove").map(drop),
        "replace" => replace(object, path()?, value()?),
        "move" => {
            let moved = remove(object, from()?, "move")?;
            add(object, path()?, moved)
        }
        "copy" => {
            let source = from()?;
            let found = object.pointer(source).cloned();
            let found = found.ok_or_else(|| missing("copy", source))?;
            *copied += found.to_string().len();
            if *copied > MAX_COPIED {
                return Err(PatchError::Unprocessable("json patch copies more than is allowed".to_owned()));
            }
            add(object, path()?, found)
        }
        "test" => {
            let (path, expected) = (path()?, operation.get("value").cloned().unwrap_or_default());
            let holds = match object.pointer(path) {
                Some(found) => equal(found, &expected),
                None => expected.is_null(),
            };
            if holds {
                Ok(())
            } else {
                Err(PatchError::Unprocessable(format!("testing value {path} failed: test failed")))
            }
        }
        other => Err(PatchError::Unprocessable(format!("Unexpected kind: {other}"))),
    }
}

fn unprocessable(text: &str, path: &str) -> PatchError {
    let separator = if path.is_empty() { "" } else { ": " };
    PatchError::Unprocessable(format!("{text}{separator}{path}"))
}

fn missing(operation: &str, path: &str) -> PatchError {
    let detail = match operation {
        "remove" => format!("remove operation does not apply: doc is missing path: {path:?}: missing value"),
        "copy" => format!("error in copy for path: '{path}': missing value"),
        "move" => format!("error in move for path: '{path}': missing value"),
        _ => format!("{operation} operation does not apply: doc is missing path: {path}: missing value"),
    };
    PatchError::Unprocessable(detail)
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// The container a pointer's last step stands in, and that step.
fn parent<'a>(object: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let (container, last) = path.rsplit_once('/')?;
    Some((object.pointer_mut(container)?, unescape(last)))
}

fn add(object: &mut Value, path: &str, value: Value) -> Result<(), PatchError> {
    if path.is_empty() {
        *object = value;
        return Ok(());
    }
    let not_there = || {
        unprocessable(
            &format!("add operation does not apply: doc is missing path: {path:?}"),
            "missing value",
        )
    };
    let (container, last) = parent(object, path).ok_or_else(not_there)?;
    match container {
        Value::Object(map) => {
            map.insert(last, value);
            Ok(())
        }
        Value::Array(items) => {
            let index = if last == "-" { Some(items.len()) } else { list_index(&last, items.len() + 1) };
            let index = index.ok_or_else(|| bad_index("add", path, &last))?;
            items.insert(index, value);
            Ok(())
        }
        _ => Err(not_there()),
    }
}

fn list_index(text: &str, length: usize) -> Option<usize> {
    let index: i64 = text.parse().ok()?;
    let length_signed = i64::try_from(length).ok()?;
    let index = if index < 0 { index + length_signed } else { index };
    usize::try_from(index).ok().filter(|index| *index < length)
}

fn bad_index(operation: &str, path: &str, last: &str) -> PatchError {
    let detail = if last.parse::<i64>().is_ok() {
        format!("Unable to access invalid index: {last}: invalid index referenced")
    } else {
        format!(
            "value was not a proper array index: '{last}': strconv.Atoi: parsing {last:?}: invalid syntax"
        )
    };
    match operation {
        "add" => PatchError::Unprocessable(format!("error in add for path: '{path}': {detail}")),
        _ => PatchError::Unprocessable(format!("error in {operation} for path: '{path}': {detail}")),
    }
}

fn remove(object: &mut Value, path: &str, operation: &str) -> Result<Value, PatchError> {
    let (container, last) = parent(object, path).ok_or_else(|| missing(operation, path))?;
    match container {
        Value::Object(map) => map.shift_remove(&last).ok_or_else(|| {
            if operation == "remove" {
                PatchError::Unprocessable(format!(
                    "error in remove for path: '{path}': Unable to remove nonexistent key: {last}: missing value"
                ))
            } else {
                missing(operation, path)
            }
        }),
        Value::Array(items) => {
            let index = list_index(&last, items.len()).ok_or_else(|| bad_index(operation, path, &last))?;
            Ok(items.remove(index))
        }
        _ => Err(missing(operation, path)),
    }
}

/// Replacing a key that is not there adds it, as the API server's library has it.
fn replace(object: &mut Value, path: &str, value: Value) -> Result<(), PatchError> {
    if path.is_empty() {
        *object = value;
        return Ok(());
    }
    let missing_path = || {
        let detail = format!("replace operation does not apply: doc is missing path: {path}: missing value");
        PatchError::Unprocessable(detail)
    };
    let (container, last) = parent(object, path).ok_or_else(missing_path)?;
    match container {
        Value::Object(map) => {
            map.insert(last, value);
        }
        Value::Array(items) => {
            let index = list_index(&last, items.len()).ok_or_else(|| bad_index("replace", path, &last))?;
            items[index] = value;
        }
        _ => return Err(missing_path()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_between_holds_only_what_changed_and_leads_there() {
        let old = json!({"a": 1, "b": {"c": 1, "d": 2}, "gone": true});
        let new = json!({"a": 1, "b": {"c": 1, "d": 3}, "list": [1]});
        let patch = merge_patch_between(&old, &new);
        assert_eq!(patch, json!({"b": {"d": 3}, "list": [1], "gone": null}));
        assert_eq!(merge_patch(&old, &patch), new);
        assert_eq!(merge_patch_between(&Value::Null, &json!({"a": 1})), json!({"a": 1}));
        assert_eq!(merge_patch_between(&old, &old), json!({}));
    }
}
