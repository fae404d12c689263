//! Pods: where they run and beside whom.

use serde_json::{Value, json};

use super::super::{Checker, Object, child, field, is_set, items, metadata, number, text, words};
use super::{containers, volumes};

pub(super) fn pod_spec(checker: &mut Checker<'_>, spec: &Object, path: &str) {
    if number(spec, "terminationGracePeriodSeconds").is_some_and(|seconds| seconds < 0) {
        let at = child(path, "terminationGracePeriodSeconds");
        checker.invalid(
            at,
            field(spec, "terminationGracePeriodSeconds"),
            "must be greater than or equal to 0",
        );
    }
    let os = &field(spec, "os")["name"];
    if field(spec, "os").is_object() {
        match os.as_str().unwrap_or_default() {
            "linux" | "windows" => {}
            "" => checker.required(format!("{path}.os.name"), ""),
            _ => checker.unsupported(format!("{path}.os"), os, &["linux", "windows"]),
        }
    }
    let volumes = volumes::usable(items(spec, "volumes"));
    let grace = number(spec, "terminationGracePeriodSeconds");
    for (list, is_init) in [("containers", false), ("initContainers", true)] {
        for (index, container) in items(spec, list).iter().enumerate() {
            let Some(container) = container.as_object() else { continue };
            let path = format!("{path}.{list}[{index}]");
            containers::in_pod(checker, container, &path, &volumes, spec, is_init);
            containers::probes(checker, container, &path, grace);
        }
    }
    names_across(checker, spec, path);
    host_ports(checker, spec, path);
    dns(checker, spec, path);
    if spec.get("hostNetwork") == Some(&Value::Bool(true)) {
        host_network(checker, spec, path);
    }
    security(checker, spec, path);
}

/// A container's name is free among all containers.
fn names_across(checker: &mut Checker<'_>, spec: &Object, path: &str) {
    let names: Vec<&Value> = items(spec, "containers").iter().map(|container| &container["name"]).collect();
    for (index, container) in items(spec, "initContainers").iter().enumerate() {
        if is_set(&container["name"]) && names.contains(&&container["name"]) {
            checker.duplicate(format!("{path}.initContainers[{index}].name"), &container["name"]);
        }
    }
}

fn host_ports(checker: &mut Checker<'_>, spec: &Object, path: &str) {
    let mut seen = Vec::new();
    for (index, container) in items(spec, "containers").iter().enumerate() {
        let ports = container["ports"].as_array().map_or(&[][..], Vec::as_slice);
        for (position, port) in ports.iter().enumerate() {
            let Some(number) = port["hostPort"].as_i64().filter(|port| *port != 0) else { continue };
            let key = format!(
                "{}/{}/{number}",
                port["protocol"].as_str().unwrap_or_default(),
                port["hostIP"].as_str().unwrap_or_default()
            );
            if seen.contains(&key) {
                let at = format!("{path}.containers[{index}].ports[{position}].hostPort");
                checker.duplicate(at, &json!(key));
            }
            seen.push(key);
        }
    }
}

fn host_network(checker: &mut Checker<'_>, spec: &Object, path: &str) {
    let is_pod = checker.kind.kind() == "Pod";
    for (index, container) in items(spec, "containers").iter().enumerate() {
        let ports = container["ports"].as_array().map_or(&[][..], Vec::as_slice);
        for (position, port) in ports.iter().enumerate() {
            let host = port["hostPort"].as_i64().unwrap_or(0);
            if (is_pod || host != 0) && host != port["containerPort"].as_i64().unwrap_or(0) {
                let at = format!("{path}.containers[{index}].ports[{position}].hostPort");
                checker.invalid(at, &json!(host), "must match `containerPort` when `hostNetwork` is true");
            }
        }
    }
}

fn dns(checker: &mut Checker<'_>, spec: &Object, path: &str) {
    let config = field(spec, "dnsConfig").as_object();
    let path = child(path, "dnsConfig");
    let servers = config.map_or(&[][..], |config| items(config, "nameservers"));
    if text(spec, "dnsPolicy") == "None" {
        if config.is_none() {
            return checker.required(path, "must provide `dnsConfig` when `dnsPolicy` is None");
        }
        if servers.is_empty() {
            let said = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            return checker.required(child(&path, "nameservers"), said);
        }
    }
    let Some(config) = config else { return };
    if servers.len() > 3 {
        let value = field(config, "nameservers");
        checker.invalid(child(&path, "nameservers"), value, "must not have more than 3 nameservers");
    }
    for (index, server) in servers.iter().filter_map(Value::as_str).enumerate() {
        checker.complaints(&format!("{path}.nameservers[{index}]"), server, words::address(server));
    }
    for (index, search) in items(config, "searches").iter().filter_map(Value::as_str).enumerate() {
        let plain = search.strip_suffix('.').unwrap_or(search);
        if search != "." {
            checker.complaints(&format!("{path}.searches[{index}]"), search, words::underscored(plain));
        }
    }
    for (index, option) in items(config, "options").iter().enumerate() {
        if !is_set(&option["name"]) {
            checker.required(format!("{path}.options[{index}]"), "must not be empty");
        }
    }
}

fn security(checker: &mut Checker<'_>, spec: &Object, path: &str) {
    let Some(context) = field(spec, "securityContext").as_object() else { return };
    let path = child(path, "securityContext");
    for (index, group) in items(context, "supplementalGroups").iter().enumerate() {
        if group.as_i64().is_some_and(|group| !(0..=2_147_483_647).contains(&group)) {
            let at = format!("{path}.supplementalGroups[{index}]");
            checker.invalid(at, group, &words::between(0, 2_147_483_647));
        }
    }
    if spec.get("shareProcessNamespace") == Some(&Value::Bool(true))
        && spec.get("hostPID") == Some(&Value::Bool(true))
    {
        checker.invalid(
            child(&path, "shareProcessNamespace"),
            &json!(true),
            "ShareProcessNamespace and HostPID cannot both be enabled",
        );
    }
}

/// A template's metadata; its spec follows as any other struct.
pub(super) fn template(checker: &mut Checker<'_>, template: &Object, path: &str) {
    let metadata = field(template, "metadata");
    checker.labels(&metadata["labels"], &format!("{path}.labels"));
    metadata::annotations(checker, &metadata["annotations"], &format!("{path}.annotations"));
    if !field(template, "spec").is_object() {
        checker.required(format!("{path}.spec.containers"), "");
    }
}

pub(super) fn toleration(checker: &mut Checker<'_>, toleration: &Object, path: &str) {
    let (key, operator, value) =
        (text(toleration, "key"), text(toleration, "operator"), text(toleration, "value"));
    let (effect, at_operator) = (text(toleration, "effect"), child(path, "operator"));
    if key.is_empty() {
        if operator != "Exists" {
            let said =
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            checker.invalid(at_operator.as_str(), &json!(operator), said);
        }
    } else {
        checker.complaints(&child(path, "key"), key, words::qualified(key));
    }
    if number(toleration, "tolerationSeconds").is_some() && effect != "NoExecute" {
        let said = "effect must be 'NoExecute' when `tolerationSeconds` is set";
        checker.invalid(child(path, "effect"), &json!(effect), said);
    }
    match operator {
        "" | "Equal" => {
            let said = words::label_value(value).join(";");
            if !said.is_empty() {
                checker.invalid(at_operator.as_str(), &json!(value), &said);
            }
        }
        "Exists" if value.is_empty() => {}
        "Exists" => {
            checker.invalid(
                at_operator.as_str(),
                &json!(value),
                "value must be empty when `operator` is 'Exists'",
            );
        }
        _ => checker.unsupported(at_operator.as_str(), &json!(operator), &["Equal", "Exists"]),
    }
    let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
    if !effect.is_empty() && !effects.contains(&effect) {
        checker.unsupported(child(path, "effect"), &json!(effect), &effects);
    }
}

pub(super) fn node_requirement(checker: &mut Checker<'_>, requirement: &Object, path: &str) {
    if path.contains("matchFields") {
        return;
    }
    let operators = ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"];
    metadata::requirement(checker, requirement, path, &operators);
}

pub(super) fn spread(checker: &mut Checker<'_>, constraint: &Object, path: &str) {
    let least = number(constraint, "minDomains");
    let at = child(path, "minDomains");
    if least.is_some_and(|least| least <= 0) {
        checker.invalid(at.as_str(), field(constraint, "minDomains"), "must be greater than 0");
    }
    if least.is_some() && text(constraint, "whenUnsatisfiable") != "DoNotSchedule" {
        let said = format!(
            "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {}",
            text(constraint, "whenUnsatisfiable")
        );
        checker.invalid(at.as_str(), field(constraint, "minDomains"), &said);
    }
    label_keys(checker, constraint, "matchLabelKeys", path);
}

pub(super) fn affinity_term(checker: &mut Checker<'_>, term: &Object, path: &str) {
    for name in items(term, "namespaces").iter().filter_map(Value::as_str) {
        checker.complaints(&child(path, "namespace"), name, words::dns_label(name));
    }
    if !is_set(field(term, "topologyKey")) {
        checker.complaints(&child(path, "topologyKey"), "", words::qualified(""));
    }
    for list in ["matchLabelKeys", "mismatchLabelKeys"] {
        label_keys(checker, term, list, path);
    }
}

fn label_keys(checker: &mut Checker<'_>, object: &Object, list: &str, path: &str) {
    let keys = items(object, list);
    if !keys.is_empty() && field(object, "labelSelector").is_null() {
        return checker.forbidden(child(path, list), "must not be specified when labelSelector is not set");
    }
    for (index, key) in keys.iter().filter_map(Value::as_str).enumerate() {
        checker.complaints(&format!("{path}.{list}[{index}]"), key, words::qualified(key));
    }
}
