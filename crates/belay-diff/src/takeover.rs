//! Taking fields over from another manager, so that the next apply can remove them.
//!
//! A server-side apply removes a field only if we own it. What a person added is therefore moved,
//! in `metadata.managedFields`, from that person's entry to ours; then the apply drops it. Flux
//! does the same for whole managers; we move just the fields that differ.

use serde_json::{Map, Value, json};

use crate::path::{FieldPath, Segment};

/// The object's `managedFields` with these fields owned by `manager`'s Apply entry alone.
pub fn take_over(live: &Value, manager: &str, paths: &[FieldPath]) -> Value {
    let mut entries: Vec<Value> =
        live.pointer("/metadata/managedFields").and_then(Value::as_array).cloned().unwrap_or_default();
    let ours = position_of_ours(&mut entries, manager, &live["apiVersion"]);
    for path in paths {
        let mut moved = None;
        for (position, entry) in entries.iter_mut().enumerate() {
            if position == ours || entry["subresource"] == "status" {
                continue;
            }
            if let Some(fields) = entry.get_mut("fieldsV1").and_then(Value::as_object_mut) {
                moved = remove(fields, &path.0).or(moved);
            }
        }
        if let (Some(moved), Some(fields)) =
            (moved, entries[ours].get_mut("fieldsV1").and_then(Value::as_object_mut))
        {
            insert(fields, moved);
        }
    }
    entries.retain(|entry| entry["fieldsV1"].as_object().is_none_or(|fields| !fields.is_empty()));
    Value::Array(entries)
}

fn position_of_ours(entries: &mut Vec<Value>, manager: &str, api_version: &Value) -> usize {
    let is_ours = |entry: &Value| {
        entry["manager"] == manager
            && entry["operation"] == "Apply"
            && entry["subresource"].as_str().is_none_or(str::is_empty)
    };
    if let Some(position) = entries.iter().position(is_ours) {
        return position;
    }
    entries.push(json!({"manager": manager, "operation": "Apply", "apiVersion": api_version,
        "fieldsType": "FieldsV1", "fieldsV1": {}}));
    entries.len() - 1
}

/// Takes the field out of a set; gives its names from the root down and what stood below.
fn remove(fields: &mut Map<String, Value>, path: &[Segment]) -> Option<(Vec<String>, Value)> {
    let (first, rest) = path.split_first()?;
    let name =
        fields.keys().find(|name| crate::ownership::parse_segment(name).as_ref() == Some(first))?.clone();
    if rest.is_empty() {
        let below = fields.remove(&name)?;
        return Some((vec![name], below));
    }
    let inner = fields.get_mut(&name)?.as_object_mut()?;
    let (mut names, below) = remove(inner, rest)?;
    if inner.keys().all(|name| name == ".") {
        fields.remove(&name);
    }
    names.insert(0, name);
    Some((names, below))
}

fn insert(fields: &mut Map<String, Value>, (names, below): (Vec<String>, Value)) {
    let Some((last, parents)) = names.split_last() else {
        return;
    };
    let mut place = fields;
    for name in parents {
        let next = place.entry(name.clone()).or_insert_with(|| json!({}));
        let Some(next) = next.as_object_mut() else { return };
        place = next;
    }
    place.insert(last.clone(), below);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_moves_from_the_stranger_to_us() {
        let live = json!({"apiVersion": "apps/v1", "metadata": {"managedFields": [
            {"manager": "us", "operation": "Apply", "fieldsV1": {"f:spec": {"f:a": {}}}},
            {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": {"f:list": {".": {},
                "k:{\"name\":\"x\"}": {".": {}, "f:name": {}}}, "f:kept": {}}}}]}});
        let path = FieldPath(vec![
            Segment::Field("spec".to_owned()),
            Segment::Field("list".to_owned()),
            Segment::Keyed(vec![("name".to_owned(), json!("x"))]),
        ]);
        assert_eq!(
            take_over(&live, "us", &[path]),
            json!([
                {"manager": "us", "operation": "Apply", "fieldsV1": {"f:spec": {"f:a": {}, "f:list": {
                    "k:{\"name\":\"x\"}": {".": {}, "f:name": {}}}}}},
                {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": {"f:kept": {}}}}])
        );
    }

    #[test]
    fn an_entry_of_ours_is_made_and_an_empty_one_goes() {
        let live = json!({"apiVersion": "v1", "metadata": {"managedFields": [
            {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:data": {"f:x": {}}}}]}});
        let path = FieldPath(vec![Segment::Field("data".to_owned()), Segment::Field("x".to_owned())]);
        assert_eq!(
            take_over(&live, "us", &[path]),
            json!([{"manager": "us", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:data": {"f:x": {}}}}])
        );
    }
}
