//! `cargo xtask compare …`: send the same random requests to the embedded API and to a real API server.
//!
//! The comparing itself is an example of `belay-localkube`, so that these tools stay quick to build.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// `cargo xtask compare schema --cases 5000 --kubeconfig FILE`
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// `schema` or `validation`, and their options (`--help` lists them).
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    arguments: Vec<String>,
}

/// Build the example and run it.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let status = Command::new("cargo")
        .args(["run", "--quiet", "--package", "belay-localkube", "--example", "compare", "--"])
        .args(&arguments.arguments)
        .current_dir(root)
        .status()
        .context("running cargo")?;
    ensure!(status.success(), "the two differ");
    Ok(())
}
