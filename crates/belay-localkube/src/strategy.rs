//! What writes of a kind may do, where kinds differ.

use serde_json::{Map, Value};

use crate::request::Target;

/// Whether an update of what is not there makes it.
pub(crate) fn creates_on_update(target: &Target) -> bool {
    let definition = &target.definition;
    let resource = definition.resource.as_str();
    target.subresource.is_empty()
        && match definition.group.as_str() {
            "" => matches!(resource, "services" | "endpoints" | "events" | "limitranges"),
            "rbac.authorization.k8s.io" | "coordination.k8s.io" | "node.k8s.io" => true,
            _ => false,
        }
}

/// Whether an update of the kind must say which version it replaces.
pub(crate) fn needs_version(target: &Target) -> bool {
    let definition = &target.definition;
    let resource = definition.resource.as_str();
    definition.is_custom()
        || match definition.group.as_str() {
            "admissionregistration.k8s.io" | "coordination.k8s.io" | "node.k8s.io" | "policy" => true,
            "storage.k8s.io" => !matches!(resource, "storageclasses" | "volumeattributesclasses"),
            "apiextensions.k8s.io" | "apiregistration.k8s.io" => true,
            _ => false,
        }
}

/// Whether the kind counts its generations.
pub(crate) fn has_generation(target: &Target) -> bool {
    let definition = &target.definition;
    if definition.is_custom() {
        return true;
    }
    match definition.group.as_str() {
        "apps" => definition.resource != "controllerrevisions",
        "batch"
        | "policy"
        | "networking.k8s.io"
        | "apiextensions.k8s.io"
        | "admissionregistration.k8s.io"
        | "flowcontrol.apiserver.k8s.io"
        | "discovery.k8s.io"
        | "scheduling.k8s.io" => true,
        "" => matches!(definition.resource.as_str(), "pods" | "podtemplates" | "replicationcontrollers"),
        _ => false,
    }
}

/// Whether something changed that is neither metadata nor, where it is written on its own, status.
pub(crate) fn is_new_generation(target: &Target, live: &Value, object: &Value) -> bool {
    let has_status = target.definition.has_subresource(&target.version, "status");
    let intent = |object: &Value| -> Map<String, Value> {
        let mut fields = object.as_object().cloned().unwrap_or_default();
        let metadata = fields.shift_remove("metadata").unwrap_or_default();
        for field in ["apiVersion", "kind"] {
            fields.shift_remove(field);
        }
        // What describes a slice of endpoints is part of what is meant.
        if target.definition.resource == "endpointslices" {
            fields.insert("labels".to_owned(), metadata["labels"].clone());
            fields.insert("annotations".to_owned(), metadata["annotations"].clone());
        }
        if has_status {
            fields.shift_remove("status");
        }
        fields
    };
    intent(live) != intent(object)
}
