//! `spec.ignoreDifferences` as rules.

use std::sync::Arc;

use belay_argo_api::Application;
use belay_diff::{IgnoreRule, Ignored, Jq, NormaliseOptions};

use crate::fault::Fault;

/// What an app does not compare. An expression that is not understood is a fault of the spec.
pub(crate) fn ignored(app: &Application) -> Result<Arc<Ignored>, Fault> {
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
    Ok(Arc::new(Ignored::new(rules, NormaliseOptions::default())))
}
