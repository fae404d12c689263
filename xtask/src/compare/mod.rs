//! `cargo xtask compare …`: the same requests to two API servers, the same scenarios to the originals and
//! to Belay.

mod api;
mod differences;
mod engines;
mod jq;
mod portable;

use std::path::Path;

use anyhow::Result;

use crate::fleet::Family;

pub(crate) use engines::{start_belay, start_belay_with};

/// What is compared.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Scenario files, run with Flux's controllers and with Belay, each on a real API server of its own.
    Flux(engines::Arguments),
    /// The same with Argo CD's application-controller and repo-server.
    Argocd(engines::Arguments),
    /// Random jq expressions by gojq, which Argo CD runs, and by Belay.
    Jq(jq::Arguments),
    /// `schema` or `validation`: random requests to the embedded API and to a real API server.
    #[command(external_subcommand)]
    Api(Vec<String>),
}

/// Compares; `root` is the checkout.
pub(crate) fn run(root: &Path, command: &Command) -> Result<()> {
    match command {
        Command::Flux(arguments) => engines::run(root, arguments, Family::Flux),
        Command::Argocd(arguments) => engines::run(root, arguments, Family::ArgoCd),
        Command::Jq(arguments) => jq::run(root, arguments),
        Command::Api(arguments) => api::run(root, arguments),
    }
}
