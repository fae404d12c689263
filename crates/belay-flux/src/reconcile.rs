//! One look at one Kustomization: read → check → source → build → compare → plan → apply → wait → report.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use belay_apply::{ApplyError, ApplySettings, Outcome, carry_out_whole_stages};
use belay_cluster::{LiveError, LiveState, step};
use belay_crd::Resource;
use belay_diff::{AddedFields, CompareOptions};
use belay_filetree::Reads;
use belay_flux_api::{KUSTOMIZATION, Kustomization, refused_fields, refused_resource_mark};
use belay_ledger::Trigger;
use belay_manifest::{GroupVersionKind, Manifest, Object, ObjectKey};
use belay_plan::{Order, Plan, Wanted, plan};
use belay_render::{Freshness, Render};
use kube::api::PropagationPolicy;
use tokio::time::Instant;

use crate::build::{self, BuildError};
use crate::clusters::{self, Place};
use crate::context::{Context, FIELD_MANAGER, Source};
use crate::drift_ignore::DriftIgnore;
use crate::health::{Health, Moment, Pass, Waiting, judge, or, rounded, timeout};
use crate::health_checks::HealthChecks;
use crate::kustomization_source::{check_dependencies, source, unreadable};
use crate::kustomization_status::{APPLY, BUILD, Doing, Fault, Found, Result as Came};
use crate::long::{LONG, with_progress};
use crate::post_build::{self, PostBuildError, Secrets};
use crate::prepare::{Prepared, Target, keeps, prepare};
use crate::{
    deletion, drift, evidence, external_artifact, history, inventory, jobs, references, report, unreadable,
    write,
};

pub(crate) const INTERVAL: Duration = Duration::from_secs(60);
/// How soon the objects of other owners are looked at again.
const LOOK: Duration = Duration::from_secs(1);

/// Objects by key, with their kinds.
pub(crate) type Objects = BTreeMap<ObjectKey, GroupVersionKind>;

/// Looks at the Kustomization, acts, writes its status. Gives when to look again.
pub(crate) async fn reconcile(context: &Context, key: &ObjectKey) -> Option<Duration> {
    let object = context.live.get(key)?;
    let app: Kustomization = unreadable::read(context, &object).await?;
    if app.metadata.is_deleting() {
        return deletion::finish(context, &object, &app).await;
    }
    if !write::finalizer(context, &object, report::MANAGER, true).await {
        return Some(write::AFTER_CONFLICT);
    }
    if app.spec.suspend {
        evidence::held(context, evidence::app_name(key));
        return None;
    }
    let started = Instant::now();
    let mut found = Found::new(started);
    let mut doing = found.doing.subscribe();
    let doing = async { doing.wait_for(Option::is_some).await.ok().and_then(|doing| doing.clone()) };
    let looking = look(context, &object, &app, &mut found);
    let result = with_progress(looking, doing, async |doing: Option<Doing>| {
        if let Some(doing) = doing {
            report::progress(context, &object, &app, &doing).await;
        }
    })
    .await;
    let result = result.map_err(|fault| Fault { message: found.secrets.hidden_in(&fault.message), ..fault });
    let interval = or(&app.spec.interval, INTERVAL);
    let again = match &result {
        // The source is known to have files, and is being asked for them.
        Ok(Came::NotYet) => return None,
        Ok(Came::Applied { .. }) => Some(interval),
        Ok(Came::Waiting { left, .. }) => Some(*left),
        Err(fault) if fault.is_final => None,
        Err(fault) => Some(fault.again.unwrap_or_else(|| or(&app.spec.retry_interval, interval))),
    };
    if result.is_err() {
        context.note_failure(key);
    }
    found.next = again.unwrap_or(interval);
    step("report", report::report(context, &object, &app, &found, &result)).await;
    again
}

async fn look(
    context: &Context,
    object: &Object,
    app: &Kustomization,
    found: &mut Found,
) -> Result<Came, Fault> {
    check(object, app)?;
    references::watch(context, object).await;
    let was_built = context.recall(&object.key(), |memory| memory.digest.is_some());
    if !was_built && app.spec.kube_config.is_none() {
        // Lists take their time after a start: all of them, beside the fetch.
        context.live.begin(inventory::read(app.status.inventory.as_ref()).values());
    }
    let checks = HealthChecks::read(&app.spec.health_check_exprs)
        .map_err(|error| unreadable(&belay_causes::chain(&error)))?;
    let Some(source) = source(context, app, found).await? else { return Ok(Came::NotYet) };
    found.source = Some(source.revision.clone());
    found.origin.clone_from(&source.origin);
    check_dependencies(context, object, app, &source)?;
    found.revision = Some(source.revision.clone());
    found.trigger = evidence::commit(app, &source, &[])
        .or_else(|| evidence::request(object, &app.status.last_handled_reconcile_at));
    let key = object.key();
    found.begin(BUILD, &source.revision);
    let mut planned = read_and_plan(context, object, app, &source).await?;
    found.digest = Some(std::mem::take(&mut planned.digest));
    found.secrets = std::mem::take(&mut planned.secrets);
    let changed_files = evidence::changed_files(context, &key, app, &source, &planned.reads);
    // A commit that touches other apps only is no reason for anything.
    let commit = changed_files.as_ref().and_then(|files| evidence::commit(app, &source, files));
    found.trigger = commit.or_else(|| evidence::request(object, &app.status.last_handled_reconcile_at));
    let drift =
        if changed_files.is_none() { drift::note(context, object, app, &planned.plan).await } else { vec![] };
    if let Some(contest) = evidence::contest(context, &key, &drift) {
        found.is_contested = true;
        found.trigger = Some(Trigger::Drift { fields: drift });
        return Err(Fault::retry("ReconciliationFailed", contest.to_string()));
    }
    if !drift.is_empty() {
        found.trigger = Some(Trigger::Drift { fields: drift });
    }
    if planned.plan.has_work() && !still_stands(context, object).await? {
        return Ok(Came::NotYet);
    }
    found.begin(APPLY, &source.revision);
    step("apply", apply(context, &planned, found)).await?;
    jobs::note(context, &key, app, &source.revision, &planned.prepared.desired);
    let keys = waited_for(&planned.place, object, app, &planned.prepared).await?;
    let waited_for = keys.as_deref().map(|keys| (keys, &checks));
    let came = wait(context, &planned.place.live, object, app, waited_for, found)?;
    if matches!(came, Came::Applied { .. }) {
        context.keep_applied(&key, &source);
    }
    Ok(came)
}

/// Whether the Kustomization is what it was when the look began; if not, the next look has been called already.
async fn still_stands(context: &Context, object: &Object) -> Result<bool, Fault> {
    let fault = |error: LiveError| Fault::retry("ReconciliationFailed", error.to_string());
    context.live.still_stands(object).await.map_err(fault)
}

/// What is to be done, before any of it is.
pub(crate) struct Planned {
    place: Place,
    /// What the build read.
    reads: Arc<Reads>,
    prepared: Prepared,
    /// What the inventory names, and what is ours without it.
    known: Objects,
    pub(crate) plan: Plan,
    /// Of what was built.
    digest: String,
    /// What no message shows.
    secrets: Secrets,
}

/// Builds the files of a source, and compares them with the cluster. Writes nothing.
pub(crate) async fn read_and_plan(
    context: &Context,
    object: &Object,
    app: &Kustomization,
    source: &Source,
) -> Result<Planned, Fault> {
    let key = object.key();
    let place = clusters::place(context, &key, app)
        .await
        .map_err(|error| Fault::retry("ReconciliationFailed", belay_causes::chain(&error)))?;
    let Render { manifests, reads } = step("render", build(context, object, app, source)).await?;
    let mut secrets = Secrets::default();
    let manifests = substitute(context, app, manifests, &mut secrets).await?;
    let digest = digest(context, &key, app, &manifests);
    let mut known = inventory::read(app.status.inventory.as_ref());
    if manifests.is_empty() && !known.is_empty() {
        let message = format!("{}: the build has no objects; nothing is pruned", app.spec.path);
        return Err(Fault::retry("BuildFailed", message));
    }
    let target = Target::of(app);
    let ignored = DriftIgnore::read(&app.spec.ignore)
        .map_err(|error| Fault::retry("ReconciliationFailed", belay_causes::chain(&error)))?;
    let live = &place.live;
    let mut prepared = learn_and_prepare(live, &manifests, &target).await?;
    jobs::mark(context, &key, app, &source.revision, &mut prepared.desired);
    context.keep_desired(&key, prepared.desired.iter().map(|desired| &desired.object));
    watch_kinds(live, &prepared, &known).await?;
    // A folder without objects prunes nothing, whatever an earlier life has left.
    if !manifests.is_empty() {
        known.extend(adopted(live, object, app));
    }
    let plan = step("plan", async { compare(live, app, &prepared, &known, &ignored) }).await;
    Ok(Planned { place, reads, prepared, known, plan, digest, secrets })
}

pub(crate) fn check(object: &Object, app: &Kustomization) -> Result<(), Fault> {
    let not_supported =
        |feature: String| Fault::stalled("NotSupported", format!("{feature} is not supported yet"));
    if let Some(field) = refused_fields(&KUSTOMIZATION, object.value()).first() {
        return Err(not_supported(format!("`{field}`")));
    }
    if let Some(mark) = refused_resource_mark(&app.metadata) {
        return Err(not_supported(mark));
    }
    if !matches!(app.spec.source_ref.kind.as_str(), "GitRepository" | external_artifact::KIND) {
        return Err(not_supported(format!("`spec.sourceRef.kind: {}`", app.spec.source_ref.kind)));
    }
    match app.validate().first() {
        Some(error) => Err(Fault::stalled("ValidationFailed", error.to_string())),
        None => Ok(()),
    }
}

/// `spec.postBuild`.
async fn substitute(
    context: &Context,
    app: &Kustomization,
    manifests: Vec<Manifest>,
    secrets: &mut Secrets,
) -> Result<Vec<Manifest>, Fault> {
    let Some(post_build) = &app.spec.post_build else { return Ok(manifests) };
    let fault = |error: PostBuildError| Fault::retry("BuildFailed", belay_causes::chain(&error));
    let (client, namespace) = (context.live.client(), &app.metadata.namespace);
    let variables = post_build::variables(client, namespace, post_build, secrets).await.map_err(fault)?;
    post_build::replaced(&manifests, post_build, &variables).map_err(fault)
}

/// The digest of what is applied; that of files which are the same is known.
fn digest(context: &Context, key: &ObjectKey, app: &Kustomization, manifests: &[Manifest]) -> String {
    let known = context.recall(key, |memory| memory.digest.clone()).filter(|_| app.spec.post_build.is_none());
    let digest = known.unwrap_or_else(|| history::digest(manifests));
    context.remember(key, |memory| memory.digest = Some(digest.clone()));
    digest
}

/// Builds in a thread of its own: a large folder must not keep others waiting.
async fn build(
    context: &Context,
    object: &Object,
    app: &Kustomization,
    source: &Source,
) -> Result<Render, Fault> {
    let key = object.key();
    let inputs = build::fingerprint(app);
    let (renders, files, spec, place) =
        (context.renders.clone(), source.files(), app.spec.clone(), key.clone());
    let work = move || {
        let bases = renders.shared_bases();
        renders.render((&place, ""), &inputs, &files, |tree| build::run(tree, &spec, bases))
    };
    let made = belay_cluster::aside(work)
        .await
        .map_err(|error| Fault::retry("BuildFailed", format!("the build broke off: {error}")))?;
    let (render, freshness) = made.map_err(|error| {
        let reason = if matches!(error, BuildError::NotAFolder { .. } | BuildError::Path { .. }) {
            "ArtifactFailed"
        } else {
            "BuildFailed"
        };
        Fault::retry(reason, belay_causes::chain(&error))
    })?;
    context.settings.metrics.rendered("flux", freshness == Freshness::Found);
    if freshness == Freshness::Made {
        context.remember(&key, |memory| {
            memory.renders += 1;
            memory.digest = None;
        });
        let objects = render.manifests.len();
        tracing::info!(kustomization = %key, revision = source.revision, objects, "built");
    }
    Ok(render)
}

/// Prepares; learns kinds that are not known yet and, when there were some, prepares once more.
async fn learn_and_prepare(
    live: &LiveState,
    manifests: &[Manifest],
    target: &Target<'_>,
) -> Result<Prepared, Fault> {
    let kinds = live.kinds();
    let attempt = || {
        prepare(manifests, target, kinds)
            .map_err(|error| Fault::retry("ReconciliationFailed", error.to_string()))
    };
    let first = attempt()?;
    if first.unknown.is_empty() {
        return Ok(first);
    }
    for unknown in &first.unknown {
        // Whether it is known now is what the second attempt tells.
        let _ = kinds.find(&unknown.kind).await;
    }
    let second = attempt()?;
    match second.unknown.first() {
        None => Ok(second),
        Some(unknown) => Err(Fault::retry("ReconciliationFailed", unknown.to_string())),
    }
}

/// Watches the kinds of what is wanted, and of what may have to be pruned.
async fn watch_kinds(live: &LiveState, prepared: &Prepared, known: &Objects) -> Result<(), Fault> {
    let fault = |error: LiveError| Fault::retry("ReconciliationFailed", error.to_string());
    for kind in inventory::of(prepared.desired.iter().map(|desired| &desired.object)).values() {
        // A kind that a definition among the objects brings is watched once that is applied.
        if live.kinds().known(kind).is_some() {
            live.ensure(kind).await.map_err(fault)?;
        }
    }
    live.ensure_each(known.values().cloned()).await.map_err(fault)?;
    live.keep_whole(prepared.desired.iter().map(|desired| &desired.object)).await.map_err(fault)?;
    live.ask_for_lost_answers().await.map_err(fault)
}

/// What we applied and no inventory names: a process ended between the two, or the status could not be written. In other
/// clusters the marks prove nothing: an app of the same name that lives there, or in a third cluster, applies under them.
pub(crate) fn adopted(live: &LiveState, object: &Object, app: &Kustomization) -> Objects {
    if app.spec.kube_config.is_some() {
        return Objects::new();
    }
    let target = Target::of(app);
    let is_applied_by_us = |live: &Object| {
        let entries = live.value()["metadata"]["managedFields"].as_array();
        entries.into_iter().flatten().any(|entry| {
            entry["manager"] == FIELD_MANAGER
                && entry["operation"] == "Apply"
                && entry["subresource"].is_null()
        })
    };
    let live = live.of_app(&format!("ks/{}/{}", object.namespace(), object.name()));
    let ours = live.iter().filter(|live| target.owns(live) && is_applied_by_us(live));
    ours.map(|live| (live.key(), live.gvk())).collect()
}

/// The plan for the cluster as it is now. Only what the inventory names and our labels mark is pruned.
fn compare(
    cluster: &LiveState,
    app: &Kustomization,
    prepared: &Prepared,
    known: &Objects,
    ignored: &DriftIgnore,
) -> Plan {
    let target = Target::of(app);
    let mut live: BTreeMap<ObjectKey, Arc<Object>> =
        known.keys().filter_map(|key| Some((key.clone(), cluster.get(key)?))).collect();
    let tracked = live
        .iter()
        .filter(|(_, object)| {
            target.owns(object) && object.value()["metadata"]["deletionTimestamp"].is_null()
        })
        .map(|(key, _)| key.clone())
        .collect();
    let options = CompareOptions {
        manager: FIELD_MANAGER.to_owned(),
        added: AddedFields::OnlyPrefixes(vec!["kubectl".to_owned(), "before-first-apply".to_owned()]),
    };
    let mut desired = prepared.desired.clone();
    for desired in &mut desired {
        let key = desired.object.key();
        if let Some(object) = live.get(&key).cloned().or_else(|| cluster.get(&key)) {
            crate::prepare::heed(&mut desired.treatment, &object);
            if let Some(laid_over) = ignored.laid_over(&desired.object, &object, &options) {
                desired.object = laid_over;
            }
            live.insert(key, object);
        }
    }
    let wanted = Wanted { order: Order::Flux, prune: app.spec.prune, compare: options };
    plan(desired, &live, &tracked, keeps, &wanted)
}

/// Carries the plan out and notes the new inventory: all that is wanted, and what could not be pruned.
async fn apply(context: &Context, planned: &Planned, found: &mut Found) -> Result<(), Fault> {
    let Planned { place, prepared, known, plan, .. } = planned;
    let settings = ApplySettings {
        manager: FIELD_MANAGER.to_owned(),
        in_flight: context.settings.in_flight,
        propagation: PropagationPolicy::Background,
    };
    let outcomes: Vec<Outcome> = match plan.has_work() {
        true => carry_out_whole_stages(plan, &place.live, &settings, &context.schemas).await,
        false => Vec::new(),
    };
    found.changes = report::changes(&outcomes);
    let mut wanted = inventory::of(prepared.desired.iter().map(|desired| &desired.object));
    let failed: Vec<&Outcome> = outcomes.iter().filter(|outcome| outcome.result.is_err()).collect();
    let is_reason = |outcome: &&&Outcome| !matches!(outcome.result, Err(ApplyError::NotTried { .. }));
    let Some(first) = failed.iter().find(is_reason).or(failed.first()) else {
        found.inventory = Some(wanted);
        return Ok(());
    };
    let is_prune = !wanted.contains_key(&first.key);
    if is_prune {
        let stay = known.iter().filter(|(key, _)| failed.iter().any(|outcome| outcome.key == **key));
        wanted.extend(stay.map(|(key, kind)| (key.clone(), kind.clone())));
    } else {
        wanted.retain(|key, _| !failed.iter().any(|outcome| outcome.key == *key));
        wanted.extend(known.clone());
    }
    found.inventory = Some(wanted);
    let message = first.result.as_ref().err().map(report::refusal).unwrap_or_default();
    Err(Fault::retry(if is_prune { "PruneFailed" } else { "ReconciliationFailed" }, message))
}

/// What is waited for: all that was applied, or what `spec.healthChecks` names.
async fn waited_for(
    place: &Place,
    object: &Object,
    app: &Kustomization,
    prepared: &Prepared,
) -> Result<Option<Vec<ObjectKey>>, Fault> {
    let gone = prepared.desired.iter().filter(|desired| desired.treatment.may_be_gone);
    let gone: HashSet<ObjectKey> = gone.map(|desired| desired.object.key()).collect();
    let is_there = |key: &ObjectKey| !gone.contains(key) || place.live.get(key).is_some();
    if app.spec.wait {
        let applied = prepared.desired.iter().filter(|desired| !desired.treatment.ignore);
        let keys = applied.map(|desired| desired.object.key()).filter(|key| *key != object.key());
        return Ok(Some(keys.filter(is_there).collect()));
    }
    if app.spec.health_checks.is_empty() {
        return Ok(None);
    }
    let mut keys = Vec::new();
    for check in &app.spec.health_checks {
        let check_kind = GroupVersionKind::new(&check.api_version, &check.kind);
        let kind = check_kind.clone();
        let fault = |error: LiveError| Fault::retry("HealthCheckFailed", error.to_string());
        place.live.ensure(&kind).await.map_err(fault)?;
        let key = ObjectKey {
            group: kind.group,
            kind: kind.kind,
            namespace: check.namespace.clone(),
            name: check.name.clone(),
        };
        if place.is_impersonated {
            may_read(&place.live, &check_kind, &key).await?;
        }
        keys.push(key);
    }
    keys.retain(is_there);
    Ok(Some(keys))
}

/// What we watch, the account that an app acts as may not be allowed to see.
async fn may_read(live: &LiveState, kind: &GroupVersionKind, key: &ObjectKey) -> Result<(), Fault> {
    let Some(resource) = live.kinds().known(kind) else { return Ok(()) };
    match resource.objects(live.client(), &key.namespace).get_metadata_opt(&key.name).await {
        Err(kube::Error::Api(status)) if status.code == 403 => Err(Fault::retry(
            "HealthCheckFailed",
            format!("health check failed: {} status: 'Unknown': {}", inventory::shown(key), status.message),
        )),
        _ => Ok(()),
    }
}

/// Judges what is waited for. No worker waits; a change of an object brings another look.
fn wait(
    context: &Context,
    live: &LiveState,
    object: &Object,
    app: &Kustomization,
    waited_for: Option<(&[ObjectKey], &HealthChecks)>,
    found: &mut Found,
) -> Result<Came, Fault> {
    let Some((keys, checks)) = waited_for else { return Ok(Came::Applied { waited: None }) };
    let key = object.key();
    let limit = timeout(&app.spec);
    let (waited, pass) = waiting(context, &key, app, found);
    let live: Vec<_> = keys.iter().map(|key| (key, live.get(key))).collect();
    let moment = Moment { now: belay_cluster::now(), waited, limit };
    let health = judge(live.iter().map(|(key, live)| (*key, live.as_deref())), checks, moment);
    let Health::Waiting { left } = health else {
        context.remember(&key, |memory| memory.waiting.iter_mut().for_each(|waiting| waiting.pass = None));
        found.has_written_before = pass.has_written;
        return match health {
            Health::Failed(reason) => {
                let waited = rounded(waited.min(limit));
                let message = format!("health check failed after {waited}: {reason}");
                Err(Fault::retry("HealthCheckFailed", message))
            }
            _ => Ok(Came::Applied { waited: Some(waited) }),
        };
    };
    // Changes of objects that are not ours bring no look.
    let left = if app.spec.wait { left } else { left.min(LOOK) };
    Ok(match LONG.checked_sub(pass.began.elapsed()).filter(|soon| !soon.is_zero()) {
        Some(soon) => Came::Waiting { left: left.min(soon), is_long: false },
        None => Came::Waiting { left, is_long: true },
    })
}

/// How long this revision, generation and request have been waited for, and the pass that waits.
fn waiting(context: &Context, key: &ObjectKey, app: &Kustomization, found: &Found) -> (Duration, Pass) {
    let request = app.metadata.annotation(write::REQUESTED_AT).unwrap_or_default();
    let revision = found.revision.clone().unwrap_or_default();
    let applied = (revision, app.metadata.generation, request.to_owned());
    let now = belay_cluster::now();
    let known =
        context.recall(key, |memory| memory.waiting.clone()).filter(|waiting| waiting.applied == applied);
    let mut waiting = known.unwrap_or(Waiting { applied, since: now, pass: None });
    let mut pass = waiting.pass.unwrap_or(Pass { began: found.started, has_written: false });
    pass.has_written |= !found.changes.is_empty();
    waiting.pass = Some(pass);
    let waited = now.duration_since(waiting.since);
    context.remember(key, |memory| memory.waiting = Some(waiting));
    (Duration::try_from(waited).unwrap_or_default(), pass)
}
