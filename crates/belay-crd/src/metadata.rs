//! The metadata that every object carries, as far as controllers use it.

use indexmap::IndexMap;
use serde_json::Value;

use crate::{Described, FieldError, Schema, Time};

/// An object's metadata. Parts that are not named here (managedFields, selfLink, …) stay in `extra`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ObjectMeta(MetadataFields);

crate::described! {
    /// The fields of [`ObjectMeta`].
    pub struct MetadataFields {
        name "name": String;
        generate_name "generateName": String;
        namespace "namespace": String;
        uid "uid": String;
        resource_version "resourceVersion": String;
        generation "generation": i64;
        creation_timestamp "creationTimestamp": Time;
        deletion_timestamp "deletionTimestamp": Time;
        deletion_grace_period_seconds "deletionGracePeriodSeconds": Option<i64>;
        labels "labels": IndexMap<String, String>;
        annotations "annotations": IndexMap<String, String>;
        finalizers "finalizers": Vec<String>;
        owner_references "ownerReferences": Vec<OwnerReference>;
    }

    /// Who owns an object.
    pub struct OwnerReference {
        api_version "apiVersion" (required): String;
        kind "kind" (required): String;
        name "name" (required): String;
        uid "uid" (required): String;
        controller "controller": Option<bool>;
        block_owner_deletion "blockOwnerDeletion": Option<bool>;
    }
}

impl ObjectMeta {
    /// The value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.get(key).map(String::as_str)
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }

    /// Whether deletion has begun.
    pub fn is_deleting(&self) -> bool {
        !self.deletion_timestamp.is_unset()
    }

    /// Whether the finalizer is set.
    pub fn has_finalizer(&self, finalizer: &str) -> bool {
        self.finalizers.iter().any(|entry| entry == finalizer)
    }
}

impl std::ops::Deref for ObjectMeta {
    type Target = MetadataFields;

    fn deref(&self) -> &MetadataFields {
        &self.0
    }
}

impl std::ops::DerefMut for ObjectMeta {
    fn deref_mut(&mut self) -> &mut MetadataFields {
        &mut self.0
    }
}

/// In a CRD, metadata is only `type: object`: the API server knows the rest.
impl Described for ObjectMeta {
    fn schema() -> Schema {
        Schema::object()
    }
    fn read(value: Value) -> Result<Self, FieldError> {
        MetadataFields::read(value).map(ObjectMeta)
    }
    fn write(&self) -> Value {
        self.0.write()
    }
    fn is_absent(&self) -> bool {
        false
    }
}

crate::described!(@serde ObjectMeta);
