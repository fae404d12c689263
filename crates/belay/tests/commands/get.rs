//! `belay get` without a running controller: what is there is what the test wrote.

use serde_json::{Value, json};

use crate::world::{World, application, kustomization};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

async fn world() -> World {
    let world = World::new().await;
    for (name, namespace) in [("web", "argocd"), ("twice", "argocd"), ("twice", "team")] {
        if namespace == "team" {
            world.apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}})).await;
        }
        world.apply(application(name, namespace, "https://u:canary@example.org/config", "apps")).await;
    }
    world.apply(kustomization("infra", "flux-system", "config", "./infra")).await;
    world.set_status(web("Synced")).await;
    world
}

fn web(sync: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "web", "namespace": "argocd"},
        "status": {"sync": {"status": sync, "revision": COMMIT}, "health": {"status": "Healthy"}}})
}

#[tokio::test(flavor = "multi_thread")]
async fn both_families_are_listed_in_every_form() {
    let world = world().await;
    let table = world.belay(&["get"]).await;
    let words: Vec<Vec<&str>> = table.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        words,
        [
            vec!["APP", "NAMESPACE", "SYNC", "HEALTH", "REVISION"],
            vec!["app/twice", "argocd", "Unknown", "Unknown"],
            vec!["app/web", "argocd", "Synced", "Healthy", "0123456789ab"],
            vec!["app/twice", "team", "Unknown", "Unknown"],
            vec!["ks/infra", "flux-system", "Unknown", "Progressing"],
        ],
        "{}{}",
        table.out,
        table.err
    );
    assert_eq!((table.code, table.err.as_str()), (0, ""));

    let wide = world.belay(&["get", "-o", "wide", "-A"]).await;
    assert!(wide.out.contains(COMMIT) && wide.out.contains("@example.org/config apps"), "{}", wide.out);
    assert!(!wide.out.contains("canary"), "{}", wide.out);

    let names = world.belay(&["get", "-o", "name", "-n", "argocd"]).await;
    assert_eq!(names.out, "app/twice\napp/web\n");

    let list: Value = serde_json::from_str(&world.belay(&["get", "-o", "json"]).await.out).expect("JSON");
    assert_eq!((list["kind"].as_str(), list["items"].as_array().map(Vec::len)), (Some("List"), Some(4)));

    let one: Value =
        serde_json::from_str(&world.belay(&["get", "ks/infra", "-o", "json"]).await.out).expect("JSON");
    assert_eq!(one["apiVersion"], "kustomize.toolkit.fluxcd.io/v1");
    let yaml = world.belay(&["get", "web", "-o", "yaml"]).await;
    assert!(yaml.out.starts_with("apiVersion: argoproj.io/v1alpha1\nkind: Application\n"), "{}", yaml.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_have_hints_and_exit_codes() {
    let world = world().await;
    for (words, code, said) in [
        (&["get", "none"][..], 3, "error: no app is called \"none\"\nhint: `belay get` lists them all\n"),
        (&["get", "ks/web"], 3, "error: no app is called \"web\"\nhint: `belay get` lists them all\n"),
        (
            &["get", "twice"],
            1,
            "error: \"twice\" is not unique: app/twice -n argocd, app/twice -n team\n\
             hint: `belay get app/twice -n argocd` shows the first of them\n",
        ),
        (
            &["get", "deployment/web"],
            2,
            "error: \"deployment\" is no kind of app\n\
             hint: app/NAME is an Application, ks/NAME a Kustomization, hr/NAME a HelmRelease\n",
        ),
    ] {
        let ended = world.belay(words).await;
        assert_eq!((ended.code, ended.err.as_str(), ended.out.as_str()), (code, said, ""), "{words:?}");
    }
    assert_eq!(world.belay(&["get", "twice", "-n", "team"]).await.code, 0);
    assert_eq!(world.belay(&["get", "-o", "pictures"]).await.code, 2);
    assert_eq!(world.belay(&["get", "--kubeconfig", "none"]).await.code, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_without_definitions_says_how_to_get_them() {
    let ended = World::empty().await.belay(&["get"]).await;
    assert_eq!(ended.code, 1);
    assert_eq!(
        ended.err,
        "error: the cluster knows no kind of app\n\
         hint: `belay crds | kubectl apply --server-side -f -` defines them\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_prints_what_changes() {
    let world = world().await;
    let mut watch = world.start(&["get", "-w", "-n", "argocd"]);
    for start in ["APP ", "app/twice ", "app/web "] {
        let line = watch.line().await;
        assert!(line.starts_with(start), "{line}");
    }
    // Nothing that is shown changes, so nothing is printed before the next change.
    let unseen = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "twice", "namespace": "argocd", "annotations": {"a": "b"}}});
    world.edit(unseen).await;
    world.set_status(web("OutOfSync")).await;
    let line = watch.line().await;
    assert_eq!(
        line.split_whitespace().collect::<Vec<_>>(),
        ["app/web", "argocd", "OutOfSync", "Healthy", "0123456789ab"]
    );
}
