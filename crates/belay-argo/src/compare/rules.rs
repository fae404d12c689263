//! `spec.ignoreDifferences`, and what an installation ignores everywhere, as rules.

use std::sync::Arc;

use belay_argo_api::Application;
use belay_diff::{IgnoreRule, Ignored, IgnoredStatus, Jq, KnownField, KnownType, NormaliseOptions};
use belay_filetree::Glob;
use belay_manifest::Object;

use crate::fault::Fault;
use crate::prepare::Prepared;
use crate::settings::{CompareSettings, Fields, IgnoreStatus, Settings};

/// The kind of Argo Rollouts.
const ROLLOUT: (&str, &str) = ("argoproj.io", "Rollout");

/// What is not compared of an app's objects. An expression of the app that is not understood is a fault of its spec.
pub(crate) fn ignored(app: &Application, system: &Settings) -> Result<Arc<Ignored>, Fault> {
    let mut rules = Vec::new();
    for entry in &app.spec.ignore_differences {
        let expressions = entry.jq_path_expressions.iter().map(|text| Jq::parse(text));
        let jq = expressions
            .collect::<Result<Vec<Jq>, _>>()
            .map_err(|error| Fault::spec(format!("spec.ignoreDifferences: {error}")))?;
        rules.push(IgnoreRule {
            group: entry.group.clone(),
            kind: entry.kind.clone(),
            name: entry.name.clone(),
            namespace: entry.namespace.clone(),
            json_pointers: entry.json_pointers.clone(),
            jq,
            managers: entry.managed_fields_managers.clone(),
        });
    }
    rules.extend(system_rules(system));
    Ok(Arc::new(Ignored::new(rules, normalise(system.compare)).with_known_fields(known_fields(system))))
}

/// `resource.customizations.knownTypeFields`, of exactly the kinds named. Argo CD knows the one of its Rollouts.
fn known_fields(system: &Settings) -> Vec<KnownField> {
    let mut fields: Vec<KnownField> = system
        .customizations
        .iter()
        .flat_map(|(group, kind, customization)| {
            customization.known_types.iter().map(|known| known.of(group, kind))
        })
        .collect();
    if !fields.iter().any(|field| field.group == ROLLOUT.0 && field.kind == ROLLOUT.1) {
        let known_type = KnownType::named("core/v1/PodSpec").expect("a type of the recorded API");
        let path = "spec.template.spec".to_owned();
        fields.push(KnownField { group: ROLLOUT.0.to_owned(), kind: ROLLOUT.1.to_owned(), path, known_type });
    }
    fields
}

/// `resource.customizations.ignoreDifferences`
fn system_rules(system: &Settings) -> impl Iterator<Item = IgnoreRule> {
    system
        .customizations
        .iter()
        .map(|(group, kind, customization)| rule(group, kind, &customization.ignore_differences))
}

fn rule(group: &str, kind: &str, fields: &Fields) -> IgnoreRule {
    IgnoreRule {
        group: group.to_owned(),
        kind: kind.to_owned(),
        json_pointers: fields.json_pointers.clone(),
        jq: fields.jq.clone(),
        managers: fields.managers.clone(),
        ..IgnoreRule::default()
    }
}

/// Fields whose changes are no reason to look at an app: `ignoreResourceUpdates`, and what is not compared anyway.
pub(crate) fn ignored_updates(system: &Settings) -> Ignored {
    let mut rules = Vec::new();
    if system.ignores_updates {
        rules.extend(
            system
                .customizations
                .iter()
                .map(|(group, kind, customization)| rule(group, kind, &customization.ignore_updates)),
        );
        if system.compare.ignore_differences_on_updates {
            rules.extend(system_rules(system));
        }
    }
    Ignored::new(rules, normalise(system.compare))
}

/// Whether two states of an object differ in such fields alone.
pub(crate) fn is_ignored_update(ignored: &Ignored, before: &Object, after: &Object) -> bool {
    if !ignored.concerns(after) {
        return false;
    }
    let without = |object: &Object| {
        let mut value = object.value().clone();
        ignored.remove(object, &mut [&mut value]);
        if let Some(metadata) = value.get_mut("metadata").and_then(serde_json::Value::as_object_mut) {
            metadata.retain(|name, _| {
                !["resourceVersion", "generation", "managedFields"].contains(&name.as_str())
            });
        }
        value
    };
    without(before) == without(after)
}

fn normalise(compare: CompareSettings) -> NormaliseOptions {
    NormaliseOptions {
        ignore_aggregated_roles: compare.ignore_aggregated_roles,
        ignored_status: match compare.ignore_status {
            IgnoreStatus::All => IgnoredStatus::All,
            IgnoreStatus::Definitions => IgnoredStatus::Definitions,
            IgnoreStatus::None => IgnoredStatus::None,
        },
    }
}

/// A rule of the installation that is not understood and concerns one of the app's kinds: without it, what may differ
/// would be healed.
pub(crate) fn refused_rules(system: &Settings, prepared: &Prepared) -> Option<Fault> {
    let matches = |pattern: &str, text: &str| Glob::compile(pattern).is_ok_and(|glob| glob.is_match(text));
    let kinds = prepared.kinds();
    let mut refused = system.customizations.iter().filter_map(|(group, kind, customization)| {
        let error = customization.ignore_differences.refused.first()?;
        let concerns = kinds.iter().any(|own| matches(group, &own.group) && matches(kind, &own.kind));
        concerns.then(|| Fault::comparison(error.to_string()))
    });
    refused.next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn settings(text: &str) -> Settings {
        let data = [("resource.customizations.ignoreResourceUpdates.all".to_owned(), text.to_owned())];
        Settings::parse(&data.into(), &Default::default()).unwrap().settings
    }

    fn map(version: &str, status: Value, data: &str) -> Object {
        let value = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "namespace": "b", "resourceVersion": version}, "status": status, "data": {"a": data}});
        Object::new(value).unwrap()
    }

    #[test]
    fn changes_of_ignored_fields_are_no_news() {
        let settings = settings("jsonPointers: [/status]");
        let ignored = ignored_updates(&settings);
        let before = map("1", json!({"at": 1}), "x");
        assert!(is_ignored_update(&ignored, &before, &map("2", json!({"at": 2}), "x")));
        assert!(!is_ignored_update(&ignored, &before, &map("2", json!({"at": 1}), "y")));
        let off = Settings { ignores_updates: false, ..settings };
        assert!(!is_ignored_update(&ignored_updates(&off), &before, &map("2", json!({"at": 2}), "x")));
    }
}
