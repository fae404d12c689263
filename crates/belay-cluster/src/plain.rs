//! Objects as they come from the API server: read once, into the fields that everything else works with.
//!
//! kube's own type for objects of any kind reads metadata into fields of their types and the rest twice over, which then have to
//! be made JSON again. Watches and the answers to writes are most of what is read at all.

use std::borrow::Cow;

use belay_manifest::Object;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::ApiResource;
use kube::core::DynamicResourceScope;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// An object of any kind.
#[derive(Debug, Clone)]
pub struct PlainObject {
    value: Value,
    /// What requests and watches go by: name, namespace and version.
    metadata: ObjectMeta,
}

impl PlainObject {
    fn new(value: Value) -> PlainObject {
        let text = |field: &str| Some(value.get("metadata")?.get(field)?.as_str()?.to_owned());
        let metadata = ObjectMeta {
            name: text("name"),
            namespace: text("namespace"),
            resource_version: text("resourceVersion"),
            ..ObjectMeta::default()
        };
        PlainObject { value, metadata }
    }

    /// Its fields.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The same, taken out.
    pub fn into_value(self) -> Value {
        self.value
    }
}

impl From<&Object> for PlainObject {
    fn from(object: &Object) -> PlainObject {
        PlainObject::new(object.value().clone())
    }
}

impl<'de> Deserialize<'de> for PlainObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PlainObject, D::Error> {
        Value::deserialize(deserializer).map(PlainObject::new)
    }
}

impl Serialize for PlainObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl kube::Resource for PlainObject {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn api_version(resource: &ApiResource) -> Cow<'_, str> {
        resource.api_version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::ResourceExt;
    use serde_json::json;

    #[test]
    fn fields_are_as_they_came() {
        let value = json!({"metadata": {"resourceVersion": "7", "name": "a", "namespace": "b",
            "managedFields": [{"manager": "x", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:data": {}}}],
            "unheard": {"of": [1, 1.5, null]}}, "data": {"z": "1", "a": 18_446_744_073_709_551_615_u64}});
        let object: PlainObject = serde_json::from_str(&value.to_string()).unwrap();
        assert_eq!((object.name_any().as_str(), object.namespace().as_deref()), ("a", Some("b")));
        assert_eq!(object.resource_version().as_deref(), Some("7"));
        assert_eq!(serde_json::to_string(&object).unwrap(), value.to_string());
        assert_eq!(object.into_value(), value);
        let nothing: PlainObject = serde_json::from_str("[]").unwrap();
        assert_eq!(nothing.into_value(), json!([]), "what is no object is told where it is taken in");
    }
}
