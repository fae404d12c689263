//! `belay run`

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::engine::{Engine, EngineSettings, Family};
use crate::logs::{self, LogFormat};
use crate::web;

/// Run the controllers against the cluster of the kubeconfig, or the one this pod runs in.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The kubeconfig; without it `KUBECONFIG`, then the pod's service account.
    #[arg(long)]
    kubeconfig: Option<PathBuf>,
    /// Which families run.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["argo", "flux"])]
    controllers: Vec<Family>,
    /// Where the web UI and the API listen; the port is free to choose when it is 0.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where mirrors and artifacts are kept.
    #[arg(long, default_value = "belay-data")]
    data_dir: PathBuf,
    /// The namespace of Argo CD's resources.
    #[arg(long, default_value = "argocd")]
    argocd_namespace: String,
}

/// Runs until a signal.
pub(crate) fn run(arguments: Arguments, format: LogFormat) -> anyhow::Result<()> {
    logs::start(format, "info,kube=warn,hyper=warn,rustls=warn");
    super::runtime()?.block_on(async {
        let client = belay_cluster::connect(arguments.kubeconfig.as_deref()).await?;
        let settings = EngineSettings {
            data_folder: arguments.data_dir,
            argo_namespace: arguments.argocd_namespace,
            families: arguments.controllers,
        };
        let engine = Engine::new(client, settings);
        let web = web::Web::start(&engine, arguments.listen).await?;
        super::print(&format!("{}\n", web.address))?;
        tokio::select! {
            result = engine.run() => result,
            result = web.serve(stopped()) => result,
        }
    })
}

/// Ends with Ctrl-C or SIGTERM.
pub(crate) async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_no_signals) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
