//! What happened to a Kustomization and why, noted in the ledger.

use belay_diff::Drift;
use belay_flux_api::Kustomization;
use belay_ledger::{Contest, Decision, Entry, Rule, Trigger};
use belay_manifest::ObjectKey;
use jiff::Timestamp;

use crate::context::{Context, Source};
use crate::kustomization_status::{Fault, Found, Result as Came};

/// Why a look at a revision matters; nothing when it was applied already.
pub(crate) fn commit(app: &Kustomization, source: &Source) -> Option<Trigger> {
    let (subject, author) = (source.checkout.subject.clone(), source.checkout.author.clone());
    (app.status.last_applied_revision != source.revision).then_some(Trigger::Commit {
        subject,
        author,
        files: Vec::new(),
    })
}

/// Who changes back what was corrected again and again, if it differs now.
pub(crate) fn contest(context: &Context, key: &ObjectKey, drift: &[Drift]) -> Option<Contest> {
    let contests = context.settings.ledger.contests(&app_name(key), belay_cluster::now());
    let is_now = |contest: &Contest| {
        drift.iter().any(|one| one.object == contest.drift.object && one.field == contest.drift.field)
    };
    contests.into_iter().find(is_now)
}

/// Notes what a look came to, if anything.
pub(crate) fn note(
    context: &Context,
    key: &ObjectKey,
    found: &Found,
    result: &Result<Came, Fault>,
    now: Timestamp,
) {
    let decision = match result {
        Ok(Came::Applied { .. }) if found.trigger.is_some() || !found.changes.is_empty() => {
            Decision::Sync { by: "the Kustomization".to_owned() }
        }
        Ok(_) => return,
        Err(fault) => Decision::Leave { rule: rule(fault, found), message: fault.message.clone() },
    };
    context.settings.ledger.record(Entry {
        time: now,
        app: app_name(key),
        revision: found.revision.clone().unwrap_or_default(),
        trigger: found.trigger.clone().unwrap_or(Trigger::Look),
        decision,
    });
}

fn rule(fault: &Fault, found: &Found) -> Rule {
    match fault.reason {
        "DependencyNotReady" => Rule::Dependency,
        "ArtifactFailed" | "BuildFailed" => Rule::Source,
        _ if found.is_contested => Rule::Contest,
        _ => Rule::Failure,
    }
}

/// The name by which commands know the app.
fn app_name(key: &ObjectKey) -> String {
    format!("ks/{}/{}", key.namespace, key.name)
}
