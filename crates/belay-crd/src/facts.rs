//! A CRD as a flat list of facts, one line each, without descriptions: what two CRDs are compared by.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// One line for everything that a CRD says, sorted; descriptions and the generator's name are left out.
pub fn crd_facts(crd: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for (path, part) in [("metadata.labels", "labels"), ("metadata.annotations", "annotations")] {
        for (key, value) in crd["metadata"][part].as_object().into_iter().flatten() {
            if key != "controller-gen.kubebuilder.io/version" {
                lines.push(format!("{path} {key}={value}"));
            }
        }
    }
    for key in ["group", "scope"] {
        lines.push(format!("spec {key}={}", crd["spec"][key]));
    }
    for (key, value) in crd["spec"]["names"].as_object().into_iter().flatten() {
        lines.push(format!("spec.names {key}={value}"));
    }
    for version in crd["spec"]["versions"].as_array().into_iter().flatten() {
        version_facts(version, &mut lines);
    }
    lines.sort();
    lines
}

fn version_facts(version: &Value, lines: &mut Vec<String>) {
    let name = version["name"].as_str().unwrap_or_default();
    for key in ["served", "storage", "subresources", "deprecated"] {
        if let Some(value) = version.get(key) {
            lines.push(format!("{name} {key}={value}"));
        }
    }
    for (index, column) in version["additionalPrinterColumns"].as_array().into_iter().flatten().enumerate() {
        lines.push(format!("{name} column[{index}]={}", sorted(column)));
    }
    let mut seen = HashMap::new();
    schema_facts(&version["schema"]["openAPIV3Schema"], name, &mut seen, lines);
}

/// An object that was described before, at another path, is one line that names the first path.
fn schema_facts(schema: &Value, path: &str, seen: &mut HashMap<String, String>, lines: &mut Vec<String>) {
    let mut keywords: Vec<(&String, &Value)> = schema.as_object().into_iter().flatten().collect();
    keywords.sort_by_key(|(keyword, _)| *keyword);
    if schema["properties"].is_object() {
        let shape = sorted(&without_descriptions(schema)).to_string();
        if let Some(first) = seen.get(&shape) {
            lines.push(format!("{path} as {first}"));
            return;
        }
        seen.insert(shape, path.to_owned());
    }
    for (keyword, value) in keywords {
        match keyword.as_str() {
            "description" => {}
            "properties" => {
                let mut properties: Vec<(&String, &Value)> =
                    value.as_object().into_iter().flatten().collect();
                properties.sort_by_key(|(name, _)| *name);
                for (name, property) in properties {
                    schema_facts(property, &format!("{path}.{name}"), seen, lines);
                }
            }
            "items" => schema_facts(value, &format!("{path}[]"), seen, lines),
            "additionalProperties" if value.is_object() => {
                schema_facts(value, &format!("{path}{{}}"), seen, lines);
            }
            "required" | "enum" => lines.push(format!("{path} {keyword}={}", sorted_list(value))),
            _ => lines.push(format!("{path} {keyword}={}", sorted(value))),
        }
    }
}

/// A field may be called `description`: only texts are dropped. The order of names in `required` does not count.
fn without_descriptions(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => {
            let mut kept = Map::new();
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("description", Value::String(_)) => {}
                    ("required" | "enum", Value::Array(_)) => {
                        kept.insert(key.clone(), sorted_list(value));
                    }
                    _ => {
                        kept.insert(key.clone(), without_descriptions(value));
                    }
                }
            }
            Value::Object(kept)
        }
        Value::Array(items) => items.iter().map(without_descriptions).collect(),
        other => other.clone(),
    }
}

/// Objects with their keys in order, so that the writing order of two CRDs does not matter.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            let entries: Map<String, Value> =
                keys.into_iter().map(|key| (key.clone(), sorted(&map[key]))).collect();
            Value::Object(entries)
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

fn sorted_list(value: &Value) -> Value {
    let mut items: Vec<String> = value.as_array().into_iter().flatten().map(Value::to_string).collect();
    items.sort();
    items.join(",").into()
}

/// Every leaf field below `schema`, as `spec.source.helm.parameters[].name`. Free-form objects and maps are leaves.
pub fn schema_fields(schema: &Value, path: &str) -> Vec<String> {
    let mut fields = Vec::new();
    collect_fields(schema, path, &mut fields);
    fields
}

fn collect_fields(schema: &Value, path: &str, fields: &mut Vec<String>) {
    let properties = schema["properties"].as_object().filter(|properties| !properties.is_empty());
    if let Some(properties) = properties {
        for (name, property) in properties {
            collect_fields(property, &format!("{path}.{name}"), fields);
        }
    } else if schema["items"].is_object() {
        collect_fields(&schema["items"], &format!("{path}[]"), fields);
    } else {
        fields.push(path.to_owned());
    }
}
