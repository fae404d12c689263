//! Global projects: what `argocd-cm` lets one project add to others.

use std::sync::Arc;

use belay_argo_api::{AppProjectSpec, LabelSelector, LabelSelectorRequirement};
use belay_manifest::Object;
use serde_json::Value;

use crate::settings::GlobalProject;

/// The global projects of a project, in order. `find` gives a project by its name; the first that is not there ends the
/// list, as in the original.
pub(super) fn of(
    project: &Object,
    settings: &[GlobalProject],
    find: impl Fn(&str) -> Option<Arc<Object>>,
) -> Vec<Arc<Object>> {
    let concerned = settings
        .iter()
        .filter(|global| global.project_name != project.name())
        .filter(|global| selects(&global.label_selector, project));
    concerned.map_while(|global| find(&global.project_name)).collect()
}

/// Adds what a global project allows, denies and schedules.
pub(super) fn merge(spec: &mut AppProjectSpec, global: AppProjectSpec) {
    spec.cluster_resource_whitelist.extend(global.cluster_resource_whitelist);
    spec.cluster_resource_blacklist.extend(global.cluster_resource_blacklist);
    // A list that is not there allows everything; one that is added to it does not any more.
    match (&mut spec.namespace_resource_whitelist, global.namespace_resource_whitelist) {
        (Some(own), Some(added)) => own.extend(added),
        (own @ None, Some(added)) if !added.is_empty() => *own = Some(added),
        _ => {}
    }
    spec.namespace_resource_blacklist.extend(global.namespace_resource_blacklist);
    spec.sync_windows.extend(global.sync_windows);
    spec.source_repos.extend(global.source_repos);
    spec.destinations.extend(global.destinations);
    spec.destination_service_accounts.extend(global.destination_service_accounts);
}

/// Whether a selector selects an object by its labels; an empty one selects all.
fn selects(selector: &LabelSelector, object: &Object) -> bool {
    let label = |name: &str| object.value()["metadata"]["labels"].get(name).and_then(Value::as_str);
    let fits = |requirement: &LabelSelectorRequirement| {
        let value = label(&requirement.key);
        let is_in = || value.is_some_and(|value| requirement.values.iter().any(|one| one == value));
        match requirement.operator.as_str() {
            "In" => is_in(),
            "NotIn" => !is_in(),
            "Exists" => value.is_some(),
            _ => value.is_none(),
        }
    };
    selector.match_labels.iter().all(|(name, value)| label(name) == Some(value))
        && selector.match_expressions.iter().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn project(name: &str, labels: Value) -> Arc<Object> {
        let object = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
            "metadata": {"name": name, "labels": labels}, "spec": {}});
        Arc::new(Object::new(object).unwrap())
    }

    fn global(name: &str, selector: Value) -> GlobalProject {
        GlobalProject {
            project_name: name.to_owned(),
            label_selector: serde_json::from_value(selector).unwrap(),
        }
    }

    #[test]
    fn labels_choose_and_a_missing_project_ends_the_list() {
        let team = project("team", json!({"stage": "prod"}));
        let there = project("there", json!({}));
        let find = |name: &str| (name == "there").then(|| there.clone());
        for (selector, expected) in [
            (json!({}), 1),
            (json!({"matchLabels": {"stage": "prod"}}), 1),
            (json!({"matchLabels": {"stage": "test"}}), 0),
            (json!({"matchExpressions": [{"key": "stage", "operator": "In", "values": ["prod"]}]}), 1),
            (json!({"matchExpressions": [{"key": "stage", "operator": "NotIn", "values": ["prod"]}]}), 0),
            (json!({"matchExpressions": [{"key": "other", "operator": "NotIn", "values": ["prod"]}]}), 1),
            (json!({"matchExpressions": [{"key": "stage", "operator": "DoesNotExist"}]}), 0),
        ] {
            assert_eq!(of(&team, &[global("there", selector.clone())], find).len(), expected, "{selector}");
        }
        let settings = [global("team", json!({})), global("gone", json!({})), global("there", json!({}))];
        assert!(of(&team, &settings, find).is_empty());
    }

    #[test]
    fn a_global_list_of_kinds_closes_an_open_project() {
        let merged = |own: Value, added: Value| {
            let mut spec: AppProjectSpec = serde_json::from_value(own).unwrap();
            merge(&mut spec, serde_json::from_value(added).unwrap());
            spec.namespace_resource_whitelist.map(|kinds| kinds.len())
        };
        let one = json!({"namespaceResourceWhitelist": [{"group": "", "kind": "ConfigMap"}]});
        assert_eq!(merged(json!({}), json!({})), None);
        assert_eq!(merged(json!({}), json!({"namespaceResourceWhitelist": []})), None);
        assert_eq!(merged(json!({}), one.clone()), Some(1));
        assert_eq!(merged(json!({"namespaceResourceWhitelist": []}), one.clone()), Some(1));
        assert_eq!(merged(one.clone(), json!({})), Some(1));
    }
}
