//! The controller of Flux's kinds: which object is looked at when, by how many workers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use belay_cluster::{Belonging, Change, EventRecorder, LiveError, LiveState, Teller};
use belay_diff::Drift;
use belay_manifest::{GroupVersionKind, Object, ObjectKey};
use belay_source::{Repositories, normalised_url};
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::context::{Context, HELM_GROUP, KUSTOMIZE_GROUP, SOURCE_GROUP, Settings, chart_owner};
use crate::dependents::Dependents;
use crate::pieces::{is_for_all, is_told_anew, load, piece};
use crate::prepare::{OWNER_NAME, OWNER_NAMESPACE};
use crate::{chart, depends, external_artifact, helm_release, reconcile, references, repository, unbuilt};

/// The controller's handle.
#[derive(Clone)]
pub struct Controller {
    context: Arc<Context>,
    dependents: Arc<Mutex<Dependents>>,
}

/// The kinds that may depend on one another, each on its own.
const APPS: [(&str, &str); 2] = [(KUSTOMIZE_GROUP, "Kustomization"), (HELM_GROUP, "HelmRelease")];

impl Controller {
    /// A controller that does nothing until [`run`](Controller::run).
    pub fn new(
        live: LiveState,
        repositories: Arc<dyn Repositories>,
        events: EventRecorder,
        settings: Settings,
    ) -> Controller {
        Controller {
            context: Arc::new(Context::new(live, repositories, events, settings)),
            dependents: Arc::default(),
        }
    }

    /// Watches Flux's kinds and works on them until the future is dropped.
    pub async fn run(&self) -> Result<(), LiveError> {
        let Context { live, settings, events, .. } = self.context.as_ref();
        let unbuilt = unbuilt::kinds();
        let teller = Teller { live, share: &settings.share, events, is_ours: &|_| true };
        tokio::select! {
            biased;
            () = teller.run(&unbuilt) => Ok(()),
            end = self.work() => end,
        }
    }

    async fn work(&self) -> Result<(), LiveError> {
        let mut share = self.context.settings.share.changes();
        let mut changes = self.context.live.subscribe();
        for kind in kinds() {
            self.context.live.ensure_in_the_end(&kind).await?;
        }
        let mut workers = JoinSet::new();
        for _ in 0..self.context.settings.workers.max(1) {
            workers.spawn(work(self.context.clone()));
        }
        let (context, changing) = (self.context.clone(), self.context.settings.share.changes());
        workers.spawn(async move { context.leftovers.run(context.as_ref(), changing).await });
        self.context.remove_stale_artifacts();
        self.add_all();
        loop {
            tokio::select! {
                // What is rare goes first: of changes there may be always one more.
                biased;
                () = share.next() => self.take_share(),
                change = changes.recv() => match change {
                    Ok(change) => self.take_in(&change),
                    Err(RecvError::Lagged(_)) => self.add_all(),
                    Err(RecvError::Closed) => return Ok(()),
                },
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

    /// Looks again at these sources or apps.
    pub fn look_again(&self, objects: impl IntoIterator<Item = ObjectKey>) {
        objects.into_iter().for_each(|object| self.context.queue.add(object));
    }

    /// What drifted; for the command line and the web.
    pub fn drift(&self, app: &ObjectKey) -> Vec<Drift> {
        self.context.recall(app, |memory| memory.drift.clone())
    }

    /// An object as the app wants it: of a Kustomization's newest build, or a HelmRelease's newest release.
    pub fn desired(&self, app: &ObjectKey, object: &ObjectKey) -> Option<Object> {
        let packed = self.context.recall(app, |memory| memory.desired.get(object).cloned());
        packed.map(|packed| packed.open())
    }

    /// How often a Kustomization was built since the start.
    pub fn render_count(&self, app: &ObjectKey) -> u64 {
        self.context.recall(app, |memory| memory.renders)
    }

    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    /// Whoever told of a source before may have seen a newer commit than we have: Git is asked anew.
    fn take_share(&self) {
        self.context.forget_others();
        for repository in self.context.live.of_kind(SOURCE_GROUP, "GitRepository") {
            let url = repository.value().pointer("/spec/url").and_then(Value::as_str).unwrap_or_default();
            self.context.repositories.forget(url);
        }
        self.add_all();
    }

    /// What each object weighs, and by what replicas share it.
    pub fn loads(&self) -> Vec<(String, u64)> {
        let live = &self.context.live;
        let objects = kinds().map(|kind| live.of_kind(&kind.group, &kind.kind));
        let load = |object: &Arc<Object>| (piece(live, &object.key()), load(object));
        objects.iter().flatten().map(load).collect()
    }

    fn add_all(&self) {
        self.note_dependencies();
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
        if change.key.kind == external_artifact::KIND && change.key.group == SOURCE_GROUP {
            self.take_in_artifact(change);
            return;
        }
        if references::brings_looks(change) {
            self.add_readers(change);
        }
        if !kinds().iter().any(|kind| kind.group == change.key.group && kind.kind == change.key.kind) {
            return;
        }
        self.add_dependents(change);
        if let (Some(before), Some(after)) = (&change.before, &change.after)
            && self.is_told(before, after)
        {
            // It may be known here already, and have waited to be told.
            self.context.add_consumers(&change.key);
        }
        match (&change.before, &change.after) {
            (Some(before), Some(after)) if !asks_for_work(before, after) && !self.is_told(before, after) => {}
            (_, Some(_)) => self.context.queue.add(change.key.clone()),
            (_, None) => {
                self.context.remove_artifacts(&change.key);
                self.context.forget(&change.key);
                self.context.queue.forget(&change.key);
                self.context.add_consumers(&change.key);
            }
        }
    }

    /// Others write artifacts: what they serve now is what its consumers take.
    fn take_in_artifact(&self, change: &Change) {
        let artifact = |object: &Option<Arc<Object>>| external_artifact::artifact(object.as_deref()?);
        if change.after.is_none() {
            self.context.forget(&change.key);
        }
        if artifact(&change.before) != artifact(&change.after) {
            self.context.add_consumers(&change.key);
        }
    }

    /// Those who read a ConfigMap or Secret look again.
    fn add_readers(&self, change: &Change) {
        for (group, kind) in APPS {
            for app in self.context.live.of_kind(group, kind) {
                if references::reads(&app, change) {
                    self.context.queue.add(app.key());
                }
            }
        }
    }

    /// Whether another replica has told of something new in a source, which apps of ours may use.
    fn is_told(&self, before: &Object, after: &Object) -> bool {
        let key = after.key();
        is_for_all(&key) && is_told_anew(before, after) && !self.context.tells_of(&key)
    }

    /// An app that became ready, or has applied something newer, is what others may wait for.
    fn add_dependents(&self, change: &Change) {
        let mut dependents = self.dependents.lock().unwrap_or_else(PoisonError::into_inner);
        dependents.note(&change.key, change.after.as_deref());
        let waiting = dependents.of(&change.key);
        drop(dependents);
        if waiting.is_empty() {
            return;
        }
        let state = |object: &Option<Arc<Object>>| {
            let object = object.as_ref()?;
            let revision = object.value().pointer("/status/lastAppliedRevision").cloned();
            Some((depends::is_ready(object), revision))
        };
        let after = state(&change.after);
        let is_news = after.as_ref().is_some_and(|(is_ready, _)| *is_ready) && state(&change.before) != after;
        for key in waiting {
            let Some(app) = self.context.live.get(&key) else { continue };
            // A condition may be met by any change; one that applied is asked again when it is looked at.
            if is_news || (depends::has_condition_on(&app, &change.key) && !depends::is_ready(&app)) {
                self.context.queue.add(key);
            }
        }
    }

    /// What apps depend on, from what is live: changes were missed, or are not there yet.
    fn note_dependencies(&self) {
        let mut dependents = Dependents::default();
        for (group, kind) in APPS {
            for app in self.context.live.of_kind(group, kind) {
                dependents.note(&app.key(), Some(&app));
            }
        }
        *self.dependents.lock().unwrap_or_else(PoisonError::into_inner) = dependents;
    }
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
pub(crate) fn owner(object: &Object) -> Option<ObjectKey> {
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

/// Whether a change is more than a status: Flux looks at the generation and the request alone.
fn asks_for_work(before: &Object, after: &Object) -> bool {
    asked(before) != asked(after)
}

fn asked(object: &Object) -> ([&Value; 3], Option<&str>) {
    let (spec, metadata) = (&object.value()["spec"], &object.value()["metadata"]);
    let fields = [spec, &metadata["deletionTimestamp"], &metadata["finalizers"]];
    (fields, object.annotation(crate::write::REQUESTED_AT))
}

async fn work(context: Arc<Context>) {
    loop {
        let key = context.queue.next().await;
        match key.kind.as_str() {
            // A release may wait for minutes, which must not keep others from being looked at.
            "HelmRelease" => drop(tokio::spawn(look(context.clone(), key))),
            // So may another cluster, or another controller's files.
            "Kustomization" if is_elsewhere(&context, &key) => drop(tokio::spawn(look(context.clone(), key))),
            _ => look(context.clone(), key).await,
        }
    }
}

fn is_elsewhere(context: &Context, key: &ObjectKey) -> bool {
    context.live.get(key).is_some_and(|app| {
        let spec = &app.value()["spec"];
        !spec["kubeConfig"].is_null() || spec["sourceRef"]["kind"] == external_artifact::KIND
    })
}

async fn look(context: Arc<Context>, key: ObjectKey) {
    let began = Instant::now();
    let (share, piece) = (&context.settings.share, piece(&context.live, &key));
    let work = context.settings.looks.at(key.to_string(), reconcile_one(&context, &key));
    let looked = if is_for_all(&key) && !share.holds(&piece) {
        // Quietly, as apps of ours may use it.
        Some(work.await.filter(|_| !context.is_level(&key)))
    } else {
        share.work(&piece, work).await
    };
    if let Some(again) = looked {
        count(&context, &key, again, began.elapsed());
    }
    context.queue.done(&key);
    if let Some(delay) = looked.flatten() {
        context.queue.add_after(key, delay);
    }
}

async fn reconcile_one(context: &Context, key: &ObjectKey) -> Option<Duration> {
    match key.kind.as_str() {
        "GitRepository" => repository::reconcile(context, key).await,
        "HelmChart" => chart::reconcile(context, key).await,
        "Kustomization" => reconcile::reconcile(context, key).await,
        _ => helm_release::reconcile(context, key).await,
    }
}

/// Counts a look as controller-runtime counts it.
fn count(context: &Context, key: &ObjectKey, again: Option<Duration>, took: Duration) {
    let result = match again {
        _ if context.take_failure(key) => "error",
        None => "success",
        Some(Duration::ZERO) => "requeue",
        Some(_) => "requeue_after",
    };
    let metrics = &context.settings.metrics;
    metrics.looked(&key.kind.to_lowercase(), result, took);
    // One that went while it was looked at leaves nothing behind.
    if context.live.get(key).is_some() {
        metrics.flux_reconciled(&key.kind, &key.namespace, &key.name, took);
    }
}
