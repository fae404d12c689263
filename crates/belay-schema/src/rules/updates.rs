//! What may not change once an object is there.

use serde_json::{Value, json};

use super::Checker;
use crate::errors::FieldError;
use crate::kind::KindSchema;

const FIXED: &str = "field is immutable";
const SEALED: &str = "field is immutable when `immutable` is set";
const STATEFUL_SET: &str = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

pub(super) fn check(checker: &mut Checker<'_>, kind: &KindSchema, new: &Value, old: &Value) {
    let fixed: &[&str] = match (kind.group(), kind.kind()) {
        ("apps", "Deployment" | "ReplicaSet" | "DaemonSet") => &["/spec/selector"],
        ("apps", "ControllerRevision") => &["/data"],
        ("batch", "Job") => &[
            "/spec/selector",
            "/spec/completionMode",
            "/spec/podFailurePolicy",
            "/spec/backoffLimitPerIndex",
            "/spec/managedBy",
            "/spec/successPolicy",
        ],
        ("", "Secret") => &["/type"],
        ("", "ResourceQuota") => &["/spec/scopes"],
        ("networking.k8s.io", "IngressClass") => &["/spec/controller"],
        ("scheduling.k8s.io", "PriorityClass") => &["/preemptionPolicy"],
        ("node.k8s.io", "RuntimeClass") => &["/handler"],
        ("storage.k8s.io", "CSIDriver") => &["/spec/volumeLifecycleModes"],
        ("discovery.k8s.io", "EndpointSlice") => &["/addressType"],
        ("storage.k8s.io", "StorageClass") => &["/volumeBindingMode"],
        _ => &[],
    };
    for pointer in fixed {
        let at = pointer.trim_start_matches('/').replace('/', ".");
        if part(new, pointer) != part(old, pointer) {
            // A text that is gone is an empty one.
            let empty = json!("");
            let shown = part(new, pointer);
            let shown = if shown.is_null() && part(old, pointer).is_string() { &empty } else { shown };
            checker.invalid(at, shown, FIXED);
        }
    }
    match (kind.group(), kind.kind()) {
        ("", "ConfigMap") => sealed(checker, new, old, &["data", "binaryData"]),
        ("", "Secret") => sealed(checker, new, old, &["data"]),
        ("", "Pod") => pod(checker, new, old),
        ("", "Service") => service(checker, new, old),
        ("", "Node") => node(checker, new, old),
        ("", "PersistentVolumeClaim") => claim(checker, new, old),
        ("apps", "StatefulSet") => stateful_set(checker, new, old),
        ("batch", "Job") => job(checker, new, old),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding")
            if new["roleRef"] != old["roleRef"] =>
        {
            checker.invalid("roleRef", &new["roleRef"], "cannot change roleRef");
        }
        ("scheduling.k8s.io", "PriorityClass") if new["value"] != old["value"] => {
            checker.forbidden("value", "may not be changed in an update.");
        }
        ("storage.k8s.io", "StorageClass") => storage_class(checker, new, old),
        _ => {}
    }
}

fn part<'v>(object: &'v Value, pointer: &str) -> &'v Value {
    object.pointer(pointer).unwrap_or(&Value::Null)
}

/// An immutable ConfigMap or Secret.
fn sealed(checker: &mut Checker<'_>, new: &Value, old: &Value, lists: &[&str]) {
    if old["immutable"] != true {
        return;
    }
    if new["immutable"] != true {
        checker.forbidden("immutable", SEALED);
    }
    for list in lists {
        if new[*list] != old[*list] {
            checker.forbidden(*list, SEALED);
        }
    }
}

/// Of a pod's spec only a few fields change.
fn pod(checker: &mut Checker<'_>, new: &Value, old: &Value) {
    let (before, after) = (&old["spec"], &new["spec"]);
    for list in ["containers", "initContainers"] {
        let count = |spec: &Value| spec[list].as_array().map_or(0, Vec::len);
        if count(before) != count(after) {
            return checker.forbidden(format!("spec.{list}"), "pod updates may not add or remove containers");
        }
        for (index, container) in after[list].as_array().into_iter().flatten().enumerate() {
            let image = container["image"].as_str().unwrap_or_default();
            let at = format!("spec.{list}[{index}].image");
            if image.is_empty() {
                checker.required(at, "");
            } else if image.trim() != image {
                checker.invalid(at, &json!(image), "must not have leading or trailing whitespace");
            }
        }
    }
    if !pod_deadline(checker, before, after) {
        return;
    }
    pod_tolerations(checker, before, after);
    let comparable = |spec: &Value| {
        let mut spec = spec.clone();
        for list in ["containers", "initContainers"] {
            for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                remove(container, "image");
            }
        }
        for name in ["activeDeadlineSeconds", "tolerations", "schedulingGates"] {
            remove(&mut spec, name);
        }
        spec
    };
    if comparable(after) != comparable(before) {
        let said = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n";
        checker.forbidden("spec", said);
    }
}

/// A deadline may come, and come closer; whether the rest is worth a look.
fn pod_deadline(checker: &mut Checker<'_>, before: &Value, after: &Value) -> bool {
    let deadline = |spec: &Value| spec["activeDeadlineSeconds"].as_i64();
    let at = "spec.activeDeadlineSeconds";
    match (deadline(before), deadline(after)) {
        (_, Some(new)) if !(0..=i64::from(i32::MAX)).contains(&new) => {
            checker.invalid(at, &json!(new), &super::words::between(0, i64::from(i32::MAX)));
            false
        }
        (Some(old), Some(new)) if old < new => {
            checker.invalid(at, &json!(new), "must be less than or equal to previous value");
            false
        }
        (Some(_), None) => {
            checker.invalid(at, &Value::Null, "must not update from a positive integer to nil value");
            true
        }
        _ => true,
    }
}

fn pod_tolerations(checker: &mut Checker<'_>, before: &Value, after: &Value) {
    let timeless = |spec: &Value| {
        let mut all = spec["tolerations"].as_array().cloned().unwrap_or_default();
        all.iter_mut().for_each(|toleration| remove(toleration, "tolerationSeconds"));
        all
    };
    let kept = timeless(after);
    if timeless(before).iter().any(|toleration| !kept.contains(toleration)) {
        let said = "existing toleration can not be modified except its tolerationSeconds";
        checker.forbidden("spec.tolerations", said);
    }
}

fn remove(value: &mut Value, name: &str) {
    if let Some(fields) = value.as_object_mut() {
        fields.shift_remove(name);
    }
}

fn service(checker: &mut Checker<'_>, new: &Value, old: &Value) {
    let kind = |service: &Value| service["spec"]["type"].as_str().unwrap_or_default().to_owned();
    let (before, after) = (&old["spec"]["clusterIP"], &new["spec"]["clusterIP"]);
    let is_external = kind(old) == "ExternalName" || kind(new) == "ExternalName";
    if !is_external && before != after && before.as_str().is_some_and(|before| !before.is_empty()) {
        let said = "may not change once set";
        checker.invalid("spec.clusterIPs[0]", &json!([after]), said);
    }
    let class = |service: &Value| service["spec"]["loadBalancerClass"].clone();
    if kind(old) == "LoadBalancer" && kind(new) == "LoadBalancer" && class(old) != class(new) {
        checker.invalid("spec.loadBalancerClass", &class(new), "may not change once set");
    }
}

fn node(checker: &mut Checker<'_>, new: &Value, old: &Value) {
    let list = |node: &Value| node["spec"]["podCIDRs"].as_array().cloned().unwrap_or_default();
    if !list(old).is_empty() && list(old) != list(new) {
        let said = "node updates may not change podCIDR except from \"\" to valid";
        checker.forbidden("spec.podCIDRs", said);
    }
    let provider = |node: &Value| node["spec"]["providerID"].as_str().unwrap_or_default().to_owned();
    if !provider(old).is_empty() && provider(old) != provider(new) {
        let said = "node updates may not change providerID except from \"\" to valid";
        checker.forbidden("spec.providerID", said);
    }
}

fn claim(checker: &mut Checker<'_>, new: &Value, old: &Value) {
    let comparable = |claim: &Value, other: &Value| {
        let mut spec = claim["spec"].clone();
        if old["spec"]["volumeName"].as_str().unwrap_or_default().is_empty() {
            spec["volumeName"] = other["spec"]["volumeName"].clone();
        }
        // A class may be given to a claim that has none.
        if old["spec"]["storageClassName"].is_null() {
            remove(&mut spec, "storageClassName");
        }
        if new["status"]["phase"] == "Bound" {
            spec["resources"]["requests"]["storage"] = Value::Null;
            remove(&mut spec, "volumeAttributesClassName");
        }
        spec
    };
    if comparable(new, new) != comparable(old, new) {
        let said = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n";
        checker.forbidden("spec", said);
    }
    if new["spec"]["volumeMode"] != old["spec"]["volumeMode"] {
        checker.invalid("volumeMode", &new["spec"]["volumeMode"], FIXED);
    }
}

fn stateful_set(checker: &mut Checker<'_>, new: &Value, old: &Value) {
    let comparable = |set: &Value| {
        let mut spec = set["spec"].clone();
        for name in [
            "replicas",
            "ordinals",
            "template",
            "updateStrategy",
            "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy",
            "minReadySeconds",
        ] {
            remove(&mut spec, name);
        }
        spec
    };
    if comparable(new) != comparable(old) {
        checker.forbidden("spec", STATEFUL_SET);
    }
}

fn job(checker: &mut Checker<'_>, new: &Value, old: &Value) {
    let spec = |job: &Value, name: &str| job["spec"][name].clone();
    let (before, after) = (spec(old, "completions"), spec(new, "completions"));
    let is_indexed = new["spec"]["completionMode"] == "Indexed";
    let in_tandem = is_indexed && !after.is_null() && !before.is_null() && after == spec(new, "parallelism");
    if before != after && !in_tandem {
        let said = if is_indexed && !after.is_null() && !before.is_null() {
            "can only be modified in tandem with spec.parallelism"
        } else {
            FIXED
        };
        checker.invalid("spec.completions", &after, said);
    }
    // While a job waits, where its pods run may still be said.
    let is_waiting = old["spec"]["suspend"] == true && old["status"]["startTime"].is_null();
    let comparable = |job: &Value| {
        let mut template = job["spec"]["template"].clone();
        if is_waiting {
            for name in ["nodeSelector", "tolerations", "schedulingGates"] {
                if let Some(spec) = template.get_mut("spec") {
                    remove(spec, name);
                }
            }
            if let Some(metadata) = template.get_mut("metadata") {
                remove(metadata, "labels");
                remove(metadata, "annotations");
            }
        }
        template
    };
    if comparable(new) != comparable(old) {
        checker.invalid("spec.template", &new["spec"]["template"], FIXED);
    }
}

fn storage_class(checker: &mut Checker<'_>, new: &Value, old: &Value) {
    for (name, said) in [
        ("parameters", "updates to parameters are forbidden."),
        ("provisioner", "updates to provisioner are forbidden."),
        ("reclaimPolicy", "updates to reclaimPolicy are forbidden."),
    ] {
        if new[name] != old[name] {
            checker.errors.push(FieldError::forbidden(name, said));
        }
    }
}
