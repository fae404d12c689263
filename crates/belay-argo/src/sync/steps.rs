//! The steps of one operation, as far as they can be walked now.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use belay_argo_api::{Application, OperationPhase, OperationState};
use belay_diff::Ignored;
use belay_health::argo::Status;
use belay_manifest::{Object, ObjectKey};
use belay_plan::sync::{
    Batch, Code, DeletePolicy, End, HOOK_FINALIZER, HOOK_MARK, Health, Next, Pair, Progress, Purpose,
    Settings, Stand, Task, Turn, delete_policies, runs_in_sync, tasks,
};
use jiff::Timestamp;
use serde_json::Value;

use super::operation::{Current, Resume, conclude, current, is_another, result, resume, sync_of};
use super::run::{Means, Ran};
use super::settings::{Options, options_of, settings};
use super::{check, namespace, results, room};
use crate::compare::{Comparison, compare};
use crate::context::Context;
use crate::fault::Fault;
use crate::health::health;
use crate::prepare::Prepared;
use crate::project::Bounds;
use crate::sources::Sources;
use crate::tracking::{Target, live_objects};
use crate::write;

/// The manager that `kubectl apply` writes as.
const CLIENT_SIDE_MANAGER: &str = "kubectl-client-side-apply";
const MIGRATION_MANAGER: &str = "argocd.argoproj.io/client-side-apply-migration-manager";

/// Everything that a sync is about.
pub(crate) struct Scene<'a> {
    pub(crate) context: &'a Context,
    /// The app, as the API server has it.
    pub(crate) object: &'a Object,
    pub(crate) app: &'a Application,
    pub(crate) target: &'a Target,
    /// What Git says at the operation's revision.
    pub(crate) prepared: &'a Prepared,
    pub(crate) ignored: &'a Arc<Ignored>,
    /// What the app may touch.
    pub(crate) bounds: &'a Bounds,
    /// The operation's sources.
    pub(crate) sources: &'a Sources,
    /// The commit of each.
    pub(crate) revisions: &'a [String],
    /// What ends the operation, if it is not a person.
    pub(crate) ended_by: Option<&'static str>,
}

/// How a walk through the steps ended.
enum Walk {
    /// The operation is over.
    Over,
    /// It waits for a change, or for this long.
    Waits(Option<Duration>),
}

/// Goes on with an operation as far as it can now. Gives when it wants another look by itself.
pub(crate) async fn go_on(scene: &Scene<'_>, state: &mut OperationState, now: Timestamp) -> Option<Duration> {
    if let Resume::Wait(pause) = resume(state, now) {
        return Some(pause);
    }
    let is_terminating = state.phase == OperationPhase::Terminating;
    if !is_terminating && let Some(pause) = scene.context.pause_left(&scene.object.key()) {
        return Some(pause);
    }
    result(state, scene.sources, scene.revisions);
    room::complete(state, scene.context.overflow(&scene.object.key(), state));
    // As in the original, names that are made of the revision have none when there are several.
    let revision = scene.revisions.first().filter(|_| !scene.sources.is_many());
    let settings = settings(scene.app, scene.object, state, revision.map(String::as_str).unwrap_or_default());
    let options = options_of(scene.app, &sync_of(state));
    let walked = if is_terminating {
        terminate(scene, state, &settings, &options).await
    } else {
        walk(scene, state, &settings, &options).await
    };
    let managed = scene.app.spec.sync_policy.as_ref();
    if let Some(result) = &mut state.sync_result {
        result.managed_namespace_metadata =
            managed.and_then(|policy| policy.managed_namespace_metadata.clone());
    }
    match walked {
        Walk::Over => {
            if let Some(cause) = scene.ended_by.filter(|_| is_terminating) {
                state.message = format!("{}, triggered by {cause}", state.message);
            }
            conclude(state, is_terminating, now);
            super::operation::retry_in(state, now)
        }
        Walk::Waits(pause) => pause,
    }
}

/// Begins to end an operation that takes too long. Gives the cause, for its last message.
pub(crate) fn overdue(state: &mut OperationState) -> &'static str {
    state.phase = OperationPhase::Terminating;
    state.message = "operation is terminating due to timeout".to_owned();
    "controller sync timeout"
}

/// Ends an operation whose app cannot be compared.
pub(crate) fn fail(state: &mut OperationState, fault: &Fault, now: Timestamp) -> Option<Duration> {
    refuse(state, fault.of_operation(), now)
}

/// Ends an operation that cannot be carried out, unless it waits for its retry.
pub(crate) fn refuse(state: &mut OperationState, reason: String, now: Timestamp) -> Option<Duration> {
    if let Resume::Wait(pause) = resume(state, now) {
        return Some(pause);
    }
    let is_terminating = state.phase == OperationPhase::Terminating;
    state.phase = OperationPhase::Error;
    state.message = reason;
    conclude(state, is_terminating, now);
    super::operation::retry_in(state, now)
}

async fn walk(scene: &Scene<'_>, state: &mut OperationState, settings: &Settings, options: &Options) -> Walk {
    let annotation = scene.object.annotation(MIGRATION_MANAGER).filter(|name| !name.is_empty());
    let migrate_from = annotation.unwrap_or(CLIENT_SIDE_MANAGER);
    let means = Means::new(scene.context, scene.object.key(), scene.ignored, options, migrate_from);
    let mut is_first = state.sync_result.as_ref().is_none_or(|result| result.resources.is_empty());
    loop {
        watch_new_kinds(scene).await;
        let comparison = comparison(scene, settings);
        if options.has("FailOnSharedResource=true")
            && let Some((key, other)) = comparison.shared.first()
        {
            state.phase = OperationPhase::Failed;
            let message = crate::status::shared_message(scene.object, key, other);
            state.message = format!("Shared resource found: {message}");
            return Walk::Over;
        }
        let mut progress = Progress::new(made(scene, state, &comparison, settings, options), settings);
        if is_first {
            is_first = false;
            let_go_of_strays(scene, &means, &progress).await;
            if let Some(walked) = begin(scene, state, &means, &mut progress).await {
                return walked;
            }
            if state.sync_result.as_ref().is_some_and(|result| !result.resources.is_empty()) {
                // The namespace has just been made; everything else is compared anew.
                continue;
            }
        }
        // The project may have changed since the sync began.
        if let Some(message) = progress.invalid() {
            record(state, &progress);
            (state.phase, state.message) = (OperationPhase::Failed, message);
            return Walk::Over;
        }
        let differing: HashSet<&ObjectKey> =
            comparison.objects.iter().filter(|one| one.is_out_of_sync()).map(|one| &one.key).collect();
        let differs = |task: &Task| differing.contains(&task.key);
        let turn = progress.advance(&|live: &Object| health_of(scene.context, live), &differs);
        let Some((turn, ran)) = carry_on(scene, state, &means, &mut progress, turn).await else {
            return Walk::Waits(Some(write::AFTER_FAILURE));
        };
        record(state, &progress);
        match turn.next {
            Next::Finish { end, message } => {
                state.phase = match end {
                    End::Succeeded => OperationPhase::Succeeded,
                    End::Failed => OperationPhase::Failed,
                };
                state.message = message;
                return Walk::Over;
            }
            Next::Wait(message) => state.message = message,
            Next::Run(_) => {}
        }
        state.phase = OperationPhase::Running;
        match ran {
            // Nothing was run, or something has to happen first: a change brings the next look.
            None => return Walk::Waits(None),
            Some((_, ran)) if ran.waits => return Walk::Waits(None),
            // Others get a moment to react before their health is judged.
            Some((Purpose::Wave { is_last: false }, ran)) if ran.wrote => {
                return Walk::Waits(Some(scene.context.pause(&scene.object.key())));
            }
            Some((_, ran)) if ran.wrote => return Walk::Waits(Some(Duration::from_millis(200))),
            Some(_) => {}
        }
    }
}

/// Kinds that a definition of this sync has brought are watched from now on.
async fn watch_new_kinds(scene: &Scene<'_>) {
    for kind in scene.prepared.kinds() {
        if scene.context.live.kinds().known(&kind).is_some()
            && let Err(error) = scene.context.live.ensure(&kind).await
        {
            tracing::warn!(%kind, %error, "not watched yet");
        }
    }
}

/// Before anything else: is all of it valid, is the namespace there, does everything fit its kind?
async fn begin(
    scene: &Scene<'_>,
    state: &mut OperationState,
    means: &Means<'_>,
    progress: &mut Progress<'_>,
) -> Option<Walk> {
    let over = |state: &mut OperationState, progress: &Progress<'_>, message: String| {
        record(state, progress);
        state.phase = OperationPhase::Failed;
        state.message = message;
        Some(Walk::Over)
    };
    if let Some(message) = progress.invalid() {
        return over(state, progress, message);
    }
    let mut faults = false;
    for place in 0..progress.tasks.len() {
        if let Some(message) = check::fault(scene.context, &progress.tasks[place], progress.settings()) {
            faults = true;
            progress.tasks[place].note(Some(Code::SyncFailed), Stand::Failed, message);
        }
    }
    if faults {
        return over(state, progress, "one or more objects failed to apply (dry run)".to_owned());
    }
    if progress.settings().dry_run {
        let all =
            Batch { tasks: (0..progress.tasks.len()).collect(), purpose: Purpose::Wave { is_last: true } };
        means.run(progress, &all).await;
        record(state, progress);
        return None;
    }
    if has_steps(progress) || takes_a_place(scene.app, state) {
        // Whoever goes on with this sync has to know that it began, and when.
        state.message = "one or more tasks are running".to_owned();
        if !write::operation(scene.context, scene.object, state).await {
            return Some(Walk::Waits(Some(write::AFTER_FAILURE)));
        }
    }
    let batch = progress.namespace_batch()?;
    means.run(progress, &batch).await;
    let turn = progress.settle(&batch, false);
    record(state, progress);
    match turn.next {
        Next::Finish { message, .. } => over(state, progress, message),
        _ => None,
    }
}

/// Whether another operation is recorded as running, which would be gone on with, to older revisions perhaps.
fn takes_a_place(app: &Application, state: &OperationState) -> bool {
    match current(app) {
        Current::Running(known) => is_another(&known, state),
        Current::Asked(_) | Current::Nothing => false,
    }
}

/// Whether the sync may take longer than one look.
fn has_steps(progress: &Progress<'_>) -> bool {
    let first = progress.tasks.first().map(|task| (task.phase, task.wave));
    progress.tasks.iter().any(|task| task.is_hook() || Some((task.phase, task.wave)) != first)
}

/// Does what a turn says, and what follows from that at once. Gives what is next and what was run; nothing if it cannot go on
/// now.
async fn carry_on(
    scene: &Scene<'_>,
    state: &mut OperationState,
    means: &Means<'_>,
    progress: &mut Progress<'_>,
    turn: Turn,
) -> Option<(Turn, Option<(Purpose, Ran)>)> {
    clean_up(scene, state, means, progress, &turn).await?;
    let Next::Run(batch) = turn.next else { return Some((turn, None)) };
    let mut ran = means.run(progress, &batch).await;
    let mut purpose = batch.purpose.clone();
    let mut turn = progress.settle(&batch, ran.waits);
    if let Next::Run(follow_up) = &turn.next {
        let follow_up = follow_up.clone();
        ran = means.run(progress, &follow_up).await;
        purpose = follow_up.purpose.clone();
        turn = progress.settle(&follow_up, ran.waits);
    }
    clean_up(scene, state, means, progress, &turn).await?;
    Some((turn, Some((purpose, ran))))
}

/// Lets go of hooks that have ended. That they have is noted before: who goes on with this sync would run them again.
async fn clean_up(
    scene: &Scene<'_>,
    state: &mut OperationState,
    means: &Means<'_>,
    progress: &mut Progress<'_>,
    turn: &Turn,
) -> Option<()> {
    if turn.release.is_empty() && turn.delete.is_empty() {
        return Some(());
    }
    let known = state.sync_result.clone();
    record(state, progress);
    let is_noted = progress.settings().dry_run || state.sync_result == known;
    if !is_noted && !write::operation(scene.context, scene.object, state).await {
        return None;
    }
    means.clean_up(progress, turn).await;
    Some(())
}

/// What Git says at the operation's revision, beside what is live now.
fn comparison(scene: &Scene<'_>, settings: &Settings) -> Comparison {
    let key = scene.object.key();
    compare(scene.context, &key, scene.prepared, scene.target, settings, scene.ignored, scene.bounds)
}

fn made(
    scene: &Scene<'_>,
    state: &OperationState,
    comparison: &Comparison,
    settings: &Settings,
    options: &Options,
) -> Vec<Task> {
    let sync = sync_of(state);
    let pairs: Vec<Pair> = comparison
        .objects
        .iter()
        .filter(|one| sync.resources.is_empty() || is_selected(&one.key, &sync.resources))
        .map(|one| Pair { key: one.key.clone(), target: one.target.clone(), live: one.live.clone() })
        .collect();
    let namespace = namespace::wanted(scene.context, scene.app, options, scene.prepared);
    let results = state.sync_result.as_ref().map(|result| &result.resources[..]).unwrap_or_default();
    let results = results::read(results, &settings.namespace);
    let live = |key: &ObjectKey| scene.context.live.get(key);
    let mut tasks = tasks(&pairs, &comparison.hooks, namespace, &live, &results, settings);
    adopt_hooks(&mut tasks, settings);
    check::note_unknown_kinds(scene.context, scene.prepared, &mut tasks, settings);
    check::note_refused(scene.context, scene.bounds, &mut tasks);
    tasks
}

/// Hooks of operations that are over: a newer one took their place, or the process died before it had taken them away. They
/// are let go, and deleted as their policies say; one that still runs is deleted, because nobody waits for it any more.
async fn let_go_of_strays(scene: &Scene<'_>, means: &Means<'_>, progress: &Progress<'_>) {
    if progress.settings().dry_run {
        return;
    }
    let of_this_sync: HashSet<&ObjectKey> = progress.tasks.iter().map(|task| &task.key).collect();
    for hook in live_objects(scene.context, scene.target) {
        if !runs_in_sync(&hook) || of_this_sync.contains(&hook.key()) {
            continue;
        }
        let is_held = is_held(&hook);
        let goes = match health_of(scene.context, &hook) {
            Health::None | Health::Healthy(_) => {
                delete_policies(&hook).contains(&DeletePolicy::HookSucceeded)
            }
            Health::Degraded(_) => delete_policies(&hook).contains(&DeletePolicy::HookFailed),
            // Somebody else may be waiting for it.
            Health::Progressing(_) | Health::Unknown(_) => is_held || hook.annotation(HOOK_MARK).is_some(),
        };
        if is_held || goes {
            means.let_go(&hook, goes).await;
        }
    }
}

/// A hook that this sync made, but whose making was not noted any more, is not run twice, nor left behind.
fn adopt_hooks(tasks: &mut [Task], settings: &Settings) {
    for task in tasks.iter_mut().filter(|task| task.is_hook() && task.is_pending()) {
        if task.live.as_deref().is_some_and(|live| is_of_this_try(live, settings)) {
            task.note(Some(Code::Synced), Stand::Running, "");
        }
    }
}

fn is_of_this_try(hook: &Object, settings: &Settings) -> bool {
    if let (Some(mark), Some(ours)) = (hook.annotation(HOOK_MARK), &settings.hook_mark) {
        return mark == ours;
    }
    // Argo CD made it. One of an earlier sync, or of an earlier try, was let go of when it ended. Times alone do not tell:
    // they are whole seconds, of two clocks.
    let created = hook.value().pointer("/metadata/creationTimestamp").and_then(Value::as_str);
    let created = created.and_then(|text| text.parse::<Timestamp>().ok());
    is_held(hook) && created.is_some_and(|created| created.as_second() >= settings.started)
}

/// Whether nobody has let go of a hook yet.
fn is_held(hook: &Object) -> bool {
    hook.finalizers().any(|name| name == HOOK_FINALIZER)
}

fn is_selected(key: &ObjectKey, resources: &[belay_argo_api::SyncOperationResource]) -> bool {
    resources.iter().any(|resource| {
        resource.group == key.group
            && resource.kind == key.kind
            && resource.name == key.name
            && (resource.namespace.is_empty() || resource.namespace == key.namespace)
    })
}

fn record(state: &mut OperationState, progress: &Progress<'_>) {
    if let Some(result) = &mut state.sync_result {
        results::write(&progress.tasks, &progress.settings().namespace, &mut result.resources);
    }
}

fn health_of(context: &Context, live: &Object) -> Health {
    match health(context, live) {
        None => Health::None,
        Some(health) => match health.status {
            Status::Healthy => Health::Healthy(health.message),
            Status::Progressing | Status::Suspended => Health::Progressing(health.message),
            Status::Degraded => Health::Degraded(health.message),
            Status::Missing | Status::Unknown => Health::Unknown(health.message),
        },
    }
}

/// Ends the operation because somebody wants it: running hooks are let go and deleted.
async fn terminate(
    scene: &Scene<'_>,
    state: &mut OperationState,
    settings: &Settings,
    options: &Options,
) -> Walk {
    let means = Means::new(scene.context, scene.object.key(), scene.ignored, options, CLIENT_SIDE_MANAGER);
    let comparison = comparison(scene, settings);
    let mut progress = Progress::new(made(scene, state, &comparison, settings, options), settings);
    let hooks: Vec<usize> = (0..progress.tasks.len())
        .filter(|place| progress.tasks[*place].is_hook() && !progress.tasks[*place].is_pending())
        .collect();
    let mut running = Vec::new();
    for place in &hooks {
        let task = &mut progress.tasks[*place];
        if !task.is_running() {
            continue;
        }
        let code = task.result.code;
        match task.live.as_deref().map(|live| health_of(scene.context, live)) {
            None => task.note(code, Stand::Succeeded, "Terminated"),
            Some(Health::None | Health::Healthy(_)) => task.note(code, Stand::Succeeded, ""),
            Some(Health::Degraded(message)) => task.note(code, Stand::Failed, message),
            Some(Health::Progressing(_) | Health::Unknown(_)) => {
                running.push(*place);
                task.note(code, Stand::Failed, "Terminated");
            }
        }
    }
    let turn = Turn { release: hooks, delete: running, next: Next::Wait(String::new()) };
    means.clean_up(&mut progress, &turn).await;
    let has_errors =
        progress.tasks.iter().any(|task| task.is_hook() && task.result.stand == Some(Stand::Error));
    record(state, &progress);
    (state.phase, state.message) = if has_errors {
        (OperationPhase::Error, "Operation termination had errors".to_owned())
    } else {
        (OperationPhase::Failed, "Operation terminated".to_owned())
    };
    Walk::Over
}
