//! The same random requests to the embedded API and to a real API server.
//!
//! The comparing itself is an example of `belay-localkube`, so that these tools stay quick to build.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// Builds the example and runs it: `schema --cases 5000 --kubeconfig FILE`.
pub(super) fn run(root: &Path, arguments: &[String]) -> Result<()> {
    let status = Command::new("cargo")
        .args(["run", "--quiet", "--package", "belay-localkube", "--example", "compare", "--"])
        .args(arguments)
        .current_dir(root)
        .status()
        .context("running cargo")?;
    ensure!(status.success(), "the two differ");
    Ok(())
}
