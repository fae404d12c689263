//! The apps that are installed: one repository with a folder of four objects each, and a Kustomization
//! for each folder.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use belay_cluster::Kinds;
use belay_manifest::{GroupVersionKind, Object};
use belay_testkit::{Author, Change, Repository};
use futures::{StreamExt, TryStreamExt};
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

/// How many requests are in flight at once.
const WIDTH: usize = 16;
/// Where the objects go, and the apps.
pub(super) const NAMESPACE: &str = "bench";
/// How often waiting looks: a list of a thousand Kustomizations costs the server some milliseconds.
const LOOK: Duration = Duration::from_millis(500);

/// A client that knows kinds.
pub(super) struct Cluster {
    pub(super) client: Client,
    kinds: Kinds,
}

impl Cluster {
    pub(super) fn new(client: Client) -> Cluster {
        Cluster { kinds: Kinds::new(client.clone()), client }
    }

    pub(super) async fn api(&self, version: &str, kind: &str) -> Result<Api<DynamicObject>> {
        let resource = self.kinds.find(&GroupVersionKind::new(version, kind)).await?;
        Ok(resource.objects(&self.client, NAMESPACE))
    }

    pub(super) async fn kustomizations(&self) -> Result<Api<DynamicObject>> {
        self.api("kustomize.toolkit.fluxcd.io/v1", "Kustomization").await
    }

    async fn source(&self) -> Result<Api<DynamicObject>> {
        self.api("source.toolkit.fluxcd.io/v1", "GitRepository").await
    }

    /// Applies one object.
    pub(super) async fn apply(&self, object: &Value, manager: &str) -> Result<()> {
        let object = Object::new(object.clone())?;
        let resource = self.kinds.find(&object.gvk()).await?;
        let api = resource.objects(&self.client, object.namespace());
        let params = PatchParams::apply(manager).force();
        api.patch(object.name(), &params, &Patch::Apply(object.value()))
            .await
            .with_context(|| object.key().to_string())?;
        Ok(())
    }

    /// Applies many, some at a time.
    pub(super) async fn apply_all(&self, objects: Vec<Value>, manager: &str) -> Result<()> {
        futures::stream::iter(objects)
            .map(|object| async move { self.apply(&object, manager).await })
            .buffer_unordered(WIDTH)
            .try_collect()
            .await
    }

    /// Creates the Kustomizations.
    pub(super) async fn create_apps(&self, apps: usize) -> Result<()> {
        let api = self.kustomizations().await?;
        futures::stream::iter(0..apps)
            .map(|app| {
                let api = &api;
                async move {
                    let body: DynamicObject = serde_json::from_value(kustomization(app))?;
                    api.create(&PostParams::default(), &body).await?;
                    anyhow::Ok(())
                }
            })
            .buffer_unordered(WIDTH)
            .try_collect()
            .await
    }

    /// Writes a status to each of the apps, as the least an engine must do.
    pub(super) async fn write_statuses(&self, apps: usize, revision: &str) -> Result<()> {
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

    /// Waits until all apps are Ready at the revision; gives when each half of them was.
    pub(super) async fn wait_for_apps(
        &self,
        apps: usize,
        revision: &str,
        start: Instant,
        patience: Duration,
    ) -> Result<Waited> {
        let api = self.kustomizations().await?;
        let mut waited = Waited::default();
        loop {
            let all = api.list(&ListParams::default()).await?;
            waited.looks += 1;
            let done = all.iter().filter(|app| is_ready(&app.data, revision)).count();
            if done * 2 >= apps && waited.half.is_zero() {
                waited.half = start.elapsed();
            }
            if done == apps {
                waited.all = start.elapsed();
                return Ok(waited);
            }
            ensure!(start.elapsed() < patience, "{done} of {apps} are Ready at {revision}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Asks for a look at the repository, as a webhook would.
    pub(super) async fn announce(&self) -> Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string();
        let patch = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": now}}});
        self.source().await?.patch("source", &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }

    /// Makes the source, and waits until it has the revision.
    pub(super) async fn create_source(&self, url: &str, revision: &str) -> Result<()> {
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
    pub(super) async fn digest(&self) -> Result<u64> {
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
pub(super) struct Waited {
    pub(super) half: Duration,
    pub(super) all: Duration,
    /// Lists that waiting itself has cost.
    pub(super) looks: u64,
}

fn is_ready(app: &Value, revision: &str) -> bool {
    let conditions = app.pointer("/status/conditions").and_then(Value::as_array);
    let ready = conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    ready && app["status"]["lastAppliedRevision"] == revision
}

/// A commit, and the revision as Flux names it.
pub(super) fn commit(repository: &Repository, changes: &[Change], message: &str) -> Result<String> {
    let id = repository.commit(changes, message, &Author::new("Bench", "bench@example.com"))?;
    Ok(format!("main@sha1:{id}"))
}

/// The files of all apps.
pub(super) fn files(apps: usize) -> Vec<Change> {
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
pub(super) fn objects(app: usize) -> [Value; 4] {
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

pub(super) fn name(app: usize) -> String {
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
