//! The Application controller: which app is looked at when, by how many workers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use belay_argo_api::ApplicationSource;
use belay_cluster::{Change, EventRecorder, LiveError, LiveState};
use belay_diff::{Difference, Drift};
use belay_manifest::{GroupVersionKind, Object, ObjectKey};
use belay_render::RenderCache;
use belay_source::{Repositories, normalised_url};
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::clusters::{self, Cluster, Clusters};
use crate::compare::{Schemas, Seen, Written};
use crate::desired::{Desired, Purpose, Rendered};
use crate::lanes::{Lane, Lanes};
use crate::project::Projects;
use crate::reconcile::reconcile;
use crate::repositories::{self, KnownRepositories, LiveRepositories};
use crate::settings::{self, LiveSettings};
use crate::sources::Sources;

/// The API group of Argo CD's resources.
pub const GROUP: &str = "argoproj.io";
/// The field manager of Argo CD's controller; kept, so that an installation can be taken over and handed back.
pub const FIELD_MANAGER: &str = "argocd-controller";

/// How long others get to react between two waves, unless the installation says otherwise.
const WAVE_DELAY: Duration = Duration::from_secs(2);
/// How often an app is looked at that nobody wants to be asked for.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How the controller works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The namespace of the control plane, where Applications and AppProjects live.
    pub namespace: String,
    /// Apps worked on at once.
    pub workers: usize,
    /// Write requests in flight at once, per app.
    pub in_flight: usize,
    /// What the installation's ConfigMaps say, live.
    pub live: LiveSettings,
    /// What its Secrets say about repositories, live.
    pub repositories: LiveRepositories,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            namespace: "argocd".to_owned(),
            workers: 8,
            in_flight: 16,
            live: LiveSettings::default(),
            repositories: LiveRepositories::default(),
        }
    }
}

/// Everything that a reconcile needs besides the app. Its parts are shared: a copy for another cluster costs little.
#[derive(Clone)]
pub(crate) struct Context {
    /// The cluster that Applications and projects live in.
    pub(crate) home: LiveState,
    /// The cluster that the app at hand deploys to.
    pub(crate) live: LiveState,
    /// That cluster.
    pub(crate) cluster: Arc<Cluster>,
    /// All clusters.
    pub(crate) clusters: Clusters,
    /// Where files come from.
    pub(crate) repositories: Arc<dyn Repositories>,
    /// Where Events go.
    pub(crate) events: EventRecorder,
    /// How the controller works.
    pub(crate) settings: Arc<Settings>,
    /// The schemas of that cluster.
    pub(crate) schemas: Arc<Schemas>,
    pub(crate) renders: Arc<RenderCache<(ObjectKey, Purpose, usize)>>,
    pub(crate) projects: Arc<Projects>,
    pub(crate) memory: Arc<Mutex<HashMap<ObjectKey, Memory>>>,
}

/// What is remembered of an app between two looks; lost with the process, and nothing needs it then.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    /// How often the app was rendered.
    pub(crate) renders: u64,
    /// What others changed in the cluster, newest look.
    pub(crate) drift: Vec<Drift>,
    /// What Git says, for the comparison and for a running operation.
    desired: HashMap<Purpose, Arc<Desired>>,
    /// The commits that say it, one of each source.
    commits: Vec<Commit>,
    /// Whether what it has left in the cluster was looked for before its deletion.
    pub(crate) is_found: bool,
    /// What was compared.
    seen: Arc<Seen>,
    /// The API server's answers to our writes since then.
    written: HashMap<ObjectKey, Written>,
    /// When a running operation may go on.
    paused: Option<Instant>,
}

/// A commit that an app was rendered from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The repository's URL, as the app has it.
    pub repository: String,
    /// The commit's full id.
    pub id: String,
    /// The first line of its message.
    pub subject: String,
    /// `Name <address>`
    pub author: String,
    /// Seconds since 1970.
    pub seconds: i64,
}

/// The controller's handle.
#[derive(Clone)]
pub struct Controller {
    context: Arc<Context>,
    lanes: Lanes,
}

impl Controller {
    /// A controller that does nothing until [`run`](Controller::run).
    pub fn new(
        live: LiveState,
        repositories: Arc<dyn Repositories>,
        events: EventRecorder,
        settings: Settings,
    ) -> Controller {
        let clusters = Clusters::new(live.clone());
        let cluster = Arc::new(clusters.nowhere());
        let lanes = Lanes::new(live.clone());
        let context = Context {
            home: live,
            live: cluster.live.clone(),
            schemas: cluster.schemas.clone(),
            cluster,
            clusters,
            repositories,
            events,
            settings: Arc::new(settings),
            renders: Arc::default(),
            projects: Arc::default(),
            memory: Arc::default(),
        };
        Controller { context: Arc::new(context), lanes }
    }

    /// Watches Applications and works on them until the future is dropped.
    pub async fn run(&self) -> Result<(), LiveError> {
        let Context { home, settings, events, .. } = self.context.as_ref();
        let follow = settings::follow(home.client().clone(), &settings.namespace, &settings.live, events);
        let known = repositories::follow(home.client().clone(), &settings.namespace, &settings.repositories);
        let (announcements, announced) = mpsc::unbounded_channel();
        let clusters = clusters::follow(
            home.client().clone(),
            &settings.namespace,
            &self.context.clusters,
            &announcements,
        );
        tokio::select! {
            () = follow => Ok(()),
            () = known => Ok(()),
            () = clusters => Ok(()),
            end = self.work(announced) => end,
        }
    }

    async fn work(&self, mut announced: mpsc::UnboundedReceiver<LiveState>) -> Result<(), LiveError> {
        let live = &self.context.home;
        // Apps that are treated by settings that do not hold could lose what they have.
        self.context.settings.live.are_read().await;
        // An app whose cluster is not known yet would be taken for one without.
        self.context.clusters.are_read().await;
        let mut settings = self.context.settings.live.changes();
        self.context.settings.repositories.are_read().await;
        let mut repositories = self.context.settings.repositories.changes();
        live.reassign().await;
        let mut clusters = self.context.clusters.changes();
        let mut lanes = self.lanes.news();
        let mut changes = live.subscribe();
        live.ensure_in_the_end(&application_kind()).await?;
        live.ensure_in_the_end(&GroupVersionKind::new("argoproj.io/v1alpha1", "AppProject")).await?;
        let mut workers = JoinSet::new();
        self.add_all();
        loop {
            tokio::select! {
                change = changes.recv() => match change {
                    Ok(change) => self.take_in(&change),
                    Err(RecvError::Lagged(_)) => self.add_all(),
                    Err(RecvError::Closed) => return Ok(()),
                },
                (before, after) = settings.next() => self.take_in_settings(&before, &after).await,
                (before, now) = repositories.next() => self.repositories_changed(&before, &now),
                Ok(()) = clusters.changed() => self.add_all(),
                Some(lane) = lanes.recv() => {
                    for _ in 0..self.context.settings.workers.max(1) {
                        workers.spawn(work(self.context.clone(), self.lanes.clone(), lane.clone()));
                    }
                }
                Some(live) = announced.recv() => drop(workers.spawn(self.clone().watch_another(live))),
                Some(_ended) = workers.join_next() => {}
            }
        }
    }

    /// Looks again at every app of a repository, because it has news.
    pub fn repository_changed(&self, url: &str) {
        self.context.repositories.forget(url);
        let wanted = normalised_url(url);
        for app in self.context.home.of_kind(GROUP, "Application") {
            if source_urls(app.value()).any(|url| normalised_url(url) == wanted) {
                self.lanes.add(app.key());
            }
        }
    }

    /// Looks again at every app whose repository is reached otherwise than before.
    fn repositories_changed(&self, before: &KnownRepositories, now: &KnownRepositories) {
        for app in self.context.home.of_kind(GROUP, "Application") {
            let is_other = repositories::urls_of(&app)
                .any(|(url, project)| before.access(url, project).ok() != now.access(url, project).ok());
            if is_other {
                self.lanes.add(app.key());
            }
        }
    }

    /// What others changed in the cluster, as of the last look that found something.
    pub fn drift(&self, app: &ObjectKey) -> Vec<Drift> {
        self.memory(app).drift
    }

    /// What Git says of an object of the app, as of its last good render.
    pub fn desired(&self, app: &ObjectKey, object: &ObjectKey) -> Option<Object> {
        let desired = self.context.desired(app, Purpose::Comparison)?;
        desired.prepared.find(object).cloned()
    }

    /// What an apply would change in an object of the app, as of the last comparison.
    pub fn differences(&self, app: &ObjectKey, object: &ObjectKey) -> Arc<Vec<Difference>> {
        self.memory(app).seen.known(object)
    }

    /// A commit that some app was rendered from.
    pub fn commit(&self, repository: &str, id: &str) -> Option<Commit> {
        let memory = self.context.memory.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut commits = memory.values().flat_map(|memory| &memory.commits);
        commits.find(|commit| commit.id == id && commit.repository == repository).cloned()
    }

    /// How often an app was rendered since the start.
    pub fn render_count(&self, app: &ObjectKey) -> u64 {
        self.memory(app).renders
    }

    fn memory(&self, app: &ObjectKey) -> Memory {
        self.context.remembered(app)
    }

    fn add_all(&self) {
        self.context.home.of_kind(GROUP, "Application").iter().for_each(|app| self.lanes.add(app.key()));
    }

    /// Looks at the apps whose objects change in another cluster, until that is given up.
    async fn watch_another(self, live: LiveState) {
        let mut changes = live.subscribe();
        drop(live);
        loop {
            match changes.recv().await {
                Ok(change) => self.take_in_object(&change),
                Err(RecvError::Lagged(_)) => self.add_all(),
                Err(RecvError::Closed) => return,
            }
        }
    }

    async fn take_in_settings(&self, before: &settings::Settings, after: &settings::Settings) {
        if before.tracking != after.tracking {
            self.context.home.reassign().await;
            for other in self.context.clusters.others() {
                other.reassign().await;
            }
        }
        self.add_all();
    }

    fn take_in(&self, change: &Change) {
        if change.key.group == GROUP && change.key.kind == "Application" {
            // An app of apps also compares its children's specs.
            if let Some(parent) =
                change.after.as_deref().or(change.before.as_deref()).and_then(|app| self.parent(app))
            {
                self.lanes.add(parent);
            }
            match (&change.before, &change.after) {
                (Some(before), Some(after)) if !asks_for_work(before, after) => {}
                (_, Some(_)) => self.lanes.add(change.key.clone()),
                (_, None) => {
                    self.context.forget(&change.key);
                    self.lanes.forget(&change.key);
                }
            }
            return;
        }
        if change.key.group == GROUP && change.key.kind == "AppProject" {
            self.add_all();
            return;
        }
        self.take_in_object(change);
    }

    fn take_in_object(&self, change: &Change) {
        for object in [&change.before, &change.after].into_iter().flatten() {
            if let Some(app) = self.parent(object) {
                self.lanes.add(app);
            }
        }
    }

    /// The app that tracks an object.
    fn parent(&self, object: &Object) -> Option<ObjectKey> {
        let instance = crate::tracking::tracked_app(object, &self.context.system().tracking)?;
        let (namespace, name) = match instance.split_once('_') {
            Some((namespace, name)) => (namespace.to_owned(), name.to_owned()),
            None => (self.context.settings.namespace.clone(), instance.to_owned()),
        };
        Some(ObjectKey { group: GROUP.to_owned(), kind: "Application".to_owned(), namespace, name })
    }
}

impl Context {
    /// What the installation's ConfigMaps say now.
    pub(crate) fn system(&self) -> Arc<settings::Settings> {
        self.settings.live.now()
    }

    /// The same for another destination.
    pub(crate) fn at(&self, cluster: Arc<Cluster>) -> Context {
        Context { live: cluster.live.clone(), schemas: cluster.schemas.clone(), cluster, ..self.clone() }
    }

    /// How often an app's repository is asked for news.
    pub(crate) fn interval(&self) -> Duration {
        self.system().interval.unwrap_or(NEVER)
    }

    /// Everything that is remembered of an app. Large parts are shared.
    pub(crate) fn remembered(&self, app: &ObjectKey) -> Memory {
        let memory = self.memory.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        memory.get(app).cloned().unwrap_or_default()
    }

    pub(crate) fn remember(&self, app: &ObjectKey, change: impl FnOnce(&mut Memory)) {
        let mut memory = self.memory.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        change(memory.entry(app.clone()).or_default());
    }

    /// What Git says, as it was read last.
    pub(crate) fn desired(&self, app: &ObjectKey, purpose: Purpose) -> Option<Arc<Desired>> {
        self.remembered(app).desired.get(&purpose).cloned()
    }

    /// Keeps what Git says at hand, for the next look and for whoever shows it.
    pub(crate) fn remember_desired(
        &self,
        app: &ObjectKey,
        purpose: Purpose,
        desired: Arc<Desired>,
        sources: &Sources,
    ) {
        let commit = |(source, rendered): (&ApplicationSource, &Rendered)| Commit {
            repository: source.repo_url.clone(),
            id: rendered.checkout.commit.clone(),
            subject: rendered.checkout.subject.clone(),
            author: rendered.checkout.author.clone(),
            seconds: rendered.checkout.date,
        };
        let commits: Vec<Commit> = sources.list().iter().zip(&desired.sources).map(commit).collect();
        self.remember(app, |memory| {
            if purpose == Purpose::Comparison {
                memory.commits = commits;
            }
            memory.desired.insert(purpose, desired);
        });
    }

    /// What was compared before.
    pub(crate) fn seen(&self, app: &ObjectKey) -> Arc<Seen> {
        self.remembered(app).seen
    }

    /// Hands out the API server's answers to our writes since the last comparison.
    pub(crate) fn take_written(&self, app: &ObjectKey) -> HashMap<ObjectKey, Written> {
        let mut written = HashMap::new();
        self.remember(app, |memory| written = std::mem::take(&mut memory.written));
        written
    }

    /// Keeps the API server's answer to a write of ours.
    pub(crate) fn remember_written(&self, app: &ObjectKey, key: &ObjectKey, desired: Arc<Object>) {
        if let Some(answer) = self.live.get(key) {
            let written = Written { desired, answer };
            self.remember(app, |memory| drop(memory.written.insert(key.clone(), written)));
        }
    }

    /// Keeps comparisons for the next look.
    pub(crate) fn remember_seen(&self, app: &ObjectKey, seen: Seen) {
        self.remember(app, |memory| memory.seen = Arc::new(seen));
    }

    /// Holds a running operation back for a moment; gives how long.
    pub(crate) fn pause(&self, app: &ObjectKey) -> Duration {
        let pause = self.system().parameters.wave_delay.unwrap_or(WAVE_DELAY);
        self.remember(app, |memory| memory.paused = Some(Instant::now() + pause));
        pause
    }

    /// How long a running operation is still held back.
    pub(crate) fn pause_left(&self, app: &ObjectKey) -> Option<Duration> {
        let until = self.remembered(app).paused?;
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// Makes the next render of an app a fresh one.
    pub(crate) fn forget_renders(&self, app: &ObjectKey) {
        self.renders.forget_where(|(owner, ..)| owner == app);
        self.remember(app, |memory| memory.desired.clear());
    }

    fn forget(&self, app: &ObjectKey) {
        self.forget_renders(app);
        self.memory.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).remove(app);
    }
}

/// The URLs of an Application's sources.
fn source_urls(app: &Value) -> impl Iterator<Item = &str> {
    let spec = &app["spec"];
    let sources = spec["sources"].as_array().into_iter().flatten();
    std::iter::once(&spec["source"]).chain(sources).filter_map(|source| source["repoURL"].as_str())
}

/// The kind of an Application.
pub fn application_kind() -> GroupVersionKind {
    GroupVersionKind::new("argoproj.io/v1alpha1", "Application")
}

/// Whether a change of an Application is more than our own status.
pub(crate) fn asks_for_work(before: &Object, after: &Object) -> bool {
    let asked = |object: &Object| {
        let value = object.value();
        let metadata = &value["metadata"];
        (
            value["spec"].clone(),
            value["operation"].clone(),
            metadata["annotations"].clone(),
            metadata["labels"].clone(),
            metadata["deletionTimestamp"].clone(),
            metadata["finalizers"].clone(),
            // Somebody wants a running operation to end.
            value.pointer("/status/operationState/phase").is_some_and(|phase| phase == "Terminating"),
        )
    };
    asked(before) != asked(after)
}

async fn work(context: Arc<Context>, lanes: Lanes, lane: Lane) {
    loop {
        let busy = lanes.next(&lane).await;
        let again = reconcile(&context, &busy.app).await;
        let app = busy.app.clone();
        drop(busy);
        if let Some(delay) = again {
            lanes.add_after(app, delay);
        }
    }
}
