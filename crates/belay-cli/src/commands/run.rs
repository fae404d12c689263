//! `belay run`

use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use belay_ledger::Ledger;
use belay_manifest::Secret;
use belay_metrics::Metrics;
use belay_server::{metrics_router, public_router};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::artifacts::Artifacts;
use crate::definitions;
use crate::engine::{Engine, EngineSettings, Family, FluxSettings, artifact_store};
use crate::failure::Failure;
use crate::logs::{self, LogFormat, Sink};
use crate::pages::give_back_soon;
use crate::replica::{self, ReplicaArguments};
use crate::traces::{self, Exporter};
use crate::web;

/// How long a process that ends may still have its data folder.
const LETS_GO: Duration = Duration::from_secs(3);

/// Run the controllers against the cluster of the kubeconfig, or the one this pod runs in.
///
/// Prints the address of the web UI, which carries the token that changes need. Definitions that the
/// cluster does not have yet are waited for; /readyz answers 200 once everything is watched.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The kubeconfig; without it `KUBECONFIG`, then the pod's service account.
    #[arg(long)]
    kubeconfig: Option<PathBuf>,
    /// Which families run.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["argo", "flux"])]
    controllers: Vec<Family>,
    /// Create the CustomResourceDefinitions that the cluster does not have; those that others brought are left alone.
    #[arg(long)]
    create_crds: bool,
    /// Where the web UI and its API listen, a free port when it is 0. There is no login yet: whoever
    /// reaches it can read.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where probes, metrics and webhooks listen, too; nothing there shows an app.
    #[arg(long, value_name = "ADDRESS")]
    public_listen: Option<SocketAddr>,
    /// Where metrics are told in full, apps by name; `--public-listen` tells how many there are.
    #[arg(long, value_name = "ADDRESS")]
    metrics_addr: Option<SocketAddr>,
    /// A file with the token that the API server's audit webhook shows at /audit, which names who changed what.
    #[arg(long, value_name = "FILE")]
    audit_token_file: Option<PathBuf>,
    /// Show at /debug, beside the web UI, what is worked on: app, step, age.
    #[arg(long)]
    debug_endpoints: bool,
    /// Where a collector of OpenTelemetry takes spans by OTLP over HTTP, such as http://collector:4318.
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    otlp_endpoint: Option<String>,
    /// Where mirrors and artifacts are kept.
    #[arg(long, default_value = "belay-data")]
    data_dir: PathBuf,
    /// Where Flux's artifacts are served, at a free port when it is 0.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    artifact_addr: SocketAddr,
    /// The host, with a port unless it is 80, that artifacts' URLs name; without it the address that
    /// they are served on.
    #[arg(long, value_name = "HOST")]
    artifact_adv_addr: Option<String>,
    /// The namespace of Argo CD's resources.
    #[arg(long, default_value = "argocd")]
    argocd_namespace: String,
    /// The namespace of Flux's control plane.
    #[arg(long, default_value = "flux-system")]
    flux_namespace: String,
    /// The service account that Kustomizations act as when they name none.
    #[arg(long, value_name = "NAME", default_value = "")]
    default_service_account: String,
    /// Let Kustomizations use sources of their own namespace alone.
    #[arg(long)]
    no_cross_namespace_refs: bool,
    /// Let Secrets of clusters have this command run for their logins (`execProviderConfig`): an absolute path, or a name
    /// that is looked up in PATH, exactly as the Secret has it. May be given more than once; without it none is run.
    #[arg(long, value_name = "COMMAND", value_parser = command)]
    allow_exec: Vec<String>,
    #[command(flatten)]
    replica: ReplicaArguments,
}

/// Runs until a signal.
pub(crate) fn run(arguments: Arguments, format: LogFormat) -> anyhow::Result<()> {
    give_back_soon();
    let metrics = Metrics::new();
    let collector = arguments.otlp_endpoint.as_deref().filter(|endpoint| !endpoint.is_empty());
    let (spans, exporter) = collector.map(|endpoint| traces::to(endpoint, &metrics)).transpose()?.unzip();
    let (sink, written) = Sink::to_standard_error()?;
    logs::start_with(format, "info,kube=warn,hyper=warn,rustls=warn", sink.clone(), spans);
    let result = run_all(arguments, metrics, exporter);
    written.wait(&sink);
    result
}

/// Keeps a data folder from others for as long as the file is open: two processes would remove each other's artifacts and
/// mix their records. One that is just ending is waited for.
async fn hold(folder: &Path) -> anyhow::Result<Option<File>> {
    let cannot = || format!("{} cannot be used", folder.display());
    private_folder(folder).with_context(cannot)?;
    let file = File::options().create(true).truncate(false).write(true).open(folder.join("lock"));
    let file = file.with_context(cannot)?;
    let deadline = Instant::now() + LETS_GO;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(TryLockError::WouldBlock) => {
                let message = format!("{} is in use by another belay", folder.display());
                return Err(Failure::new(message).hint("--data-dir names another folder").into());
            }
            Err(TryLockError::Error(error)) => {
                tracing::warn!(folder = %folder.display(), %error, "nothing keeps another belay from this folder");
                return Ok(None);
            }
        }
    }
}

/// What is written there tells of Secrets' digests and of what changed: new folders are their owner's alone.
fn private_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn run_all(arguments: Arguments, metrics: Metrics, exporter: Option<Exporter>) -> anyhow::Result<()> {
    super::runtime()?.block_on(async {
        exporter.map(|exporter| tokio::spawn(exporter.run()));
        let client = belay_cluster::connect(arguments.kubeconfig.as_deref()).await?;
        let replica = arguments.replica.replica(&client)?;
        if arguments.create_crds {
            definitions::create(&client, &arguments.controllers).await;
        }
        let audit_token = arguments.audit_token_file.as_deref().map(token).transpose()?;
        let doors = web::Doors { shows_looks: arguments.debug_endpoints, audit_token };
        let _held = hold(&arguments.data_dir).await?;
        let ledger = Ledger::open(&arguments.data_dir)?;
        let settings = EngineSettings {
            ledger,
            metrics,
            data_folder: arguments.data_dir,
            argo_namespace: arguments.argocd_namespace,
            families: arguments.controllers,
            replica,
            allowed_commands: arguments.allow_exec,
        };
        let artifacts = Artifacts::listen(arguments.artifact_addr, arguments.artifact_adv_addr).await?;
        let flux = FluxSettings {
            namespace: Some(arguments.flux_namespace),
            artifact_address: Some(artifacts.advertised.clone()),
            default_service_account: arguments.default_service_account,
            no_cross_namespace_references: arguments.no_cross_namespace_refs,
        };
        let engine = Engine::with_flux(client, settings, flux);
        let artifacts = artifacts.serve(artifact_store(&engine.settings));
        let web = web::Web::start(&engine, arguments.listen, doors).await?;
        let ended = replica::hold(&engine, stopped());
        let public = listen(arguments.public_listen, public_router(web.index.clone()))?;
        let metrics = listen(arguments.metrics_addr, metrics_router(web.index.clone()))?;
        super::print(&format!("{}\n", web.address))?;
        tokio::select! {
            result = engine.run() => result,
            result = web.serve(ended) => result,
            result = public => result,
            result = metrics => result,
            result = artifacts => result,
        }
    })
}

/// A command by its absolute path or its bare name: what else it means depends on where Belay was started.
fn command(text: &str) -> Result<String, String> {
    match text.starts_with('/') || !(text.is_empty() || text.contains('/')) {
        true => Ok(text.to_owned()),
        false => Err("neither an absolute path nor the name of a command".to_owned()),
    }
}

/// The token that a file holds.
fn token(file: &Path) -> anyhow::Result<Secret<String>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let token = text.trim();
    anyhow::ensure!(!token.is_empty(), "{} holds no token", file.display());
    Ok(Secret::new(token.to_owned()))
}

/// Serves what others may reach; never ends where nothing is asked for. In a thread of its own: who pushes in a storm of
/// pushes does not wait for the looks that they bring.
fn listen(
    address: Option<SocketAddr>,
    routes: axum::Router,
) -> anyhow::Result<impl Future<Output = anyhow::Result<()>>> {
    let ended = match address {
        Some(address) => {
            let bound = std::net::TcpListener::bind(address);
            let listener = bound.with_context(|| format!("{address} cannot be listened on"))?;
            let (end, ended) = oneshot::channel();
            let serving = std::thread::Builder::new().name(format!("serves {address}"));
            serving.spawn(move || end.send(serve_here(listener, routes)))?;
            Some(ended)
        }
        None => None,
    };
    Ok(async move {
        match ended {
            Some(ended) => ended.await?,
            None => std::future::pending().await,
        }
    })
}

/// Serves in the current thread, for ever.
fn serve_here(listener: std::net::TcpListener, routes: axum::Router) -> anyhow::Result<()> {
    listener.set_nonblocking(true)?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        Ok(belay_server::serve(listener, routes, std::future::pending()).await?)
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
