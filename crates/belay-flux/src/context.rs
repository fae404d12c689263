//! What every look needs besides the object: the cluster, the settings, sources and charts as they are now, and what is
//! remembered between two looks.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use belay_apply::Schemas;
use belay_cluster::{EventRecorder, LeftoverSearch, LiveState, Looks, Severity, Share, WorkQueue};
use belay_diff::Drift;
use belay_filetree::Changes;
use belay_ledger::Ledger;
use belay_manifest::{Object, ObjectKey, PackedObject};
use belay_metrics::Metrics;
use belay_render::RenderCache;
use belay_source::{ArtifactStore, Checkout, GithubApp, Repositories};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::chart_build::BuiltChart;
use crate::clusters::Clusters;
use crate::depends::{self, includes};
use crate::external_artifact::Fetches;
use crate::files::SourceFiles;
use crate::health::Waiting;
use crate::helm_release;
use crate::ignore::Ignore;
use crate::jobs::Round;

/// The API group of Kustomizations.
pub const KUSTOMIZE_GROUP: &str = "kustomize.toolkit.fluxcd.io";
/// The API group of sources.
pub const SOURCE_GROUP: &str = "source.toolkit.fluxcd.io";
/// The API group of HelmReleases.
pub const HELM_GROUP: &str = "helm.toolkit.fluxcd.io";
/// The field manager of Flux's kustomize-controller; kept, so that an installation can be taken over and handed back.
pub const FIELD_MANAGER: &str = "kustomize-controller";

/// Apps of GitHub whose tokens are kept.
const MOST_APPS: usize = 1000;

/// How the controller works.
#[derive(Clone)]
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
    /// The account of Kustomizations that name none; ours when empty.
    pub default_service_account: String,
    /// Whether Kustomizations may use sources of their own namespace alone.
    pub no_cross_namespace_references: bool,
    /// Where it is noted what happened to each app, and why.
    pub ledger: Ledger,
    /// Where it is counted.
    pub metrics: Metrics,
    /// Which objects are being looked at.
    pub looks: Looks,
    /// Which objects are this replica's.
    pub share: Share,
    /// What apps were built to.
    pub renders: Arc<RenderCache>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            namespace: "flux-system".to_owned(),
            artifact_address: "source-controller.flux-system.svc.cluster.local.".to_owned(),
            artifacts: ArtifactStore::new("artifacts"),
            workers: 32,
            in_flight: 16,
            default_service_account: String::new(),
            no_cross_namespace_references: false,
            ledger: Ledger::in_memory(),
            metrics: Metrics::new(),
            looks: Looks::default(),
            share: Share::whole(),
            renders: Arc::default(),
        }
    }
}

/// Everything that a look needs besides the object.
pub(crate) struct Context {
    pub(crate) live: LiveState,
    pub(crate) repositories: Arc<dyn Repositories>,
    pub(crate) events: EventRecorder,
    source_events: EventRecorder,
    pub(crate) helm_events: EventRecorder,
    pub(crate) settings: Settings,
    pub(crate) queue: WorkQueue<ObjectKey>,
    pub(crate) renders: Arc<RenderCache>,
    pub(crate) clusters: Clusters,
    kube_version: OnceLock<String>,
    turns: Arc<Semaphore>,
    sources: Mutex<HashMap<ObjectKey, Source>>,
    charts: Mutex<HashMap<ObjectKey, BuiltChart>>,
    pub(crate) fetches: Fetches,
    pub(crate) schemas: Schemas,
    pub(crate) leftovers: LeftoverSearch,
    github_apps: Mutex<HashSet<GithubApp>>,
    memory: Mutex<HashMap<ObjectKey, Memory>>,
}

/// The files of a source, as it has them now.
#[derive(Clone)]
pub(crate) struct Source {
    /// `main@sha1:…`.
    pub(crate) revision: String,
    /// The revision that these files were made from, where others made them.
    pub(crate) origin: String,
    /// The files.
    pub(crate) checkout: Checkout,
    /// What is left out of them.
    pub(crate) ignore: Arc<Ignore>,
    /// What else they are made of: the digest of the archive, or those of archives among them.
    pub(crate) digest: String,
}

impl Source {
    fn is_same_as(&self, other: &Source) -> bool {
        (&self.revision, &self.ignore, &self.digest) == (&other.revision, &other.ignore, &other.digest)
    }

    /// What its consumers see otherwise in a later state; nothing where that takes as long as asking each of them.
    fn changes_to(&self, later: &Source) -> Option<Changes> {
        let is_plain = self.ignore == later.ignore && !self.ignore.includes_again();
        is_plain.then(|| Changes::between(self.checkout.tree.as_ref(), later.checkout.tree.as_ref()).ok())?
    }

    /// The files as consumers see them.
    pub(crate) fn files(&self) -> SourceFiles {
        SourceFiles::new(self.checkout.tree.clone(), self.ignore.clone())
    }
}

/// What is remembered of an app between two looks; lost with the process, and nothing needs it then.
#[derive(Default)]
pub(crate) struct Memory {
    /// How often it was built.
    pub(crate) renders: u64,
    /// The digest of what its files came to, as long as they are the same.
    pub(crate) digest: Option<String>,
    /// What others changed in the cluster, newest look.
    pub(crate) drift: Vec<Drift>,
    /// Its objects as they should be, of the newest look.
    pub(crate) desired: HashMap<ObjectKey, PackedObject>,
    /// The files that a Kustomization was applied from last, and their revision.
    pub(crate) applied: Option<(String, SourceFiles)>,
    /// The chart that a HelmRelease was released from last.
    pub(crate) released: Option<BuiltChart>,
    /// What a Kustomization waits for.
    pub(crate) waiting: Option<Waiting>,
    /// Which of a Kustomization's Jobs may be gone.
    pub(crate) round: Option<Box<Round>>,
    /// What a HelmRelease was in sync with.
    pub(crate) release: Option<helm_release::Seen>,
    /// Which object, by its uid, was said to hold what its kind cannot, and the words for it.
    pub(crate) unreadable: Option<(String, String)>,
    /// Whether the newest look ended in a fault.
    pub(crate) has_failed: bool,
    /// Faults of a HelmRelease in a row.
    pub(crate) faults: u32,
}

impl Context {
    pub(crate) fn new(
        live: LiveState,
        repositories: Arc<dyn Repositories>,
        events: EventRecorder,
        settings: Settings,
    ) -> Context {
        let recorder = |controller| EventRecorder::new(live.client().clone(), controller);
        Context {
            source_events: recorder("source-controller"),
            helm_events: recorder(helm_release::MANAGER),
            turns: Arc::new(Semaphore::new(settings.workers.max(1))),
            live,
            repositories,
            events,
            renders: settings.renders.clone(),
            settings,
            queue: WorkQueue::new(),
            clusters: Clusters::default(),
            kube_version: OnceLock::new(),
            sources: Mutex::default(),
            charts: Mutex::default(),
            fetches: Fetches::default(),
            schemas: Schemas::default(),
            leftovers: LeftoverSearch::default(),
            github_apps: Mutex::default(),
            memory: Mutex::default(),
        }
    }

    /// What is remembered of an app, as far as somebody reads it.
    pub(crate) fn recall<T: Default>(&self, app: &ObjectKey, read: impl FnOnce(&Memory) -> T) -> T {
        lock(&self.memory).get(app).map(read).unwrap_or_default()
    }

    /// Keeps what an app's objects should be, for people who compare.
    pub(crate) fn keep_desired<'a>(&self, app: &ObjectKey, objects: impl Iterator<Item = &'a Object>) {
        let desired: HashMap<_, _> =
            objects.map(|object| (object.key(), PackedObject::new(object))).collect();
        self.remember(app, |memory| memory.desired = desired);
    }

    /// Keeps in mind that a look ended in a fault.
    pub(crate) fn note_failure(&self, app: &ObjectKey) {
        self.remember(app, |memory| memory.has_failed = true);
    }

    /// Whether the look that has just ended did so in a fault.
    pub(crate) fn take_failure(&self, app: &ObjectKey) -> bool {
        let mut memory = lock(&self.memory);
        memory.get_mut(app).is_some_and(|memory| std::mem::take(&mut memory.has_failed))
    }

    pub(crate) fn remember(&self, app: &ObjectKey, change: impl FnOnce(&mut Memory)) {
        change(lock(&self.memory).entry(app.clone()).or_default());
    }

    /// Keeps at hand which files an app was applied from.
    pub(crate) fn keep_applied(&self, app: &ObjectKey, source: &Source) {
        let applied = (source.revision.clone(), source.files());
        self.remember(app, |memory| memory.applied = Some(applied));
    }

    pub(crate) fn source(&self, key: &ObjectKey) -> Option<Source> {
        lock(&self.sources).get(key).cloned()
    }

    /// Keeps the files of a source; its consumers look when they are new ones, which is what this gives. First those whose
    /// files have changed: the others have nothing to say but the revision.
    pub(crate) async fn keep_source(&self, key: &ObjectKey, source: Source) -> bool {
        let before = lock(&self.sources).insert(key.clone(), source.clone());
        if before.as_ref().is_some_and(|before| before.is_same_as(&source)) {
            return false;
        }
        let changes = match before {
            Some(before) => belay_cluster::aside(move || before.changes_to(&source)).await.ok().flatten(),
            None => None,
        };
        let Some(changes) = changes else {
            self.add_consumers(key);
            return true;
        };
        let (same, changed) = self.renders.spared(self.consumers(key), &changes);
        changed.into_iter().for_each(|consumer| self.add_with_dependencies(consumer));
        same.into_iter().for_each(|consumer| self.queue.add_later(consumer));
        true
    }

    /// Looks at an app, and at those that have to be at the same revision before it.
    fn add_with_dependencies(&self, app: ObjectKey) {
        let mut wanted = vec![app];
        let mut seen = HashSet::new();
        while let Some(key) = wanted.pop() {
            if let Some(object) = self.live.get(&key).filter(|_| !seen.contains(&key)) {
                wanted.extend(depends::dependencies(&object));
                self.queue.add(key.clone());
            }
            seen.insert(key);
        }
    }

    /// The app as it was used before, with its token.
    pub(crate) fn github_app(&self, app: GithubApp) -> GithubApp {
        let mut known = lock(&self.github_apps);
        if known.len() >= MOST_APPS {
            known.clear();
        }
        if let Some(known) = known.get(&app) {
            return known.clone();
        }
        known.insert(app.clone());
        app
    }

    /// Keeps files that were fetched for those who ask for them just now.
    pub(crate) fn keep_fetched(&self, key: &ObjectKey, source: Source) {
        lock(&self.sources).insert(key.clone(), source);
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

    /// Looks at all that use a source.
    pub(crate) fn add_consumers(&self, source: &ObjectKey) {
        self.consumers(source).into_iter().for_each(|consumer| self.queue.add(consumer));
    }

    /// Every Kustomization, HelmChart and GitRepository that uses a source.
    fn consumers(&self, source: &ObjectKey) -> Vec<ObjectKey> {
        let mut consumers = self.including(source);
        for chart in self.live.of_kind(SOURCE_GROUP, "HelmChart") {
            let reference = &chart.value()["spec"]["sourceRef"];
            let is_of_it =
                reference["kind"] == source.kind.as_str() && reference["name"] == source.name.as_str();
            if is_of_it && chart.namespace() == source.namespace {
                consumers.push(chart.key());
            }
        }
        for app in self.live.of_kind(KUSTOMIZE_GROUP, "Kustomization") {
            let reference = &app.value()["spec"]["sourceRef"];
            let text = |name: &str| reference[name].as_str().unwrap_or_default();
            let namespace = if text("namespace").is_empty() { app.namespace() } else { text("namespace") };
            if (text("kind"), text("name"), namespace) == (&source.kind, &source.name, &source.namespace) {
                consumers.push(app.key());
            }
        }
        consumers
    }

    /// Whether another repository includes a source.
    pub(crate) fn is_included(&self, source: &ObjectKey) -> bool {
        !self.including(source).is_empty()
    }

    fn including(&self, source: &ObjectKey) -> Vec<ObjectKey> {
        let mut including = Vec::new();
        for repository in self.live.of_kind(SOURCE_GROUP, "GitRepository") {
            let is_of_it = || includes(repository.value()).any(|name| name == source.name);
            if repository.namespace() == source.namespace && source.kind == "GitRepository" && is_of_it() {
                including.push(repository.key());
            }
        }
        including
    }

    /// A source that is gone leaves no artifacts.
    pub(crate) fn remove_artifacts(&self, key: &ObjectKey) {
        if key.group != SOURCE_GROUP {
            return;
        }
        if let Err(error) = self.settings.artifacts.remove(&folder(key)) {
            tracing::warn!(source = %key, %error, "artifacts not removed");
        }
    }

    /// Sources that went while nobody looked leave no artifacts, either.
    pub(crate) fn remove_stale_artifacts(&self) {
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

    /// Records an Event about a source, unless another replica tells of it.
    pub(crate) async fn source_event(
        &self,
        source: &Object,
        severity: Severity,
        reason: &str,
        message: &str,
        annotations: &BTreeMap<String, String>,
    ) {
        if self.tells_of(&source.key()) {
            self.source_events.record(source, severity, reason, message, annotations).await;
        }
    }

    /// Records an Event about an object under the name of its kind's controller.
    pub(crate) async fn event(
        &self,
        about: &Object,
        severity: Severity,
        reason: &str,
        message: &str,
        annotations: &BTreeMap<String, String>,
    ) {
        match about.gvk().group.as_str() {
            SOURCE_GROUP => self.source_event(about, severity, reason, message, annotations).await,
            HELM_GROUP => self.helm_events.record(about, severity, reason, message, annotations).await,
            _ => self.events.record(about, severity, reason, message, annotations).await,
        }
    }

    /// Forgets the apps that are not this replica's any more: another writes to what is remembered of them.
    pub(crate) fn forget_others(&self) {
        let known: Vec<ObjectKey> = lock(&self.memory).keys().cloned().collect();
        for app in known.iter().filter(|app| !self.tells_of(app)) {
            self.renders.forget(app);
            self.clusters.leave(app, None);
            lock(&self.memory).remove(app);
        }
    }

    /// Forgets an object that has gone.
    pub(crate) fn forget(&self, key: &ObjectKey) {
        self.renders.forget(key);
        self.settings.metrics.forget(&key.kind, &key.namespace, &key.name);
        self.clusters.leave(key, None);
        self.fetches.forget(key);
        lock(&self.memory).remove(key);
        lock(&self.sources).remove(key);
        lock(&self.charts).remove(key);
    }
}

/// Where an object's artifacts are.
fn folder(key: &ObjectKey) -> String {
    format!("{}/{}/{}", key.kind.to_lowercase(), key.namespace, key.name)
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The HelmRelease that a HelmChart was made for.
pub(crate) fn chart_owner(object: &Object) -> Option<ObjectKey> {
    (object.kind() == "HelmChart" && object.gvk().group == SOURCE_GROUP).then_some(())?;
    Some(ObjectKey {
        group: HELM_GROUP.to_owned(),
        kind: "HelmRelease".to_owned(),
        namespace: object.label(helm_release::OWNER_NAMESPACE)?.to_owned(),
        name: object.label(helm_release::OWNER_NAME)?.to_owned(),
    })
}
