//! What is known about a kind, and the CRD made of it.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::{Described, FieldError, ObjectMeta};

/// One custom resource kind: everything its CRD says.
#[derive(Debug)]
pub struct Kind {
    /// API group.
    pub group: &'static str,
    /// The one version that is served and stored.
    pub version: &'static str,
    /// Kind, as in manifests.
    pub kind: &'static str,
    /// Plural, as in URLs. All kinds here are namespaced.
    pub plural: &'static str,
    /// Short names for kubectl.
    pub short_names: &'static [&'static str],
    /// Categories, as `kubectl get all`.
    pub categories: &'static [&'static str],
    /// What the CRD says about subresources.
    pub subresources: Subresources,
    /// Columns of `kubectl get`.
    pub columns: &'static [Column],
    /// Labels of the CRD object.
    pub labels: &'static [(&'static str, &'static str)],
    /// Annotations of the CRD object.
    pub annotations: &'static [(&'static str, &'static str)],
    /// The schema, built once.
    pub schema: LazyLock<Value>,
}

/// What a CRD says about subresources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subresources {
    /// Nothing at all.
    Unmentioned,
    /// An empty object: status is written with the object.
    Empty,
    /// Status has its own endpoint.
    Status,
}

/// A printer column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Title.
    pub name: &'static str,
    /// `string`, `date`, …
    pub column_type: &'static str,
    /// Where the value is.
    pub json_path: &'static str,
    /// Zero is always shown; more only with `-o wide`.
    pub priority: i64,
}

impl Column {
    /// A column of text that is always shown.
    pub const fn text(name: &'static str, json_path: &'static str) -> Column {
        Column { name, column_type: "string", json_path, priority: 0 }
    }

    /// A column of text shown with `-o wide` only.
    pub const fn wide(name: &'static str, json_path: &'static str, priority: i64) -> Column {
        Column { name, column_type: "string", json_path, priority }
    }

    /// The object's age.
    pub const fn age() -> Column {
        Column { name: "Age", column_type: "date", json_path: ".metadata.creationTimestamp", priority: 0 }
    }
}

/// An object of a known kind.
pub trait Resource: Described {
    /// Its kind.
    const KIND: &'static Kind;
    /// Its metadata.
    fn metadata(&self) -> &ObjectMeta;
    /// What is wrong with its specification, beyond what could not be read.
    fn validate(&self) -> Vec<FieldError>;
}

impl Kind {
    /// `group/version`.
    pub fn api_version(&self) -> String {
        format!("{}/{}", self.group, self.version)
    }

    /// The kind in lower case.
    pub fn singular(&self) -> String {
        self.kind.to_lowercase()
    }

    /// The name of the CRD object.
    pub fn crd_name(&self) -> String {
        format!("{}.{}", self.plural, self.group)
    }

    /// Whether `apiVersion` and `kind` of an object name this kind.
    pub fn matches(&self, object: &Value) -> bool {
        object["kind"] == self.kind && object["apiVersion"] == self.api_version().as_str()
    }

    /// The CustomResourceDefinition.
    pub fn crd(&self) -> Value {
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": self.crd_metadata(),
            "spec": {
                "group": self.group,
                "names": self.names(),
                "scope": "Namespaced",
                "versions": [self.version()],
            },
        })
    }

    fn crd_metadata(&self) -> Value {
        let mut metadata = json!({"name": self.crd_name()});
        for (name, pairs) in [("labels", self.labels), ("annotations", self.annotations)] {
            if !pairs.is_empty() {
                let pairs: Map<String, Value> =
                    pairs.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect();
                metadata[name] = Value::Object(pairs);
            }
        }
        metadata
    }

    fn names(&self) -> Value {
        let mut names = json!({
            "kind": self.kind,
            "listKind": format!("{}List", self.kind),
            "plural": self.plural,
            "singular": self.singular(),
        });
        if !self.short_names.is_empty() {
            names["shortNames"] = json!(self.short_names);
        }
        if !self.categories.is_empty() {
            names["categories"] = json!(self.categories);
        }
        names
    }

    fn version(&self) -> Value {
        let mut version = json!({
            "name": self.version,
            "served": true,
            "storage": true,
            "schema": {"openAPIV3Schema": &*self.schema},
        });
        match self.subresources {
            Subresources::Unmentioned => {}
            Subresources::Empty => version["subresources"] = json!({}),
            Subresources::Status => version["subresources"] = json!({"status": {}}),
        }
        if !self.columns.is_empty() {
            version["additionalPrinterColumns"] = self.columns.iter().map(column).collect();
        }
        version
    }
}

fn column(column: &Column) -> Value {
    let mut value = json!({"name": column.name, "type": column.column_type, "jsonPath": column.json_path});
    if column.priority != 0 {
        value["priority"] = json!(column.priority);
    }
    value
}
