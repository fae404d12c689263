//! What can be typed.

use clap::{Parser, Subcommand};

use crate::commands::{
    app, completion, crds, demo, diff, drift, explain, get, gitserver, helm, history, install, kustomize,
    localkube, run, version,
};
use crate::logs::LogFormat;

/// Keeps Kubernetes clusters equal to Git.
///
/// Runs Argo CD's and Flux's resources unchanged. Exit codes: 0 ok, 1 error, 2 usage, 3 not found.
#[derive(Parser)]
#[command(name = "belay", version, propagate_version = true)]
pub(crate) struct Arguments {
    /// How logs are written.
    #[arg(long, global = true, value_enum, default_value = "text", env = "BELAY_LOG_FORMAT")]
    pub(crate) log_format: LogFormat,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub(crate) enum Command {
    Demo(demo::Arguments),
    Run(run::Arguments),
    Gitserver(gitserver::Arguments),
    Get(get::Arguments),
    Explain(explain::Arguments),
    History(history::Arguments),
    Drift(drift::Arguments),
    Diff(diff::Arguments),
    App(app::Arguments),
    Localkube(localkube::Arguments),
    Crds(crds::Arguments),
    Install(install::Arguments),
    Kustomize(kustomize::Arguments),
    Helm(helm::Arguments),
    Version(version::Arguments),
    Completion(completion::Arguments),
}
