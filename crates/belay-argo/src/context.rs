//! What every look at an app needs besides the app: the clusters, the settings, and what is remembered between two looks.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use belay_apply::Schemas;
use belay_argo_api::{Application, ApplicationSource, OperationState, ResourceResult};
use belay_cluster::{EventRecorder, LeftoverSearch, LiveState, Looks, Share, impersonate};
use belay_diff::{Drift, Ignored};
use belay_ledger::Ledger;
use belay_manifest::{GroupVersionKind, Object, ObjectKey};
use belay_metrics::{AppName, Metrics};
use belay_render::RenderCache;
use belay_source::Repositories;
use serde_json::Value;
use tokio::time::Instant;

use crate::charts::ChartRepositories;
use crate::clusters::{Cluster, Clusters};
use crate::compare::{Seen, Tried, Written, ignored_updates};
use crate::desired::{Desired, Purpose, Rendered};
use crate::lanes::piece;
use crate::project::Projects;
use crate::repositories::LiveRepositories;
use crate::settings::{self, LiveSettings};
use crate::sources::Sources;
use crate::sync::Overflow;

/// The API group of Argo CD's resources.
pub const GROUP: &str = "argoproj.io";
/// The field manager of Argo CD's controller; kept, so that an installation can be taken over and handed back.
pub const FIELD_MANAGER: &str = "argocd-controller";

/// How long others get to react between two waves, unless the installation says otherwise.
const WAVE_DELAY: Duration = Duration::from_secs(2);
/// How often an app is looked at that nobody wants to be asked for.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How the controller works.
#[derive(Clone)]
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
    /// Where it is noted what happened to each app, and why.
    pub ledger: Ledger,
    /// Where it is counted.
    pub metrics: Metrics,
    /// Which apps are being looked at.
    pub looks: Looks,
    /// Which apps are this replica's.
    pub share: Share,
    /// What apps were rendered to.
    pub renders: Arc<RenderCache>,
    /// The commands that Secrets of clusters may have run for their logins: absolute paths, or names.
    pub allowed_commands: Vec<String>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            namespace: "argocd".to_owned(),
            workers: 32,
            in_flight: 16,
            live: LiveSettings::default(),
            repositories: LiveRepositories::default(),
            ledger: Ledger::in_memory(),
            metrics: Metrics::new(),
            looks: Looks::default(),
            share: Share::whole(),
            renders: Arc::default(),
            allowed_commands: Vec::new(),
        }
    }
}

/// Rules about updates, after the settings that they were made of.
type RulesOfUpdates = (Arc<settings::Settings>, Arc<Ignored>);

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
    pub(crate) renders: Arc<RenderCache>,
    pub(crate) charts: Arc<ChartRepositories>,
    pub(crate) projects: Arc<Projects>,
    pub(crate) leftovers: Arc<LeftoverSearch>,
    pub(crate) memory: Arc<Mutex<HashMap<ObjectKey, Memory>>>,
    /// The rules about updates that are no news, and the settings that they were made of.
    pub(crate) updates: Arc<Mutex<Option<RulesOfUpdates>>>,
}

/// What is remembered of an app between two looks; lost with the process, and nothing needs it then.
#[derive(Default)]
pub(crate) struct Memory {
    /// How often the app was rendered.
    pub(crate) renders: u64,
    /// What others changed in the cluster, newest look.
    pub(crate) drift: Vec<Drift>,
    /// What Git says, for the comparison and for a running operation.
    pub(crate) desired: HashMap<Purpose, Arc<Desired>>,
    /// The commits that say it, one of each source.
    pub(crate) commits: Vec<Commit>,
    /// Whether what it has left in the cluster was looked for before its deletion.
    pub(crate) is_found: bool,
    /// What was compared.
    pub(crate) seen: Arc<Seen>,
    /// The API server's answers to our writes since then.
    written: HashMap<ObjectKey, Written>,
    /// Its answers to applies that were only tried.
    tried: Arc<Tried>,
    /// The namespace whose objects of nobody it tells of.
    monitored: Option<String>,
    /// When everything that was rendered of it was forgotten last.
    forgotten: Option<Instant>,
    /// When a running operation may go on.
    paused: Option<Instant>,
    /// What a running operation knows that its state in the app's status has no room for.
    overflow: Overflow,
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

impl Context {
    /// What the installation's ConfigMaps say now.
    pub(crate) fn system(&self) -> Arc<settings::Settings> {
        self.settings.live.now()
    }

    /// The same for another destination.
    pub(crate) fn at(&self, cluster: Arc<Cluster>) -> Context {
        Context { live: cluster.live.clone(), schemas: cluster.schemas.clone(), cluster, ..self.clone() }
    }

    /// The app's name where it is counted.
    pub(crate) fn counted_name(&self, app: &Application) -> AppName {
        AppName {
            namespace: app.metadata.namespace.clone(),
            name: app.metadata.name.clone(),
            project: app.spec.project_name().to_owned(),
            server: self.cluster.server.clone(),
        }
    }

    /// How often an app's repository is asked for news.
    pub(crate) fn interval(&self) -> Duration {
        let system = self.system();
        let interval = system.interval.unwrap_or(NEVER);
        system.hard_interval.map_or(interval, |hard| interval.min(hard))
    }

    /// Fields whose changes are no reason to look at an app.
    pub(crate) fn ignored_updates(&self) -> Arc<Ignored> {
        let system = self.system();
        let mut made = self.updates.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match &*made {
            Some((of, rules)) if Arc::ptr_eq(of, &system) => rules.clone(),
            _ => {
                let rules = Arc::new(ignored_updates(&system));
                *made = Some((system, rules.clone()));
                rules
            }
        }
    }

    /// How much later an app's turn is, so that not all have theirs at once: always the same for one app.
    pub(crate) fn delay(&self, app: &ObjectKey) -> Duration {
        let mut hasher = DefaultHasher::new();
        app.hash(&mut hasher);
        let share = f64::from(u32::try_from(hasher.finish() >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX);
        self.system().jitter.mul_f64(share)
    }

    /// What is remembered of an app, as far as somebody reads it.
    pub(crate) fn recall<T: Default>(&self, app: &ObjectKey, read: impl FnOnce(&Memory) -> T) -> T {
        let memory = self.memory.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        memory.get(app).map(read).unwrap_or_default()
    }

    pub(crate) fn remember(&self, app: &ObjectKey, change: impl FnOnce(&mut Memory)) {
        let mut memory = self.memory.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        change(memory.entry(app.clone()).or_default());
    }

    /// What Git says, as it was read last.
    pub(crate) fn desired(&self, app: &ObjectKey, purpose: Purpose) -> Option<Arc<Desired>> {
        self.recall(app, |memory| memory.desired.get(&purpose).cloned())
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

    /// Keeps in mind in which namespace objects of nobody concern an app.
    pub(crate) fn monitor(&self, app: &ObjectKey, namespace: Option<&str>) {
        self.remember(app, |memory| {
            if memory.monitored.as_deref() != namespace {
                memory.monitored = namespace.map(str::to_owned);
            }
        });
    }

    /// The apps that tell of objects of nobody in a namespace.
    pub(crate) fn monitors_of(&self, namespace: &str) -> Vec<ObjectKey> {
        let memory = self.memory.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let monitors = memory.iter().filter(|(_, memory)| memory.monitored.as_deref() == Some(namespace));
        monitors.map(|(app, _)| app.clone()).collect()
    }

    /// The same, whose writes to the app's cluster are a user's; nothing for a name that cannot be one.
    pub(crate) fn acting_as(&self, user: &str) -> Option<Context> {
        let client = impersonate(self.live.client(), user).ok()?;
        Some(Context { live: self.live.with_requests_by(client), ..self.clone() })
    }

    /// What was compared before.
    pub(crate) fn seen(&self, app: &ObjectKey) -> Arc<Seen> {
        self.recall(app, |memory| memory.seen.clone())
    }

    /// Hands out the API server's answers to our writes since the last comparison.
    pub(crate) fn take_written(&self, app: &ObjectKey) -> HashMap<ObjectKey, Written> {
        let mut written = HashMap::new();
        self.remember(app, |memory| written = std::mem::take(&mut memory.written));
        written
    }

    /// Keeps the API server's answer to a write of ours, as long as it is what is live.
    pub(crate) fn remember_written(
        &self,
        app: &ObjectKey,
        key: &ObjectKey,
        desired: Arc<Object>,
        version: &str,
    ) {
        if let Some(written) = Written::of(desired, version, self.live.get(key)) {
            self.remember(app, |memory| drop(memory.written.insert(key.clone(), written)));
        }
    }

    /// The API server's answers to applies that were only tried.
    pub(crate) fn tried(&self, app: &ObjectKey) -> Arc<Tried> {
        self.recall(app, |memory| memory.tried.clone())
    }

    /// Keeps these answers in the place of those before.
    pub(crate) fn remember_tried(&self, app: &ObjectKey, tried: Tried) {
        self.remember(app, |memory| memory.tried = Arc::new(tried));
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
        let until = self.recall(app, |memory| memory.paused)?;
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// Keeps the results of a running operation that its app has no room for.
    pub(crate) fn keep_overflow(&self, app: &ObjectKey, overflow: Overflow) {
        self.remember(app, |memory| memory.overflow = overflow);
    }

    /// The results of an operation that its app had no room for. None when another process began it: they are found anew.
    pub(crate) fn overflow(&self, app: &ObjectKey, state: &OperationState) -> Vec<ResourceResult> {
        self.recall(app, |memory| memory.overflow.of(state))
    }

    /// Whether it is time to render an app anew, whatever is known of it.
    pub(crate) fn is_to_be_forgotten(&self, app: &ObjectKey) -> bool {
        let Some(interval) = self.system().hard_interval else { return false };
        let mut is_due = false;
        self.remember(app, |memory| {
            let last = *memory.forgotten.get_or_insert_with(Instant::now);
            is_due = last.elapsed() >= interval;
            if is_due {
                memory.forgotten = Some(Instant::now());
            }
        });
        is_due
    }

    /// Makes the next render of an app a fresh one.
    pub(crate) fn forget_renders(&self, app: &ObjectKey) {
        self.renders.forget(app);
        self.remember(app, |memory| memory.desired.clear());
    }

    /// Forgets the apps that are not this replica's any more: another writes to what is remembered of them.
    pub(crate) fn forget_others(&self) {
        let known: Vec<ObjectKey> = {
            let memory = self.memory.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            memory.keys().cloned().collect()
        };
        let share = &self.settings.share;
        known.iter().filter(|app| !share.holds(&piece(&self.home, app))).for_each(|app| self.forget(app));
    }

    /// Forgets an app that has gone.
    pub(crate) fn forget(&self, app: &ObjectKey) {
        self.forget_renders(app);
        self.settings.metrics.forget(&app.kind, &app.namespace, &app.name);
        self.memory.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).remove(app);
    }
}

/// The kind of an Application.
pub fn application_kind() -> GroupVersionKind {
    GroupVersionKind::new("argoproj.io/v1alpha1", "Application")
}

/// Whether a change of an Application is more than our own status.
pub(crate) fn asks_for_work(before: &Object, after: &Object) -> bool {
    asked(before) != asked(after)
}

/// What somebody asks for, and whether a running operation is to end.
fn asked(object: &Object) -> ([&Value; 6], bool) {
    let value = object.value();
    let metadata = &value["metadata"];
    let fields = [
        &value["spec"],
        &value["operation"],
        &metadata["annotations"],
        &metadata["labels"],
        &metadata["deletionTimestamp"],
        &metadata["finalizers"],
    ];
    let phase = value.pointer("/status/operationState/phase");
    (fields, phase.is_some_and(|phase| phase == "Terminating"))
}
