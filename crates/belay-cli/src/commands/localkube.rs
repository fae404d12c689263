//! `belay localkube`

use std::path::PathBuf;

use belay_localkube::{LocalKube, Options, Settings};

use super::run::stopped;
use crate::logs::{self, LogFormat};

/// Run the embedded Kubernetes API alone: a cluster for kubectl in a second, on loopback.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where the kubeconfig goes, as `DIR/kubeconfig`.
    #[arg(long)]
    dir: PathBuf,
    /// The port of HTTPS; a free one without it.
    #[arg(long)]
    port: Option<u16>,
    /// Also listen without TLS on this port.
    #[arg(long)]
    http_port: Option<u16>,
    /// A file that keeps the state over restarts.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Whether Deployments, Jobs and the like make progress as in a cluster.
    #[arg(long, default_value = "true", action = clap::ArgAction::Set)]
    simulate_workloads: bool,
}

/// Runs until a signal.
pub(crate) fn run(arguments: Arguments, format: LogFormat) -> anyhow::Result<()> {
    logs::start(format, "warn");
    super::runtime()?.block_on(async {
        let settings = Settings {
            simulate_workloads: arguments.simulate_workloads,
            data: arguments.data,
            ..Settings::default()
        };
        let options =
            Options { dir: arguments.dir, port: arguments.port, http_port: arguments.http_port, settings };
        let running = LocalKube::start(options).await?;
        let without_tls = running.http_url.as_ref().map(|url| format!("{url}\n")).unwrap_or_default();
        let kubeconfig = running.kubeconfig.display();
        super::print(&format!("{}\n{without_tls}KUBECONFIG={kubeconfig}\n", running.api_url))?;
        stopped().await;
        running.shutdown().await?;
        Ok(())
    })
}
