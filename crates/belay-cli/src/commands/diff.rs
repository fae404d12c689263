//! `belay diff`

use std::path::PathBuf;

use anyhow::Context;
use belay_diff::Drift;
use belay_manifest::ObjectKey;
use belay_server::{AppKind, AppRef};
use clap::ValueEnum;
use serde_json::json;

use super::{app, get, print};
use crate::failure::{Quiet, with_code};

/// The exit code when something differs.
const DIFFERS: u8 = 1;
/// The exit code when it cannot be told.
const FAULT: u8 = 2;

/// Show what the next sync of an app would change: field, Git → cluster, manager, time.
///
/// Works for both families, compares as the running controllers do, in this process, and changes nothing: an
/// Application at the newest commit, a Kustomization at the artifact of its source, a HelmRelease by what an upgrade
/// would write. A Secret's values are not shown. Exit codes: 0 nothing differs, 1 something does, 2 error or usage,
/// 3 no such app.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The app, as KIND/NAME or NAME.
    app: String,
    /// Its namespace.
    #[arg(short, long)]
    namespace: Option<String>,
    /// How it is printed.
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
    /// The namespace of Argo CD's settings and projects.
    #[arg(long, default_value = "argocd")]
    argocd_namespace: String,
    /// The kubeconfig; without it `KUBECONFIG`, then the pod's service account.
    #[arg(long)]
    kubeconfig: Option<PathBuf>,
}

/// How differences are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A line for each field.
    Text,
    /// The app, what was compared, and a list of objects with their fields.
    Json,
}

/// What was compared, and the objects that differ.
struct Found {
    revisions: Vec<String>,
    objects: Vec<(ObjectKey, Vec<Drift>)>,
}

/// Compares, and prints object by object.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match super::runtime()?.block_on(differs(arguments)) {
        Ok(true) => Err(Quiet(DIFFERS).into()),
        Ok(false) => Ok(()),
        Err(error) => Err(with_code(error, FAULT)),
    }
}

async fn differs(arguments: &Arguments) -> anyhow::Result<bool> {
    let client = belay_cluster::connect(arguments.kubeconfig.as_deref()).await?;
    let app = get::app(client.clone(), &arguments.app, arguments.namespace.as_deref()).await?;
    let (engine, _folder) = app::looking(client, &arguments.argocd_namespace)?;
    let found = compare(&engine, &app).await.with_context(|| format!("{app} cannot be compared"))?;
    match arguments.output {
        Output::Text => print(&app::printed_differences(&found.objects))?,
        Output::Json => print(&format!("{:#}\n", as_json(&app, &found)))?,
    }
    Ok(!found.objects.is_empty())
}

async fn compare(engine: &crate::engine::Engine, app: &AppRef) -> anyhow::Result<Found> {
    let key = app.key();
    Ok(match app.kind {
        AppKind::Application => {
            let found = engine.argo.differences_once(&key, &[]).await?;
            Found { revisions: found.revisions, objects: found.objects }
        }
        AppKind::Kustomization | AppKind::HelmRelease => {
            let found = engine.flux.differences_once(&key).await?;
            Found { revisions: vec![found.revision], objects: found.objects }
        }
    })
}

fn as_json(app: &AppRef, found: &Found) -> serde_json::Value {
    let object = |(object, fields): &(ObjectKey, Vec<Drift>)| {
        let field = |drift: &Drift| {
            json!({"field": drift.field, "desired": drift.desired, "live": drift.live,
                "manager": drift.manager, "time": drift.time})
        };
        json!({"object": object, "fields": fields.iter().map(field).collect::<Vec<_>>()})
    };
    let objects: Vec<_> = found.objects.iter().map(object).collect();
    json!({"app": app.to_string(), "revisions": found.revisions, "objects": objects})
}
