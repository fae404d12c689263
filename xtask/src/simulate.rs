//! `cargo xtask simulate`: both families' controllers in worlds full of trouble, for as many seeds as there is time for.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Arguments of the simulator, such as `--seeds 10000`, `--seed 7` or `--crashes`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What the simulator is told; `--help` lists it.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Runs the simulator, built to be fast.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let mut command = Command::new("cargo");
    command.current_dir(root).args([
        "run",
        "--quiet",
        "--locked",
        "--profile",
        "demo",
        "-p",
        "belay-simulator",
        "--",
    ]);
    let status = command.args(&arguments.arguments).status().context("cargo did not start")?;
    if !status.success() {
        bail!("the simulation failed");
    }
    Ok(())
}
