//! What happened to an app and why, noted in the ledger.

use belay_argo_api::{Application, ApplicationStatus, OperationState};
use belay_diff::Drift;
use belay_ledger::{Contest, Decision, Entry, Rule, Trigger};
use belay_manifest::ObjectKey;
use jiff::Timestamp;

use crate::context::Context;
use crate::events;
use crate::reconcile::SKIP;
use crate::sources::revision_list;

/// What caused a look at an app to matter.
pub(crate) struct Evidence<'a> {
    pub(crate) context: &'a Context,
    /// The app.
    pub(crate) key: &'a ObjectKey,
    /// The commits that were rendered.
    pub(crate) revisions: &'a [String],
    /// What Git says otherwise than at the last sync.
    pub(crate) changes: Option<&'a [String]>,
    /// What others changed since.
    pub(crate) drift: &'a [Drift],
    /// Now.
    pub(crate) now: Timestamp,
}

impl Evidence<'_> {
    /// A sync begins by the app's own policy.
    pub(crate) fn synced(&self, is_heal: bool) {
        let by = if is_heal { "self-heal" } else { "automated policy" };
        self.note(self.trigger(), Decision::Sync { by: by.to_owned() });
    }

    /// A sync begins because somebody asked.
    pub(crate) fn asked(&self, state: &OperationState) {
        let name = state.operation.initiated_by.as_ref().map(|by| by.username.clone()).unwrap_or_default();
        self.note(Trigger::User { name }, Decision::Sync { by: "on request".to_owned() });
    }

    /// Something differs, and is left.
    pub(crate) fn left(&self, rule: Rule, message: impl Into<String>) {
        self.note(self.trigger(), Decision::Leave { rule, message: message.into() });
    }

    /// Nothing differs, and nothing is under way.
    pub(crate) fn settled(&self) {
        self.context.settings.ledger.settled(&app_name(self.key), &self.revisions.join(" "), self.now);
    }

    /// Who changes back what was healed again and again, if it differs now.
    pub(crate) fn contest(&self) -> Option<Contest> {
        self.context.settings.ledger.contest(&app_name(self.key), self.drift, self.now)
    }

    fn trigger(&self) -> Trigger {
        if let Some(files) = self.changes {
            let commit = self.context.recall(self.key, |memory| memory.commits.first().cloned());
            let (subject, author) = commit.map(|commit| (commit.subject, commit.author)).unwrap_or_default();
            return Trigger::Commit { subject, author, files: files.to_vec() };
        }
        match self.drift {
            [] => Trigger::Look,
            drift => Trigger::Drift { fields: drift.to_vec() },
        }
    }

    fn note(&self, trigger: Trigger, decision: Decision) {
        note(self.context, self.key, self.now, self.revisions.join(" "), trigger, decision);
    }
}

/// An operation has just ended.
pub(crate) fn ended(
    context: &Context,
    key: &ObjectKey,
    app: &Application,
    status: &ApplicationStatus,
    now: Timestamp,
) {
    let Some(state) = events::just_ended(app, status) else { return };
    let result = state.sync_result.as_ref();
    let revisions = result.map(|result| revision_list(&result.revision, &result.revisions).join(" "));
    let decision = Decision::Finish { phase: state.phase.to_string(), message: state.message.clone() };
    note(context, key, now, revisions.unwrap_or_default(), Trigger::Operation, decision);
    let is_dry_run = state.operation.sync.as_ref().is_some_and(|sync| sync.dry_run);
    let seconds = |time: Option<Timestamp>| time.map_or(0.0, |time| time.as_duration().as_secs_f64());
    let took = seconds(state.finished_at.get()) - seconds(state.started_at.get());
    let name = context.counted_name(app);
    context.settings.metrics.app_synced(&name, &state.phase.to_string(), is_dry_run, took);
}

/// The app cannot be compared, and stays as it is.
pub(crate) fn not_compared(context: &Context, key: &ObjectKey, message: &str, now: Timestamp) {
    let decision = Decision::Leave { rule: Rule::Source, message: message.to_owned() };
    note(context, key, now, String::new(), Trigger::Look, decision);
}

/// The app's own resource says that it is to be left alone.
pub(crate) fn held(context: &Context, key: &ObjectKey) {
    let trigger = Trigger::State { what: format!("`{SKIP}` is set") };
    let decision = Decision::Leave { rule: Rule::Hold, message: "skipped".to_owned() };
    note(context, key, belay_cluster::now(), String::new(), trigger, decision);
}

fn note(
    context: &Context,
    key: &ObjectKey,
    time: Timestamp,
    revision: String,
    trigger: Trigger,
    decision: Decision,
) {
    context.settings.ledger.record(Entry { time, app: app_name(key), revision, trigger, decision });
}

/// The name by which commands know the app.
fn app_name(key: &ObjectKey) -> String {
    format!("app/{}/{}", key.namespace, key.name)
}
