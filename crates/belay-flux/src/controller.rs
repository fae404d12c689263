//! The controller of Flux's kinds: which object is looked at when, by how many workers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use belay_cluster::{Change, EventRecorder, LiveError, LiveState, WorkQueue};
use belay_diff::Drift;
use belay_manifest::{GroupVersionKind, Object, ObjectKey};
use belay_render::RenderCache;
use belay_source::{Checkout, Repositories, normalised_url};
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;

use crate::health::Waiting;
use crate::prepare::{OWNER_NAME, OWNER_NAMESPACE};
use crate::{helm_release, reconcile, repository};

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
    pub(crate) settings: Settings,
    pub(crate) queue: WorkQueue<ObjectKey>,
    pub(crate) renders: RenderCache<ObjectKey>,
    sources: Mutex<HashMap<ObjectKey, Source>>,
    memory: Mutex<HashMap<ObjectKey, Memory>>,
}

/// The files of a source, as it has them now.
#[derive(Clone)]
pub(crate) struct Source {
    /// `main@sha1:…`.
    pub(crate) revision: String,
    /// The files.
    pub(crate) checkout: Checkout,
}

/// What is remembered of a Kustomization between two looks; lost with the process, and nothing needs it then.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    /// How often it was built.
    pub(crate) renders: u64,
    /// What others changed in the cluster, newest look.
    pub(crate) drift: Vec<Drift>,
    /// What is waited for.
    pub(crate) waiting: Option<Waiting>,
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
        let context = Context {
            live,
            repositories,
            events,
            settings,
            queue: WorkQueue::new(),
            renders: RenderCache::default(),
            sources: Mutex::default(),
            memory: Mutex::default(),
        };
        Controller { context: Arc::new(context) }
    }

    /// Watches Flux's kinds and works on them until the future is dropped.
    pub async fn run(&self) -> Result<(), LiveError> {
        let mut changes = self.context.live.subscribe();
        for kind in kinds() {
            self.context.live.ensure(&kind).await?;
        }
        let mut workers = JoinSet::new();
        for _ in 0..self.context.settings.workers.max(1) {
            workers.spawn(work(self.context.clone()));
        }
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
        }
        if !kinds().iter().any(|kind| kind.group == change.key.group && kind.kind == change.key.kind) {
            return;
        }
        match (&change.before, &change.after) {
            (Some(before), Some(after)) if !asks_for_work(before, after) => {}
            (_, Some(_)) => self.context.queue.add(change.key.clone()),
            (_, None) => {
                self.context.forget(&change.key);
                self.context.queue.forget(&change.key);
                self.context.add_consumers(&change.key);
            }
        }
    }
}

impl Context {
    pub(crate) fn remembered(&self, app: &ObjectKey) -> Memory {
        lock(&self.memory).get(app).cloned().unwrap_or_default()
    }

    pub(crate) fn remember(&self, app: &ObjectKey, change: impl FnOnce(&mut Memory)) {
        change(lock(&self.memory).entry(app.clone()).or_default());
    }

    pub(crate) fn source(&self, key: &ObjectKey) -> Option<Source> {
        lock(&self.sources).get(key).cloned()
    }

    /// Keeps the files of a source; its consumers look when the revision is a new one.
    pub(crate) fn keep_source(&self, key: &ObjectKey, source: Source) {
        let revision = source.revision.clone();
        let before = lock(&self.sources).insert(key.clone(), source);
        if before.is_none_or(|before| before.revision != revision) {
            self.add_consumers(key);
        }
    }

    /// Looks at every Kustomization of a source.
    fn add_consumers(&self, source: &ObjectKey) {
        for app in self.live.of_kind(KUSTOMIZE_GROUP, "Kustomization") {
            let reference = &app.value()["spec"]["sourceRef"];
            let text = |name: &str| reference[name].as_str().unwrap_or_default();
            let namespace = if text("namespace").is_empty() { app.namespace() } else { text("namespace") };
            if (text("kind"), text("name"), namespace) == (&source.kind, &source.name, &source.namespace) {
                self.queue.add(app.key());
            }
        }
    }

    fn forget(&self, key: &ObjectKey) {
        self.renders.forget(key);
        lock(&self.memory).remove(key);
        lock(&self.sources).remove(key);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The kinds that are worked on.
pub fn kinds() -> [GroupVersionKind; 3] {
    [
        GroupVersionKind::new("source.toolkit.fluxcd.io/v1", "GitRepository"),
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
        let again = match key.kind.as_str() {
            "GitRepository" => repository::reconcile(&context, &key).await,
            "Kustomization" => reconcile::reconcile(&context, &key).await,
            _ => helm_release::reconcile(&context, &key).await,
        };
        context.queue.done(&key);
        if let Some(delay) = again {
            context.queue.add_after(key, delay);
        }
    }
}
