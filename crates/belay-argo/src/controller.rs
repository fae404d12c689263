//! The Application controller: which app is looked at when, by how many workers.

use std::collections::BTreeSet;
use std::sync::Arc;

use belay_cluster::{Change, EventRecorder, LiveError, LiveState, Teller};
use belay_diff::{Difference, Drift};
use belay_manifest::{GroupVersionKind, Object, ObjectKey};
use belay_metrics::ClusterState;
use belay_source::{Repositories, normalised_url};
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::clusters::{self, Cluster, ClusterChange, Clusters};
use crate::compare::is_ignored_update;
use crate::context::{Commit, Context, GROUP, Settings, application_kind, asks_for_work};
use crate::desired::Purpose;
use crate::health::health;
use crate::lanes::{Lane, Lanes, deploys_to, piece};
use crate::reconcile::{is_enabled, reconcile};
use crate::repositories::{self, KnownRepositories};
use crate::{settings, unbuilt};

/// What an app weighs whatever its size, in objects.
const LOAD: u64 = 10;

/// The controller's handle.
#[derive(Clone)]
pub struct Controller {
    pub(crate) context: Arc<Context>,
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
        let clusters = Clusters::new(live.clone(), settings.metrics.clone());
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
            renders: settings.renders.clone(),
            settings: Arc::new(settings),
            charts: Arc::default(),
            projects: Arc::default(),
            leftovers: Arc::default(),
            memory: Arc::default(),
            updates: Arc::default(),
        };
        Controller { context: Arc::new(context), lanes }
    }

    /// Watches Applications and works on them until the future is dropped.
    pub async fn run(&self) -> Result<(), LiveError> {
        let Context { home, settings, events, .. } = self.context.as_ref();
        let follow =
            settings::follow(home.client().clone(), &settings.namespace, &settings.live, Some(events));
        let known = repositories::follow(home.client().clone(), &settings.namespace, &settings.repositories);
        let (announcements, announced) = mpsc::unbounded_channel();
        let clusters = clusters::follow(
            home.client().clone(),
            &settings.namespace,
            &self.context.clusters,
            &announcements,
            &settings.allowed_commands,
        );
        let unbuilt = unbuilt::kinds();
        let is_ours = |namespace: &str| is_enabled(&self.context, namespace);
        let teller = Teller { live: home, share: &settings.share, events, is_ours: &is_ours };
        tokio::select! {
            biased;
            () = follow => Ok(()),
            () = known => Ok(()),
            () = clusters => Ok(()),
            () = teller.run(&unbuilt) => Ok(()),
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
        let mut share = self.context.settings.share.changes();
        let mut changes = live.subscribe();
        live.ensure_in_the_end(&application_kind()).await?;
        live.ensure_in_the_end(&GroupVersionKind::new("argoproj.io/v1alpha1", "AppProject")).await?;
        let mut workers = JoinSet::new();
        let (controller, changing) = (self.clone(), self.context.settings.share.changes());
        workers.spawn(async move { controller.context.leftovers.run(&controller, changing).await });
        self.add_all();
        loop {
            tokio::select! {
                // What is rare goes first: of changes there may be always one more.
                biased;
                (before, after) = settings.next() => self.take_in_settings(&before, &after).await,
                (before, now) = repositories.next() => self.repositories_changed(&before, &now),
                change = clusters.recv() => match change {
                    Ok(change) => self.add_apps_of(&change),
                    // The sender lives as long as this handle.
                    Err(RecvError::Lagged(_) | RecvError::Closed) => self.add_all(),
                },
                () = share.next() => self.take_share(),
                Some(lane) = lanes.recv() => {
                    for _ in 0..self.context.settings.workers.max(1) {
                        workers.spawn(work(self.context.clone(), self.lanes.clone(), lane.clone()));
                    }
                }
                Some(live) = announced.recv() => drop(workers.spawn(self.clone().watch_another(live))),
                Some(_ended) = workers.join_next() => {}
                change = changes.recv() => match change {
                    Ok(change) => self.take_in(&change),
                    Err(RecvError::Lagged(_)) => self.add_all(),
                    Err(RecvError::Closed) => return Ok(()),
                },
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

    /// Looks again at these apps.
    pub fn look_again(&self, apps: impl IntoIterator<Item = ObjectKey>) {
        apps.into_iter().for_each(|app| self.lanes.add(app));
    }

    /// Looks again at every app whose repository is reached otherwise than before.
    fn repositories_changed(&self, before: &KnownRepositories, now: &KnownRepositories) {
        for app in self.context.home.of_kind(GROUP, "Application") {
            let is_other = repositories::urls_of(&app).any(|(url, project)| {
                before.access(url, project).ok() != now.access(url, project).ok()
                    || before.of_project(project) != now.of_project(project)
            });
            if is_other {
                self.lanes.add(app.key());
            }
        }
    }

    /// Looks again at the apps that a project may bind: its own, and everybody's if others take over what it says.
    fn project_changed(&self, name: &str) {
        let system = self.context.system();
        let is_global = system.global_projects.iter().any(|global| global.project_name == name);
        for app in self.context.home.of_kind(GROUP, "Application") {
            if is_global || repositories::project_of(&app) == name {
                self.lanes.add(app.key());
            }
        }
    }

    /// What others changed in the cluster, as of the last look that found something.
    pub fn drift(&self, app: &ObjectKey) -> Vec<Drift> {
        self.context.recall(app, |memory| memory.drift.clone())
    }

    /// What Git says of an object of the app, as of its last good render.
    pub fn desired(&self, app: &ObjectKey, object: &ObjectKey) -> Option<Object> {
        let desired = self.context.desired(app, Purpose::Comparison)?;
        desired.prepared.find(object).cloned()
    }

    /// What an apply would change in an object of the app, as of the last comparison.
    pub fn differences(&self, app: &ObjectKey, object: &ObjectKey) -> Arc<Vec<Difference>> {
        self.context.seen(app).known(object)
    }

    /// A commit that some app was rendered from.
    pub fn commit(&self, repository: &str, id: &str) -> Option<Commit> {
        let memory = self.context.memory.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut commits = memory.values().flat_map(|memory| &memory.commits);
        commits.find(|commit| commit.id == id && commit.repository == repository).cloned()
    }

    /// Annotations of Secrets that the installation wants nobody to see.
    pub fn masked_annotations(&self) -> Vec<String> {
        self.context.system().masked_annotations.clone()
    }

    /// The clusters that apps deploy to, as they are known now.
    pub fn clusters(&self) -> Vec<ClusterState> {
        let one = |cluster: &Arc<Cluster>| {
            let (objects, kinds) = cluster.live.counts();
            ClusterState {
                server: cluster.server.clone(),
                name: cluster.name.clone(),
                version: cluster.live.kinds().version().unwrap_or_default(),
                objects,
                kinds,
                answers: cluster.answers.is_there(),
            }
        };
        self.context.clusters.all().iter().map(one).collect()
    }

    /// The URL of the cluster that an app deploys to, if there is one.
    pub fn server(&self, app: &ObjectKey) -> Option<String> {
        let object = self.context.home.get(app)?;
        let destination = serde_json::from_value(object.value()["spec"]["destination"].clone()).ok()?;
        let found = self.context.clusters.find(&destination, self.context.system().in_cluster_enabled);
        Some(found.ok()?.server.clone())
    }

    /// How often an app was rendered since the start.
    pub fn render_count(&self, app: &ObjectKey) -> u64 {
        self.context.recall(app, |memory| memory.renders)
    }

    /// What each app weighs, and by what replicas share it.
    pub fn loads(&self) -> Vec<(String, u64)> {
        let home = &self.context.home;
        let load = |app: &Arc<Object>| {
            let resources = app.value().pointer("/status/resources").and_then(Value::as_array);
            (piece(home, &app.key()), LOAD + resources.map_or(0, Vec::len) as u64)
        };
        home.of_kind(GROUP, "Application").iter().map(load).collect()
    }

    fn add_all(&self) {
        self.context.home.of_kind(GROUP, "Application").iter().for_each(|app| self.lanes.add(app.key()));
    }

    /// Looks again at the apps that deploy to a cluster. Those of others are not concerned.
    fn add_apps_of(&self, cluster: &ClusterChange) {
        for app in self.context.home.of_kind(GROUP, "Application") {
            if deploys_to(app.value(), &cluster.server, &cluster.name) {
                self.lanes.add(app.key());
            }
        }
    }

    /// Whoever had an app before may have seen a newer commit than we have: Git is asked anew.
    fn take_share(&self) {
        self.context.forget_others();
        let apps = self.context.home.of_kind(GROUP, "Application");
        let urls: BTreeSet<&str> = apps.iter().flat_map(|app| source_urls(app.value())).collect();
        urls.iter().for_each(|url| self.context.repositories.forget(url));
        self.add_all();
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
            self.project_changed(&change.key.name);
            return;
        }
        self.take_in_object(change);
    }

    fn take_in_object(&self, change: &Change) {
        if change.before.is_none() != change.after.is_none() && !change.key.namespace.is_empty() {
            let monitors = self.context.monitors_of(&change.key.namespace);
            monitors.into_iter().for_each(|app| self.lanes.add(app));
        }
        if self.is_no_news(change) {
            return;
        }
        for object in [&change.before, &change.after].into_iter().flatten() {
            if let Some(app) = self.parent(object) {
                self.lanes.add(app);
            }
        }
    }

    /// Whether an object has changed in fields alone that the installation does not care about, and is as well as before.
    fn is_no_news(&self, change: &Change) -> bool {
        let (Some(before), Some(after)) = (&change.before, &change.after) else { return false };
        if !is_ignored_update(&self.context.ignored_updates(), before, after) {
            return false;
        }
        let status = |object: &Object| health(&self.context, object).map(|health| health.status);
        status(before) == status(after)
    }

    /// The app that tracks an object.
    pub(crate) fn parent(&self, object: &Object) -> Option<ObjectKey> {
        let instance = crate::tracking::tracked_app(object, &self.context.system().tracking)?;
        let (namespace, name) = match instance.split_once('_') {
            Some((namespace, name)) => (namespace.to_owned(), name.to_owned()),
            None => (self.context.settings.namespace.clone(), instance.to_owned()),
        };
        Some(ObjectKey { group: GROUP.to_owned(), kind: "Application".to_owned(), namespace, name })
    }
}

/// The URLs of an Application's sources.
fn source_urls(app: &Value) -> impl Iterator<Item = &str> {
    let spec = &app["spec"];
    let sources = spec["sources"].as_array().into_iter().flatten();
    std::iter::once(&spec["source"]).chain(sources).filter_map(|source| source["repoURL"].as_str())
}

async fn work(context: Arc<Context>, lanes: Lanes, lane: Lane) {
    loop {
        let busy = lanes.next(&lane).await;
        let piece = piece(&context.home, &busy.app);
        let look = context.settings.looks.at(busy.app.to_string(), reconcile(&context, &busy.app));
        let again = context.settings.share.work(&piece, look).await;
        let app = busy.app.clone();
        drop(busy);
        // An app of another replica is looked at again when it is ours.
        if let Some(delay) = again.flatten() {
            lanes.add_after(app, delay);
        }
    }
}
