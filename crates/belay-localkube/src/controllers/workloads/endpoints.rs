//! EndpointSlices of Services that select pods.

use serde_json::{Value, json};

use super::{Dirty, MANAGER, is_ready, target_of, to_see};
use crate::cluster::State;
use crate::object::{controller_reference, is_being_deleted, items, name, namespace, text};
use crate::request::Target;
use crate::store::GroupResource;

/// Services that changed, and all of the namespaces where pods did.
pub(super) fn step(state: &mut State, dirty: &Dirty) {
    let pods = to_see(state, "", "pods", dirty);
    let services: Vec<_> = state
        .store
        .list(&GroupResource::new("", "services"), "")
        .filter(|service| {
            let is_dirty = dirty.contains(crate::object::uid(service));
            is_dirty || pods.iter().any(|pod| namespace(pod) == namespace(service) && selects(service, pod))
        })
        .filter(|service| !is_being_deleted(service) && service["spec"]["selector"].is_object())
        .cloned()
        .collect();
    for service in services {
        write(state, &service);
    }
}

fn selects(service: &Value, pod: &Value) -> bool {
    let wanted = service["spec"]["selector"].as_object();
    wanted.is_some_and(|wanted| wanted.iter().all(|(key, value)| pod["metadata"]["labels"][key] == *value))
}

/// The number that a port leads to; a name is looked up in a Pod.
fn target_port(port: &Value, pod: Option<&Value>) -> i64 {
    let by_name = || {
        let wanted = port["targetPort"].as_str()?;
        let containers = items(pod?, &["spec", "containers"]).iter();
        let mut ports = containers.flat_map(|container| items(container, &["ports"]));
        ports.find(|port| port["name"] == wanted)?["containerPort"].as_i64()
    };
    let given = port["targetPort"].as_i64().filter(|port| *port != 0);
    given.or_else(by_name).unwrap_or_else(|| port["port"].as_i64().unwrap_or(0))
}

/// The same as an Endpoints object, which older clients read.
fn write_old(state: &mut State, service: &Value, endpoints: &[Value], ports: &[Value]) {
    let address = |endpoint: &Value| json!({ "ip": endpoint["addresses"][0], "nodeName": endpoint["nodeName"], "targetRef": endpoint["targetRef"] });
    let of = |ready: bool| -> Vec<Value> {
        endpoints
            .iter()
            .filter(|endpoint| (endpoint["conditions"]["ready"] == true) == ready)
            .map(address)
            .collect()
    };
    let mut subset = json!({ "ports": ports });
    for (name, addresses) in [("addresses", of(true)), ("notReadyAddresses", of(false))] {
        if !addresses.is_empty() {
            subset[name] = addresses.into();
        }
    }
    let subsets = if endpoints.is_empty() { json!([]) } else { json!([subset]) };
    let Some(definition) = state.definition_of("v1", "Endpoints") else { return };
    let target = Target::of(&definition, namespace(service), name(service));
    if state.live(&definition, namespace(service), name(service)).is_ok() {
        super::super::change(state, &target, "", MANAGER, |old| old["subsets"] = subsets);
        return;
    }
    let object = json!({
        "metadata": {
            "name": name(service), "labels": { "endpoints.kubernetes.io/managed-by": "endpoint-controller" },
            "ownerReferences": [controller_reference(service)],
        },
        "subsets": subsets,
    });
    if let Err(error) = super::super::create(state, &target, object, MANAGER) {
        tracing::debug!(%error, service = name(service), "endpoints were not made");
    }
}

fn write(state: &mut State, service: &Value) {
    let pods = state.store.list(&GroupResource::new("", "pods"), namespace(service));
    let endpoints: Vec<Value> = pods
        .filter(|pod| selects(service, pod) && !text(pod, &["status", "podIP"]).is_empty())
        .map(|pod| {
            let (ready, ending) = (is_ready(pod), is_being_deleted(pod));
            json!({
                "addresses": [text(pod, &["status", "podIP"])], "nodeName": pod["spec"]["nodeName"],
                "conditions": { "ready": ready && !ending, "serving": ready, "terminating": ending },
                "targetRef": { "kind": "Pod", "name": name(pod), "namespace": namespace(pod), "uid": crate::object::uid(pod) },
            })
        })
        .collect();
    let named = state
        .store
        .list(&GroupResource::new("", "pods"), namespace(service))
        .find(|pod| selects(service, pod))
        .cloned();
    let ports: Vec<Value> = items(service, &["spec", "ports"])
        .iter()
        .map(|port| {
            let number = target_port(port, named.as_deref());
            json!({ "name": text(port, &["name"]), "port": number, "protocol": port["protocol"] })
        })
        .collect();
    write_old(state, service, &endpoints, &ports);
    let Some(definition) = state.definition_of("discovery.k8s.io/v1", "EndpointSlice") else { return };
    let slice_name = format!("{}-localkube", name(service));
    let target = Target::of(&definition, namespace(service), &slice_name);
    if let Ok(live) = state.live(&definition, namespace(service), &slice_name) {
        if target_of(state, &live).is_some() {
            super::super::change(state, &target, "", MANAGER, |slice| {
                slice["endpoints"] = endpoints.into();
                slice["ports"] = ports.into();
            });
        }
        return;
    }
    let slice = json!({
        "metadata": {
            "name": slice_name,
            "labels": { "kubernetes.io/service-name": name(service), "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io" },
            "ownerReferences": [controller_reference(service)],
        },
        "addressType": "IPv4", "endpoints": endpoints, "ports": ports,
    });
    if let Err(error) = super::super::create(state, &target, slice, MANAGER) {
        tracing::debug!(%error, service = name(service), "an endpoint slice was not made");
    }
}
