//! A Secret's values are nowhere but in the Secret: not in logs, statuses, Events, the commands'
//! output, what is noted of the past, the API's answers or its stream, whatever happens to it. A release's
//! values that come from a Secret are such values too.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use belay_testkit::{Author, Change, Repository};
use futures::StreamExt;
use serde_json::{Value, json};

use crate::world::{Going, World, application, commit, git_repository, kustomization, until};

/// Whatever holds this word has leaked. Each value has its own tail, so that a report tells which.
const WORD: &str = "canary-5b7e41";
const APPS: [&str; 3] = ["apps/app/argocd/web", "apps/ks/shop-flux/web", "apps/hr/shop-flux/web"];
const CHART: &str = "apiVersion: v2\nname: web\nversion: 1.0.0\n";
/// A Secret made of the values, and what a template may do wrong with them.
const TEMPLATE: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: released}\nstringData: {token: {{ .Values.token | quote }}}\n";

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
                for name in ["login", "released", "values", "sh.helm.release.v1.web.v1"] {
                    let path = format!("{app}/resource?kind=Secret&namespace={namespace}&name={name}");
                    check(&path, &self.get(&path).await);
                }
            }
        }
        for words in [
            &["get", "-A", "-o", "json"][..],
            &["get", "-A", "-o", "yaml"],
            &["get", "-A", "-o", "wide"],
            &["get", "app/web", "-n", "argocd", "--drift"],
            &["get", "ks/web", "-n", "shop-flux", "--drift"],
            &["get", "hr/web", "-n", "shop-flux", "--drift"],
            &["diff", "app/web"],
            &["diff", "ks/web", "-o", "json"],
            &["diff", "hr/web"],
            &["diff", "hr/web", "-o", "json"],
            &["drift", "--data-dir", "data"],
            &["drift", "--data-dir", "data", "-o", "json"],
        ] {
            let ended = world.belay(words).await;
            check(&words.join(" "), &format!("{}{}", ended.out, ended.err));
        }
        for app in ["app/web", "ks/web", "hr/web"] {
            for command in ["explain", "history", "drift"] {
                let ended = world.belay(&[command, app, "--data-dir", "data", "-o", "json"]).await;
                check(&format!("{command} {app}"), &format!("{}{}", ended.out, ended.err));
            }
        }
        check("the ledger", &noted(world));
        for (api_version, kind) in [
            ("v1", "Event"),
            ("v1", "ConfigMap"),
            ("events.k8s.io/v1", "Event"),
            ("argoproj.io/v1alpha1", "Application"),
            ("source.toolkit.fluxcd.io/v1", "GitRepository"),
            ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
            ("source.toolkit.fluxcd.io/v1", "HelmChart"),
            ("helm.toolkit.fluxcd.io/v2", "HelmRelease"),
        ] {
            check(kind, &world.list(api_version, kind).await);
        }
    }
}

/// What the data folder holds beside the files that Git has, and what was rendered of them.
fn noted(world: &World) -> String {
    let files = std::fs::read_dir(world.folder.path().join("data")).expect("the data folder");
    let files = files.map(|file| file.expect("a file").path()).filter(|path| path.is_file());
    files.map(|path| String::from_utf8_lossy(&std::fs::read(path).expect("a file")).into_owned()).collect()
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
    world.apply(git_repository("web", "shop-flux", url, "10m")).await;
    let mut build = kustomization("web", "shop-flux", "web", "apps");
    build["spec"]["targetNamespace"] = json!("shop-flux");
    world.apply(build).await;
}

async fn give_values(world: &World, text: &str) {
    world
        .apply(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "values", "namespace": "shop-flux"},
            "stringData": {"values.yaml": text}}))
        .await;
}

/// A HelmRelease whose values come from a Secret, over the chart in the repository.
async fn follow_release(world: &World, url: &str) {
    world.apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop-flux"}})).await;
    give_values(world, &format!("token: {}", value("first"))).await;
    let source = json!({"kind": "GitRepository", "name": "charts"});
    world.apply(git_repository("charts", "shop-flux", url, "1s")).await;
    world
        .apply(json!({"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
            "metadata": {"name": "web", "namespace": "shop-flux"},
            "spec": {"interval": "1s", "valuesFrom": [{"kind": "Secret", "name": "values"}],
                "upgrade": {"strategy": {"name": "RetryOnFailure", "retryInterval": "1s"}},
                "chart": {"spec": {"chart": "./chart", "interval": "1s", "sourceRef": source}}}}))
        .await;
}

async fn release_is(world: &World, what: &str, status: &str, says: &str) {
    until(what, async || {
        let release = world.get("helm.toolkit.fluxcd.io/v2", "HelmRelease", "shop-flux", "web").await?;
        let is_so = |condition: &Value| {
            condition["type"] == "Ready"
                && condition["status"] == status
                && condition["message"].as_str().is_some_and(|message| message.contains(says))
        };
        release["status"]["conditions"].as_array()?.iter().any(is_so).then_some(())
    })
    .await;
}

async fn released(world: &World, tail: &str) {
    until(tail, async || {
        let secret = world.get("v1", "Secret", "shop-flux", "released").await?;
        (secret["data"]["token"] == encoded(tail)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_releases_secret_values_are_nowhere_else() {
    let world = World::new().await;
    let (_git, repository, url) = world.git().await;
    commit(&repository, "chart/Chart.yaml", CHART);
    commit(&repository, "chart/templates/secret.yaml", TEMPLATE);
    let watched = Watched::start(&world).await;
    follow_release(&world, &url).await;
    released(&world, "first").await;
    release_is(&world, "installed", "True", "install succeeded").await;
    watched.has_no_leak(&world, "when installed").await;
    assert!(!noted(&world).is_empty(), "something is noted");

    give_values(&world, &format!("token: {}", value("second"))).await;
    released(&world, "second").await;
    release_is(&world, "upgraded", "True", "upgrade succeeded").await;
    watched.has_no_leak(&world, "when upgraded").await;

    world
        .edit(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "released", "namespace": "shop-flux"},
            "data": {"token": encoded("by-hand"), "more": encoded("added")}}))
        .await;
    watched.has_no_leak(&world, "when changed by hand").await;

    for (what, values, says) in [
        ("no YAML", format!("token: {{{}", value("unclosed")), "could not resolve Secret chart values"),
        ("no map", value("scalar"), "could not resolve Secret chart values"),
    ] {
        give_values(&world, &values).await;
        release_is(&world, what, "False", says).await;
        watched.has_no_leak(&world, what).await;
    }
    for (what, files) in [
        (
            "a schema's refusal",
            [(
                "chart/values.schema.json",
                r#"{"properties": {"token": {"pattern": "^[0-9]+$", "maxLength": 3, "enum": ["a"], "const": "b"}}}"#,
            )],
        ),
        ("no such field", [("chart/templates/secret.yaml", "a: {{ .Values.token.nested.deeper }}\n")]),
        (
            "no number",
            [(
                "chart/templates/secret.yaml",
                "a: {{ add1 .Values.token | mul .Values.token | repeat .Values.token }}\n",
            )],
        ),
        (
            "no YAML is made",
            [(
                "chart/templates/secret.yaml",
                "apiVersion: v1\nkind: Secret\nmetadata: {name: released}\ndata: {token: {{ .Values.token }}, {{ .Values.token }}\n",
            )],
        ),
        (
            "no base64",
            [(
                "chart/templates/secret.yaml",
                "apiVersion: v1\nkind: Secret\nmetadata: {name: released}\ndata: {token: \"{{ .Values.token }} !\"}\n",
            )],
        ),
        ("no object", [("chart/templates/secret.yaml", "{{ .Values.token }}\n")]),
    ] {
        give_values(&world, &format!("token: {}", value("third"))).await;
        for (path, content) in files {
            commit(&repository, path, content);
        }
        // The version tells which chart the release speaks of.
        commit(&repository, "chart/Chart.yaml", &CHART.replace("1.0.0", &format!("1.0.{}", what.len())));
        release_is(&world, what, "False", &format!("web@1.0.{}", what.len())).await;
        watched.has_no_leak(&world, what).await;
        let author = Author::new("Ada", "ada@example.com");
        let without = [
            Change::write("chart/values.schema.json", "{}"),
            Change::write("chart/templates/secret.yaml", TEMPLATE),
        ];
        repository.commit(&without, "As before", &author).expect("a commit");
    }
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
