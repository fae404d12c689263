//! Services.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::super::{Checker, Object, field, is_set, items, number, text, words};

pub(super) fn service(checker: &mut Checker<'_>, service: &Object) {
    let none = Object::new();
    let spec = field(service, "spec").as_object().unwrap_or(&none);
    let kind = text(spec, "type");
    let is_headless = text(spec, "clusterIP") == "None";
    let ports = items(spec, "ports");
    if ports.is_empty() && !is_headless && kind != "ExternalName" {
        checker.required("spec.ports", "");
    }
    match kind {
        "LoadBalancer" | "NodePort" if is_headless => {
            let said = format!("may not be set to 'None' for {kind} services");
            checker.invalid("spec.clusterIPs[0]", &json!("None"), &said);
        }
        "ExternalName" => external_name(checker, spec),
        _ => {}
    }
    port_rules(checker, ports, kind);
    affinity(checker, spec);
    if kind != "ExternalName" {
        addresses(checker, spec, is_headless);
    }
    for (index, address) in items(spec, "externalIPs").iter().filter_map(Value::as_str).enumerate() {
        external_address(checker, address, &format!("spec.externalIPs[{index}]"));
    }
    balancer(checker, spec, kind);
    traffic(checker, spec, kind);
}

fn external_name(checker: &mut Checker<'_>, spec: &Object) {
    for name in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        if is_set(field(spec, name)) {
            checker.forbidden(format!("spec.{name}"), "may not be set for ExternalName services");
        }
    }
    let given = text(spec, "externalName");
    let name = given.strip_suffix('.').unwrap_or(given);
    if name.is_empty() {
        checker.required("spec.externalName", "");
    } else {
        checker.complaints("spec.externalName", name, words::subdomain(name));
    }
}

fn port_rules(checker: &mut Checker<'_>, ports: &[Value], kind: &str) {
    let (mut names, mut seen, mut node_ports) = (Vec::new(), Vec::new(), Vec::new());
    for (index, port) in ports.iter().filter_map(Value::as_object).enumerate() {
        let at = format!("spec.ports[{index}]");
        let name = text(port, "name");
        if name.is_empty() {
            if ports.len() > 1 {
                checker.required(format!("{at}.name"), "");
            }
        } else {
            checker.complaints(&format!("{at}.name"), name, words::dns_label(name));
            if names.contains(&name) {
                checker.duplicate(format!("{at}.name"), &json!(name));
            }
            names.push(name);
        }
        let (protocol, number_of, node) =
            (text(port, "protocol"), number(port, "port"), number(port, "nodePort").unwrap_or(0));
        if kind == "ClusterIP" && node != 0 {
            checker.forbidden(format!("{at}.nodePort"), "may not be used when `type` is 'ClusterIP'");
        }
        if node != 0 && node_ports.contains(&(protocol, node)) {
            checker.duplicate(format!("{at}.nodePort"), &json!(node));
        }
        node_ports.push((protocol, node));
        if seen.contains(&(protocol, number_of)) {
            // The original shows its own struct with these two fields set.
            let shown = json!({ "Name": "", "Protocol": protocol, "AppProtocol": null, "Port": number_of.unwrap_or(0), "TargetPort": 0, "NodePort": 0 });
            checker.duplicate(at, &shown);
        }
        seen.push((protocol, number_of));
    }
}

fn affinity(checker: &mut Checker<'_>, spec: &Object) {
    let config = field(spec, "sessionAffinityConfig");
    let at = "spec.sessionAffinityConfig";
    match text(spec, "sessionAffinity") {
        "ClientIP" => {
            let said = "when session affinity type is ClientIP";
            let seconds = &config["clientIP"]["timeoutSeconds"];
            if config.is_null() {
                checker.required(at, said);
            } else if config["clientIP"].is_null() {
                checker.required(format!("{at}.clientIP"), said);
            } else if seconds.is_null() {
                checker.required(format!("{at}.clientIP.timeoutSeconds"), said);
            } else if seconds.as_i64().is_some_and(|seconds| !(1..=86400).contains(&seconds)) {
                let said = "must be greater than 0 and less than 86400";
                checker.invalid(format!("{at}.clientIP.timeoutSeconds"), seconds, said);
            }
        }
        "None" if !config.is_null() => {
            checker.forbidden(at, "must not be set when session affinity is None");
        }
        _ => {}
    }
}

fn addresses(checker: &mut Checker<'_>, spec: &Object, is_headless: bool) {
    let (one, several) = (text(spec, "clusterIP"), items(spec, "clusterIPs"));
    let all = field(spec, "clusterIPs");
    if one.is_empty() {
        if !several.is_empty() {
            checker.invalid("spec.clusterIPs", all, "must be empty when `clusterIP` is not specified");
        }
    } else if several.first().is_some_and(|first| first != one) {
        checker.invalid("spec.clusterIPs", all, "first value must match `clusterIP`");
    }
    families(checker, spec);
    let mut has_invalid = false;
    for (index, address) in several.iter().filter_map(Value::as_str).enumerate() {
        if index == 0 && address == "None" {
            if several.len() > 1 {
                has_invalid = true;
                checker.invalid("spec.clusterIPs", all, "'None' must be the first and only value");
            }
            continue;
        }
        let complaints = words::address(address);
        has_invalid |= !complaints.is_empty();
        checker.complaints(&format!("spec.clusterIPs[{index}]"), address, complaints);
    }
    if several.len() > 2 {
        checker.invalid("spec.clusterIPs", all, "may only hold up to 2 values");
    }
    if has_invalid || is_headless {
        return;
    }
    let is_six = |value: &Value| value.as_str().is_some_and(|text| text.contains(':'));
    if several.len() > 1 && several.iter().all(is_six) == several.iter().any(is_six) {
        checker.invalid("spec.clusterIPs", all, "may specify no more than one IP for each IP family");
    }
    for (index, (address, family)) in several.iter().zip(items(spec, "ipFamilies")).enumerate() {
        let wanted = if is_six(address) { "IPv6" } else { "IPv4" };
        if family != wanted && matches!(family.as_str(), Some("IPv4" | "IPv6")) {
            let said = format!(
                "expected an {} value as indicated by `ipFamilies[{index}]`",
                family.as_str().unwrap_or_default()
            );
            checker.invalid(format!("spec.clusterIPs[{index}]"), address, &said);
        }
    }
}

fn families(checker: &mut Checker<'_>, spec: &Object) {
    let mut seen = Vec::new();
    for (index, family) in items(spec, "ipFamilies").iter().enumerate() {
        if !matches!(family.as_str(), Some("IPv4" | "IPv6")) {
            checker.unsupported(format!("spec.ipFamilies[{index}]"), family, &["IPv4", "IPv6"]);
        }
        if seen.contains(&family) {
            checker.duplicate(format!("spec.ipFamilies[{index}]"), family);
        }
        seen.push(family);
    }
    let policies = ["PreferDualStack", "RequireDualStack", "SingleStack"];
    let policy = field(spec, "ipFamilyPolicy");
    if policy.as_str().is_some_and(|policy| !policies.contains(&policy)) {
        checker.unsupported("spec.ipFamilyPolicy", policy, &policies);
    }
}

fn external_address(checker: &mut Checker<'_>, text: &str, at: &str) {
    let complaints = words::address(text);
    if !complaints.is_empty() {
        return checker.complaints(at, text, complaints);
    }
    special_address(checker, text, at);
}

/// An address that traffic can be sent to. A text that is none is told twice, as the original does.
pub(super) fn endpoint_address(checker: &mut Checker<'_>, text: &str, at: &str) {
    checker.complaints(at, text, words::address(text));
    if text.parse::<IpAddr>().is_err() {
        checker.invalid(at, &json!(text), "must be a valid IP address");
    }
    special_address(checker, text, at);
}

fn special_address(checker: &mut Checker<'_>, text: &str, at: &str) {
    let Ok(address) = text.parse::<IpAddr>() else { return };
    if address.is_unspecified() {
        checker.invalid(at, &json!(text), &format!("may not be unspecified ({text})"));
    }
    if address.is_loopback() {
        checker.invalid(at, &json!(text), "may not be in the loopback range (127.0.0.0/8, ::1/128)");
    }
    if let IpAddr::V4(four) = address {
        if four.is_link_local() {
            checker.invalid(
                at,
                &json!(text),
                "may not be in the link-local range (169.254.0.0/16, fe80::/10)",
            );
        }
        if four.octets()[..3] == [224, 0, 0] {
            checker.invalid(
                at,
                &json!(text),
                "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
            );
        }
    }
}

fn balancer(checker: &mut Checker<'_>, spec: &Object, kind: &str) {
    let only = "may only be used when `type` is 'LoadBalancer'";
    let ranges = items(spec, "loadBalancerSourceRanges");
    if !ranges.is_empty() && kind != "LoadBalancer" {
        checker.forbidden("spec.LoadBalancerSourceRanges", only);
    }
    for (index, range) in ranges.iter().filter_map(Value::as_str).enumerate() {
        let range = range.trim();
        checker.complaints(
            &format!("spec.LoadBalancerSourceRanges[{index}]"),
            range,
            words::address_range(range),
        );
    }
    let class = field(spec, "loadBalancerClass");
    if kind == "LoadBalancer" {
        if let Some(class) = class.as_str() {
            checker.complaints("spec.loadBalancerClass", class, words::qualified(class));
        }
        return;
    }
    if !field(spec, "allocateLoadBalancerNodePorts").is_null() {
        checker.forbidden("spec.allocateLoadBalancerNodePorts", only);
    }
    if !class.is_null() {
        checker.forbidden("spec.loadBalancerClass", only);
    }
}

fn traffic(checker: &mut Checker<'_>, spec: &Object, kind: &str) {
    let policy = text(spec, "externalTrafficPolicy");
    let is_outside = matches!(kind, "LoadBalancer" | "NodePort")
        || (kind == "ClusterIP" && !items(spec, "externalIPs").is_empty());
    let at = "spec.externalTrafficPolicy";
    match policy {
        "" if is_outside => checker.required(at, ""),
        "" => {}
        _ if !is_outside => {
            checker.invalid(at, &json!(policy), "may only be set for externally-accessible services");
        }
        "Cluster" | "Local" => {}
        _ => checker.unsupported(at, &json!(policy), &["Cluster", "Local"]),
    }
    let port = number(spec, "healthCheckNodePort").unwrap_or(0);
    let needs_check = kind == "LoadBalancer" && policy == "Local";
    if port != 0 && !needs_check {
        let said = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
        checker.invalid("spec.healthCheckNodePort", &json!(port), said);
    }
}
