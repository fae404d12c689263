//! Containers: their variables, mounts, resources and probes.

use serde_json::{Value, json};

use super::super::{Checker, Object, child, field, is_set, items, number, text, words};
use super::present;
use crate::errors::{FieldError, Reason};
use crate::quantity::Quantity;

/// What a container tells without its pod.
pub(super) fn container(checker: &mut Checker<'_>, container: &Object, path: &str) {
    let mut names = Vec::new();
    for (index, port) in items(container, "ports").iter().enumerate() {
        let name = port["name"].as_str().unwrap_or_default();
        if !name.is_empty() && names.contains(&name) {
            checker.duplicate(format!("{path}.ports[{index}].name"), &json!(name));
        }
        if words::port_name(name).is_empty() {
            names.push(name);
        }
    }
    let context = field(container, "securityContext");
    if context["allowPrivilegeEscalation"] == false && context["privileged"] == true {
        let said = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
        checker.invalid(child(path, "securityContext"), context, said);
    }
}

/// What a container says about its pod's volumes and restarts.
pub(super) fn in_pod(
    checker: &mut Checker<'_>,
    container: &Object,
    path: &str,
    volumes: &[&str],
    pod: &Object,
    is_init: bool,
) {
    let mounts = child(path, "volumeMounts");
    let mut paths = Vec::new();
    for (index, mount) in items(container, "volumeMounts").iter().filter_map(Value::as_object).enumerate() {
        let (name, at) = (text(mount, "name"), format!("{mounts}[{index}]"));
        if !volumes.contains(&name) {
            let message = format!("Not found: {}", json!(name));
            checker.errors.push(FieldError::new(child(&at, "name"), Reason::NotFound, message));
        }
        let place = text(mount, "mountPath");
        if paths.contains(&place) {
            checker.invalid(child(&at, "mountPath"), &json!(place), "must be unique");
        }
        paths.push(place);
        mount_parts(checker, mount, &mounts, &at);
    }
    for (index, device) in items(container, "volumeDevices").iter().filter_map(Value::as_object).enumerate() {
        let name = text(device, "name");
        if !volumes.contains(&name) {
            let at = format!("{path}.volumeDevices[{index}].name");
            checker.errors.push(FieldError::new(at, Reason::NotFound, format!("Not found: {}", json!(name))));
        }
    }
    let policy = text(container, "restartPolicy");
    let is_sidecar = is_init && policy == "Always";
    if is_init && !field(container, "restartPolicy").is_null() && policy != "Always" {
        checker.unsupported(child(path, "restartPolicy"), &json!(policy), &["Always"]);
    }
    if is_init && !is_sidecar {
        for name in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
            if !field(container, name).is_null() {
                let said = "may not be set for init containers without restartPolicy=Always";
                checker.forbidden(child(path, name), said);
            }
        }
    }
    resize_policies(checker, container, path, text(pod, "restartPolicy"));
}

fn mount_parts(checker: &mut Checker<'_>, mount: &Object, mounts: &str, at: &str) {
    for name in ["subPath", "subPathExpr"] {
        let given = text(mount, name);
        if !given.is_empty() {
            checker.complaints(&child(mounts, name), given, words::relative_path(given));
        }
    }
    if is_set(field(mount, "subPath")) && is_set(field(mount, "subPathExpr")) {
        let said = "subPathExpr and subPath are mutually exclusive";
        checker.invalid(child(at, "subPathExpr"), field(mount, "subPathExpr"), said);
    }
    let propagations = ["Bidirectional", "HostToContainer", "None"];
    if let Some(given) =
        field(mount, "mountPropagation").as_str().filter(|given| !propagations.contains(given))
    {
        checker.unsupported(child(mounts, "mountPropagation"), &json!(given), &propagations);
    }
}

fn resize_policies(checker: &mut Checker<'_>, container: &Object, path: &str, pod_policy: &str) {
    let path = child(path, "resizePolicy");
    let mut seen = Vec::new();
    for (index, policy) in items(container, "resizePolicy").iter().filter_map(Value::as_object).enumerate() {
        let (resource, restart) = (text(policy, "resourceName"), text(policy, "restartPolicy"));
        if seen.contains(&resource) {
            checker.duplicate(format!("{path}[{index}]"), &json!(resource));
        }
        seen.push(resource);
        match resource {
            "cpu" | "memory" => {}
            "" => checker.required(path.as_str(), ""),
            _ => checker.unsupported(path.as_str(), &json!(resource), &["cpu", "memory"]),
        }
        match restart {
            "NotRequired" | "RestartContainer" => {}
            "" => checker.required(path.as_str(), ""),
            _ => checker.unsupported(path.as_str(), &json!(restart), &["NotRequired", "RestartContainer"]),
        }
        if pod_policy == "Never" && restart != "NotRequired" {
            let said = "must be 'NotRequired' when `restartPolicy` is 'Never'";
            checker.invalid(path.as_str(), &json!(restart), said);
        }
    }
}

pub(super) fn probes(checker: &mut Checker<'_>, container: &Object, path: &str, _grace: Option<i64>) {
    for name in ["livenessProbe", "startupProbe"] {
        if let Some(probe) = field(container, name).as_object()
            && number(probe, "successThreshold").unwrap_or(0) != 1
        {
            let at = format!("{path}.{name}.successThreshold");
            checker.invalid(at, &json!(number(probe, "successThreshold").unwrap_or(0)), "must be 1");
        }
    }
    if let Some(probe) = field(container, "readinessProbe").as_object()
        && let Some(seconds) = number(probe, "terminationGracePeriodSeconds")
    {
        let at = format!("{path}.readinessProbe.terminationGracePeriodSeconds");
        checker.invalid(at, &json!(seconds), "must not be set for readinessProbes");
    }
}

/// One way to ask, and only one.
pub(super) fn handler(checker: &mut Checker<'_>, handler: &Object, path: &str) {
    let found = present(handler, &["exec", "httpGet", "tcpSocket", "grpc", "sleep"]);
    for name in found.iter().skip(1) {
        checker.forbidden(child(path, name), "may not specify more than 1 handler type");
    }
    if found.is_empty() {
        checker.required(path, "must specify a handler type");
    }
}

pub(super) fn variable(checker: &mut Checker<'_>, variable: &Object, path: &str) {
    let Some(source) = field(variable, "valueFrom").as_object() else { return };
    let path = child(path, "valueFrom");
    let found =
        present(source, &["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"]);
    if let Some(reference) = field(source, "fieldRef").as_object() {
        field_reference(checker, reference, &child(&path, "fieldRef"));
    }
    if let Some(reference) = field(source, "resourceFieldRef").as_object() {
        resource_reference(checker, reference, &child(&path, "resourceFieldRef"));
    }
    if found.is_empty() {
        let said = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`";
        checker.invalid(path, &json!(""), said);
    } else if is_set(field(variable, "value")) {
        checker.invalid(path, &json!(""), "may not be specified when `value` is not empty");
    } else if found.len() > 1 {
        checker.invalid(path, &json!(""), "may not have more than one field specified at a time");
    }
}

const FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

fn field_reference(checker: &mut Checker<'_>, reference: &Object, path: &str) {
    let wanted = text(reference, "fieldPath");
    let at = child(path, "fieldPath");
    if wanted.is_empty() {
        return checker.required(at, "");
    }
    if let Some((base, key)) = wanted.strip_suffix("']").and_then(|wanted| wanted.split_once("['")) {
        match base {
            "metadata.annotations" => checker.complaints(path, key, words::qualified_lower(key)),
            "metadata.labels" => checker.complaints(path, key, words::qualified(key)),
            _ => checker.invalid(
                at,
                &json!(wanted),
                &format!("error converting fieldPath: field label does not support subscript: {wanted}"),
            ),
        }
    } else if matches!(
        wanted,
        "metadata.annotations"
            | "metadata.labels"
            | "spec.restartPolicy"
            | "spec.schedulerName"
            | "status.phase"
            | "status.nominatedNodeName"
    ) {
        checker.unsupported(at, &json!(wanted), &FIELDS);
    } else if !FIELDS.contains(&wanted) {
        checker.invalid(
            at,
            &json!(wanted),
            &format!("error converting fieldPath: field label not supported: {wanted}"),
        );
    }
}

const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

fn resource_reference(checker: &mut Checker<'_>, reference: &Object, path: &str) {
    let resource = text(reference, "resource");
    if resource.is_empty() {
        checker.required(child(path, "resource"), "");
    } else if !RESOURCES.contains(&resource) && !resource.contains(".hugepages-") {
        checker.unsupported(child(path, "resource"), &json!(resource), &RESOURCES);
    }
    let divisor = text(reference, "divisor");
    let whole = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];
    let (fits, what) = match resource.split_once('.').map(|(_, name)| name) {
        Some("cpu") => (matches!(divisor, "1m" | "1"), "1m and 1 are supported with the cpu resource"),
        Some("memory") => (
            whole.contains(&divisor),
            "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the memory resource",
        ),
        Some("ephemeral-storage") => (
            whole.contains(&divisor),
            "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the local ephemeral storage resource",
        ),
        _ => return,
    };
    if !matches!(divisor, "" | "0") && !fits {
        checker.invalid(child(path, "divisor"), &json!(resource), &format!("only divisor's values {what}"));
    }
}

pub(super) fn variables_from(checker: &mut Checker<'_>, source: &Object, path: &str) {
    // The original names the list, not the item.
    let list = path.rfind('[').map_or(path, |end| &path[..end]);
    match present(source, &["configMapRef", "secretRef"]).len() {
        0 => checker.invalid(list, &json!(""), "must specify one of: `configMapRef` or `secretRef`"),
        1 => {}
        _ => checker.invalid(list, &json!(""), "may not have more than one field specified at a time"),
    }
}

pub(super) fn resources(checker: &mut Checker<'_>, resources: &Object, path: &str) {
    let limits = field(resources, "limits");
    for list in ["limits", "requests"] {
        for (name, value) in field(resources, list).as_object().into_iter().flatten() {
            let at = format!("{path}.{list}[{name}]");
            resource_name(checker, name, &at);
            amount(checker, value, &at);
        }
    }
    let parse = |value: &Value| value.as_str().and_then(|text| text.parse::<Quantity>().ok());
    for (name, value) in field(resources, "requests").as_object().into_iter().flatten() {
        let limit = &limits[name];
        let (Some(request), Some(most)) = (parse(value), parse(limit)) else { continue };
        if request > most {
            let limit = limit.as_str().unwrap_or_default();
            let said = format!("must be less than or equal to {name} limit of {limit}");
            checker.invalid(child(path, "requests"), value, &said);
        }
    }
}

/// A resource that a container can ask for.
pub(super) fn resource_name(checker: &mut Checker<'_>, name: &str, at: &str) {
    let complaints = words::qualified(name);
    let is_qualified = complaints.is_empty();
    checker.complaints(at, name, complaints);
    if name.contains('/') {
        return;
    }
    if is_qualified && !is_standard(name) {
        checker.invalid(at, &json!(name), "must be a standard resource type or fully qualified");
    }
    if !matches!(name, "cpu" | "memory" | "ephemeral-storage") && !name.starts_with("hugepages-") {
        checker.invalid(at, &json!(name), "must be a standard resource for containers");
    }
}

/// A resource without a domain that Kubernetes knows.
pub(super) fn is_standard(name: &str) -> bool {
    let amounts = ["cpu", "memory", "ephemeral-storage", "storage"];
    let prefixed = name.strip_prefix("requests.").or_else(|| name.strip_prefix("limits.")).unwrap_or(name);
    is_counted(name) || amounts.contains(&prefixed) || name.starts_with("hugepages-")
}

/// A resource that comes in whole numbers.
pub(super) fn is_counted(name: &str) -> bool {
    const COUNTED: [&str; 9] = [
        "pods",
        "services",
        "replicationcontrollers",
        "resourcequotas",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.nodeports",
        "services.loadbalancers",
    ];
    COUNTED.contains(&name)
}

/// A quantity that is not negative.
pub(super) fn amount(checker: &mut Checker<'_>, value: &Value, path: &str) {
    let parsed = value.as_str().and_then(|text| text.parse::<Quantity>().ok());
    if parsed.is_some_and(|quantity| quantity.as_f64() < 0.0) {
        checker.invalid(path, value, "must be greater than or equal to 0");
    }
}
