//! `belay gitserver`

use std::path::PathBuf;

use belay_testkit::{GitServer, GitServerOptions};

use super::run::stopped;
use crate::logs::{self, LogFormat};

/// Serve the bare repositories of a folder over smart HTTP on loopback, for fetch and push, without a login.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The folder of bare repositories; one that is asked for and not there is no repository.
    #[arg(long)]
    dir: PathBuf,
    /// The port; a free one when 0.
    #[arg(long, default_value = "0")]
    port: u16,
}

/// Serves until a signal.
pub(crate) fn run(arguments: Arguments, format: LogFormat) -> anyhow::Result<()> {
    logs::start(format, "warn");
    super::runtime()?.block_on(async {
        let server = GitServer::start(GitServerOptions {
            port: arguments.port,
            ..GitServerOptions::new(arguments.dir)
        })
        .await?;
        super::print(&format!("{}\n", server.url()))?;
        stopped().await;
        server.shutdown().await;
        Ok(())
    })
}
