//! `belay explain`, `history` and `drift`: what happened to an app and why, told after the fact.

use serde_json::{Value, json};

use crate::world::{World, application, commit, until};

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: COLOUR}\n";

#[tokio::test(flavor = "multi_thread")]
async fn commit_drift_and_decision_are_noted_and_outlive_the_process() {
    let world = World::new().await;
    let (_git, repository, url) = world.git().await;
    commit(&repository, "apps/settings.yaml", &MAP.replace("COLOUR", "blue"));
    let (going, ..) = world.run(&["--controllers=argo"]).await;
    let mut app = application("web", "argocd", &url, "apps");
    app["spec"]["syncPolicy"]["automated"] = json!({"selfHeal": true});
    world.apply(app).await;
    let colour = async |wanted: &str| {
        let map = world.get("v1", "ConfigMap", "shop", "settings").await?;
        (map["data"]["colour"] == wanted).then_some(())
    };
    until("the first commit is live", async || colour("blue").await).await;
    commit(&repository, "apps/settings.yaml", &MAP.replace("COLOUR", "green"));
    world.edit(refreshed("web")).await;
    until("the second commit is live", async || colour("green").await).await;
    let noted = async || -> Option<Vec<Value>> {
        let printed = world.belay(&["history", "web", "--data-dir", "data", "-o", "json"]).await;
        serde_json::from_str(&printed.out).ok()
    };
    let ends =
        |entries: &[Value]| entries.iter().filter(|entry| entry["decision"]["action"] == "finish").count();
    until("both syncs have ended", async || noted().await.filter(|noted| ends(noted) >= 2)).await;
    world
        .edit(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"},
            "data": {"colour": "red"}}))
        .await;
    let entries = until("the repair is noted", async || noted().await.filter(|noted| ends(noted) >= 3)).await;
    drop(going);

    let of = |kind: &str| -> Vec<&Value> {
        entries.iter().filter(|entry| entry["trigger"]["kind"] == kind).collect()
    };
    let second = of("commit")[1];
    assert_eq!(second["trigger"]["files"], json!(["apps/settings.yaml"]), "{second}");
    assert_eq!(second["decision"], json!({"action": "sync", "by": "automated policy"}));
    let repaired = of("drift")[0];
    let field = &repaired["trigger"]["fields"][0];
    assert_eq!((&field["desired"], &field["live"]), (&json!("green"), &json!("red")), "{repaired}");
    assert_eq!(field["manager"], "an-editor");
    assert_eq!(repaired["decision"]["by"], "self-heal");

    let explained = world.belay(&["explain", "app/web", "--data-dir", "data"]).await.out;
    assert!(
        explained.starts_with("20") && explained.contains("apps/settings.yaml → synced: automated policy"),
        "{explained}"
    );
    assert!(!explained.contains("blue"), "the chapter begins with the last commit: {explained}");
    let drift = world.belay(&["drift", "--data-dir", "data"]).await.out;
    assert_eq!(drift.lines().count(), 1, "{drift}");
    assert!(drift.contains("ConfigMap/shop/settings data.colour: green → red, an-editor, "), "{drift}");
    assert_eq!(world.belay(&["explain", "nothing", "--data-dir", "data"]).await.code, 3);
    assert_eq!(world.belay(&["explain", "web", "--data-dir", "nowhere"]).await.code, 3);
}

/// An Application that asks for a look at its repository.
fn refreshed(name: &str) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": name, "namespace": "argocd",
        "annotations": {"argocd.argoproj.io/refresh": "normal"}}})
}
