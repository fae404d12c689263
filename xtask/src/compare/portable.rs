//! What a run left, without what differs from run to run: times, ids, ports, digests.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// Texts that differ from run to run, and the words for them; the order matters.
static WORDS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let table = [
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "<time>"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uid>"),
        (r"\bsha256:[0-9a-f]{64}", "<digest>"),
        (r"\b(\d+h)?(\d+m)?\d+(\.\d+)?(ms|µs|s)\b", "<duration>"),
        (r"(127\.0\.0\.1|localhost):\d+", "<host>"),
        // The runner asks for looks by the time in nanoseconds.
        (r"\b\d{19}\b", "<token>"),
    ];
    table.map(|(pattern, word)| (Regex::new(pattern).expect("a literal"), word)).into()
});
/// Fields of metadata that say nothing about the engine.
const RUN: [&str; 4] = ["resourceVersion", "uid", "creationTimestamp", "selfLink"];

/// The fields of an object by path: lists of conditions by type, managers by name.
pub(super) fn fields(object: &Value) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    if object.is_null() {
        fields.insert("object".to_owned(), "absent".to_owned());
        return fields;
    }
    for (name, value) in object.as_object().into_iter().flatten() {
        match name.as_str() {
            "apiVersion" | "kind" => {}
            "metadata" => metadata(value, &mut fields),
            _ => walk(value, name, &mut fields),
        }
    }
    fields
}

/// Events by reason and message, every kind of them once, and the annotations that their reason carries.
pub(super) fn events(events: &Value) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    for event in events.as_array().into_iter().flatten() {
        let word = |name: &str| text(event[name].as_str().unwrap_or_default());
        let component = text(event["source"]["component"].as_str().unwrap_or_default());
        let (kind, reason, message) = (word("type"), word("reason"), word("message"));
        for (name, value) in event["metadata"]["annotations"].as_object().into_iter().flatten() {
            let value = text(value.as_str().unwrap_or_default());
            fields.insert(format!("annotation of events {reason}: {name}"), value);
        }
        fields.insert(format!("event {kind} {reason} by {component}: {message}"), "there".to_owned());
    }
    fields
}

fn metadata(metadata: &Value, fields: &mut BTreeMap<String, String>) {
    for (name, value) in metadata.as_object().into_iter().flatten() {
        if name == "managedFields" {
            value.as_array().into_iter().flatten().for_each(|entry| manager(entry, fields));
        } else if !RUN.contains(&name.as_str()) {
            walk(value, &format!("metadata.{name}"), fields);
        }
    }
}

/// What a manager has: its fields, without those that only say that a parent is there.
fn manager(entry: &Value, fields: &mut BTreeMap<String, String>) {
    let word = |name: &str| entry[name].as_str().unwrap_or_default();
    let name = format!("manager {} {} {}", word("manager"), word("operation"), word("subresource"));
    let mut owned = Vec::new();
    leaves(&entry["fieldsV1"], "", &mut owned);
    fields.insert(name.trim_end().to_owned(), text(&owned.join(" ")));
}

fn leaves(fields: &Value, path: &str, owned: &mut Vec<String>) {
    match fields.as_object() {
        Some(members) if !members.is_empty() => {
            for (name, value) in members {
                leaves(value, &format!("{path}/{}", name.trim_start_matches("f:")), owned);
            }
        }
        _ => owned.push(path.to_owned()),
    }
}

fn walk(value: &Value, path: &str, fields: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                walk(value, &format!("{path}.{}", text(name)), fields);
            }
        }
        Value::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                walk(item, &format!("{path}[{}]", item_name(item, position)), fields);
            }
        }
        Value::String(words) => {
            fields.insert(path.to_owned(), text(words));
        }
        other => {
            fields.insert(path.to_owned(), other.to_string());
        }
    }
}

/// A condition by its type, an inventory's entry by its id, an object's result by its kind and name.
fn item_name(item: &Value, position: usize) -> String {
    let word = |name: &str| item[name].as_str();
    match (word("type"), word("id"), word("kind"), word("name")) {
        (Some(kind), _, _, _) if !item["status"].is_null() || !item["message"].is_null() => kind.to_owned(),
        (_, Some(id), _, _) => id.to_owned(),
        (_, _, Some(kind), Some(name)) => format!("{kind} {name}"),
        (None, None, None, Some(name)) => name.to_owned(),
        _ => position.to_string(),
    }
}

/// A text without what differs from run to run.
fn text(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, word) in WORDS.iter() {
        if pattern.is_match(&text) {
            text = pattern.replace_all(&text, *word).into_owned();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_go_by_type_and_times_by_a_word() {
        let object = json!({"kind": "App", "metadata": {"uid": "x", "name": "a", "managedFields": [
            {"manager": "m", "operation": "Apply", "fieldsV1": {"f:spec": {"f:a": {}, "f:b": {".": {}}}}}]},
            "status": {"conditions": [{"type": "Ready", "status": "True", "message": "took 1.25s, next in 10m0s"}]}});
        let fields = fields(&object);
        assert_eq!(
            fields.into_iter().collect::<Vec<_>>(),
            [
                ("manager m Apply", "/spec/a /spec/b/."),
                ("metadata.name", "a"),
                ("status.conditions[Ready].message", "took <duration>, next in <duration>"),
                ("status.conditions[Ready].status", "True"),
                ("status.conditions[Ready].type", "Ready"),
            ]
            .map(|(path, value)| (path.to_owned(), value.to_owned()))
        );
    }
}
