//! [`LiveEngine`]: the index, the pages and the actions together.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use belay_cluster::{LiveState, RunningLook};
use belay_ledger::AuditedChange;
use belay_manifest::{GroupVersionKind, Object, ObjectKey, Secret};
use belay_metrics::Gauge;
use futures::FutureExt;
use futures::future::BoxFuture;
use kube::api::{Api, DynamicObject};
use kube::core::ApiResource;
use serde_json::Value;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use super::argo::{items, text};
use super::index::{Index, managed, own_summary, root_node};
use super::pushes::{Pushed, Pushes};
use super::{
    DesiredState, LiveSettings, Reader, Sight, act, argo, differences, flux, measures, resource, tree,
};
use crate::action::{Accepted, ActError, Action, Preview};
use crate::app::{AppKind, AppRef, AppSummary, Health, Sync};
use crate::audit::Audited;
use crate::detail::{AppDetail, FieldDifference, Reason, ResourceDetail, TreeNode};
use crate::engine::{Engine, Push, Readiness, SecretsUnknown, TooManyPushes, WebhookSecrets};
use crate::shown;

/// Pause before a kind that the cluster does not know yet is looked for again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How long the secrets of webhooks are remembered.
const SECRETS_KEPT: Duration = Duration::from_secs(10);
/// Most fields that the page of an app lists.
const MOST_DIFFERENCES: usize = 500;

/// Kinds whose objects are shown below those that own them.
const CHILD_KINDS: &[(&str, &str)] = &[("apps/v1", "ReplicaSet"), ("v1", "Pod"), ("batch/v1", "Job")];
const ARGO_KINDS: &[(&str, &str)] = &[("argoproj.io/v1alpha1", "Application")];
const FLUX_KINDS: &[(&str, &str)] = &[
    ("source.toolkit.fluxcd.io/v1", "GitRepository"),
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
    ("helm.toolkit.fluxcd.io/v2", "HelmRelease"),
];

/// The engine over a live cluster.
pub struct LiveEngine {
    sight: Sight,
    settings: LiveSettings,
    index: Arc<Index>,
    waiting: watch::Sender<Vec<String>>,
    secrets: Mutex<Option<(Instant, WebhookSecrets)>>,
    pushes: Arc<Pushes>,
    tasks: Vec<JoinHandle<()>>,
}

impl LiveEngine {
    /// Starts watching what the pages need, and keeps the rows current until it is dropped.
    pub fn start(live: LiveState, desired: Arc<dyn DesiredState>, settings: LiveSettings) -> LiveEngine {
        let sight = Sight { live: live.clone(), desired };
        let mut kinds = CHILD_KINDS.to_vec();
        let mut app_kinds = Vec::new();
        if settings.argo {
            kinds.extend(ARGO_KINDS);
            app_kinds.push(AppKind::Application);
        }
        if settings.flux {
            kinds.extend(FLUX_KINDS);
            app_kinds.extend([AppKind::Kustomization, AppKind::HelmRelease]);
        }
        let index = Arc::new(Index::new(sight.clone(), app_kinds));
        let waiting = watch::Sender::new(kinds.iter().map(|(_, kind)| (*kind).to_owned()).collect());
        let mut tasks = vec![tokio::spawn(index.clone().follow(live.subscribe()))];
        let pushes = Arc::new(Pushes::default());
        tasks.push(tokio::spawn({
            let (pushes, sight) = (pushes.clone(), sight.clone());
            async move { pushes.rounds(|pushed| announce(sight.clone(), pushed)).await }
        }));
        for (api_version, kind) in kinds {
            let kind = GroupVersionKind::new(api_version, kind);
            tasks.push(tokio::spawn(watch_kind(live.clone(), kind, waiting.clone())));
        }
        LiveEngine { sight, settings, index, waiting, secrets: Mutex::default(), pushes, tasks }
    }

    fn drift(&self, app: &AppRef, object: &Object) -> Vec<FieldDifference> {
        let keys = managed(app.kind, object).into_iter().map(|(key, _)| key);
        let found = keys.flat_map(|key| differences::of_object(&self.sight, app, &key));
        found.take(MOST_DIFFERENCES).collect()
    }

    async fn read_secrets(&self) -> Result<WebhookSecrets, SecretsUnknown> {
        let resource = ApiResource {
            group: String::new(),
            version: "v1".to_owned(),
            api_version: "v1".to_owned(),
            kind: "Secret".to_owned(),
            plural: "secrets".to_owned(),
        };
        let client = self.sight.live.client().clone();
        let api: Api<DynamicObject> =
            Api::namespaced_with(client, &self.settings.argocd_namespace, &resource);
        let found = api.get_opt("argocd-secret").await.map_err(|error| SecretsUnknown(error.to_string()))?;
        let data = found.map(|secret| secret.data["data"].clone()).unwrap_or_default();
        Ok(WebhookSecrets {
            github: secret_entry(&data, "webhook.github.secret")?,
            gitlab: secret_entry(&data, "webhook.gitlab.secret")?,
        })
    }
}

impl Drop for LiveEngine {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Engine for LiveEngine {
    fn apps(&self) -> Vec<Arc<AppSummary>> {
        self.index.rows()
    }

    fn summary(&self, app: &AppRef) -> Option<Arc<AppSummary>> {
        self.index.row(app)
    }

    fn app(&self, app: &AppRef) -> Option<AppDetail> {
        let object = self.sight.live.get(&app.key())?;
        let summary = (*self.index.row(app)?).clone();
        let drift = self.drift(app, &object);
        let (history, conditions) = match app.kind {
            AppKind::Application => (argo::history(&*self.sight.desired, &object), argo::conditions(&object)),
            kind => {
                let source = flux::source_key(kind, &object).and_then(|key| self.sight.live.get(&key));
                let history = flux::history(&*self.sight.desired, kind, &object, source.as_deref());
                (history, flux::conditions(&object))
            }
        };
        let mut objects = managed(app.kind, &object);
        for (key, sync) in &mut objects {
            if drift.iter().any(|difference| difference.object == *key) {
                *sync = Sync::OutOfSync;
            }
        }
        Some(AppDetail {
            sentence: sentence(&summary),
            tree: tree::build(&self.sight, root_node(&object, &summary), objects),
            summary,
            history,
            why: self.sight.desired.past(app).into_iter().rev().map(Reason::from).collect(),
            conditions,
            drift,
        })
    }

    fn resource<'a>(
        &'a self,
        app: &'a AppRef,
        object: &'a ObjectKey,
    ) -> BoxFuture<'a, Option<ResourceDetail>> {
        resource::detail(&self.sight, app, object).boxed()
    }

    fn preview(&self, app: &AppRef, action: &Action) -> Result<Preview, ActError> {
        act::preview(&self.sight, app, action)
    }

    fn act<'a>(&'a self, app: &'a AppRef, action: &'a Action) -> BoxFuture<'a, Result<Accepted, ActError>> {
        act::act(&self.sight, app, action).boxed()
    }

    fn subscribe(&self) -> broadcast::Receiver<AppRef> {
        self.index.subscribe()
    }

    fn repository_changed(&self, push: &Push) -> Result<(), TooManyPushes> {
        self.pushes.add(push)
    }

    fn webhook_secrets(&self) -> BoxFuture<'_, Result<WebhookSecrets, SecretsUnknown>> {
        async move {
            let known = self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some((_, secrets)) = known.filter(|(when, _)| when.elapsed() < SECRETS_KEPT) {
                return Ok(secrets);
            }
            let secrets = self.read_secrets().await?;
            let entry = Some((Instant::now(), secrets.clone()));
            *self.secrets.lock().unwrap_or_else(PoisonError::into_inner) = entry;
            Ok(secrets)
        }
        .boxed()
    }

    fn audit_token(&self) -> Option<Secret<String>> {
        self.sight.desired.audit_token()
    }

    fn audited(&self, changes: Vec<Audited>) {
        let kinds = self.sight.live.kinds();
        let known = |change: Audited| {
            let Audited { group, resource, namespace, name, user, manager, time } = change;
            let kind = kinds.kind_of(&group, &resource)?;
            Some(AuditedChange { object: ObjectKey { group, kind, namespace, name }, user, manager, time })
        };
        self.sight.desired.audited(changes.into_iter().filter_map(known).collect());
    }

    fn metrics(&self, more: Vec<Gauge>) -> String {
        let apps: Vec<AppRef> = self.index.rows().iter().map(|row| row.app.clone()).collect();
        let mut gauges = measures::gauges(&self.sight, &apps, belay_cluster::now());
        gauges.extend(more);
        self.sight.desired.metrics().text(&gauges)
    }

    fn looks(&self) -> Option<Vec<RunningLook>> {
        self.sight.desired.looks()
    }

    fn readiness(&self) -> Readiness {
        let waiting_for = self.waiting.borrow().clone();
        Readiness { ready: waiting_for.is_empty(), waiting_for }
    }
}

/// The node at the root of an app's tree, whether the index has its row yet or not.
pub(crate) fn row(sight: &Sight, app: &AppRef, object: &Object) -> Option<TreeNode> {
    Some(root_node(object, &own_summary(sight, app.kind, object)))
}

/// Watches a kind; one that the cluster does not know yet is waited for.
async fn watch_kind(live: LiveState, kind: GroupVersionKind, waiting: watch::Sender<Vec<String>>) {
    while let Err(error) = live.ensure(&kind).await {
        tracing::debug!(%kind, %error, "not watched yet");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    waiting.send_modify(|kinds| kinds.retain(|name| *name != kind.kind));
}

fn secret_entry(data: &Value, name: &str) -> Result<Option<Secret<String>>, SecretsUnknown> {
    let Some(encoded) = data[name].as_str() else {
        return Ok(None);
    };
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).ok();
    let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or_else(|| SecretsUnknown(format!("{name} of argocd-secret is no text")))?;
    if text.starts_with('$') {
        return Err(SecretsUnknown(format!(
            "{name} of argocd-secret refers to another secret, which is not supported yet"
        )));
    }
    Ok((!text.is_empty()).then(|| Secret::new(text)))
}

/// Those who read what was pushed look again: told of it here, or through the API server where that may be another replica.
async fn announce(sight: Sight, pushed: Pushed) {
    let readers = readers_of(&sight.live, &pushed);
    if !sight.desired.look_again(&readers) {
        ask_for_looks(&sight, &readers).await;
    }
    let (repositories, repository) = (pushed.len(), shown::text(pushed.first()));
    tracing::info!(repositories, repository, readers = readers.len(), "pushed");
}

async fn ask_for_looks(sight: &Sight, readers: &[Reader]) {
    let now = jiff::Timestamp::now().to_string();
    // An app may read from several sources.
    let objects: BTreeSet<&ObjectKey> = readers.iter().map(|reader| &reader.object).collect();
    for object in objects {
        let wish = match object.kind.as_str() {
            "Application" => act::annotated(act::REFRESH, "normal"),
            _ => act::annotated(act::REQUESTED_AT, &now),
        };
        if let Err(error) = act::write(sight, object, &wish).await {
            tracing::warn!(%object, %error, "refresh not asked for");
        }
    }
}

/// The resources that read from what was pushed.
fn readers_of(live: &LiveState, pushed: &Pushed) -> Vec<Reader> {
    let mut readers = Vec::new();
    let mut add = |object: &Object, url: String, revision: &str| {
        if pushed.concerns(&url, revision) {
            readers.push(Reader { object: object.key(), repository: url });
        }
    };
    for app in live.of_kind("argoproj.io", "Application") {
        let spec = &app.value()["spec"];
        for source in items(spec, "/sources").chain(spec.get("source")) {
            add(&app, text(source, "/repoURL"), &text(source, "/targetRevision"));
        }
    }
    for source in live.of_kind(flux::SOURCE_GROUP, "GitRepository") {
        let value = source.value();
        add(&source, text(value, "/spec/url"), &text(value, "/spec/ref/branch"));
    }
    readers
}

/// How an app stands, in a sentence.
fn sentence(app: &AppSummary) -> String {
    let revision = app.revision.as_ref().map(|revision| {
        let id: String = revision.id.chars().take(8).collect();
        if revision.subject.is_empty() { id } else { format!("{id} “{}”", revision.subject) }
    });
    let revision = revision.unwrap_or_else(|| "no revision yet".to_owned());
    let sync = match app.sync {
        Sync::Synced => format!("In sync with {revision}"),
        Sync::OutOfSync if app.drift > 0 => {
            format!("{} changed in the cluster; Git is at {revision}", act::counted(app.drift, "field"))
        }
        Sync::OutOfSync => format!("Not in sync with {revision}"),
        Sync::Unknown => format!("Not known whether in sync; last seen {revision}"),
    };
    let health = match app.health {
        Health::Healthy => "all healthy",
        Health::Suspended => "suspended",
        Health::Progressing => "on its way",
        Health::Missing => "something is missing",
        Health::Degraded => "something does not work",
        Health::Unknown => "health not known",
    };
    let objects = act::counted(app.objects, "object");
    let automation = match (app.suspended, app.automated) {
        (true, _) => " It is left alone.",
        (false, true) => "",
        (false, false) => " It syncs only when asked.",
    };
    format!("{sync}; {objects}, {health}.{automation}")
}
