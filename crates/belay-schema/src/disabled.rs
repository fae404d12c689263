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
        // Only containers that run before the others have a policy of their own.
        for container in object.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(container) = container.as_object_mut() {
                container.shift_remove("restartPolicy");
            }
        }
    }
    let disabled: &[&str] = match name {
        "core.v1.Container" | "core.v1.EphemeralContainer" => &["restartPolicyRules"],
        "core.v1.EnvVarSource" => &["fileKeyRef"],
        "core.v1.PodSpec" => &["hostnameOverride"],
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
