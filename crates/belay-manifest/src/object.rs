//! One object, as JSON, with the accessors that every step needs.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::key::{GroupVersionKind, ObjectKey};

/// A Kubernetes object as JSON. It has an `apiVersion`, a `kind` and a `metadata.name`
/// (or `generateName`), all checked when it was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Object(Value);

/// Why a JSON value is not a Kubernetes object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// It is a list, a string or another scalar.
    #[error("is {found}, not a Kubernetes object")]
    NotAnObject {
        /// What it is instead.
        found: &'static str,
    },
    /// A field that every object has is missing or of another type.
    #[error("field {field:?} is missing or not a text")]
    Missing {
        /// The field's path.
        field: &'static str,
    },
}

impl Object {
    /// Checks that the value names a kind and an object.
    pub fn new(value: Value) -> Result<Object, IdentityError> {
        let Value::Object(fields) = &value else {
            return Err(IdentityError::NotAnObject { found: type_name(&value) });
        };
        for field in ["apiVersion", "kind"] {
            if text(fields, field).is_empty() {
                return Err(IdentityError::Missing { field });
            }
        }
        let metadata = fields.get("metadata").and_then(Value::as_object);
        let named = metadata.is_some_and(|metadata| {
            !text(metadata, "name").is_empty() || !text(metadata, "generateName").is_empty()
        });
        if !named {
            return Err(IdentityError::Missing { field: "metadata.name" });
        }
        Ok(Object(value))
    }

    /// The JSON.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The JSON, to change. The caller keeps kind and name in place.
    pub fn value_mut(&mut self) -> &mut Value {
        &mut self.0
    }

    /// The JSON, taken out.
    pub fn into_value(self) -> Value {
        self.0
    }

    /// Group, version and kind.
    pub fn gvk(&self) -> GroupVersionKind {
        GroupVersionKind::new(self.api_version(), self.kind())
    }

    /// The `apiVersion` field.
    pub fn api_version(&self) -> &str {
        self.field("apiVersion")
    }

    /// The `kind` field.
    pub fn kind(&self) -> &str {
        self.field("kind")
    }

    /// `metadata.name`, empty when only `generateName` is given.
    pub fn name(&self) -> &str {
        self.metadata_text("name")
    }

    /// `metadata.namespace`, empty when it has none.
    pub fn namespace(&self) -> &str {
        self.metadata_text("namespace")
    }

    /// `metadata.uid`, empty on a manifest.
    pub fn uid(&self) -> &str {
        self.metadata_text("uid")
    }

    /// `metadata.resourceVersion`, empty on a manifest.
    pub fn resource_version(&self) -> &str {
        self.metadata_text("resourceVersion")
    }

    /// Which object this is.
    pub fn key(&self) -> ObjectKey {
        let gvk = self.gvk();
        ObjectKey {
            group: gvk.group,
            kind: gvk.kind,
            namespace: self.namespace().to_owned(),
            name: self.name().to_owned(),
        }
    }

    /// The value of an annotation.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.0.get("metadata")?.get("annotations")?.get(name)?.as_str()
    }

    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.0.get("metadata")?.get("labels")?.get(name)?.as_str()
    }

    /// `metadata.finalizers`.
    pub fn finalizers(&self) -> impl Iterator<Item = &str> {
        let names = self.0.pointer("/metadata/finalizers").and_then(Value::as_array);
        names.into_iter().flatten().filter_map(Value::as_str)
    }

    /// Sets `metadata.namespace`; an empty text takes it away.
    pub fn set_namespace(&mut self, namespace: &str) {
        let metadata = self.metadata_mut();
        if namespace.is_empty() {
            metadata.remove("namespace");
        } else {
            metadata.insert("namespace".to_owned(), Value::from(namespace));
        }
    }

    /// Sets an annotation.
    pub fn set_annotation(&mut self, name: &str, value: &str) {
        self.metadata_map_mut("annotations").insert(name.to_owned(), Value::from(value));
    }

    /// Sets a label.
    pub fn set_label(&mut self, name: &str, value: &str) {
        self.metadata_map_mut("labels").insert(name.to_owned(), Value::from(value));
    }

    /// Takes an annotation away.
    pub fn remove_annotation(&mut self, name: &str) {
        self.remove_from_metadata_map("annotations", name);
    }

    /// Takes a label away.
    pub fn remove_label(&mut self, name: &str) {
        self.remove_from_metadata_map("labels", name);
    }

    fn remove_from_metadata_map(&mut self, map: &str, name: &str) {
        let metadata = self.metadata_mut();
        if let Some(Value::Object(entries)) = metadata.get_mut(map) {
            entries.shift_remove(name);
            if entries.is_empty() {
                metadata.shift_remove(map);
            }
        }
    }

    /// A hash of the whole object, equal for equal objects whatever the order of their fields.
    pub fn content_hash(&self) -> String {
        let mut hasher = Sha256::new();
        hash_into(&self.0, &mut hasher);
        hex::encode(hasher.finalize())
    }

    fn field(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn metadata_text(&self, name: &str) -> &str {
        self.0
            .get("metadata")
            .and_then(|metadata| metadata.get(name))
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    fn metadata_mut(&mut self) -> &mut Map<String, Value> {
        self.0["metadata"].as_object_mut().expect("an Object has metadata, checked in new")
    }

    fn metadata_map_mut(&mut self, name: &str) -> &mut Map<String, Value> {
        let place = self.metadata_mut().entry(name).or_insert(Value::Null);
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place.as_object_mut().expect("made a map one line above")
    }
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> &'a str {
    fields.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

/// Feeds a value in an order that does not depend on how it was written.
fn hash_into(value: &Value, hasher: &mut Sha256) {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort();
            hasher.update(b"{");
            for name in names {
                hasher.update(Value::String(name.clone()).to_string());
                hasher.update(b":");
                hash_into(&fields[name], hasher);
            }
            hasher.update(b"}");
        }
        Value::Array(items) => {
            hasher.update(b"[");
            for item in items {
                hash_into(item, hasher);
                hasher.update(b",");
            }
            hasher.update(b"]");
        }
        scalar => hasher.update(scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_object_has_kind_and_name() {
        assert!(Object::new(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}})).is_ok());
        assert_eq!(
            Object::new(json!({"kind": "Pod", "metadata": {"name": "a"}})),
            Err(IdentityError::Missing { field: "apiVersion" })
        );
        assert_eq!(
            Object::new(json!({"apiVersion": "v1", "kind": "Pod"})),
            Err(IdentityError::Missing { field: "metadata.name" })
        );
        assert_eq!(Object::new(json!([])), Err(IdentityError::NotAnObject { found: "a list" }));
    }

    #[test]
    fn the_hash_ignores_the_order_of_fields_only() {
        let one =
            Object::new(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "x": [1, 2]}));
        let two =
            Object::new(json!({"x": [1, 2], "kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a"}}));
        let three =
            Object::new(json!({"x": [2, 1], "kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a"}}));
        assert_eq!(one.as_ref().unwrap().content_hash(), two.unwrap().content_hash());
        assert_ne!(one.unwrap().content_hash(), three.unwrap().content_hash());
    }
}
