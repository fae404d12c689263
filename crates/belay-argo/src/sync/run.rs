//! Running a batch of tasks: decide on each request, send them stage by stage, note what came of them.

use std::collections::HashMap;
use std::sync::Arc;

use belay_apply::{
    ApplyError, ApplySettings, Performed, StageSettings, Written, carry_out_stage, delete_hook, release_hook,
};
use belay_diff::Ignored;
use belay_manifest::{Object, ObjectKey};
use belay_plan::sync::{Action, Batch, Code, Progress, Prune, Stand, Task, Turn, Write, write};

use super::judged;
use super::results::{applied_message, outcome};
use super::settings::Options;
use crate::compare::compare_options;
use crate::context::{Context, FIELD_MANAGER};

/// What a batch came to, besides the results of its tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ran {
    /// Something has to go, or to be confirmed, before the batch can end.
    pub(super) waits: bool,
    /// Something was written.
    pub(super) wrote: bool,
}

/// How the requests of a sync are made.
pub(super) struct Means<'a> {
    pub(super) context: &'a Context,
    pub(super) app: ObjectKey,
    pub(super) ignored: &'a Arc<Ignored>,
    pub(super) options: &'a Options,
    pub(super) stage: StageSettings,
}

impl<'a> Means<'a> {
    pub(super) fn new(
        context: &'a Context,
        app: ObjectKey,
        ignored: &'a Arc<Ignored>,
        options: &'a Options,
        migrate_from: &str,
    ) -> Means<'a> {
        let stage = StageSettings {
            apply: ApplySettings {
                manager: FIELD_MANAGER.to_owned(),
                in_flight: context.settings.in_flight,
                propagation: options.propagation(),
            },
            compare: compare_options(),
            ignored: ignored.clone(),
            migrate_from: (!options.has("ClientSideApplyMigration=false")).then(|| migrate_from.to_owned()),
        };
        Means { context, app, ignored, options, stage }
    }

    /// Runs the batch.
    pub(super) async fn run(&self, progress: &mut Progress<'_>, batch: &Batch) -> Ran {
        if progress.settings().dry_run {
            self.rehearse(progress, batch);
            return Ran::default();
        }
        let writes = self.writes(progress, batch);
        let Some(stages) = progress.stages(batch, writes) else {
            return Ran { waits: true, wrote: false };
        };
        let refused = judged::refused(self, progress, &stages).await;
        if !refused.is_empty() {
            for (place, error) in refused {
                let task = &mut progress.tasks[place];
                if let Some(outcome) = outcome(task, Err(error)) {
                    task.note(outcome.code, outcome.stand, outcome.message);
                }
            }
            return Ran::default();
        }
        let mut ran = Ran::default();
        for stage in stages {
            let outcomes = carry_out_stage(&stage, &progress.tasks, &self.context.live, &self.stage).await;
            let mut failed = false;
            for (place, done) in outcomes {
                match &done {
                    Ok(Performed::HookGoing) => ran.waits = true,
                    Ok(Performed::Pruned) => ran.wrote = true,
                    Ok(Performed::Written(written)) if written.how.is_change() => {
                        ran.wrote = true;
                        let task = &progress.tasks[place];
                        if let Some(target) = &task.target {
                            let (desired, version) = (target.clone(), &written.version);
                            self.context.remember_written(&self.app, &task.key, desired, version);
                        }
                    }
                    _ => {}
                }
                let task = &mut progress.tasks[place];
                if let Some(outcome) = outcome(task, done) {
                    failed |= outcome.code == Some(Code::SyncFailed);
                    task.note(outcome.code, outcome.stand, outcome.message);
                }
            }
            if stage.is_gate && (failed || ran.waits) {
                break;
            }
        }
        ran
    }

    /// The request of each task that writes.
    fn writes(&self, progress: &Progress<'_>, batch: &Batch) -> HashMap<usize, Action> {
        let with_target = batch.tasks.iter().filter(|place| !progress.tasks[**place].is_prune());
        with_target.map(|place| (*place, self.write_of(&progress.tasks[*place], progress))).collect()
    }

    fn write_of(&self, task: &Task, progress: &Progress<'_>) -> Action {
        let Some(target) = task.target.as_deref() else { return Action::Keep("has no target") };
        let schema = self.context.schemas.of(&target.gvk(), &self.context.live);
        let kept = match task.live.as_deref() {
            Some(live)
                if self.options.has("RespectIgnoreDifferences=true") && self.ignored.concerns(live) =>
            {
                Some(self.ignored.keep_live(target, live))
            }
            _ => None,
        };
        let target = kept.as_ref().unwrap_or(target);
        // A hook of an earlier sync that is to go first is made anew.
        let anew = task.is_deleted_first().then(|| Task { live: None, ..task.clone() });
        let task = anew.as_ref().unwrap_or(task);
        let options = &self.stage.compare;
        match write(task, target, schema.as_deref(), progress.settings(), options, self.ignored) {
            // The apply itself changes nothing, but whoever the API server asks about it does.
            Ok(Write::Nothing { server_side: true }) if self.is_changed_by_webhooks(task, target) => {
                Action::Write(Write::Apply { object: target.clone(), force: false })
            }
            Ok(write) => Action::Write(write),
            Err(error) => Action::Refuse(belay_causes::chain(&error)),
        }
    }

    /// Whether an object differs although an apply alone would change nothing of it.
    fn is_changed_by_webhooks(&self, task: &Task, target: &Object) -> bool {
        let tried = self.context.tried(&self.app);
        let was_tried =
            task.live.as_deref().is_some_and(|live| tried.answer(&task.key, target, live).is_some());
        was_tried && !self.context.seen(&self.app).known(&task.key).is_empty()
    }

    /// Says what would be done, in the words of `kubectl --dry-run=client`.
    fn rehearse(&self, progress: &mut Progress<'_>, batch: &Batch) {
        for place in &batch.tasks {
            let task = &progress.tasks[*place];
            let (code, message) = if task.is_prune() {
                let stays = task.live.as_deref().map(|live| progress.settings().prune_of(live));
                match (progress.settings().prune, stays) {
                    (false, _) => (Code::PruneSkipped, "ignored (requires pruning)".to_owned()),
                    (true, Some(Prune::Disabled)) => (Code::PruneSkipped, "ignored (no prune)".to_owned()),
                    (true, _) => (Code::Pruned, "pruned (dry run)".to_owned()),
                }
            } else {
                let written = match self.write_of(task, progress) {
                    Action::Write(Write::Nothing { .. }) => Written::Unchanged,
                    Action::Write(Write::Create(_)) => Written::Created,
                    Action::Write(Write::Apply { .. }) if task.live.is_none() => Written::Created,
                    Action::Write(Write::Replace { .. }) => Written::Replaced,
                    _ => Written::Configured,
                };
                (Code::Synced, format!("{} (dry run)", applied_message(task, written)))
            };
            progress.tasks[*place].note(Some(code), Stand::Succeeded, message);
        }
    }

    /// Lets the hook of an operation that is over go, and deletes it. What fails here the next operation tries again.
    pub(super) async fn let_go(&self, hook: &Object, is_deleted: bool) {
        let done = match is_deleted {
            true => self.delete(hook).await,
            false => release_hook(hook, &self.context.live).await,
        };
        if let Err(error) = done {
            tracing::warn!(hook = %hook.key(), error = error.reason(), "a hook that nobody waits for is not let go");
        }
    }

    /// Deletes a hook, and lets it go then. The other way round, a hook that still runs would be nobody's when its deletion
    /// fails.
    async fn delete(&self, hook: &Object) -> Result<(), ApplyError> {
        delete_hook(hook, &self.context.live, &self.stage.apply).await?;
        release_hook(hook, &self.context.live).await
    }

    /// Lets finished hooks go, and deletes those whose policy says so.
    pub(super) async fn clean_up(&self, progress: &mut Progress<'_>, turn: &Turn) {
        if progress.settings().dry_run {
            return;
        }
        for place in &turn.delete {
            let Some(hook) = progress.tasks[*place].live.clone() else { continue };
            if let Err(error) = self.delete(&hook).await {
                note_failure(progress, *place, "failed to delete resource", &error);
            }
        }
        for place in turn.release.iter().filter(|place| !turn.delete.contains(place)) {
            let Some(hook) = progress.tasks[*place].live.clone() else { continue };
            if let Err(error) = release_hook(&hook, &self.context.live).await {
                note_failure(progress, *place, "Failed to remove hook finalizer", &error);
            }
        }
    }
}

fn note_failure(progress: &mut Progress<'_>, place: usize, what: &str, error: &ApplyError) {
    let code = progress.tasks[place].result.code;
    progress.tasks[place].note(code, Stand::Error, format!("{what}: {}", error.reason()));
}
