//! `belay app`

mod actions;
mod begin;
mod diff;
mod find;
mod rollback;
mod selection;
mod sync;
mod terminate;
mod wait;

pub(super) use diff::printed as printed_differences;
pub(super) use find::looking;

/// Act on an Application: sync it, lead it back, compare it, act on its objects.
///
/// An app is NAME or app/NAME, with -n where the name is not unique. What changes the app is written into
/// its resource, where the running controller finds it; `diff` and `actions` look for themselves.
///
/// Exit codes: 0 ok, 1 error, 2 usage, 3 no such app. Those of `diff` are its own.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// What can be done.
#[derive(clap::Subcommand)]
enum Command {
    Sync(sync::Arguments),
    Rollback(rollback::Arguments),
    #[command(visible_alias = "terminate")]
    TerminateOp(terminate::Arguments),
    Diff(diff::Arguments),
    Actions(actions::Arguments),
}

/// Carries the command out.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    super::runtime()?.block_on(async {
        match &arguments.command {
            Command::Sync(command) => sync::run(command).await,
            Command::Rollback(command) => rollback::run(command).await,
            Command::TerminateOp(command) => terminate::run(command).await,
            Command::Diff(command) => diff::run(command).await,
            Command::Actions(command) => actions::run(command).await,
        }
    })
}
