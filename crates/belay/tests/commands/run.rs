//! `belay run`: what it waits for, what it prints, and who may change something.

use serde_json::{Value, json};

use crate::world::{World, application, commit, git_repository, until};

async fn ready(base: &str) -> Option<(u16, Value)> {
    let answer = reqwest::get(format!("{base}/readyz")).await.ok()?;
    Some((answer.status().as_u16(), answer.json().await.ok()?))
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_that_come_later_are_waited_for() {
    let world = World::empty().await;
    let (mut going, base, _) = world.run(&["--controllers=argo"]).await;
    let (status, readiness) = until("readyz answers", async || ready(&base).await).await;
    assert_eq!((status, readiness["ready"].as_bool()), (503, Some(false)));
    assert!(readiness["waiting_for"].to_string().contains("Application"), "{readiness}");
    for definition in belay_argo_api::crds() {
        world.apply(definition).await;
    }
    until("it is ready", async || ready(&base).await.filter(|(status, _)| *status == 200)).await;
    until("the default project is made", async || {
        world.get("argoproj.io/v1alpha1", "AppProject", "argocd", "default").await
    })
    .await;
    assert!(!going.has_ended());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_family_leaves_the_other_alone() {
    let world = World::new().await;
    let (_git, repository, url) = world.git().await;
    commit(
        &repository,
        "apps/settings.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n",
    );
    let (_going, base, _) = world.run(&["--controllers=argo"]).await;
    world.apply(application("web", "argocd", &url, "apps")).await;
    world.apply(git_repository("config", "flux-system", &url, "1m")).await;
    until("the Application is applied", async || world.get("v1", "ConfigMap", "shop", "settings").await)
        .await;
    let source = world
        .get("source.toolkit.fluxcd.io/v1", "GitRepository", "flux-system", "config")
        .await
        .expect("it is there");
    assert!(source["status"]["conditions"].is_null(), "{source}");
    // The web's list follows the same watches, a moment later.
    until("the Application is the only one that is listed", async || {
        let list: Value = reqwest::get(format!("{base}/api/belay/v1/apps")).await.ok()?.json().await.ok()?;
        (list["total"] == 1 && list["items"][0]["app"]["name"] == "web").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_json_when_asked_for_and_a_used_port_is_an_error() {
    let world = World::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = world.belay(&["run", "--listen", &address]).await;
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains(&format!("error: {address} cannot be listened on")), "{}", ended.err);
    assert!(ended.err.contains("\nhint: another process listens there"), "{}", ended.err);
    let ended = world.belay(&["run", "--listen", "nowhere"]).await;
    assert_eq!(ended.code, 2);
    assert!(ended.err.ends_with("\nhint: `belay run --help` tells what it takes\n"), "{}", ended.err);
    for command in [&["run"][..], &["get"], &["diff", "web"]] {
        let ended = world.belay(&[command, &["--kubeconfig", "nowhere"]].concat()).await;
        assert!(ended.err.contains("error: kubeconfig \"nowhere\" cannot be used"), "{}", ended.err);
        assert!(ended.err.contains("\nhint: --kubeconfig takes"), "{}", ended.err);
    }
    let line = world.first_log_line(&["run", "--log-format", "json", "--data-dir", "data"]).await;
    let line: Value = serde_json::from_str(&line).expect("a line of JSON");
    assert_eq!((&line["level"], line["timestamp"].is_string()), (&json!("INFO"), true), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_is_one_process_s() {
    let world = World::new().await;
    let (_going, ..) = world.run(&[]).await;
    let ended = world.belay(&["run", "--data-dir", "data"]).await;
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("error: data is in use by another belay\nhint: --data-dir"), "{}", ended.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_needs_the_token_that_was_printed() {
    let world = World::new().await;
    world.apply(application("web", "argocd", "http://127.0.0.1:1/none", "apps")).await;
    let (_going, base, token) = world.run(&["--controllers=argo"]).await;
    until("the app is seen", async || {
        let page = reqwest::get(format!("{base}/api/belay/v1/apps/app/argocd/web")).await.ok()?;
        page.status().is_success().then_some(())
    })
    .await;
    let ask = async |token: &str| {
        let request = reqwest::Client::new().post(format!("{base}/api/belay/v1/apps/app/argocd/web/actions"));
        let request =
            request.header("x-belay-token", token).json(&json!({"action": "suspend", "suspend": true}));
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(ask("00000000000000000000000000000000").await, 401);
    assert_eq!(ask(&token).await, 202);
    let app = world.get("argoproj.io/v1alpha1", "Application", "argocd", "web").await.expect("it is there");
    assert_eq!(app["spec"]["syncPolicy"]["automated"]["enabled"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_with_unchanged_git_renders_nothing_unless_what_was_kept_is_damaged() {
    let world = World::new().await;
    let (_git, repository, url) = world.git().await;
    commit(
        &repository,
        "apps/settings.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n",
    );
    world.apply(application("web", "argocd", &url, "apps")).await;
    // How often the app was rendered in one life, which ends when it has been looked at on request.
    let renders = async |life: u32| {
        let log = world.folder.path().join(format!("log-{life}"));
        let running = world.run_logged(&log, "info").await;
        let refresh = |value: Value| {
            json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
                "metadata": {"name": "web", "namespace": "argocd", "annotations": {"argocd.argoproj.io/refresh": value}}})
        };
        world.edit(refresh(json!("normal"))).await;
        until("it has been looked at", async || {
            let app = world.get("argoproj.io/v1alpha1", "Application", "argocd", "web").await?;
            let is_refreshed = app["metadata"]["annotations"]["argocd.argoproj.io/refresh"].is_null();
            (is_refreshed && app["status"]["sync"]["status"] == "Synced").then_some(())
        })
        .await;
        drop(running);
        let log = std::fs::read_to_string(&log).expect("a log");
        log.lines().filter(|line| line.contains("rendered app=")).count()
    };
    assert_eq!(renders(1).await, 1);
    assert_eq!(renders(2).await, 0);
    let mut folders = vec![world.folder.path().join("data/renders")];
    let mut damaged = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                std::fs::write(&path, "damaged").expect("it can be written");
                damaged += 1;
            }
        }
    }
    assert!(damaged > 0, "renders are files");
    assert_eq!(renders(3).await, 1);
    assert_eq!(renders(4).await, 0);
}
