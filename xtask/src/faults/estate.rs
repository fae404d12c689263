//! What Git says, what people do to it and to the cluster, and whether the cluster is as Git says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use belay_testkit::{Change, GitServer, GitServerOptions, Repository};
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::apiserver::RealServer;
use crate::fleet::{self, Cluster, Family};

/// How many apps each family has.
const APPS: usize = 3;
/// How many objects an app has at most.
const OBJECTS: u64 = 6;
/// How often one object is tampered with at most: whoever undoes each repair is let be after a while.
const HANDS: u32 = 3;
/// The kinds of the objects.
const KINDS: [(&str, &str); 3] = [("v1", "ConfigMap"), ("v1", "Service"), ("apps/v1", "Deployment")];
/// Where Flux's resources are.
const FLUX: &str = "flux-system";

/// What the installation is told: Git is looked at often, as who tells of commits may not be heard.
const SETTINGS: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: argocd}
---
apiVersion: v1
kind: Namespace
metadata: {name: flux-system}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm, namespace: argocd, labels: {app.kubernetes.io/part-of: argocd}}
data: {timeout.reconciliation: 20s, timeout.reconciliation.jitter: 0s}
"#;

/// An app of a family.
#[derive(Debug, Clone, Copy)]
struct App {
    family: Family,
    number: usize,
}

impl App {
    fn all() -> impl Iterator<Item = App> {
        [Family::ArgoCd, Family::Flux]
            .into_iter()
            .flat_map(|family| (0..APPS).map(move |number| App { family, number }))
    }

    /// Its folder, which is the namespace of its objects, too.
    fn folder(self) -> String {
        format!("{}-{}", self.family.word(), self.number)
    }

    fn name(self) -> String {
        fleet::name(self.number)
    }

    fn resource(self, url: &str) -> Value {
        let folder = self.folder();
        match self.family {
            Family::Flux => json!({
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
                "metadata": {"name": self.name(), "namespace": FLUX},
                "spec": {"interval": "10m", "retryInterval": "5s", "path": format!("./{folder}"), "prune": true,
                    "sourceRef": {"kind": "GitRepository", "name": "source"}}}),
            Family::ArgoCd => json!({
                "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
                "metadata": {"name": self.name(), "namespace": "argocd",
                    "finalizers": ["resources-finalizer.argocd.argoproj.io"]},
                "spec": {
                    "project": "default",
                    "source": {"repoURL": url, "targetRevision": "main", "path": folder},
                    "destination": {"server": "https://kubernetes.default.svc", "namespace": folder},
                    "syncPolicy": {"automated": {"prune": true, "selfHeal": true},
                        "retry": {"limit": -1, "backoff": {"duration": "2s", "maxDuration": "10s"}}}}}),
        }
    }
}

/// An object by its folder, its kind's place in [`KINDS`] and its name.
type Place = (String, usize, String);

/// What Git says, by object: the number of the change that it was last written in.
type Desired = BTreeMap<Place, u64>;

/// Git, the cluster as people reach it, and what they have done.
pub(super) struct Estate {
    pub(super) cluster: Cluster,
    repository: Repository,
    _git: GitServer,
    url: String,
    desired: Desired,
    /// Folders of apps that somebody has deleted.
    gone: BTreeSet<String>,
    hands: BTreeMap<Place, u32>,
    /// Uid and version of what is nobody's.
    neighbours: BTreeMap<Place, (Option<String>, Option<String>)>,
    serial: u64,
    head: String,
    chance: StdRng,
}

impl Estate {
    /// Makes definitions, namespaces, neighbours and the repository, and the apps.
    pub(super) async fn found(
        server: &RealServer,
        definitions: &[u8],
        dir: &Path,
        seed: u64,
    ) -> Result<Estate> {
        let cluster = Cluster::new(belay_cluster::connect(Some(&server.kubeconfig)).await?);
        cluster.apply_file(definitions).await?;
        server.wait_for_definitions()?;
        cluster.apply_file(SETTINGS.as_bytes()).await?;
        let folder = dir.join("git");
        let git = GitServer::start(GitServerOptions::new(&folder)).await?;
        let mut estate = Estate {
            cluster,
            repository: Repository::create(folder.join("apps.git"))?,
            url: git.url_of("apps"),
            _git: git,
            desired: Desired::new(),
            gone: BTreeSet::new(),
            hands: BTreeMap::new(),
            neighbours: BTreeMap::new(),
            serial: 0,
            head: String::new(),
            chance: StdRng::seed_from_u64(seed),
        };
        estate.settle_in().await?;
        Ok(estate)
    }

    async fn settle_in(&mut self) -> Result<()> {
        let mut changes = Vec::new();
        for app in App::all() {
            let folder = app.folder();
            let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": folder}});
            self.cluster.apply(&namespace, "people").await?;
            self.move_in_beside(app).await?;
            for kind in 0..KINDS.len() {
                changes.push(self.write((folder.clone(), kind, "web-0".to_owned())));
            }
        }
        self.head = fleet::commit(&self.repository, &changes, "Add the apps")?;
        let source = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": "source", "namespace": FLUX},
            "spec": {"interval": "20s", "url": self.url, "ref": {"branch": "main"}}});
        self.cluster.apply(&source, "people").await?;
        for app in App::all() {
            self.cluster.apply(&app.resource(&self.url), "people").await?;
        }
        Ok(())
    }

    /// Objects that are nobody's: one as if it were an app's by its labels, one by its annotation.
    async fn move_in_beside(&mut self, app: App) -> Result<()> {
        let folder = app.folder();
        let marks = [
            json!({"labels": {"kustomize.toolkit.fluxcd.io/name": app.name(),
                "kustomize.toolkit.fluxcd.io/namespace": FLUX, "app.kubernetes.io/instance": app.name()}}),
            json!({"annotations": {"argocd.argoproj.io/tracking-id":
                format!("{}:/ConfigMap:{folder}/another", app.name())}}),
        ];
        for (number, mut metadata) in marks.into_iter().enumerate() {
            let name = format!("neighbour-{number}");
            metadata["name"] = json!(name);
            metadata["namespace"] = json!(folder);
            let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata,
                "data": {"serial": "0"}});
            self.cluster.apply(&object, "people").await?;
            let api = self.cluster.api_in(&folder, "v1", "ConfigMap").await?;
            let there = api.get(&name).await?.metadata;
            self.neighbours.insert((folder.clone(), 0, name), (there.uid, there.resource_version));
        }
        Ok(())
    }

    /// What somebody does by chance: commits, tampers, deletes, deletes an app or brings it back.
    pub(super) async fn act(&mut self) -> Result<()> {
        match self.chance.random_range(0..100) {
            0..50 => self.commit().await,
            50..70 => self.tamper(false).await,
            70..85 => self.tamper(true).await,
            _ => self.delete_an_app_or_bring_it_back().await,
        }
    }

    /// Some changes to some apps, and everybody is told.
    pub(super) async fn commit(&mut self) -> Result<()> {
        let mut changes = BTreeMap::new();
        for _ in 0..self.chance.random_range(1..4) {
            let app = self.any_app();
            let place = (
                app.folder(),
                self.chance.random_range(0..KINDS.len()),
                format!("web-{}", self.chance.random_range(0..OBJECTS / KINDS.len() as u64)),
            );
            // A folder is never left empty: that is not to be pruned.
            let is_first = place.1 == 0 && place.2 == "web-0";
            let goes = !is_first && self.desired.contains_key(&place) && self.chance.random_bool(0.4);
            let change = match goes && !changes.contains_key(&place) {
                true => {
                    self.desired.remove(&place);
                    Change::delete(&path_of(&place))
                }
                false => self.write(place.clone()),
            };
            changes.insert(place, change);
        }
        let changes: Vec<Change> = changes.into_values().collect();
        self.head = fleet::commit(&self.repository, &changes, "Change some objects")?;
        self.announce().await
    }

    fn write(&mut self, place: Place) -> Change {
        self.serial += 1;
        let change = Change::write(&path_of(&place), object(&place, self.serial).to_string());
        self.desired.insert(place, self.serial);
        change
    }

    /// As webhooks would.
    async fn announce(&self) -> Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string();
        let asked = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": now}}});
        let sources = self.cluster.api_in(FLUX, "source.toolkit.fluxcd.io/v1", "GitRepository").await?;
        sources.patch("source", &PatchParams::default(), &Patch::Merge(asked)).await?;
        let refresh = json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}});
        for app in App::all().filter(|app| app.family == Family::ArgoCd) {
            let api = self.app(app).await?;
            // It may be deleted just now.
            unless_gone(api.patch(&app.name(), &PatchParams::default(), &Patch::Merge(&refresh)).await)?;
        }
        Ok(())
    }

    /// Changes or deletes an object that is Git's.
    async fn tamper(&mut self, deletes: bool) -> Result<()> {
        let places: Vec<Place> = self.desired.keys().cloned().collect();
        let place = places[self.chance.random_range(0..places.len())].clone();
        let hands = self.hands.entry(place.clone()).or_default();
        if *hands == HANDS {
            return Ok(());
        }
        *hands += 1;
        let (version, kind) = KINDS[place.1];
        let api = self.cluster.api_in(&place.0, version, kind).await?;
        if deletes {
            return unless_gone(api.delete(&place.2, &DeleteParams::default()).await);
        }
        let object = object(&place, 9999);
        let patch = match kind {
            "ConfigMap" => json!({"data": object["data"]}),
            "Service" => json!({"spec": {"ports": object["spec"]["ports"]}}),
            _ => json!({"spec": {"minReadySeconds": object["spec"]["minReadySeconds"]}}),
        };
        let params = PatchParams { field_manager: Some("somebody".to_owned()), ..PatchParams::default() };
        unless_gone(api.patch(&place.2, &params, &Patch::Merge(patch)).await)
    }

    async fn delete_an_app_or_bring_it_back(&mut self) -> Result<()> {
        let app = self.any_app();
        let api = self.app(app).await?;
        if self.gone.contains(&app.folder()) {
            return self.bring_back(app).await;
        }
        let Some(there) = api.get_opt(&app.name()).await? else { return Ok(()) };
        // Flux leaves the objects of an app that it has never met.
        if there.metadata.finalizers.unwrap_or_default().is_empty() {
            return Ok(());
        }
        self.gone.insert(app.folder());
        unless_gone(api.delete(&app.name(), &DeleteParams::default()).await)
    }

    /// Brings an app back, unless its deletion has not ended.
    async fn bring_back(&mut self, app: App) -> Result<()> {
        if self.app(app).await?.get_opt(&app.name()).await?.is_none() {
            self.cluster.apply(&app.resource(&self.url), "people").await?;
            self.gone.remove(&app.folder());
        }
        Ok(())
    }

    fn any_app(&mut self) -> App {
        let number = self.chance.random_range(0..2 * APPS);
        let family = if number < APPS { Family::ArgoCd } else { Family::Flux };
        App { family, number: number % APPS }
    }

    async fn app(&self, app: App) -> Result<Api<DynamicObject>> {
        match app.family {
            Family::Flux => {
                self.cluster.api_in(FLUX, "kustomize.toolkit.fluxcd.io/v1", "Kustomization").await
            }
            Family::ArgoCd => self.cluster.apps(Family::ArgoCd).await,
        }
    }

    /// After a backup was restored: apps are there, or are not, as they were then.
    pub(super) async fn look_which_apps_are_there(&mut self) -> Result<()> {
        self.gone.clear();
        for app in App::all() {
            if self.app(app).await?.get_opt(&app.name()).await?.is_none() {
                self.gone.insert(app.folder());
            }
        }
        Ok(())
    }

    /// What is not as Git says.
    pub(super) async fn differences(&self) -> Result<Vec<String>> {
        let mut differences = self.differences_of_apps().await?;
        let mut found = BTreeMap::new();
        for app in App::all() {
            for (kind, (version, name)) in KINDS.into_iter().enumerate() {
                let api = self.cluster.api_in(&app.folder(), version, name).await?;
                for object in api.list(&ListParams::default()).await? {
                    let place = (app.folder(), kind, object.metadata.name.clone().unwrap_or_default());
                    found.insert(place, object);
                }
            }
        }
        // The controller manager puts one into each namespace.
        found.retain(|place, _| place.2 != "kube-root-ca.crt");
        for (place, identity) in &self.neighbours {
            let there = found.remove(place).map(|object| object.metadata);
            let there = there.map(|metadata| (metadata.uid, metadata.resource_version));
            if there.as_ref() != Some(identity) {
                differences.push(format!("neighbour {} was touched", path_of(place)));
            }
        }
        for (place, serial) in self.desired.iter().filter(|(place, _)| !self.gone.contains(&place.0)) {
            let expected = said(&object(place, *serial));
            match found.remove(place) {
                None => differences.push(format!("{} is missing", path_of(place))),
                Some(object) if said(&object.data) != expected => {
                    let is = said(&object.data);
                    differences.push(format!("{} is {is}, not {expected}", path_of(place)));
                }
                Some(_) => {}
            }
        }
        differences.extend(found.keys().map(|place| format!("{} is left over", path_of(place))));
        Ok(differences)
    }

    async fn differences_of_apps(&self) -> Result<Vec<String>> {
        let mut differences = Vec::new();
        for app in App::all() {
            let there = self.app(app).await?.get_opt(&app.name()).await?;
            let folder = app.folder();
            match there {
                None if self.gone.contains(&folder) => {}
                None => differences.push(format!("app {folder} is missing")),
                Some(_) if self.gone.contains(&folder) => {
                    differences.push(format!("app {folder} is still there"));
                }
                Some(there) if !self.is_well(app, &there) => {
                    differences.push(format!("app {folder} is not as {}: {}", self.head, brief(&there)));
                }
                Some(_) => {}
            }
        }
        Ok(differences)
    }

    fn is_well(&self, app: App, there: &DynamicObject) -> bool {
        let status = &there.data["status"];
        app.family.is_done(&there.data, &self.head)
            && match app.family {
                Family::ArgoCd => {
                    status["health"]["status"] == "Healthy"
                        && status["operationState"]["phase"] == "Succeeded"
                        && status["conditions"].as_array().is_none_or(Vec::is_empty)
                }
                Family::Flux => status["observedGeneration"].as_i64() == there.metadata.generation,
            }
    }
}

/// What an app says of itself.
fn brief(app: &DynamicObject) -> String {
    let status = &app.data["status"];
    let told = json!({"sync": status["sync"]["status"], "revision": status["sync"]["revision"],
        "health": status["health"]["status"], "conditions": status["conditions"],
        "phase": status["operationState"]["phase"], "message": status["operationState"]["message"],
        "applied": status["lastAppliedRevision"], "generation": status["observedGeneration"],
        "deleted": app.metadata.deletion_timestamp});
    told.to_string()
}

/// Somebody else may have been faster.
fn unless_gone<T>(result: kube::Result<T>) -> Result<()> {
    match result {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => other.map(drop).context("what somebody does failed"),
    }
}

fn path_of((folder, kind, name): &Place) -> String {
    format!("{folder}/{}-{name}.yaml", KINDS[*kind].1.to_lowercase())
}

/// An object as a change writes it.
fn object((folder, kind, name): &Place, serial: u64) -> Value {
    let (version, kind) = KINDS[*kind];
    let labels = json!({"app": name});
    let mut object = json!({"apiVersion": version, "kind": kind,
        "metadata": {"name": name, "namespace": folder}});
    match kind {
        "ConfigMap" => object["data"] = json!({"serial": serial.to_string()}),
        "Service" => {
            object["spec"] = json!({"selector": labels,
                "ports": [{"name": "http", "port": 80, "targetPort": 10_000 + serial, "protocol": "TCP"}]});
        }
        _ => {
            object["spec"] = json!({"replicas": 0, "revisionHistoryLimit": 0,
                "minReadySeconds": serial, "progressDeadlineSeconds": 100_000,
                "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "web", "image": "registry.example.com/web:1"}]}}});
        }
    }
    object
}

/// What is told apart of an object: what each change changes, and what hands change.
fn said(object: &Value) -> String {
    let spec = &object["spec"];
    match spec.is_null() {
        true => object["data"].to_string(),
        false => {
            format!("{} {} {}", spec["ports"][0]["targetPort"], spec["minReadySeconds"], spec["replicas"])
        }
    }
}
