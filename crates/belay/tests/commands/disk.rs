//! A disk on which nothing more can be written.

use serde_json::{Value, json};

use crate::world::{World, application, commit, git_repository, kustomization, until};

/// What a write says that would let a file grow.
const FULL: &str = "File too large";

fn settings(value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings, namespace: shop}}\ndata: {{value: \"{value}\"}}\n"
    )
}

async fn ask_for_looks(world: &World, number: u32) {
    world
        .edit(json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {
            "name": "web", "namespace": "argocd", "annotations": {"argocd.argoproj.io/refresh": "hard"}}}))
        .await;
    world
        .edit(json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {
            "name": "config", "namespace": "flux-system",
            "annotations": {"reconcile.fluxcd.io/requestedAt": number.to_string()}}}))
        .await;
}

async fn value(world: &World, namespace: &str) -> Option<String> {
    let map = world.get("v1", "ConfigMap", namespace, "settings").await?;
    Some(map["data"]["value"].as_str()?.to_owned())
}

async fn are_at(world: &World, wanted: &str) {
    until("both families are at that commit", async || {
        let is_there = value(world, "shop").await? == wanted && value(world, "attic").await? == wanted;
        is_there.then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_of_loses_nothing_and_is_got_over() {
    let world = World::new().await;
    let (_git, repository, url) = world.git().await;
    commit(&repository, "apps/settings.yaml", &settings("first"));
    let (mut going, ..) = world.run_on_a_small_disk().await;
    for namespace in ["shop", "attic"] {
        world.apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})).await;
    }
    world.apply(application("web", "argocd", &url, "apps")).await;
    world.apply(git_repository("config", "flux-system", &url, "1h")).await;
    let mut build = kustomization("web", "flux-system", "config", "apps");
    build["spec"]["targetNamespace"] = json!("attic");
    world.apply(build).await;
    are_at(&world, "first").await;

    going.fill_the_disk(true);
    commit(&repository, "apps/settings.yaml", &settings("second"));
    ask_for_looks(&world, 1).await;
    let app = until("the Application tells of it", async || {
        let app = world.get("argoproj.io/v1alpha1", "Application", "argocd", "web").await?;
        app["status"]["conditions"].to_string().contains(FULL).then_some(app)
    })
    .await;
    assert_eq!(app["status"]["conditions"][0]["type"], "ComparisonError", "{app}");
    let ready = until("the GitRepository tells of it", async || {
        let source =
            world.get("source.toolkit.fluxcd.io/v1", "GitRepository", "flux-system", "config").await?;
        let conditions = source["status"]["conditions"].as_array()?;
        let ready: Value = conditions.iter().find(|condition| condition["type"] == "Ready")?.clone();
        ready["message"].as_str()?.contains(FULL).then_some(ready)
    })
    .await;
    assert_eq!(ready["status"], "False", "{ready}");
    assert_eq!(value(&world, "shop").await.as_deref(), Some("first"));
    assert_eq!(value(&world, "attic").await.as_deref(), Some("first"));
    assert!(!going.has_ended());

    going.fill_the_disk(false);
    ask_for_looks(&world, 2).await;
    are_at(&world, "second").await;
}
