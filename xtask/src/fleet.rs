//! Many small apps: one repository with a folder of four objects each, and a Kustomization or an Application
//! for each folder.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use belay_cluster::Kinds;
use belay_manifest::{GroupVersionKind, Object};
use belay_testkit::{Author, Change, Repository};
use futures::{StreamExt, TryStreamExt};
use kube::Client;
use kube::api::{
    Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use serde_json::{Value, json};

/// How many requests are in flight at once.
const WIDTH: usize = 16;
/// Where the objects go, and the apps.
pub(crate) const NAMESPACE: &str = "bench";

/// A client that knows kinds.
pub(crate) struct Cluster {
    pub(crate) client: Client,
    kinds: Kinds,
}

impl Cluster {
    pub(crate) fn new(client: Client) -> Cluster {
        Cluster { kinds: Kinds::new(client.clone()), client }
    }

    pub(crate) async fn api(&self, version: &str, kind: &str) -> Result<Api<DynamicObject>> {
        self.api_in(NAMESPACE, version, kind).await
    }

    /// The objects of a kind in a namespace.
    pub(crate) async fn api_in(
        &self,
        namespace: &str,
        version: &str,
        kind: &str,
    ) -> Result<Api<DynamicObject>> {
        let resource = self.kinds.find(&GroupVersionKind::new(version, kind)).await?;
        Ok(resource.objects(&self.client, namespace))
    }

    /// The apps of a family.
    pub(crate) async fn apps(&self, family: Family) -> Result<Api<DynamicObject>> {
        match family {
            Family::Flux => self.api("kustomize.toolkit.fluxcd.io/v1", "Kustomization").await,
            Family::ArgoCd => {
                let kind = GroupVersionKind::new("argoproj.io/v1alpha1", "Application");
                Ok(self.kinds.find(&kind).await?.objects(&self.client, "argocd"))
            }
        }
    }

    async fn kustomizations(&self) -> Result<Api<DynamicObject>> {
        self.apps(Family::Flux).await
    }

    async fn source(&self) -> Result<Api<DynamicObject>> {
        self.api("source.toolkit.fluxcd.io/v1", "GitRepository").await
    }

    /// Applies one object.
    pub(crate) async fn apply(&self, object: &Value, manager: &str) -> Result<()> {
        let object = Object::new(object.clone())?;
        let resource = self.kinds.find(&object.gvk()).await?;
        let api = resource.objects(&self.client, object.namespace());
        let params = PatchParams::apply(manager).force();
        api.patch(object.name(), &params, &Patch::Apply(object.value()))
            .await
            .with_context(|| object.key().to_string())?;
        Ok(())
    }

    /// Applies the objects of a file.
    pub(crate) async fn apply_file(&self, content: &[u8]) -> Result<()> {
        for manifest in belay_manifest::parse("objects", content, &belay_manifest::Limits::default())? {
            self.apply(manifest.object.value(), "scenario").await?;
        }
        Ok(())
    }

    /// Applies many, some at a time.
    pub(crate) async fn apply_all(&self, objects: Vec<Value>, manager: &str) -> Result<()> {
        futures::stream::iter(objects)
            .map(|object| async move { self.apply(&object, manager).await })
            .buffer_unordered(WIDTH)
            .try_collect()
            .await
    }

    /// Deletes the apps one by one, as `kubectl delete --all` does: ten thousand in one request take longer than a request
    /// may.
    pub(crate) async fn delete_apps(&self, family: Family, apps: usize) -> Result<()> {
        let api = self.apps(family).await?;
        futures::stream::iter(0..apps)
            .map(|app| {
                let api = &api;
                async move { api.delete(&name(app), &DeleteParams::default()).await.map(drop) }
            })
            .buffer_unordered(WIDTH)
            .try_collect()
            .await
            .context("the apps cannot be deleted")
    }

    /// Creates the apps; those of Argo CD follow the repository of this URL.
    pub(crate) async fn create_apps(&self, family: Family, apps: usize, url: &str) -> Result<()> {
        let api = self.apps(family).await?;
        futures::stream::iter(0..apps)
            .map(|app| {
                let api = &api;
                async move {
                    let app = match family {
                        Family::Flux => kustomization(app),
                        Family::ArgoCd => application(app, url),
                    };
                    let body: DynamicObject = serde_json::from_value(app)?;
                    api.create(&PostParams::default(), &body).await?;
                    anyhow::Ok(())
                }
            })
            .buffer_unordered(WIDTH)
            .try_collect()
            .await
    }

    /// Writes a status to each of the apps, as the least an engine must do.
    pub(crate) async fn write_statuses(&self, apps: usize, revision: &str) -> Result<()> {
        let api = self.kustomizations().await?;
        let status = json!({"status": {"lastAppliedRevision": revision, "observedGeneration": 1, "conditions": [{
            "type": "Ready", "status": "True", "reason": "ReconciliationSucceeded",
            "message": format!("Applied revision: {revision}"), "lastTransitionTime": "2026-01-01T00:00:00Z"}]}});
        futures::stream::iter(0..apps)
            .map(|app| {
                let (api, status) = (&api, &status);
                async move {
                    let params = PatchParams::default();
                    api.patch_status(&name(app), &params, &Patch::Merge(status)).await?;
                    anyhow::Ok(())
                }
            })
            .buffer_unordered(WIDTH)
            .try_collect()
            .await
    }

    /// Waits until all apps are Ready, or Synced, at the revision; gives when half of them was.
    pub(crate) async fn wait_for_apps(
        &self,
        family: Family,
        apps: usize,
        revision: &str,
        start: Instant,
        patience: Duration,
    ) -> Result<Waited> {
        let api = self.apps(family).await?;
        let mut waiting =
            Waiting { family, apps, revision, start, done: HashSet::new(), waited: Waited::default() };
        match tokio::time::timeout(patience.saturating_sub(start.elapsed()), waiting.follow(&api)).await {
            Ok(followed) => followed?,
            Err(_elapsed) => bail!("{} of {apps} are Ready at {revision}", waiting.done.len()),
        }
        Ok(waiting.waited)
    }

    /// Asks every Application for a look.
    pub(crate) async fn refresh(&self, apps: usize) -> Result<()> {
        let api = self.apps(Family::ArgoCd).await?;
        let patch = json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}});
        for app in 0..apps {
            api.patch(&name(app), &PatchParams::default(), &Patch::Merge(&patch)).await?;
        }
        Ok(())
    }

    /// Asks for a look at the repository, as a webhook would.
    pub(crate) async fn announce(&self) -> Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string();
        let patch = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": now}}});
        self.source().await?.patch("source", &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }

    /// Makes the source, and waits until it has the revision.
    pub(crate) async fn create_source(&self, url: &str, revision: &str) -> Result<()> {
        self.apply(&source(url), "bench").await?;
        let api = self.source().await?;
        let start = Instant::now();
        loop {
            let source = api.get("source").await?;
            if source.data.pointer("/status/artifact/revision").and_then(Value::as_str) == Some(revision) {
                return Ok(());
            }
            ensure!(
                start.elapsed() < Duration::from_secs(120),
                "the source has no artifact: {}",
                source.data
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// What the apps' objects are, in one number: equal for equal end states.
    pub(crate) async fn digest(&self) -> Result<u64> {
        let mut states = BTreeMap::new();
        for (version, kind) in
            [("v1", "ServiceAccount"), ("v1", "Service"), ("v1", "ConfigMap"), ("apps/v1", "Deployment")]
        {
            for object in self.api(version, kind).await?.list(&ListParams::default()).await? {
                let mut spec = object.data["spec"].clone();
                if let Some(fields) = spec.as_object_mut() {
                    // Given by the server, to each another one.
                    fields.retain(|name, _| !name.starts_with("clusterIP"));
                }
                let name = object.metadata.name.unwrap_or_default();
                let labels = object.metadata.labels.unwrap_or_default();
                states
                    .insert(format!("{kind}/{name}"), format!("{labels:?} {} {}", object.data["data"], spec));
            }
        }
        let mut hasher = DefaultHasher::new();
        states.hash(&mut hasher);
        Ok(hasher.finish())
    }
}

/// How long it took.
#[derive(Debug, Default)]
pub(crate) struct Waited {
    pub(crate) half: Duration,
    pub(crate) all: Duration,
    /// Lists that waiting itself has cost.
    pub(crate) looks: u64,
}

/// Which apps are done so far. They are watched: lists of thousands would cost the server more than the work itself.
struct Waiting<'a> {
    family: Family,
    apps: usize,
    revision: &'a str,
    start: Instant,
    done: HashSet<String>,
    waited: Waited,
}

impl Waiting<'_> {
    async fn follow(&mut self, api: &Api<DynamicObject>) -> Result<()> {
        loop {
            let all = api.list(&ListParams::default()).await?;
            self.waited.looks += 1;
            all.items.iter().for_each(|app| self.note(app));
            let since = all.metadata.resource_version.unwrap_or_default();
            let mut events = Box::pin(api.watch(&WatchParams::default(), &since).await?);
            while !self.is_over() {
                match events.next().await {
                    Some(Ok(WatchEvent::Added(app) | WatchEvent::Modified(app))) => self.note(&app),
                    Some(Ok(WatchEvent::Deleted(_) | WatchEvent::Bookmark(_))) => {}
                    Some(Ok(WatchEvent::Error(_)) | Err(_)) | None => break,
                }
            }
            if self.is_over() {
                return Ok(());
            }
        }
    }

    fn is_over(&self) -> bool {
        self.done.len() == self.apps
    }

    fn note(&mut self, app: &DynamicObject) {
        let name = app.metadata.name.clone().unwrap_or_default();
        match self.family.is_done(&app.data, self.revision) {
            true => self.done.insert(name),
            false => self.done.remove(&name),
        };
        if self.done.len() * 2 >= self.apps && self.waited.half.is_zero() {
            self.waited.half = self.start.elapsed();
        }
        if self.is_over() {
            self.waited.all = self.start.elapsed();
        }
    }
}

/// Whose apps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Flux's Kustomizations.
    Flux,
    /// Argo CD's Applications.
    ArgoCd,
}

impl Family {
    /// Its name in commands and folders.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Family::Flux => "flux",
            Family::ArgoCd => "argocd",
        }
    }

    /// Whether an app says that it is as this revision has it.
    pub(crate) fn is_done(self, app: &Value, revision: &str) -> bool {
        let status = &app["status"];
        match self {
            Family::Flux => {
                let conditions = status["conditions"].as_array();
                let is_ready =
                    |condition: &Value| condition["type"] == "Ready" && condition["status"] == "True";
                status["lastAppliedRevision"] == revision && conditions.into_iter().flatten().any(is_ready)
            }
            Family::ArgoCd => {
                let commit = revision.rsplit(':').next().unwrap_or_default();
                status["sync"]["status"] == "Synced" && status["sync"]["revision"] == commit
            }
        }
    }
}

/// A commit, and the revision as Flux names it.
pub(crate) fn commit(repository: &Repository, changes: &[Change], message: &str) -> Result<String> {
    let id = repository.commit(changes, message, &Author::new("Bench", "bench@example.com"))?;
    Ok(format!("main@sha1:{id}"))
}

/// The files of all apps.
pub(crate) fn files(apps: usize) -> Vec<Change> {
    (0..apps)
        .flat_map(|app| {
            objects(app).into_iter().map(move |object| {
                let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
                Change::write(&format!("apps/{app}/{kind}.yaml"), object.to_string())
            })
        })
        .collect()
}

/// The objects of an app.
pub(crate) fn objects(app: usize) -> [Value; 4] {
    let metadata = json!({"name": name(app), "namespace": NAMESPACE});
    let labels = json!({"app": name(app)});
    [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {
            "selector": labels, "ports": [{"name": "http", "port": 9898, "targetPort": "http"}]}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"app": app.to_string()}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {
            "replicas": 0, "selector": {"matchLabels": labels}, "template": {
                "metadata": {"labels": labels},
                "spec": {"serviceAccountName": name(app), "containers": [{
                    "name": "web", "image": "registry.example.com/web:1",
                    "ports": [{"name": "http", "containerPort": 9898, "protocol": "TCP"}],
                    "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}}}]}}}}),
    ]
}

/// The objects of an app with Flux's marks, as they are in the end whoever applies them.
pub(crate) fn marked_objects(app: usize) -> [Value; 4] {
    objects(app).map(|mut object| {
        object["metadata"]["labels"] = json!({
            "kustomize.toolkit.fluxcd.io/name": name(app),
            "kustomize.toolkit.fluxcd.io/namespace": NAMESPACE,
        });
        object
    })
}

pub(crate) fn name(app: usize) -> String {
    format!("app-{app}")
}

fn source(url: &str) -> Value {
    json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": "source", "namespace": NAMESPACE},
        "spec": {"interval": "10m", "url": url, "ref": {"branch": "main"}},
    })
}

fn kustomization(app: usize) -> Value {
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name(app), "namespace": NAMESPACE},
        "spec": {"interval": "1h", "path": format!("./apps/{app}"), "prune": true,
            "sourceRef": {"kind": "GitRepository", "name": "source"}},
    })
}

fn application(app: usize, url: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": name(app), "namespace": "argocd"},
        "spec": {
            "project": "default",
            "source": {"repoURL": url, "targetRevision": "main", "path": format!("apps/{app}")},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": NAMESPACE},
            "syncPolicy": {"automated": {"prune": true, "selfHeal": true}},
        },
    })
}
