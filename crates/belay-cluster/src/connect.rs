//! A client for the cluster that a kubeconfig or the pod's service account names.

use std::path::{Path, PathBuf};
use std::time::Duration;

use belay_manifest::Secret;
use belay_metrics::Metrics;

use crate::exec::{ExecLogin, client_by_command};
use crate::measured::measured;
use crate::paced::paced;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig cannot be read or used.
    #[error("kubeconfig {path:?} cannot be used")]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No kubeconfig was named, none is found, and this is not a pod.
    #[error("no cluster: KUBECONFIG names none, and this does not run in a pod")]
    NoCluster {
        /// What was tried.
        #[source]
        source: kube::config::InferConfigError,
    },
    /// What is said of a cluster is no way to reach it.
    #[error("{server} cannot be reached as described")]
    Connection {
        /// The cluster's URL.
        server: String,
        /// What is wrong; says nothing of secret values.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The settings hold something a client cannot be made of.
    #[error("the cluster's settings cannot be used")]
    Client {
        /// What is wrong.
        #[source]
        source: kube::Error,
    },
}

/// A client for the kubeconfig, or, without one, for what `KUBECONFIG` or the pod gives.
pub async fn connect(kubeconfig: Option<&Path>) -> Result<Client, ConnectError> {
    let config = match kubeconfig {
        Some(path) => from_file(path).await?,
        None => Config::infer().await.map_err(|source| ConnectError::NoCluster { source })?,
    };
    Client::try_from(config).map_err(|source| ConnectError::Client { source })
}

async fn from_file(path: &Path) -> Result<Config, ConnectError> {
    let fail = |source: kube::config::KubeconfigError| ConnectError::Kubeconfig {
        path: path.to_owned(),
        source: Box::new(source),
    };
    let kubeconfig = Kubeconfig::read_from(path).map_err(fail)?;
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.map_err(fail)
}

/// How long a connection to another cluster may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// How long another cluster may be silent in the middle of a request.
const SILENCE: Duration = Duration::from_secs(30);

/// How another cluster is reached, in the words of a kubeconfig. Data are PEM in base64.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the fields are those of a kubeconfig, documented there")]
pub struct Connection {
    pub server: String,
    pub insecure: bool,
    pub server_name: String,
    pub ca_data: String,
    pub certificate_data: String,
    pub key_data: Secret<String>,
    pub username: String,
    pub password: Secret<String>,
    pub token: Secret<String>,
    pub proxy_url: String,
    pub disable_compression: bool,
    pub exec: Option<ExecLogin>,
}

/// Two clients of one cluster: a request has to be answered soon, a watch may be silent for long.
#[derive(Clone)]
pub struct Clients {
    /// For requests.
    pub requests: Client,
    /// For lists and watches.
    pub watches: Client,
}

impl Clients {
    /// The same, with their requests counted, and as many at once as the cluster answers well.
    pub fn measured(&self, metrics: &Metrics, server: &str) -> Clients {
        let host = server.split_once("://").map_or(server, |(_, host)| host).trim_end_matches('/');
        Clients {
            requests: measured(&paced(&self.requests), metrics, host),
            watches: measured(&self.watches, metrics, host),
        }
    }
}

impl Connection {
    /// Clients for this cluster. Asks it nothing.
    pub async fn clients(&self) -> Result<Clients, ConnectError> {
        let fail = |source: kube::config::KubeconfigError| ConnectError::Connection {
            server: self.server.clone(),
            source: Box::new(source),
        };
        let kubeconfig: Kubeconfig = serde_json::from_value(self.kubeconfig()).map_err(|source| {
            ConnectError::Connection { server: self.server.clone(), source: source.into() }
        })?;
        let client = |config| match &self.exec {
            Some(login) => Ok(client_by_command(config, login)),
            None => client(config),
        };
        let mut config =
            Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.map_err(fail)?;
        config.connect_timeout = Some(CONNECT);
        config.read_timeout = None;
        let watches = client(config.clone())?;
        config.read_timeout = Some(SILENCE);
        config.write_timeout = Some(SILENCE);
        config.reset_reader_on_write = true;
        Ok(Clients { requests: client(config)?, watches })
    }

    fn kubeconfig(&self) -> Value {
        let cluster = json!({
            "server": self.server,
            "insecure-skip-tls-verify": self.insecure,
            "tls-server-name": some(&self.server_name),
            "certificate-authority-data": some(&self.ca_data),
            "proxy-url": some(&self.proxy_url),
            "disable-compression": self.disable_compression,
            "extensions": self.exec.as_ref().and_then(ExecLogin::extensions),
        });
        let user = json!({
            "client-certificate-data": some(&self.certificate_data),
            "client-key-data": some(self.key_data.expose()),
            "username": some(&self.username),
            "password": some(self.password.expose()),
            "token": some(self.token.expose()),
            "exec": self.exec.as_ref().map(ExecLogin::user),
        });
        json!({
            "clusters": [{"name": "it", "cluster": cluster}],
            "users": [{"name": "it", "user": user}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
            "current-context": "it",
        })
    }
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn client(config: Config) -> Result<Client, ConnectError> {
    Client::try_from(config).map_err(|source| ConnectError::Client { source })
}
