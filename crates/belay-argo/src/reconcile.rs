//! One look at one Application: read → check → source → render → compare → decide → sync → report.

use std::sync::Arc;
use std::time::Duration;

use belay_argo_api::{Application, OperationPhase, OperationState};
use belay_cluster::{for_app, step};
use belay_crd::Described;
use belay_manifest::{Object, ObjectKey};
use futures::future::BoxFuture;
use tokio::time::Instant;

use crate::act::{AFTER_FAULT, Choice, View};
use crate::compare::{Comparison, compare, ignored, refused_rules};
use crate::context::{Context, asks_for_work};
use crate::desired::{self, Desired, Purpose};
use crate::evidence::{self, Evidence};
use crate::fault::Fault;
use crate::project::{Checked, Windows};
use crate::sources::{Sources, revision_list};
use crate::status::{Found, Outcome, condition, shared_message};
use crate::sync::{self, Current, compare_settings};
use crate::tracking::Target;
use crate::write::{self, Written};
use crate::{deletion, drift, events, orphans, project, status, traces};

/// Nothing of an app, or of a cluster, is looked at while this annotation is `true`.
pub(crate) const SKIP: &str = "argocd.argoproj.io/skip-reconcile";
/// How soon a running operation is looked at again when nothing changes.
const WHILE_RUNNING: Duration = Duration::from_secs(10);

/// Looks at the app, acts, writes its status. Gives when to look again.
pub(crate) async fn reconcile(context: &Context, key: &ObjectKey) -> Option<Duration> {
    let object = context.home.get(key)?;
    if !is_enabled(context, &key.namespace) {
        return None;
    }
    let app = match Application::read(object.value().clone()) {
        Ok(app) => app,
        Err(error) => {
            // Nothing is applied, pruned or deleted for it; a change of the object brings the next look.
            write::unreadable(context, &object, &error).await;
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
    if object.annotation(SKIP) == Some("true") {
        evidence::held(context, key);
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
    let (name, began) = (context.counted_name(&app), Instant::now());
    let again = for_app(name.clone(), work).await;
    context.settings.metrics.app_reconciled(&name, began.elapsed());
    Some(again)
}

/// Whether Applications of this namespace are anybody's business here: the control plane's, and those that are enabled.
pub(crate) fn is_enabled(context: &Context, namespace: &str) -> bool {
    namespace == context.settings.namespace
        || project::is_named(&context.system().parameters.application_namespaces, namespace)
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
    let target = Target::of_app(context, object, app);
    traces::watch(context, app).await?;
    orphans::watch(context, object, app, &bounds, &target).await;
    let desired = step("render", desired::newest(context, object, app, &sources, &target)).await?;
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
    let is_idle = before.is_in_sync() && matches!(sync::current(app), Current::Nothing);
    if !is_idle && !context.home.still_stands(object).await.map_err(Fault::not_loaded)? {
        return Ok(Duration::ZERO);
    }
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
    let left = operation.as_ref().and_then(|state| view.time_left(state, now));
    let again = left.map_or(again, |left| left.min(again));
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

/// Whether somebody has asked the app for something else while its files were fetched and rendered.
fn is_outdated(context: &Context, object: &Object) -> bool {
    context.home.get(&object.key()).is_none_or(|newest| asks_for_work(object, &newest))
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
        .chain(project::missing(object).map(|message| (condition::NOT_SUPPORTED, message)))
        .collect()
}

/// How soon to look again when nobody says.
fn pace(context: &Context, app: &ObjectKey, operation: Option<&OperationState>) -> Duration {
    let delay = context.delay(app);
    match operation {
        Some(state) if !sync::operation::is_completed(&state.phase) => WHILE_RUNNING.min(context.interval()),
        // What becomes of its failure is for the next look to say, and nothing may have been written that brings one.
        Some(state) if state.phase != OperationPhase::Succeeded => Duration::ZERO,
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
    let target = Target::of_app(context, object, app);
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
        .filter(|_| !fault.is_unreachable && traces::are_known(context, app))
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
    match write::status(context, object, app, status, found.operation.is_some()).await {
        // A refresh that was asked for while this one was handled cannot be told from it: ask the source once more.
        Written::Done { handles_refresh: true } => {
            let sources = Sources::of_app(app)?;
            sources.list().iter().for_each(|source| context.repositories.forget(&source.repo_url));
            Some(Duration::ZERO)
        }
        Written::Done { handles_refresh: false } => None,
        Written::Failed => Some(write::AFTER_FAILURE),
    }
}
