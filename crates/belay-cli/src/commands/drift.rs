//! `belay drift`

use belay_ledger::{Entry, Trigger};

use crate::recorded::Which;

/// Show what others changed in the cluster: field, old → new, manager, time, and what was done about it.
///
/// Read from the folder of the running Belay; the cluster is not asked. Values of Secrets are never noted.
/// Exit codes: 0 ok, 1 error, 2 usage, 3 no such app.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The app, as KIND/NAME or NAME; all of them without it.
    app: Option<String>,
    #[command(flatten)]
    which: Which,
}

/// Prints the entries about drift, oldest first.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let past = match &arguments.app {
        Some(app) => vec![arguments.which.one(app)?],
        None => arguments.which.all()?,
    };
    let is_drift = |entry: &Entry| matches!(entry.trigger, Trigger::Drift { .. });
    let mut entries: Vec<Entry> = past.into_iter().flat_map(|past| past.entries).filter(is_drift).collect();
    entries.sort_by_key(|entry| entry.time);
    arguments.which.print(&entries)
}
