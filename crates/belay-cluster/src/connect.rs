//! A client for the cluster that a kubeconfig or the pod's service account names.

use std::path::{Path, PathBuf};

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

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
