//! `belay app terminate-op`

use belay_argo_api::check_termination;
use serde_json::json;

use super::begin::write;
use super::find::Which;

/// End the running operation; its hooks go.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
}

/// Asks for the end.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let found = arguments.which.find().await?;
    write(&found, |app| {
        check_termination(app)?;
        Ok(json!({"status": {"operationState": {"phase": "Terminating"}}}))
    })
    .await?;
    crate::commands::print(&format!("Application '{}' operation terminating\n", found.key.name))
}
