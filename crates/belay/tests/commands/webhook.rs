//! A push is told by webhook: the commit is in the cluster long before the next poll.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};

use crate::world::{World, application, commit, git_repository, kustomization, until};

fn settings(greeting: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n  namespace: shop\ndata:\n  greeting: {greeting}\n"
    )
}

fn signature(body: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"github-canary").expect("any key");
    mac.update(body.as_bytes());
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

async fn post(base: &str, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> (u16, String) {
    let mut request = reqwest::Client::new().post(format!("{base}/api/webhook")).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("a text"))
}

async fn is_greeted(world: &World, name: &str, greeting: &str) {
    until(greeting, async || {
        let map = world.get("v1", "ConfigMap", "shop", name).await?;
        (map["data"]["greeting"] == greeting).then_some(())
    })
    .await;
}

fn body(url: &str) -> Value {
    json!({"ref": "refs/heads/main", "repository": {"clone_url": url}, "project": {"git_http_url": url}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_push_is_fetched_at_once_and_an_unsigned_one_not() {
    let world = World::new().await;
    let (_git, repository, url) = world.git().await;
    commit(&repository, "apps/settings.yaml", &settings("first"));
    world
        .apply(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "argocd-secret", "namespace": "argocd"},
            "stringData": {"webhook.github.secret": "github-canary", "webhook.gitlab.secret": "gitlab-canary"}}))
        .await;
    let (_going, base, _) = world.run(&["--controllers=argo"]).await;
    world.apply(application("web", "argocd", &url, "apps")).await;
    is_greeted(&world, "settings", "first").await;

    commit(&repository, "apps/settings.yaml", &settings("second"));
    let push = body(&url).to_string();
    let github = ("x-github-event", "push");
    for headers in [
        &[github][..],
        &[github, ("x-hub-signature-256", "sha256=00")],
        &[("x-gitlab-event", "Push Hook"), ("x-gitlab-token", "wrong")],
        &[],
    ] {
        let (status, answer) = post(&base, headers, push.clone()).await;
        assert_eq!(status, 401, "{headers:?}");
        assert!(!answer.contains("canary"), "{answer}");
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    let map = world.get("v1", "ConfigMap", "shop", "settings").await.expect("it is there");
    assert_eq!(map["data"]["greeting"], "first", "an unsigned push was believed");

    let sent = tokio::time::Instant::now();
    let signed = signature(&push);
    let (status, _) = post(&base, &[github, ("x-hub-signature-256", &signed)], push).await;
    assert_eq!(status, 200);
    is_greeted(&world, "settings", "second").await;
    // Without the push, the next look would come after three minutes.
    assert!(sent.elapsed() < Duration::from_secs(30), "{:?}", sent.elapsed());

    commit(&repository, "apps/settings.yaml", &settings("third"));
    let headers = [("x-gitlab-event", "Push Hook"), ("x-gitlab-token", "gitlab-canary")];
    assert_eq!(post(&base, &headers, body(&url).to_string()).await.0, 200);
    is_greeted(&world, "settings", "third").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generic_push_reaches_flux_and_a_stranger_is_not_asked() {
    let world = World::new().await;
    let (_git, repository, url) = world.git().await;
    commit(&repository, "apps/settings.yaml", &settings("first"));
    let (_going, base, _) = world.run(&[]).await;
    world.apply(git_repository("config", "flux-system", &url, "10m")).await;
    world.apply(kustomization("apps", "flux-system", "config", "./apps")).await;
    is_greeted(&world, "settings", "first").await;
    commit(&repository, "apps/settings.yaml", &settings("second"));
    let push = json!({"repository": url, "ref": "refs/heads/main"}).to_string();
    assert_eq!(post(&base, &[], push).await.0, 200);
    is_greeted(&world, "settings", "second").await;

    let (stranger, asked) = stranger();
    let push = json!({"repository": stranger, "ref": "refs/heads/main"}).to_string();
    let (status, answer) = post(&base, &[], push).await;
    assert_eq!(
        (status, answer.contains("taken")),
        (200, true),
        "the answer tells which repositories are known"
    );
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(asked.load(Ordering::SeqCst), 0, "a repository that no app uses was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_long_is_refused() {
    let world = World::new().await;
    let (_going, base, _) = world.run(&[]).await;
    assert_eq!(post(&base, &[], vec![b' '; 3 * 1024 * 1024 + 1]).await.0, 413);
    assert_eq!(post(&base, &[], "canary").await.0, 400);
    assert_eq!(post(&base, &[("origin", "https://example.org")], "{}").await.0, 403);
}

/// A server that counts who connects.
fn stranger() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/config.git", listener.local_addr().expect("it is bound"));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    std::thread::spawn(move || {
        for _ in listener.incoming() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    (url, asked)
}
