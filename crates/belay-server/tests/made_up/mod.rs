//! An engine over made-up apps of both families. Shared by the tests and the example.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use belay_manifest::{ObjectKey, Secret};
use belay_server::{
    Accepted, ActError, Action, AppDetail, AppKind, AppRef, AppSummary, Condition, Edge, Engine, Event,
    FieldDifference, Health, HistoryEntry, Manager, Preview, Push, Readiness, ResourceDetail, Revision,
    SecretsUnknown, Source, Sync, TooManyPushes, Tree, TreeNode, WebhookSecrets,
};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::broadcast;

/// The engine; what it was asked to do can be read back.
pub(crate) struct MadeUp {
    apps: Mutex<BTreeMap<AppRef, Arc<AppSummary>>>,
    changes: broadcast::Sender<AppRef>,
    /// Actions that were done, and repositories that were pushed to.
    pub(crate) done: Mutex<Vec<String>>,
    /// What webhooks must be signed with.
    pub(crate) secrets: Mutex<WebhookSecrets>,
}

impl MadeUp {
    /// Six apps, and as many more as asked for.
    pub(crate) fn new(more: usize) -> MadeUp {
        let mut apps = vec![
            app(AppKind::Application, "argocd", "shop-web", Sync::OutOfSync, Health::Healthy, 2),
            app(AppKind::Application, "argocd", "shop-api", Sync::Synced, Health::Degraded, 0),
            app(AppKind::Application, "argocd", "root", Sync::Synced, Health::Healthy, 0),
            app(AppKind::Kustomization, "flux-system", "infrastructure", Sync::Synced, Health::Healthy, 0),
            app(AppKind::Kustomization, "flux-system", "broken", Sync::OutOfSync, Health::Degraded, 0),
            app(AppKind::HelmRelease, "team-a", "podinfo", Sync::Synced, Health::Progressing, 0),
        ];
        apps.extend((0..more).map(|number| {
            let name = format!("many-{number:05}");
            app(AppKind::Application, "argocd", &name, Sync::Synced, Health::Healthy, 0)
        }));
        MadeUp {
            apps: Mutex::new(apps.into_iter().map(|app| (app.app.clone(), Arc::new(app))).collect()),
            changes: broadcast::channel(64).0,
            done: Mutex::default(),
            secrets: Mutex::default(),
        }
    }

    /// One app goes from Progressing to Healthy, or back.
    pub(crate) fn tick(&self) {
        let key = AppRef { kind: AppKind::HelmRelease, namespace: "team-a".into(), name: "podinfo".into() };
        let mut apps = self.apps.lock().expect("no test panics while it holds this");
        if let Some(app) = apps.get_mut(&key) {
            let mut next = (**app).clone();
            next.health = if next.health == Health::Healthy { Health::Progressing } else { Health::Healthy };
            *app = Arc::new(next);
        }
        drop(apps);
        let _ = self.changes.send(key);
    }

    fn note(&self, text: String) {
        self.done.lock().expect("no test panics while it holds this").push(text);
    }
}

fn app(kind: AppKind, namespace: &str, name: &str, sync: Sync, health: Health, drift: usize) -> AppSummary {
    let message = match name {
        "broken" => "kustomize build failed: apps/broken/deploy.yaml:7: mapping values are not allowed here",
        _ => "",
    };
    AppSummary {
        app: AppRef { kind, namespace: namespace.into(), name: name.into() },
        family: kind.family(),
        project: if kind == AppKind::Application { "default".into() } else { String::new() },
        destination: "shop".into(),
        source: Source {
            repository: "https://git.example.org/acme/config".into(),
            path: format!("apps/{name}"),
            target: "main".into(),
        },
        revision: Some(Revision {
            id: "3f2a1b9c0d4e5f60718293a4b5c6d7e8f9012345".into(),
            subject: "Raise the shop's image to 1.8.2".into(),
            author: "Ada".into(),
            time: "2026-03-01T10:00:00Z".into(),
        }),
        sync,
        health,
        message: message.into(),
        drift,
        suspended: name == "infrastructure",
        automated: true,
        operation: String::new(),
        objects: 2,
        labels: BTreeMap::from([("team".into(), "a".into())]),
        changed: "2026-03-01T10:01:00Z".into(),
    }
}

fn key(group: &str, kind: &str, name: &str) -> ObjectKey {
    ObjectKey { group: group.into(), kind: kind.into(), namespace: "shop".into(), name: name.into() }
}

fn node(object: ObjectKey, sync: Option<Sync>, health: Option<Health>, info: &[&str]) -> TreeNode {
    TreeNode {
        id: object.to_string(),
        object,
        managed: sync.is_some(),
        sync,
        health,
        message: String::new(),
        created: "2026-03-01T09:00:00Z".into(),
        info: info.iter().map(|text| (*text).to_owned()).collect(),
    }
}

fn tree(app: &AppSummary) -> Tree {
    let (group, kind) = app.app.kind.group_and_kind();
    let name = &app.app.name;
    let root = ObjectKey { namespace: app.app.namespace.clone(), ..key(group, kind, name) };
    let pod = format!("{name}-7c9d-x2x1");
    let nodes = vec![
        node(root, Some(app.sync), Some(app.health), &[]),
        node(key("apps", "Deployment", name), Some(app.sync), Some(app.health), &["2/2 ready", "shop:1.8.2"]),
        node(key("", "Secret", "credentials"), Some(Sync::Synced), None, &[]),
        node(key("apps", "ReplicaSet", &format!("{name}-7c9d")), None, Some(app.health), &["2/2 ready"]),
        node(key("", "Pod", &pod), None, Some(app.health), &["1/1 ready", "Running"]),
    ];
    let ids: Vec<String> = nodes.iter().map(|node| node.id.clone()).collect();
    let edge = |from: usize, to: usize| Edge { from: ids[from].clone(), to: ids[to].clone() };
    Tree { edges: vec![edge(0, 1), edge(0, 2), edge(1, 3), edge(3, 4)], nodes, folded: 3, left_out: 0 }
}

fn differences(app: &AppSummary) -> Vec<FieldDifference> {
    if app.drift == 0 {
        return Vec::new();
    }
    let one = |path: &str, desired: Value, live: Value| FieldDifference {
        object: key("apps", "Deployment", &app.app.name),
        path: path.into(),
        desired: Some(desired),
        live: Some(live),
        manager: "kubectl-scale".into(),
        time: "2026-03-01T10:00:30Z".into(),
        user: "ada@example.com".into(),
    };
    vec![
        one("spec.replicas", json!(2), json!(5)),
        one(
            "spec.template.spec.containers[name=web].args",
            json!(["--port=80"]),
            json!(["--port=80", "--debug"]),
        ),
    ]
}

impl Engine for MadeUp {
    fn apps(&self) -> Vec<Arc<AppSummary>> {
        self.apps.lock().expect("no test panics while it holds this").values().cloned().collect()
    }

    fn summary(&self, app: &AppRef) -> Option<Arc<AppSummary>> {
        self.apps.lock().expect("no test panics while it holds this").get(app).cloned()
    }

    fn app(&self, app: &AppRef) -> Option<AppDetail> {
        let summary = (*self.summary(app)?).clone();
        let problem = !summary.message.is_empty();
        Some(AppDetail {
            sentence: format!("{} with 3f2a1b9c; 2 objects.", summary.sync.as_str()),
            tree: tree(&summary),
            history: vec![HistoryEntry {
                revision: summary.revision.clone().unwrap_or_default(),
                time: "2026-03-01T10:01:00Z".into(),
                outcome: "Succeeded".into(),
                initiator: "automated".into(),
            }],
            why: Vec::new(),
            conditions: vec![Condition {
                kind: "Ready".into(),
                status: if problem { "False" } else { "True" }.into(),
                message: summary.message.clone(),
                problem,
                ..Condition::default()
            }],
            drift: differences(&summary),
            summary,
        })
    }

    fn resource<'a>(
        &'a self,
        app: &'a AppRef,
        object: &'a ObjectKey,
    ) -> BoxFuture<'a, Option<ResourceDetail>> {
        async move {
            let summary = self.summary(app)?;
            let node = tree(&summary).nodes.into_iter().find(|node| node.object == *object)?;
            let manifest = |replicas: u32| {
                json!({"apiVersion": "apps/v1", "kind": object.kind, "metadata": {"name": object.name, "namespace": "shop"},
                    "spec": {"replicas": replicas}})
            };
            let is_deployment = object.kind == "Deployment";
            let differences = if is_deployment { differences(&summary) } else { Vec::new() };
            Some(ResourceDetail {
                desired: node.managed.then(|| manifest(2)),
                live: Some(manifest(if differences.is_empty() { 2 } else { 5 })),
                node,
                differences,
                managers: vec![Manager {
                    name: "argocd-controller".into(),
                    operation: "Apply".into(),
                    subresource: String::new(),
                    time: "2026-03-01T10:00:00Z".into(),
                }],
                owners: Vec::new(),
                events: vec![Event {
                    kind: "Normal".into(),
                    reason: "ScalingReplicaSet".into(),
                    message: "Scaled up replica set to 5".into(),
                    source: "deployment-controller".into(),
                    count: 1,
                    time: "2026-03-01T10:00:31Z".into(),
                }],
                why: Vec::new(),
            })
        }
        .boxed()
    }

    fn preview(&self, app: &AppRef, action: &Action) -> Result<Preview, ActError> {
        let summary = self.summary(app).ok_or_else(|| ActError::NotFound(app.to_string()))?;
        let steps =
            differences(&summary).iter().map(|difference| format!("{}: set", difference.path)).collect();
        let effect = format!("{action:?}: sets {} fields.", summary.drift);
        Ok(Preview { effect, steps, destructive: summary.drift > 0, refused: String::new() })
    }

    fn act<'a>(&'a self, app: &'a AppRef, action: &'a Action) -> BoxFuture<'a, Result<Accepted, ActError>> {
        async move {
            self.summary(app).ok_or_else(|| ActError::NotFound(app.to_string()))?;
            self.note(format!("{app} {action:?}"));
            Ok(Accepted { message: format!("{app}: asked for") })
        }
        .boxed()
    }

    fn subscribe(&self) -> broadcast::Receiver<AppRef> {
        self.changes.subscribe()
    }

    fn repository_changed(&self, push: &Push) -> Result<(), TooManyPushes> {
        self.note(format!("push {} {} {}", push.repositories[0], push.reference, push.commit));
        Ok(())
    }

    fn webhook_secrets(&self) -> BoxFuture<'_, Result<WebhookSecrets, SecretsUnknown>> {
        let secrets = self.secrets.lock().expect("no test panics while it holds this").clone();
        async { Ok(secrets) }.boxed()
    }

    fn readiness(&self) -> Readiness {
        Readiness { ready: true, waiting_for: Vec::new() }
    }
}

/// Secrets for webhooks.
#[allow(dead_code, reason = "the example has no webhooks")]
pub(crate) fn webhook_secrets(github: Option<&str>, gitlab: Option<&str>) -> WebhookSecrets {
    let secret = |text: &str| Secret::new(text.to_owned());
    WebhookSecrets { github: github.map(secret), gitlab: gitlab.map(secret) }
}
