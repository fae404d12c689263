//! `belay explain`

use belay_ledger::{Decision, Entry, Trigger};

use crate::recorded::Which;

/// Tell why an app is as it is: the commit that was applied last, and what was decided since.
///
/// Each line says what happened (a commit and its files; a field, who changed it and when; a request), and
/// what was decided by which rule. Read from the folder of the running Belay; the cluster is not asked.
/// Exit codes: 0 ok, 1 error, 2 usage, 3 no such app.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The app, as KIND/NAME or NAME.
    app: String,
    #[command(flatten)]
    which: Which,
}

/// Prints the newest chapter of the app's history.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let past = arguments.which.one(&arguments.app)?;
    arguments.which.print(since_last_commit(&past.entries))
}

/// From the last commit that was applied on.
fn since_last_commit(entries: &[Entry]) -> &[Entry] {
    let is_applied = |entry: &Entry| {
        matches!((&entry.trigger, &entry.decision), (Trigger::Commit { .. }, Decision::Sync { .. }))
    };
    &entries[entries.iter().rposition(is_applied).unwrap_or(0)..]
}
