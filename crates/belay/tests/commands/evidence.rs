//! `belay explain`, `history` and `drift`: what happened to an app and why, told after the fact.

use serde_json::{Value, json};

use crate::world::{World, application, commit, git_repository, kustomization, until};

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

/// The API server's audit webhook tells that somebody patched the ConfigMap at a time.
async fn tell(base: &str, token: &str, user: &str, time: &str) -> u16 {
    let event = json!({"level": "Metadata", "stage": "ResponseComplete", "verb": "patch", "user": {"username": user},
        "requestURI": "/api/v1/namespaces/shop/configmaps/settings?fieldManager=an-editor", "userAgent": "kubectl/v1",
        "objectRef": {"resource": "configmaps", "namespace": "shop", "name": "settings", "apiVersion": "v1"},
        "responseStatus": {"code": 200}, "stageTimestamp": time});
    let list = json!({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [event]}).to_string();
    let request = reqwest::Client::new().post(format!("{base}/audit")).bearer_auth(token);
    let answer = request.body(list).send().await.expect("an answer");
    answer.status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_changed_something_is_named_where_the_audit_log_tells() {
    let world = World::new().await;
    let (_git, repository, url) = world.git().await;
    commit(&repository, "apps/settings.yaml", &MAP.replace("COLOUR", "blue"));
    std::fs::write(world.folder.path().join("token"), "a-token\n").expect("a file");
    let (going, base, _) = world.run(&["--controllers=argo", "--audit-token-file", "token"]).await;
    world.apply(application("web", "argocd", &url, "apps")).await;
    let drift = async |wanted: &str| {
        let printed = world.belay(&["drift", "web", "--data-dir", "data"]).await.out;
        printed.contains(wanted).then_some(printed)
    };
    until("it is live", async || world.get("v1", "ConfigMap", "shop", "settings").await).await;
    until("the sync has ended", async || {
        world.belay(&["history", "web", "--data-dir", "data"]).await.out.contains("Succeeded").then_some(())
    })
    .await;
    world
        .edit(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"},
            "data": {"colour": "red"}}))
        .await;
    let edited = &belay_cluster::now().to_string();
    assert_eq!(tell(&base, "another-token", "eve", edited).await, 401);
    let before = until("it is noted", async || drift("blue → red, an-editor, ").await).await;
    assert!(!before.contains("(audit)"), "nobody has told yet: {before}");
    assert_eq!(tell(&base, "a-token", "ada", edited).await, 200);
    let named = until("she is named", async || drift(", by ada (audit)").await).await;
    assert_eq!(named.lines().count(), 1, "the entry is amended, not repeated: {named}");
    let names_her = async |path: &str, field: &str| {
        let answer = reqwest::get(format!("{base}/api/belay/v1/apps/app/argocd/web{path}")).await;
        let page: Value = answer.expect("an answer").json().await.expect("JSON");
        (page[field][0]["user"] == "ada").then_some(())
    };
    until("the app's page names her", async || names_her("", "drift").await).await;
    let object = "/resource?kind=ConfigMap&namespace=shop&name=settings";
    until("the object's page names her", async || names_her(object, "differences").await).await;
    world
        .edit(json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "web",
            "namespace": "argocd", "annotations": {"argocd.argoproj.io/skip-reconcile": "true"}}}))
        .await;
    let held = "`argocd.argoproj.io/skip-reconcile` is set → left (hold): skipped";
    until("it is held", async || {
        told(&world, "web").await.last().is_some_and(|last| last == held).then_some(())
    })
    .await;
    drop(going);
    let (_other, base, _) = world.run(&["--controllers=flux"]).await;
    assert_eq!(tell(&base, "", "ada", edited).await, 404);
}

const CHART: &str = "apiVersion: v2\nname: web\nversion: VERSION\n";
const TEMPLATE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: released}\ndata: {greeting: \"{{ .Values.greeting }}\"}\n";

/// The resources of Flux's family over one repository: a Kustomization `maps`, a HelmRelease `web`.
fn flux_resources(url: &str) -> [Value; 3] {
    let source = json!({"kind": "GitRepository", "name": "config"});
    let mut maps = kustomization("maps", "shop", "config", "./apps");
    maps["spec"]["targetNamespace"] = json!("shop");
    [
        git_repository("config", "shop", url, "1s"),
        maps,
        json!({"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"interval": "10m", "values": {"greeting": "hello"},
                "chart": {"spec": {"chart": "./charts/web", "interval": "1s", "sourceRef": source}}}}),
    ]
}

/// What is noted of an app, as `trigger → decision`.
async fn told(world: &World, app: &str) -> Vec<String> {
    let printed = world.belay(&["history", app, "--data-dir", "data"]).await.out;
    printed.lines().filter_map(|line| Some(line.splitn(4, "  ").nth(3)?.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn kustomizations_and_helm_releases_name_the_files_and_the_end() {
    let world = World::new().await;
    let (_git, repository, url) = world.git().await;
    commit(&repository, "apps/settings.yaml", &MAP.replace("COLOUR", "blue"));
    commit(&repository, "charts/web/templates/map.yaml", TEMPLATE);
    commit(&repository, "charts/web/Chart.yaml", &CHART.replace("VERSION", "1.0.0"));
    let (going, ..) = world.run(&["--controllers=flux"]).await;
    for resource in flux_resources(&url) {
        world.apply(resource).await;
    }
    let last = async |app: &str, wanted: &str| {
        let told = told(&world, app).await;
        told.last().filter(|last| last.contains(wanted)).map(|_| told.clone())
    };
    until("the release is there", async || last("hr/web", "Succeeded").await).await;
    until("the map is there", async || last("ks/maps", "synced").await).await;

    commit(&repository, "apps/settings.yaml", &MAP.replace("COLOUR", "green"));
    let map = until("its file is named", async || last("ks/maps", "apps/settings.yaml").await).await;
    assert_eq!(
        map.last().map(String::as_str),
        Some("commit \"Change it\" by Ada <ada@example.com>: apps/settings.yaml → synced: the Kustomization")
    );
    commit(&repository, "charts/web/Chart.yaml", &CHART.replace("VERSION", "1.1.0"));
    let release = until("the upgrade has ended", async || last("hr/web", "web@1.1.0").await).await;
    world
        .edit(json!({"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
            "metadata": {"name": "web", "namespace": "shop"}, "spec": {"values": {"greeting": "bonjour"}}}))
        .await;
    let after = until("the other has, too", async || last("hr/web", "web.v3").await).await;
    assert_eq!(
        after,
        [
            "commit \"Change it\" by Ada <ada@example.com> → synced: install",
            "operation → Succeeded: Helm install succeeded for release shop/web.v1 with chart web@1.0.0",
            "commit \"Change it\" by Ada <ada@example.com>: charts/web/Chart.yaml → synced: upgrade",
            "operation → Succeeded: Helm upgrade succeeded for release shop/web.v2 with chart web@1.1.0",
            "values have changed → synced: upgrade",
            "operation → Succeeded: Helm upgrade succeeded for release shop/web.v3 with chart web@1.1.0",
        ]
    );
    assert!(after.starts_with(&release));
    assert_eq!(told(&world, "ks/maps").await, map, "a commit that touches others is no news");
    for (app, version, name) in [
        ("ks/maps", "kustomize.toolkit.fluxcd.io/v1", "maps"),
        ("hr/web", "helm.toolkit.fluxcd.io/v2", "web"),
    ] {
        holds(&world, app, version, name).await;
    }
    drop(going);
    compares_without_a_controller(&world).await;
}

/// An app that is suspended is told to be held, and no more when it is not.
async fn holds(world: &World, app: &str, version: &str, name: &str) {
    let kind = if app.starts_with("ks/") { "Kustomization" } else { "HelmRelease" };
    for (suspend, wanted) in [
        (true, "`spec.suspend` is set → left (hold): suspended"),
        (false, "a look → Succeeded: as it should be again"),
    ] {
        world
            .edit(
                json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "shop"},
                "spec": {"suspend": suspend}}),
            )
            .await;
        let last = async || told(world, app).await.pop().filter(|last| last == wanted);
        until(&format!("{app}: {wanted}"), last).await;
    }
}

/// `belay diff` of both of Flux's kinds of app, before and after somebody changes their objects.
async fn compares_without_a_controller(world: &World) {
    for app in ["ks/maps", "hr/web"] {
        let same = world.belay(&["diff", app]).await;
        assert_eq!((same.code, same.out.as_str(), same.err.as_str()), (0, "", ""), "{app}");
    }
    for (map, field) in [("settings", "colour"), ("released", "greeting")] {
        world
            .edit(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": map, "namespace": "shop"},
                "data": {field: "red"}}))
            .await;
    }
    let map = world.belay(&["diff", "maps"]).await;
    assert_eq!((map.code, map.err.as_str()), (1, ""));
    let expected = "\n===== /ConfigMap shop/settings ======\ndata.colour: green → red, an-editor, ";
    assert!(map.out.starts_with(expected), "{}", map.out);
    let release = world.belay(&["diff", "hr/web", "-n", "shop", "-o", "json"]).await;
    assert_eq!((release.code, release.err.as_str()), (1, ""));
    let release: Value = serde_json::from_str(&release.out).expect("JSON");
    assert_eq!(release["app"], "hr/shop/web");
    let field = &release["objects"][0]["fields"][0];
    assert_eq!(
        (&field["field"], &field["desired"]),
        (&json!("data.greeting"), &json!("bonjour")),
        "{release}"
    );
    assert_eq!(world.belay(&["diff", "nothing"]).await.code, 3);
    world
        .edit(json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "maps", "namespace": "shop"}, "spec": {"path": "./nowhere"}}))
        .await;
    let fault = world.belay(&["diff", "ks/maps"]).await;
    assert_eq!(fault.code, 2, "{}", fault.err);
    assert!(fault.err.starts_with("error: ks/shop/maps cannot be compared"), "{}", fault.err);
}
