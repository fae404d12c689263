//! `spec.ignore`: fields that others change as they like. What differs there is neither corrected nor taken away.

use belay_diff::{CompareOptions, FieldPath, Ownership, Segment, compare};
use belay_flux_api::IgnoreRule;
use belay_kustomize::ObjectSelector;
use belay_manifest::Object;
use serde_json::Value;

use crate::build::selector;
use crate::context::FIELD_MANAGER;

/// The rules of a Kustomization.
#[derive(Default)]
pub(crate) struct DriftIgnore {
    rules: Vec<Rule>,
}

struct Rule {
    paths: Vec<String>,
    target: Option<ObjectSelector>,
}

/// What is wrong with a rule.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IgnoreError {
    #[error("spec.ignore[{rule}].target: not a selector")]
    Target {
        rule: usize,
        #[source]
        source: belay_kustomize::Error,
    },
    #[error("spec.ignore[{rule}].paths: {path:?} is no JSON pointer to a field")]
    Path { rule: usize, path: String },
}

impl DriftIgnore {
    /// Reads the rules of a spec.
    pub(crate) fn read(rules: &[IgnoreRule]) -> Result<DriftIgnore, IgnoreError> {
        let read = |(rule, spec): (usize, &IgnoreRule)| {
            if let Some(path) = spec.paths.iter().find(|path| !path.starts_with('/') || path.len() == 1) {
                return Err(IgnoreError::Path { rule, path: path.clone() });
            }
            let target = spec.target.as_ref().map(|target| ObjectSelector::new(&selector(target)));
            let target = target.transpose().map_err(|source| IgnoreError::Target { rule, source })?;
            Ok(Rule { paths: spec.paths.clone(), target })
        };
        Ok(DriftIgnore { rules: rules.iter().enumerate().map(read).collect::<Result<_, _>>()? })
    }

    /// The object as it is to be applied over the live one; nothing when no rule says another thing.
    pub(crate) fn laid_over(
        &self,
        desired: &Object,
        live: &Object,
        options: &CompareOptions,
    ) -> Option<Object> {
        let is_of = |rule: &&Rule| rule.target.as_ref().is_none_or(|target| target.selects(desired.value()));
        let paths: Vec<&String> = self.rules.iter().filter(is_of).flat_map(|rule| &rule.paths).collect();
        let owners = Ownership::of(live.value());
        let differing: Vec<(&str, bool)> = paths
            .into_iter()
            .filter(|path| differs(desired, live, path, &owners))
            .map(|path| (path.as_str(), is_applied_by_others(live, path, &owners)))
            .collect();
        if differing.is_empty() {
            return None;
        }
        let mut adopted = desired.clone();
        for (path, _) in &differing {
            take(adopted.value_mut(), path, live.value().pointer(path));
        }
        if compare(&adopted, live, options).is_empty() {
            return Some(adopted);
        }
        // It is written for another reason: what another one applies is not in it.
        for (path, _) in differing.iter().filter(|(_, is_of_others)| *is_of_others) {
            take(adopted.value_mut(), path, None);
        }
        Some(adopted)
    }
}

/// Whether an apply would change the field.
fn differs(desired: &Object, live: &Object, path: &str, owners: &Ownership<'_>) -> bool {
    match (desired.value().pointer(path), live.value().pointer(path)) {
        (Some(own), Some(other)) => own != other,
        (Some(_), None) => true,
        // Only what is ours would be taken away.
        (None, Some(_)) => is_applied_by(live, path, owners, |manager| manager == FIELD_MANAGER),
        (None, None) => false,
    }
}

fn is_applied_by_others(live: &Object, path: &str, owners: &Ownership<'_>) -> bool {
    is_applied_by(live, path, owners, |manager| manager != FIELD_MANAGER)
}

fn is_applied_by(live: &Object, path: &str, owners: &Ownership<'_>, is_such: impl Fn(&str) -> bool) -> bool {
    let path = field_path(live.value(), path, owners);
    owners
        .owners(&path)
        .iter()
        .any(|owner| owner.operation == "Apply" && owner.subresource.is_empty() && is_such(&owner.manager))
}

/// A pointer as managers' entries name fields: items of lists by their keys.
fn field_path(live: &Value, pointer: &str, owners: &Ownership<'_>) -> FieldPath {
    let mut path = FieldPath::default();
    let mut place = Some(live);
    for part in pointer.split('/').skip(1) {
        let name = part.replace("~1", "/").replace("~0", "~");
        let items = place.and_then(Value::as_array);
        let index = name.parse::<usize>().ok();
        let segment = match (items, index) {
            (Some(items), Some(index)) => item(items.get(index), index, owners.list_keys(&path)),
            _ => Segment::Field(name.clone()),
        };
        place = place.and_then(|place| match index.filter(|_| place.is_array()) {
            Some(index) => place.get(index),
            None => place.get(&name),
        });
        path = path.child(segment);
    }
    path
}

fn item(item: Option<&Value>, index: usize, keys: Option<Vec<String>>) -> Segment {
    match (item, keys) {
        (Some(item), Some(keys)) => {
            Segment::Keyed(keys.into_iter().map(|key| (key.clone(), item[&key].clone())).collect())
        }
        _ => Segment::Index(index),
    }
}

/// Sets the field, or takes it away. One whose parent is not there stays away.
fn take(object: &mut Value, pointer: &str, value: Option<&Value>) {
    let Some((parent, last)) = pointer.rsplit_once('/') else { return };
    let name = last.replace("~1", "/").replace("~0", "~");
    match (object.pointer_mut(parent), value) {
        (Some(Value::Object(fields)), Some(value)) => {
            fields.insert(name, value.clone());
        }
        (Some(Value::Object(fields)), None) => {
            fields.remove(&name);
        }
        (Some(Value::Array(items)), value) => {
            let index = name.parse::<usize>().ok().filter(|index| *index < items.len());
            match (index, value) {
                (Some(index), Some(value)) => items[index] = value.clone(),
                (Some(index), None) => drop(items.remove(index)),
                (None, _) => {}
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_crd::Described;
    use belay_diff::AddedFields;
    use serde_json::json;

    fn rules(rules: Value) -> Result<DriftIgnore, String> {
        let rules: Vec<IgnoreRule> =
            rules.as_array().unwrap().iter().map(|rule| IgnoreRule::read(rule.clone()).unwrap()).collect();
        DriftIgnore::read(&rules).map_err(|error| belay_causes::chain(&error))
    }

    fn wrong(value: Value) -> String {
        rules(value).err().unwrap()
    }

    fn deployment(replicas: Value, image: &str) -> Object {
        Object::new(json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "prod", "labels": {"app": "web"}},
            "spec": {"replicas": replicas, "template": {"spec": {"containers": [{"name": "web", "image": image}]}}}}))
        .unwrap()
    }

    fn live(replicas: Value, manager: &str) -> Object {
        let mut live = deployment(replicas, "web:1");
        live.value_mut()["metadata"]["managedFields"] = json!([
            {"manager": "kustomize-controller", "operation": "Apply", "fieldsV1": {
                "f:metadata": {"f:labels": {"f:app": {}}},
                "f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"web\"}": {"f:name": {}, "f:image": {}}}}}}}},
            {"manager": manager, "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]);
        live
    }

    fn run(rule: &DriftIgnore, desired: &Object, live: &Object) -> Option<Value> {
        let options = CompareOptions {
            manager: FIELD_MANAGER.to_owned(),
            added: AddedFields::OnlyPrefixes(Vec::new()),
        };
        rule.laid_over(desired, live, &options).map(|object| object.value()["spec"]["replicas"].clone())
    }

    #[test]
    fn what_others_change_stays_and_is_not_written() {
        let rule = rules(json!([{"paths": ["/spec/replicas"], "target": {"kind": "Deployment"}}])).unwrap();
        let desired = deployment(json!(1), "web:1");
        assert_eq!(run(&rule, &desired, &live(json!(5), FIELD_MANAGER)), Some(json!(5)));
        assert_eq!(run(&rule, &desired, &live(json!(1), FIELD_MANAGER)), None);
        let other = rules(json!([{"paths": ["/spec/replicas"], "target": {"labelSelector": "app=other"}}]));
        assert_eq!(run(&other.unwrap(), &desired, &live(json!(5), FIELD_MANAGER)), None);
        let for_all = rules(json!([{"paths": ["/spec/replicas"]}])).unwrap();
        assert_eq!(run(&for_all, &desired, &live(json!(5), FIELD_MANAGER)), Some(json!(5)));
    }

    #[test]
    fn what_another_one_applies_is_left_out_of_what_is_written() {
        let rule = rules(json!([{"paths": ["/spec/replicas"]}])).unwrap();
        let newer = deployment(json!(1), "web:2");
        assert_eq!(run(&rule, &newer, &live(json!(5), "scaler")), Some(Value::Null), "left out");
        assert_eq!(run(&rule, &newer, &live(json!(5), FIELD_MANAGER)), Some(json!(5)), "kept");
        let same = deployment(json!(1), "web:1");
        assert_eq!(run(&rule, &same, &live(json!(5), "scaler")), Some(json!(5)), "not written");
    }

    #[test]
    fn what_was_taken_away_stays_away() {
        let rule = rules(json!([{"paths": ["/spec/replicas"]}])).unwrap();
        let mut gone = live(json!(5), FIELD_MANAGER);
        gone.value_mut()["spec"].as_object_mut().unwrap().shift_remove("replicas");
        assert_eq!(run(&rule, &deployment(json!(1), "web:1"), &gone), Some(Value::Null));
        let rule = rules(json!([{"paths": ["/spec/template/spec/containers/0/image"]}])).unwrap();
        let laid = run(&rule, &deployment(json!(5), "web:9"), &live(json!(5), FIELD_MANAGER));
        assert_eq!(laid, Some(json!(5)), "an item of a list");
    }

    #[test]
    fn rules_that_cannot_be_read_are_named() {
        assert!(wrong(json!([{"paths": ["spec.replicas"]}])).contains("spec.ignore[0].paths"));
        let odd = wrong(json!([{"paths": ["/a"]}, {"paths": ["/a"], "target": {"name": "["}}]));
        assert!(odd.starts_with("spec.ignore[1].target: "));
    }
}
