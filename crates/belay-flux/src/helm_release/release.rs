//! Install and upgrade: render → record → hooks → compare → plan → apply → wait → hooks → record.

use std::time::Duration;

use belay_cluster::step;
use belay_flux_api::HelmRelease;
use belay_helm::record::{Info, Release};
use belay_helm::{Rendered, Status, Values};
use belay_manifest::{GroupVersionKind, Object, ObjectKey};
use belay_plan::{Action as PlanAction, Plan, Step};
use tokio::time::Instant;

use super::content::{self, Content, Owner};
use super::objects::{self, WaitFor, apply_step};
use super::state::Desired;
use super::status::{self, Action};
use super::storage::{Storage, Stored, deployed};
use super::target::{self, Crds, Manner};
use super::{Look, MANAGER, hooks, render, report, uninstall};
use crate::chart_build::BuiltChart;
use crate::health::rounded;
use belay_causes::chain;

/// How long the definitions of a chart may take to be established.
const ESTABLISH: Duration = Duration::from_secs(60);

/// What is to be released.
pub(crate) struct Wanted<'a> {
    pub(crate) action: Action,
    pub(crate) chart: &'a BuiltChart,
    pub(crate) values: &'a Values,
    pub(crate) desired: &'a Desired,
}

/// A revision being made, and the one that it replaces.
struct Revision {
    record: Release,
    content: Content,
    before: Option<Release>,
}

/// Makes a release and reports how it went. Gives whether Helm's records now tell of it.
pub(crate) async fn release(
    look: &mut Look<'_>,
    storage: &Storage,
    history: &[Stored],
    wanted: &Wanted<'_>,
) -> bool {
    let began = Instant::now();
    let manner = manner(&look.release, wanted.action);
    let message =
        format!("Running '{}' action with timeout of {}", wanted.action.name(), rounded(manner.timeout));
    status::action_begun(&mut look.release, wanted.action);
    status::progressing(&mut look.release, &message, true);
    report::write(look, false).await;
    let (is_recorded, result) = match begin(look, storage, history, wanted, &manner).await {
        Err(error) => (false, Err(error)),
        Ok(mut revision) => {
            let result = perform(look, storage, &mut revision, wanted.action, &manner).await;
            (true, finish(look, storage, revision, wanted.action, result).await)
        }
    };
    let result = result.map_err(|error| look.hidden.mask(&error));
    status::action_ended(&mut look.release, began.elapsed());
    let (reason, message) = match &result {
        Ok(()) => {
            // With a strategy of retries, failures only count while the release has failed.
            if target::retry(&look.release).is_some() {
                status::clear_failures(&mut look.release.status);
            }
            status::succeeded(&mut look.release, wanted.action)
        }
        Err(error) => {
            let (action, desired) = (wanted.action, wanted.desired);
            status::failed(&mut look.release, action, &look.target, desired, error, is_recorded)
        }
    };
    report::ended(look, result.is_ok(), reason, &message).await;
    is_recorded
}

fn manner(release: &HelmRelease, action: Action) -> Manner {
    match action {
        Action::Install => target::install(release),
        Action::Upgrade => target::upgrade(release),
    }
}

/// Everything up to the record that announces the revision.
async fn begin(
    look: &mut Look<'_>,
    storage: &Storage,
    history: &[Stored],
    wanted: &Wanted<'_>,
    manner: &Manner,
) -> Result<Revision, String> {
    let number = history.last().map_or(0, |stored| stored.release.version) + 1;
    let before = deployed(history).or(history.last()).map(|stored| stored.release.clone());
    let rendered = step("render", render::rendered(look, wanted.chart, wanted.values, number))
        .await
        .map_err(|error| chain(&error))?;
    let definitions = content::definitions(&rendered, &owner(look)).map_err(|error| chain(&error))?;
    apply_definitions(look, definitions, manner.crds).await?;
    let content = content(look, rendered).await?;
    if creates_namespace(&look.release, wanted.action) {
        create_namespace(look).await?;
    }
    let record = announced(look, wanted, number, before.as_ref(), &content);
    if wanted.action == Action::Upgrade {
        let most = target::max_history(&look.release);
        storage.make_room(history, most).await.map_err(|error| chain(&error))?;
    }
    storage.create(&record).await.map_err(|error| chain(&error))?;
    status::recorded(&mut look.release.status, &record, wanted.action);
    let inventory = crate::inventory::of(content.objects.iter().chain(&content.crds));
    look.release.status.inventory = Some(crate::inventory::write(&inventory));
    Ok(Revision { record, content, before })
}

fn owner<'a>(look: &'a Look<'_>) -> Owner<'a> {
    let metadata = &look.release.metadata;
    Owner { name: &metadata.name, namespace: &metadata.namespace, target: &look.target }
}

pub(super) async fn content(look: &Look<'_>, rendered: Rendered) -> Result<Content, String> {
    look.learn_kinds(kinds(&rendered)).await;
    let scope = |kind: &GroupVersionKind| look.scope(kind);
    content::content(rendered, &owner(look), &scope).map_err(|error| {
        format!("unable to build kubernetes objects from release manifest: {}", chain(&error))
    })
}

fn kinds(rendered: &Rendered) -> Vec<GroupVersionKind> {
    let kind = |manifest: &belay_helm::Manifest| GroupVersionKind::new(&manifest.api_version, &manifest.kind);
    rendered.manifests.iter().map(kind).collect()
}

fn creates_namespace(release: &HelmRelease, action: Action) -> bool {
    let asked = release.spec.install.as_ref().is_some_and(|install| install.create_namespace);
    action == Action::Install && asked && !release.spec.target_namespace.is_empty()
}

async fn create_namespace(look: &Look<'_>) -> Result<(), String> {
    let namespace = content::namespace(&look.target.namespace);
    look.watch(std::slice::from_ref(&namespace)).await?;
    if look.live(&namespace.key()).is_some() {
        return Ok(());
    }
    let step = apply_step(namespace, None, MANAGER);
    look.carry_out(&Plan { steps: vec![step] }).await.map(drop)
}

/// Definitions before anything else; those that are there change only when that is asked for.
async fn apply_definitions(
    look: &mut Look<'_>,
    definitions: Vec<Object>,
    policy: Crds,
) -> Result<(), String> {
    if definitions.is_empty() || policy == Crds::Skip {
        return Ok(());
    }
    look.watch(&definitions).await.map_err(definitions_failed)?;
    let steps = definition_steps(look, definitions, policy);
    let keys: Vec<ObjectKey> = steps.iter().map(|step| step.key.clone()).collect();
    look.carry_out(&Plan { steps }).await.map_err(definitions_failed)?;
    look.wait(WaitFor::Ready, &keys, ESTABLISH).await.map_err(definitions_failed)
}

fn definitions_failed(error: String) -> String {
    format!("failed to apply CustomResourceDefinitions: {error}")
}

fn definition_steps(look: &Look<'_>, definitions: Vec<Object>, policy: Crds) -> Vec<Step> {
    let step = |definition: Object| {
        let live = look.live(&definition.key());
        apply_step(definition, live, MANAGER)
    };
    let mut steps: Vec<Step> = definitions.into_iter().map(step).collect();
    if policy == Crds::Create {
        steps.retain(|step| step.action == PlanAction::Create);
    }
    steps
}

/// The record that says what is about to happen.
fn announced(
    look: &Look<'_>,
    wanted: &Wanted<'_>,
    number: i64,
    before: Option<&Release>,
    content: &Content,
) -> Release {
    let now = belay_cluster::now().to_string();
    let first = before.filter(|_| wanted.action == Action::Upgrade);
    let first = first.and_then(|before| before.info.first_deployed.clone()).unwrap_or_else(|| now.clone());
    let (status, description) = match wanted.action {
        Action::Install => (Status::PendingInstall, "Initial install underway"),
        Action::Upgrade => (Status::PendingUpgrade, "Preparing upgrade"),
    };
    Release {
        name: look.target.name.clone(),
        namespace: look.target.namespace.clone(),
        version: number,
        info: Info {
            first_deployed: Some(first),
            last_deployed: Some(now),
            status,
            description: description.to_owned(),
            notes: content.notes.clone(),
            ..Info::default()
        },
        chart: content.chart.clone(),
        config: content::config(wanted.values.as_map()),
        manifest: content.manifest.clone(),
        hooks: content.hooks.clone(),
        apply_method: "ssa".to_owned(),
        labels: before.map(|before| before.labels.clone()).unwrap_or_default(),
    }
}

/// The work itself: hooks, objects, the wait, hooks.
async fn perform(
    look: &mut Look<'_>,
    storage: &Storage,
    revision: &mut Revision,
    action: Action,
    manner: &Manner,
) -> Result<(), String> {
    let (pre, post) = match action {
        Action::Install => ("pre-install", "post-install"),
        Action::Upgrade => ("pre-upgrade", "post-upgrade"),
    };
    let record = &mut revision.record;
    hooks::run(look, storage, record, pre, manner.timeout)
        .await
        .map_err(|error| format!("failed {pre}: {error}"))?;
    let before = match revision.before.as_ref().filter(|_| action == Action::Upgrade) {
        Some(before) => uninstall::recorded(look, &before.manifest).await?,
        None => Vec::new(),
    };
    apply(look, &revision.content.objects, &before).await?;
    if !manner.disable_wait {
        let waited = |object: &&Object| !manner.disable_wait_for_jobs || object.kind() != "Job";
        let keys: Vec<ObjectKey> = revision.content.objects.iter().filter(waited).map(Object::key).collect();
        look.wait(WaitFor::Ready, &keys, manner.timeout).await?;
    }
    hooks::run(look, storage, record, post, manner.timeout)
        .await
        .map_err(|error| format!("failed {post}: {error}"))
}

async fn apply(look: &Look<'_>, wanted: &[Object], before: &[Object]) -> Result<(), String> {
    look.watch(wanted).await?;
    look.watch(before).await?;
    let plan = plan(look, wanted, before);
    let changes = look.carry_out(&plan).await?;
    if !changes.is_empty() {
        tracing::info!(release = %look.key(), changes = changes.join(", "), "applied");
    }
    Ok(())
}

fn plan(look: &Look<'_>, wanted: &[Object], before: &[Object]) -> Plan {
    objects::plan(wanted, before, &look.target, &|key| look.live(key))
}

/// The records after the work.
async fn finish(
    look: &mut Look<'_>,
    storage: &Storage,
    revision: Revision,
    action: Action,
    result: Result<(), String>,
) -> Result<(), String> {
    let Revision { mut record, before, .. } = revision;
    let title = if action == Action::Install { "Release" } else { "Upgrade" };
    match &result {
        Ok(()) => {
            if let Some(mut before) = before.filter(|before| before.version != record.version) {
                before.info.status = Status::Superseded;
                storage.update(&before).await.map_err(|error| chain(&error))?;
                let known = &mut look.release.status.history;
                if known.iter().any(|snapshot| snapshot.version == before.version) {
                    status::recorded(&mut look.release.status, &before, action);
                }
            }
            record.info.status = Status::Deployed;
            let done = if action == Action::Install { "Install complete" } else { "Upgrade complete" };
            done.clone_into(&mut record.info.description);
        }
        Err(error) => {
            record.info.status = Status::Failed;
            record.info.description = format!("{title} \"{}\" failed: {error}", record.name);
        }
    }
    let written = storage.update(&record).await;
    status::recorded(&mut look.release.status, &record, action);
    match (result, written) {
        (Ok(()), Err(error)) => Err(chain(&error)),
        (result, _) => result,
    }
}
