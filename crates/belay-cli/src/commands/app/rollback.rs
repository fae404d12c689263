//! `belay app rollback`

use belay_argo_api::{SyncRequest, rollback_operation};

use super::begin::{BEFORE_THE_LAST, USERNAME, begin};
use super::find::Which;
use super::wait::Waiting;

/// Lead the app back to what it was synced to before.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// The entry of its history; without it the one before the last.
    id: Option<i64>,
    /// Delete what was not there then.
    #[arg(long)]
    prune: bool,
    /// Only try.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    waiting: Waiting,
}

/// Asks for the way back; without an id, to what was before the last sync.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let found = arguments.which.find().await?;
    let request = SyncRequest {
        username: USERNAME.to_owned(),
        prune: arguments.prune,
        dry_run: arguments.dry_run,
        ..SyncRequest::default()
    };
    begin(&found, |app| {
        let before_the_last =
            || app.status.history.iter().rev().nth(1).map_or(BEFORE_THE_LAST, |entry| entry.id);
        let id = arguments.id.unwrap_or_else(before_the_last);
        rollback_operation(app, id, request.clone())
    })
    .await?;
    arguments.waiting.wait(&found, false).await
}
