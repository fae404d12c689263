//! One kind in one version, with everything known about its fields.

use std::sync::Arc;

use serde_json::Value;

use crate::arena::{TypeId, Types};
use crate::builtin::Converter;
use crate::cel_rules::Rules;
use crate::field_set::FieldSet;
use crate::path::FieldPath;
use crate::registry::Registry;

/// A CustomResourceDefinition from which no schema can be made.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// It has no such version.
    #[error("custom resource definition {name:?} has no version {version:?}")]
    NoVersion {
        /// The definition.
        name: String,
        /// The version asked for.
        version: String,
    },
    /// A field that every definition has is missing.
    #[error("custom resource definition lacks {0}")]
    Lacks(&'static str),
    /// A rule does not compile.
    #[error("validation rule of {0}")]
    Rule(String, #[source] crate::cel_rules::RuleError),
}

/// The schema of one kind in one version.
#[derive(Debug)]
pub struct KindSchema {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) types: Arc<Types>,
    pub(crate) root: TypeId,
    pub(crate) custom: Option<Custom>,
    /// Whether `/status` exists, so that the main resource does not own `status`.
    pub(crate) has_status: bool,
}

/// What only custom resources have.
#[derive(Debug)]
pub(crate) struct Custom {
    /// The structural schema; without one anything goes.
    pub(crate) schema: Option<Value>,
    pub(crate) preserve_unknown: bool,
    pub(crate) rules: Rules,
}

impl KindSchema {
    /// The API group, empty for core.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The version, `v1`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The kind, `Deployment`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// `apps/v1`, or `v1` for core.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Whether a CustomResourceDefinition declares the kind.
    pub fn is_custom(&self) -> bool {
        self.custom.is_some()
    }

    /// The kind that `version` of a CustomResourceDefinition declares.
    pub fn from_crd_version(crd: &Value, version: &str) -> Result<Self, SchemaError> {
        let spec = crd.get("spec").ok_or(SchemaError::Lacks("spec"))?;
        let group = text(spec, "/group").ok_or(SchemaError::Lacks("spec.group"))?;
        let kind = text(spec, "/names/kind").ok_or(SchemaError::Lacks("spec.names.kind"))?;
        let versions = spec.get("versions").and_then(Value::as_array).into_iter().flatten();
        let declared = versions.into_iter().find(|declared| text(declared, "/name") == Some(version));
        let declared = declared.ok_or_else(|| SchemaError::NoVersion {
            name: crate::values::metadata_text(crd, "name").to_owned(),
            version: version.to_owned(),
        })?;
        let schema = declared.pointer("/schema/openAPIV3Schema").cloned();
        let facts = Registry::builtin().facts();
        let mut converter = Converter::new(&facts.definitions, &facts.encoding);
        let preserve_unknown = spec.get("preserveUnknownFields") == Some(&Value::Bool(true));
        let root = converter.custom_resource(schema.as_ref());
        let rules = match &schema {
            Some(schema) => Rules::compile(schema).map_err(|(path, error)| SchemaError::Rule(path, error))?,
            None => Rules::default(),
        };
        Ok(Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            types: Arc::new(converter.finish()),
            root,
            custom: Some(Custom { schema, preserve_unknown, rules }),
            has_status: declared.pointer("/subresources/status").is_some_and(|status| !status.is_null()),
        })
    }

    /// Fields that a write to this subresource (empty: the resource itself) cannot change and so does not own.
    pub(crate) fn reset_fields(&self, subresource: &str) -> FieldSet {
        let paths: &[&[&str]] = match (subresource, self.kind.as_str()) {
            ("" | "finalize", _) if self.has_status => &[&["status"]],
            ("" | "finalize", _) => &[],
            ("status", "Deployment") => &[&["spec"], &["metadata", "labels"]],
            ("status", "Pod") => {
                &[&["spec"], &["metadata", "deletionTimestamp"], &["metadata", "ownerReferences"]]
            }
            (
                "status",
                "APIService"
                | "CustomResourceDefinition"
                | "FlowSchema"
                | "PriorityLevelConfiguration"
                | "VolumeAttachment"
                | "ValidatingAdmissionPolicy",
            ) if !self.is_custom() => &[&["spec"], &["metadata"]],
            ("status", _) => &[&["spec"]],
            _ => &[],
        };
        FieldSet::of(paths.iter().map(|path| FieldPath::of_fields(path)))
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}
