//! `belay history`

use crate::recorded::Which;

/// Show everything that is noted of an app: what happened, what was decided and why, and how it ended.
///
/// Read from the folder of the running Belay; the cluster is not asked. Exit codes: 0 ok, 1 error, 2 usage,
/// 3 no such app.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The app, as KIND/NAME or NAME.
    app: String,
    #[command(flatten)]
    which: Which,
}

/// Prints the app's entries, oldest first.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    arguments.which.print(&arguments.which.one(&arguments.app)?.entries)
}
