//! The same repositories over HTTPS.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{GitServerOptions, git_router};
use crate::tls::{ServerCertificate, TlsServerError, identity, serve};

/// A Git server over HTTPS on the loopback address. It stops when it is dropped.
#[derive(Debug)]
pub struct HttpsServer {
    address: SocketAddr,
    authority: String,
    task: JoinHandle<()>,
}

impl HttpsServer {
    /// Listens and serves from now on, in tasks of the current runtime.
    pub async fn start(
        options: GitServerOptions,
        certificate: ServerCertificate,
    ) -> Result<HttpsServer, TlsServerError> {
        let (authority, tls) = identity(certificate)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(serve(listener, tls, git_router(options)));
        Ok(HttpsServer { address, authority, task })
    }

    /// The URL of a repository, which need not exist.
    pub fn url_of(&self, name: &str) -> String {
        format!("https://{}/{}.git", self.address, name.strip_suffix(".git").unwrap_or(name))
    }

    /// Who vouches for the server, as PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

impl Drop for HttpsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
