//! `spec.ignoreDifferences` as rules.

use std::sync::Arc;

use belay_argo_api::Application;
use belay_diff::{IgnoreRule, Ignored, NormaliseOptions};

/// What an app does not compare.
pub(crate) fn ignored(app: &Application) -> Arc<Ignored> {
    let rules = app.spec.ignore_differences.iter().map(|entry| IgnoreRule {
        group: entry.group.clone(),
        kind: entry.kind.clone(),
        name: entry.name.clone(),
        namespace: entry.namespace.clone(),
        json_pointers: entry.json_pointers.clone(),
        managers: entry.managed_fields_managers.clone(),
    });
    Arc::new(Ignored::new(rules.collect(), NormaliseOptions::default()))
}
