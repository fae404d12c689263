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

pub(super) fn volume(checker: &mut Checker<'_>, spec: &Object, path: &str) {
    access_modes(checker, spec, path);
    const PLAIN: [&str; 9] = [
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    ];
    let sources: Vec<&String> =
        spec.keys().filter(|name| !PLAIN.contains(&name.as_str()) && !spec[*name].is_null()).collect();
    for name in sources.iter().skip(1) {
        checker.forbidden(child(path, name), "may not specify more than 1 volume type");
    }
    if sources.is_empty() {
        checker.required(path, "must specify a volume type");
    }
    let capacity = field(spec, "capacity");
    if let Some(map) = capacity.as_object().filter(|map| !map.is_empty()) {
        if !map.contains_key("storage") || map.len() > 1 {
            checker.unsupported(child(path, "capacity"), capacity, &["storage"]);
        }
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
        checker.complaints(&at, name, words::qualified(name));
        containers::amount(checker, value, &at);
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
