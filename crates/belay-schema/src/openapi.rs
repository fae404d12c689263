//! OpenAPI v3 documents as the API server serves them: enough for kubectl's validation, explain and patch choice.

mod second;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::builtin::OBJECT_META;
use crate::registry::{GroupVersion, Registry, Resource};

pub use second::second_document;

const REFERENCE: &str = "#/components/schemas/";

/// The document of a built-in group and version.
pub(crate) fn document(group_version: &GroupVersion, definitions: &Map<String, Value>) -> Value {
    let mut paths = Map::new();
    let mut roots = BTreeSet::new();
    let prefix = prefix(&group_version.group, &group_version.version);
    for resource in &group_version.resources {
        let gvk = kind_of(group_version, resource);
        let definition = definition_of(definitions, &gvk);
        roots.extend(definition.map(str::to_owned));
        add_paths(&mut paths, &prefix, resource, &gvk, definition);
    }
    let schemas = reachable(definitions, roots);
    json!({
        "openapi": "3.0.0",
        "info": { "title": "Kubernetes", "version": "v1.34.4" },
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

/// The document of one group and version of custom resources: `(CustomResourceDefinition, version name)` each.
pub fn custom_resources_document(resources: &[(&Value, &str)]) -> Value {
    let definitions = &Registry::builtin().facts().definitions;
    let mut paths = Map::new();
    let mut schemas = reachable(definitions, BTreeSet::from([OBJECT_META.to_owned()]));
    for (crd, version) in resources {
        let text =
            |pointer: &str| crd.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (group, kind) = (text("/spec/group"), text("/spec/names/kind"));
        let gvk = json!({ "group": group, "version": version, "kind": kind });
        let name = custom_name(&group, version, &kind);
        schemas.insert(name.clone(), custom_schema(crd, version, &gvk));
        let resource =
            Resource::custom(&text("/spec/names/plural"), &kind, text("/spec/scope") == "Namespaced");
        add_paths(&mut paths, &prefix(&group, version), &resource, &gvk, Some(&name));
    }
    json!({
        "openapi": "3.0.0",
        "info": { "title": "Kubernetes CRD Swagger", "version": "v0.1.0" },
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

fn prefix(group: &str, version: &str) -> String {
    if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") }
}

/// `com.example.v1.Widget`: the group's labels turned around.
fn custom_name(group: &str, version: &str, kind: &str) -> String {
    let mut labels: Vec<&str> = group.split('.').collect();
    labels.reverse();
    format!("{}.{version}.{kind}", labels.join("."))
}

fn custom_schema(crd: &Value, version: &str, gvk: &Value) -> Value {
    let mut versions = crd.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten();
    let declared = versions.find(|declared| declared["name"] == *version);
    let schema = declared.and_then(|declared| declared.pointer("/schema/openAPIV3Schema"));
    let mut schema = schema.cloned().unwrap_or_else(|| json!({ "type": "object" }));
    if let Some(map) = schema.as_object_mut() {
        map.insert("x-kubernetes-group-version-kind".to_owned(), json!([gvk]));
        let properties = map.entry("properties").or_insert_with(|| json!({}));
        if let Some(properties) = properties.as_object_mut() {
            properties.insert("apiVersion".to_owned(), json!({ "type": "string" }));
            properties.insert("kind".to_owned(), json!({ "type": "string" }));
            let reference = json!({ "allOf": [{ "$ref": format!("{REFERENCE}{OBJECT_META}") }] });
            properties.insert("metadata".to_owned(), reference);
        }
    }
    schema
}

fn kind_of(group_version: &GroupVersion, resource: &Resource) -> Value {
    let group = resource.kind_group.as_ref().unwrap_or(&group_version.group);
    let version = resource.kind_version.as_ref().unwrap_or(&group_version.version);
    json!({ "group": group, "version": version, "kind": resource.kind })
}

fn definition_of<'a>(definitions: &'a Map<String, Value>, gvk: &Value) -> Option<&'a str> {
    let found = definitions.iter().find(|(_, definition)| {
        let listed = definition.get("x-kubernetes-group-version-kind").and_then(Value::as_array);
        listed.is_some_and(|listed| listed.len() == 1 && listed.first() == Some(gvk))
    });
    found.map(|(name, _)| name.as_str())
}

fn add_paths(
    paths: &mut Map<String, Value>,
    prefix: &str,
    resource: &Resource,
    gvk: &Value,
    definition: Option<&str>,
) {
    for (path, method, action) in operations(prefix, resource) {
        let entry = paths.entry(path).or_insert_with(|| json!({}));
        if let Some(entry) = entry.as_object_mut() {
            entry.insert(method.to_owned(), operation(action, gvk, definition));
        }
    }
}

/// What can be done with a resource: path, method and the action's name.
fn operations(prefix: &str, resource: &Resource) -> Vec<(String, &'static str, &'static str)> {
    let scope = if resource.namespaced { "/namespaces/{namespace}" } else { "" };
    let (name, subresource) = resource.name.split_once('/').unwrap_or((&resource.name, ""));
    let tail = if subresource.is_empty() { String::new() } else { format!("/{subresource}") };
    let one = format!("{prefix}{scope}/{name}/{{name}}{tail}");
    let many = format!("{prefix}{scope}/{name}");
    let found = resource.verbs.iter().filter_map(|verb| {
        Some(match verb.as_str() {
            "get" => (one.clone(), "get", "get"),
            "update" => (one.clone(), "put", "put"),
            "patch" => (one.clone(), "patch", "patch"),
            "delete" => (one.clone(), "delete", "delete"),
            "create" if subresource.is_empty() => (many.clone(), "post", "post"),
            "create" => (one.clone(), "post", "post"),
            "list" => (many.clone(), "get", "list"),
            _ => return None,
        })
    });
    found.collect()
}

fn operation(action: &str, gvk: &Value, definition: Option<&str>) -> Value {
    let parameter = |name: &str| json!({ "name": name, "in": "query", "schema": { "type": "string", "uniqueItems": true } });
    let schema = match definition {
        Some(name) => json!({ "$ref": format!("{REFERENCE}{name}") }),
        None => json!({ "type": "object" }),
    };
    let mut operation = json!({
        "responses": { "200": { "description": "OK", "content": { "application/json": { "schema": schema } } } },
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": gvk,
    });
    if matches!(action, "post" | "put" | "patch") {
        operation["parameters"] =
            json!([parameter("dryRun"), parameter("fieldManager"), parameter("fieldValidation")]);
        operation["requestBody"] = json!({ "content": { "*/*": { "schema": schema } }, "required": true });
    }
    operation
}

/// Definitions that `roots` need, with references as documents write them.
fn reachable(definitions: &Map<String, Value>, roots: BTreeSet<String>) -> Map<String, Value> {
    let mut wanted: Vec<String> = roots.into_iter().collect();
    let mut found = BTreeSet::new();
    let mut schemas = Map::new();
    while let Some(name) = wanted.pop() {
        if !found.insert(name.clone()) {
            continue;
        }
        let Some(definition) = definitions.get(&name) else {
            continue;
        };
        let mut schema = definition.clone();
        expand_references(&mut schema, &mut wanted);
        schemas.insert(name, schema);
    }
    schemas.sort_keys();
    schemas
}

fn expand_references(schema: &mut Value, wanted: &mut Vec<String>) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(name)) = map.get_mut("$ref") {
                wanted.push(name.clone());
                *name = format!("{REFERENCE}{name}");
            }
            map.values_mut().for_each(|value| expand_references(value, wanted));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| expand_references(item, wanted)),
        _ => {}
    }
}
