//! Fields that mirror each other: what converting to the internal version and back does to an object.

use serde_json::{Map, Value, json};

use crate::kind::KindSchema;

const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// Make the mirrors agree, in place.
pub(crate) fn mirror_fields(kind: &KindSchema, object: &mut Value) {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("apps", "DaemonSet") => template_generation(object),
        ("apps", "StatefulSet") => claim_templates(object),
        ("", "Node") => pod_ranges(object),
        _ => {}
    }
}

/// The generation of a DaemonSet's template as it is once stored: it counts changes.
pub(crate) fn count_template(kind: &KindSchema, live: Option<&Value>, new: &mut Value) {
    if kind.group != "apps" || kind.kind != "DaemonSet" {
        return;
    }
    let pointer = format!("/metadata/annotations/{}", TEMPLATE_GENERATION.replace('/', "~1"));
    let generation = match live {
        None => 1,
        Some(live) => {
            let before =
                live.pointer(&pointer).and_then(Value::as_str).and_then(|text| text.parse::<i64>().ok());
            let changed = live.pointer("/spec/template") != new.pointer("/spec/template");
            before.unwrap_or(0) + i64::from(changed)
        }
    };
    set_generation(new, &generation.to_string(), true);
}

/// Fields of a Service that its old type needed and the new one does not go, unless they were set anew. One of a type
/// without traffic inside the cluster is shown without a policy for it.
pub(crate) fn drop_service_fields(kind: &KindSchema, live: Option<&Value>, new: &mut Value) {
    if !kind.group.is_empty() || kind.kind != "Service" {
        return;
    }
    let type_of = |service: &Value| {
        service.pointer("/spec/type").and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    if type_of(new) == "ExternalName"
        && let Some(spec) = new.get_mut("spec").and_then(Value::as_object_mut)
    {
        spec.shift_remove("internalTrafficPolicy");
    }
    let Some(live) = live else { return };
    let is_external = |service: &Value| {
        let ips =
            service.pointer("/spec/externalIPs").and_then(Value::as_array).is_some_and(|ips| !ips.is_empty());
        matches!(type_of(service).as_str(), "LoadBalancer" | "NodePort")
            || (type_of(service) == "ClusterIP" && ips)
    };
    let is_balanced = |service: &Value| type_of(service) == "LoadBalancer";
    let mut dropped = Vec::new();
    if is_external(live) && !is_external(new) {
        dropped.push("externalTrafficPolicy");
    }
    if is_balanced(live) && !is_balanced(new) {
        dropped.extend(["allocateLoadBalancerNodePorts", "loadBalancerClass"]);
    }
    let has_ports = |service: &Value| matches!(type_of(service).as_str(), "LoadBalancer" | "NodePort");
    let loses_ports = has_ports(live) && !has_ports(new);
    let Some(spec) = new.get_mut("spec").and_then(Value::as_object_mut) else { return };
    if loses_ports {
        drop_node_ports(spec, live);
    }
    for name in dropped {
        if spec.get(name) == live.pointer(&format!("/spec/{name}")) {
            spec.shift_remove(name);
        }
    }
}

/// Ports of the nodes that the old type had go, if none was given anew.
fn drop_node_ports(spec: &mut Map<String, Value>, live: &Value) {
    let before = live.pointer("/spec/ports").and_then(Value::as_array).cloned().unwrap_or_default();
    let ports = spec.get_mut("ports").and_then(Value::as_array_mut);
    for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
        if before.iter().any(|old| old.get("nodePort") == port.get("nodePort")) {
            port.shift_remove("nodePort");
        }
    }
}

/// Templates of claims are claims, whatever they call themselves.
fn claim_templates(object: &mut Value) {
    let claims = object.pointer_mut("/spec/volumeClaimTemplates").and_then(Value::as_array_mut);
    for claim in claims.into_iter().flatten().filter_map(Value::as_object_mut) {
        claim.insert("apiVersion".to_owned(), json!("v1"));
        claim.insert("kind".to_owned(), json!("PersistentVolumeClaim"));
    }
}

/// Why an object cannot be converted to the internal version, if so.
pub(crate) fn unconvertible(kind: &KindSchema, object: &Value) -> Option<String> {
    if kind.group != "apps" || kind.kind != "DaemonSet" {
        return None;
    }
    let generation = object["metadata"]["annotations"][TEMPLATE_GENERATION].as_str()?;
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    generation.parse::<i64>().is_err().then(|| {
        format!(
            "failed to convert to unversioned (/{name}; {}, Kind=DaemonSet): strconv.ParseInt: parsing {generation:?}: invalid syntax",
            kind.api_version()
        )
    })
}

fn template_generation(object: &mut Value) {
    set_generation(object, "0", false);
}

fn set_generation(object: &mut Value, generation: &str, overwrite: bool) {
    let Some(object) = object.as_object_mut() else { return };
    let metadata = object.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    let Some(metadata) = metadata.as_object_mut() else { return };
    let annotations = metadata.entry("annotations").or_insert_with(|| Value::Object(Map::new()));
    let Some(annotations) = annotations.as_object_mut() else { return };
    if overwrite || !annotations.contains_key(TEMPLATE_GENERATION) {
        annotations.insert(TEMPLATE_GENERATION.to_owned(), json!(generation));
    }
}

/// `podCIDR` is the first of `podCIDRs`.
fn pod_ranges(object: &mut Value) {
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return };
    let one = spec.get("podCIDR").cloned();
    let first = spec.get("podCIDRs").and_then(Value::as_array).and_then(|many| many.first()).cloned();
    match (one, first) {
        (Some(one), first) if first.as_ref() != Some(&one) => {
            spec.insert("podCIDRs".to_owned(), json!([one]));
        }
        (None, Some(first)) => {
            spec.insert("podCIDR".to_owned(), first);
        }
        _ => {}
    }
}
