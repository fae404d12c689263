//! The same repositories over HTTPS.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{GitServerOptions, git_router};
use crate::tls::{Clients, Identity, ServerCertificate, TlsServerError, identity, serve};

/// A Git server over HTTPS on the loopback address. It stops when it is dropped.
#[derive(Debug)]
pub struct HttpsServer {
    address: SocketAddr,
    authority: String,
    client: (String, String),
    task: JoinHandle<()>,
}

impl HttpsServer {
    /// Listens and serves from now on, in tasks of the current runtime.
    pub async fn start(
        options: GitServerOptions,
        certificate: ServerCertificate,
        clients: Clients,
    ) -> Result<HttpsServer, TlsServerError> {
        let Identity { authority, tls, client_certificate, client_key } = identity(certificate, clients)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(serve(listener, tls, git_router(options)));
        Ok(HttpsServer { address, authority, client: (client_certificate, client_key), task })
    }

    /// The URL of a repository, which need not exist.
    pub fn url_of(&self, name: &str) -> String {
        format!("https://{}/{}.git", self.address, name.strip_suffix(".git").unwrap_or(name))
    }

    /// Who vouches for the server, as PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The certificate and the key of a client that the authority vouches for, as PEM.
    pub fn client(&self) -> (&str, &str) {
        (&self.client.0, &self.client.1)
    }
}

impl Drop for HttpsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
