//! Cells of built-in kinds, by kind and column.

use jiff::Timestamp;
use serde_json::Value;

use crate::object::{at, items, name, number, text};
use crate::selectors::label_selector_text;

/// Kinds that have more than a name and a time to show.
pub(super) fn knows(group: &str, kind: &str) -> bool {
    let kinds: &[&str] = match group {
        "" => &[
            "ConfigMap",
            "Event",
            "Namespace",
            "PersistentVolumeClaim",
            "PersistentVolume",
            "Pod",
            "Secret",
            "Node",
            "ServiceAccount",
            "Service",
        ],
        "apps" => &["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"],
        "autoscaling" => &["HorizontalPodAutoscaler"],
        "batch" => &["CronJob", "Job"],
        "networking.k8s.io" => &["Ingress", "IngressClass", "NetworkPolicy"],
        "policy" => &["PodDisruptionBudget"],
        "rbac.authorization.k8s.io" => &["ClusterRoleBinding", "RoleBinding"],
        "storage.k8s.io" => &["StorageClass"],
        "scheduling.k8s.io" => &["PriorityClass"],
        "coordination.k8s.io" => &["Lease"],
        _ => &[],
    };
    kinds.contains(&kind)
}

pub(super) fn of(kind: &str, column: &str, object: &Value, now: Timestamp) -> Value {
    let get = |path: &[&str]| text(object, path).to_owned();
    let count = |path: &[&str]| number(object, path).unwrap_or(0);
    let whole = |path: &[&str]| Value::from(count(path));
    match (kind, column) {
        (_, "Name") => name(object).into(),
        (_, "Age") => super::age(&get(&["metadata", "creationTimestamp"]), now).into(),
        (_, "Containers") => containers(object, "name").into(),
        (_, "Images") => containers(object, "image").into(),
        ("Service", "Selector") => map_text(&object["spec"]["selector"]).into(),
        (_, "Selector" | "Pod-Selector") => {
            let selector = if object["spec"]["selector"].is_null() { "podSelector" } else { "selector" };
            or_none(&label_selector_text(&object["spec"][selector])).into()
        }
        ("ConfigMap", "Data") => (size(&object["data"]) + size(&object["binaryData"])).into(),
        ("Secret", "Data") => size(&object["data"]).into(),
        ("Secret", "Type") => get(&["type"]).into(),
        ("ServiceAccount", "Secrets") => items(object, &["secrets"]).len().into(),
        ("Namespace" | "PersistentVolume", "Status") => get(&["status", "phase"]).into(),
        ("Pod", _) => pod(column, object),
        ("Service", _) => service(column, object),
        ("Event", _) => event(column, object, now),
        ("Job", _) => job(column, object, now),
        ("Node", "Status") => ready_text(object).into(),
        ("Node", "Roles") => "<none>".into(),
        ("Node", "Version") => get(&["status", "nodeInfo", "kubeletVersion"]).into(),
        ("Deployment" | "StatefulSet", "Ready") => {
            format!("{}/{}", count(&["status", "readyReplicas"]), count(&["spec", "replicas"])).into()
        }
        ("Deployment", "Up-to-date") => whole(&["status", "updatedReplicas"]),
        ("Deployment", "Available") => whole(&["status", "availableReplicas"]),
        ("ReplicaSet", "Desired") => whole(&["spec", "replicas"]),
        ("ReplicaSet", "Current") => whole(&["status", "replicas"]),
        ("ReplicaSet", "Ready") => whole(&["status", "readyReplicas"]),
        ("DaemonSet", "Desired") => whole(&["status", "desiredNumberScheduled"]),
        ("DaemonSet", "Current") => whole(&["status", "currentNumberScheduled"]),
        ("DaemonSet", "Ready") => whole(&["status", "numberReady"]),
        ("DaemonSet", "Up-to-date") => whole(&["status", "updatedNumberScheduled"]),
        ("DaemonSet", "Available") => whole(&["status", "numberAvailable"]),
        ("DaemonSet", "Node Selector") => {
            map_text(&object["spec"]["template"]["spec"]["nodeSelector"]).into()
        }
        ("CronJob", "Schedule") => get(&["spec", "schedule"]).into(),
        ("CronJob", "Timezone") => or_none(&get(&["spec", "timeZone"])).into(),
        ("CronJob", "Suspend") => (object["spec"]["suspend"] == true).to_string().into(),
        ("CronJob", "Active") => items(object, &["status", "active"]).len().into(),
        ("CronJob", "Last Schedule") => since(&get(&["status", "lastScheduleTime"]), now).into(),
        ("HorizontalPodAutoscaler", "Reference") => format!(
            "{}/{}",
            get(&["spec", "scaleTargetRef", "kind"]),
            get(&["spec", "scaleTargetRef", "name"])
        )
        .into(),
        ("HorizontalPodAutoscaler", "Targets") => "<unknown>".into(),
        ("HorizontalPodAutoscaler", "MinPods") => count(&["spec", "minReplicas"]).to_string().into(),
        ("HorizontalPodAutoscaler", "MaxPods") => whole(&["spec", "maxReplicas"]),
        ("HorizontalPodAutoscaler", "Replicas") => whole(&["status", "currentReplicas"]),
        ("Ingress", "Class") => or_none(&get(&["spec", "ingressClassName"])).into(),
        ("Ingress", "Hosts") => ingress_hosts(object).into(),
        ("Ingress", "Address") => balancer_addresses(object).into(),
        ("Ingress", "Ports") => {
            if items(object, &["spec", "tls"]).is_empty() { "80" } else { "80, 443" }.into()
        }
        ("IngressClass", "Controller") => get(&["spec", "controller"]).into(),
        ("IngressClass", "Parameters") => or_none(&get(&["spec", "parameters", "name"])).into(),
        ("PodDisruptionBudget", "Min Available") => or_absent(&object["spec"]["minAvailable"]),
        ("PodDisruptionBudget", "Max Unavailable") => or_absent(&object["spec"]["maxUnavailable"]),
        ("PodDisruptionBudget", "Allowed Disruptions") => whole(&["status", "disruptionsAllowed"]),
        ("ClusterRoleBinding" | "RoleBinding", "Role") => {
            format!("{}/{}", get(&["roleRef", "kind"]), get(&["roleRef", "name"])).into()
        }
        ("ClusterRoleBinding" | "RoleBinding", column) => subjects(column, object).into(),
        ("StorageClass", "Provisioner") => get(&["provisioner"]).into(),
        ("StorageClass", "ReclaimPolicy") => get(&["reclaimPolicy"]).into(),
        ("StorageClass", "VolumeBindingMode") => get(&["volumeBindingMode"]).into(),
        ("StorageClass", "AllowVolumeExpansion") => {
            (object["allowVolumeExpansion"] == true).to_string().into()
        }
        ("PriorityClass", "Value") => whole(&["value"]),
        ("PriorityClass", "Global-Default") => (object["globalDefault"] == true).into(),
        ("PriorityClass", "PreemptionPolicy") => get(&["preemptionPolicy"]).into(),
        ("Lease", "Holder") => get(&["spec", "holderIdentity"]).into(),
        ("PersistentVolumeClaim" | "PersistentVolume", _) => volume(column, object),
        _ => "<none>".into(),
    }
}

fn pod(column: &str, object: &Value) -> Value {
    let statuses = items(object, &["status", "containerStatuses"]);
    match column {
        "Ready" => {
            let ready = statuses.iter().filter(|status| status["ready"] == true).count();
            format!("{ready}/{}", items(object, &["spec", "containers"]).len()).into()
        }
        "Status" => {
            let mut waiting = statuses.iter().map(|status| text(status, &["state", "waiting", "reason"]));
            let reason = waiting.rfind(|reason| !reason.is_empty());
            let mut ended = statuses.iter().map(|status| text(status, &["state", "terminated", "reason"]));
            let reason = reason.or_else(|| ended.rfind(|reason| !reason.is_empty()));
            if crate::object::is_being_deleted(object) {
                return "Terminating".into();
            }
            reason.unwrap_or(text(object, &["status", "phase"])).into()
        }
        "Restarts" => statuses
            .iter()
            .filter_map(|status| number(status, &["restartCount"]))
            .sum::<i64>()
            .to_string()
            .into(),
        "IP" => or_none(text(object, &["status", "podIP"])).into(),
        "Node" => or_none(text(object, &["spec", "nodeName"])).into(),
        _ => "<none>".into(),
    }
}

fn service(column: &str, object: &Value) -> Value {
    match column {
        "Type" => text(object, &["spec", "type"]).into(),
        "Cluster-IP" => or_none(text(object, &["spec", "clusterIP"])).into(),
        "External-IP" => {
            let waits = text(object, &["spec", "type"]) == "LoadBalancer";
            let addresses = balancer_addresses(object);
            if addresses.is_empty() && waits { "<pending>".into() } else { or_none(&addresses).into() }
        }
        "Port(s)" => {
            let port = |port: &Value| {
                let node = number(port, &["nodePort"]).filter(|node| *node > 0);
                let node = node.map_or_else(String::new, |node| format!(":{node}"));
                format!("{}{node}/{}", port["port"], text(port, &["protocol"]))
            };
            or_none(&items(object, &["spec", "ports"]).iter().map(port).collect::<Vec<_>>().join(",")).into()
        }
        _ => "<none>".into(),
    }
}

fn event(column: &str, object: &Value, now: Timestamp) -> Value {
    let seen = |field: &str| {
        let first = [text(object, &[field]), text(object, &["eventTime"])];
        first
            .into_iter()
            .find(|time| !time.is_empty())
            .map_or_else(|| "<unknown>".into(), |time| super::age(time, now))
    };
    match column {
        "Last Seen" => seen("lastTimestamp").into(),
        "First Seen" => seen("firstTimestamp").into(),
        "Type" => text(object, &["type"]).into(),
        "Reason" => text(object, &["reason"]).into(),
        "Object" => {
            let kind = text(object, &["involvedObject", "kind"]).to_lowercase();
            format!("{kind}/{}", text(object, &["involvedObject", "name"])).into()
        }
        "Subobject" => text(object, &["involvedObject", "fieldPath"]).into(),
        "Source" => text(object, &["source", "component"]).into(),
        "Message" => text(object, &["message"]).trim().into(),
        "Count" => number(object, &["count"]).unwrap_or(1).to_string().into(),
        _ => "<none>".into(),
    }
}

fn job(column: &str, object: &Value, now: Timestamp) -> Value {
    let has = |kind: &str| {
        items(object, &["status", "conditions"])
            .iter()
            .any(|condition| condition["type"] == kind && condition["status"] == "True")
    };
    match column {
        "Status" if has("Complete") => "Complete".into(),
        "Status" if has("Failed") => "Failed".into(),
        "Status" if has("Suspended") => "Suspended".into(),
        "Status" => "Running".into(),
        "Completions" => {
            let wanted = number(object, &["spec", "completions"]).unwrap_or(1);
            format!("{}/{wanted}", number(object, &["status", "succeeded"]).unwrap_or(0)).into()
        }
        "Duration" => {
            let time = |field: &str| text(object, &["status", field]).parse::<Timestamp>().ok();
            let Some(start) = time("startTime") else { return "".into() };
            super::duration(time("completionTime").unwrap_or(now).as_second() - start.as_second()).into()
        }
        _ => "<none>".into(),
    }
}

fn volume(column: &str, object: &Value) -> Value {
    let modes: Vec<&str> = items(object, &["spec", "accessModes"]).iter().filter_map(Value::as_str).collect();
    match column {
        "Status" => text(object, &["status", "phase"]).into(),
        "Volume" => text(object, &["spec", "volumeName"]).into(),
        "Capacity" => {
            let bound = text(object, &["status", "capacity", "storage"]);
            if bound.is_empty() {
                text(object, &["spec", "capacity", "storage"]).into()
            } else {
                bound.into()
            }
        }
        "Access Modes" => modes
            .iter()
            .map(|mode| match *mode {
                "ReadWriteOnce" => "RWO",
                "ReadOnlyMany" => "ROX",
                "ReadWriteMany" => "RWX",
                "ReadWriteOncePod" => "RWOP",
                other => other,
            })
            .collect::<Vec<_>>()
            .join(",")
            .into(),
        "StorageClass" => text(object, &["spec", "storageClassName"]).into(),
        "VolumeAttributesClass" => "<unset>".into(),
        "VolumeMode" => text(object, &["spec", "volumeMode"]).into(),
        "Reclaim Policy" => text(object, &["spec", "persistentVolumeReclaimPolicy"]).into(),
        "Claim" => {
            let claim = text(object, &["spec", "claimRef", "name"]);
            if claim.is_empty() {
                "".into()
            } else {
                format!("{}/{claim}", text(object, &["spec", "claimRef", "namespace"])).into()
            }
        }
        _ => "".into(),
    }
}

fn subjects(column: &str, object: &Value) -> String {
    let kind = column.trim_end_matches('s');
    let named = |subject: &&Value| text(subject, &["kind"]) == kind;
    let shown = |subject: &Value| match text(subject, &["namespace"]) {
        "" => text(subject, &["name"]).to_owned(),
        namespace => format!("{namespace}/{}", text(subject, &["name"])),
    };
    items(object, &["subjects"]).iter().filter(named).map(shown).collect::<Vec<_>>().join(", ")
}

fn containers(object: &Value, field: &str) -> String {
    let paths: [&[&str]; 2] = [
        &["spec", "template", "spec", "containers"],
        &["spec", "jobTemplate", "spec", "template", "spec", "containers"],
    ];
    let listed = paths.iter().flat_map(|path| items(object, path));
    listed.map(|container| text(container, &[field])).collect::<Vec<_>>().join(",")
}

fn ingress_hosts(object: &Value) -> String {
    let hosts: Vec<&str> = items(object, &["spec", "rules"])
        .iter()
        .map(|rule| text(rule, &["host"]))
        .filter(|host| !host.is_empty())
        .collect();
    if hosts.is_empty() { "*".into() } else { hosts.join(",") }
}

fn balancer_addresses(object: &Value) -> String {
    let listed = items(object, &["status", "loadBalancer", "ingress"]).iter().map(|entry| {
        let address = text(entry, &["ip"]);
        if address.is_empty() { text(entry, &["hostname"]) } else { address }
    });
    listed.collect::<Vec<_>>().join(",")
}

fn ready_text(object: &Value) -> &'static str {
    let ready = |condition: &&Value| condition["type"] == "Ready";
    let found = items(object, &["status", "conditions"]).iter().find(ready);
    if found.is_some_and(|condition| condition["status"] == "True") { "Ready" } else { "NotReady" }
}

fn since(time: &str, now: Timestamp) -> String {
    if time.is_empty() { "<none>".into() } else { super::age(time, now) }
}

fn map_text(map: &Value) -> String {
    let pairs = map.as_object().into_iter().flatten();
    let text: Vec<String> =
        pairs.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    or_none(&text.join(","))
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "<none>".into() } else { text.to_owned() }
}

fn or_absent(value: &Value) -> Value {
    match at(value, &[]) {
        Value::Null => "N/A".into(),
        Value::String(text) => text.as_str().into(),
        other => other.to_string().into(),
    }
}

fn size(value: &Value) -> usize {
    value.as_object().map_or(0, serde_json::Map::len)
}
