//! The tour: what Belay does, step by step, each asserted and timed.

use std::time::Duration;

use anyhow::{Context, bail};
use belay_manifest::{GroupVersionKind, ObjectKey};
use belay_testkit::{Author, Change};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{Demo, sample};
use crate::commands::print;

/// How long a step may take.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(10);

/// Walks all steps; the first that does not hold is the error.
pub(crate) async fn walk(demo: &Demo) -> anyhow::Result<()> {
    let start = Instant::now();
    print(&format!("\n{}\n\n", demo.paint.strong("Belay: Git in, cluster out")))?;
    let steps: [(&str, Step<'_>); 7] = [
        ("An Application and a GitRepository + Kustomization sync", Box::pin(first_sync(demo))),
        ("A commit changes an image: only that app is rendered again", Box::pin(image_change(demo))),
        ("A person edits the cluster: named, then healed", Box::pin(drift(demo))),
        ("With selfHeal: false the same edit is shown and left alone", Box::pin(drift_left_alone(demo))),
        ("A file deleted in Git is pruned; a neighbour stays", Box::pin(prune(demo))),
        ("A broken commit: file and line, nothing lost", Box::pin(broken_commit(demo))),
        ("git revert brings the earlier state back", Box::pin(revert(demo))),
    ];
    for (position, (title, step)) in steps.into_iter().enumerate() {
        let began = Instant::now();
        let told = step.await.with_context(|| format!("step {}: {title}", position + 1))?;
        let time = format!("{} ms", began.elapsed().as_millis());
        print(&format!(
            "{} {}. {title} {}\n     {told}\n",
            demo.paint.good("✓"),
            position + 1,
            demo.paint.faint(&time)
        ))?;
    }
    print(&format!("\n{} in {:.1} s\n", demo.paint.strong("All steps hold"), start.elapsed().as_secs_f32()))
}

type Step<'a> = std::pin::Pin<Box<dyn Future<Output = anyhow::Result<String>> + 'a>>;

async fn first_sync(demo: &Demo) -> anyhow::Result<String> {
    let mut files = sample::app("apps/my-app", "web", "registry.example.com/web:1.0.0", "hello");
    files.extend(sample::app("apps/other", "other", "registry.example.com/other:1.0.0", "hello"));
    demo.argo_repository.commit(&files, "Add the apps", &author())?;
    let flux_files: Vec<Change> =
        sample::app("apps/my-app", "api", "registry.example.com/api:1.0.0", "hello")
            .into_iter()
            .map(|change| in_namespace(change, "flux-app"))
            .collect();
    demo.flux_repository.commit(&flux_files, "Add the app", &author())?;
    demo.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "flux-app"}})).await?;
    demo.apply(&sample::application("my-app", &demo.argo_url, "apps/my-app", "my-app", true)).await?;
    demo.apply(&sample::application("other", &demo.argo_url, "apps/other", "other", false)).await?;
    for object in sample::flux(&demo.flux_url) {
        demo.apply(&object).await?;
    }
    synced(demo, "my-app").await?;
    synced(demo, "other").await?;
    let ready = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    expect(demo, "kustomize.toolkit.fluxcd.io/v1", "Kustomization", "flux-system/my-app", &ready).await?;
    healthy(demo, "my-app").await?;
    Ok("my-app and other are Synced and Healthy, ks/my-app is Ready".to_owned())
}

async fn image_change(demo: &Demo) -> anyhow::Result<String> {
    let (mine, other) = (key("my-app"), key("other"));
    let before = (demo.engine.argo.render_count(&mine), demo.engine.argo.render_count(&other));
    let change = Change::write(
        "apps/my-app/deployment.yaml",
        sample::deployment("web", "registry.example.com/web:1.1.0"),
    );
    let began = Instant::now();
    commit(demo, &[change], "Ship 1.1.0")?;
    let wanted = json!({"spec": {"template": {"spec": {"containers": [{"image": "registry.example.com/web:1.1.0"}]}}}});
    expect(demo, "apps/v1", "Deployment", "my-app/web", &wanted).await?;
    let live = began.elapsed().as_millis();
    synced(demo, "other").await?;
    let after = (demo.engine.argo.render_count(&mine), demo.engine.argo.render_count(&other));
    if after != (before.0 + 1, before.1) {
        bail!("expected one render of my-app and none of other, seen {before:?} → {after:?}");
    }
    Ok(format!("push → live in {live} ms; my-app rendered once, other not at all"))
}

async fn drift(demo: &Demo) -> anyhow::Result<String> {
    edit(demo, "my-app/web", "web").await?;
    let healed = json!({"spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "web", "env": null}]}}}});
    expect(demo, "apps/v1", "Deployment", "my-app/web", &healed).await?;
    let began = Instant::now();
    let records = loop {
        let records = demo.engine.argo.drift(&key("my-app"));
        if !records.is_empty() || began.elapsed() > PATIENCE {
            break records;
        }
        sleep(POLL).await;
    };
    let Some(record) = records.first() else { bail!("expected a record of the drift, seen none") };
    Ok(format!("{}: {} → {}, {}, {}", record.field, record.desired, record.live, record.manager, record.time))
}

async fn drift_left_alone(demo: &Demo) -> anyhow::Result<String> {
    edit(demo, "other/other", "other").await?;
    let shown = json!({"status": {"sync": {"status": "OutOfSync"}}});
    expect(demo, "argoproj.io/v1alpha1", "Application", "argocd/other", &shown).await?;
    sleep(Duration::from_millis(500)).await;
    expect(demo, "apps/v1", "Deployment", "other/other", &json!({"spec": {"replicas": 5}})).await?;
    Ok("other is OutOfSync and keeps its 5 replicas".to_owned())
}

async fn prune(demo: &Demo) -> anyhow::Result<String> {
    let neighbour = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "neighbour", "namespace": "my-app"}, "data": {"mine": "yes"}});
    demo.apply(&neighbour).await?;
    commit(demo, &[Change::delete("apps/my-app/service.yaml")], "Drop the Service")?;
    gone(demo, "v1", "Service", "my-app/web").await?;
    expect(demo, "v1", "ConfigMap", "my-app/neighbour", &json!({"data": {"mine": "yes"}})).await?;
    Ok("Service/web is gone, ConfigMap/neighbour stays".to_owned())
}

async fn broken_commit(demo: &Demo) -> anyhow::Result<String> {
    let broken = Change::write(
        "apps/my-app/settings.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings\n",
    );
    commit(demo, &[broken], "Break it")?;
    let shown = json!({"status": {"conditions": [{"type": "ComparisonError"}]}});
    let app = expect(demo, "argoproj.io/v1alpha1", "Application", "argocd/my-app", &shown).await?;
    let message = app["status"]["conditions"][0]["message"].as_str().unwrap_or_default().to_owned();
    if !message.contains("apps/my-app/settings.yaml:") {
        bail!("expected a message with file and line, seen {message:?}");
    }
    expect(demo, "v1", "ConfigMap", "my-app/settings", &json!({"data": {"greeting": "hello"}})).await?;
    let place = message.split("apps/my-app/").last().unwrap_or_default();
    Ok(format!("apps/my-app/{place}"))
}

async fn revert(demo: &Demo) -> anyhow::Result<String> {
    let head = demo.argo_repository.head()?.context("nothing was committed")?;
    demo.argo_repository.revert(&head, &author())?;
    demo.engine.repository_changed(&demo.argo_url);
    synced(demo, "my-app").await?;
    Ok("my-app is Synced again, with no other step".to_owned())
}

/// A person, under another field manager: replicas 2 → 5 and an environment variable.
async fn edit(demo: &Demo, place: &str, container: &str) -> anyhow::Result<()> {
    let (namespace, name) = place.split_once('/').unwrap_or(("", place));
    let api = demo.api(&GroupVersionKind::new("apps/v1", "Deployment"), namespace).await?;
    let change = json!({"spec": {"replicas": 5, "template": {"spec": {"containers": [
        {"name": container, "env": [{"name": "DEBUG", "value": "1"}]}]}}}});
    let params = PatchParams { field_manager: Some("a-person".to_owned()), ..PatchParams::default() };
    api.patch(name, &params, &Patch::Strategic(&change)).await?;
    Ok(())
}

fn commit(demo: &Demo, changes: &[Change], message: &str) -> anyhow::Result<()> {
    demo.argo_repository.commit(changes, message, &author())?;
    demo.engine.repository_changed(&demo.argo_url);
    Ok(())
}

fn author() -> Author {
    Author::new("Demo", "demo@example.com")
}

fn key(app: &str) -> ObjectKey {
    ObjectKey {
        group: belay_argo::GROUP.to_owned(),
        kind: "Application".to_owned(),
        namespace: "argocd".to_owned(),
        name: app.to_owned(),
    }
}

/// The manifests of Flux's sample carry their namespace.
fn in_namespace(change: Change, namespace: &str) -> Change {
    match change {
        Change::Write { path, content } => {
            let text = String::from_utf8_lossy(&content).replacen(
                "metadata:\n",
                &format!("metadata:\n  namespace: {namespace}\n"),
                1,
            );
            Change::Write { path, content: text.into_bytes() }
        }
        other => other,
    }
}

async fn synced(demo: &Demo, app: &str) -> anyhow::Result<()> {
    let head = demo.argo_repository.head()?.unwrap_or_default();
    let wanted = json!({"status": {"sync": {"status": "Synced", "revision": head}}});
    expect(demo, "argoproj.io/v1alpha1", "Application", &format!("argocd/{app}"), &wanted).await.map(|_| ())
}

async fn healthy(demo: &Demo, app: &str) -> anyhow::Result<()> {
    let wanted = json!({"status": {"health": {"status": "Healthy"}}});
    expect(demo, "argoproj.io/v1alpha1", "Application", &format!("argocd/{app}"), &wanted).await.map(|_| ())
}

/// Waits until the object holds these fields; a null means that the field is absent.
async fn expect(
    demo: &Demo,
    version: &str,
    kind: &str,
    place: &str,
    wanted: &Value,
) -> anyhow::Result<Value> {
    let (namespace, name) = place.split_once('/').unwrap_or(("", place));
    let api = demo.api(&GroupVersionKind::new(version, kind), namespace).await?;
    let began = Instant::now();
    loop {
        let seen = api.get_opt(name).await?.map(serde_json::to_value).transpose()?;
        if let Some(seen) = seen.as_ref().filter(|seen| holds(seen, wanted)) {
            return Ok(seen.clone());
        }
        if began.elapsed() > PATIENCE {
            let seen = seen.map_or("nothing".to_owned(), |seen| seen.to_string());
            bail!("{kind} {place}: expected {wanted}, seen {}", seen.chars().take(2000).collect::<String>());
        }
        sleep(POLL).await;
    }
}

async fn gone(demo: &Demo, version: &str, kind: &str, place: &str) -> anyhow::Result<()> {
    let (namespace, name) = place.split_once('/').unwrap_or(("", place));
    let api = demo.api(&GroupVersionKind::new(version, kind), namespace).await?;
    let began = Instant::now();
    while api.get_opt(name).await?.is_some() {
        if began.elapsed() > PATIENCE {
            bail!("{kind} {place}: expected it to go, and it is still there");
        }
        sleep(POLL).await;
    }
    Ok(())
}

fn holds(seen: &Value, wanted: &Value) -> bool {
    match (seen, wanted) {
        (Value::Object(seen), Value::Object(wanted)) => {
            wanted.iter().all(|(name, value)| holds(seen.get(name).unwrap_or(&Value::Null), value))
        }
        (Value::Array(seen), Value::Array(wanted)) => {
            wanted.iter().all(|item| seen.iter().any(|candidate| holds(candidate, item)))
        }
        (seen, wanted) => seen == wanted,
    }
}
