//! What the API server itself fills in when an object is created: addresses, finalizers, classes.

use serde_json::{Value, json};

use crate::cluster::State;
use crate::object::{at, items, number, set, text};
use crate::resources::Definition;
use crate::store::GroupResource;

const NODE_PORTS: std::ops::RangeInclusive<i64> = 30000..=32767;

/// Fill in a new or changed object, after ownership was settled.
pub(crate) fn fill(state: &State, definition: &Definition, live: Option<&Value>, object: &mut Value) {
    match (definition.group.as_str(), definition.kind.as_str()) {
        ("", "Service") => service(state, live, object),
        ("", "Namespace") if live.is_none() => set(object, &["spec", "finalizers"], json!(["kubernetes"])),
        ("", "Pod") if live.is_none() => pod(object),
        ("batch", "Job") if live.is_none() => job(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") if live.is_none() => {
            definition_finalizer(object)
        }
        _ => {}
    }
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

/// The definition stays until its objects are gone.
fn definition_finalizer(object: &mut Value) {
    let mut finalizers = crate::object::finalizers(object);
    let own = crate::controllers::definitions::FINALIZER;
    if !finalizers.iter().any(|finalizer| finalizer == own) {
        finalizers.push(own.to_owned());
    }
    crate::object::set_finalizers(object, &finalizers);
}
