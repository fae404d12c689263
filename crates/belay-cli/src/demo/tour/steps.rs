//! The steps, in the order of the tour.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use belay_diff::Drift;
use belay_manifest::{GroupVersionKind, ObjectKey};
use belay_testkit::Change;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::demo::expect::{application, kustomization};
use crate::demo::{Demo, author};

/// Told to a person: one or two lines.
type Told = anyhow::Result<Vec<String>>;

/// How soon the first sync of a new Application must have started.
const FIRST_SYNC: Duration = Duration::from_secs(2);
/// How long drift that must be left alone is watched.
const LEFT_ALONE: Duration = Duration::from_millis(500);
/// How long a record that is written right after a heal may take.
const RECORDED: Duration = Duration::from_secs(5);

pub(super) async fn first_sync(demo: &Demo) -> Told {
    if demo.is_used {
        // The tour begins where it began the last time.
        demo.commit_sample()?;
    }
    let created = Instant::now();
    demo.apply_sample("application.yaml", &demo.argo_url).await?;
    let running = json!({"status": {"operationState": {"operation": {"initiatedBy": {"automated": true}}}}});
    demo.expect(&application("my-app"), &running).await?;
    let began = created.elapsed();
    ensure!(began < FIRST_SYNC, "expected the first sync within {FIRST_SYNC:?}, seen it after {began:?}");
    demo.apply_sample("other.yaml", &demo.argo_url).await?;
    demo.apply_sample("flux.yaml", &demo.flux_url).await?;
    demo.apply_sample("helmrelease.yaml", &demo.flux_url).await?;
    demo.expect_synced("my-app").await?;
    demo.expect_synced("other").await?;
    demo.expect_ready("source.toolkit.fluxcd.io/v1 GitRepository flux-system/my-app").await?;
    demo.expect_ready(&kustomization("my-app")).await?;
    demo.expect_ready("helm.toolkit.fluxcd.io/v2 HelmRelease flux-system/greeter").await?;
    demo.expect("apps/v1 Deployment greeter/greeter-greeter", &json!({"spec": {"replicas": 2}})).await?;
    Ok(vec![
        format!("app/my-app and app/other are Synced and Healthy, begun after {} ms", began.as_millis()),
        "ks/my-app and hr/greeter (a chart in Git) are Ready".to_owned(),
    ])
}

pub(super) async fn image_change(demo: &Demo) -> Told {
    let (mine, other) = (key("my-app"), key("other"));
    let before = (demo.engine.argo.render_count(&mine), demo.engine.argo.render_count(&other));
    let change = replaced(demo, "apps/my-app/deployment.yaml", "web:1.0.0", "web:1.1.0")?;
    let pushed = Instant::now();
    commit(demo, &[change], "Ship web 1.1.0")?;
    demo.expect("apps/v1 Deployment my-app/web", &image("1.1.0")).await?;
    let live = pushed.elapsed().as_millis();
    demo.expect_synced("other").await?;
    let after = (demo.engine.argo.render_count(&mine), demo.engine.argo.render_count(&other));
    ensure!(
        after == (before.0 + 1, before.1),
        "expected one render of my-app and none of other, seen {before:?} → {after:?}"
    );
    Ok(vec![format!("push → live in {live} ms; my-app rendered once, other not at all")])
}

pub(super) async fn drift(demo: &Demo) -> Told {
    edit(demo, "my-app/web").await?;
    let healed = json!({"spec": {"replicas": 2, "template": {"spec": {"containers": [
        {"name": "web", "env": null}]}}}});
    demo.expect("apps/v1 Deployment my-app/web", &healed).await?;
    told(&recorded(demo, "my-app").await?)
}

pub(super) async fn drift_left_alone(demo: &Demo) -> Told {
    edit(demo, "other/other").await?;
    demo.expect(&application("other"), &json!({"status": {"sync": {"status": "OutOfSync"}}})).await?;
    sleep(LEFT_ALONE).await;
    let edited = json!({"spec": {"replicas": 5, "template": {"spec": {"containers": [
        {"env": [{"name": "DEBUG", "value": "1"}]}]}}}});
    demo.expect("apps/v1 Deployment other/other", &edited).await?;
    told(&recorded(demo, "other").await?)
}

pub(super) async fn prune(demo: &Demo) -> Told {
    let neighbour = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "neighbour", "namespace": "my-app"}, "data": {"mine": "yes"}});
    demo.apply(&neighbour).await?;
    commit(demo, &[Change::delete("apps/my-app/service.yaml")], "Drop the Service")?;
    demo.expect_gone("v1 Service my-app/web").await?;
    demo.expect("v1 ConfigMap my-app/neighbour", &json!({"data": {"mine": "yes"}})).await?;
    Ok(vec!["Service/web is gone, ConfigMap/neighbour stays".to_owned()])
}

/// A commit that cannot be parsed, then one that takes the app's folder away. Both change another app
/// as well, and that one goes on.
pub(super) async fn broken_commits(demo: &Demo) -> Told {
    let broken = replaced(demo, "apps/my-app/settings.yaml", "data:\n  greeting", "data:\n greeting: [")?;
    let elsewhere = replaced(demo, "apps/other/settings.yaml", "hello", "good morning")?;
    commit(demo, &[broken, elsewhere], "Break my-app")?;
    let parse_error = comparison_error(demo, "apps/my-app/settings.yaml:").await?;
    demo.expect("v1 ConfigMap other/settings", &json!({"data": {"greeting": "good morning"}})).await?;

    let files = demo.argo_repository.list()?;
    let folder: Vec<Change> = files
        .iter()
        .filter(|path| path.starts_with("apps/my-app/"))
        .map(|path| Change::delete(path))
        .collect();
    commit(demo, &folder, "Lose the folder")?;
    let path_error = comparison_error(demo, "apps/my-app: app path does not exist").await?;
    demo.expect_synced("other").await?;
    demo.expect("v1 ConfigMap my-app/settings", &json!({"data": {"greeting": "hello"}})).await?;
    demo.expect("apps/v1 Deployment my-app/web", &image("1.1.0")).await?;
    Ok(vec![parse_error, path_error])
}

pub(super) async fn revert(demo: &Demo) -> Told {
    let head = demo.argo_repository.head()?.context("nothing was committed")?;
    let broken = parent(demo, &head)?;
    for commit in [head, broken] {
        demo.argo_repository.revert(&commit, &author())?;
    }
    demo.engine.repository_changed(&demo.argo_url);
    demo.expect_synced("my-app").await?;
    demo.expect("v1 ConfigMap other/settings", &json!({"data": {"greeting": "hello"}})).await?;
    let conditions = json!({"status": {"conditions": null}});
    demo.expect(&application("my-app"), &conditions).await?;
    Ok(vec!["both commits taken back: my-app is Synced and Healthy, no other step".to_owned()])
}

pub(super) async fn apps_of_apps(demo: &Demo) -> Told {
    demo.apply_sample("shop.yaml", &demo.argo_url).await?;
    demo.apply_sample("office.yaml", &demo.flux_url).await?;
    for app in ["shop", "cart", "checkout"] {
        demo.expect_synced(app).await?;
    }
    for name in ["office", "ledger", "mailer"] {
        demo.expect_ready(&kustomization(name)).await?;
    }
    demo.expect("apps/v1 Deployment shop/cart", &json!({"spec": {"replicas": 3}})).await?;
    Ok(vec![
        "app/shop brought app/cart (an overlay) and app/checkout (a chart)".to_owned(),
        "ks/office brought ks/ledger and ks/mailer".to_owned(),
    ])
}

/// A person, under another field manager: replicas 2 → 5 and an environment variable.
async fn edit(demo: &Demo, place: &str) -> anyhow::Result<()> {
    let (namespace, name) = place.split_once('/').unwrap_or(("", place));
    let api = demo.api(&GroupVersionKind::new("apps/v1", "Deployment"), namespace).await?;
    let change = json!({"spec": {"replicas": 5, "template": {"spec": {"containers": [
        {"name": name, "env": [{"name": "DEBUG", "value": "1"}]}]}}}});
    let params = PatchParams { field_manager: Some("a-person".to_owned()), ..PatchParams::default() };
    api.patch(name, &params, &Patch::Strategic(&change)).await?;
    Ok(())
}

/// What was written down about an app's drift.
async fn recorded(demo: &Demo, app: &str) -> anyhow::Result<Vec<Drift>> {
    let began = Instant::now();
    loop {
        let records = demo.engine.argo.drift(&key(app));
        let whole =
            ["replicas", "env"].iter().all(|field| records.iter().any(|one| one.field.contains(field)));
        if whole {
            return Ok(records);
        }
        if began.elapsed() > RECORDED {
            bail!("expected the drift of replicas and env to be recorded, seen {records:?}");
        }
        sleep(Duration::from_millis(5)).await;
    }
}

fn told(records: &[Drift]) -> Told {
    let line = |record: &Drift| {
        ensure!(record.manager == "a-person", "expected a-person as the manager, seen {record:?}");
        // The way to the container is the same for all of them, and long.
        let field = record.field.rsplit_once("].").map_or(record.field.as_str(), |(_, rest)| rest);
        let time = record.time.get(11..19).unwrap_or(&record.time);
        Ok(format!("{field}: {} → {}, {}, {time}", record.desired, record.live, record.manager))
    };
    records.iter().map(line).collect()
}

/// Waits for a ComparisonError that says this, and gives what it says about it.
async fn comparison_error(demo: &Demo, says: &str) -> anyhow::Result<String> {
    let began = Instant::now();
    let shown = json!({"status": {"conditions": [{"type": "ComparisonError"}]}});
    loop {
        let app = demo.expect(&application("my-app"), &shown).await?;
        let message = app["status"]["conditions"][0]["message"].as_str().unwrap_or_default();
        if let Some(at) = message.find(says) {
            return Ok(cut(&message[at..]));
        }
        ensure!(began.elapsed() < RECORDED, "expected a message with {says:?}, seen {message:?}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// At most 75 characters, so that a line with its indent has 80.
fn cut(text: &str) -> String {
    if text.chars().count() <= 75 {
        return text.to_owned();
    }
    text.chars().take(74).chain(['…']).collect()
}

fn image(tag: &str) -> Value {
    json!({"spec": {"template": {"spec": {"containers": [
        {"image": format!("registry.example.com/web:{tag}")}]}}}})
}

/// A file of the sample repository with one text in place of another.
fn replaced(demo: &Demo, path: &str, old: &str, new: &str) -> anyhow::Result<Change> {
    let content = demo.argo_repository.read(path)?.with_context(|| format!("{path} is not there"))?;
    let text = String::from_utf8(content)?;
    ensure!(text.contains(old), "{path} does not hold {old:?}");
    Ok(Change::write(path, text.replacen(old, new, 1)))
}

fn commit(demo: &Demo, changes: &[Change], message: &str) -> anyhow::Result<()> {
    demo.argo_repository.commit(changes, message, &author())?;
    demo.engine.repository_changed(&demo.argo_url);
    Ok(())
}

fn parent(demo: &Demo, commit: &str) -> anyhow::Result<String> {
    demo.argo_repository.parent(commit)?.with_context(|| format!("{commit} is the first commit"))
}

fn key(app: &str) -> ObjectKey {
    ObjectKey {
        group: belay_argo::GROUP.to_owned(),
        kind: "Application".to_owned(),
        namespace: "argocd".to_owned(),
        name: app.to_owned(),
    }
}
