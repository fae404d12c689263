//! What can be typed.

use clap::{Parser, Subcommand};

use crate::commands::{
    app, completion, crds, demo, diff, drift, explain, get, gitserver, helm, history, install, kustomize,
    localkube, run, version,
};
use crate::logs::LogFormat;
use crate::original_flags::read_stand_ins_as_in_go;

/// Keeps Kubernetes clusters equal to Git.
///
/// Runs Argo CD's and Flux's resources unchanged. Exit codes: 0 ok, 1 error, 2 usage, 3 not found; `kustomize` and
/// `helm` end with those of their originals, 1 for all that fails.
#[derive(Parser)]
#[command(name = "belay", version, propagate_version = true)]
#[command(mut_subcommands = read_stand_ins_as_in_go)]
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::Arguments;

    #[test]
    fn only_stand_ins_read_their_flags_as_their_originals_do() {
        let reads = |line: &str| Arguments::try_parse_from(line.split(' ')).is_ok();
        assert!(reads(
            "belay kustomize --stack-trace=false build --enable-helm=true --enable-helm=false here"
        ));
        assert!(reads("belay helm template --include-crds=true --version 1 --version=2 chart"));
        assert!(!reads("belay demo --open=true"));
    }
}
