//! Which objects somebody else judges when they are written: admission webhooks and policies.
//!
//! What they say cannot be told in process. So objects that they may concern are tried with the API server before
//! anything of their stage is written. Being asked once too often does no harm: where the rules cannot be followed to
//! the end, an object is taken to be concerned.

use std::collections::HashSet;
use std::sync::Arc;

use belay_manifest::Object;
use serde_json::Value;

/// The API group of webhooks and policies.
pub const ADMISSION_GROUP: &str = "admissionregistration.k8s.io";
/// The kinds of those who judge.
pub const ADMISSION_KINDS: [&str; 4] = [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
];

/// The label that every namespace has.
const NAME_OF_NAMESPACE: &str = "kubernetes.io/metadata.name";

/// Whoever judges writes in a cluster.
#[derive(Debug, Default)]
pub struct Judges(Vec<Judge>);

#[derive(Debug)]
struct Judge {
    rules: Vec<Value>,
    of_namespaces: Value,
    of_objects: Value,
}

impl Judges {
    /// From the objects of [`ADMISSION_KINDS`].
    pub fn of(objects: &[Arc<Object>]) -> Judges {
        let bound: HashSet<&str> = objects
            .iter()
            .filter(|object| object.kind() == "ValidatingAdmissionPolicyBinding" && denies(object))
            .filter_map(|object| object.value().pointer("/spec/policyName").and_then(Value::as_str))
            .collect();
        let mut judges = Vec::new();
        for object in objects {
            match object.kind() {
                "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => {
                    judges.extend(items(object.value(), "/webhooks").iter().map(|webhook| Judge {
                        rules: items(webhook, "/rules").to_vec(),
                        of_namespaces: webhook["namespaceSelector"].clone(),
                        of_objects: webhook["objectSelector"].clone(),
                    }));
                }
                "ValidatingAdmissionPolicy" if bound.contains(object.name()) => {
                    let wanted = &object.value()["spec"]["matchConstraints"];
                    judges.push(Judge {
                        rules: items(wanted, "/resourceRules").to_vec(),
                        of_namespaces: wanted["namespaceSelector"].clone(),
                        of_objects: wanted["objectSelector"].clone(),
                    });
                }
                _ => {}
            }
        }
        Judges(judges)
    }

    /// Whether one of them may judge the object when it is created, or updated. `resource` is the plural of its kind,
    /// `namespace` the object's namespace as it is live, if that is known.
    pub fn concern(&self, object: &Object, resource: &str, is_new: bool, namespace: Option<&Object>) -> bool {
        let operation = if is_new { "CREATE" } else { "UPDATE" };
        self.0.iter().any(|judge| {
            judge.rules.iter().any(|rule| is_named(rule, object, resource, operation))
                && may_select(&judge.of_namespaces, |key| match (key, namespace) {
                    (_, Some(namespace)) => namespace.label(key).map_or(Known::Absent, Known::Text),
                    (NAME_OF_NAMESPACE, None) if !object.namespace().is_empty() => {
                        Known::Text(object.namespace())
                    }
                    _ => Known::Unknown,
                })
                && may_select(&judge.of_objects, |key| object.label(key).map_or(Known::Unknown, Known::Text))
        })
    }
}

fn denies(binding: &Object) -> bool {
    let actions = items(binding.value(), "/spec/validationActions");
    actions.is_empty() || actions.iter().any(|action| action == "Deny")
}

fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn is_named(rule: &Value, object: &Object, resource: &str, operation: &str) -> bool {
    let kind = object.gvk();
    let lists = |field: &str, wanted: &str| {
        items(rule, field).iter().filter_map(Value::as_str).any(|item| item == "*" || item == wanted)
    };
    // Another version of the same resource is meant too, unless the webhook says otherwise.
    lists("/operations", operation)
        && lists("/apiGroups", &kind.group)
        && items(rule, "/resources")
            .iter()
            .filter_map(Value::as_str)
            .any(|named| matches!(named, "*" | "*/*") || named == resource)
}

/// What is known of a label.
enum Known<'a> {
    Text(&'a str),
    /// There is none.
    Absent,
    /// Somebody else may have set it.
    Unknown,
}

fn may_select<'a>(selector: &Value, label: impl Fn(&str) -> Known<'a>) -> bool {
    let exact = selector["matchLabels"].as_object();
    let exact = exact.into_iter().flatten().all(|(key, wanted)| match label(key) {
        Known::Text(found) => wanted == found,
        Known::Absent => false,
        Known::Unknown => true,
    });
    exact
        && items(selector, "/matchExpressions").iter().all(|expression| {
            let operator = expression["operator"].as_str().unwrap_or_default();
            let found = match label(expression["key"].as_str().unwrap_or_default()) {
                Known::Text(found) => found,
                Known::Absent => return matches!(operator, "NotIn" | "DoesNotExist"),
                Known::Unknown => return true,
            };
            let is_listed = items(expression, "/values").iter().any(|value| value == found);
            match operator {
                "In" => is_listed,
                "NotIn" => !is_listed,
                "DoesNotExist" => false,
                _ => true,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Arc<Object> {
        Arc::new(Object::new(value).expect("an object"))
    }

    fn webhook(rules: Value, of_namespaces: Value) -> Arc<Object> {
        object(json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "w"},
            "webhooks": [{"name": "w.example.com", "rules": [rules], "namespaceSelector": of_namespaces}],
        }))
    }

    fn concerns(judges: &[Arc<Object>], is_new: bool) -> bool {
        concerns_in(judges, is_new, None)
    }

    fn concerns_in(judges: &[Arc<Object>], is_new: bool, namespace: Option<&Object>) -> bool {
        let pod = object(
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop"}}),
        );
        Judges::of(judges).concern(&pod, "pods", is_new, namespace)
    }

    #[test]
    fn rules_name_resources_and_operations() {
        let rule = json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]});
        assert!(concerns(&[webhook(rule.clone(), json!({}))], true));
        assert!(!concerns(&[webhook(rule, json!({}))], false));
        let all =
            json!({"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]});
        assert!(concerns(&[webhook(all, json!({}))], false));
        let others =
            json!({"apiGroups": ["apps"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]});
        assert!(!concerns(&[webhook(others, json!({}))], true));
        let below = json!({"apiGroups": [""], "apiVersions": ["*"], "operations": ["*"], "resources": ["pods/status"]});
        assert!(!concerns(&[webhook(below, json!({}))], true));
    }

    #[test]
    fn namespaces_are_left_out_by_name_alone() {
        let rule = json!({"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]});
        let except = |names: Value| json!({"matchExpressions": [{"key": NAME_OF_NAMESPACE, "operator": "NotIn", "values": names}]});
        assert!(!concerns(&[webhook(rule.clone(), except(json!(["shop"])))], true));
        assert!(concerns(&[webhook(rule.clone(), except(json!(["kube-system"])))], true));
        assert!(concerns(&[webhook(rule, json!({"matchLabels": {"team": "a"}}))], true));
    }

    #[test]
    fn labels_of_a_known_namespace_leave_it_out() {
        let shop = object(json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "shop", "labels": {NAME_OF_NAMESPACE: "shop", "team": "a"}}}));
        let rule = json!({"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]});
        let concerns = |selector: Value| concerns_in(&[webhook(rule.clone(), selector)], true, Some(&shop));
        let expression = |key: &str, operator: &str| json!({"matchExpressions": [{"key": key, "operator": operator, "values": ["a"]}]});
        for (selector, expected) in [
            (json!({"matchLabels": {"team": "a"}}), true),
            (json!({"matchLabels": {"team": "b"}}), false),
            (json!({"matchLabels": {"istio-injection": "enabled"}}), false),
            (expression("team", "In"), true),
            (expression("other", "In"), false),
            (expression("other", "NotIn"), true),
            (expression("other", "Exists"), false),
            (expression("team", "Exists"), true),
            (expression("other", "DoesNotExist"), true),
            (expression("team", "DoesNotExist"), false),
        ] {
            assert_eq!(concerns(selector.clone()), expected, "{selector}");
        }
    }

    #[test]
    fn a_policy_judges_when_it_is_bound_to_deny() {
        let policy = object(json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": "p"},
            "spec": {"matchConstraints": {"resourceRules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]},
            ]}},
        }));
        let binding = |action: &str| {
            object(json!({
                "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
                "metadata": {"name": "b"}, "spec": {"policyName": "p", "validationActions": [action]},
            }))
        };
        assert!(!concerns(std::slice::from_ref(&policy), true));
        assert!(!concerns(&[policy.clone(), binding("Audit")], true));
        assert!(concerns(&[policy, binding("Deny")], true));
    }
}
