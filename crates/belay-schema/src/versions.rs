//! HorizontalPodAutoscalers as `autoscaling/v1` shows them: what v1 has no field for stands in annotations.

use serde_json::{Map, Value, json};

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const STATUSES: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
const KINDS: [&str; 5] = ["object", "pods", "resource", "containerResource", "external"];

/// The object as another version of its group shows it. Built-in kinds of one version only stay as they are.
pub fn convert(object: &Value, api_version: &str) -> Value {
    let mut shown = match (object["kind"].as_str(), object["apiVersion"].as_str(), api_version) {
        (Some("HorizontalPodAutoscaler"), Some("autoscaling/v2"), "autoscaling/v1") => to_first(object),
        (Some("HorizontalPodAutoscaler"), Some("autoscaling/v1"), "autoscaling/v2") => to_second(object),
        _ => object.clone(),
    };
    shown["apiVersion"] = api_version.into();
    shown
}

fn to_first(object: &Value) -> Value {
    let mut shown = object.clone();
    drop_annotations(&mut shown);
    let metrics = take_list(&mut shown, "spec", "metrics");
    let is_processor = |metric: &Value| {
        metric["resource"]["name"] == "cpu" && !metric["resource"]["target"]["averageUtilization"].is_null()
    };
    if let Some(metric) = metrics.iter().find(|metric| is_processor(metric)) {
        let share = metric["resource"]["target"]["averageUtilization"].clone();
        shown["spec"]["targetCPUUtilizationPercentage"] = share;
    }
    let others: Vec<Value> = metrics
        .iter()
        .filter(|metric| !is_processor(metric))
        .map(|metric| metric_to_first(metric, "target"))
        .collect();
    annotate(&mut shown, METRICS, &others);
    let statuses = take_list(&mut shown, "status", "currentMetrics");
    if let Some(current) = statuses.iter().find(|metric| metric["resource"]["name"] == "cpu") {
        let share = &current["resource"]["current"]["averageUtilization"];
        if !share.is_null() {
            shown["status"]["currentCPUUtilizationPercentage"] = share.clone();
        }
    }
    let statuses: Vec<Value> = statuses.iter().map(|metric| metric_to_first(metric, "current")).collect();
    annotate(&mut shown, STATUSES, &statuses);
    let conditions = take_list(&mut shown, "status", "conditions");
    annotate(&mut shown, CONDITIONS, &conditions);
    let behavior = shown["spec"].as_object_mut().and_then(|spec| spec.shift_remove("behavior"));
    if let Some(behavior) = behavior.filter(|behavior| !behavior.is_null()) {
        let text = json!({ "ScaleUp": rules_to_go(&behavior["scaleUp"]), "ScaleDown": rules_to_go(&behavior["scaleDown"]) });
        set_annotation(&mut shown, BEHAVIOR, text.to_string());
    }
    shown
}

fn to_second(object: &Value) -> Value {
    let mut shown = object.clone();
    let read = |name: &str| {
        let text = object["metadata"]["annotations"][name].as_str()?;
        serde_json::from_str::<Value>(text).ok()
    };
    let list = |name: &str| read(name).and_then(|value| value.as_array().cloned()).unwrap_or_default();
    let mut metrics: Vec<Value> =
        list(METRICS).iter().map(|metric| metric_to_second(metric, "target")).collect();
    let share =
        shown["spec"].as_object_mut().and_then(|spec| spec.shift_remove("targetCPUUtilizationPercentage"));
    let share = share.filter(|share| !share.is_null());
    if share.is_some() || metrics.is_empty() {
        let share = share.unwrap_or_else(|| 80.into());
        let target = json!({ "type": "Utilization", "averageUtilization": share });
        metrics.push(json!({ "type": "Resource", "resource": { "name": "cpu", "target": target } }));
    }
    if shown["spec"].is_object() {
        shown["spec"]["metrics"] = metrics.into();
    }
    if let Some(behavior) = read(BEHAVIOR) {
        let mut rules = Map::new();
        for (name, go_name) in [("scaleUp", "ScaleUp"), ("scaleDown", "ScaleDown")] {
            if behavior[go_name].is_object() {
                rules.insert(name.to_owned(), rules_from_go(&behavior[go_name]));
            }
        }
        if !rules.is_empty() {
            shown["spec"]["behavior"] = rules.into();
        }
    }
    let statuses: Vec<Value> =
        list(STATUSES).iter().map(|metric| metric_to_second(metric, "current")).collect();
    if let Some(status) = shown.get_mut("status").and_then(Value::as_object_mut) {
        status.shift_remove("currentCPUUtilizationPercentage");
        for (name, values) in [("currentMetrics", statuses), ("conditions", list(CONDITIONS))] {
            if !values.is_empty() {
                status.insert(name.to_owned(), values.into());
            }
        }
    }
    drop_annotations(&mut shown);
    shown
}

fn take_list(object: &mut Value, part: &str, name: &str) -> Vec<Value> {
    let taken =
        object.get_mut(part).and_then(Value::as_object_mut).and_then(|fields| fields.shift_remove(name));
    taken.and_then(|value| value.as_array().cloned()).unwrap_or_default()
}

fn annotate(object: &mut Value, name: &str, values: &[Value]) {
    if !values.is_empty() {
        set_annotation(object, name, json!(values).to_string());
    }
}

fn set_annotation(object: &mut Value, name: &str, text: String) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
    annotations[name] = text.into();
}

fn drop_annotations(object: &mut Value) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) else { return };
    for name in [METRICS, STATUSES, CONDITIONS, BEHAVIOR] {
        annotations.shift_remove(name);
    }
    if annotations.is_empty() {
        metadata.shift_remove("annotations");
    }
}

/// Fields in order, those that are null left out but for the ones `kept`.
fn fields(pairs: &[(&str, &Value)], kept: &[&str]) -> Value {
    let found = pairs.iter().filter(|(name, value)| !value.is_null() || kept.contains(name));
    Value::Object(found.map(|(name, value)| ((*name).to_owned(), (*value).clone())).collect())
}

/// A metric of v2 as v1 writes it; `part` is `target`, or `current` for a status.
fn metric_to_first(metric: &Value, part: &str) -> Value {
    let mut shown = json!({ "type": metric["type"] });
    for kind in KINDS {
        let source = &metric[kind];
        if source.is_null() {
            continue;
        }
        let amounts = &source[part];
        let value = &amounts["value"];
        let average = &amounts["averageValue"];
        let names = if part == "target" {
            ["targetValue", "targetAverageValue", "targetAverageUtilization"]
        } else {
            ["currentValue", "currentAverageValue", "currentAverageUtilization"]
        };
        let zero = json!("0");
        let or_zero = |value: &Value| if value.is_null() { zero.clone() } else { value.clone() };
        let (name, selector) = (&source["metric"]["name"], &source["metric"]["selector"]);
        shown[kind] = match kind {
            "object" => fields(
                &[
                    ("target", &source["describedObject"]),
                    ("metricName", name),
                    (names[0], &or_zero(value)),
                    ("selector", selector),
                    ("averageValue", average),
                ],
                &[],
            ),
            "pods" => {
                fields(&[("metricName", name), (names[1], &or_zero(average)), ("selector", selector)], &[])
            }
            "external" => fields(
                &[("metricName", name), ("metricSelector", selector), (names[0], value), (names[1], average)],
                &[],
            ),
            _ => fields(
                &[
                    ("name", &source["name"]),
                    (names[2], &amounts["averageUtilization"]),
                    (names[1], average),
                    ("container", &source["container"]),
                ],
                &[],
            ),
        };
    }
    shown
}

fn metric_to_second(metric: &Value, part: &str) -> Value {
    let mut shown = json!({ "type": metric["type"] });
    let prefix = part;
    for kind in KINDS {
        let source = &metric[kind];
        if source.is_null() {
            continue;
        }
        let amount = |name: &str| source[format!("{prefix}{name}")].clone();
        let average = if kind == "object" { source["averageValue"].clone() } else { amount("AverageValue") };
        let (value, share) = (amount("Value"), amount("AverageUtilization"));
        let value = if value == "0" && !average.is_null() { Value::Null } else { value };
        let sort = match (share.is_null(), average.is_null()) {
            (false, _) => "Utilization",
            (true, false) => "AverageValue",
            (true, true) => "Value",
        };
        let sort = if part == "target" { json!(sort) } else { Value::Null };
        let amounts = fields(
            &[("type", &sort), ("value", &value), ("averageValue", &average), ("averageUtilization", &share)],
            &[],
        );
        let selector = if kind == "external" { &source["metricSelector"] } else { &source["selector"] };
        let identifier = fields(&[("name", &source["metricName"]), ("selector", selector)], &[]);
        shown[kind] = match kind {
            "object" => fields(
                &[("describedObject", &source["target"]), (part, &amounts), ("metric", &identifier)],
                &[],
            ),
            "pods" | "external" => fields(&[("metric", &identifier), (part, &amounts)], &[]),
            _ => fields(
                &[("name", &source["name"]), (part, &amounts), ("container", &source["container"])],
                &[],
            ),
        };
    }
    shown
}

/// Scaling rules as Go writes a struct without names for its fields.
fn rules_to_go(rules: &Value) -> Value {
    if rules.is_null() {
        return Value::Null;
    }
    let policies = rules["policies"].as_array().map(|policies| {
        let go = |policy: &Value| json!({ "Type": policy["type"], "Value": policy["value"], "PeriodSeconds": policy["periodSeconds"] });
        policies.iter().map(go).collect::<Vec<Value>>()
    });
    json!({
        "StabilizationWindowSeconds": rules["stabilizationWindowSeconds"], "SelectPolicy": rules["selectPolicy"],
        "Policies": policies, "Tolerance": rules["tolerance"],
    })
}

fn rules_from_go(rules: &Value) -> Value {
    let policies = rules["Policies"].as_array().map(|policies| {
        let plain = |policy: &Value| json!({ "type": policy["Type"], "value": policy["Value"], "periodSeconds": policy["PeriodSeconds"] });
        Value::Array(policies.iter().map(plain).collect())
    });
    fields(
        &[
            ("stabilizationWindowSeconds", &rules["StabilizationWindowSeconds"]),
            ("selectPolicy", &rules["SelectPolicy"]),
            ("policies", &policies.unwrap_or_default()),
            ("tolerance", &rules["Tolerance"]),
        ],
        &[],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_first_version_has_no_field_for_comes_back() {
        let second = json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": { "name": "x", "annotations": { "a": "b" } },
            "spec": {
                "maxReplicas": 3,
                "metrics": [
                    { "type": "Pods", "pods": { "metric": { "name": "hits" }, "target": { "type": "AverageValue", "averageValue": "5" } } },
                    { "type": "Resource", "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 50 } } },
                ],
                "behavior": { "scaleDown": { "stabilizationWindowSeconds": 60, "selectPolicy": "Max", "policies": [{ "type": "Pods", "value": 1, "periodSeconds": 15 }] } },
            },
        });
        let first = convert(&second, "autoscaling/v1");
        assert_eq!(first["spec"], json!({ "maxReplicas": 3, "targetCPUUtilizationPercentage": 50 }));
        let annotations = first["metadata"]["annotations"].as_object().expect("annotations");
        assert_eq!(
            annotations[METRICS],
            r#"[{"type":"Pods","pods":{"metricName":"hits","targetAverageValue":"5"}}]"#
        );
        assert_eq!(convert(&first, "autoscaling/v2"), second);
    }
}
