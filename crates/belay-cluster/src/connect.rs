//! A client for the cluster that a kubeconfig or the pod's service account names.

use std::path::{Path, PathBuf};
use std::time::Duration;

use belay_manifest::Secret;
use belay_metrics::Metrics;

use crate::exec::{ExecLogin, client_by_command};
use crate::measured::measured;
use crate::paced::paced;

use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use tower::service_fn;

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
    Ok(Clients::of(config, HOME, client)?.joined())
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
/// With the own cluster: a write may wait for a webhook, which may take 30 s.
const HOME: Patience = Patience { request: Duration::from_secs(45), watch: BOOKMARKED };
/// With another cluster.
const ANOTHER: Patience = Patience { request: Duration::from_secs(30), watch: BOOKMARKED };
/// API servers send a bookmark each minute, where nothing else is to be told.
const BOOKMARKED: Duration = Duration::from_secs(100);

/// How long a cluster may be silent: the other end of a connection may be gone without a word.
#[derive(Debug, Clone, Copy)]
struct Patience {
    request: Duration,
    watch: Duration,
}

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
    fn of(
        mut config: Config,
        patience: Patience,
        client: impl Fn(Config) -> Result<Client, ConnectError>,
    ) -> Result<Clients, ConnectError> {
        config.read_timeout = Some(patience.watch);
        let watches = client(config.clone())?;
        config.read_timeout = Some(patience.request);
        config.write_timeout = Some(patience.request);
        config.reset_reader_on_write = true;
        Ok(Clients { requests: client(config)?, watches })
    }

    /// One client that knows which of both is meant.
    fn joined(self) -> Client {
        let namespace = self.requests.default_namespace().to_owned();
        let service = service_fn(move |request: http::Request<Body>| {
            let client = if is_watch(request.uri()) { &self.watches } else { &self.requests }.clone();
            async move { client.send(request).await }
        });
        Client::new(service, namespace)
    }

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
        Clients::of(config, ANOTHER, client)
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

/// Whether the answer is a stream of events, which may be silent for long.
fn is_watch(address: &http::Uri) -> bool {
    address.query().is_some_and(|query| query.split('&').any(|part| part == "watch=true"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{StreamExt, pin_mut};
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::api::{Api, WatchParams};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::{Instant, sleep, timeout};

    const EVENT: &str = "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\
        \"metadata\":{\"name\":\"a\",\"resourceVersion\":\"7\"}}}\n";

    /// A server that answers watches with an event each 400 ms, three in all, and nothing else; then it is silent.
    async fn falls_silent() -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(fall_silent(stream));
            }
        });
        port
    }

    async fn fall_silent(mut stream: TcpStream) {
        let mut request = [0; 4096];
        let length = stream.read(&mut request).await.expect("a request");
        if String::from_utf8_lossy(&request[..length]).contains("watch=true") {
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes()).await.expect("the head is sent");
            for _ in 0..3 {
                let chunk = format!("{:x}\r\n{EVENT}\r\n", EVENT.len());
                stream.write_all(chunk.as_bytes()).await.expect("an event is sent");
                sleep(Duration::from_millis(400)).await;
            }
        }
        std::future::pending().await
    }

    #[tokio::test]
    async fn a_silent_server_is_given_up_and_a_watch_has_more_time() {
        let address = format!("http://127.0.0.1:{}", falls_silent().await);
        let config = Config::new(address.parse().expect("an address"));
        let patience = Patience { request: Duration::from_millis(100), watch: Duration::from_millis(900) };
        let client = Clients::of(config, patience, client).expect("clients").joined();
        let api: Api<ConfigMap> = Api::namespaced(client, "default");

        let asked = timeout(Duration::from_secs(20), api.get("a")).await.expect("a request is given up");
        assert!(asked.is_err(), "{asked:?}");

        let start = Instant::now();
        let events = api.watch(&WatchParams::default(), "0").await.expect("a watch");
        pin_mut!(events);
        for _ in 0..3 {
            assert!(matches!(events.next().await, Some(Ok(_))), "three events come, however slowly");
        }
        let end = timeout(Duration::from_secs(20), events.next()).await.expect("a watch is given up");
        assert!(!matches!(end, Some(Ok(_))), "{end:?}");
        assert!(
            start.elapsed() > Duration::from_millis(1600),
            "it was given its time: {:?}",
            start.elapsed()
        );
    }
}
