//! The commands, each in a file of its own.

pub(crate) mod app;
pub(crate) mod completion;
pub(crate) mod crds;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod drift;
pub(crate) mod explain;
pub(crate) mod get;
pub(crate) mod gitserver;
pub(crate) mod helm;
pub(crate) mod history;
pub(crate) mod install;
pub(crate) mod kustomize;
pub(crate) mod localkube;
pub(crate) mod run;
pub(crate) mod version;

use crate::arguments::{Arguments, Command};

/// Carries the command out.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let format = arguments.log_format;
    match arguments.command {
        Command::Demo(command) => demo::run(command, format),
        Command::Gitserver(command) => gitserver::run(command, format),
        Command::Run(command) => run::run(command, format),
        Command::Get(command) => get::run(&command),
        Command::Explain(command) => explain::run(&command),
        Command::History(command) => history::run(&command),
        Command::Drift(command) => drift::run(&command),
        Command::Diff(command) => diff::run(&command),
        Command::App(command) => app::run(&command),
        Command::Localkube(command) => localkube::run(command, format),
        Command::Crds(command) => crds::run(&command),
        Command::Install(command) => install::run(&command),
        Command::Kustomize(command) => kustomize::run(&command),
        Command::Helm(command) => match helm::run(&command)? {},
        Command::Version(command) => version::run(&command),
        Command::Completion(command) => completion::run(&command),
    }
}

/// Prints to standard output; a closed pipe ends the command quietly, as `… | head` expects.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    print_bytes(text.as_bytes())
}

/// [`print`], of what need not be text.
pub(crate) fn print_bytes(output: &[u8]) -> anyhow::Result<()> {
    use std::io::Write;
    match std::io::stdout().write_all(output) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        result => Ok(result?),
    }
}

/// A runtime for the commands that talk to something.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
