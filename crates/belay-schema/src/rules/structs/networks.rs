//! Ingresses and network policies.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::super::{Checker, Object, child, field, is_set, items, number, text, words};

pub(super) fn ingress(checker: &mut Checker<'_>, ingress: &Object) {
    let none = Object::new();
    let spec = field(ingress, "spec").as_object().unwrap_or(&none);
    let rules = items(spec, "rules");
    if rules.is_empty() && field(spec, "defaultBackend").is_null() {
        let said = "either `defaultBackend` or `rules` must be specified";
        checker.invalid("spec", field(spec, "rules"), said);
    }
    for (index, rule) in rules.iter().enumerate() {
        let at = format!("spec.rules[{index}].host");
        let host = rule["host"].as_str().unwrap_or_default();
        if host.parse::<IpAddr>().is_ok() {
            checker.invalid(at.as_str(), &json!(host), "must be a DNS name, not an IP address");
        }
        if !host.is_empty() {
            checker.complaints(&at, host, host_form(host));
        }
    }
    for (index, tls) in items(spec, "tls").iter().filter_map(Value::as_object).enumerate() {
        for (position, host) in items(tls, "hosts").iter().filter_map(Value::as_str).enumerate() {
            checker.complaints(&format!("spec.tls[{index}].hosts[{position}]"), host, host_form(host));
        }
        let secret = text(tls, "secretName");
        if !secret.is_empty() {
            checker.complaints(&format!("spec.tls[{index}].secretName"), secret, words::subdomain(secret));
        }
    }
    let class = text(spec, "ingressClassName");
    let by_annotation = &field(ingress, "metadata")["annotations"]["kubernetes.io/ingress.class"];
    if by_annotation.is_string() && !field(spec, "ingressClassName").is_null() && by_annotation != class {
        let at = "annotations.kubernetes.io/ingress.class";
        checker.invalid(at, by_annotation, "must match `ingressClassName` when both are specified");
    }
}

fn host_form(host: &str) -> words::Complaints {
    if host.contains('*') { words::wildcard(host) } else { words::subdomain(host) }
}

pub(super) fn http_path(checker: &mut Checker<'_>, path: &Object, at: &str) {
    let place = text(path, "path");
    let at_path = child(at, "path");
    let absolute = "must be an absolute path";
    match field(path, "pathType").as_str() {
        None => return checker.required(child(at, "pathType"), "pathType must be specified"),
        Some("Exact" | "Prefix") => {
            if !place.starts_with('/') {
                checker.invalid(at_path.as_str(), &json!(place), absolute);
            }
            for part in ["//", "/./", "/../", "%2f", "%2F"].iter().filter(|part| place.contains(**part)) {
                checker.invalid(at_path.as_str(), &json!(place), &format!("must not contain '{part}'"));
            }
            for end in ["/..", "/."].iter().filter(|end| place.ends_with(**end)) {
                checker.invalid(at_path.as_str(), &json!(place), &format!("cannot end with '{end}'"));
            }
        }
        Some("ImplementationSpecific") => {
            if !place.is_empty() && !place.starts_with('/') {
                checker.invalid(at_path.as_str(), &json!(place), absolute);
            }
        }
        Some(other) => {
            let known = ["Exact", "ImplementationSpecific", "Prefix"];
            checker.unsupported(child(at, "pathType"), &json!(other), &known);
        }
    }
    if !field(path, "backend").is_object() {
        checker.invalid(child(at, "backend"), &json!(""), "resource or service backend is required");
    }
}

pub(super) fn backend(checker: &mut Checker<'_>, backend: &Object, at: &str) {
    let (resource, service) = (field(backend, "resource"), field(backend, "service"));
    match (resource.is_null(), service.as_object()) {
        (false, Some(_)) => checker.invalid(at, &json!(""), "cannot set both resource and service backends"),
        (false, None) => {}
        (true, None) => checker.invalid(at, &json!(""), "resource or service backend is required"),
        (true, Some(service)) => service_backend(checker, service, at),
    }
}

fn service_backend(checker: &mut Checker<'_>, service: &Object, at: &str) {
    let name = text(service, "name");
    if name.is_empty() {
        checker.required(format!("{at}.service.name"), "");
    } else {
        checker.complaints(&format!("{at}.service.name"), name, words::old_label(name));
    }
    let port = field(service, "port");
    let (name, number) = (port["name"].as_str().unwrap_or_default(), port["number"].as_i64().unwrap_or(0));
    match (name.is_empty(), number) {
        (true, 0) => checker.required(at, "port name or number is required"),
        (true, number) => {
            if !(1..=65535).contains(&number) {
                checker.invalid(
                    format!("{at}.service.port.number"),
                    &json!(number),
                    &words::between(1, 65535),
                );
            }
        }
        (false, 0) => checker.complaints(&format!("{at}.service.port.name"), name, words::port_name(name)),
        (false, _) => checker.invalid(at, &json!(""), "cannot set both port name & port number"),
    }
}

pub(super) fn class(checker: &mut Checker<'_>, spec: &Object, path: &str) {
    let controller = text(spec, "controller");
    let at = child(path, "controller");
    if controller.is_empty() {
        checker.required(at.as_str(), "");
    } else {
        match controller.split_once('/') {
            None => checker.invalid(
                at.as_str(),
                &json!(controller),
                "must be a domain-prefixed path (such as \"acme.io/foo\")",
            ),
            Some((domain, rest)) => {
                let complaints = words::subdomain(domain);
                for said in complaints {
                    checker.invalid(at.as_str(), &json!(domain), &said);
                }
                if rest.is_empty() {
                    checker.invalid(
                        at.as_str(),
                        &json!(controller),
                        "must be a domain-prefixed path (such as \"acme.io/foo\")",
                    );
                }
            }
        }
    }
    let Some(parameters) = field(spec, "parameters").as_object() else { return };
    let at = child(path, "parameters");
    let space = field(parameters, "namespace");
    match text(parameters, "scope") {
        "" => checker.required(child(&at, "scope"), ""),
        "Namespace" if space.is_null() => {
            checker.required(child(&at, "namespace"), "`parameters.scope` is set to 'Namespace'");
        }
        "Namespace" => {
            let name = space.as_str().unwrap_or_default();
            checker.complaints(&child(&at, "namespace"), name, words::dns_label(name));
        }
        "Cluster" if !space.is_null() => {
            checker.forbidden(child(&at, "namespace"), "`parameters.scope` is set to 'Cluster'");
        }
        "Cluster" => {}
        other => checker.unsupported(child(&at, "scope"), &json!(other), &["Cluster", "Namespace"]),
    }
}

pub(super) fn policy(checker: &mut Checker<'_>, spec: &Object, path: &str) {
    let types = items(spec, "policyTypes");
    let at = child(path, "policyTypes");
    if types.len() > 2 {
        return checker.invalid(at, field(spec, "policyTypes"), "may not specify more than two policyTypes");
    }
    for (index, kind) in types.iter().enumerate() {
        if !matches!(kind.as_str(), Some("Ingress" | "Egress")) {
            checker.unsupported(format!("{at}[{index}]"), kind, &["Ingress", "Egress"]);
        }
    }
}

pub(super) fn peer(checker: &mut Checker<'_>, peer: &Object, path: &str) {
    let found = super::present(peer, &["podSelector", "namespaceSelector", "ipBlock"]);
    if found.is_empty() {
        checker.required(path, "must specify a peer");
    } else if found.len() > 1 && found.contains(&"ipBlock") {
        checker.forbidden(path, "may not specify both ipBlock and another peer");
    }
}

pub(super) fn policy_port(checker: &mut Checker<'_>, port: &Object, path: &str) {
    let (start, end) = (field(port, "port"), number(port, "endPort"));
    let (at_port, at_end) = (child(path, "port"), child(path, "endPort"));
    match start {
        Value::Number(_) => {
            let first = start.as_i64().unwrap_or(0);
            if !(1..=65535).contains(&first) {
                checker.invalid(at_port, start, &words::between(1, 65535));
            }
            if end.is_some_and(|end| end < first) {
                checker.invalid(at_end.as_str(), start, "must be greater than or equal to `port`");
            }
            if let Some(end) = end.filter(|end| !(1..=65535).contains(end)) {
                checker.invalid(at_end, &json!(end), &words::between(1, 65535));
            }
        }
        Value::String(name) => {
            if let Some(end) = end {
                checker.invalid(at_end, &json!(end), "may not be specified when `port` is non-numeric");
            }
            checker.complaints(&at_port, name, words::port_name(name));
        }
        _ => {
            if let Some(end) = end {
                checker.invalid(at_end, &json!(end), "may not be specified when `port` is not specified");
            }
        }
    }
}

pub(super) fn block(checker: &mut Checker<'_>, block: &Object, path: &str) {
    let parse = |text: &str| {
        let (address, length) = text.split_once('/')?;
        Some((address.parse::<IpAddr>().ok()?, length.parse::<u32>().ok()?))
    };
    let Some((IpAddr::V4(whole), length)) = parse(text(block, "cidr")) else { return };
    for (index, except) in items(block, "except").iter().enumerate() {
        let Some((address, part)) = except.as_str().and_then(parse) else { continue };
        let mask = u32::MAX.checked_shl(32 - length.min(32)).unwrap_or(0);
        let is_inside =
            matches!(address, IpAddr::V4(address) if u32::from(address) & mask == u32::from(whole) & mask);
        if !is_inside || length >= part {
            let at = format!("{path}.except[{index}]");
            checker.invalid(at, except, "must be a strict subset of `cidr`");
        }
    }
}

pub(super) fn endpoint_slice(checker: &mut Checker<'_>, slice: &Object) {
    for (index, endpoint) in items(slice, "endpoints").iter().filter_map(Value::as_object).enumerate() {
        let at = format!("endpoints[{index}].addresses");
        let addresses = items(endpoint, "addresses");
        if addresses.is_empty() {
            checker.required(at.as_str(), "must contain at least 1 address");
        }
        for (position, address) in addresses.iter().filter_map(Value::as_str).enumerate() {
            let at = format!("{at}[{position}]");
            match text(slice, "addressType") {
                "FQDN" => checker.complaints(&at, address, words::subdomain(address)),
                "IPv4" if address.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6()) => {
                    checker.invalid(at, &json!(address), "must be an IPv4 address");
                }
                "IPv6" if address.parse::<IpAddr>().is_ok_and(|address| address.is_ipv4()) => {
                    checker.invalid(at, &json!(address), "must be an IPv6 address");
                }
                _ => checker.complaints(&at, address, words::address(address)),
            }
        }
    }
    let mut names = Vec::new();
    for (index, port) in items(slice, "ports").iter().filter_map(Value::as_object).enumerate() {
        let name = text(port, "name");
        if names.contains(&name) {
            checker.duplicate(format!("ports[{index}].name"), &json!(name));
        }
        names.push(name);
        if !name.is_empty() {
            checker.complaints(&format!("ports[{index}].name"), name, words::dns_label(name));
        }
        let protocol = field(port, "protocol");
        if is_set(protocol) && !matches!(protocol.as_str(), Some("TCP" | "UDP" | "SCTP")) {
            checker.unsupported(format!("ports[{index}].protocol"), protocol, &["SCTP", "TCP", "UDP"]);
        }
    }
}

/// One group of addresses and ports of Endpoints.
pub(super) fn subset(checker: &mut Checker<'_>, subset: &Object, path: &str) {
    let lists = ["addresses", "notReadyAddresses"];
    if lists.iter().all(|list| items(subset, list).is_empty()) {
        checker.required(path, "must specify `addresses` or `notReadyAddresses`");
    }
    for list in lists {
        for (index, address) in items(subset, list).iter().filter_map(Value::as_object).enumerate() {
            let at = format!("{path}.{list}[{index}]");
            super::services::endpoint_address(checker, text(address, "ip"), &child(&at, "ip"));
            let host = text(address, "hostname");
            if !host.is_empty() {
                checker.complaints(&child(&at, "hostname"), host, words::dns_label(host));
            }
            let node = text(address, "nodeName");
            if !node.is_empty() {
                checker.complaints(&child(&at, "nodeName"), node, words::subdomain(node));
            }
        }
    }
    let ports = items(subset, "ports");
    for (index, port) in ports.iter().filter_map(Value::as_object).enumerate() {
        let at = format!("{path}.ports[{index}]");
        let name = text(port, "name");
        if !name.is_empty() {
            checker.complaints(&child(&at, "name"), name, words::dns_label(name));
        } else if ports.len() > 1 {
            checker.required(child(&at, "name"), "");
        }
    }
}
