//! Roles, bindings, priorities.

use serde_json::{Value, json};

use super::super::{Checker, Object, field, items, number, text, words};

const GROUP: &str = "rbac.authorization.k8s.io";

pub(super) fn role(checker: &mut Checker<'_>, name: &str, role: &Object) {
    let is_namespaced = name == "rbac.v1.Role";
    for (index, rule) in items(role, "rules").iter().filter_map(Value::as_object).enumerate() {
        let at = format!("rules[{index}]");
        let addresses = items(rule, "nonResourceURLs");
        if !addresses.is_empty() {
            let value = field(rule, "nonResourceURLs");
            if is_namespaced {
                let said = "namespaced rules cannot apply to non-resource URLs";
                checker.invalid(format!("{at}.nonResourceURLs"), value, said);
            }
            let names_resources =
                ["apiGroups", "resources", "resourceNames"].iter().any(|list| !items(rule, list).is_empty());
            if names_resources {
                let said = "rules cannot apply to both regular resources and non-resource URLs";
                checker.invalid(format!("{at}.nonResourceURLs"), value, said);
            }
            continue;
        }
        if items(rule, "apiGroups").is_empty() {
            checker.required(format!("{at}.apiGroups"), "resource rules must supply at least one api group");
        }
        if items(rule, "resources").is_empty() {
            checker.required(format!("{at}.resources"), "resource rules must supply at least one resource");
        }
    }
    let aggregation = field(role, "aggregationRule");
    if let Some(aggregation) = aggregation.as_object() {
        let selectors = items(aggregation, "clusterRoleSelectors");
        if selectors.is_empty() {
            let said = "at least one clusterRoleSelector required if aggregationRule is non-nil";
            checker.required("aggregationRule.clusterRoleSelectors", said);
        }
        for (index, selector) in selectors.iter().filter_map(Value::as_object).enumerate() {
            let path = format!("aggregationRule.clusterRoleSelectors[{index}]");
            super::super::metadata::selector(checker, selector, &path);
            if !super::is_selector(&Value::Object(selector.clone())) {
                // The original shows what came of it: nothing.
                checker.invalid(path, &Value::Null, "invalid label selector.");
            }
        }
    }
}

pub(super) fn binding(checker: &mut Checker<'_>, name: &str, binding: &Object) {
    let is_namespaced = name == "rbac.v1.RoleBinding";
    let none = Object::new();
    let role = field(binding, "roleRef").as_object().unwrap_or(&none);
    if text(role, "apiGroup") != GROUP {
        checker.unsupported("roleRef.apiGroup", &json!(text(role, "apiGroup")), &[GROUP]);
    }
    let kinds: &[&str] = if is_namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    if !kinds.contains(&text(role, "kind")) {
        checker.unsupported("roleRef.kind", &json!(text(role, "kind")), kinds);
    }
    let role_name = text(role, "name");
    if role_name.is_empty() {
        checker.required("roleRef.name", "");
    } else {
        checker.complaints("roleRef.name", role_name, words::path_segment(role_name));
    }
    for (index, subject) in items(binding, "subjects").iter().filter_map(Value::as_object).enumerate() {
        self::subject(checker, subject, is_namespaced, &format!("subjects[{index}]"));
    }
}

fn subject(checker: &mut Checker<'_>, subject: &Object, is_namespaced: bool, at: &str) {
    let (name, group) = (text(subject, "name"), text(subject, "apiGroup"));
    match text(subject, "kind") {
        "ServiceAccount" => {
            if !name.is_empty() {
                checker.complaints(&format!("{at}.name"), name, words::subdomain(name));
            }
            if !group.is_empty() {
                checker.unsupported(format!("{at}.apiGroup"), &json!(group), &[""]);
            }
            if !is_namespaced && text(subject, "namespace").is_empty() {
                checker.required(format!("{at}.namespace"), "");
            }
        }
        "User" | "Group" => {
            if group != GROUP {
                checker.unsupported(format!("{at}.apiGroup"), &json!(group), &[GROUP]);
            }
        }
        other => {
            checker.unsupported(format!("{at}.kind"), &json!(other), &["ServiceAccount", "User", "Group"]);
        }
    }
}

pub(super) fn priority_class(checker: &mut Checker<'_>, class: &Object) {
    let name = field(class, "metadata")["name"].as_str().unwrap_or_default();
    if checker.is_update {
        return;
    }
    if name.starts_with("system-") {
        if !matches!(name, "system-cluster-critical" | "system-node-critical") {
            let said = format!(
                "priority class names with 'system-' prefix are reserved for system use only. error: {name} is not a known system priority class"
            );
            checker.forbidden("metadata.name", &said);
        }
    } else if number(class, "value").unwrap_or(0) > 1_000_000_000 {
        checker.forbidden("value", "maximum allowed value of a user defined priority is 1000000000");
    }
    let policy = field(class, "preemptionPolicy");
    if policy.as_str().is_some_and(|policy| !matches!(policy, "PreemptLowerPriority" | "Never")) {
        checker.unsupported("preemptionPolicy", policy, &["PreemptLowerPriority", "Never"]);
    }
}

pub(super) fn api_service(checker: &mut Checker<'_>, service: &Object) {
    let none = Object::new();
    let spec = field(service, "spec").as_object().unwrap_or(&none);
    let (group, version) = (text(spec, "group"), text(spec, "version"));
    let name = field(service, "metadata")["name"].as_str().unwrap_or_default();
    let wanted = format!("{version}.{group}");
    if name != wanted && !name.is_empty() {
        checker.invalid(
            "metadata.name",
            &json!(name),
            &format!("must be `spec.version+\".\"+spec.group`: {wanted:?}"),
        );
    }
    if !group.is_empty() {
        checker.complaints("spec.group", group, words::subdomain(group));
    } else if version != "v1" {
        checker.required("spec.group", "only v1 may have an empty group and it better be legacy kube");
    }
    checker.complaints("spec.version", version, words::old_label(version));
    for (name, high) in [("groupPriorityMinimum", 20_000), ("versionPriority", 1000)] {
        let given = number(spec, name).unwrap_or(0);
        if given <= 0 || given > high {
            let said = if name == "versionPriority" {
                "must be positive and less than 1000"
            } else {
                "must be positive and less than 20000"
            };
            checker.invalid(format!("spec.{name}"), &json!(given), said);
        }
    }
}

/// A policy matches something and says something.
pub(super) fn admission_policy(checker: &mut Checker<'_>, spec: &Object, path: &str) {
    if field(spec, "matchConstraints").is_null() {
        checker.required(format!("{path}.matchConstraints"), "");
    }
    if items(spec, "validations").is_empty() && items(spec, "auditAnnotations").is_empty() {
        for list in ["validations", "auditAnnotations"] {
            let said = "validations or auditAnnotations must contain at least one item";
            checker.required(format!("{path}.{list}"), said);
        }
    }
}

/// Where a webhook is: at an address or behind a Service.
pub(super) fn client_config(checker: &mut Checker<'_>, config: &Object, path: &str) {
    if field(config, "url").is_null() == field(config, "service").is_null() {
        checker.required(path, "exactly one of url or service is required");
    }
    let place = field(config, "service")["path"].as_str().unwrap_or_default();
    let at = format!("{path}.service.path");
    if place.is_empty() || place == "/" {
        return;
    }
    if !place.starts_with('/') {
        checker.invalid(at.as_str(), &json!(place), "must start with a '/'");
    }
    let parts: Vec<&str> = place.split('/').skip(1).collect();
    let parts = if parts.last() == Some(&"") { &parts[..parts.len() - 1] } else { &parts[..] };
    if parts.is_empty() {
        checker.invalid(at.as_str(), &json!(place), "segment[0] may not be empty");
    }
    for (index, part) in parts.iter().enumerate() {
        if part.is_empty() {
            checker.invalid(at.as_str(), &json!(place), &format!("segment[{index}] may not be empty"));
            continue;
        }
        for said in words::subdomain(part) {
            checker.invalid(at.as_str(), &json!(place), &format!("segment[{index}]: {said}"));
        }
    }
}

pub(super) fn webhook(checker: &mut Checker<'_>, webhook: &Object, path: &str) {
    let name = text(webhook, "name");
    let mut complaints = words::subdomain(name);
    if complaints.is_empty() && name.split('.').count() < 3 {
        complaints.push("should be a domain with at least three segments separated by dots".to_owned());
    }
    if name.is_empty() {
        checker.required(format!("{path}.name"), "");
    } else {
        checker.complaints(&format!("{path}.name"), name, complaints);
    }
    if items(webhook, "admissionReviewVersions").is_empty() {
        checker.required(format!("{path}.admissionReviewVersions"), "must specify one of v1, v1beta1");
    }
    for (field_name, known) in [
        ("failurePolicy", &["Fail", "Ignore"][..]),
        ("matchPolicy", &["Equivalent", "Exact"]),
        ("sideEffects", &["None", "NoneOnDryRun"]),
        ("reinvocationPolicy", &["IfNeeded", "Never"]),
    ] {
        let given = field(webhook, field_name);
        if given.as_str().is_some_and(|given| !known.contains(&given)) {
            checker.unsupported(format!("{path}.{field_name}"), given, known);
        }
    }
    if field(webhook, "sideEffects").is_null() {
        checker.required(format!("{path}.sideEffects"), "must specify one of None, NoneOnDryRun");
    }
    if let Some(seconds) = number(webhook, "timeoutSeconds").filter(|seconds| !(1..=30).contains(seconds)) {
        let said = "the timeout value must be between 1 and 30 seconds";
        checker.invalid(format!("{path}.timeoutSeconds"), &json!(seconds), said);
    }
}

/// How many requests a level takes at a time.
pub(super) fn priority_level(checker: &mut Checker<'_>, spec: &Object, path: &str) {
    let (limited, exempt) = (field(spec, "limited"), field(spec, "exempt"));
    match text(spec, "type") {
        "Limited" => {
            if !exempt.is_null() {
                checker.forbidden(format!("{path}.exempt"), "must be nil if the type is Limited");
            }
            if limited.is_null() {
                checker.required(format!("{path}.limited"), "must not be empty when type is Limited");
            }
        }
        "Exempt" if !limited.is_null() => {
            checker.forbidden(format!("{path}.limited"), "must be nil if the type is not Limited");
        }
        _ => {}
    }
    let response = &limited["limitResponse"];
    if response["type"] == "Reject" && !response["queuing"].is_null() {
        let said = "must be nil if limited.limitResponse.type is not Limited";
        checker.forbidden(format!("{path}.limited.limitResponse.queuing"), said);
    }
}

/// Whose requests flow together.
pub(super) fn flow_rules(checker: &mut Checker<'_>, spec: &Object, path: &str) {
    for (index, rule) in items(spec, "rules").iter().filter_map(Value::as_object).enumerate() {
        let at = format!("{path}.rules[{index}]");
        let subjects = items(rule, "subjects");
        if subjects.is_empty() {
            checker.required(format!("{at}.subjects"), "subjects must contain at least one value");
        }
        for (position, subject) in subjects.iter().enumerate() {
            let kind = &subject["kind"];
            if !matches!(kind.as_str(), Some("User" | "Group" | "ServiceAccount")) {
                let shown = json!(kind.as_str().unwrap_or_default());
                let known = ["Group", "ServiceAccount", "User"];
                checker.unsupported(format!("{at}.subjects[{position}].kind"), &shown, &known);
            }
        }
        if items(rule, "resourceRules").is_empty() && items(rule, "nonResourceRules").is_empty() {
            let said = "at least one of resourceRules and nonResourceRules has to be non-empty";
            checker.required(at, said);
        }
    }
}
