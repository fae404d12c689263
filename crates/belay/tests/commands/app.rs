//! `belay app`: what is asked of a running controller, and what it looks at for itself.

use serde_json::{Value, json};

use crate::world::{Going, World, application, commit, until};

const WEB: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web}]}}
";

/// A cluster with an app `web` that is synced when somebody asks, and its controller.
struct Shop {
    world: World,
    repository: belay_testkit::Repository,
    _git: belay_testkit::GitServer,
    _going: Going,
}

async fn shop() -> Shop {
    let world = World::new().await;
    let (git, repository, url) = world.git().await;
    commit(&repository, "apps/web.yaml", WEB);
    commit(&repository, "apps/settings.yaml", &settings("one"));
    let (going, _, _) = world.run(&["--controllers=argo"]).await;
    let mut app = application("web", "argocd", &url, "apps");
    app["spec"]["syncPolicy"] = json!({});
    world.apply(app).await;
    until("it is compared", async || {
        status(&world).await.filter(|status| status["sync"]["status"] == "OutOfSync")
    })
    .await;
    Shop { world, repository, _git: git, _going: going }
}

fn settings(value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings}}\ndata: {{a: {value}}}\n---\n\
         apiVersion: v1\nkind: Secret\nmetadata: {{name: hidden}}\nstringData: {{a: canary-{value}}}\n"
    )
}

async fn status(world: &World) -> Option<Value> {
    let app = world.get("argoproj.io/v1alpha1", "Application", "argocd", "web").await?;
    Some(app["status"].clone())
}

async fn data(world: &World) -> Value {
    world
        .get("v1", "ConfigMap", "shop", "settings")
        .await
        .map(|map| map["data"]["a"].clone())
        .unwrap_or_default()
}

/// Digests stand for a Secret's values by a key that each command makes anew.
fn without_digests(text: &str) -> String {
    let is_digest = |word: &str| {
        let inner = word.strip_prefix('(').and_then(|word| word.split_once(')'));
        inner.is_some_and(|(digest, _)| {
            digest.len() == 12 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    text.split(' ').filter(|word| !is_digest(word)).collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_compared_synced_and_led_back() {
    let Shop { world, repository, .. } = &shop().await;
    let differs = world.belay(&["app", "diff", "web"]).await;
    assert_eq!((differs.code, differs.err.as_str()), (1, ""));
    assert!(
        differs.out.contains("\n===== apps/Deployment shop/web ======\n(whole object): present → -"),
        "{}",
        differs.out
    );

    let tried = world.belay(&["app", "sync", "app/web", "--dry-run", "--wait", "--timeout", "50"]).await;
    assert_eq!(tried.code, 0, "{}{}", tried.out, tried.err);
    assert!(tried.out.contains("configmap/settings created (dry run)"), "{}", tried.out);
    assert_eq!(data(world).await, Value::Null);

    let part = world.belay(&["app", "sync", "web", "--resource", ":ConfigMap:settings", "--wait"]).await;
    assert!(part.out.contains("configmap/settings created"), "{}{}", part.out, part.err);
    assert!(!part.out.contains("deployment.apps/web created"), "{}", part.out);

    let whole = world.belay(&["app", "sync", "web", "--wait", "--strategy", "apply"]).await;
    assert_eq!(whole.code, 0, "{}{}", whole.out, whole.err);
    assert!(whole.out.contains("Message:            successfully synced (all tasks run)"), "{}", whole.out);
    let same = world.belay(&["app", "diff", "web", "-n", "argocd"]).await;
    assert_eq!((same.code, same.out.as_str(), same.err.as_str()), (0, "", ""));

    commit(repository, "apps/settings.yaml", &settings("two"));
    let differs = world.belay(&["app", "diff", "web"]).await;
    assert!(
        differs.out.contains("\n===== /ConfigMap shop/settings ======\ndata.a: two → one, "),
        "{}",
        differs.out
    );
    assert!(differs.out.contains("===== /Secret shop/hidden ======"), "{}", differs.out);
    let either = world.belay(&["diff", "app/web"]).await;
    assert_eq!((either.code, without_digests(&either.out)), (1, without_digests(&differs.out)));
    assert!(!differs.out.contains("canary"), "{}", differs.out);
    assert_eq!(world.belay(&["app", "diff", "web", "--exit-code=false"]).await.code, 0);

    let newer = world.belay(&["app", "sync", "web", "--revision", "main", "--wait"]).await;
    assert_eq!((newer.code, data(world).await), (0, json!("two")), "{}{}", newer.out, newer.err);
    let back = world.belay(&["app", "rollback", "web", "--wait"]).await;
    assert_eq!((back.code, data(world).await), (0, json!("one")), "{}{}", back.out, back.err);
    let none = world.belay(&["app", "rollback", "web", "99"]).await;
    assert_eq!(none.code, 3);
    assert!(
        none.err.starts_with("error: application 'web' does not have deployment id '99' in history\n"),
        "{}",
        none.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_is_ended_and_a_failed_one_is_an_error() {
    let Shop { world, repository, .. } = &shop().await;
    let hook =
        WEB.replace("{name: web}\nspec", "{name: web, annotations: {argocd.argoproj.io/hook: Sync}}\nspec");
    commit(
        repository,
        "apps/web.yaml",
        &hook.replace("spec:\n  replicas", "spec:\n  paused: true\n  replicas"),
    );
    let nothing = world.belay(&["app", "terminate-op", "web"]).await;
    assert_eq!(
        (nothing.code, nothing.err.as_str()),
        (1, "error: Unable to terminate operation. No operation is in progress\n")
    );
    assert_eq!(world.belay(&["app", "sync", "web", "--revision", "main"]).await.code, 0);
    until("the hook waits", async || {
        status(world).await.filter(|status| {
            status["operationState"]["message"].to_string().contains("waiting for completion of hook")
        })
    })
    .await;
    let busy = world.belay(&["app", "sync", "web"]).await;
    assert_eq!((busy.code, busy.err.as_str()), (1, "error: another operation is already in progress\n"));
    let ended = world.belay(&["app", "terminate", "web"]).await;
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (0, "Application 'web' operation terminating\n"),
        "{}",
        ended.err
    );
    until("it ends", async || {
        status(world).await.filter(|status| status["operationState"]["phase"] == "Failed")
    })
    .await;

    commit(repository, "apps/web.yaml", &WEB.replace("replicas: 0", "replicas: many"));
    let failed = world.belay(&["app", "sync", "web", "--revision", "main", "--wait"]).await;
    assert_eq!(failed.code, 1, "{}", failed.out);
    assert!(failed.err.starts_with("error: Operation has completed with phase: Failed"), "{}", failed.err);
    let late = world.belay(&["app", "sync", "web", "--timeout", "1"]).await;
    assert_eq!(late.code, 2, "{}", late.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_acted_on() {
    let Shop { world, .. } = &shop().await;
    world
        .apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm", "namespace": "argocd"},
            "data": {"resource.customizations.actions.ConfigMap": "discovery.lua: |\n  return {stamp = {}}\ndefinitions:\n- name: stamp\n  action.lua: |\n    obj.data.stamp = actionParams.text\n    return obj\n"}}))
        .await;
    assert_eq!(world.belay(&["app", "sync", "web", "--wait"]).await.code, 0);
    let listed = world.belay(&["app", "actions", "list", "web", "--kind", "Deployment"]).await;
    let words: Vec<Vec<&str>> = listed.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        words,
        [
            vec!["GROUP", "KIND", "NAME", "ACTION", "DISABLED"],
            vec!["apps", "Deployment", "web", "pause", "false"],
            vec!["apps", "Deployment", "web", "restart", "false"],
            vec!["apps", "Deployment", "web", "resume", "true"],
            vec!["apps", "Deployment", "web", "scale", "false"],
        ],
        "{}",
        listed.err
    );
    let deployment = async || world.get("apps/v1", "Deployment", "shop", "web").await.expect("it is there");
    let scaled = ["app", "actions", "run", "web", "scale", "--kind", "Deployment", "--param", "replicas=2"];
    let ended = world.belay(&scaled).await;
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    assert_eq!(deployment().await["spec"]["replicas"], 2);
    world.belay(&["app", "actions", "run", "web", "restart", "--kind", "Deployment"]).await;
    let restarted = &deployment().await["spec"]["template"]["metadata"]["annotations"];
    assert!(restarted["kubectl.kubernetes.io/restartedAt"].is_string(), "{restarted}");

    let stamp = ["app", "actions", "run", "web", "stamp", "--kind", "ConfigMap", "--param", "text=mine"];
    let ended = world.belay(&stamp).await;
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    let map = world.get("v1", "ConfigMap", "shop", "settings").await.expect("it is there");
    assert_eq!(map["data"], json!({"a": "one", "stamp": "mine"}));

    let toggled = ["app", "actions", "run", "web", "toggle-auto-sync", "--kind", "Application"];
    assert_eq!(world.belay(&toggled).await.code, 0);
    let app = world.get("argoproj.io/v1alpha1", "Application", "argocd", "web").await.expect("it is there");
    assert_eq!(app["spec"]["syncPolicy"]["automated"], json!({"enabled": true}));
    let refused = world.belay(&["app", "sync", "web", "--revision", "other"]).await;
    assert_eq!(refused.err, "error: Cannot sync to other: auto-sync currently set to main\n");
    let refused = world.belay(&["app", "rollback", "web", "0"]).await;
    assert_eq!(refused.err, "error: rollback cannot be initiated when auto-sync is enabled\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_has_an_exit_code() {
    let Shop { world, .. } = &shop().await;
    for (words, code, said) in [
        (&["app", "sync", "none"][..], 3, "error: no app is called \"none\"\n"),
        (&["app", "diff", "none"], 3, "error: no app is called \"none\"\n"),
        (&["app", "diff", "ks/web"], 2, "error: ks/web is no Application\n"),
        (&["app", "diff", "web", "--revision", "none"], 2, "error: application 'web' cannot be compared: "),
        (
            &["app", "sync", "web", "--resource", "web"],
            2,
            "error: resource should have GROUP:KIND:NAME, but instead got: web\n",
        ),
        (
            &["app", "sync", "web", "--resource", ":Pod:web"],
            3,
            "error: No matching app resources found for resource filter: :Pod:web\n",
        ),
        (
            &["app", "actions", "run", "web", "restart", "--kind", "Pod"],
            3,
            "error: no matching resource found\n",
        ),
        (&["app", "sync"], 2, "error: the following required arguments were not provided:"),
    ] {
        let ended = world.belay(words).await;
        assert_eq!(ended.code, code, "{words:?}: {}", ended.err);
        assert!(ended.err.starts_with(said), "{words:?}: {}", ended.err);
    }
}
