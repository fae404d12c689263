//! `spec.ignoreDifferences`, and what an installation ignores everywhere, as rules.

use std::sync::Arc;

use belay_argo_api::Application;
use belay_diff::{IgnoreRule, Ignored, IgnoredStatus, Jq, NormaliseOptions};
use belay_filetree::Glob;

use crate::fault::Fault;
use crate::prepare::Prepared;
use crate::settings::{CompareSettings, IgnoreStatus, Settings};

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
    Ok(Arc::new(Ignored::new(rules, normalise(system.compare))))
}

/// `resource.customizations.ignoreDifferences`
fn system_rules(system: &Settings) -> impl Iterator<Item = IgnoreRule> {
    system.customizations.iter().map(|(group, kind, customization)| {
        let fields = &customization.ignore_differences;
        IgnoreRule {
            group: group.to_owned(),
            kind: kind.to_owned(),
            json_pointers: fields.json_pointers.clone(),
            jq: fields.jq.clone(),
            managers: fields.managers.clone(),
            ..IgnoreRule::default()
        }
    })
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
