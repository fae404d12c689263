//! The engine over a cluster: a few objects behind the API's own paths, seen and acted on.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use belay_cluster::{Belonging, Kinds, LiveState};
use belay_manifest::{Object, ObjectKey, Secret};
use belay_server::{
    ActError, Action, AppKind, AppRef, DesiredState, Engine, Health, LiveEngine, LiveSettings, Push, Reader,
    Settings, Sync, TreeNode, router,
};
use futures::StreamExt;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

const CANARY: &str = "Y2FuYXJ5";

/// Path of the list, `apiVersion`, kind.
const KINDS: &[(&str, &str, &str, &str)] = &[
    ("", "v1", "pods", "Pod"),
    ("", "v1", "secrets", "Secret"),
    ("apps", "v1", "deployments", "Deployment"),
    ("apps", "v1", "replicasets", "ReplicaSet"),
    ("batch", "v1", "jobs", "Job"),
    ("argoproj.io", "v1alpha1", "applications", "Application"),
    ("source.toolkit.fluxcd.io", "v1", "gitrepositories", "GitRepository"),
    ("kustomize.toolkit.fluxcd.io", "v1", "kustomizations", "Kustomization"),
    ("helm.toolkit.fluxcd.io", "v2", "helmreleases", "HelmRelease"),
];

#[derive(Clone, Default)]
struct Api {
    objects: Arc<Mutex<Vec<Value>>>,
    patches: Arc<Mutex<Vec<(String, Value)>>>,
}

async fn answer(State(api): State<Api>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let objects = api.objects.lock().expect("no test panics while it holds this").clone();
    if request.method() == Method::PATCH {
        let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.expect("a short body");
        let patch: Value = serde_json::from_slice(&body).expect("a patch is JSON");
        api.patches.lock().expect("no test panics while it holds this").push((path, patch));
        return Json(objects[0].clone()).into_response();
    }
    if path == "/api" || path == "/apis" {
        return discovery(path == "/api");
    }
    let Some((group, version, plural, kind)) = KINDS.iter().find(|(_, _, plural, _)| path.ends_with(plural))
    else {
        return one(&objects, &path);
    };
    if query.contains("watch=true") {
        let never = futures::stream::pending::<Result<Bytes, std::io::Error>>();
        return Body::from_stream(never.boxed()).into_response();
    }
    assert!(path.contains(group) && path.contains(plural));
    let items: Vec<&Value> = objects.iter().filter(|object| object["kind"] == *kind).collect();
    let version = if group.is_empty() { (*version).to_owned() } else { format!("{group}/{version}") };
    Json(json!({"apiVersion": version, "kind": format!("{kind}List"), "metadata": {"resourceVersion": "9"}, "items": items}))
        .into_response()
}

fn one(objects: &[Value], path: &str) -> Response {
    if path.ends_with("/events") {
        let list = json!({"apiVersion": "v1", "kind": "EventList", "metadata": {}, "items": []});
        return Json(list).into_response();
    }
    let found = objects
        .iter()
        .find(|object| object["metadata"]["name"].as_str().is_some_and(|name| path.ends_with(name)));
    let missing = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404, "reason": "NotFound", "message": "none"});
    found.map_or_else(
        || (StatusCode::NOT_FOUND, Json(missing)).into_response(),
        |object| Json(object.clone()).into_response(),
    )
}

fn discovery(core: bool) -> Response {
    let groups = KINDS.iter().filter(|(group, ..)| group.is_empty() == core);
    let items: Vec<Value> = groups
        .map(|(group, version, plural, kind)| {
            json!({"metadata": {"name": group}, "versions": [{"version": version, "freshness": "Current", "resources": [{
                "resource": plural, "singularResource": kind.to_lowercase(), "scope": "Namespaced",
                "responseKind": {"group": group, "version": version, "kind": kind},
                "verbs": ["get", "list", "watch", "patch"]}]}]})
        })
        .collect();
    let merged = items.into_iter().fold(Vec::<Value>::new(), |mut merged, item| {
        match merged.iter_mut().find(|other| other["metadata"]["name"] == item["metadata"]["name"]) {
            Some(other) => {
                let more = item["versions"][0]["resources"][0].clone();
                if let Some(list) = other["versions"][0]["resources"].as_array_mut() {
                    list.push(more);
                }
            }
            None => merged.push(item),
        }
        merged
    });
    let body = json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": merged});
    let kind = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    ([("content-type", kind)], body.to_string()).into_response()
}

fn deployment(replicas: u32) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"}, "spec": {"replicas": replicas}})
}

fn objects() -> Vec<Value> {
    let mut live = deployment(5);
    live["metadata"]["uid"] = json!("d");
    live["metadata"]["managedFields"] = json!([
        {"manager": "argocd-controller", "operation": "Apply", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {}}},
        {"manager": "kubectl", "operation": "Update", "time": "2026-01-02T00:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]);
    let owned = |kind: &str, version: &str, name: &str, uid: &str, owner: &str, replicas: u32| {
        json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "shop", "uid": uid,
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "x", "name": "x", "uid": owner}]}, "spec": {"replicas": replicas}})
    };
    vec![
        json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": "shop", "namespace": "argocd", "uid": "a", "resourceVersion": "1"},
            "spec": {"project": "default", "destination": {"namespace": "shop"}, "syncPolicy": {"automated": {}},
                "source": {"repoURL": "https://user:canary@g/acme/config.git", "path": "shop", "targetRevision": "main"}},
            "status": {"sync": {"status": "OutOfSync", "revision": "abc"}, "health": {"status": "Healthy"},
                "resources": [
                    {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web", "status": "OutOfSync"},
                    {"kind": "Secret", "namespace": "shop", "name": "keys", "status": "Synced"},
                    {"kind": "Secret", "namespace": "shop", "name": "old", "status": "OutOfSync", "requiresPruning": true}]}}),
        live,
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys", "namespace": "shop", "uid": "s",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{\"stringData\":{\"a\":\"canary\"}}"}},
            "data": {"a": CANARY}}),
        owned("ReplicaSet", "apps/v1", "web-1", "r1", "d", 0),
        owned("ReplicaSet", "apps/v1", "web-2", "r2", "d", 5),
        owned("Pod", "v1", "web-2-x", "p", "r2", 0),
        json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": "config", "namespace": "flux-system"},
            "spec": {"url": "https://g/acme/config", "ref": {"branch": "main"}}, "status": {"artifact": {"revision": "main@sha1:def"}}}),
        json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"name": "infra", "namespace": "flux-system"},
            "spec": {"path": "./infra", "sourceRef": {"kind": "GitRepository", "name": "config"}},
            "status": {"lastAppliedRevision": "main@sha1:abc", "inventory": {"entries": []},
                "conditions": [{"type": "Ready", "status": "True"}]}}),
        json!({"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": {"name": "podinfo", "namespace": "shop"},
            "spec": {"suspend": true, "chart": {"spec": {"chart": "./charts/podinfo", "version": "6.x",
                "sourceRef": {"kind": "GitRepository", "name": "config", "namespace": "flux-system"}}}},
            "status": {"history": [{"chartName": "podinfo", "chartVersion": "6.5.0", "version": 3, "status": "deployed"}],
                "conditions": [{"type": "Ready", "status": "False", "message": "upgrade failed"}]}}),
    ]
}

struct Git;

impl DesiredState for Git {
    fn desired(&self, _: &AppRef, object: &ObjectKey) -> Option<Object> {
        let desired = match object.kind.as_str() {
            "Deployment" => deployment(2),
            "Secret" => json!({"apiVersion": "v1", "kind": "Secret",
                "metadata": {"name": object.name, "namespace": object.namespace}, "data": {"a": CANARY}}),
            _ => return None,
        };
        Some(Object::new(desired).expect("a valid object"))
    }
}

async fn engine() -> (Api, LiveEngine) {
    engine_with(Arc::new(Git)).await
}

async fn engine_with(desired: Arc<dyn DesiredState>) -> (Api, LiveEngine) {
    let api = Api { objects: Arc::new(Mutex::new(objects())), ..Api::default() };
    let router = Router::new().fallback(answer).with_state(api.clone());
    let client = kube::Client::new(router, "default");
    let whole = |_: &Object| Belonging::Whole;
    let live = LiveState::new(client.clone(), Kinds::new(client), whole);
    let settings = LiveSettings { argocd_namespace: "argocd".to_owned(), argo: true, flux: true };
    let engine = LiveEngine::start(live, desired, settings);
    let ready = async {
        while !engine.readiness().ready || engine.apps().len() < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // The rows are made anew a moment after the last change.
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    tokio::time::timeout(Duration::from_secs(20), ready).await.expect("everything is listed");
    (api, engine)
}

fn shop() -> AppRef {
    AppRef { kind: AppKind::Application, namespace: "argocd".to_owned(), name: "shop".to_owned() }
}

fn infra() -> AppRef {
    AppRef { kind: AppKind::Kustomization, namespace: "flux-system".to_owned(), name: "infra".to_owned() }
}

fn patches(api: &Api) -> Vec<(String, Value)> {
    std::mem::take(&mut *api.patches.lock().expect("no test panics while it holds this"))
}

#[tokio::test]
async fn both_families_are_seen_with_drift_and_tree() {
    let (_, engine) = engine().await;
    let row = engine.summary(&shop()).expect("it is there");
    assert_eq!((row.sync, row.health, row.drift, row.automated), (Sync::OutOfSync, Health::Healthy, 1, true));
    let row = engine.summary(&infra()).expect("it is there");
    // The source is at def, and abc is applied.
    assert_eq!((row.sync, row.health), (Sync::OutOfSync, Health::Healthy));
    assert_eq!(row.source.repository, "https://g/acme/config");
    assert_eq!(row.revision.as_ref().map(|revision| revision.id.as_str()), Some("abc"));

    let page = engine.app(&shop()).expect("it is there");
    let names: Vec<&str> = page.tree.nodes.iter().map(|node| node.object.name.as_str()).collect();
    assert_eq!(names, ["shop", "web", "keys", "old", "web-2", "web-2-x"]);
    assert_eq!(page.tree.folded, 1);
    let drift = &page.drift[0];
    assert_eq!((drift.path.as_str(), drift.manager.as_str()), ("spec.replicas", "kubectl"));
    assert_eq!((drift.desired.clone(), drift.live.clone()), (Some(json!(2)), Some(json!(5))));
}

#[tokio::test]
async fn a_helm_release_shows_its_chart_and_why_it_failed() {
    let (_, engine) = engine().await;
    let podinfo =
        AppRef { kind: AppKind::HelmRelease, namespace: "shop".to_owned(), name: "podinfo".to_owned() };
    let page = engine.app(&podinfo).expect("it is there");
    let row = &page.summary;
    assert_eq!(
        (row.sync, row.health, row.suspended, row.message.as_str()),
        (Sync::OutOfSync, Health::Suspended, true, "upgrade failed")
    );
    assert_eq!(row.source.repository, "https://g/acme/config");
    assert_eq!(
        (page.history[0].revision.id.as_str(), page.history[0].outcome.as_str()),
        ("6.5.0", "deployed")
    );
    assert!(page.conditions[0].problem);
    let sync = Action::Sync { prune: false, dry_run: false };
    let preview = engine.preview(&podinfo, &sync).expect("it is there");
    assert_eq!(preview.refused, "it is suspended; resume it first");
}

#[tokio::test]
async fn a_secret_is_shown_masked_and_strangers_not_at_all() {
    let (_, engine) = engine().await;
    let key = |kind: &str, name: &str| ObjectKey {
        group: String::new(),
        kind: kind.to_owned(),
        namespace: "shop".to_owned(),
        name: name.to_owned(),
    };
    let page = engine.resource(&shop(), &key("Secret", "keys")).await.expect("it is the app's");
    let text = serde_json::to_string(&page).expect("it is JSON");
    assert!(!text.contains(CANARY) && text.contains("++++++++"), "{text}");
    assert!(engine.resource(&shop(), &key("Pod", "web-2-x")).await.is_some());
    assert!(engine.resource(&infra(), &key("Secret", "keys")).await.is_none());
}

#[tokio::test]
async fn actions_say_what_they_do_and_are_patched() {
    let (api, engine) = engine().await;
    let sync = Action::Sync { prune: true, dry_run: false };
    let preview = engine.preview(&shop(), &sync).expect("it is there");
    assert_eq!(preview.effect, "Applies 1 object, sets 1 field, deletes 1 object.");
    assert_eq!(preview.steps, ["Deployment/shop/web: spec.replicas 5 → 2", "Secret/shop/old: delete"]);

    engine.act(&shop(), &sync).await.expect("taken");
    engine.act(&shop(), &Action::Suspend { suspend: true }).await.expect("taken");
    let done = patches(&api);
    assert_eq!(done[0].0, "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/shop");
    assert_eq!(done[0].1["operation"]["sync"], json!({"prune": true, "dryRun": false}));
    assert_eq!(done[1].1, json!({"spec": {"syncPolicy": {"automated": {"enabled": false}}}}));

    engine.act(&infra(), &Action::Sync { prune: false, dry_run: false }).await.expect("taken");
    let paths: Vec<String> = patches(&api).into_iter().map(|(path, _)| path).collect();
    assert!(
        paths[0].ends_with("gitrepositories/config") && paths[1].ends_with("kustomizations/infra"),
        "{paths:?}"
    );
    let refused = engine.act(&infra(), &Action::Sync { prune: false, dry_run: true }).await;
    assert!(matches!(refused, Err(ActError::Refused(_))));
}

#[tokio::test]
async fn a_push_refreshes_who_reads_that_branch() {
    let (api, engine) = engine().await;
    let push = |reference: &str| Push {
        repositories: vec!["git@g:acme/config.git".to_owned()],
        reference: reference.to_owned(),
        commit: String::new(),
    };
    // The first is passed over, and those that come meanwhile are one.
    for branch in ["other", "main", "main"] {
        engine.repository_changed(&push(&format!("refs/heads/{branch}"))).expect("there is room");
    }
    let done = settled_patches(&api).await;
    assert_eq!(done.len(), 2, "{done:?}");
    assert_eq!(done[0].1["metadata"]["annotations"]["argocd.argoproj.io/refresh"], "normal");
    assert!(done[1].1["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"].is_string());
    engine.repository_changed(&push("refs/heads/other")).expect("there is room");
    assert_eq!(settled_patches(&api).await, []);
}

/// What was patched when that has been quiet for longer than rounds of pushes are apart.
async fn settled_patches(api: &Api) -> Vec<(String, Value)> {
    let mut done = Vec::new();
    loop {
        tokio::time::sleep(Duration::from_millis(400)).await;
        match patches(api) {
            more if more.is_empty() => return done,
            more => done.extend(more),
        }
    }
}

/// Controllers of the same process.
#[derive(Default)]
struct Beside {
    looks: Arc<Mutex<Vec<Reader>>>,
}

impl DesiredState for Beside {
    fn desired(&self, _: &AppRef, _: &ObjectKey) -> Option<Object> {
        None
    }

    fn look_again(&self, readers: &[Reader]) -> bool {
        self.looks.lock().expect("no test panics while it holds this").extend_from_slice(readers);
        true
    }
}

#[tokio::test]
async fn controllers_of_the_same_process_are_told_without_a_write() {
    let desired = Beside::default();
    let looks = desired.looks.clone();
    let (api, engine) = engine_with(Arc::new(desired)).await;
    let push = Push {
        repositories: vec!["https://g/acme/config".to_owned()],
        reference: String::new(),
        commit: String::new(),
    };
    engine.repository_changed(&push).expect("there is room");
    assert_eq!(settled_patches(&api).await, []);
    let looks = looks.lock().expect("no test panics while it holds this");
    let told: Vec<_> =
        looks.iter().map(|reader| (reader.object.kind.as_str(), reader.repository.as_str())).collect();
    // As each spells it, which is how its mirror is found.
    assert_eq!(
        told,
        [
            ("Application", "https://user:canary@g/acme/config.git"),
            ("GitRepository", "https://g/acme/config")
        ]
    );
}

/// The answer's text; of a stream, what it says within a moment.
async fn text_of(router: &Router, path: &str) -> String {
    let request =
        Request::get(path).header("host", "127.0.0.1").body(Body::empty()).expect("a valid request");
    let mut body = router.clone().oneshot(request).await.expect("a router never fails").into_body();
    let mut text = String::new();
    while let Ok(Some(Ok(frame))) = tokio::time::timeout(Duration::from_secs(1), body.frame()).await {
        text.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap_or_default()));
    }
    text
}

#[tokio::test]
async fn no_route_tells_a_secrets_value() {
    let (_, engine) = engine().await;
    let engine = Arc::new(engine);
    let settings =
        Settings { token: Secret::new("token".to_owned()), hosts: Vec::new(), version: "0".to_owned() };
    let router = router(engine.clone(), settings);
    let base = "/api/belay/v1";
    let mut paths =
        vec!["/readyz".to_owned(), "/metrics".to_owned(), format!("{base}/about"), format!("{base}/apps")];
    for row in engine.apps() {
        let at = format!("{base}/apps/{}", row.app);
        paths.extend(
            ["sync", "sync&prune=true", "refresh", "suspend"]
                .map(|action| format!("{at}/preview?action={action}")),
        );
        for TreeNode { object, .. } in engine.app(&row.app).expect("it is there").tree.nodes {
            let ObjectKey { group, kind, namespace, name } = object;
            paths.push(format!("{at}/resource?group={group}&kind={kind}&namespace={namespace}&name={name}"));
        }
        paths.push(at);
    }
    assert!(paths.iter().any(|path| path.ends_with("kind=Secret&namespace=shop&name=keys")), "{paths:?}");
    for path in paths {
        let text = text_of(&router, &path).await;
        assert!(text.len() > 2, "{path} says nothing");
        assert!(!text.contains("canary") && !text.contains(CANARY), "{path}: {text}");
    }
    let stream = format!("{base}/stream");
    let listening = text_of(&router, &stream);
    let act = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        engine.act(&shop(), &Action::Refresh).await.expect("taken");
    };
    let (text, ()) = tokio::join!(listening, act);
    assert!(text.contains("event: hello") && !text.contains("canary"), "{text}");
}
