//! `belay app sync`

use anyhow::bail;
use belay_argo_api::{SyncRequest, SyncStrategy, SyncStrategyMode, sync_operation};
use clap::ValueEnum;

use super::begin::{USERNAME, begin};
use super::find::Which;
use super::selection::{Selection, selected};
use super::wait::Waiting;
use crate::failure::Failure;

/// Make the cluster equal to Git, now.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// Another revision than the app's.
    #[arg(long)]
    revision: Option<String>,
    /// Delete what Git no longer names.
    #[arg(long)]
    prune: bool,
    /// Only try.
    #[arg(long)]
    dry_run: bool,
    /// Only these objects, or not these; `*` means any. May be repeated.
    #[arg(long = "resource", value_name = "[!]GROUP:KIND:[NAMESPACE/]NAME")]
    resources: Vec<String>,
    /// How: objects alone, or hooks, too.
    #[arg(long, value_enum, default_value = "hook")]
    strategy: Strategy,
    /// Delete and create again what cannot be patched.
    #[arg(long)]
    force: bool,
    /// Replace objects instead of applying them. This and the next two stand in the place of the app's
    /// own sync options.
    #[arg(long)]
    replace: bool,
    /// Apply on the server.
    #[arg(long)]
    server_side: bool,
    /// Leave alone what does not differ.
    #[arg(long)]
    apply_out_of_sync_only: bool,
    #[command(flatten)]
    waiting: Waiting,
}

/// How objects are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Strategy {
    /// Without hooks.
    Apply,
    /// With hooks.
    Hook,
}

impl Arguments {
    fn options(&self) -> Vec<String> {
        let all = [
            (self.replace, "Replace=true"),
            (self.server_side, "ServerSideApply=true"),
            (self.apply_out_of_sync_only, "ApplyOutOfSyncOnly=true"),
        ];
        all.iter().filter(|(is_asked, _)| *is_asked).map(|(_, option)| (*option).to_owned()).collect()
    }

    fn strategy(&self) -> SyncStrategy {
        let mode = Some(SyncStrategyMode { force: self.force, ..SyncStrategyMode::default() });
        match self.strategy {
            Strategy::Apply => SyncStrategy { apply: mode, ..SyncStrategy::default() },
            Strategy::Hook => SyncStrategy { hook: mode, ..SyncStrategy::default() },
        }
    }
}

/// Asks for the sync.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let selections: Vec<Selection> =
        arguments.resources.iter().map(|text| Selection::parse(text)).collect::<Result<_, _>>()?;
    let found = arguments.which.find().await?;
    let mut resources = Vec::new();
    if !selections.is_empty() {
        resources = selected(&found.read().await?, &selections);
        if resources.is_empty() {
            let filter = arguments.resources.join(", ");
            bail!(Failure::not_found(format!(
                "No matching app resources found for resource filter: {filter}"
            )));
        }
    }
    let request = SyncRequest {
        username: USERNAME.to_owned(),
        revision: arguments.revision.clone(),
        prune: arguments.prune,
        dry_run: arguments.dry_run,
        resources,
        strategy: arguments.strategy(),
        options: arguments.options(),
        manifests: Vec::new(),
    };
    begin(&found, |app| sync_operation(app, request.clone())).await?;
    let is_whole = request.resources.is_empty() && !request.dry_run;
    arguments.waiting.wait(&found, is_whole).await
}
