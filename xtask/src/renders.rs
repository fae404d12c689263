//! `cargo xtask renders`: that a render which is found again is the one that would be made, over as many random commits as
//! there is time for.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// How long it goes on, and from where.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many commits there are.
    #[arg(long, default_value_t = 10_000)]
    commits: u64,
    /// What they are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the test that `cargo test` runs over fewer commits.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let mut command = Command::new("cargo");
    command.current_dir(root).args([
        "test",
        "--quiet",
        "--locked",
        "--profile",
        "demo",
        "-p",
        "belay-render",
    ]);
    command.args(["--test", "selective", "--", "--nocapture"]);
    command.env("BELAY_COMMITS", arguments.commits.to_string());
    command.env("BELAY_SEED", arguments.seed.to_string());
    if !command.status().context("cargo did not start")?.success() {
        bail!("a render that was found again is not the one that would be made");
    }
    Ok(())
}
