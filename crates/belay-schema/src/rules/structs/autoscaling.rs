//! Autoscalers and disruption budgets.

use serde_json::{Value, json};

use super::super::{Checker, Object, child, field, is_set, items, number, text, words};
use super::workloads::{count_or_percent, not_all};
use crate::quantity::Quantity;

pub(super) fn spec(checker: &mut Checker<'_>, spec: &Object, path: &str) {
    let (least, most) = (number(spec, "minReplicas"), number(spec, "maxReplicas").unwrap_or(0));
    if least.is_some_and(|least| most < least) {
        let said = "must be greater than or equal to `minReplicas`";
        checker.invalid(child(path, "maxReplicas"), &json!(most), said);
    }
    let metrics = items(spec, "metrics");
    let is_object = |metric: &Value| matches!(metric["type"].as_str(), Some("Object" | "External"));
    if least == Some(0) && !metrics.iter().any(is_object) {
        let said = "must specify at least one Object or External metric to support scaling to zero replicas";
        checker.forbidden(child(path, "metrics"), said);
    }
    let reference = field(spec, "scaleTargetRef");
    let api_version = reference["apiVersion"].as_str().unwrap_or_default();
    let at = child(path, "scaleTargetRef.apiVersion");
    if api_version.matches('/').count() > 1 {
        checker.invalid(at, &json!(api_version), &format!("unexpected GroupVersion string: {api_version}"));
    } else if api_version.split_once('/').is_none_or(|(group, _)| group.is_empty()) {
        checker.invalid(at, &json!(api_version), "apiVersion must specify API group");
    }
    if !reference.is_object() {
        for name in ["kind", "name"] {
            checker.required(format!("{path}.scaleTargetRef.{name}"), "");
        }
    }
}

const SOURCES: [(&str, &str); 5] = [
    ("ContainerResource", "containerResource"),
    ("External", "external"),
    ("Object", "object"),
    ("Pods", "pods"),
    ("Resource", "resource"),
];

pub(super) fn metric(checker: &mut Checker<'_>, metric: &Object, path: &str) {
    let kind = text(metric, "type");
    if kind.is_empty() {
        checker.required(child(path, "type"), "must specify a metric source type");
    }
    let names = SOURCES.map(|(name, _)| name);
    let wanted = SOURCES.iter().find(|(name, _)| *name == kind).map(|(_, source)| *source);
    if wanted.is_none() {
        // Said twice by the original too.
        checker.unsupported(child(path, "type"), &json!(kind), &names);
        checker.unsupported(child(path, "type"), &json!(kind), &names);
    }
    // Of several sources the first is looked at.
    let present = super::present(metric, &["object", "external", "pods", "resource", "containerResource"]);
    if let Some(first) = present.first()
        && let Some(value) = field(metric, first).as_object()
    {
        metric_source(checker, first, value, &child(path, first));
    }
    if let Some(wanted) = wanted.filter(|wanted| !present.contains(wanted)) {
        checker.required(child(path, wanted), "must populate information for the given metric source");
    }
    for source in present.iter().filter(|source| present.len() > 1 && Some(**source) != wanted) {
        checker.forbidden(child(path, source), "must populate the given metric source only");
    }
}

fn metric_source(checker: &mut Checker<'_>, kind: &str, source: &Object, path: &str) {
    let target = field(source, "target");
    let at = child(path, "target");
    let has = |name: &str| !target[name].is_null();
    metric_target(checker, target, &at);
    let (value, average, share) = (has("value"), has("averageValue"), has("averageUtilization"));
    match kind {
        "object" if !value && !average => {
            checker.required(child(&at, "averageValue"), "must set either a target value or averageValue");
        }
        "pods" if !average => {
            checker.required(child(&at, "averageValue"), "must specify a positive target averageValue");
        }
        "external" if !value && !average => {
            let said = "must set either a target value for metric or a per-pod target";
            checker.required(child(&at, "averageValue"), said);
        }
        "external" if value && average => {
            let said = "may not set both a target value for metric and a per-pod target";
            checker.forbidden(child(&at, "value"), said);
        }
        "resource" | "containerResource" => {
            if !is_set(field(source, "name")) {
                checker.required(child(path, "name"), "must specify a resource name");
            }
            if !share && !average {
                let said = "must set either a target raw value or a target utilization";
                checker.required(child(&at, "averageUtilization"), said);
            } else if share && average {
                let said = "may not set both a target raw value and a target utilization";
                checker.forbidden(child(&at, "averageValue"), said);
            }
        }
        _ => {}
    }
    if kind == "containerResource" {
        let name = text(source, "container");
        if name.is_empty() {
            checker.required(child(path, "container"), "must specify a container");
        } else {
            checker.complaints(&child(path, "container"), name, words::dns_label(name));
        }
    }
}

fn metric_target(checker: &mut Checker<'_>, target: &Value, path: &str) {
    let kind = target["type"].as_str().unwrap_or_default();
    if kind.is_empty() {
        checker.required(child(path, "type"), "must specify a metric target type");
    }
    if !matches!(kind, "Utilization" | "Value" | "AverageValue") {
        let said = "must be either Utilization, Value, or AverageValue";
        checker.invalid(child(path, "type"), &json!(kind), said);
    }
    for name in ["value", "averageValue"] {
        let amount = target[name].as_str().and_then(|text| text.parse::<Quantity>().ok());
        if amount.is_some_and(|amount| amount.as_f64() <= 0.0) {
            checker.invalid(child(path, name), &target[name], "must be positive");
        }
    }
    if target["averageUtilization"].as_i64().is_some_and(|share| share < 1) {
        checker.invalid(
            child(path, "averageUtilization"),
            &target["averageUtilization"],
            "must be greater than 0",
        );
    }
}

pub(super) fn scaling_rules(checker: &mut Checker<'_>, rules: &Object, path: &str) {
    let at = child(path, "stabilizationWindowSeconds");
    match number(rules, "stabilizationWindowSeconds") {
        Some(seconds) if seconds < 0 => {
            checker.invalid(at, &json!(seconds), "must be greater than or equal to zero")
        }
        Some(seconds) if seconds > 3600 => {
            checker.invalid(at, &json!(seconds), "must be less than or equal to 3600")
        }
        _ => {}
    }
    let select = field(rules, "selectPolicy");
    if select.as_str().is_some_and(|select| !matches!(select, "Max" | "Min" | "Disabled")) {
        checker.unsupported(child(path, "selectPolicy"), select, &["Disabled", "Max", "Min"]);
    }
    if items(rules, "policies").is_empty() {
        checker.required(child(path, "policies"), "must specify at least one Policy");
    }
}

pub(super) fn scaling_policy(checker: &mut Checker<'_>, policy: &Object, path: &str) {
    for name in ["value", "periodSeconds"] {
        let given = number(policy, name).unwrap_or(0);
        if given <= 0 {
            checker.invalid(child(path, name), &json!(given), "must be greater than zero");
        }
    }
    if let Some(seconds) = number(policy, "periodSeconds").filter(|seconds| *seconds > 1800) {
        checker.invalid(child(path, "periodSeconds"), &json!(seconds), "must be less than or equal to 1800");
    }
}

pub(super) fn disruption_budget(checker: &mut Checker<'_>, spec: &Object, path: &str) {
    let (least, most) = (field(spec, "minAvailable"), field(spec, "maxUnavailable"));
    if !least.is_null() && !most.is_null() {
        let value = Value::Object(spec.clone());
        checker.invalid(path, &value, "minAvailable and maxUnavailable cannot be both set");
    }
    for name in ["minAvailable", "maxUnavailable"] {
        let value = field(spec, name);
        count_or_percent(checker, value, &child(path, name));
        not_all(checker, value, &child(path, name));
    }
}
