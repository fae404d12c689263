//! What others changed in the cluster, recorded before it is healed.

use std::collections::BTreeMap;

use belay_cluster::Severity;
use belay_diff::{DigestKey, Drift, describe};
use belay_flux_api::Kustomization;
use belay_manifest::Object;
use belay_plan::{Action, Plan, Step};

use crate::context::Context;
use crate::jobs;

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
    let drifted = |step: &&Step| !matches!(step.action, Action::Prune { .. }) && !runs_again(step);
    plan.steps.iter().filter(drifted).flat_map(|step| of(step, key)).collect()
}

/// Whether it is a Job that the cluster has cleared away, whose time to run again has come: nobody's change.
fn runs_again(step: &Step) -> bool {
    let is_job = step.desired.as_ref().is_some_and(|desired| jobs::is_cleared_away(&desired.object));
    matches!(step.action, Action::Create) && is_job
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

#[cfg(test)]
mod tests {
    use super::*;
    use belay_manifest::Origin;
    use belay_plan::{Desired, Treatment};
    use serde_json::{Value, json};

    fn create(value: Value) -> Step {
        let object = Object::new(value).unwrap();
        let key = object.key();
        let desired = Desired { object, origin: Origin::default(), treatment: Treatment::default() };
        Step { stage: 0, key, action: Action::Create, desired: Some(desired), live: None }
    }

    #[test]
    fn a_job_that_runs_again_is_nobodys_change() {
        let job = |name: &str, spec: Value| json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec});
        let plan = Plan {
            steps: vec![
                create(job("passes", json!({"ttlSecondsAfterFinished": 60}))),
                create(job("stays", json!({}))),
            ],
        };
        let drift = records(&plan, &DigestKey::new([7; 32]));
        assert_eq!(drift.len(), 1);
        assert!(drift[0].to_string().contains("Job/stays"), "{}", drift[0]);
    }
}
