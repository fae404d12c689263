//! What the API server itself fills in when an object is created: addresses, finalizers, classes.

use serde_json::{Value, json};

use crate::cluster::State;
use crate::object::{at, items, number, set, text};
use crate::resources::Definition;
use crate::status::ApiError;
use crate::store::GroupResource;

const NODE_PORTS: std::ops::RangeInclusive<i64> = 30000..=32767;

/// Fill in a new or changed object, after ownership was settled.
pub(crate) fn fill(state: &State, definition: &Definition, live: Option<&Value>, object: &mut Value) {
    match (definition.group.as_str(), definition.kind.as_str()) {
        ("", "Service") => service(state, live, object),
        ("", "Namespace") if live.is_none() => {
            let mut finalizers = items(object, &["spec", "finalizers"]).to_vec();
            if !finalizers.contains(&json!("kubernetes")) {
                finalizers.push("kubernetes".into());
            }
            set(object, &["spec", "finalizers"], finalizers.into());
        }
        ("", "Pod") => {
            if live.is_none() {
                pod(object);
            }
            tolerations(object);
        }
        ("", "Node") if live.is_none() => taint(object),
        ("", "PersistentVolumeClaim") if live.is_none() => add_finalizer(object, CLAIM_FINALIZER),
        ("", "PersistentVolume") if live.is_none() => add_finalizer(object, VOLUME_FINALIZER),
        ("batch", "Job") if live.is_none() => job(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") if live.is_none() => {
            add_finalizer(object, crate::controllers::definitions::FINALIZER);
        }
        _ => {}
    }
}

/// What the API server decides about a new object by looking at others.
pub(crate) fn admit(
    state: &State,
    definition: &Definition,
    object: &mut Value,
    dry_run: bool,
) -> Result<(), ApiError> {
    match (definition.group.as_str(), definition.kind.as_str()) {
        ("", "Pod") => priority(state, object),
        ("", "Service") => {
            wanted_address(state, object, dry_run)?;
            wanted_ports(state, object)
        }
        _ => Ok(()),
    }
}

/// An address that a Service asks for is free and one of the cluster's.
fn wanted_address(state: &State, service: &Value, dry_run: bool) -> Result<(), ApiError> {
    let wanted = text(service, &["spec", "clusterIP"]);
    let Ok(address) = wanted.parse::<std::net::Ipv4Addr>() else { return Ok(()) };
    let is_ours = u32::from(address) >> 20 == (10 << 4) + (96 >> 4);
    let said = if !is_ours && !dry_run {
        format!("failed to allocate IP {wanted}: the provided network does not match the current range")
    } else if !is_ours {
        format!(
            "failed to allocate IP {wanted}: the provided IP ({wanted}) is not in the valid range. The range of valid IPs is 10.96.0.0/12"
        )
    } else if services(state).any(|other| text(other, &["spec", "clusterIP"]) == wanted) {
        format!("failed to allocate IP {wanted}: provided IP is already allocated")
    } else {
        return Ok(());
    };
    let error = belay_schema::FieldError::invalid("spec.clusterIPs", &json!([wanted]), &said);
    Err(ApiError::invalid("", "Service", crate::object::name(service), &[error]))
}

/// Ports of the nodes that a Service asks for are free and among those that are given.
fn wanted_ports(state: &State, service: &Value) -> Result<(), ApiError> {
    for (index, port) in items(service, &["spec", "ports"]).iter().enumerate() {
        let Some(wanted) = number(port, &["nodePort"]).filter(|wanted| *wanted != 0) else { continue };
        let is_same = |other: &Value| other["nodePort"] == wanted && other["protocol"] == port["protocol"];
        let said = if !NODE_PORTS.contains(&wanted) {
            let (low, high) = (NODE_PORTS.start(), NODE_PORTS.end());
            format!("provided port is not in the valid range. The range of valid ports is {low}-{high}")
        } else if services(state).flat_map(|other| items(other, &["spec", "ports"])).any(is_same) {
            "provided port is already allocated".to_owned()
        } else {
            continue;
        };
        let at = format!("spec.ports[{index}].nodePort");
        let error = belay_schema::FieldError::invalid(at, &json!(wanted), &said);
        return Err(ApiError::invalid("", "Service", crate::object::name(service), &[error]));
    }
    Ok(())
}

/// A Pod's priority is its class's.
fn priority(state: &State, pod: &mut Value) -> Result<(), ApiError> {
    let classes = GroupResource::new("scheduling.k8s.io", "priorityclasses");
    let wanted = text(pod, &["spec", "priorityClassName"]).to_owned();
    let class = if wanted.is_empty() {
        state.store.list(&classes, "").find(|class| class["globalDefault"] == true)
    } else {
        let class = state.store.get(&classes, "", &wanted);
        if class.is_none() {
            let cause = format!("no PriorityClass with name {wanted} was found");
            return Err(ApiError::forbidden("", "pods", crate::object::name(pod), &cause));
        }
        class
    };
    let value = class.and_then(|class| number(class, &["value"])).unwrap_or(0);
    let policy = class.map_or("", |class| text(class, &["preemptionPolicy"]));
    let policy = if policy.is_empty() { "PreemptLowerPriority" } else { policy }.to_owned();
    if let Some(class) = class.filter(|_| wanted.is_empty()) {
        let name = crate::object::name(class).to_owned();
        set(pod, &["spec", "priorityClassName"], name.into());
    }
    set(pod, &["spec", "priority"], value.into());
    if text(pod, &["spec", "preemptionPolicy"]).is_empty() {
        set(pod, &["spec", "preemptionPolicy"], policy.into());
    }
    Ok(())
}

fn service(state: &State, live: Option<&Value>, object: &mut Value) {
    let kind = text(object, &["spec", "type"]).to_owned();
    if kind == "ExternalName" {
        return;
    }
    if let Some(address) =
        live.map(|live| text(live, &["spec", "clusterIP"])).filter(|address| !address.is_empty())
        && text(object, &["spec", "clusterIP"]).is_empty()
    {
        set(object, &["spec", "clusterIP"], address.into());
    }
    if text(object, &["spec", "clusterIP"]).is_empty() {
        let address = free_address(state);
        set(object, &["spec", "clusterIP"], address.into());
    }
    let address = at(object, &["spec", "clusterIP"]).clone();
    set(object, &["spec", "clusterIPs"], json!([address]));
    if items(object, &["spec", "ipFamilies"]).is_empty() {
        set(object, &["spec", "ipFamilies"], json!(["IPv4"]));
    }
    if text(object, &["spec", "ipFamilyPolicy"]).is_empty() {
        set(object, &["spec", "ipFamilyPolicy"], "SingleStack".into());
    }
    if kind == "NodePort" || kind == "LoadBalancer" {
        node_ports(state, live, object);
    }
}

fn services(state: &State) -> impl Iterator<Item = &std::sync::Arc<Value>> {
    state.store.list(&GroupResource::new("", "services"), "")
}

/// The first free address of 10.96.0.0/12.
fn free_address(state: &State) -> String {
    let used: std::collections::HashSet<&str> =
        services(state).map(|service| text(service, &["spec", "clusterIP"])).collect();
    let addresses = (10_u32..0xF_FFFE).map(|number| {
        let whole = (10 << 24) + (96 << 16) + number;
        std::net::Ipv4Addr::from(whole).to_string()
    });
    let mut free = addresses.filter(|address| !used.contains(address.as_str()));
    free.next().unwrap_or_default()
}

fn node_ports(state: &State, live: Option<&Value>, object: &mut Value) {
    let mut used: std::collections::HashSet<i64> = services(state)
        .flat_map(|service| items(service, &["spec", "ports"]))
        .filter_map(|port| number(port, &["nodePort"]))
        .collect();
    let before: Vec<Value> = live.map(|live| items(live, &["spec", "ports"]).to_vec()).unwrap_or_default();
    let Some(ports) = object.pointer_mut("/spec/ports").and_then(Value::as_array_mut) else { return };
    for port in ports {
        if number(port, &["nodePort"]).unwrap_or(0) != 0 {
            continue;
        }
        let same =
            before.iter().find(|old| old["port"] == port["port"] && old["protocol"] == port["protocol"]);
        let kept = same.and_then(|old| number(old, &["nodePort"])).filter(|port| *port != 0);
        let chosen = kept.or_else(|| NODE_PORTS.clone().find(|candidate| !used.contains(candidate)));
        if let Some(chosen) = chosen {
            used.insert(chosen);
            port["nodePort"] = chosen.into();
        }
    }
}

fn pod(object: &mut Value) {
    let containers = items(object, &["spec", "containers"]);
    let quantity =
        |container: &Value, kind: &str, name: &str| at(container, &["resources", kind, name]).clone();
    let mut any = false;
    let mut guaranteed = !containers.is_empty();
    for container in containers {
        for name in ["cpu", "memory"] {
            let (request, limit) =
                (quantity(container, "requests", name), quantity(container, "limits", name));
            any |= !request.is_null() || !limit.is_null();
            guaranteed &= !limit.is_null() && (request.is_null() || request == limit);
        }
    }
    let class = match (any, guaranteed) {
        (_, true) => "Guaranteed",
        (true, false) => "Burstable",
        (false, false) => "BestEffort",
    };
    set(object, &["status", "qosClass"], class.into());
    if text(object, &["spec", "serviceAccountName"]).is_empty() {
        set(object, &["spec", "serviceAccountName"], "default".into());
        set(object, &["spec", "serviceAccount"], "default".into());
    }
}

/// A Job selects its Pods by its own uid.
fn job(object: &mut Value) {
    if object["spec"]["manualSelector"] == true {
        return;
    }
    let uid = crate::object::uid(object).to_owned();
    let name = crate::object::name(object).to_owned();
    for (key, value) in [
        ("batch.kubernetes.io/controller-uid", &uid),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", &uid),
        ("job-name", &name),
    ] {
        set(object, &["spec", "template", "metadata", "labels", key], value.as_str().into());
    }
    if !object["spec"]["selector"].is_object() {
        set(object, &["spec", "selector", "matchLabels", "batch.kubernetes.io/controller-uid"], uid.into());
    }
}

/// Held while Pods use the claim.
pub(crate) const CLAIM_FINALIZER: &str = "kubernetes.io/pvc-protection";
/// Held while a claim is bound to the volume.
pub(crate) const VOLUME_FINALIZER: &str = "kubernetes.io/pv-protection";

/// The object stays until what needs it is gone.
fn add_finalizer(object: &mut Value, own: &str) {
    let mut finalizers = crate::object::finalizers(object);
    if !finalizers.iter().any(|finalizer| finalizer == own) {
        finalizers.push(own.to_owned());
    }
    crate::object::set_finalizers(object, &finalizers);
}

/// A Pod stays five minutes on a node that is not ready or out of reach, unless it says otherwise.
fn tolerations(object: &mut Value) {
    let mut all = items(object, &["spec", "tolerations"]).to_vec();
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let is_tolerated = |toleration: &Value| {
            matches!(toleration["key"].as_str(), None | Some(""))
                || (toleration["key"] == key
                    && (toleration["effect"] == "NoExecute" || toleration["effect"].is_null()))
        };
        if !all.iter().any(is_tolerated) {
            all.push(
                json!({ "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 }),
            );
        }
    }
    set(object, &["spec", "tolerations"], all.into());
}

/// A new node is not ready.
fn taint(object: &mut Value) {
    let mut taints = items(object, &["spec", "taints"]).to_vec();
    let own = json!({ "key": "node.kubernetes.io/not-ready", "effect": "NoSchedule" });
    if !taints.contains(&own) {
        taints.push(own);
    }
    set(object, &["spec", "taints"], taints.into());
}
