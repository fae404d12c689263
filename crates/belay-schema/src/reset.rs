//! What a write cannot change: `status` through the resource itself, everything else through `/status`.

use serde_json::{Map, Value};

use crate::kind::KindSchema;

/// Put back what a write to `subresource` (empty: the resource itself) must leave as it is, in place.
///
/// Call it after `managed::update` or `managed::apply`, before the object is stored. Empty required lists of
/// built-in kinds become null, as they do in storage.
pub fn keep_unchangeable(kind: &KindSchema, live: Option<&Value>, new: &mut Value, subresource: &str) {
    match (subresource, live) {
        ("status", Some(live)) => keep_all_but_status(kind, live, new),
        ("", _) if kind.has_status => keep_status(kind, live, new),
        _ => {}
    }
    if !kind.is_custom() {
        crate::disabled::drop_disabled(kind, new);
        crate::conversion::mirror_fields(kind, new);
        crate::conversion::count_template(kind, live, new);
        crate::conversion::drop_service_fields(kind, live, new);
        if subresource.is_empty() {
            crate::strategy::settle(kind, live, new);
        }
        crate::encoding::null_empty(kind, new);
    }
}

fn keep_status(kind: &KindSchema, live: Option<&Value>, new: &mut Value) {
    let Some(object) = new.as_object_mut() else { return };
    object.shift_remove("status");
    if let Some(status) = live.and_then(|live| live.get("status")) {
        object.insert("status".to_owned(), status.clone());
    } else if !kind.is_custom() {
        crate::encoding::encode(kind, new);
        initial_status(kind, new);
    }
}

/// Some kinds are born with a status.
fn initial_status(kind: &KindSchema, new: &mut Value) {
    let phase = match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod" | "PersistentVolume" | "PersistentVolumeClaim") => "Pending",
        ("", "Namespace") => "Active",
        _ => {
            crate::defaults::default_object(kind, new);
            return;
        }
    };
    if let Some(status) = new.get_mut("status").and_then(Value::as_object_mut) {
        status.insert("phase".to_owned(), Value::String(phase.to_owned()));
    }
}

fn keep_all_but_status(kind: &KindSchema, live: &Value, new: &mut Value) {
    let status = new.get("status").cloned();
    let managed = new.pointer("/metadata/managedFields").cloned();
    // Built-in kinds let labels, annotations and finalizers through, but for a few.
    let keeps_metadata = kind.is_custom() || !kind.reset_fields("status").is_whole("metadata");
    let metadata = new.get("metadata").filter(|_| keeps_metadata && !kind.is_custom()).cloned();
    *new = live.clone();
    let Some(object) = new.as_object_mut() else { return };
    match status {
        Some(status) => object.insert("status".to_owned(), status),
        None => object.shift_remove("status"),
    };
    if let Some(mut metadata) = metadata {
        keep_single_fields(kind, live, &mut metadata);
        object.insert("metadata".to_owned(), metadata);
    }
    let metadata = object.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.shift_remove("managedFields");
        if let Some(managed) = managed {
            metadata.insert("managedFields".to_owned(), managed);
        }
    }
}

/// Metadata that some kinds' `/status` leaves alone.
fn keep_single_fields(kind: &KindSchema, live: &Value, metadata: &mut Value) {
    let names: &[&str] = match kind.kind.as_str() {
        "Deployment" => &["labels"],
        "Pod" => &["deletionTimestamp", "ownerReferences"],
        _ => &[],
    };
    let Some(metadata) = metadata.as_object_mut() else { return };
    for name in names {
        metadata.shift_remove(*name);
        if let Some(value) = live.pointer(&format!("/metadata/{name}")) {
            metadata.insert((*name).to_owned(), value.clone());
        }
    }
}
