//! What happened to a Kustomization and why, noted in the ledger.

use belay_diff::Drift;
use belay_filetree::Reads;
use belay_flux_api::{ConditionStatus, Kustomization, find_condition};
use belay_ledger::{Contest, Decision, Entry, Rule, Trigger};
use belay_manifest::{Object, ObjectKey};
use jiff::Timestamp;

use crate::context::{Context, Source};
use crate::kustomization_status::{Fault, Found, Result as Came};
use crate::write::REQUESTED_AT;

/// The reason of an app that waits for another one.
const DEPENDENCY_NOT_READY: &str = "DependencyNotReady";

/// Why a look at a revision matters; nothing when it was applied already.
pub(crate) fn commit(app: &Kustomization, source: &Source, files: &[String]) -> Option<Trigger> {
    (app.status.last_applied_revision != source.revision).then(|| commit_of(source, files.to_vec()))
}

/// A commit, and what it changed.
pub(crate) fn commit_of(source: &Source, files: Vec<String>) -> Trigger {
    let (subject, author) = (source.checkout.subject.clone(), source.checkout.author.clone());
    Trigger::Commit { subject, author, files }
}

/// Somebody asks for a look through the resource, and has not been answered yet. Who, its field managers tell.
pub(crate) fn request(object: &Object, answered: &str) -> Option<Trigger> {
    let asked = object.annotation(REQUESTED_AT)?;
    let field = format!("f:{REQUESTED_AT}");
    let managers = object.value()["metadata"]["managedFields"].as_array().into_iter().flatten();
    let mut managers =
        managers.filter(|entry| !entry["fieldsV1"]["f:metadata"]["f:annotations"][field.as_str()].is_null());
    let manager = managers.next().and_then(|entry| entry["manager"].as_str());
    let name = manager.map(|manager| format!("the manager {manager}")).unwrap_or_default();
    (asked != answered).then_some(Trigger::User { name })
}

/// The files that this revision changed of those that the build reads, since the one that was applied last; nothing when
/// it changed none, and none are named where the earlier files are not at hand.
pub(crate) fn changed_files(
    context: &Context,
    key: &ObjectKey,
    app: &Kustomization,
    source: &Source,
    reads: &Reads,
) -> Option<Vec<String>> {
    let applied = &app.status.last_applied_revision;
    if *applied == source.revision {
        return None;
    }
    match context.recall(key, |memory| memory.applied.clone()) {
        Some((revision, files)) if revision == *applied => reads.changes(&files),
        _ => Some(Vec::new()),
    }
}

/// Who changes back what was corrected again and again, if it differs now.
pub(crate) fn contest(context: &Context, key: &ObjectKey, drift: &[Drift]) -> Option<Contest> {
    context.settings.ledger.contest(&app_name(key), drift, belay_cluster::now())
}

/// What brought a look that nobody asked for and that no change caused: another app, or the time of another try.
fn unasked(app: &Kustomization, result: &Result<Came, Fault>) -> Trigger {
    let ready = find_condition(&app.status.conditions, "Ready");
    let has_failed = ready.filter(|ready| ready.status == ConditionStatus::False);
    let is_held = result.as_ref().is_err_and(|fault| fault.reason == DEPENDENCY_NOT_READY);
    match has_failed {
        _ if is_held => Trigger::Dependency,
        Some(ready) if ready.observed_generation != Some(app.metadata.generation) => Trigger::Look,
        Some(ready) if ready.reason == DEPENDENCY_NOT_READY => Trigger::Dependency,
        Some(_) => Trigger::Timer,
        None => Trigger::Look,
    }
}

/// Notes what a look came to, if anything.
pub(crate) fn note(
    context: &Context,
    key: &ObjectKey,
    app: &Kustomization,
    found: &Found,
    result: &Result<Came, Fault>,
    now: Timestamp,
) {
    let decision = match result {
        Ok(Came::Applied { .. }) if found.trigger.is_some() || !found.changes.is_empty() => {
            Decision::Sync { by: "the Kustomization".to_owned() }
        }
        Ok(came) => {
            if matches!(came, Came::Applied { .. }) {
                let revision = found.revision.as_deref().unwrap_or_default();
                context.settings.ledger.settled(&app_name(key), revision, now);
            }
            return;
        }
        Err(fault) => Decision::Leave { rule: rule(fault, found), message: fault.message.clone() },
    };
    context.settings.ledger.record(Entry {
        time: now,
        app: app_name(key),
        revision: found.revision.clone().unwrap_or_default(),
        trigger: found.trigger.clone().unwrap_or_else(|| unasked(app, result)),
        decision,
    });
}

/// Notes that an app, by the name that commands know it by, is suspended.
pub(crate) fn held(context: &Context, app: String) {
    context.settings.ledger.record(Entry {
        time: belay_cluster::now(),
        app,
        revision: String::new(),
        trigger: Trigger::State { what: "`spec.suspend` is set".to_owned() },
        decision: Decision::Leave { rule: Rule::Hold, message: "suspended".to_owned() },
    });
}

fn rule(fault: &Fault, found: &Found) -> Rule {
    match fault.reason {
        DEPENDENCY_NOT_READY => Rule::Dependency,
        "ArtifactFailed" | "BuildFailed" => Rule::Source,
        _ if found.is_contested => Rule::Contest,
        _ => Rule::Failure,
    }
}

/// The name by which commands know the app.
pub(crate) fn app_name(key: &ObjectKey) -> String {
    format!("ks/{}/{}", key.namespace, key.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_crd::Described;
    use serde_json::{Value, json};

    fn app(ready: &Value) -> Kustomization {
        Kustomization::read(json!({"metadata": {"name": "web", "namespace": "flux-system", "generation": 2},
            "status": {"conditions": [ready]}}))
        .unwrap()
    }

    fn ready(status: &str, reason: &str, generation: i64) -> Value {
        json!({"type": "Ready", "status": status, "reason": reason, "message": "", "observedGeneration": generation,
            "lastTransitionTime": "2026-01-01T00:00:00Z"})
    }

    #[test]
    fn what_nobody_asked_for_comes_from_a_dependency_or_a_timer() {
        let applied = Ok(Came::Applied { waited: None });
        let failed = Err(Fault::retry("BuildFailed", "no such file"));
        let held = Err(Fault::retry(DEPENDENCY_NOT_READY, "waiting"));
        for (known, result, trigger) in [
            (ready("True", "ReconciliationSucceeded", 2), &applied, Trigger::Look),
            (ready("True", "ReconciliationSucceeded", 2), &failed, Trigger::Look),
            (ready("True", "ReconciliationSucceeded", 2), &held, Trigger::Dependency),
            (ready("False", DEPENDENCY_NOT_READY, 2), &applied, Trigger::Dependency),
            (ready("False", "BuildFailed", 2), &applied, Trigger::Timer),
            (ready("False", "BuildFailed", 2), &failed, Trigger::Timer),
            (ready("False", "BuildFailed", 1), &failed, Trigger::Look),
            (ready("Unknown", "Progressing", 2), &failed, Trigger::Look),
        ] {
            assert_eq!(unasked(&app(&known), result), trigger, "{known} {result:?}");
        }
    }
}
