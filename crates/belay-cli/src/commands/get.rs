//! `belay get`

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::bail;
use belay_cluster::Kinds;
use belay_diff::Drift;
use belay_manifest::GroupVersionKind;
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams};
use serde_json::{Value, json};

use crate::failure::Failure;

/// List the apps of both families, or show one.
///
/// An app is KIND/NAME (app/…, ks/…, hr/…); a bare NAME works when it is unique.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The app.
    name: Option<String>,
    /// Only this namespace.
    #[arg(short, long)]
    namespace: Option<String>,
    /// All namespaces (the default).
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// How it is printed.
    #[arg(short, long, value_parser = ["table", "wide", "json", "yaml", "name"], default_value = "table")]
    output: String,
    /// What others changed in the cluster: field, old → new, manager, time.
    #[arg(long)]
    drift: bool,
    /// The kubeconfig; without it `KUBECONFIG`, then the pod's service account.
    #[arg(long)]
    kubeconfig: Option<PathBuf>,
}

/// The kinds that are apps: short name, API version, kind.
const KINDS: [(&str, &str, &str); 3] = [
    ("app", "argoproj.io/v1alpha1", "Application"),
    ("ks", "kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
    ("hr", "helm.toolkit.fluxcd.io/v2", "HelmRelease"),
];

/// One app, as both families show it.
#[derive(Debug)]
struct Row {
    id: String,
    namespace: String,
    name: String,
    sync: String,
    health: String,
    revision: String,
    message: String,
    object: Value,
}

/// Lists or shows.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    super::runtime()?.block_on(async {
        let client = belay_cluster::connect(arguments.kubeconfig.as_deref()).await?;
        let mut rows = rows(&client, arguments.namespace.as_deref()).await?;
        if let Some(name) = &arguments.name {
            rows = vec![only(rows, name)?];
        }
        let text = if arguments.drift { drift(&client, &rows).await? } else { printed(&rows, arguments)? };
        super::print(&text)
    })
}

async fn rows(client: &Client, namespace: Option<&str>) -> anyhow::Result<Vec<Row>> {
    let kinds = Kinds::new(client.clone());
    let mut rows = Vec::new();
    for (short, version, kind) in KINDS {
        // A family that is not installed has no apps.
        let Ok(resource) = kinds.find(&GroupVersionKind::new(version, kind)).await else { continue };
        let api: Api<DynamicObject> = match namespace {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource.api),
            None => Api::all_with(client.clone(), &resource.api),
        };
        for object in api.list(&ListParams::default()).await? {
            let mut object = serde_json::to_value(object)?;
            object["apiVersion"] = json!(version);
            object["kind"] = json!(kind);
            rows.push(row(short, object));
        }
    }
    Ok(rows)
}

fn row(short: &str, object: Value) -> Row {
    let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let name = text("/metadata/name");
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let (sync, health, revision, message) = if short == "app" {
        let message = conditions
            .and_then(|conditions| conditions.first())
            .map(|condition| condition["message"].clone());
        let message = message.and_then(|message| message.as_str().map(str::to_owned)).unwrap_or_default();
        (text("/status/sync/status"), text("/status/health/status"), text("/status/sync/revision"), message)
    } else {
        let ready = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
        let word = |field: &str| ready.and_then(|ready| ready[field].as_str()).unwrap_or_default().to_owned();
        let health = match word("status").as_str() {
            "True" => "Ready",
            "False" => "NotReady",
            _ => "Progressing",
        };
        let revision = text("/status/lastAppliedRevision");
        let attempted = text("/status/lastAttemptedRevision");
        let sync = if !revision.is_empty() && revision == attempted { "Synced" } else { "OutOfSync" };
        (sync.to_owned(), health.to_owned(), revision, word("message"))
    };
    Row {
        id: format!("{short}/{name}"),
        namespace: text("/metadata/namespace"),
        name,
        sync,
        health,
        revision,
        message,
        object,
    }
}

fn only(rows: Vec<Row>, name: &str) -> anyhow::Result<Row> {
    let mut found: Vec<Row> = rows.into_iter().filter(|row| row.id == name || row.name == name).collect();
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => {
            bail!(Failure::not_found(format!("no app is called {name:?}")).hint("`belay get` lists them all"))
        }
        _ => {
            let candidates: Vec<String> =
                found.iter().map(|row| format!("{} -n {}", row.id, row.namespace)).collect();
            bail!("{name:?} is not unique: {}", candidates.join(", "))
        }
    }
}

fn printed(rows: &[Row], arguments: &Arguments) -> anyhow::Result<String> {
    let objects: Vec<&Value> = rows.iter().map(|row| &row.object).collect();
    let whole = || match objects.as_slice() {
        [one] if arguments.name.is_some() => (*one).clone(),
        many => json!({"apiVersion": "v1", "kind": "List", "items": many}),
    };
    Ok(match arguments.output.as_str() {
        "json" => format!("{}\n", serde_json::to_string_pretty(&whole())?),
        "yaml" => belay_goyaml::to_yaml(&whole()),
        "name" => rows.iter().map(|row| format!("{}\n", row.id)).collect(),
        output => table(rows, output == "wide"),
    })
}

fn table(rows: &[Row], wide: bool) -> String {
    let mut lines = vec![vec![
        "APP".to_owned(),
        "NAMESPACE".to_owned(),
        "SYNC".to_owned(),
        "HEALTH".to_owned(),
        "REVISION".to_owned(),
    ]];
    if wide {
        lines[0].push("MESSAGE".to_owned());
    }
    for row in rows {
        let mut line = vec![row.id.clone(), row.namespace.clone(), row.sync.clone(), row.health.clone()];
        if wide {
            line.extend([row.revision.clone(), row.message.clone()]);
        } else {
            line.push(shortened(&row.revision));
        }
        lines.push(line);
    }
    aligned(&lines)
}

/// `main@sha1:0123456789ab…` and `0123456789ab…` to twelve characters of the commit.
fn shortened(revision: &str) -> String {
    match revision.split_once(':') {
        Some((before, hash)) => format!("{before}:{}", hash.chars().take(12).collect::<String>()),
        None => revision.chars().take(12).collect(),
    }
}

fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let cells: Vec<String> =
            line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}", width = *width)).collect();
        text.push_str(cells.join("   ").trim_end());
        text.push('\n');
    }
    text
}

/// The drift that Events keep, newest last.
async fn drift(client: &Client, rows: &[Row]) -> anyhow::Result<String> {
    let resource = kube::core::ApiResource::erase::<k8s_openapi::api::core::v1::Event>(&());
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    let wanted: BTreeMap<&str, &str> = rows
        .iter()
        .filter_map(|row| Some((row.object.pointer("/metadata/uid")?.as_str()?, row.id.as_str())))
        .collect();
    let mut lines =
        vec![["APP", "OBJECT", "FIELD", "GIT", "CLUSTER", "MANAGER", "TIME"].map(str::to_owned).to_vec()];
    for event in api.list(&ListParams::default().fields("reason=DriftDetected")).await? {
        let about = event.data.pointer("/involvedObject/uid").and_then(Value::as_str).unwrap_or_default();
        let Some(app) = wanted.get(about) else { continue };
        let record =
            event.metadata.annotations.as_ref().and_then(|annotations| annotations.get("belay.dev/drift"));
        let Some(record) = record.and_then(|record| serde_json::from_str::<Drift>(record).ok()) else {
            continue;
        };
        lines.push(vec![
            (*app).to_owned(),
            record.object.to_string(),
            record.field,
            record.desired,
            record.live,
            record.manager,
            record.time,
        ]);
    }
    Ok(aligned(&lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application(name: &str, namespace: &str) -> Row {
        row(
            "app",
            json!({"metadata": {"name": name, "namespace": namespace}, "status": {
                "sync": {"status": "Synced", "revision": "0123456789abcdef"}, "health": {"status": "Healthy"}}}),
        )
    }

    #[test]
    fn a_table_is_aligned_and_a_revision_short() {
        assert_eq!(
            table(&[application("web", "argocd")], false),
            "APP       NAMESPACE   SYNC     HEALTH    REVISION\napp/web   argocd      Synced   Healthy   0123456789ab\n"
        );
    }

    #[test]
    fn a_bare_name_must_be_unique() {
        assert_eq!(only(vec![application("web", "a"), application("db", "a")], "web").unwrap().id, "app/web");
        let error =
            only(vec![application("web", "a"), application("web", "b")], "web").unwrap_err().to_string();
        assert_eq!(error, "\"web\" is not unique: app/web -n a, app/web -n b");
        assert!(only(vec![], "web").unwrap_err().downcast_ref::<Failure>().is_some());
    }
}
