//! A Secret's values are nowhere but in the Secret: not in logs, statuses, Events, the commands'
//! output, the API's answers or its stream, whatever happens to it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use belay_testkit::{Author, Change, Repository};
use futures::StreamExt;
use serde_json::{Value, json};

use crate::world::{Going, World, application, commit, until};

/// Whatever holds this word has leaked. Each value has its own tail, so that a report tells which.
const WORD: &str = "canary-5b7e41";
const APPS: [&str; 2] = ["apps/app/argocd/web", "apps/ks/shop-flux/web"];

fn value(tail: &str) -> String {
    format!("{WORD}-{tail}-{WORD}")
}

fn encoded(tail: &str) -> String {
    STANDARD.encode(value(tail))
}

fn secret(data: &str) -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: login}}\n{data}\n")
}

/// The word itself, and what of it shows in base64 whatever stands before it.
fn leak(text: &str) -> Option<String> {
    let mut traces = vec![WORD.to_owned()];
    for before in ["", "a", "ab"] {
        let encoded = STANDARD.encode(format!("{before}{WORD}"));
        traces.push(encoded[4..encoded.len() - 4].to_owned());
    }
    let place = traces.iter().find_map(|trace| text.find(trace.as_str()))?;
    let start = text[..place].char_indices().rev().nth(300).map_or(0, |(start, _)| start);
    Some(text[start..].chars().take(500).collect())
}

/// What the running Belay shows, and where.
struct Watched {
    base: String,
    log: PathBuf,
    stream: Arc<Mutex<String>>,
    _going: Going,
}

impl Watched {
    async fn start(world: &World) -> Watched {
        let log = world.folder.path().join("run.log");
        let (going, base, _) = world.run_logged(&log, "debug,hyper=info,h2=info,rustls=info").await;
        let stream = Arc::new(Mutex::new(String::new()));
        let (into, url) = (stream.clone(), format!("{base}/api/belay/v1/stream"));
        tokio::spawn(async move {
            let answer = reqwest::get(url).await.expect("the stream answers");
            let mut parts = answer.bytes_stream();
            while let Some(Ok(part)) = parts.next().await {
                into.lock().expect("no panic holds it").push_str(&String::from_utf8_lossy(&part));
            }
        });
        Watched { base, log, stream, _going: going }
    }

    async fn get(&self, path: &str) -> String {
        let answer = reqwest::get(format!("{}/{path}", self.base)).await.expect("an answer");
        answer.text().await.expect("a text")
    }

    /// Searches everything there is to see.
    async fn has_no_leak(&self, world: &World, moment: &str) {
        let check = |place: &str, text: &str| {
            if let Some(found) = leak(text) {
                panic!("{moment}: {place} shows a Secret's value:\n{found}");
            }
        };
        check("the log", &std::fs::read_to_string(&self.log).expect("the log"));
        check("the stream", &self.stream.lock().expect("no panic holds it"));
        for path in ["", "metrics", "api/belay/v1/apps", "api/belay/v1/about"] {
            check(path, &self.get(path).await);
        }
        for app in APPS {
            let app = format!("api/belay/v1/{app}");
            check(&app, &self.get(&app).await);
            check("a preview", &self.get(&format!("{app}/preview?action=sync&prune=true")).await);
            for namespace in ["shop", "shop-flux"] {
                let path = format!("{app}/resource?kind=Secret&namespace={namespace}&name=login");
                check(&path, &self.get(&path).await);
            }
        }
        for words in [
            &["get", "-A", "-o", "json"][..],
            &["get", "-A", "-o", "yaml"],
            &["get", "-A", "-o", "wide"],
            &["get", "app/web", "-n", "argocd", "--drift"],
            &["get", "ks/web", "-n", "shop-flux", "--drift"],
        ] {
            let ended = world.belay(words).await;
            check(&words.join(" "), &format!("{}{}", ended.out, ended.err));
        }
        for (api_version, kind) in [
            ("v1", "Event"),
            ("v1", "ConfigMap"),
            ("events.k8s.io/v1", "Event"),
            ("argoproj.io/v1alpha1", "Application"),
            ("source.toolkit.fluxcd.io/v1", "GitRepository"),
            ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
        ] {
            check(kind, &world.list(api_version, kind).await);
        }
    }
}

async fn application_is(world: &World, what: &str, holds: impl Fn(&Value) -> bool) {
    until(what, async || {
        let app = world.get("argoproj.io/v1alpha1", "Application", "argocd", "web").await?;
        holds(&app["status"]).then_some(())
    })
    .await;
}

async fn kustomization_is(world: &World, what: &str, holds: impl Fn(&Value) -> bool) {
    until(what, async || {
        let app = world.get("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "shop-flux", "web").await?;
        app["status"]["conditions"].as_array()?.iter().any(&holds).then_some(())
    })
    .await;
}

async fn both_fail(world: &World, repository: &Repository, what: &str, data: &str) {
    let id = commit(repository, "apps/secret.yaml", &secret(data));
    announce(world, what).await;
    application_is(world, what, |status| {
        let at_it = |pointer: &str| status.pointer(pointer).is_some_and(|revision| *revision == id);
        let failed =
            status["operationState"]["phase"] == "Failed" && at_it("/operationState/syncResult/revision");
        failed || status["sync"]["status"] == "Unknown"
    })
    .await;
    kustomization_is(world, what, |condition| condition["type"] == "Ready" && condition["status"] == "False")
        .await;
}

/// As a webhook would.
async fn announce(world: &World, token: &str) {
    world
        .edit(json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": "web", "namespace": "argocd", "annotations": {"argocd.argoproj.io/refresh": "normal"}}}))
        .await;
    world
        .edit(json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": "web", "namespace": "shop-flux", "annotations": {"reconcile.fluxcd.io/requestedAt": token}}}))
        .await;
}

async fn holds(world: &World, namespace: &str, tail: &str) {
    until(tail, async || {
        let secret = world.get("v1", "Secret", namespace, "login").await?;
        (secret["data"]["token"] == encoded(tail)).then_some(())
    })
    .await;
}

async fn follow(world: &World, url: &str) {
    world.apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop-flux"}})).await;
    let mut app = application("web", "argocd", url, "apps");
    app["spec"]["syncPolicy"]["automated"] = json!({"prune": true});
    app["spec"]["syncPolicy"]["retry"] = json!({"limit": 0});
    app["spec"]["syncPolicy"]["syncOptions"] = json!(["PrunePropagationPolicy=background"]);
    world.apply(app).await;
    world
        .apply(json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": "web", "namespace": "shop-flux"},
            "spec": {"interval": "10m", "url": url, "ref": {"branch": "main"}}}))
        .await;
    world
        .apply(json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "web", "namespace": "shop-flux"},
            "spec": {"interval": "10m", "path": "apps", "prune": true, "targetNamespace": "shop-flux",
                "sourceRef": {"kind": "GitRepository", "name": "web"}}}))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secrets_values_are_nowhere_else() {
    let world = World::new().await;
    let (_git, repository, url) = world.git().await;
    commit(
        &repository,
        "apps/settings.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n",
    );
    commit(&repository, "apps/secret.yaml", &secret(&format!("data: {{token: {}}}", encoded("git"))));
    let watched = Watched::start(&world).await;
    follow(&world, &url).await;
    for namespace in ["shop", "shop-flux"] {
        holds(&world, namespace, "git").await;
    }
    application_is(&world, "synced", |status| status["sync"]["status"] == "Synced").await;
    // What is searched for can be found.
    let live = world.get("v1", "Secret", "shop", "login").await.expect("it is there");
    assert!(leak(&live.to_string()).is_some() && leak(&value("x")).is_some());
    watched.has_no_leak(&world, "when applied").await;

    for namespace in ["shop", "shop-flux"] {
        world
            .edit(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login", "namespace": namespace},
                "data": {"token": encoded("by-hand"), "more": encoded("added")}}))
            .await;
    }
    application_is(&world, "drifted", |status| status["sync"]["status"] == "OutOfSync").await;
    holds(&world, "shop", "by-hand").await;
    watched.has_no_leak(&world, "when drifted").await;

    for (what, data) in [
        ("no base64", format!("data: {{token: '{} is no base64'}}", value("plain"))),
        ("no text", format!("data: {{token: {{nested: {}}}}}", value("nested"))),
        ("no YAML", format!("data: {{token: {}", value("unclosed"))),
        ("a key twice", format!("stringData: {{token: {0}, token: {0}}}", value("twice"))),
        ("a tab", format!("data:\n\ttoken: {}", value("tab"))),
    ] {
        both_fail(&world, &repository, what, &data).await;
        watched.has_no_leak(&world, what).await;
    }

    commit(&repository, "apps/secret.yaml", &secret(&format!("stringData: {{token: {}}}", value("string"))));
    announce(&world, "string").await;
    for namespace in ["shop", "shop-flux"] {
        holds(&world, namespace, "string").await;
    }
    watched.has_no_leak(&world, "when written as stringData").await;

    let author = Author::new("Ada", "ada@example.com");
    repository.commit(&[Change::delete("apps/secret.yaml")], "Without it", &author).expect("a commit");
    announce(&world, "pruned").await;
    for namespace in ["shop", "shop-flux"] {
        let gone = async || world.get("v1", "Secret", namespace, "login").await.is_none().then_some(());
        until("pruned", gone).await;
    }
    watched.has_no_leak(&world, "when pruned").await;
}
