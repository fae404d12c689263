//! A CRD as a flat list of facts, one line each, without descriptions: what two CRDs are compared by.

use serde_json::{Map, Value};

/// One line for everything that a CRD says, sorted; descriptions and the generator's name are left out.
pub fn crd_facts(crd: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for (path, part) in [
        ("metadata.labels", "labels"),
        ("metadata.annotations", "annotations"),
    ] {
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
    for (index, column) in version["additionalPrinterColumns"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        lines.push(format!("{name} column[{index}]={}", sorted(column)));
    }
    schema_facts(&version["schema"]["openAPIV3Schema"], name, lines);
}

fn schema_facts(schema: &Value, path: &str, lines: &mut Vec<String>) {
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        match keyword.as_str() {
            "description" => {}
            "properties" => {
                for (name, property) in value.as_object().into_iter().flatten() {
                    lines.push(format!("{path}.{name}"));
                    schema_facts(property, &format!("{path}.{name}"), lines);
                }
            }
            "items" => schema_facts(value, &format!("{path}[]"), lines),
            "additionalProperties" if value.is_object() => schema_facts(value, &format!("{path}{{}}"), lines),
            "required" | "enum" => lines.push(format!("{path} {keyword}={}", sorted_list(value))),
            _ => lines.push(format!("{path} {keyword}={}", sorted(value))),
        }
    }
}

/// Objects with their keys in order, so that the writing order of two CRDs does not matter.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            let entries: Map<String, Value> = keys
                .into_iter()
                .map(|key| (key.clone(), sorted(&map[key])))
                .collect();
            Value::Object(entries)
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

fn sorted_list(value: &Value) -> Value {
    let mut items: Vec<String> = value
        .as_array()
        .into_iter()
        .flatten()
        .map(Value::to_string)
        .collect();
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
    let properties = schema["properties"]
        .as_object()
        .filter(|properties| !properties.is_empty());
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
