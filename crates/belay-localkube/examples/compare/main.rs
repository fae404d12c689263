//! Compare the embedded API with a real API server: `cargo xtask compare …`.
//!
//! The same random requests go to both; codes, messages and objects (managedFields included) must be equal.

mod difference;
mod edit;
mod predicted;
mod report;
mod sample;
mod sequences;
mod server;
mod validation;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

/// Compare the embedded API with a real API server.
#[derive(Parser)]
pub(crate) struct Arguments {
    /// What to compare.
    #[arg(value_enum)]
    what: What,
    /// The real API server.
    #[arg(long)]
    kubeconfig: PathBuf,
    /// How many random cases.
    #[arg(long, default_value_t = 1000)]
    cases: usize,
    /// Where the random numbers start.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only these kinds.
    #[arg(long, value_delimiter = ',')]
    kinds: Vec<String>,
    /// How many ways to differ are shown.
    #[arg(long, default_value_t = 30)]
    show: usize,
    /// How many of a hundred values are likely to be refused.
    #[arg(long, default_value_t = 30)]
    bad: u32,
    /// Write what the real server answered here: to applies, or what it refused, one case for each kind of message.
    #[arg(long)]
    record: Option<PathBuf>,
}

/// What is compared.
#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// Lives of objects: created, then edited by several managers in every way.
    Schema,
    /// Applies: computed in process, and tried with the real server.
    Apply,
    /// One or two bad fields: what is said about them.
    Validation,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    // Only the first installation counts, and it is this one.
    let _first = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let arguments = Arguments::parse();
    let report = match arguments.what {
        What::Schema => sequences::run(&arguments).await?,
        What::Apply => predicted::run(&arguments).await?,
        What::Validation => validation::run(&arguments).await?,
    };
    say(&report.text(arguments.show));
    Ok(if report.is_equal() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[expect(clippy::print_stdout, reason = "the report is for a terminal")]
fn say(line: &str) {
    println!("{line}");
}
