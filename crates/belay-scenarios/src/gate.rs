//! A second way to the API server, for one scenario alone: a cluster that can die, hang and come back.

use std::net::SocketAddr;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use kube::config::Kubeconfig;
use serde::Deserialize;
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How the gate treats connections, old and new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum GateMode {
    /// They go through.
    Up,
    /// They break.
    Down,
    /// They are taken, and nothing goes through.
    Hang,
}

/// Where the API server is.
#[derive(Debug, Clone)]
pub(crate) struct ApiServer {
    scheme: String,
    address: String,
    /// How it is trusted, as a cluster Secret says that.
    pub(crate) tls: String,
    /// Its authority's certificate, as a kubeconfig says that; may be empty.
    pub(crate) authority: String,
}

impl ApiServer {
    /// What a kubeconfig says of its current cluster.
    pub(crate) fn of(kubeconfig: &Kubeconfig) -> anyhow::Result<ApiServer> {
        let current = kubeconfig.current_context.as_deref().unwrap_or_default();
        let context = kubeconfig.contexts.iter().find(|context| context.name == current);
        let name =
            context.and_then(|context| context.context.as_ref()).map(|context| context.cluster.as_str());
        let named = kubeconfig.clusters.iter().find(|cluster| Some(cluster.name.as_str()) == name);
        let cluster = named.and_then(|cluster| cluster.cluster.as_ref()).context("no cluster")?;
        let server = cluster.server.as_deref().context("the cluster has no address")?;
        let (scheme, address) = server.split_once("://").context("the address is no URL")?;
        let authority = match (&cluster.certificate_authority_data, &cluster.certificate_authority) {
            (Some(data), _) => data.clone(),
            (None, Some(path)) => BASE64.encode(std::fs::read(path).context("the cluster's authority")?),
            (None, None) => String::new(),
        };
        Ok(ApiServer {
            scheme: scheme.to_owned(),
            address: address.trim_end_matches('/').to_owned(),
            tls: match authority.as_str() {
                "" => json!({"insecure": scheme == "https"}).to_string(),
                authority => json!({"caData": authority}).to_string(),
            },
            authority,
        })
    }
}

/// The gate of one scenario; it ends with the value.
pub(crate) struct Gate {
    address: SocketAddr,
    scheme: String,
    mode: watch::Sender<GateMode>,
    task: JoinHandle<()>,
}

impl Gate {
    /// An open gate before the API server.
    pub(crate) async fn open(server: &ApiServer) -> anyhow::Result<Gate> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (mode, modes) = watch::channel(GateMode::Up);
        let target = server.address.clone();
        let task = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(pass(connection, target.clone(), modes.clone()));
            }
        });
        Ok(Gate { address, scheme: server.scheme.clone(), mode, task })
    }

    /// The URL by which the API server is reached through the gate.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// From now on connections are treated so.
    pub(crate) fn set(&self, mode: GateMode) {
        self.mode.send_replace(mode);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
        self.mode.send_replace(GateMode::Down);
    }
}

/// Passes one connection on for as long as the gate is open.
async fn pass(mut connection: TcpStream, target: String, mut modes: watch::Receiver<GateMode>) {
    if *modes.borrow() == GateMode::Up {
        let Ok(mut server) = TcpStream::connect(target).await else { return };
        tokio::select! {
            _ended = copy_bidirectional(&mut connection, &mut server) => return,
            _closed = modes.wait_for(|mode| *mode != GateMode::Up) => {}
        }
    }
    // Held for as long as the gate hangs, then broken.
    let _ = modes.wait_for(|mode| *mode != GateMode::Hang).await;
}
