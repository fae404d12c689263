//! What is kept: configuration, secrets, volumes, quotas, events.

use serde_json::json;

use super::super::{Checker, Object, child, field, items, text, words};
use super::containers;
use crate::errors::FieldError;
use crate::quantity::Quantity;

const DATA_LIMIT: usize = 1024 * 1024;

pub(super) fn data(checker: &mut Checker<'_>, name: &str, object: &Object) {
    let is_secret = name == "core.v1.Secret";
    let mut size = 0;
    for list in ["data", "binaryData"] {
        for (key, value) in field(object, list).as_object().into_iter().flatten() {
            let length = value.as_str().map_or(0, str::len);
            // Encoded bytes are four thirds as long as what they stand for.
            size += if is_secret || list == "binaryData" { length / 4 * 3 } else { length };
            let at = format!("{list}[{key}]");
            checker.complaints(&at, key, words::config_key(key));
            if list == "data" && !field(object, "binaryData")[key.as_str()].is_null() {
                checker.invalid(at, &json!(key), "duplicate of key present in binaryData");
            }
        }
    }
    if size > DATA_LIMIT {
        checker.errors.push(FieldError::too_long(if is_secret { "data" } else { "[]" }, 1_048_576));
    }
    if is_secret {
        secret(checker, object);
    }
}

fn secret(checker: &mut Checker<'_>, secret: &Object) {
    let has = |key: &str| !field(secret, "data")[key].is_null();
    let wanted: &[&str] = match text(secret, "type") {
        "kubernetes.io/service-account-token" => {
            let name = &field(secret, "metadata")["annotations"]["kubernetes.io/service-account.name"];
            if name.as_str().unwrap_or_default().is_empty() {
                checker.required("metadata.annotations[kubernetes.io/service-account.name]", "");
            }
            &[]
        }
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/basic-auth" if has("username") || has("password") => &[],
        "kubernetes.io/basic-auth" => &["username", "password"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        _ => &[],
    };
    for key in wanted {
        if !has(key) {
            checker.required(format!("data[{key}]"), "");
        }
    }
}

fn access_modes(checker: &mut Checker<'_>, spec: &Object, path: &str) {
    let modes = items(spec, "accessModes");
    let others = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce"];
    let has_other = modes.iter().any(|mode| mode.as_str().is_some_and(|mode| others.contains(&mode)));
    if has_other && modes.contains(&json!("ReadWriteOncePod")) {
        checker.forbidden(child(path, "accessModes"), "may not use ReadWriteOncePod with other access modes");
    }
}

pub(super) fn claim(checker: &mut Checker<'_>, spec: &Object, path: &str) {
    access_modes(checker, spec, path);
    let at = format!("{path}.resources[storage]");
    let size = &field(spec, "resources")["requests"]["storage"];
    match size.as_str().and_then(|text| text.parse::<Quantity>().ok()) {
        None => checker.required(at, ""),
        Some(amount) if amount.as_f64() <= 0.0 => checker.invalid(at, size, "must be greater than zero"),
        Some(_) => {}
    }
}

/// In the order in which the original looks at them: all but the first are too much.
const SOURCES: [&str; 22] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "local",
    "storageos",
    "csi",
];

pub(super) fn volume(checker: &mut Checker<'_>, spec: &Object, path: &str) {
    access_modes(checker, spec, path);
    let sources = super::present(spec, &SOURCES);
    for name in sources.iter().skip(1) {
        checker.forbidden(child(path, name), "may not specify more than 1 volume type");
    }
    if sources.is_empty() {
        checker.required(path, "must specify a volume type");
    }
    let capacity = field(spec, "capacity");
    if capacity.as_object().is_none_or(|map| !map.contains_key("storage") || map.len() > 1) {
        checker.unsupported(child(path, "capacity"), capacity, &["storage"]);
    }
    if let Some(map) = capacity.as_object().filter(|map| !map.is_empty()) {
        for (name, value) in map {
            let at = format!("{path}.capacity[{name}]");
            let amount = value.as_str().and_then(|text| text.parse::<Quantity>().ok());
            if amount.is_some_and(|amount| amount.as_f64() <= 0.0) {
                checker.invalid(at, value, "must be greater than zero");
            }
        }
    }
}

pub(super) fn quota(checker: &mut Checker<'_>, quota: &Object) {
    for (name, value) in field(quota, "spec")["hard"].as_object().into_iter().flatten() {
        let at = format!("spec.hard[{name}]");
        let complaints = words::qualified(name);
        if complaints.is_empty() && !name.contains('/') && !containers::is_standard(name) {
            checker.invalid(at.as_str(), &json!(name), "must be a standard resource type or fully qualified");
            checker.invalid(at.as_str(), &json!(name), "must be a standard resource for quota");
        }
        checker.complaints(&at, name, complaints);
        containers::amount(checker, value, &at);
        let parsed = value.as_str().and_then(|text| text.parse::<Quantity>().ok());
        if parsed.is_some_and(|amount| amount.as_f64().fract() != 0.0) && containers::is_counted(name) {
            checker.invalid(at.as_str(), value, "must be an integer");
        }
    }
}

pub(super) fn event(checker: &mut Checker<'_>, event: &Object) {
    let own = field(event, "metadata")["namespace"].as_str().unwrap_or_default();
    let about = field(event, "involvedObject")["namespace"].as_str().unwrap_or_default();
    let is_new = !field(event, "eventTime").is_null();
    let fits = match (is_new, about) {
        (false, "") => matches!(own, "" | "default"),
        (false, about) => own == about,
        (true, "") => matches!(own, "default" | "kube-system"),
        (true, _) => true,
    };
    if !fits {
        checker.invalid("involvedObject.namespace", &json!(about), "does not match event.namespace");
    }
    if is_new {
        let controller = text(event, "reportingComponent");
        if controller.is_empty() {
            checker.required("reportingComponent", "");
        }
        checker.complaints("reportingComponent", controller, words::qualified(controller));
        for name in ["reportingInstance", "action"] {
            if text(event, name).is_empty() {
                checker.required(name, "");
            }
        }
        if text(event, "reason").is_empty() {
            checker.required("reason", "");
        }
        if text(event, "message").len() > 1024 {
            checker.invalid("message", &json!(""), "can have at most 1024 characters");
        }
    }
}

pub(super) fn limit_range(checker: &mut Checker<'_>, range: &Object) {
    let mut seen = Vec::new();
    let limits = field(range, "spec")["limits"].as_array().cloned().unwrap_or_default();
    for (index, limit) in limits.iter().filter_map(serde_json::Value::as_object).enumerate() {
        let at = format!("spec.limits[{index}]");
        let kind = text(limit, "type");
        let complaints = words::qualified(kind);
        if complaints.is_empty()
            && !kind.contains('/')
            && !matches!(kind, "Pod" | "Container" | "PersistentVolumeClaim")
        {
            checker.invalid(
                child(&at, "type"),
                &json!(kind),
                "must be a standard limit type or fully qualified",
            );
        }
        checker.complaints(&child(&at, "type"), kind, complaints);
        if seen.contains(&kind) {
            checker.duplicate(child(&at, "type"), &json!(kind));
        }
        seen.push(kind);
        for list in ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] {
            let values = field(limit, list).as_object();
            if kind == "Pod" && list.starts_with("default") {
                if values.is_some_and(|values| !values.is_empty()) {
                    checker.forbidden(child(&at, list), "may not be specified when `type` is 'Pod'");
                }
                continue;
            }
            for name in values.into_iter().flatten().map(|(name, _)| name) {
                limited_resource(checker, kind, name, &format!("{at}.{list}[{name}]"));
            }
        }
        limits_in_order(checker, limit, &at);
    }
}

fn limited_resource(checker: &mut Checker<'_>, kind: &str, name: &str, at: &str) {
    if matches!(kind, "Pod" | "Container") {
        return containers::resource_name(checker, name, at);
    }
    let complaints = words::qualified(name);
    if complaints.is_empty() && !name.contains('/') && !containers::is_standard(name) {
        checker.invalid(at, &json!(name), "must be a standard resource type or fully qualified");
    }
    checker.complaints(at, name, complaints);
}

/// From least to most: min, default request, default, max.
fn limits_in_order(checker: &mut Checker<'_>, limit: &Object, at: &str) {
    let amount = |list: &str, name: &str| -> Option<(Quantity, String)> {
        let text = field(limit, list)[name].as_str()?;
        Some((text.parse().ok()?, text.to_owned()))
    };
    let mut names: Vec<&String> = Vec::new();
    for list in ["max", "min", "default", "defaultRequest"] {
        names.extend(field(limit, list).as_object().into_iter().flatten().map(|(name, _)| name));
    }
    names.sort();
    names.dedup();
    for name in names {
        // Which list is less than which, where that is told, which value is shown, and the words.
        for (less, more, place, shown, words) in [
            ("min", "max", "min", "min", ["min value", "is greater than max value"]),
            (
                "min",
                "defaultRequest",
                "defaultRequest",
                "defaultRequest",
                ["min value", "is greater than default request value"],
            ),
            (
                "defaultRequest",
                "max",
                "defaultRequest",
                "defaultRequest",
                ["default request value", "is greater than max value"],
            ),
            (
                "defaultRequest",
                "default",
                "defaultRequest",
                "defaultRequest",
                ["default request value", "is greater than default limit value"],
            ),
            ("min", "default", "default", "min", ["min value", "is greater than default value"]),
            ("default", "max", "default", "max", ["default value", "is greater than max value"]),
        ] {
            let (Some(low), Some(high)) = (amount(less, name), amount(more, name)) else { continue };
            if low.0 > high.0 {
                let said = format!("{} {} {} {}", words[0], low.1, words[1], high.1);
                let value = if shown == less { &low.1 } else { &high.1 };
                checker.invalid(format!("{at}.{place}[{name}]"), &json!(value), &said);
            }
        }
    }
}

pub(super) fn class(checker: &mut Checker<'_>, class: &Object) {
    for (index, topology) in items(class, "allowedTopologies").iter().enumerate() {
        let expressions = topology["matchLabelExpressions"].as_array().map_or(&[][..], Vec::as_slice);
        let at = format!("allowedTopologies[{index}].matchLabelExpressions");
        // One without expressions is always taken for a second one.
        if expressions.is_empty() {
            checker.duplicate(at.as_str(), &json!(""));
        }
        for (position, expression) in expressions.iter().filter_map(serde_json::Value::as_object).enumerate()
        {
            let at = format!("{at}[{position}]");
            if items(expression, "values").is_empty() {
                checker.required(child(&at, "values"), "");
            }
            let key = text(expression, "key");
            checker.complaints(&child(&at, "key"), key, words::qualified(key));
        }
    }
    for key in field(class, "parameters").as_object().into_iter().flatten().map(|(key, _)| key) {
        if key.is_empty() {
            checker.invalid("parameters", &json!(""), "field can not be empty.");
        }
    }
}

/// Taints and address ranges of a node.
pub(super) fn node(checker: &mut Checker<'_>, node: &Object) {
    let spec = field(node, "spec");
    let mut seen = Vec::new();
    for (index, taint) in
        spec["taints"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_object).enumerate()
    {
        // The original names them under metadata.
        let at = format!("metadata.taints[{index}]");
        let (key, value, effect) = (text(taint, "key"), text(taint, "value"), text(taint, "effect"));
        checker.complaints(&child(&at, "key"), key, words::qualified(key));
        let said = words::label_value(value).join(";");
        if !said.is_empty() {
            checker.invalid(child(&at, "value"), &json!(value), &said);
        }
        match effect {
            "NoSchedule" | "PreferNoSchedule" | "NoExecute" => {}
            "" => checker.required(child(&at, "effect"), ""),
            _ => checker.unsupported(
                child(&at, "effect"),
                &json!(effect),
                &["NoSchedule", "PreferNoSchedule", "NoExecute"],
            ),
        }
        if seen.contains(&(key, effect)) {
            checker.duplicate(at, &serde_json::Value::Object(taint.clone()));
        }
        seen.push((key, effect));
    }
    let ranges = spec["podCIDRs"].as_array().map_or(&[][..], Vec::as_slice);
    for (index, range) in ranges.iter().filter_map(serde_json::Value::as_str).enumerate() {
        checker.complaints(&format!("spec.podCIDRs[{index}]"), range, words::address_range(range));
    }
    let is_six = |range: &serde_json::Value| range.as_str().is_some_and(|range| range.contains(':'));
    if ranges.len() > 2 || (ranges.len() == 2 && is_six(&ranges[0]) == is_six(&ranges[1])) {
        let said = "may specify no more than one CIDR for each IP family";
        checker.invalid("spec.podCIDRs", &spec["podCIDRs"], said);
    }
}
