//! What others changed in the cluster, recorded before it is healed.

use std::collections::BTreeMap;

use belay_cluster::Severity;
use belay_diff::{Drift, describe};
use belay_flux_api::Kustomization;
use belay_manifest::Object;
use belay_plan::{Action, Plan};

use crate::context::Context;

/// Records how the cluster differs from a revision that was applied already, and gives it.
pub(crate) async fn note(
    context: &Context,
    object: &Object,
    app: &Kustomization,
    plan: &Plan,
    revision: &str,
) -> Vec<Drift> {
    let is_applied = app.status.last_applied_revision == revision
        && app.status.observed_generation == Some(app.metadata.generation);
    let drift = if is_applied { records(plan) } else { Vec::new() };
    let key = object.key();
    if drift.is_empty() || context.remembered(&key).drift == drift {
        return drift;
    }
    for record in &drift {
        let message = record.to_string();
        tracing::info!(kustomization = %key, "drift: {message}");
        let details = serde_json::to_string(record).unwrap_or_default();
        let annotations = BTreeMap::from([("belay.dev/drift".to_owned(), details)]);
        context.events.record(object, Severity::Warning, "DriftDetected", &message, &annotations).await;
    }
    context.remember(&key, |memory| memory.drift = drift.clone());
    drift
}

fn records(plan: &Plan) -> Vec<Drift> {
    let mut records = Vec::new();
    for step in &plan.steps {
        match (&step.action, &step.live) {
            (Action::Apply { differences }, Some(live)) => records.extend(describe(live, differences)),
            (Action::Create, _) => records.push(Drift {
                object: step.key.clone(),
                field: "(whole object)".to_owned(),
                desired: "present".to_owned(),
                live: "-".to_owned(),
                manager: String::new(),
                time: String::new(),
            }),
            _ => {}
        }
    }
    records
}
