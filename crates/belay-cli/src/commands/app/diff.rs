//! `belay app diff`

use anyhow::Context;
use belay_diff::Drift;
use belay_manifest::ObjectKey;

use super::find::Which;
use crate::commands::print;
use crate::failure::{Quiet, with_code};
use crate::inert::inert;

/// The exit code when something differs.
const DIFFERS: u8 = 1;
/// The exit code when it cannot be told.
const FAULT: u8 = 2;

/// Show what a sync would change: field, Git → cluster, manager, time.
///
/// Compares as the running controller does, in this process; changes nothing. A Secret's values are not
/// shown. Exit codes: 0 nothing differs, 1 something does, 2 error or usage, 3 no such app.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// Another revision than the app's; may be repeated, once for each source.
    #[arg(long)]
    revision: Vec<String>,
    /// Whether a difference is an exit code of 1.
    #[arg(long, default_value = "true", action = clap::ArgAction::Set)]
    exit_code: bool,
    /// The namespace of Argo CD's settings and projects.
    #[arg(long, default_value = "argocd")]
    argocd_namespace: String,
}

/// Compares, and prints object by object.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match differs(arguments).await {
        Ok(true) if arguments.exit_code => Err(Quiet(DIFFERS).into()),
        Ok(_) => Ok(()),
        Err(error) => Err(with_code(error, FAULT)),
    }
}

/// Object by object, a line for each field.
pub(in crate::commands) fn printed(objects: &[(ObjectKey, Vec<Drift>)]) -> String {
    let mut text = String::new();
    for (object, records) in objects {
        let (group, kind) = (&object.group, &object.kind);
        text.push_str(&format!("\n===== {group}/{kind} {}/{} ======\n", object.namespace, object.name));
        records.iter().for_each(|record| text.push_str(&format!("{}\n", record.line())));
    }
    inert(&text).into_owned()
}

async fn differs(arguments: &Arguments) -> anyhow::Result<bool> {
    let found = arguments.which.find().await?;
    let (engine, _folder) = found.looking(&arguments.argocd_namespace)?;
    let differences = engine.argo.differences_once(&found.key, &arguments.revision).await;
    let differences =
        differences.with_context(|| format!("application '{}' cannot be compared", found.key.name))?;
    print(&printed(&differences.objects))?;
    Ok(!differences.objects.is_empty())
}
