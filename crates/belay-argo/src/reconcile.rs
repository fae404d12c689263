//! One look at one Application: read → check → source → render → compare → plan → apply → report.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use belay_apply::{ApplySettings, Outcome, carry_out};
use belay_argo_api::{Application, ApplicationSource, Operation, SyncOperation};
use belay_cluster::Severity;
use belay_diff::{AddedFields, CompareOptions, Drift, describe};
use belay_filetree::Reads;
use belay_manifest::{GroupVersionKind, Manifest, Object, ObjectKey};
use belay_plan::{Action, Order, Plan, Wanted, plan};
use belay_render::{Freshness, Render, SourceType, detect};
use belay_source::Checkout;
use jiff::Timestamp;
use kube::api::PropagationPolicy;

use crate::controller::{Commit, Context, FIELD_MANAGER};
use crate::decide::{Decision, Situation, decide, policy};
use crate::prepare::{Prepared, Target, keeps, prepare, tracked_app};
use crate::report::{Carried, Compared, Found, condition, status};
use crate::{deletion, project, render, write};

/// How soon a fault that may pass is looked at again.
const AFTER_FAULT: Duration = Duration::from_secs(10);

/// Why a look ended early. Each maps to one condition type.
pub(crate) struct Fault {
    pub(crate) condition: &'static str,
    pub(crate) message: String,
    /// Whether time alone may mend it.
    pub(crate) passing: bool,
}

impl Fault {
    pub(crate) fn spec(message: impl Into<String>) -> Fault {
        Fault { condition: condition::INVALID_SPEC, message: message.into(), passing: false }
    }

    pub(crate) fn comparison(message: impl Into<String>) -> Fault {
        Fault { condition: condition::COMPARISON, message: message.into(), passing: false }
    }

    pub(crate) fn passing(message: impl Into<String>) -> Fault {
        Fault { condition: condition::COMPARISON, message: message.into(), passing: true }
    }
}

/// Looks at the app, acts, writes its status. Gives when to look again.
pub(crate) async fn reconcile(context: &Context, key: &ObjectKey) -> Option<Duration> {
    let object = context.live.get(key)?;
    let app: Application = match serde_json::from_value(object.value().clone()) {
        Ok(app) => app,
        Err(error) => {
            tracing::warn!(app = %key, %error, "application cannot be read");
            return None;
        }
    };
    if !object.value()["metadata"]["deletionTimestamp"].is_null() {
        return deletion::finish(context, &object).await;
    }
    if object.annotation("argocd.argoproj.io/skip-reconcile") == Some("true") {
        return None;
    }
    let again = match look(context, &object, &app).await {
        Ok(again) => again,
        Err(fault) => {
            tracing::info!(app = %key, condition = fault.condition, message = fault.message, "not compared");
            let again = if fault.passing { AFTER_FAULT } else { context.settings.interval };
            let found = Found::Fault { condition: fault.condition, message: fault.message };
            report(context, &object, &app, &found).await;
            again
        }
    };
    Some(again)
}

async fn look(context: &Context, object: &Object, app: &Application) -> Result<Duration, Fault> {
    let source = project::check(context, object, app)?;
    let checkout = fetch(context, object, source, app).await?;
    let (source_type, render) = render_manifests(context, object, app, source, &checkout)?;
    let target = target(context, object, app);
    let prepared = learn_and_prepare(context, &render.manifests, &target).await?;
    remember_desired(context, object, source, &prepared, &checkout);
    watch_kinds(context, &prepared).await?;
    let policy = policy(app);
    let before = compare(context, &prepared, &target, policy.prune);
    let revision_has_changes = revision_has_changes(context, app, source, &checkout, &render.reads).await;
    if !revision_has_changes {
        note_drift(context, object, app, &before).await;
    }
    let now = Timestamp::now();
    let situation = Situation { app, plan: &before, revision: &checkout.commit, revision_has_changes, now };
    let (carried, sync_error, wait) = match decide(&situation) {
        Decision::Rest(sync_error) => (None, sync_error, None),
        Decision::Wait(wait) => (None, None, Some(wait)),
        Decision::Sync(operation) => {
            let carried = sync(context, app, &prepared, &target, &checkout, *operation, now).await;
            (Some(carried), None, None)
        }
    };
    let after = if carried.is_some() { compare(context, &prepared, &target, policy.prune) } else { before };
    let again = again(context, app, carried.as_ref(), wait);
    let found = Found::Compared(Box::new(Compared {
        revision: checkout.commit.clone(),
        source_type,
        plan: &after,
        warnings: warnings(app, &prepared, &target, &after),
        sync_error,
        operation: carried,
    }));
    report(context, object, app, &found).await;
    Ok(again)
}

/// After a failed sync soon, for the retry; else at the next poll.
fn again(
    context: &Context,
    app: &Application,
    carried: Option<&Carried>,
    wait: Option<Duration>,
) -> Duration {
    let failed =
        carried.is_some_and(|carried| carried.outcomes.iter().any(|outcome| outcome.result.is_err()));
    if failed {
        let retries = app.status.operation_state.as_ref().and_then(|state| state.retry_count).unwrap_or(0);
        let strategy = crate::decide::retry_strategy(app);
        return crate::decide::retry_pause(strategy.backoff.as_ref(), retries + 1);
    }
    wait.unwrap_or(context.settings.interval)
}

async fn fetch(
    context: &Context,
    object: &Object,
    source: &ApplicationSource,
    app: &Application,
) -> Result<Checkout, Fault> {
    let refresh = object.annotation(write::REFRESH).is_some();
    if object.annotation(write::REFRESH) == Some("hard") {
        context.renders.forget(&object.key());
    }
    let asked = app.operation.as_ref().and_then(|operation| operation.sync.as_ref());
    let revision = asked.map(|sync| sync.revision.as_str()).filter(|revision| !revision.is_empty());
    let revision = revision.unwrap_or(&source.target_revision);
    let max_age = if refresh { Duration::ZERO } else { context.settings.interval };
    context.repositories.checkout(&source.repo_url, revision, None, max_age).await.map_err(|error| {
        let message =
            format!("Failed to load target state: failed to generate manifest for source 1 of 1: {error}");
        if error.transient { Fault::passing(message) } else { Fault::comparison(message) }
    })
}

fn render_manifests(
    context: &Context,
    object: &Object,
    app: &Application,
    source: &ApplicationSource,
    checkout: &Checkout,
) -> Result<(SourceType, Arc<Render>), Fault> {
    let fault = |error: &dyn std::error::Error| {
        Fault::comparison(format!(
            "Failed to load target state: failed to generate manifest for source 1 of 1: {}",
            render::chain(error)
        ))
    };
    let folder = render::folder(source).map_err(|error| fault(&error))?;
    let request = render::Request::new(app, source, context.live.kinds().api_versions());
    let inputs = request.fingerprint();
    let key = object.key();
    let made =
        context.renders.render(&key, &inputs, checkout.tree.as_ref(), |tree| request.run(tree, &folder));
    let (render, freshness) = made.map_err(|error| fault(&error))?;
    if freshness == Freshness::Made {
        context.remember(&key, |memory| memory.renders += 1);
        tracing::info!(app = %key, revision = checkout.commit, objects = render.manifests.len(), "rendered");
    }
    let source_type =
        request.source_type(detect(checkout.tree.as_ref(), &folder).map_err(|error| fault(&error))?);
    Ok((source_type, render))
}

/// Whether this revision changed a file that the app's render read, since the last sync. A commit that
/// touched other apps only is no reason to sync this one: what others changed by hand stays drift.
async fn revision_has_changes(
    context: &Context,
    app: &Application,
    source: &ApplicationSource,
    checkout: &Checkout,
    reads: &Reads,
) -> bool {
    let result = app.status.operation_state.as_ref().and_then(|state| state.sync_result.as_ref());
    let Some(synced) = result.map(|result| result.revision.as_str()).filter(|revision| !revision.is_empty())
    else {
        return true;
    };
    if synced == checkout.commit {
        return false;
    }
    // Without the earlier commit at hand nothing can be said for sure.
    match context.repositories.checkout(&source.repo_url, synced, None, Duration::MAX).await {
        Ok(earlier) => !reads.hold_in(earlier.tree.as_ref()).unwrap_or(false),
        Err(_gone) => true,
    }
}

fn target(context: &Context, object: &Object, app: &Application) -> Target {
    Target { instance: instance(context, object), namespace: app.spec.destination.namespace.clone() }
}

/// The name by which objects are marked as this app's.
pub(crate) fn instance(context: &Context, object: &Object) -> String {
    if object.namespace() == context.settings.namespace {
        object.name().to_owned()
    } else {
        format!("{}_{}", object.namespace(), object.name())
    }
}

/// Prepares; learns kinds that are not known yet and, when there were some, prepares once more.
async fn learn_and_prepare(
    context: &Context,
    manifests: &[Manifest],
    target: &Target,
) -> Result<Prepared, Fault> {
    let kinds = context.live.kinds();
    let attempt = || prepare(manifests, target, kinds).map_err(|error| Fault::comparison(error.to_string()));
    let first = attempt()?;
    if first.unknown.is_empty() {
        return Ok(first);
    }
    for kind in &first.unknown {
        // Whether it is known now is what the second attempt tells.
        let _ = kinds.find(kind).await;
    }
    let second = attempt()?;
    match second.unknown.first() {
        None => Ok(second),
        Some(kind) => Err(Fault::passing(format!(
            "Failed to load target state: the cluster does not know kind {kind}; the app may sync when its definition is installed"
        ))),
    }
}

/// Objects that are there twice, and those that another app claims, too.
fn warnings(
    app: &Application,
    prepared: &Prepared,
    target: &Target,
    plan: &Plan,
) -> Vec<(&'static str, String)> {
    let repeated = prepared.warnings.iter().map(|warning| (condition::REPEATED, warning.clone()));
    let shared = plan.steps.iter().filter(|step| step.desired.is_some()).filter_map(|step| {
        let live = step.live.as_ref()?;
        let other = tracked_app(live).filter(|other| *other != target.instance)?;
        let own = format!("{}/{}", app.metadata.namespace, app.metadata.name);
        let object = format!("{}/{}", live.kind(), live.name());
        Some((condition::SHARED, format!("{object} is part of applications {own} and {other}")))
    });
    repeated.chain(shared).collect()
}

/// Keeps what Git says at hand, for whoever shows it.
fn remember_desired(
    context: &Context,
    object: &Object,
    source: &ApplicationSource,
    prepared: &Prepared,
    checkout: &Checkout,
) {
    let desired =
        prepared.desired.iter().map(|desired| (desired.object.key(), desired.object.clone())).collect();
    let commit = Commit {
        repository: source.repo_url.clone(),
        id: checkout.commit.clone(),
        subject: checkout.subject.clone(),
        author: checkout.author.clone(),
        seconds: checkout.date,
    };
    context.remember(&object.key(), |memory| {
        memory.desired = Arc::new(desired);
        memory.commit = Some(commit);
    });
}

async fn watch_kinds(context: &Context, prepared: &Prepared) -> Result<(), Fault> {
    let kinds: BTreeSet<GroupVersionKind> =
        prepared.desired.iter().map(|desired| desired.object.gvk()).collect();
    for kind in kinds {
        // A kind that a definition among the objects brings is watched once that is applied.
        if context.live.kinds().known(&kind).is_none() {
            continue;
        }
        context
            .live
            .ensure(&kind)
            .await
            .map_err(|error| Fault::passing(format!("Failed to load live state: {error}")))?;
    }
    Ok(())
}

/// The plan for the cluster as it is now.
fn compare(context: &Context, prepared: &Prepared, target: &Target, prune: bool) -> Plan {
    let tracked: BTreeMap<ObjectKey, Object> = context
        .live
        .of_app(&app_name(&target.instance))
        .into_iter()
        .map(|object| (object.key(), object.as_ref().clone()))
        .collect();
    let mut live = tracked.clone();
    for desired in &prepared.desired {
        let key = desired.object.key();
        if let Some(object) = context.live.get(&key) {
            live.entry(key).or_insert_with(|| object.as_ref().clone());
        }
    }
    // What is on its way out already is neither pruned again nor an extra object.
    let tracked = tracked
        .into_iter()
        .filter(|(_, object)| object.value()["metadata"]["deletionTimestamp"].is_null())
        .map(|(key, _)| key)
        .collect();
    let wanted = Wanted {
        order: Order::Argo,
        prune,
        compare: CompareOptions {
            manager: FIELD_MANAGER.to_owned(),
            added: AddedFields::AllBut(vec!["argocd-controller".to_owned()]),
        },
    };
    plan(prepared.desired.clone(), &live, &tracked, keeps, &wanted)
}

/// The name under which the live state keeps an Application's objects.
pub(crate) fn app_name(instance: &str) -> String {
    format!("app/{instance}")
}

async fn sync(
    context: &Context,
    app: &Application,
    prepared: &Prepared,
    target: &Target,
    checkout: &Checkout,
    mut operation: Operation,
    started: Timestamp,
) -> Carried {
    let asked = operation.sync.get_or_insert_with(SyncOperation::default);
    if asked.revision.is_empty() {
        asked.revision.clone_from(&checkout.commit);
    }
    let plan = compare(context, prepared, target, asked.prune);
    if let Some(reason) = project::refused_operation(app, asked) {
        return Carried {
            operation,
            started,
            outcomes: Vec::new(),
            plan: Plan::default(),
            refused: Some(reason),
        };
    }
    if asked.dry_run {
        return Carried { operation, started, outcomes: Vec::new(), plan: Plan::default(), refused: None };
    }
    if let Err(message) = write::create_namespace(context, app, asked).await {
        return Carried {
            operation,
            started,
            outcomes: Vec::new(),
            plan: Plan::default(),
            refused: Some(message),
        };
    }
    let settings = ApplySettings {
        manager: FIELD_MANAGER.to_owned(),
        in_flight: context.settings.in_flight,
        propagation: propagation(asked),
    };
    let outcomes: Vec<Outcome> = carry_out(&plan, &context.live, &settings).await;
    Carried { operation, started, outcomes, plan, refused: None }
}

fn propagation(sync: &SyncOperation) -> PropagationPolicy {
    let named = sync.sync_options.iter().find_map(|option| option.strip_prefix("PrunePropagationPolicy="));
    match named {
        Some("background") => PropagationPolicy::Background,
        Some("orphan") => PropagationPolicy::Orphan,
        _ => PropagationPolicy::Foreground,
    }
}

/// Records what others changed since the last sync of these files, before anything heals it.
async fn note_drift(context: &Context, object: &Object, app: &Application, plan: &Plan) {
    let state = app.status.operation_state.as_ref();
    if state.is_none_or(|state| state.phase != belay_argo_api::OperationPhase::Succeeded) {
        return;
    }
    let drift = drift(plan);
    let key = object.key();
    if drift.is_empty() || context.remembered(&key).drift == drift {
        return;
    }
    for record in &drift {
        let message = format!(
            "{} {}: {} → {}, {}, {}",
            record.object,
            record.field,
            record.desired,
            record.live,
            if record.manager.is_empty() { "unknown manager" } else { &record.manager },
            if record.time.is_empty() { "unknown time" } else { &record.time },
        );
        tracing::info!(app = %key, "drift: {message}");
        let details = serde_json::to_string(record).unwrap_or_default();
        let annotations = BTreeMap::from([("belay.dev/drift".to_owned(), details)]);
        context.events.record(object, Severity::Warning, "DriftDetected", &message, &annotations).await;
    }
    context.remember(&key, |memory| memory.drift = drift);
}

fn drift(plan: &Plan) -> Vec<Drift> {
    let mut records = Vec::new();
    for step in &plan.steps {
        match (&step.action, &step.live, &step.desired) {
            (Action::Apply { differences }, Some(live), _) => records.extend(describe(live, differences)),
            (Action::Create, _, Some(desired)) => records.push(Drift {
                object: desired.object.key(),
                field: "(whole object)".to_owned(),
                desired: "present".to_owned(),
                live: "-".to_owned(),
                manager: String::new(),
                time: String::new(),
            }),
            _ => {}
        }
    }
    records
}

async fn report(context: &Context, object: &Object, app: &Application, found: &Found<'_>) {
    let status = status(app, found, &context.settings.namespace, Timestamp::now());
    write::status(context, object, app, &status).await;
}
