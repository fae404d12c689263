//! The one document at `/openapi/v2`, for clients that do not know the third version yet.

use serde_json::{Map, Value, json};

use super::{custom_name, custom_schema, definition_of, kind_of, prefix};
use crate::registry::{Registry, Resource};

const REFERENCE: &str = "#/definitions/";

/// The document of all built-in kinds and of these: `(CustomResourceDefinition, version name)` each.
pub fn second_document(custom: &[(&Value, &str)]) -> Value {
    let registry = Registry::builtin();
    let recorded = &registry.facts().definitions;
    let mut definitions: Map<String, Value> =
        recorded.iter().map(|(name, schema)| (name.clone(), named_schema(name, schema))).collect();
    let mut paths = Map::new();
    for group_version in registry.group_versions() {
        let prefix = prefix(&group_version.group, &group_version.version);
        for resource in &group_version.resources {
            let gvk = kind_of(group_version, resource);
            let definition = definition_of(recorded, &gvk);
            add_paths(&mut paths, &prefix, resource, &gvk, definition);
        }
    }
    for (crd, version) in custom {
        let text = |pointer: &str| crd.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (group, kind) = (text("/spec/group"), text("/spec/names/kind"));
        let gvk = json!({ "group": group, "version": version, "kind": kind });
        let name = custom_name(group, version, kind);
        definitions.insert(name.clone(), schema_of(&custom_schema(crd, version, &gvk)));
        let resource =
            Resource::custom(text("/spec/names/plural"), kind, text("/spec/scope") == "Namespaced");
        add_paths(&mut paths, &prefix(group, version), &resource, &gvk, Some(&name));
    }
    json!({
        "swagger": "2.0",
        "info": { "title": "Kubernetes", "version": "1.34" },
        "paths": paths,
        "definitions": definitions,
    })
}

/// Types that the second version knows by a format alone.
fn named_schema(name: &str, schema: &Value) -> Value {
    match name.rsplit('.').next() {
        Some("Quantity") => json!({ "type": "string" }),
        Some("IntOrString") => json!({ "type": "string", "format": "int-or-string" }),
        _ => schema_of(schema),
    }
}

/// A schema of the third version in the words of the second: no alternatives, no defaults, references by themselves.
fn schema_of(schema: &Value) -> Value {
    let Some(fields) = schema.as_object() else { return schema.clone() };
    let mut shown = Map::new();
    for (key, value) in fields {
        match key.as_str() {
            "allOf" => {
                if let Some(reference) = value.pointer("/0/$ref").and_then(Value::as_str) {
                    shown.insert("$ref".to_owned(), reference_to(reference));
                }
            }
            "$ref" => {
                shown.insert(key.clone(), reference_to(value.as_str().unwrap_or_default()));
            }
            "oneOf" | "anyOf" | "not" | "nullable" | "default" => {}
            "properties" => {
                let fields = value.as_object().into_iter().flatten();
                let fields = fields.map(|(name, field)| (name.clone(), schema_of(field))).collect();
                shown.insert(key.clone(), Value::Object(fields));
            }
            "items" | "additionalProperties" => {
                shown.insert(key.clone(), schema_of(value));
            }
            _ => {
                shown.insert(key.clone(), value.clone());
            }
        }
    }
    Value::Object(shown)
}

fn reference_to(name: &str) -> Value {
    let name = name.rsplit('/').next().unwrap_or(name);
    format!("{REFERENCE}{name}").into()
}

fn add_paths(
    paths: &mut Map<String, Value>,
    prefix: &str,
    resource: &Resource,
    gvk: &Value,
    definition: Option<&str>,
) {
    for (path, method, action) in super::operations(prefix, resource) {
        let schema = match definition {
            Some(name) => json!({ "$ref": format!("{REFERENCE}{name}") }),
            None => json!({ "type": "object" }),
        };
        let mut operation = json!({
            "consumes": ["*/*"], "produces": ["application/json", "application/yaml"], "schemes": ["https"],
            "responses": { "200": { "description": "OK", "schema": schema } },
            "x-kubernetes-action": action, "x-kubernetes-group-version-kind": gvk,
        });
        if matches!(action, "post" | "put" | "patch") {
            let plain =
                |name: &str| json!({ "name": name, "in": "query", "type": "string", "uniqueItems": true });
            operation["parameters"] = json!([
                { "name": "body", "in": "body", "required": true, "schema": schema },
                plain("dryRun"), plain("fieldManager"), plain("fieldValidation"),
            ]);
        }
        let entry = paths.entry(path).or_insert_with(|| json!({}));
        entry[method] = operation;
    }
}
