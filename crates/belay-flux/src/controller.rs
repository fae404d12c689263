//! The controller of Flux's kinds: which object is looked at when, by how many workers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use belay_cluster::{Belonging, Change, EventRecorder, LiveError, LiveState, WorkQueue};
use belay_diff::Drift;
use belay_manifest::{GroupVersionKind, Object, ObjectKey};
use belay_render::RenderCache;
use belay_source::{ArtifactStore, Checkout, Repositories, normalised_url};
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use crate::chart_build::BuiltChart;
use crate::files::SourceFiles;
use crate::health::Waiting;
use crate::ignore::Ignore;
use crate::prepare::{OWNER_NAME, OWNER_NAMESPACE};
use crate::{chart, depends, helm_release, reconcile, repository};

/// The API group of Kustomizations.
pub const KUSTOMIZE_GROUP: &str = "kustomize.toolkit.fluxcd.io";
/// The API group of sources.
pub const SOURCE_GROUP: &str = "source.toolkit.fluxcd.io";
/// The API group of HelmReleases.
pub const HELM_GROUP: &str = "helm.toolkit.fluxcd.io";
/// The field manager of Flux's kustomize-controller; kept, so that an installation can be taken over and handed back.
pub const FIELD_MANAGER: &str = "kustomize-controller";

/// How the controller works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The namespace of Flux's control plane.
    pub namespace: String,
    /// The host that artifacts' URLs name.
    pub artifact_address: String,
    /// Where artifacts are kept.
    pub artifacts: ArtifactStore,
    /// Objects worked on at once.
    pub workers: usize,
    /// Write requests in flight at once, per Kustomization.
    pub in_flight: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            namespace: "flux-system".to_owned(),
            artifact_address: "source-controller.flux-system.svc.cluster.local.".to_owned(),
            artifacts: ArtifactStore::new("artifacts"),
            workers: 8,
            in_flight: 16,
        }
    }
}

/// Everything that a look needs besides the object.
pub(crate) struct Context {
    pub(crate) live: LiveState,
    pub(crate) repositories: Arc<dyn Repositories>,
    pub(crate) events: EventRecorder,
    pub(crate) source_events: EventRecorder,
    pub(crate) helm_events: EventRecorder,
    pub(crate) settings: Settings,
    pub(crate) queue: WorkQueue<ObjectKey>,
    pub(crate) renders: Arc<RenderCache<ObjectKey>>,
    kube_version: OnceLock<String>,
    turns: Arc<Semaphore>,
    sources: Mutex<HashMap<ObjectKey, Source>>,
    charts: Mutex<HashMap<ObjectKey, BuiltChart>>,
    memory: Mutex<HashMap<ObjectKey, Memory>>,
}

/// The files of a source, as it has them now.
#[derive(Clone)]
pub(crate) struct Source {
    /// `main@sha1:…`.
    pub(crate) revision: String,
    /// The files.
    pub(crate) checkout: Checkout,
    /// What is left out of them.
    pub(crate) ignore: Arc<Ignore>,
}

impl Source {
    /// The files as consumers see them.
    pub(crate) fn files(&self) -> SourceFiles {
        SourceFiles::new(self.checkout.tree.clone(), self.ignore.clone())
    }
}

/// What is remembered of an app between two looks; lost with the process, and nothing needs it then.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    /// How often it was built.
    pub(crate) renders: u64,
    /// What others changed in the cluster, newest look.
    pub(crate) drift: Vec<Drift>,
    /// Its objects as they should be, of the newest look.
    pub(crate) desired: Arc<HashMap<ObjectKey, Object>>,
    /// What a Kustomization waits for.
    pub(crate) waiting: Option<Waiting>,
    /// What a HelmRelease was in sync with.
    pub(crate) release: Option<helm_release::Seen>,
    /// Faults of a HelmRelease in a row.
    pub(crate) faults: u32,
}

/// The controller's handle.
#[derive(Clone)]
pub struct Controller {
    context: Arc<Context>,
}

impl Controller {
    /// A controller that does nothing until [`run`](Controller::run).
    pub fn new(
        live: LiveState,
        repositories: Arc<dyn Repositories>,
        events: EventRecorder,
        settings: Settings,
    ) -> Controller {
        let recorder = |controller| EventRecorder::new(live.client().clone(), controller);
        let context = Context {
            source_events: recorder("source-controller"),
            helm_events: recorder(helm_release::MANAGER),
            turns: Arc::new(Semaphore::new(settings.workers.max(1))),
            live,
            repositories,
            events,
            settings,
            queue: WorkQueue::new(),
            renders: Arc::default(),
            kube_version: OnceLock::new(),
            sources: Mutex::default(),
            charts: Mutex::default(),
            memory: Mutex::default(),
        };
        Controller { context: Arc::new(context) }
    }

    /// Watches Flux's kinds and works on them until the future is dropped.
    pub async fn run(&self) -> Result<(), LiveError> {
        let mut changes = self.context.live.subscribe();
        for kind in kinds() {
            self.context.live.ensure_in_the_end(&kind).await?;
        }
        let mut workers = JoinSet::new();
        for _ in 0..self.context.settings.workers.max(1) {
            workers.spawn(work(self.context.clone()));
        }
        self.context.remove_stale_artifacts();
        self.add_all();
        loop {
            match changes.recv().await {
                Ok(change) => self.take_in(&change),
                Err(RecvError::Lagged(_)) => self.add_all(),
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }

    /// Asks every GitRepository of this URL for news at once.
    pub fn repository_changed(&self, url: &str) {
        self.context.repositories.forget(url);
        let wanted = normalised_url(url);
        for repository in self.context.live.of_kind(SOURCE_GROUP, "GitRepository") {
            let own = repository.value().pointer("/spec/url").and_then(Value::as_str).unwrap_or_default();
            if normalised_url(own) == wanted {
                self.context.queue.add(repository.key());
            }
        }
    }

    /// What drifted; for the command line and the web.
    pub fn drift(&self, app: &ObjectKey) -> Vec<Drift> {
        self.context.remembered(app).drift
    }

    /// An object as the app wants it: of a Kustomization's newest build, or a HelmRelease's newest release.
    pub fn desired(&self, app: &ObjectKey, object: &ObjectKey) -> Option<Object> {
        self.context.remembered(app).desired.get(object).cloned()
    }

    /// How often a Kustomization was built since the start.
    pub fn render_count(&self, app: &ObjectKey) -> u64 {
        self.context.remembered(app).renders
    }

    fn add_all(&self) {
        for kind in kinds() {
            let objects = self.context.live.of_kind(&kind.group, &kind.kind);
            objects.iter().for_each(|object| self.context.queue.add(object.key()));
        }
    }

    fn take_in(&self, change: &Change) {
        // A Kustomization of Kustomizations applies them, too.
        for object in [&change.before, &change.after].into_iter().flatten() {
            if let Some(parent) = owner(object) {
                self.context.queue.add(parent);
            }
            if let Some(release) = chart_owner(object) {
                self.context.queue.add(release);
            }
        }
        if !kinds().iter().any(|kind| kind.group == change.key.group && kind.kind == change.key.kind) {
            return;
        }
        self.add_dependents(change);
        match (&change.before, &change.after) {
            (Some(before), Some(after)) if !asks_for_work(before, after) => {}
            (_, Some(_)) => self.context.queue.add(change.key.clone()),
            (_, None) => {
                self.context.remove_artifacts(&change.key);
                self.context.forget(&change.key);
                self.context.queue.forget(&change.key);
                self.context.add_consumers(&change.key);
            }
        }
    }
}

impl Controller {
    /// An app that became ready, or has applied something newer, is what others may wait for.
    fn add_dependents(&self, change: &Change) {
        let state = |object: &Option<Arc<Object>>| {
            let object = object.as_ref()?;
            let revision = object.value().pointer("/status/lastAppliedRevision").cloned();
            Some((depends::is_ready(object), revision))
        };
        let after = state(&change.after);
        if after.as_ref().is_none_or(|(is_ready, _)| !is_ready) || state(&change.before) == after {
            return;
        }
        for app in self.context.live.of_kind(&change.key.group, &change.key.kind) {
            if depends::depends_on(&app, &change.key) {
                self.context.queue.add(app.key());
            }
        }
    }
}

impl Context {
    pub(crate) fn remembered(&self, app: &ObjectKey) -> Memory {
        lock(&self.memory).get(app).cloned().unwrap_or_default()
    }

    /// Keeps what an app's objects should be, for people who compare.
    pub(crate) fn keep_desired<'a>(&self, app: &ObjectKey, objects: impl Iterator<Item = &'a Object>) {
        let desired: HashMap<_, _> = objects.map(|object| (object.key(), object.clone())).collect();
        self.remember(app, |memory| memory.desired = Arc::new(desired));
    }

    pub(crate) fn remember(&self, app: &ObjectKey, change: impl FnOnce(&mut Memory)) {
        change(lock(&self.memory).entry(app.clone()).or_default());
    }

    pub(crate) fn source(&self, key: &ObjectKey) -> Option<Source> {
        lock(&self.sources).get(key).cloned()
    }

    /// Keeps the files of a source; its consumers look when the revision is a new one.
    pub(crate) fn keep_source(&self, key: &ObjectKey, source: Source) {
        let of = |source: &Source| (source.revision.clone(), source.ignore.clone());
        let new = of(&source);
        let before = lock(&self.sources).insert(key.clone(), source);
        if before.is_none_or(|before| of(&before) != new) {
            self.add_consumers(key);
        }
    }

    pub(crate) fn chart(&self, key: &ObjectKey) -> Option<BuiltChart> {
        lock(&self.charts).get(key).cloned()
    }

    /// Keeps a chart; its release looks when it is a new one.
    pub(crate) fn keep_chart(&self, key: &ObjectKey, chart: BuiltChart) {
        let of = |chart: &BuiltChart| (chart.name().to_owned(), chart.version().to_owned(), chart.generation);
        let new = of(&chart);
        let before = lock(&self.charts).insert(key.clone(), chart);
        if before.is_none_or(|before| of(&before) != new)
            && let Some(release) = self.live.get(key).as_deref().and_then(chart_owner)
        {
            self.queue.add(release);
        }
    }

    /// The cluster's version, such as `v1.34.4`; asked for once.
    pub(crate) async fn kube_version(&self) -> Result<String, kube::Error> {
        if let Some(known) = self.kube_version.get() {
            return Ok(known.clone());
        }
        let version = self.live.client().apiserver_version().await?.git_version;
        Ok(self.kube_version.get_or_init(|| version).clone())
    }

    /// The right to work, of which there are as many as workers. Nothing when the process ends.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        self.turns.clone().acquire_owned().await.ok()
    }

    /// Looks at every Kustomization and HelmChart of a source.
    fn add_consumers(&self, source: &ObjectKey) {
        for chart in self.live.of_kind(SOURCE_GROUP, "HelmChart") {
            let reference = &chart.value()["spec"]["sourceRef"];
            let is_of_it =
                reference["kind"] == source.kind.as_str() && reference["name"] == source.name.as_str();
            if is_of_it && chart.namespace() == source.namespace {
                self.queue.add(chart.key());
            }
        }
        for app in self.live.of_kind(KUSTOMIZE_GROUP, "Kustomization") {
            let reference = &app.value()["spec"]["sourceRef"];
            let text = |name: &str| reference[name].as_str().unwrap_or_default();
            let namespace = if text("namespace").is_empty() { app.namespace() } else { text("namespace") };
            if (text("kind"), text("name"), namespace) == (&source.kind, &source.name, &source.namespace) {
                self.queue.add(app.key());
            }
        }
    }

    /// A source that is gone leaves no artifacts.
    fn remove_artifacts(&self, key: &ObjectKey) {
        if key.group != SOURCE_GROUP {
            return;
        }
        if let Err(error) = self.settings.artifacts.remove(&folder(key)) {
            tracing::warn!(source = %key, %error, "artifacts not removed");
        }
    }

    /// Sources that went while nobody looked leave no artifacts, either.
    fn remove_stale_artifacts(&self) {
        let known = ["GitRepository", "HelmChart"].map(|kind| self.live.of_kind(SOURCE_GROUP, kind));
        let known: Vec<String> = known.iter().flatten().map(|object| folder(&object.key())).collect();
        for stored in self.settings.artifacts.objects() {
            if !known.contains(&stored)
                && let Err(error) = self.settings.artifacts.remove(&stored)
            {
                tracing::warn!(stored, %error, "artifacts not removed");
            }
        }
    }

    fn forget(&self, key: &ObjectKey) {
        self.renders.forget(key);
        lock(&self.memory).remove(key);
        lock(&self.sources).remove(key);
        lock(&self.charts).remove(key);
    }
}

/// Where an object's artifacts are.
fn folder(key: &ObjectKey) -> String {
    format!("{}/{}/{}", key.kind.to_lowercase(), key.namespace, key.name)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The kinds that are worked on.
pub fn kinds() -> [GroupVersionKind; 4] {
    [
        GroupVersionKind::new("source.toolkit.fluxcd.io/v1", "GitRepository"),
        GroupVersionKind::new("source.toolkit.fluxcd.io/v1", "HelmChart"),
        GroupVersionKind::new("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
        GroupVersionKind::new("helm.toolkit.fluxcd.io/v2", "HelmRelease"),
    ]
}

/// The Kustomization that an object's labels name.
fn owner(object: &Object) -> Option<ObjectKey> {
    Some(ObjectKey {
        group: KUSTOMIZE_GROUP.to_owned(),
        kind: "Kustomization".to_owned(),
        namespace: object.label(OWNER_NAMESPACE)?.to_owned(),
        name: object.label(OWNER_NAME)?.to_owned(),
    })
}

/// Whose an object is, as far as Flux's marks tell.
pub fn belonging(object: &Object) -> Belonging {
    for (prefix, family) in [(KUSTOMIZE_GROUP, "ks"), (HELM_GROUP, "hr")] {
        let name = object.label(&format!("{prefix}/name"));
        let namespace = object.label(&format!("{prefix}/namespace"));
        if let (Some(name), Some(namespace)) = (name, namespace) {
            return Belonging::App(format!("{family}/{namespace}/{name}"));
        }
    }
    let is_ours = object.gvk().group.ends_with(".toolkit.fluxcd.io");
    if is_ours { Belonging::Whole } else { Belonging::Nobody }
}

/// The HelmRelease that a HelmChart was made for.
fn chart_owner(object: &Object) -> Option<ObjectKey> {
    (object.kind() == "HelmChart" && object.gvk().group == SOURCE_GROUP).then_some(())?;
    Some(ObjectKey {
        group: HELM_GROUP.to_owned(),
        kind: "HelmRelease".to_owned(),
        namespace: object.label(helm_release::OWNER_NAMESPACE)?.to_owned(),
        name: object.label(helm_release::OWNER_NAME)?.to_owned(),
    })
}

/// Whether a change is more than a status: Flux looks at the generation and the request alone.
fn asks_for_work(before: &Object, after: &Object) -> bool {
    let asked = |object: &Object| {
        let metadata = &object.value()["metadata"];
        (
            object.value()["spec"].clone(),
            object.annotation(crate::write::REQUESTED_AT).map(str::to_owned),
            metadata["deletionTimestamp"].clone(),
            metadata["finalizers"].clone(),
        )
    };
    asked(before) != asked(after)
}

async fn work(context: Arc<Context>) {
    loop {
        let key = context.queue.next().await;
        match key.kind.as_str() {
            // A release may wait for minutes, which must not keep others from being looked at.
            "HelmRelease" => drop(tokio::spawn(look(context.clone(), key))),
            _ => look(context.clone(), key).await,
        }
    }
}

async fn look(context: Arc<Context>, key: ObjectKey) {
    let again = match key.kind.as_str() {
        "GitRepository" => repository::reconcile(&context, &key).await,
        "HelmChart" => chart::reconcile(&context, &key).await,
        "Kustomization" => reconcile::reconcile(&context, &key).await,
        _ => helm_release::reconcile(&context, &key).await,
    };
    context.queue.done(&key);
    if let Some(delay) = again {
        context.queue.add_after(key, delay);
    }
}
