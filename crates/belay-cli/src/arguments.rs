//! What can be typed.

use std::env;
use std::ffi::OsString;

use clap::{Parser, Subcommand};

use crate::commands::{
    app, completion, crds, demo, diff, drift, explain, get, gitserver, helm, history, install, kustomize,
    localkube, run, version,
};
use crate::logs::LogFormat;
use crate::original_flags::{STAND_INS, read_stand_ins_as_in_go};

/// Keeps Kubernetes clusters equal to Git.
///
/// Runs Argo CD's and Flux's resources unchanged. Exit codes: 0 ok, 1 error, 2 usage, 3 not found; `kustomize` and
/// `helm` end with those of their originals, 1 for all that fails.
#[derive(Parser)]
#[command(name = "belay", version, propagate_version = true)]
#[command(mut_subcommands = read_stand_ins_as_in_go)]
pub(crate) struct Arguments<Known: Subcommand = Command> {
    /// How logs are written.
    #[arg(long, global = true, value_enum, default_value = "text", env = "BELAY_LOG_FORMAT")]
    pub(crate) log_format: LogFormat,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Known,
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

/// The commands that scripts run again and again.
#[derive(Subcommand)]
enum StandIn {
    Kustomize(kustomize::Arguments),
    Helm(Box<helm::Arguments>),
}

/// Reads what the process was started with.
///
/// # Errors
/// It makes no sense, or asks for help.
pub(crate) fn typed() -> Result<Arguments, clap::Error> {
    read(&env::args_os().collect::<Vec<_>>())
}

/// A line that begins with a stand-in is read without learning all other commands first. Where that fails, all of them
/// are needed to tell why.
fn read(words: &[OsString]) -> Result<Arguments, clap::Error> {
    if words.get(1).is_some_and(|word| STAND_INS.iter().any(|name| word == name))
        && let Ok(Arguments { log_format, command }) = Arguments::try_parse_from(words)
    {
        let command = match command {
            StandIn::Kustomize(arguments) => Command::Kustomize(arguments),
            StandIn::Helm(arguments) => Command::Helm(*arguments),
        };
        return Ok(Arguments { log_format, command });
    }
    Arguments::try_parse_from(words)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::Parser;

    use super::{Arguments, Command, StandIn, read};

    #[test]
    fn stand_ins_are_read_alone_and_told_about_among_all() {
        let read = |line: &str| read(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert!(matches!(read("belay helm template chart").unwrap().command, Command::Helm(_)));
        assert!(matches!(
            read("belay --log-format json kustomize build").unwrap().command,
            Command::Kustomize(_)
        ));
        assert!(matches!(read("belay version").unwrap().command, Command::Version(_)));
        for line in ["belay helm --nonsense", "belay kustomize build --help", "belay helm", "belay nonsense"]
        {
            let all = Arguments::<Command>::try_parse_from(line.split(' ')).err().unwrap();
            assert_eq!(read(line).err().unwrap().to_string(), all.to_string(), "{line}");
        }
        assert!(Arguments::<StandIn>::try_parse_from(["belay", "version"]).is_err());
    }

    #[test]
    fn only_stand_ins_read_their_flags_as_their_originals_do() {
        let reads = |line: &str| Arguments::<Command>::try_parse_from(line.split(' ')).is_ok();
        assert!(reads(
            "belay kustomize --stack-trace=false build --enable-helm=true --enable-helm=false here"
        ));
        assert!(reads("belay helm template --include-crds=true --version 1 --version=2 chart"));
        assert!(!reads("belay demo --open=true"));
    }
}
