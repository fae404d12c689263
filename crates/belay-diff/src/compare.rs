//! Which fields of the live object an apply would change.

use serde_json::{Map, Value};

use crate::client_side::LAST_APPLIED;
use crate::normalise::with_string_data;
use crate::ownership::{Owner, Ownership};
use crate::path::{FieldPath, Segment, has_keys};
use crate::quantity::same_quantity;
use belay_manifest::Object;

/// One field that is not as desired.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The field.
    pub path: FieldPath,
    /// What Git says; `None` when the field should not be there.
    pub desired: Option<Value>,
    /// What the cluster has; `None` when the field is missing there.
    pub live: Option<Value>,
    /// Who set the live value last, if the object tells.
    pub owner: Option<Owner>,
}

/// Whose fields count as drift although Git does not name them.
#[derive(Debug, Clone)]
pub enum AddedFields {
    /// Those of every manager but these, and but those whose names end like a controller's.
    AllBut(Vec<String>),
    /// Only those of managers whose names start with one of these (Flux's rule).
    OnlyPrefixes(Vec<String>),
}

/// Names that controllers end in; what they add, they own.
const CONTROLLER_ENDINGS: &[&str] =
    &["-controller", "-controller-manager", "-operator", "-scheduler", "-injector", "-webhook"];
const CONTROLLERS: &[&str] =
    &["kube-apiserver", "kubelet", "localkube", "vpa-recommender", "cluster-autoscaler"];

impl AddedFields {
    fn counts(&self, manager: &str) -> bool {
        match self {
            AddedFields::AllBut(names) => {
                !names.iter().any(|name| name == manager)
                    && !CONTROLLERS.contains(&manager)
                    && !CONTROLLER_ENDINGS.iter().any(|ending| manager.ends_with(ending))
            }
            AddedFields::OnlyPrefixes(prefixes) => prefixes.iter().any(|prefix| manager.starts_with(prefix)),
        }
    }

    /// Whether what `kubectl` notes on objects goes with its other fields, as it does where they are taken over.
    fn takes_mark(&self, path: &FieldPath) -> bool {
        matches!(self, AddedFields::OnlyPrefixes(_))
            && path.starts_with(&["metadata", "annotations", LAST_APPLIED])
    }
}

/// How to compare.
#[derive(Debug, Clone)]
pub struct CompareOptions {
    /// Our own field manager.
    pub manager: String,
    /// Whose additions count.
    pub added: AddedFields,
}

/// Annotations that tools leave behind and that no Git repository holds.
const IGNORED_ANNOTATIONS: &[&str] =
    &[LAST_APPLIED, "deployment.kubernetes.io/revision", "kubectl.kubernetes.io/restartedAt"];

/// Every field of `live` that an apply of `desired` should change: those that Git names and that
/// have another value, those that we once set and Git no longer names, and those that somebody
/// else added (whom [`AddedFields`] counts). Fields that the API defaulted are none of these.
pub fn compare(desired: &Object, live: &Object, options: &CompareOptions) -> Vec<Difference> {
    let desired = with_string_data(desired.value());
    let live = live.value();
    let ownership = Ownership::of(live);
    let mut walk = Walk { ownership: &ownership, differences: Vec::new() };
    walk.map(desired.as_object().unwrap_or(&Map::new()), live.as_object(), &FieldPath::default());
    let mut differences = walk.differences;
    for (path, owner) in unwanted(&ownership, live, options) {
        let is_compared = is_ours_to_compare(&path) || options.added.takes_mark(&path);
        if is_compared && path.find(&desired).is_none() && !covers(&differences, &path) {
            differences.push(Difference {
                live: path.find(live).cloned(),
                path,
                desired: None,
                owner: Some(owner),
            });
        }
    }
    differences
}

/// Leaves that we own, or that a stranger added.
pub(crate) fn unwanted(
    ownership: &Ownership<'_>,
    live: &Value,
    options: &CompareOptions,
) -> Vec<(FieldPath, Owner)> {
    ownership.leaves(live, |owner| {
        let ours = owner.manager == options.manager && owner.operation == "Apply";
        ours || (owner.subresource != "status"
            && owner.manager != options.manager
            && options.added.counts(&owner.manager))
    })
}

fn covers(differences: &[Difference], path: &FieldPath) -> bool {
    differences.iter().any(|difference| path.0.starts_with(&difference.path.0))
}

/// Of metadata only labels and annotations are desired state; status is never.
pub(crate) fn is_ours_to_compare(path: &FieldPath) -> bool {
    if path.starts_with(&["status"]) {
        return false;
    }
    if !path.starts_with(&["metadata"]) {
        return true;
    }
    match path.0.get(1..3) {
        Some([Segment::Field(area), Segment::Field(name)]) if area == "labels" || area == "annotations" => {
            !IGNORED_ANNOTATIONS.contains(&name.as_str())
        }
        _ => false,
    }
}

struct Walk<'a> {
    ownership: &'a Ownership<'a>,
    differences: Vec<Difference>,
}

impl Walk<'_> {
    fn map(&mut self, desired: &Map<String, Value>, live: Option<&Map<String, Value>>, path: &FieldPath) {
        for (name, wanted) in desired {
            let path = path.child(Segment::Field(name.clone()));
            if path.0.len() == 1 && matches!(name.as_str(), "apiVersion" | "kind" | "status") {
                continue;
            }
            if path.starts_with(&["metadata"]) && path.0.len() >= 2 && !is_label_or_annotation(&path) {
                continue;
            }
            self.value(wanted, live.and_then(|live| live.get(name)), &path);
        }
    }

    fn value(&mut self, desired: &Value, live: Option<&Value>, path: &FieldPath) {
        match (desired, live) {
            (desired, None | Some(Value::Null)) if is_empty(desired) => {}
            (Value::Object(desired), Some(Value::Object(live))) => self.map(desired, Some(live), path),
            (Value::Array(desired), Some(Value::Array(live))) => self.list(desired, live, path),
            (desired, Some(live)) if same_scalar(desired, live, path) => {}
            _ => self.differences.push(Difference {
                path: path.clone(),
                desired: Some(desired.clone()),
                live: live.cloned(),
                owner: self.ownership.owners(path).first().map(|owner| (*owner).clone()),
            }),
        }
    }

    fn list(&mut self, desired: &[Value], live: &[Value], path: &FieldPath) {
        match self.ownership.list_keys(path) {
            Some(keys) => self.keyed_list(desired, live, &keys, path),
            None => self.plain_list(desired, live, path),
        }
    }

    fn keyed_list(&mut self, desired: &[Value], live: &[Value], keys: &[String], path: &FieldPath) {
        for item in desired {
            let key: Vec<(String, Value)> =
                keys.iter().filter_map(|name| Some((name.clone(), item.get(name)?.clone()))).collect();
            let found = live.iter().find(|candidate| has_keys(candidate, &key));
            let full: Vec<(String, Value)> = keys
                .iter()
                .filter_map(|name| Some((name.clone(), found.unwrap_or(item).get(name)?.clone())))
                .collect();
            self.value(item, found, &path.child(Segment::Keyed(full)));
        }
    }

    /// A list without keys: the same items in the same order, where the API may have added
    /// defaulted fields to each. One difference for the whole list.
    fn plain_list(&mut self, desired: &[Value], live: &[Value], path: &FieldPath) {
        let mut inner = Walk { ownership: self.ownership, differences: Vec::new() };
        if desired.len() == live.len() {
            for (index, (wanted, found)) in desired.iter().zip(live).enumerate() {
                inner.value(wanted, Some(found), &path.child(Segment::Index(index)));
            }
            self.differences.append(&mut inner.differences);
            return;
        }
        self.differences.push(Difference {
            path: path.clone(),
            desired: Some(Value::Array(desired.to_vec())),
            live: Some(Value::Array(live.to_vec())),
            owner: self.ownership.owners(path).first().map(|owner| (*owner).clone()),
        });
    }
}

fn is_label_or_annotation(path: &FieldPath) -> bool {
    path.starts_with(&["metadata", "labels"]) || path.starts_with(&["metadata", "annotations"])
}

/// Nulls, empty maps and empty lists: the API stores none of them.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn same_scalar(desired: &Value, live: &Value, path: &FieldPath) -> bool {
    if desired == live {
        return true;
    }
    if let (Value::Number(one), Value::Number(other)) = (desired, live) {
        return one.as_f64() == other.as_f64();
    }
    let holds_quantities = [
        "limits",
        "requests",
        "capacity",
        "hard",
        "storage",
        "sizeLimit",
        "averageValue",
        "value",
        "default",
        "defaultRequest",
        "max",
        "min",
    ]
    .iter()
    .any(|field| path.passes(field));
    holds_quantities && same_quantity(&scalar_text(desired), &scalar_text(live))
}

fn scalar_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn options() -> CompareOptions {
        CompareOptions { manager: "argocd-controller".to_owned(), added: AddedFields::AllBut(Vec::new()) }
    }

    fn differences(desired: Value, live: Value) -> Vec<String> {
        compare(&Object::new(desired).unwrap(), &Object::new(live).unwrap(), &options())
            .iter()
            .map(|difference| {
                let side = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
                let manager = difference.owner.as_ref().map_or("?", |owner| owner.manager.as_str());
                format!(
                    "{}: {} <- {} by {manager}",
                    difference.path,
                    side(&difference.desired),
                    side(&difference.live)
                )
            })
            .collect()
    }

    fn deployment() -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"replicas": 2, "template": {"spec": {"containers": [
                {"name": "web", "image": "web:1", "resources": {"limits": {"cpu": "1000m"}}, "ports": [{"containerPort": 80}]}]}}}})
    }

    fn live(changes: impl FnOnce(&mut Value)) -> Value {
        let mut live = deployment();
        live["metadata"]["uid"] = json!("u");
        live["spec"]["strategy"] = json!({"type": "RollingUpdate"});
        live["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = json!("IfNotPresent");
        live["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"] = json!("1");
        live["spec"]["template"]["spec"]["containers"][0]["ports"][0]["protocol"] = json!("TCP");
        live["metadata"]["managedFields"] = json!([{"manager": "argocd-controller", "operation": "Apply",
            "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {
                "k:{\"name\":\"web\"}": {".": {}, "f:name": {}, "f:image": {}, "f:resources": {"f:limits": {"f:cpu": {}}},
                    "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}}}}}}}}}]);
        changes(&mut live);
        live
    }

    fn add_manager(live: &mut Value, manager: &str, fields: Value) {
        live["metadata"]["managedFields"]
            .as_array_mut()
            .unwrap()
            .push(json!({"manager": manager, "operation": "Update",
            "time": "2026-02-01T00:00:00Z", "fieldsV1": fields}));
    }

    #[test]
    fn defaults_and_other_spellings_are_no_difference() {
        assert_eq!(differences(deployment(), live(|_| {})), Vec::<String>::new());
    }

    #[test]
    fn a_changed_field_names_its_owner() {
        let live = live(|live| {
            live["spec"]["replicas"] = json!(5);
            add_manager(live, "kubectl", json!({"f:spec": {"f:replicas": {}}}));
        });
        assert_eq!(differences(deployment(), live), ["spec.replicas: 2 <- 5 by kubectl"]);
    }

    #[test]
    fn an_added_variable_is_drift_unless_a_controller_added_it() {
        let variable = json!({"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"web\"}":
            {"f:env": {".": {}, "k:{\"name\":\"DEBUG\"}": {".": {}, "f:name": {}, "f:value": {}}}}}}}}});
        let with = |manager: &str| {
            live(|live| {
                live["spec"]["template"]["spec"]["containers"][0]["env"] =
                    json!([{"name": "DEBUG", "value": "1"}]);
                add_manager(live, manager, variable.clone());
            })
        };
        assert_eq!(
            differences(deployment(), with("kubectl-edit")),
            [
                "spec.template.spec.containers[name=web].env[name=DEBUG]: - <- {\"name\":\"DEBUG\",\"value\":\"1\"} by kubectl-edit"
            ]
        );
        assert_eq!(differences(deployment(), with("sidecar-injector")), Vec::<String>::new());
    }

    #[test]
    fn a_field_we_no_longer_want_is_removed() {
        let mut desired = deployment();
        desired["spec"].as_object_mut().unwrap().remove("replicas");
        assert_eq!(differences(desired, live(|_| {})), ["spec.replicas: - <- 2 by argocd-controller"]);
    }

    #[test]
    fn what_kubectl_notes_goes_where_its_fields_are_taken_over() {
        let live = live(|live| {
            live["metadata"]["annotations"] = json!({LAST_APPLIED: "{}"});
            let mark = format!("f:{LAST_APPLIED}");
            add_manager(
                live,
                "kubectl-client-side-apply",
                json!({"f:metadata": {"f:annotations": {".": {}, mark: {}}}}),
            );
        });
        let (desired, live) = (Object::new(deployment()).unwrap(), Object::new(live).unwrap());
        let found = |prefix: &str| {
            let added = AddedFields::OnlyPrefixes(vec![prefix.to_owned()]);
            compare(&desired, &live, &CompareOptions { added, ..options() }).len()
        };
        assert_eq!((found("kubectl"), found("helm")), (1, 0));
        assert_eq!(compare(&desired, &live, &options()), []);
    }

    #[test]
    fn string_data_is_compared_as_data() {
        let desired = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "canary"}});
        let live = |value: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": value}});
        assert_eq!(differences(desired.clone(), live("Y2FuYXJ5")), Vec::<String>::new());
        assert_eq!(differences(desired, live("b3RoZXI=")).len(), 1);
    }
}
