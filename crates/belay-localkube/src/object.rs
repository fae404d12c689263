//! Reading and writing the parts every Kubernetes object has.

use serde_json::{Map, Value};

/// A text at a path of field names; empty when absent.
pub(crate) fn text<'a>(object: &'a Value, path: &[&str]) -> &'a str {
    at(object, path).as_str().unwrap_or_default()
}

/// The value at a path of field names; null when absent.
pub(crate) fn at<'a>(object: &'a Value, path: &[&str]) -> &'a Value {
    let mut value = object;
    for field in path {
        value = &value[*field];
    }
    value
}

/// A whole number at a path of field names.
pub(crate) fn number(object: &Value, path: &[&str]) -> Option<i64> {
    at(object, path).as_i64()
}

pub(crate) fn name(object: &Value) -> &str {
    text(object, &["metadata", "name"])
}

pub(crate) fn namespace(object: &Value) -> &str {
    text(object, &["metadata", "namespace"])
}

pub(crate) fn uid(object: &Value) -> &str {
    text(object, &["metadata", "uid"])
}

pub(crate) fn resource_version(object: &Value) -> &str {
    text(object, &["metadata", "resourceVersion"])
}

pub(crate) fn generation(object: &Value) -> i64 {
    number(object, &["metadata", "generation"]).unwrap_or(0)
}

pub(crate) fn is_being_deleted(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

pub(crate) fn items<'a>(object: &'a Value, path: &[&str]) -> &'a [Value] {
    at(object, path).as_array().map_or(&[], Vec::as_slice)
}

pub(crate) fn finalizers(object: &Value) -> Vec<String> {
    items(object, &["metadata", "finalizers"])
        .iter()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

pub(crate) fn set_finalizers(object: &mut Value, finalizers: &[String]) {
    if finalizers.is_empty() {
        remove(object, &["metadata", "finalizers"]);
    } else {
        set(object, &["metadata", "finalizers"], finalizers.into());
    }
}

/// Set a value, making maps on the way; what is not a map is replaced.
pub(crate) fn set(object: &mut Value, path: &[&str], value: Value) {
    let Some((last, parents)) = path.split_last() else {
        *object = value;
        return;
    };
    let mut place = object;
    for field in parents {
        place = fields(place).entry((*field).to_owned()).or_insert_with(|| Value::Object(Map::new()));
    }
    fields(place).insert((*last).to_owned(), value);
}

/// Remove a value and return it.
pub(crate) fn remove(object: &mut Value, path: &[&str]) -> Option<Value> {
    let (last, parents) = path.split_last()?;
    let mut place = object;
    for field in parents {
        place = place.get_mut(*field)?;
    }
    place.as_object_mut()?.shift_remove(*last)
}

/// Copy the value at a path from one object to another, or remove it where there is none.
pub(crate) fn carry_over(from: &Value, to: &mut Value, path: &[&str]) {
    let value = at(from, path);
    if value.is_null() {
        remove(to, path);
    } else {
        set(to, path, value.clone());
    }
}

/// The value as a map, made one if it is not.
pub(crate) fn fields(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("it was made an object above")
}

/// The owner that manages the object.
pub(crate) fn controller_of(object: &Value) -> Option<&Value> {
    items(object, &["metadata", "ownerReferences"]).iter().find(|owner| owner["controller"] == true)
}

pub(crate) fn is_controlled_by(object: &Value, owner_uid: &str) -> bool {
    controller_of(object).is_some_and(|owner| owner["uid"] == owner_uid)
}

/// An owner reference of a controller to what it creates.
pub(crate) fn controller_reference(owner: &Value) -> Value {
    serde_json::json!({
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": name(owner), "uid": uid(owner),
        "controller": true, "blockOwnerDeletion": true,
    })
}

/// Whether two objects are equal but for the times of their managedFields and the resourceVersion.
pub(crate) fn is_same_write(left: &Value, right: &Value) -> bool {
    without_times(left) == without_times(right)
}

fn without_times(object: &Value) -> Value {
    let mut object = object.clone();
    remove(&mut object, &["metadata", "resourceVersion"]);
    if let Some(entries) = object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut) {
        for entry in entries {
            remove(entry, &["time"]);
        }
    }
    object
}
