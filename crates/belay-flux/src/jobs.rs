//! Jobs that the cluster clears away some time after they have ended (`ttlSecondsAfterFinished`): such a one is done, not
//! missing. As with Flux it runs again with the next interval, revision, spec or request.

use std::collections::HashSet;
use std::time::Duration;

use belay_flux_api::Kustomization;
use belay_manifest::{Object, ObjectKey};
use belay_plan::Desired;
use tokio::time::Instant;

use crate::context::Context;
use crate::health::or;
use crate::reconcile::INTERVAL;
use crate::write::REQUESTED_AT;

/// A revision, generation and request.
type Applied = (String, i64, String);

/// The looks until the interval is over, while the same is applied.
#[derive(Debug)]
pub(crate) struct Round {
    applied: Applied,
    ends: Instant,
    /// What was applied in it of such Jobs.
    jobs: HashSet<ObjectKey>,
}

/// Marks those that were applied in this round: they may be gone.
pub(crate) fn mark(
    context: &Context,
    key: &ObjectKey,
    app: &Kustomization,
    revision: &str,
    desired: &mut [Desired],
) {
    let applied = applied(app, revision);
    context.recall(key, |memory| mark_of(memory.round.as_deref(), &applied, desired));
}

fn mark_of(round: Option<&Round>, applied: &Applied, desired: &mut [Desired]) {
    let Some(round) = round.filter(|round| round.is_still(applied)) else { return };
    for desired in desired {
        desired.treatment.may_be_gone = round.jobs.contains(&desired.object.key());
    }
}

/// Keeps in mind those that are applied now.
pub(crate) fn note(
    context: &Context,
    key: &ObjectKey,
    app: &Kustomization,
    revision: &str,
    desired: &[Desired],
) {
    let applied = applied(app, revision);
    let interval = or(&app.spec.interval, INTERVAL);
    context.remember(key, |memory| note_in(&mut memory.round, applied, interval, desired));
}

fn note_in(round: &mut Option<Box<Round>>, applied: Applied, interval: Duration, desired: &[Desired]) {
    let objects = desired.iter().filter(|desired| !desired.treatment.ignore).map(|desired| &desired.object);
    let jobs: HashSet<ObjectKey> =
        objects.filter(|object| is_cleared_away(object)).map(Object::key).collect();
    match round {
        Some(round) if round.is_still(&applied) => round.jobs = jobs,
        round if jobs.is_empty() => *round = None,
        round => *round = Some(Box::new(Round { applied, ends: Instant::now() + interval, jobs })),
    }
}

impl Round {
    fn is_still(&self, applied: &Applied) -> bool {
        self.applied == *applied && Instant::now() < self.ends
    }
}

fn applied(app: &Kustomization, revision: &str) -> Applied {
    let request = app.metadata.annotation(REQUESTED_AT).unwrap_or_default();
    (revision.to_owned(), app.metadata.generation, request.to_owned())
}

/// Whether it is a Job that the cluster deletes when it has ended.
pub(crate) fn is_cleared_away(object: &Object) -> bool {
    let kind = object.gvk();
    kind.group == "batch"
        && kind.kind == "Job"
        && !object.value()["spec"]["ttlSecondsAfterFinished"].is_null()
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_manifest::Origin;
    use belay_plan::Treatment;
    use serde_json::{Value, json};

    const INTERVAL: Duration = Duration::from_secs(600);

    fn job(name: &str, seconds: Value) -> Desired {
        let object = json!({"apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": name, "namespace": "prod"}, "spec": {"ttlSecondsAfterFinished": seconds}});
        Desired {
            object: Object::new(object).unwrap(),
            origin: Origin::default(),
            treatment: Treatment::default(),
        }
    }

    fn applied(revision: &str) -> Applied {
        (revision.to_owned(), 1, String::new())
    }

    fn may_be_gone(round: Option<&Round>, revision: &str) -> Vec<bool> {
        let mut desired = [job("short", json!(0)), job("kept", Value::Null), job("late", json!(60))];
        mark_of(round, &applied(revision), &mut desired);
        desired.iter().map(|desired| desired.treatment.may_be_gone).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_with_a_time_to_live_may_be_gone_until_the_interval_is_over() {
        let mut round = None;
        assert_eq!(may_be_gone(round.as_deref(), "one"), [false, false, false]);
        note_in(&mut round, applied("one"), INTERVAL, &[job("short", json!(0)), job("kept", Value::Null)]);
        assert_eq!(may_be_gone(round.as_deref(), "one"), [true, false, false]);
        assert_eq!(may_be_gone(round.as_deref(), "two"), [false, false, false]);
        // A look in between does not put the end off.
        tokio::time::advance(INTERVAL / 2).await;
        note_in(&mut round, applied("one"), INTERVAL, &[job("short", json!(0)), job("late", json!(60))]);
        assert_eq!(may_be_gone(round.as_deref(), "one"), [true, false, true]);
        tokio::time::advance(INTERVAL / 2).await;
        assert_eq!(may_be_gone(round.as_deref(), "one"), [false, false, false]);
        note_in(&mut round, applied("two"), INTERVAL, &[job("kept", Value::Null)]);
        assert!(round.is_none());
    }
}
