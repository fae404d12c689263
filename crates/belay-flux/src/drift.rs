//! What others changed in the cluster, recorded before it is healed.

use std::collections::BTreeMap;

use belay_cluster::Severity;
use belay_diff::{DigestKey, Drift, describe};
use belay_flux_api::Kustomization;
use belay_manifest::Object;
use belay_plan::{Action, Plan, Step};

use crate::context::Context;

/// Records how the cluster differs from files that were applied already, and gives it.
pub(crate) async fn note(context: &Context, object: &Object, app: &Kustomization, plan: &Plan) -> Vec<Drift> {
    let is_applied = app.status.observed_generation == Some(app.metadata.generation);
    let drift = if is_applied { records(plan, context.settings.ledger.key()) } else { Vec::new() };
    let key = object.key();
    if drift.is_empty() || context.recall(&key, |memory| memory.drift == drift) {
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

fn records(plan: &Plan, key: &DigestKey) -> Vec<Drift> {
    let drifted =
        |step: &Step| if matches!(step.action, Action::Prune { .. }) { vec![] } else { of(step, key) };
    plan.steps.iter().flat_map(drifted).collect()
}

/// What a step of a plan would change.
pub(crate) fn of(step: &Step, key: &DigestKey) -> Vec<Drift> {
    match (&step.action, &step.live) {
        (Action::Apply { differences }, Some(live)) => describe(live, differences, key),
        (Action::Create, _) => vec![Drift::of_whole(step.key.clone(), true)],
        (Action::Prune { .. }, _) => vec![Drift::of_whole(step.key.clone(), false)],
        _ => Vec::new(),
    }
}
