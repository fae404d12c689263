//! What the API server fills in by code, by Go type. Every struct of that type gets it, wherever it stands.

use serde_json::{Map, Value, json};

use super::pods;

type Object = Map<String, Value>;

/// Fill in one struct; its children come later.
pub(super) fn default_struct(api_name: &str, object: &mut Object) {
    match api_name {
        "core.v1.Pod" => pods::pod(object),
        "core.v1.PodSpec" => pods::pod_spec(object),
        "core.v1.Container" | "core.v1.EphemeralContainer" => pods::container(object),
        "core.v1.Volume" => pods::volume(object),
        "core.v1.Probe" => pods::probe(object),
        "core.v1.HTTPGetAction" => {
            set_text(object, "path", "/");
            set_text(object, "scheme", "HTTP");
        }
        "core.v1.SecretVolumeSource"
        | "core.v1.ConfigMapVolumeSource"
        | "core.v1.DownwardAPIVolumeSource"
        | "core.v1.ProjectedVolumeSource" => set(object, "defaultMode", json!(0o644)),
        "core.v1.HostPathVolumeSource" => set(object, "type", json!("")),
        "core.v1.ServiceAccountTokenProjection" => set(object, "expirationSeconds", json!(3600)),
        "core.v1.ObjectFieldSelector" => set_text(object, "apiVersion", "v1"),
        "core.v1.ReplicationController" => replication_controller(object),
        "core.v1.Service" => service(object),
        "core.v1.Secret" => secret(object),
        "core.v1.PersistentVolume" => {
            with(object, "spec", |spec| {
                set_text(spec, "persistentVolumeReclaimPolicy", "Retain");
                set(spec, "volumeMode", json!("Filesystem"));
            });
            with(object, "status", |status| set_text(status, "phase", "Pending"));
        }
        "core.v1.PersistentVolumeClaim" => {
            with(object, "status", |status| set_text(status, "phase", "Pending"))
        }
        "core.v1.PersistentVolumeClaimSpec" => set(object, "volumeMode", json!("Filesystem")),
        "core.v1.EndpointPort" => set_text(object, "protocol", "TCP"),
        "core.v1.Namespace" => namespace(object),
        "core.v1.NodeStatus" => {
            if let (None, Some(capacity)) = (object.get("allocatable"), object.get("capacity").cloned()) {
                object.insert("allocatable".to_owned(), capacity);
            }
        }
        "core.v1.LimitRangeItem" => limit_range_item(object),
        "apps.v1.Deployment" => deployment(object),
        "apps.v1.DaemonSet" => daemon_set(object),
        "apps.v1.StatefulSet" => stateful_set(object),
        "apps.v1.ReplicaSet" => with(object, "spec", |spec| set(spec, "replicas", json!(1))),
        "batch.v1.Job" => job(object),
        "batch.v1.JobSpec" | "batch.v1.JobTemplateSpec" => {}
        "batch.v1.CronJob" => with(object, "spec", |spec| {
            set_text(spec, "concurrencyPolicy", "Allow");
            set(spec, "suspend", json!(false));
            set(spec, "successfulJobsHistoryLimit", json!(3));
            set(spec, "failedJobsHistoryLimit", json!(1));
        }),
        "batch.v1.PodFailurePolicyOnPodConditionsPattern" => set_text(object, "status", "True"),
        "networking.v1.NetworkPolicyPort" => set(object, "protocol", json!("TCP")),
        "networking.v1.NetworkPolicy" => network_policy(object),
        "networking.v1.IngressClassParametersReference" => set(object, "scope", json!("Cluster")),
        "autoscaling.v2.HorizontalPodAutoscaler" => autoscaler(object),
        "autoscaling.v1.HorizontalPodAutoscaler" => {
            with(object, "spec", |spec| set(spec, "minReplicas", json!(1)))
        }
        "rbac.v1.RoleBinding" | "rbac.v1.ClusterRoleBinding" => {
            with(object, "roleRef", |reference| set_text(reference, "apiGroup", "rbac.authorization.k8s.io"));
        }
        "rbac.v1.Subject" => {
            if matches!(text(object, "kind"), "User" | "Group") {
                set_text(object, "apiGroup", "rbac.authorization.k8s.io");
            }
        }
        "storage.v1.StorageClass" => {
            set(object, "reclaimPolicy", json!("Delete"));
            set(object, "volumeBindingMode", json!("Immediate"));
        }
        "storage.v1.CSIDriverSpec" => csi_driver(object),
        "scheduling.v1.PriorityClass" => set(object, "preemptionPolicy", json!("PreemptLowerPriority")),
        "admissionregistration.v1.ValidatingWebhook" => webhook(object),
        "admissionregistration.v1.MutatingWebhook" => {
            webhook(object);
            set(object, "reinvocationPolicy", json!("Never"));
        }
        "admissionregistration.v1.RuleWithOperations"
        | "admissionregistration.v1.NamedRuleWithOperations" => {
            set(object, "scope", json!("*"));
        }
        "admissionregistration.v1.ServiceReference"
        | "apiextensions.v1.ServiceReference"
        | "apiregistration.v1.ServiceReference" => set(object, "port", json!(443)),
        "admissionregistration.v1.ValidatingAdmissionPolicySpec" => {
            set(object, "failurePolicy", json!("Fail"))
        }
        "admissionregistration.v1.MatchResources" => {
            set(object, "matchPolicy", json!("Equivalent"));
            set(object, "namespaceSelector", json!({}));
            set(object, "objectSelector", json!({}));
        }
        "discovery.v1.EndpointPort" => {
            set(object, "name", json!(""));
            set(object, "protocol", json!("TCP"));
        }
        "resource.v1.ExactDeviceRequest" | "resource.v1.DeviceSubRequest" => {
            set_text(object, "allocationMode", "ExactCount");
            if text(object, "allocationMode") == "ExactCount" {
                set(object, "count", json!(1));
            }
        }
        "apiextensions.v1.CustomResourceDefinition" => custom_resource_definition(object),
        "apiextensions.v1.CustomResourceDefinitionSpec" => {
            set(object, "conversion", json!({ "strategy": "None" }))
        }
        "flowcontrol.v1.LimitedPriorityLevelConfiguration" => {
            set(object, "nominalConcurrencyShares", json!(30));
            set(object, "lendablePercent", json!(0));
        }
        "flowcontrol.v1.ExemptPriorityLevelConfiguration" => {
            set(object, "nominalConcurrencyShares", json!(0));
            set(object, "lendablePercent", json!(0));
        }
        "flowcontrol.v1.FlowSchemaSpec" => set_number(object, "matchingPrecedence", 1000),
        "flowcontrol.v1.QueuingConfiguration" => {
            set_number(object, "queues", 64);
            set_number(object, "handSize", 8);
            set_number(object, "queueLengthLimit", 50);
        }
        _ => {}
    }
}

/// Set a field that is absent or null.
pub(super) fn set(object: &mut Object, name: &str, value: Value) {
    if object.get(name).is_none_or(Value::is_null) {
        object.insert(name.to_owned(), value);
    }
}

/// Set a text that is absent or empty.
pub(super) fn set_text(object: &mut Object, name: &str, value: &str) {
    if text(object, name).is_empty() {
        object.insert(name.to_owned(), json!(value));
    }
}

/// Set a number that is absent or zero.
fn set_number(object: &mut Object, name: &str, value: i64) {
    if object.get(name).and_then(Value::as_i64).unwrap_or_default() == 0 {
        object.insert(name.to_owned(), json!(value));
    }
}

pub(super) fn text<'a>(object: &'a Object, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Change a nested object, if it is there.
pub(super) fn with(object: &mut Object, name: &str, change: impl FnOnce(&mut Object)) {
    if let Some(nested) = object.get_mut(name).and_then(Value::as_object_mut) {
        change(nested);
    }
}

/// Change a nested object, making it first if need be.
fn with_new(object: &mut Object, name: &str, change: impl FnOnce(&mut Object)) {
    set(object, name, json!({}));
    with(object, name, change);
}

fn replication_controller(object: &mut Object) {
    let labels = object.get("spec").and_then(|spec| spec.pointer("/template/metadata/labels")).cloned();
    let Some(labels) = labels else { return };
    with(object, "spec", |spec| set(spec, "selector", labels.clone()));
    with_new(object, "metadata", |metadata| set(metadata, "labels", labels));
}

fn service(object: &mut Object) {
    with(object, "spec", service_spec);
    let is_balanced = object.get("spec").and_then(|spec| spec.get("type")) == Some(&json!("LoadBalancer"));
    let ingresses = object.get_mut("status").and_then(|status| status.pointer_mut("/loadBalancer/ingress"));
    for ingress in
        ingresses.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
    {
        if is_balanced && !text(ingress, "ip").is_empty() {
            set(ingress, "ipMode", json!("VIP"));
        }
    }
}

fn service_spec(spec: &mut Object) {
    set_text(spec, "sessionAffinity", "None");
    if text(spec, "sessionAffinity") == "None" {
        spec.shift_remove("sessionAffinityConfig");
    } else if spec
        .get("sessionAffinityConfig")
        .is_none_or(|config| config.pointer("/clientIP/timeoutSeconds").is_none())
    {
        spec.insert("sessionAffinityConfig".to_owned(), json!({ "clientIP": { "timeoutSeconds": 10800 } }));
    }
    set_text(spec, "type", "ClusterIP");
    let kind = text(spec, "type").to_owned();
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(port) = port.as_object_mut() else {
            continue;
        };
        set_text(port, "protocol", "TCP");
        if matches!(port.get("targetPort"), None | Some(Value::Null))
            || port["targetPort"] == 0
            || port["targetPort"] == ""
        {
            let number = port.get("port").cloned().unwrap_or_default();
            port.insert("targetPort".to_owned(), number);
        }
    }
    let has_external_ips =
        spec.get("externalIPs").and_then(Value::as_array).is_some_and(|ips| !ips.is_empty());
    let is_external =
        kind == "LoadBalancer" || kind == "NodePort" || (kind == "ClusterIP" && has_external_ips);
    if is_external {
        set_text(spec, "externalTrafficPolicy", "Cluster");
    }
    if kind != "ExternalName" {
        set(spec, "internalTrafficPolicy", json!("Cluster"));
    }
    if kind == "LoadBalancer" {
        set(spec, "allocateLoadBalancerNodePorts", json!(true));
    }
}

/// `stringData` is only ever written: its entries become data.
fn secret(object: &mut Object) {
    set_text(object, "type", "Opaque");
    let Some(Value::Object(texts)) = object.shift_remove("stringData") else {
        return;
    };
    set(object, "data", json!({}));
    with(object, "data", |data| {
        for (key, value) in texts {
            let encoded = base64::Engine::encode(
                &base64::engine::general_purpose::STANDARD,
                value.as_str().unwrap_or_default(),
            );
            data.insert(key, json!(encoded));
        }
    });
}

fn namespace(object: &mut Object) {
    with(object, "metadata", |metadata| {
        let name = text(metadata, "name").to_owned();
        if !name.is_empty() {
            with_new(metadata, "labels", |labels| {
                labels.insert("kubernetes.io/metadata.name".to_owned(), json!(name));
            });
        }
    });
    with(object, "status", |status| set_text(status, "phase", "Active"));
}

fn limit_range_item(item: &mut Object) {
    if text(item, "type") != "Container" {
        return;
    }
    fill_from(item, "default", "max");
    fill_from(item, "defaultRequest", "default");
    fill_from(item, "defaultRequest", "min");
}

/// Entries that `target` lacks come from `source`.
pub(super) fn fill_from(object: &mut Object, target: &str, source: &str) {
    let Some(Value::Object(source)) = object.get(source).cloned() else {
        return;
    };
    with_new(object, target, |target| {
        for (name, value) in source {
            set(target, &name, value);
        }
    });
}

fn deployment(object: &mut Object) {
    with(object, "spec", |spec| {
        set(spec, "replicas", json!(1));
        with_new(spec, "strategy", |strategy| {
            set_text(strategy, "type", "RollingUpdate");
            if text(strategy, "type") == "RollingUpdate" {
                with_new(strategy, "rollingUpdate", |rolling| {
                    set(rolling, "maxUnavailable", json!("25%"));
                    set(rolling, "maxSurge", json!("25%"));
                });
            }
        });
        set(spec, "revisionHistoryLimit", json!(10));
        set(spec, "progressDeadlineSeconds", json!(600));
    });
}

fn daemon_set(object: &mut Object) {
    with(object, "spec", |spec| {
        with_new(spec, "updateStrategy", |strategy| {
            set_text(strategy, "type", "RollingUpdate");
            if text(strategy, "type") == "RollingUpdate" {
                with_new(strategy, "rollingUpdate", |rolling| {
                    set(rolling, "maxUnavailable", json!(1));
                    set(rolling, "maxSurge", json!(0));
                });
            }
        });
        set(spec, "revisionHistoryLimit", json!(10));
    });
}

fn stateful_set(object: &mut Object) {
    with(object, "spec", |spec| {
        set_text(spec, "podManagementPolicy", "OrderedReady");
        with_new(spec, "updateStrategy", |strategy| {
            if text(strategy, "type").is_empty() {
                strategy.insert("type".to_owned(), json!("RollingUpdate"));
                set(strategy, "rollingUpdate", json!({}));
            }
            if text(strategy, "type") == "RollingUpdate" {
                with(strategy, "rollingUpdate", |rolling| set(rolling, "partition", json!(0)));
            }
        });
        with_new(spec, "persistentVolumeClaimRetentionPolicy", |policy| {
            set_text(policy, "whenDeleted", "Retain");
            set_text(policy, "whenScaled", "Retain");
        });
        set(spec, "replicas", json!(1));
        set(spec, "revisionHistoryLimit", json!(10));
        for claim in spec.get_mut("volumeClaimTemplates").and_then(Value::as_array_mut).into_iter().flatten()
        {
            let Some(claim) = claim.as_object_mut() else {
                continue;
            };
            set_text(claim, "apiVersion", "v1");
            set_text(claim, "kind", "PersistentVolumeClaim");
        }
    });
}

fn job(object: &mut Object) {
    let labels = object.get("spec").and_then(|spec| spec.pointer("/template/metadata/labels")).cloned();
    if let Some(labels) = labels {
        with_new(object, "metadata", |metadata| set(metadata, "labels", labels));
    }
    with(object, "spec", |spec| {
        let is_null = |spec: &Object, name: &str| spec.get(name).is_none_or(Value::is_null);
        if is_null(spec, "completions") && is_null(spec, "parallelism") {
            set(spec, "completions", json!(1));
        }
        set(spec, "parallelism", json!(1));
        let limit = if is_null(spec, "backoffLimitPerIndex") { 6 } else { i32::MAX };
        set(spec, "backoffLimit", json!(limit));
        set(spec, "completionMode", json!("NonIndexed"));
        set(spec, "suspend", json!(false));
        let replacement = if is_null(spec, "podFailurePolicy") { "TerminatingOrFailed" } else { "Failed" };
        set(spec, "podReplacementPolicy", json!(replacement));
        set(spec, "manualSelector", json!(false));
    });
}

fn network_policy(object: &mut Object) {
    with(object, "spec", |spec| {
        let is_filled = |spec: &Object, name: &str| {
            spec.get(name).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
        };
        if !is_filled(spec, "policyTypes") {
            let types =
                if is_filled(spec, "egress") { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
            spec.insert("policyTypes".to_owned(), types);
        }
    });
}

fn autoscaler(object: &mut Object) {
    with(object, "spec", |spec| {
        set(spec, "minReplicas", json!(1));
        let has_metrics =
            spec.get("metrics").and_then(Value::as_array).is_some_and(|metrics| !metrics.is_empty());
        if !has_metrics {
            let target = json!({ "type": "Utilization", "averageUtilization": 80 });
            let metric = json!({ "type": "Resource", "resource": { "name": "cpu", "target": target } });
            spec.insert("metrics".to_owned(), json!([metric]));
        }
        with(spec, "behavior", |behavior| {
            with_new(behavior, "scaleUp", |rules| {
                set(rules, "stabilizationWindowSeconds", json!(0));
                set(rules, "selectPolicy", json!("Max"));
                let pods = json!({ "type": "Pods", "value": 4, "periodSeconds": 15 });
                let percent = json!({ "type": "Percent", "value": 100, "periodSeconds": 15 });
                set(rules, "policies", json!([pods, percent]));
            });
            with_new(behavior, "scaleDown", |rules| {
                set(rules, "selectPolicy", json!("Max"));
                set(rules, "policies", json!([{ "type": "Percent", "value": 100, "periodSeconds": 15 }]));
            });
        });
    });
}

fn csi_driver(spec: &mut Object) {
    set(spec, "attachRequired", json!(true));
    set(spec, "podInfoOnMount", json!(false));
    set(spec, "storageCapacity", json!(false));
    set(spec, "fsGroupPolicy", json!("ReadWriteOnceWithFSType"));
    let modes = spec.get("volumeLifecycleModes").and_then(Value::as_array);
    if modes.is_none_or(Vec::is_empty) {
        spec.insert("volumeLifecycleModes".to_owned(), json!(["Persistent"]));
    }
    set(spec, "requiresRepublish", json!(false));
    set(spec, "seLinuxMount", json!(false));
}

fn webhook(object: &mut Object) {
    set(object, "failurePolicy", json!("Fail"));
    set(object, "matchPolicy", json!("Equivalent"));
    set(object, "namespaceSelector", json!({}));
    set(object, "objectSelector", json!({}));
    set(object, "timeoutSeconds", json!(10));
}

fn custom_resource_definition(object: &mut Object) {
    with(object, "spec", |spec| {
        with_new(spec, "names", |names| {
            let kind = text(names, "kind").to_owned();
            set_text(names, "singular", &kind.to_lowercase());
            if !kind.is_empty() {
                set_text(names, "listKind", &format!("{kind}List"));
            }
        });
    });
    let versions = object.get("spec").and_then(|spec| spec.get("versions")).and_then(Value::as_array);
    let stored = versions.into_iter().flatten().find(|version| version["storage"] == true);
    let Some(stored) = stored.map(|version| version["name"].clone()) else {
        return;
    };
    with_new(object, "status", |status| {
        let known =
            status.get("storedVersions").and_then(Value::as_array).is_some_and(|known| !known.is_empty());
        if !known {
            status.insert("storedVersions".to_owned(), json!([stored]));
        }
    });
}
