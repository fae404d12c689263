//! Fields that belong to features which Kubernetes 1.34 has switched off: they are read, and dropped.

use serde_json::{Map, Value};

use crate::arena::{TypeId, Types};
use crate::kind::KindSchema;

/// Drop them, in place.
pub(crate) fn drop_disabled(kind: &KindSchema, object: &mut Value) {
    walk(&kind.types, kind.root, object);
}

fn walk(types: &Types, id: TypeId, value: &mut Value) {
    let declared = types.get(id);
    match value {
        Value::Object(object) => {
            let Some(map) = &declared.map else { return };
            if let Some(name) = declared.api_name() {
                drop_fields(name, object);
            }
            for (name, value) in object.iter_mut() {
                if let Some(id) = map.fields.get(name).map(|field| field.type_id).or(map.element) {
                    walk(types, id, value);
                }
            }
        }
        Value::Array(items) => {
            let Some(list) = &declared.list else { return };
            items.iter_mut().for_each(|item| walk(types, list.element, item));
        }
        _ => {}
    }
}

fn drop_fields(name: &str, object: &mut Map<String, Value>) {
    if name == "core.v1.PodSpec" {
        drop_image_volumes(object);
        // Only containers that run before the others have a policy of their own.
        for container in object.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(container) = container.as_object_mut() {
                container.shift_remove("restartPolicy");
            }
        }
    }
    if matches!(name, "core.v1.Container" | "core.v1.EphemeralContainer") {
        drop_lifecycle(object);
    }
    if name == "core.v1.PersistentVolumeClaimSpec" {
        drop_sources(object);
    }
    let disabled: &[&str] = match name {
        "core.v1.Container" | "core.v1.EphemeralContainer" => &["restartPolicyRules"],
        "core.v1.EnvVarSource" => &["fileKeyRef"],
        "core.v1.PodSpec" => &["hostnameOverride"],
        "apps.v1.RollingUpdateStatefulSetStrategy" => &["maxUnavailable"],
        "core.v1.Lifecycle" => &["stopSignal"],
        "core.v1.VolumeProjection" => &["clusterTrustBundle", "podCertificate"],
        "core.v1.Volume" => &["image"],
        "autoscaling.v2.HPAScalingRules" => &["tolerance"],
        "coordination.v1.LeaseSpec" => &["strategy", "preferredHolder"],
        "core.v1.NodeSpec" => &["configSource"],
        "discovery.v1.Endpoint" => &["deprecatedTopology"],
        "storage.v1.CSIDriverSpec" => &["nodeAllocatableUpdatePeriodSeconds"],
        _ => &[],
    };
    for field in disabled {
        object.shift_remove(*field);
    }
}

/// A lifecycle that held nothing but what is switched off goes with it.
fn drop_lifecycle(container: &mut Map<String, Value>) {
    let lifecycle = container.get_mut("lifecycle").and_then(Value::as_object_mut);
    let is_left_empty = lifecycle
        .is_some_and(|lifecycle| lifecycle.shift_remove("stopSignal").is_some() && lifecycle.is_empty());
    if is_left_empty {
        container.shift_remove("lifecycle");
    }
}

/// Volumes that are images go, with what mounts them.
fn drop_image_volumes(pod: &mut Map<String, Value>) {
    let is_image = |volume: &Value| !volume["image"].is_null();
    let Some(volumes) = pod.get_mut("volumes").and_then(Value::as_array_mut) else { return };
    let names: Vec<Value> =
        volumes.iter().filter(|volume| is_image(volume)).map(|volume| volume["name"].clone()).collect();
    if names.is_empty() {
        return;
    }
    volumes.retain(|volume| !is_image(volume));
    if volumes.is_empty() {
        pod.shift_remove("volumes");
    }
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        let containers = pod.get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
            let Some(mounts) = container.get_mut("volumeMounts").and_then(Value::as_array_mut) else {
                continue;
            };
            mounts.retain(|mount| !names.contains(&mount["name"]));
            if mounts.is_empty() {
                container.shift_remove("volumeMounts");
            }
        }
    }
}

/// A claim is filled from what lies in its own namespace; by `dataSource` from a claim or a snapshot alone.
fn drop_sources(claim: &mut Map<String, Value>) {
    if claim.get("dataSourceRef").is_some_and(|source| !source["namespace"].is_null()) {
        claim.shift_remove("dataSourceRef");
    }
    let is_usual = |source: &Value| {
        let group = source["apiGroup"].as_str().unwrap_or_default();
        matches!(
            (source["kind"].as_str(), group),
            (Some("PersistentVolumeClaim"), "") | (Some("VolumeSnapshot"), "snapshot.storage.k8s.io")
        )
    };
    if claim.get("dataSource").is_some_and(|source| !is_usual(source)) {
        claim.shift_remove("dataSource");
    }
}
