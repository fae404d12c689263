//! Ownership of replicas between a resource and its `scale`: the same field under two names.

use serde_json::{Map, Value, json};

const SCALE: &str = "autoscaling/v1";

/// The managedFields that a resource's Scale has: those who own the replicas at `path`.
pub fn scale_entries(entries: &[Value], path: &[&str]) -> Vec<Value> {
    let owners = entries.iter().filter(|entry| owns(&entry["fieldsV1"], path));
    let renamed = owners.map(|entry| {
        let mut entry = entry.clone();
        entry["apiVersion"] = SCALE.into();
        entry["fieldsV1"] = json!({ "f:spec": { "f:replicas": {} } });
        entry
    });
    renamed.collect()
}

/// The resource's managedFields after a write to its Scale left `scale` there.
///
/// Who lost the replicas loses them here; who gained them gets an entry of its own, without a time, as the API
/// server writes it.
pub fn parent_entries(entries: &[Value], scale: &[Value], path: &[&str], api_version: &str) -> Vec<Value> {
    let mut gained: Vec<&Value> =
        scale.iter().filter(|entry| owns(&entry["fieldsV1"], &["spec", "replicas"])).collect();
    let mut kept = Vec::new();
    for entry in entries {
        if !owns(&entry["fieldsV1"], path) {
            kept.push(entry.clone());
            continue;
        }
        if let Some(position) = gained.iter().position(|other| is_same_manager(entry, other)) {
            gained.remove(position);
            kept.push(entry.clone());
            continue;
        }
        let mut without = entry.clone();
        disown(&mut without["fieldsV1"], path);
        if without["fieldsV1"].as_object().is_some_and(|fields| !fields.is_empty()) {
            kept.push(without);
        }
    }
    for entry in gained {
        let mut added = entry.clone();
        added["apiVersion"] = api_version.into();
        added["fieldsV1"] = owned(path);
        if let Some(fields) = added.as_object_mut() {
            fields.shift_remove("time");
        }
        kept.push(added);
    }
    kept.sort_by_key(order);
    kept
}

/// Appliers first, then by time, those without one before all others.
fn order(entry: &Value) -> (bool, String, String) {
    let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    (text("operation") != "Apply", text("time"), text("manager"))
}

fn is_same_manager(left: &Value, right: &Value) -> bool {
    ["manager", "operation", "subresource"].iter().all(|name| left[*name] == right[*name])
}

fn owns(fields: &Value, path: &[&str]) -> bool {
    let mut place = Some(fields);
    for name in path {
        place = place.and_then(|place| place.get(format!("f:{name}")));
    }
    place.is_some()
}

fn owned(path: &[&str]) -> Value {
    let mut fields = json!({});
    for name in path.iter().rev() {
        fields = Value::Object(Map::from_iter([(format!("f:{name}"), fields)]));
    }
    fields
}

/// Take a path away, and what is empty without it.
fn disown(fields: &mut Value, path: &[&str]) {
    let Some((first, rest)) = path.split_first() else { return };
    let key = format!("f:{first}");
    let Some(map) = fields.as_object_mut() else { return };
    if let Some(inner) = map.get_mut(&key).filter(|_| !rest.is_empty()) {
        disown(inner, rest);
        if inner.as_object().is_some_and(|inner| !inner.is_empty()) {
            return;
        }
    }
    map.shift_remove(&key);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, operation: &str, fields: Value) -> Value {
        json!({ "manager": manager, "operation": operation, "apiVersion": "apps/v1", "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": fields })
    }

    #[test]
    fn replicas_move_to_who_scaled() {
        let before = [entry("one", "Update", json!({ "f:spec": { "f:replicas": {}, "f:paused": {} } }))];
        let path = ["spec", "replicas"];
        let mut scale = scale_entries(&before, &path);
        assert_eq!(scale[0]["apiVersion"], "autoscaling/v1");
        scale[0]["manager"] = "two".into();
        scale[0]["subresource"] = "scale".into();
        let after = parent_entries(&before, &scale, &path, "apps/v1");
        assert_eq!(after.len(), 2);
        assert_eq!((&after[0]["manager"], after[0].get("time")), (&json!("two"), None));
        assert_eq!(after[0]["fieldsV1"], json!({ "f:spec": { "f:replicas": {} } }));
        assert_eq!(after[1]["fieldsV1"], json!({ "f:spec": { "f:paused": {} } }));
    }
}
