//! `cargo xtask rivals …`: the originals, built beside us from what they publish.

pub(crate) mod argocd;
pub(crate) mod flux;
mod published;

use std::path::{Path, PathBuf};

use anyhow::Result;

/// Which originals.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Flux's source-controller and kustomize-controller; prints the binaries.
    Flux,
    /// Argo CD, a Redis, Helm and Kustomize; prints the binary.
    Argocd {
        /// A clone of Argo CD's repository: its engine is in no published module.
        #[arg(long)]
        clone: Option<PathBuf>,
    },
}

/// Builds what the cache does not hold.
pub(crate) fn run(root: &Path, command: &Command) -> Result<()> {
    match command {
        Command::Flux => {
            let flux = flux::Flux::build()?;
            crate::report(&flux::Flux::versions());
            for binary in flux.binaries() {
                crate::print(&binary.display().to_string());
            }
        }
        Command::Argocd { clone } => {
            let argocd = argocd::ArgoCd::build(root, clone.as_deref())?;
            crate::report(&argocd::ArgoCd::versions());
            crate::print(&argocd.binary().display().to_string());
        }
    }
    Ok(())
}
