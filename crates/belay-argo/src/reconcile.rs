//! One look at one Application: read → check → source → render → compare → decide → sync → report.

use std::sync::Arc;
use std::time::Duration;

use belay_argo_api::{Application, OperationPhase, OperationState};
use belay_cluster::{for_app, step};
use belay_diff::Ignored;
use belay_ledger::Rule;
use belay_manifest::{Object, ObjectKey};
use belay_metrics::AppName;
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::compare::{Comparison, compare, ignored, refused_rules, try_applies};
use crate::context::{Context, asks_for_work};
use crate::decide::{Decision, Situation, decide, is_heal, resting, supersede};
use crate::desired::{self, Asked, Desired, Purpose};
use crate::evidence::{self, Evidence};
use crate::fault::Fault;
use crate::project::{Asking, Bounds, Checked, Windows};
use crate::sources::{Sources, revision_list};
use crate::status::{Found, Outcome, condition, shared_message};
use crate::sync::{self, Current, Scene, compare_settings, counts_webhooks};
use crate::tracking::Target;
use crate::{deletion, drift, events, orphans, project, status, traces, write};

/// How soon a fault that may pass is looked at again.
const AFTER_FAULT: Duration = Duration::from_secs(10);
/// What an operation says that a sync window holds back.
const BLOCKED: &str = "Sync operation blocked by sync window";
/// How long Git is waited for when an app is deleted.
const LONGEST_SEARCH: Duration = Duration::from_secs(15);
/// How soon a field is looked at again that somebody else sets each time it is healed.
const WHILE_CONTESTED: Duration = Duration::from_secs(5 * 60);
/// How soon a running operation is looked at again when nothing changes.
const WHILE_RUNNING: Duration = Duration::from_secs(10);

/// Looks at the app, acts, writes its status. Gives when to look again.
pub(crate) async fn reconcile(context: &Context, key: &ObjectKey) -> Option<Duration> {
    let object = context.home.get(key)?;
    if !is_enabled(context, key) {
        return None;
    }
    let app: Application = match serde_json::from_value(object.value().clone()) {
        Ok(app) => app,
        Err(error) => {
            tracing::warn!(app = %key, %error, "application cannot be read");
            return None;
        }
    };
    let found = context.clusters.find(&app.spec.destination, context.system().in_cluster_enabled);
    let context = &context.at(match &found {
        Ok(cluster) => cluster.clone(),
        Err(_) => Arc::new(context.clusters.nowhere()),
    });
    if context.cluster.skips {
        return None;
    }
    if !object.value()["metadata"]["deletionTimestamp"].is_null() {
        return deletion::finish(context, &object, &app, found.err()).await;
    }
    if object.annotation("argocd.argoproj.io/skip-reconcile") == Some("true") {
        return None;
    }
    let work = async {
        let seen = match found {
            Ok(_) => look(context, &object, &app).await,
            Err(none) => project::check(context, &object, &app, Some(&none))
                .and_then(|_checked| Err(Fault::spec(none.message))),
        };
        match seen {
            Ok(again) => again,
            Err(fault) => give_up(context, &object, &app, fault).await,
        }
    };
    let (name, began) = (counted_name(context, &app), Instant::now());
    let again = for_app(name.clone(), work).await;
    context.settings.metrics.app_reconciled(&name, began.elapsed());
    Some(again)
}

/// The app's name where it is counted.
pub(crate) fn counted_name(context: &Context, app: &Application) -> AppName {
    AppName {
        namespace: app.metadata.namespace.clone(),
        name: app.metadata.name.clone(),
        project: app.spec.project_name().to_owned(),
        server: context.cluster.server.clone(),
    }
}

/// Whether Applications of this namespace are anybody's business here: the control plane's, and those that are enabled.
fn is_enabled(context: &Context, key: &ObjectKey) -> bool {
    key.namespace == context.settings.namespace
        || project::is_named(&context.system().parameters.application_namespaces, &key.namespace)
}

/// One look, kept on the heap: it holds more than the stack of a worker has to spare.
#[inline(never)]
fn look<'a>(
    context: &'a Context,
    object: &'a Object,
    app: &'a Application,
) -> BoxFuture<'a, Result<Duration, Fault>> {
    Box::pin(look_at(context, object, app))
}

async fn look_at(context: &Context, object: &Object, app: &Application) -> Result<Duration, Fault> {
    context.settings.live.checked().map_err(|error| Fault::comparison(error.to_string()))?;
    let Checked { sources, bounds } = project::check(context, object, app, None)?;
    let windows = Windows::of(&bounds.project.windows, app);
    let target = target(context, object, app);
    traces::watch(context, app).await?;
    orphans::watch(context, object, app, &bounds, &target).await;
    let desired = step("render", read_desired(context, object, app, &sources, &target)).await?;
    if is_outdated(context, object) {
        return Ok(Duration::ZERO);
    }
    deletion::keep_finalizers(context, object, &desired.prepared).await;
    let ignored = ignored(app, &target.system)?;
    let (target, ignored) = (&target, &ignored);
    let (bounds, windows) = (&bounds, &windows);
    if let Some(refused) = refused_rules(&target.system, &desired.prepared) {
        return Err(refused);
    }
    let view = View { context, object, app, sources: &sources, target, ignored, bounds, windows };
    step("compare", view.try_applies(&desired)).await?;
    let before = step("compare", async { view.compare(&desired) }).await;
    let changes = changes(context, app, &sources, &desired).await;
    let drift = match &changes {
        Some(_) => Vec::new(),
        None => drift::note(context, object, app, &before).await,
    };
    let (now, revisions) = (belay_cluster::now(), desired.revisions());
    let evidence = Evidence {
        context,
        key: &object.key(),
        revisions: &revisions,
        changes: changes.as_deref(),
        drift: &drift,
        now,
    };
    let (running, asked) = match sync::current(app) {
        Current::Running(state) => (Some(*state), None),
        Current::Asked(operation) => (None, Some(sync::start(*operation, now))),
        Current::Nothing => (None, None),
    };
    let is_free =
        running.as_ref().is_none_or(|state| changes.is_some() && sync::may_be_superseded(state, &revisions));
    let Choice { operation: asked, error: sync_error, wait } = match asked {
        Some(state) => {
            evidence.asked(&state);
            Choice { operation: Some(state), ..Choice::default() }
        }
        None if is_free => view.choose(&evidence, &before, running.is_some()).await,
        None => Choice::default(),
    };
    let operation = asked.or(running);
    let (operation, again) = match operation {
        None => (None, wait),
        Some(mut state) => {
            let again = step("apply", view.carry_out(&mut state, Some(&desired), now)).await;
            (Some(state), again)
        }
    };
    let after = match &operation {
        Some(_) => {
            // What has been done is told in any case.
            if let Err(fault) = view.try_applies(&desired).await {
                tracing::info!(app = %object.key(), message = fault.message, "compared without webhooks");
            }
            view.compare(&desired)
        }
        None => before,
    };
    let mut conditions = conditions(object, &desired, &after, sync_error);
    let orphans = orphans::warning(context, app, bounds, target, &after);
    conditions.extend(orphans.map(|warning| (condition::ORPHANED, warning)));
    let again = again.unwrap_or_else(|| pace(context, &object.key(), operation.as_ref()));
    let outcome = Outcome::Compared {
        sources: &sources,
        revisions: &revisions,
        source_types: &desired.source_types(),
        comparison: &after,
        conditions,
    };
    let found = Found { outcome, operation };
    Ok(step("report", report(context, object, app, &found)).await.unwrap_or(again))
}

async fn read_desired(
    context: &Context,
    object: &Object,
    app: &Application,
    sources: &Sources,
    target: &Target,
) -> Result<Arc<Desired>, Fault> {
    let (revisions, purpose) = (sources.revisions(&[]), Purpose::Comparison);
    desired::read(context, &Asked { object, app, sources, revisions, target, purpose }).await
}

/// Finds what an app has left in the cluster, for a process that has not looked at it yet: a sync may have been cut off
/// before the status told of its objects, so Git is asked, too.
pub(crate) async fn find_objects(context: &Context, object: &Object, app: &Application) {
    let key = object.key();
    if context.remembered(&key).is_found || context.desired(&key, Purpose::Comparison).is_some() {
        return;
    }
    let read = async {
        let Checked { sources, .. } = project::check(context, object, app, None)?;
        read_desired(context, object, app, &sources, &target(context, object, app)).await
    };
    match tokio::time::timeout(LONGEST_SEARCH, read).await {
        Ok(Ok(_)) => {}
        Ok(Err(fault)) => tracing::info!(app = %key, fault.message, "deleted without asking Git"),
        Err(_late) => tracing::info!(app = %key, "deleted without Git's answer"),
    }
    context.remember(&key, |memory| memory.is_found = true);
}

/// Whether somebody has asked the app for something else while its files were fetched and rendered.
fn is_outdated(context: &Context, object: &Object) -> bool {
    context.home.get(&object.key()).is_none_or(|newest| asks_for_work(object, &newest))
}

/// What is to be done without being asked.
#[derive(Default)]
struct Choice {
    /// What to begin.
    operation: Option<OperationState>,
    /// Why nothing is begun, for the app's conditions.
    error: Option<String>,
    /// When to look again.
    wait: Option<Duration>,
}

/// One app, and how it is compared.
struct View<'a> {
    context: &'a Context,
    object: &'a Object,
    app: &'a Application,
    sources: &'a Sources,
    target: &'a Target,
    ignored: &'a Arc<Ignored>,
    bounds: &'a Bounds,
    windows: &'a Windows,
}

impl View<'_> {
    /// Asks the API server what applies would come to, if the app counts what webhooks change.
    async fn try_applies(&self, desired: &Desired) -> Result<(), Fault> {
        let settings = compare_settings(self.app, self.object, &self.target.system);
        let counts = counts_webhooks(self.object, &self.target.system);
        try_applies(self.context, &self.object.key(), &desired.prepared, &settings, counts).await
    }

    fn compare(&self, desired: &Desired) -> Comparison {
        let settings = compare_settings(self.app, self.object, &self.target.system);
        let key = self.object.key();
        compare(self.context, &key, &desired.prepared, self.target, &settings, self.ignored, self.bounds)
    }

    /// Whether to sync without being asked, and what is told otherwise.
    async fn choose(&self, evidence: &Evidence<'_>, comparison: &Comparison, is_running: bool) -> Choice {
        let (context, now) = (self.context, evidence.now);
        let leave = |rule, message: &str| {
            if !comparison.is_in_sync() {
                evidence.left(rule, message);
            }
        };
        if !self.may_sync_by_itself(now) {
            leave(Rule::Window, "the project's sync windows hold automated syncs back");
            let (error, wait) = (known_sync_error(self.app), self.windows.until_change(now));
            return Choice { operation: None, error, wait };
        }
        let situation = Situation {
            app: self.app,
            sources: self.sources,
            comparison,
            revisions: evidence.revisions,
            revision_has_changes: evidence.changes.is_some(),
            now,
        };
        let decision = if is_running { supersede(&situation) } else { decide(&situation) };
        match decision {
            Decision::Rest(error) => {
                let (rule, message) = match &error {
                    Some(error) => (Rule::Failure, error.as_str()),
                    None => (Rule::Policy, resting(&situation)),
                };
                leave(rule, message);
                Choice { error, ..Choice::default() }
            }
            Decision::Wait(pause) => {
                leave(Rule::Backoff, "the last repair was a moment ago");
                Choice { wait: Some(pause), ..Choice::default() }
            }
            Decision::Sync(operation) => {
                let is_heal = is_heal(&operation);
                if let Some(contest) = evidence.contest().filter(|_| is_heal) {
                    let message = contest.to_string();
                    leave(Rule::Contest, &message);
                    return Choice { operation: None, error: Some(message), wait: Some(WHILE_CONTESTED) };
                }
                evidence.synced(is_heal);
                events::started(context, self.object, evidence.revisions).await;
                Choice { operation: Some(sync::start(*operation, now)), ..Choice::default() }
            }
        }
    }

    /// Whether the sync windows leave an automated sync to the app's policy.
    fn may_sync_by_itself(&self, now: Timestamp) -> bool {
        let asking = Asking { is_manual: false, started: None };
        let permitted = self.windows.permit(asking, now);
        permitted
            .inspect_err(|error| tracing::info!(app = %self.object.key(), %error, "not synced"))
            .unwrap_or(false)
    }

    /// Whether the sync windows hold an operation back, which it then says. One that is to end is let through.
    fn is_held_back(&self, state: &mut OperationState, now: Timestamp) -> bool {
        if state.phase != OperationPhase::Running || sync::operation::waits_for_retry(state, now) {
            return false;
        }
        let automated = state.operation.initiated_by.as_ref().is_some_and(|by| by.automated);
        let asking = Asking { is_manual: !automated, started: state.started_at.get() };
        state.message = match self.windows.permit(asking, now) {
            Ok(true) => return false,
            Ok(false) => BLOCKED.to_owned(),
            Err(error) => format!("{BLOCKED}: {error}"),
        };
        true
    }

    /// Carries the operation on; what it says about revision and source comes before what the spec says.
    async fn carry_out(
        &self,
        state: &mut OperationState,
        desired: Option<&Arc<Desired>>,
        now: Timestamp,
    ) -> Option<Duration> {
        if let Some(reason) = project::refused_operation(&sync::operation::sync_of(state)) {
            return sync::refuse(state, reason, now);
        }
        if self.is_held_back(state, now) {
            return self.windows.until_change(now);
        }
        let wanted = match self.wanted_by(state, desired).await {
            Ok(wanted) => wanted,
            Err(fault) => return sync::fail(state, &fault, now),
        };
        let acting = match self.acting() {
            Ok(acting) => acting,
            Err(reason) => return sync::refuse(state, reason, now),
        };
        let scene = Scene {
            context: acting.as_ref().unwrap_or(self.context),
            object: self.object,
            app: self.app,
            target: self.target,
            prepared: &wanted.prepared,
            ignored: self.ignored,
            sources: &sync::operation::sources(state, self.sources),
            revisions: &wanted.revisions(),
            bounds: self.bounds,
        };
        sync::go_on(&scene, state, now).await
    }

    /// The context in which a sync writes, when that is a service account's.
    fn acting(&self) -> Result<Option<Context>, String> {
        let Some(user) = project::account(&self.target.system, self.bounds, self.app)
            .map_err(|reason| format!("failed to derive service account to impersonate: {reason}"))?
        else {
            if self.target.system.impersonation_enabled && self.target.system.impersonation_enforced {
                return Err(format!(
                    "no matching service account found for destination server {} and namespace {}",
                    self.bounds.cluster.server, self.app.spec.destination.namespace
                ));
            }
            return Ok(None);
        };
        let acting = self.context.acting_as(&user);
        acting
            .map(Some)
            .ok_or_else(|| format!("failed to derive service account to impersonate: {user:?} is no name"))
    }

    async fn wanted_by(
        &self,
        state: &OperationState,
        desired: Option<&Arc<Desired>>,
    ) -> Result<Arc<Desired>, Fault> {
        let local = sync::operation::sync_of(state).manifests;
        if !local.is_empty() {
            return desired::local(self.context, self.target, &local).await;
        }
        let sources = sync::operation::sources(state, self.sources);
        // An operation may name sources of its own; the project's word holds for them, too.
        if let Some(refusal) = project::refused_repositories(self.bounds, &sources).into_iter().next() {
            return Err(Fault::spec(refusal));
        }
        let revisions = sync::operation::revisions(state);
        let is_same = |desired: &&Arc<Desired>| {
            let known = desired.revisions();
            let is_of = |(wanted, known): (&String, &String)| wanted.is_empty() || wanted == known;
            sources == *self.sources
                && (revisions.len() != known.len() || revisions.iter().zip(&known).all(is_of))
        };
        if let Some(desired) = desired.filter(is_same) {
            return Ok(desired.clone());
        }
        let asked = Asked {
            object: self.object,
            app: self.app,
            sources: &sources,
            revisions: sources.revisions(&revisions),
            target: self.target,
            purpose: Purpose::Operation,
        };
        desired::read(self.context, &asked).await
    }
}

pub(crate) fn target(context: &Context, object: &Object, app: &Application) -> Target {
    Target {
        instance: instance(context, object),
        namespace: app.spec.destination.namespace.clone(),
        cluster: context.cluster.server.clone(),
        system: context.system(),
    }
}

/// The name by which objects are marked as this app's.
pub(crate) fn instance(context: &Context, object: &Object) -> String {
    if object.namespace() == context.settings.namespace {
        object.name().to_owned()
    } else {
        format!("{}_{}", object.namespace(), object.name())
    }
}

/// The files that this revision changed of those that the app's render read, since the last sync; nothing when it changed
/// none. A commit that touched other apps only is no reason to sync this one: what others changed by hand stays drift.
async fn changes(
    context: &Context,
    app: &Application,
    sources: &Sources,
    desired: &Desired,
) -> Option<Vec<String>> {
    let result = app.status.operation_state.as_ref().and_then(|state| state.sync_result.as_ref());
    let synced = result.map(|result| revision_list(&result.revision, &result.revisions)).unwrap_or_default();
    if synced.len() != sources.list().len() || synced.iter().any(String::is_empty) {
        return Some(Vec::new());
    }
    if synced == desired.revisions() {
        return None;
    }
    let checkouts = sources
        .list()
        .iter()
        .zip(&synced)
        .map(|(source, revision)| context.checkout(app, source, revision, Duration::MAX));
    match futures::future::try_join_all(checkouts).await {
        Ok(earlier) => desired.changes_since(sources, &earlier),
        // Without the earlier commits at hand nothing can be said for sure.
        Err(_gone) => Some(Vec::new()),
    }
}

fn conditions(
    object: &Object,
    desired: &Desired,
    comparison: &Comparison,
    sync_error: Option<String>,
) -> Vec<(&'static str, String)> {
    let repeated = desired.prepared.repeated.iter().map(|warning| (condition::REPEATED, warning.clone()));
    let shared =
        comparison.shared.iter().map(|(key, other)| (condition::SHARED, shared_message(object, key, other)));
    let excluded = desired.prepared.excluded.iter().map(|warning| (condition::EXCLUDED, warning.clone()));
    repeated
        .chain(excluded)
        .chain(shared)
        .chain(sync_error.map(|message| (condition::SYNC, message)))
        .collect()
}

/// Why no sync was tried when the app was looked at last.
fn known_sync_error(app: &Application) -> Option<String> {
    let known = app.status.conditions.iter().find(|known| known.type_ == condition::SYNC);
    known.map(|known| known.message.clone())
}

/// How soon to look again when nobody says.
fn pace(context: &Context, app: &ObjectKey, operation: Option<&OperationState>) -> Duration {
    let delay = context.delay(app);
    match operation {
        Some(state) if !sync::operation::is_completed(&state.phase) => WHILE_RUNNING.min(context.interval()),
        _ => context.interval() + delay,
    }
}

/// Shows why the app cannot be looked at. What is live stays, and is shown beside what Git said last. An operation that
/// has begun at a revision of its own goes on.
#[inline(never)]
fn give_up<'a>(
    context: &'a Context,
    object: &'a Object,
    app: &'a Application,
    fault: Fault,
) -> BoxFuture<'a, Duration> {
    Box::pin(give_up_looking(context, object, app, fault))
}

async fn give_up_looking(context: &Context, object: &Object, app: &Application, fault: Fault) -> Duration {
    tracing::info!(app = %object.key(), condition = fault.condition, message = fault.message, "not compared");
    let again = if fault.passing { AFTER_FAULT } else { context.interval() };
    let now = belay_cluster::now();
    evidence::not_compared(context, &object.key(), &fault.message, now);
    let target = target(context, object, app);
    let ignored = ignored(app, &target.system).unwrap_or_default();
    // Without a project nothing is said of the objects.
    let bounds = project::bounds_of(context, object, app).ok();
    let mut retry = None;
    let operation = match sync::current(app) {
        Current::Nothing => None,
        Current::Asked(operation) => {
            let mut state = sync::start(*operation, now);
            retry = sync::fail(&mut state, &fault, now);
            Some(state)
        }
        Current::Running(mut state) => {
            let may_go_on = context.settings.live.checked().is_ok()
                && fault.condition == condition::COMPARISON
                && !fault.is_unreachable;
            let sources = Sources::of_app(app).filter(|_| may_go_on);
            retry = match (&sources, &bounds) {
                (Some(sources), Some(bounds)) if sync::has_revision(&state) => {
                    let (target, ignored) = (&target, &ignored);
                    let windows = &Windows::of(&bounds.project.windows, app);
                    let view = View { context, object, app, sources, target, ignored, bounds, windows };
                    view.carry_out(&mut state, None, now).await
                }
                _ => sync::fail(&mut state, &fault, now),
            };
            Some(*state)
        }
    };
    let known = context.desired(&object.key(), Purpose::Comparison);
    let prepared = known.map(|desired| desired.prepared.clone()).unwrap_or_default();
    let settings = compare_settings(app, object, &target.system);
    let comparison = bounds
        .filter(|_| !fault.is_unreachable)
        .map(|bounds| compare(context, &object.key(), &prepared, &target, &settings, &ignored, &bounds));
    let outcome = Outcome::Fault { condition: fault.condition, messages: fault.messages(), comparison };
    report(context, object, app, &Found { outcome, operation }).await.or(retry).unwrap_or(again)
}

/// Writes the status; tells of what has changed. Gives when to look again, if that is soon.
async fn report(
    context: &Context,
    object: &Object,
    app: &Application,
    found: &Found<'_>,
) -> Option<Duration> {
    let now = belay_cluster::now();
    let status = status::status(object, app, found, &context.settings.namespace, now);
    evidence::ended(context, &object.key(), app, &status, now);
    events::changes(context, object, app, &status).await;
    let was_refreshed = write::status(context, object, app, status, found.operation.is_some()).await;
    // A refresh that was asked for while this one was handled cannot be told from it: ask the source once more.
    if was_refreshed && let Some(sources) = Sources::of_app(app) {
        sources.list().iter().for_each(|source| context.repositories.forget(&source.repo_url));
        return Some(Duration::ZERO);
    }
    None
}
