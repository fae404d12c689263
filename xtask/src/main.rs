//! Belay's own tools for developers: `cargo xtask tidy`, `cargo xtask apiserver up`, …

mod apiserver;
mod bench;
mod compare;
mod corpus_charts;
mod differential_charts;
mod family;
mod faults;
mod fields;
mod fleet;
mod handover;
mod helm;
mod kustomize_corpus;
mod kustomize_differential;
mod kustomize_record;
mod kustomize_trees;
mod mutate;
mod process;
mod random;
mod record_openapi;
mod renders;
mod rivals;
mod simulate;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use family::{Family, Of};

/// Tools for working on Belay.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check layering, purity, lints and names of the workspace, and that recorded files are current.
    Tidy,
    /// List every field of both families' resources as honoured or refused.
    Fields(fields::Arguments),
    /// Break named behaviours in a copy and see the tests fail.
    Mutate(mutate::Arguments),
    /// Measure what is too long for a test.
    Bench {
        /// What is measured.
        #[command(subcommand)]
        command: bench::Command,
    },
    /// Run both families' controllers in simulated worlds full of trouble.
    #[command(disable_help_flag = true)]
    Simulate(simulate::Arguments),
    /// Compare renders that are found again with full ones, over random commits.
    Renders(renders::Arguments),
    /// Build, start and stop a real kube-apiserver with etcd on loopback.
    Apiserver {
        #[command(subcommand)]
        command: apiserver::Command,
    },
    /// Build Helm, if it is not in the cache folder; print its path.
    Helm,
    /// Run both families' apps on a real API server, behind a proxy in which requests come to grief.
    Faults(faults::Arguments),
    /// Let Belay take apps over from an original, and hand them back.
    Handover(handover::Arguments),
    /// Build the originals that Belay is compared with.
    Rivals {
        /// Which.
        #[command(subcommand)]
        command: rivals::Command,
    },
    /// Record facts about Kubernetes from a real API server.
    Record {
        /// What is recorded.
        #[command(subcommand)]
        command: Record,
    },
    /// Compare Belay with the originals by scenarios, or the embedded API with a real API server by random
    /// requests.
    Compare {
        /// What is compared.
        #[command(subcommand)]
        command: compare::Command,
    },
    /// Compare with the originals over public trees: `--charts DIR` or `--kustomizations DIR`.
    #[command(disable_help_flag = true)]
    Corpus(Family),
    /// Compare with the originals over random trees: `--charts` or `--kustomizations`.
    #[command(disable_help_flag = true)]
    Differential(Family),
}

/// `cargo xtask record …`
#[derive(Subcommand)]
enum Record {
    /// Discovery and schemas of the built-in kinds.
    Openapi(record_openapi::Arguments),
    /// What the original prints for the cases of belay-kustomize.
    Kustomizations(kustomize_record::Arguments),
    /// That the files of `tests/generated.toml` are current: after their commands were run.
    Sums,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Tidy => tidy::run(&repository()),
        Command::Fields(arguments) => fields::run(&arguments),
        Command::Mutate(arguments) => mutate::run(&repository(), &arguments),
        Command::Renders(arguments) => renders::run(&repository(), &arguments),
        Command::Simulate(arguments) => simulate::run(&repository(), &arguments),
        Command::Bench { command } => bench::run(&repository(), &command),
        Command::Apiserver { command } => apiserver::run(&repository(), command),
        Command::Helm => helm::run(&repository()),
        Command::Faults(arguments) => faults::run(&repository(), &arguments),
        Command::Handover(arguments) => handover::run(&repository(), &arguments),
        Command::Rivals { command } => rivals::run(&repository(), &command),
        Command::Record { command: Record::Openapi(arguments) } => record_openapi::run(&arguments),
        Command::Record { command: Record::Kustomizations(arguments) } => kustomize_record::run(&arguments),
        Command::Record { command: Record::Sums } => tidy::note(&repository()),
        Command::Compare { command } => compare::run(&repository(), &command),
        Command::Corpus(family) => corpus(&family),
        Command::Differential(family) => differential(&family),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn corpus(family: &Family) -> anyhow::Result<()> {
    match family.of()? {
        Of::Charts => corpus_charts::run(&family.parse()),
        Of::Kustomizations => kustomize_corpus::run(&family.parse()),
    }
}

fn differential(family: &Family) -> anyhow::Result<()> {
    match family.of()? {
        Of::Charts => differential_charts::run(&family.parse_rest()),
        Of::Kustomizations => kustomize_differential::run(&family.parse_rest()),
    }
}

/// The root of the checkout, from where cargo built this.
fn repository() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}

/// Writes a line for the person at the terminal.
#[expect(clippy::print_stderr, reason = "these tools talk to a terminal")]
fn report(line: &str) {
    eprintln!("{line}");
}

/// Prints a result, for a script to read.
#[expect(clippy::print_stdout, reason = "these tools talk to a terminal")]
fn print(line: &str) {
    println!("{line}");
}
