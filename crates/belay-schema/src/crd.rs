//! Checks on a CustomResourceDefinition itself: is its schema structural, are its names and versions in order?

use serde_json::{Value, json};

use crate::cel_rules::Rules;
use crate::errors::{FieldError, Reason};

/// Deeper schemas are refused before they are walked.
const MAX_DEPTH: usize = 100;

/// What is wrong with a CustomResourceDefinition on create or update, worded as the API server does.
pub fn crd_errors(crd: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    names(crd, &mut errors);
    versions(crd, &mut errors);
    errors
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn names(crd: &Value, errors: &mut Vec<FieldError>) {
    let (plural, group) = (text(crd, "/spec/names/plural"), text(crd, "/spec/group"));
    let name = text(crd, "/metadata/name");
    if name != format!("{plural}.{group}") {
        let detail = "must be spec.names.plural+\".\"+spec.group";
        errors.push(FieldError::invalid("metadata.name", &json!(name), detail));
    }
    for (pointer, path) in [("/spec/group", "spec.group"), ("/spec/scope", "spec.scope")] {
        if text(crd, pointer).is_empty() {
            errors.push(FieldError::required(path, ""));
        }
    }
    for name in ["plural", "kind"] {
        if text(crd, &format!("/spec/names/{name}")).is_empty() {
            errors.push(FieldError::required(format!("spec.names.{name}"), ""));
        }
    }
    let scope = text(crd, "/spec/scope");
    if !matches!(scope, "" | "Cluster" | "Namespaced") {
        let supported = ["Cluster", "Namespaced"].map(str::to_owned);
        errors.push(FieldError::not_supported("spec.scope", &json!(scope), &supported));
    }
}

fn versions(crd: &Value, errors: &mut Vec<FieldError>) {
    let versions = crd.pointer("/spec/versions").and_then(Value::as_array).cloned().unwrap_or_default();
    let stored = versions.iter().filter(|version| version["storage"] == true).count();
    if stored != 1 {
        let shown = json!(versions);
        let detail = "must have exactly one version marked as storage version";
        errors.push(FieldError::invalid("spec.versions", &shown, detail));
    }
    let schema_of = |version: &Value| version.pointer("/schema/openAPIV3Schema").cloned();
    let first = versions.first().and_then(schema_of);
    let is_shared = versions.iter().all(|version| schema_of(version) == first);
    for (position, version) in versions.iter().enumerate() {
        let own_path = format!("spec.versions[{position}].schema.openAPIV3Schema");
        let Some(schema) = schema_of(version).filter(Value::is_object) else {
            errors.push(FieldError::required(own_path, ""));
            continue;
        };
        // One schema for all versions is reported where older definitions had it.
        let path = if is_shared { "spec.validation.openAPIV3Schema".to_owned() } else { own_path };
        if !is_shared || position == 0 {
            schema_errors(&schema, &path, errors);
        }
    }
}

fn schema_errors(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    match text(schema, "/type") {
        "object" => {}
        "" => errors.push(FieldError::required(format!("{path}.type"), "must not be empty at the root")),
        other => {
            errors.push(FieldError::invalid(
                format!("{path}.type"),
                &json!(other),
                "must be object at the root",
            ));
        }
    }
    root_metadata(schema, path, errors);
    let mut walker = Walker { errors: Vec::new() };
    walker.node(schema, path, true, 0);
    errors.extend(walker.errors);
    if let Err((place, error)) = Rules::compile(schema) {
        let place = if place.is_empty() { String::new() } else { format!(" at {place}") };
        let detail = format!("{error}{place}");
        errors.push(FieldError::new(format!("{path}.x-kubernetes-validations"), Reason::Invalid, detail));
    }
}

fn root_metadata(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let declared = schema.pointer("/properties/metadata/properties").and_then(Value::as_object);
    let is_other = |name: &String| !matches!(name.as_str(), "name" | "generateName");
    if declared.is_some_and(|declared| declared.keys().any(is_other)) {
        let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        errors.push(FieldError::forbidden(format!("{path}.properties[metadata]"), detail));
    }
}

struct Walker {
    errors: Vec<FieldError>,
}

impl Walker {
    fn node(&mut self, schema: &Value, path: &str, is_root: bool, depth: usize) {
        if depth > MAX_DEPTH {
            return self.errors.push(FieldError::forbidden(path, "nested too deeply"));
        }
        let kind = text(schema, "/type");
        let is_true = |key: &str| schema.get(key) == Some(&Value::Bool(true));
        self.type_of(schema, kind, path, is_root);
        self.list(schema, kind, path);
        self.map(schema, path);
        if is_true("uniqueItems") {
            let detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
            self.errors.push(FieldError::forbidden(format!("{path}.uniqueItems"), detail));
        }
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
            && crate::validate::compiled(pattern).is_none()
            && let Err(error) = regex::Regex::new(pattern)
        {
            let detail = format!("must be a valid regular expression, but isn't: {error}");
            self.errors.push(FieldError::invalid(format!("{path}.pattern"), &json!(pattern), &detail));
        }
        if let Some(default) = schema.get("default").filter(|default| !default.is_null()) {
            let mut found = crate::validate::against_schema(schema, default);
            found.iter_mut().for_each(|error| error.path = format!("{path}.default"));
            self.errors.extend(found);
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            let branches = schema.get(key).and_then(Value::as_array).into_iter().flatten();
            for (position, branch) in branches.enumerate() {
                if !is_true("x-kubernetes-int-or-string") {
                    self.branch(branch, &format!("{path}.{key}[{position}]"), depth);
                }
            }
        }
        if let Some(not) = schema.get("not") {
            self.branch(not, &format!("{path}.not"), depth);
        }
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            self.node(property, &format!("{path}.properties[{name}]"), false, depth + 1);
        }
        for key in ["items", "additionalProperties"] {
            if let Some(inner) = schema.get(key).filter(|inner| inner.is_object()) {
                self.node(inner, &format!("{path}.{key}"), false, depth + 1);
            }
        }
    }

    fn type_of(&mut self, schema: &Value, kind: &str, path: &str, is_root: bool) {
        let is_true = |key: &str| schema.get(key) == Some(&Value::Bool(true));
        let type_path = format!("{path}.type");
        if is_true("x-kubernetes-embedded-resource") && kind != "object" {
            let detail = "must be object if x-kubernetes-embedded-resource is true";
            self.errors.push(match kind {
                "" => FieldError::required(type_path, detail),
                other => FieldError::invalid(type_path, &json!(other), detail),
            });
            return;
        }
        let may_be_untyped = is_root
            || is_true("x-kubernetes-int-or-string")
            || is_true("x-kubernetes-preserve-unknown-fields");
        if kind.is_empty() && !may_be_untyped {
            let place = if path.ends_with(".items") { "array items" } else { "object fields" };
            let detail = format!("must not be empty for specified {place}");
            self.errors.push(FieldError::required(type_path, &detail));
        }
        if kind == "array" && schema.get("items").is_none() {
            self.errors.push(FieldError::required(format!("{path}.items"), "must be specified"));
        }
    }

    fn list(&mut self, schema: &Value, kind: &str, path: &str) {
        let list_type = schema.get("x-kubernetes-list-type").and_then(Value::as_str);
        let keys =
            schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array).cloned().unwrap_or_default();
        let list_path = format!("{path}.x-kubernetes-list-type");
        let keys_path = format!("{path}.x-kubernetes-list-map-keys");
        if list_type.is_some() && kind != "array" {
            let detail = "must be array if x-kubernetes-list-type is specified";
            self.errors.push(FieldError::invalid(format!("{path}.type"), &json!(kind), detail));
        }
        match list_type {
            None | Some("atomic" | "set" | "map") => {}
            Some(other) => {
                let supported = ["atomic", "set", "map"].map(str::to_owned);
                self.errors.push(FieldError::not_supported(&list_path, &json!(other), &supported));
            }
        }
        if !keys.is_empty() && list_type != Some("map") {
            let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
            self.errors.push(match list_type {
                None => FieldError::required(&list_path, detail),
                Some(other) => FieldError::invalid(&list_path, &json!(other), detail),
            });
        }
        if list_type == Some("map") {
            if keys.is_empty() {
                let detail = "must not be empty if x-kubernetes-list-type is map";
                self.errors.push(FieldError::required(&keys_path, detail));
            }
            self.list_keys(schema, &keys, path, &keys_path);
        }
        let item_map_type = schema.pointer("/items/x-kubernetes-map-type");
        if list_type == Some("set")
            && text(schema, "/items/type") == "object"
            && item_map_type != Some(&json!("atomic"))
        {
            let detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
            let found = item_map_type.cloned().unwrap_or_default();
            self.errors.push(FieldError::invalid(
                format!("{path}.items.x-kubernetes-map-type"),
                &found,
                detail,
            ));
        }
    }

    fn list_keys(&mut self, schema: &Value, keys: &[Value], path: &str, keys_path: &str) {
        let Some(items) = schema.get("items") else { return };
        let properties = items.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let required = items.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        let names: Vec<&str> = keys.iter().filter_map(Value::as_str).collect();
        if names.iter().any(|name| !properties.contains_key(*name)) {
            let detail = "entries must all be names of item properties";
            self.errors.push(FieldError::invalid(keys_path, &json!(keys), detail));
        }
        for name in names {
            let Some(property) = properties.get(name) else { continue };
            let has_default = property.get("default").is_some_and(|default| !default.is_null());
            if !has_default && !required.contains(&json!(name)) {
                let detail = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
                let path = format!("{path}.items.properties[{name}].default");
                self.errors.push(FieldError::required(path, detail));
            }
        }
    }

    fn map(&mut self, schema: &Value, path: &str) {
        if let Some(map_type) = schema.get("x-kubernetes-map-type").and_then(Value::as_str)
            && !matches!(map_type, "atomic" | "granular")
        {
            let supported = ["atomic", "granular"].map(str::to_owned);
            let path = format!("{path}.x-kubernetes-map-type");
            self.errors.push(FieldError::not_supported(path, &json!(map_type), &supported));
        }
        let has_properties =
            schema.get("properties").and_then(Value::as_object).is_some_and(|map| !map.is_empty());
        let additional = schema.get("additionalProperties");
        if has_properties && additional.is_some_and(|additional| *additional != Value::Bool(false)) {
            let detail = "additionalProperties and properties are mutual exclusive";
            self.errors.push(FieldError::forbidden(format!("{path}.additionalProperties"), detail));
        }
    }

    /// What stands below `anyOf` and its kin may only restrict values.
    fn branch(&mut self, schema: &Value, path: &str, depth: usize) {
        if depth > MAX_DEPTH {
            return self.errors.push(FieldError::forbidden(path, "nested too deeply"));
        }
        let is_set = |key: &str| {
            schema
                .get(key)
                .is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)) && *value != "")
        };
        for key in ["type", "description", "default", "title"] {
            if is_set(key) {
                let detail = if key == "default" {
                    "must be undefined to be structural"
                } else {
                    "must be empty to be structural"
                };
                self.errors.push(FieldError::forbidden(format!("{path}.{key}"), detail));
            }
        }
        for (key, detail) in [
            ("nullable", "must be false to be structural"),
            ("x-kubernetes-preserve-unknown-fields", "must be false to be structural"),
            ("x-kubernetes-embedded-resource", "must be false to be structural"),
            ("x-kubernetes-int-or-string", "must be false to be structural"),
            ("x-kubernetes-list-map-keys", "must be empty to be structural"),
            ("x-kubernetes-list-type", "must be undefined to be structural"),
            ("x-kubernetes-map-type", "must be undefined to be structural"),
            ("x-kubernetes-validations", "must be empty to be structural"),
            ("additionalProperties", "must be undefined to be structural"),
        ] {
            if is_set(key) {
                self.errors.push(FieldError::forbidden(format!("{path}.{key}"), detail));
            }
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            let branches = schema.get(key).and_then(Value::as_array).into_iter().flatten();
            for (position, inner) in branches.enumerate() {
                self.branch(inner, &format!("{path}.{key}[{position}]"), depth + 1);
            }
        }
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            self.branch(property, &format!("{path}.properties[{name}]"), depth + 1);
        }
        for key in ["items", "not"] {
            if let Some(inner) = schema.get(key) {
                self.branch(inner, &format!("{path}.{key}"), depth + 1);
            }
        }
    }
}
