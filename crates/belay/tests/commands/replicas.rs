//! `belay run --leader-elect`: processes that share apps, and one that is stopped in the middle of its work.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{Going, World, application, commit, until};

const APPS: usize = 8;

/// A process with short times, so that the test does not take long.
fn start(world: &World, host: &str) -> Going {
    let data = format!("data-{host}");
    world.start(&[
        "run",
        "--controllers=argo",
        "--data-dir",
        &data,
        "--leader-elect",
        "--lease-duration=4s",
        "--renew-deadline=2s",
        "--retry-period=500ms",
    ])
}

/// The replicas that hold shards.
async fn owners(world: &World) -> BTreeSet<String> {
    let Some(lease) = world.get("coordination.k8s.io/v1", "Lease", "default", "belay").await else {
        return BTreeSet::new();
    };
    let table = lease["metadata"]["annotations"]["belay.dev/shards"].as_str().unwrap_or("{}");
    let table: Value = serde_json::from_str(table).expect("a table is JSON");
    table["owners"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

/// Which commit each app's object is of.
async fn serials(world: &World) -> Vec<u64> {
    let mut serials = Vec::new();
    for index in 0..APPS {
        let map =
            world.get("v1", "ConfigMap", &format!("shop-{index}"), "settings").await.unwrap_or_default();
        serials
            .push(map["data"]["serial"].as_str().and_then(|serial| serial.parse().ok()).unwrap_or_default());
    }
    serials
}

async fn are_all(world: &World, serial: u64) {
    let what = format!("all apps are of commit {serial}");
    until(&what, async || serials(world).await.iter().all(|seen| *seen == serial).then_some(())).await;
}

async fn refresh(world: &World) {
    for index in 0..APPS {
        world
            .edit(json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
                "metadata": {"name": format!("web-{index}"), "namespace": "argocd",
                    "annotations": {"argocd.argoproj.io/refresh": "normal"}}}))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_stopped_writes_nothing_of_the_past_when_it_goes_on() {
    let world = World::new().await;
    let (_git, repository, url) = world.git().await;
    let serial = |serial: u64| {
        let map = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings}}\ndata: {{serial: '{serial}'}}\n"
        );
        commit(&repository, "apps/settings.yaml", &map);
    };
    serial(1);
    for index in 0..APPS {
        let namespace = format!("shop-{index}");
        world.apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})).await;
        let mut app = application(&format!("web-{index}"), "argocd", &url, "apps");
        app["spec"]["destination"]["namespace"] = json!(namespace);
        app["spec"]["syncPolicy"]["automated"] = json!({"selfHeal": true});
        world.apply(app).await;
    }
    let stopped = start(&world, "a");
    let first = until("one holds everything", async || owners(&world).await.first().cloned()).await;
    let mut other = start(&world, "b");
    until("both hold something", async || (owners(&world).await.len() == 2).then_some(())).await;
    are_all(&world, 1).await;

    // It is about to write, or has begun to.
    serial(2);
    refresh(&world).await;
    stopped.signal("STOP");
    until("the other has taken over", async || {
        let owners = owners(&world).await;
        (owners.len() == 1 && !owners.contains(&first)).then_some(())
    })
    .await;
    are_all(&world, 2).await;
    serial(3);
    refresh(&world).await;
    are_all(&world, 3).await;
    stopped.signal("CONT");
    let start = tokio::time::Instant::now();
    while start.elapsed() < Duration::from_secs(3) {
        let serials = serials(&world).await;
        assert!(serials.iter().all(|serial| *serial == 3), "something of the past was written: {serials:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let again = until("both hold something again", async || {
        Some(owners(&world).await).filter(|owners| owners.len() == 2)
    })
    .await;
    assert!(!again.contains(&first), "it has begun a new life: {again:?}");

    // One that is asked to end hands over.
    stopped.signal("TERM");
    let asked = tokio::time::Instant::now();
    until("the other holds everything", async || (owners(&world).await.len() == 1).then_some(())).await;
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    serial(4);
    refresh(&world).await;
    are_all(&world, 4).await;
    assert!(!other.has_ended());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_flag_no_lease_is_asked_for_and_times_have_to_go_together() {
    let world = World::new().await;
    let (_going, base, _) = world.run(&[]).await;
    until("it is ready", async || {
        let answer = reqwest::get(format!("{base}/readyz")).await.ok()?;
        answer.status().is_success().then_some(())
    })
    .await;
    assert!(!world.list("coordination.k8s.io/v1", "Lease").await.contains("belay"));
    let ended = world.belay(&["run", "--leader-elect", "--lease-duration=5s"]).await;
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("greater than the renew deadline"), "{}", ended.err);
    assert_eq!(world.belay(&["run", "--lease-duration=long"]).await.code, 2);
}
