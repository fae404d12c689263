//! The API over HTTPS and HTTP, with a kubeconfig for people.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::persist::DataError;
use crate::service::{KubeService, LocalKube, Settings};

/// How long open requests have when the server ends; watches do not end by themselves.
const GRACE: Duration = Duration::from_millis(300);

/// Where to serve.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The folder for the kubeconfig; made if missing.
    pub dir: PathBuf,
    /// The HTTPS port; a free one if none is given.
    pub port: Option<u16>,
    /// Serve plain HTTP on this port too.
    pub http_port: Option<u16>,
    /// The cluster's behaviour.
    pub settings: Settings,
}

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken or not allowed.
    #[error("cannot listen on 127.0.0.1:{0}")]
    Listen(u16, #[source] std::io::Error),
    /// The folder or the kubeconfig cannot be written.
    #[error("cannot write {0}")]
    Write(PathBuf, #[source] std::io::Error),
    /// The server's certificate cannot be made.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// The certificate cannot be used.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    /// The saved state cannot be read.
    #[error("cannot read the saved state")]
    Data(#[from] DataError),
}

/// A server that runs until [`Running::shutdown`].
#[derive(Debug)]
pub struct Running {
    /// `https://127.0.0.1:PORT`.
    pub api_url: String,
    /// `http://127.0.0.1:PORT`, if asked for.
    pub http_url: Option<String>,
    /// The file that kubectl takes; its path is absolute.
    pub kubeconfig: PathBuf,
    /// The administrator's bearer token.
    pub token: String,
    /// The cluster behind it.
    pub cluster: LocalKube,
    stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
    saver: Option<crate::persist::Saver>,
}

impl LocalKube {
    /// Serve a cluster on the loopback interface and write its kubeconfig.
    pub async fn start(options: Options) -> Result<Running, StartError> {
        std::fs::create_dir_all(&options.dir)
            .map_err(|error| StartError::Write(options.dir.clone(), error))?;
        let dir =
            options.dir.canonicalize().map_err(|error| StartError::Write(options.dir.clone(), error))?;
        let saved = options.settings.data.as_deref().map(crate::persist::read).transpose()?.flatten();
        let cluster = Self::with_saved(&options.settings, saved);
        let identity = Identity::make()?;
        let token = cluster.cluster.with(|state| {
            // Known to others only by chance, whatever seed names have.
            let token = crate::random::Random::new(None).letters(40);
            state.identity.authority = identity.authority.clone();
            state.identity.admin = token.clone();
            token
        });
        let (stop, stopped) = watch::channel(false);

        let (listener, port) = listen(options.port.unwrap_or(0)).await?;
        let service = cluster.guarded_service();
        let acceptor = TlsAcceptor::from(identity.tls);
        let mut servers =
            vec![tokio::spawn(accept(listener, Some(acceptor), service.clone(), stopped.clone()))];
        let mut http_url = None;
        if let Some(port) = options.http_port {
            let (listener, port) = listen(port).await?;
            http_url = Some(format!("http://127.0.0.1:{port}"));
            servers.push(tokio::spawn(accept(listener, None, service, stopped)));
        }
        let api_url = format!("https://127.0.0.1:{port}");
        let kubeconfig = dir.join("kubeconfig");
        write_kubeconfig(&kubeconfig, &api_url, &identity.authority, &token)?;
        let saver = options
            .settings
            .data
            .clone()
            .map(|file| crate::persist::Saver::start(cluster.cluster.clone(), file));
        Ok(Running { api_url, http_url, kubeconfig, token, cluster, stop, servers, saver })
    }
}

impl Running {
    /// Stop listening, let open requests end, save the state if it is kept.
    pub async fn shutdown(self) -> Result<(), StartError> {
        self.stop.send_replace(true);
        for server in self.servers {
            // A server task that panicked has ended too.
            let _ended = server.await;
        }
        if let Some(saver) = self.saver {
            saver.finish()?;
        }
        Ok(())
    }
}

async fn listen(port: u16) -> Result<(TcpListener, u16), StartError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(address).await.map_err(|error| StartError::Listen(port, error))?;
    let port = listener.local_addr().map_err(|error| StartError::Listen(port, error))?.port();
    Ok((listener, port))
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    service: KubeService,
    mut stopped: watch::Receiver<bool>,
) {
    let open = GracefulShutdown::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        let Ok((stream, _)) = stream else {
            // Out of file descriptors, most likely: give it a moment.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        // Small writes of a watch must not wait.
        let _best_effort = stream.set_nodelay(true);
        let (service, watcher) = (service.clone(), open.watcher());
        match tls.clone() {
            None => {
                tokio::spawn(serve_connection(stream, service, watcher));
            }
            Some(tls) => {
                tokio::spawn(async move {
                    if let Ok(Ok(stream)) =
                        tokio::time::timeout(Duration::from_secs(10), tls.accept(stream)).await
                    {
                        serve_connection(stream, service, watcher).await;
                    }
                });
            }
        }
    }
    drop(listener);
    // Watches are open for ever, so the wait has an end.
    let _elapsed = tokio::time::timeout(GRACE, open.shutdown()).await;
}

async fn serve_connection<S>(stream: S, service: KubeService, watcher: hyper_util::server::graceful::Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let builder = auto::Builder::new(TokioExecutor::new());
    let connection =
        builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service));
    if let Err(error) = watcher.watch(connection.into_owned()).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// The server's certificate and the authority that signed it.
struct Identity {
    authority: String,
    tls: Arc<rustls::ServerConfig>,
}

impl Identity {
    fn make() -> Result<Self, StartError> {
        let mut authority = CertificateParams::new(Vec::<String>::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        authority.distinguished_name.push(rcgen::DnType::CommonName, "belay-localkube");
        let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let names = ["localhost", "127.0.0.1", "kubernetes", "kubernetes.default.svc"].map(str::to_owned);
        let mut server = CertificateParams::new(names)?;
        server.distinguished_name.push(rcgen::DnType::CommonName, "kube-apiserver");
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = server.signed_by(&key, &issuer)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { authority: issuer.pem(), tls: Arc::new(tls) })
    }
}

fn write_kubeconfig(path: &Path, url: &str, authority: &str, token: &str) -> Result<(), StartError> {
    let authority = STANDARD.encode(authority);
    let text = format!(
        "apiVersion: v1
kind: Config
current-context: localkube
clusters:
- name: localkube
  cluster:
    server: {url}
    certificate-authority-data: {authority}
contexts:
- name: localkube
  context:
    cluster: localkube
    user: admin
users:
- name: admin
  user:
    token: {token}
"
    );
    crate::persist::write_private(path, text.as_bytes())
        .map_err(|error| StartError::Write(path.to_owned(), error))
}
