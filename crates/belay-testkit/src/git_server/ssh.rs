//! The same repositories over SSH: `git-upload-pack` for those whose key is known.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use russh::keys::{PrivateKey, PublicKey};
use russh::server::{self, Auth, ChannelOpenHandle, Msg, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::io::SyncIoBridge;

use super::{GitServerError, repository_path, upload};

/// How to serve a folder of repositories over SSH.
pub struct SshServerOptions {
    /// Where the repositories lie.
    pub folder: PathBuf,
    /// The server's own key.
    pub host_key: PrivateKey,
    /// The keys of those who may fetch.
    pub users: Vec<PublicKey>,
}

/// An SSH server on the loopback address. It stops when it is dropped.
pub struct SshServer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl SshServer {
    /// Listens on a free port and serves from now on, in tasks of the current runtime.
    pub async fn start(options: SshServerOptions) -> Result<SshServer, GitServerError> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let failed = |source| GitServerError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let config = Arc::new(server::Config {
            keys: vec![options.host_key],
            auth_rejection_time: std::time::Duration::from_millis(10),
            ..server::Config::default()
        });
        let users = Arc::new(options.users);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let client =
                    Client { folder: options.folder.clone(), users: users.clone(), channels: HashMap::new() };
                let config = config.clone();
                tokio::spawn(async move {
                    if let Ok(session) = server::run_stream(config, stream, client).await {
                        let _ = session.await;
                    }
                });
            }
        });
        Ok(SshServer { address, task })
    }

    /// The server's port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The URL of a repository.
    pub fn url_of(&self, name: &str) -> String {
        format!("ssh://git@127.0.0.1:{}/{name}.git", self.port())
    }
}

impl Drop for SshServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection.
struct Client {
    folder: PathBuf,
    users: Arc<Vec<PublicKey>>,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

impl server::Handler for Client {
    type Error = russh::Error;

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, russh::Error> {
        let is_known = self.users.iter().any(|known| known.key_data() == key.public_key.key_data());
        Ok(if is_known && user == "git" { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        let repository = String::from_utf8_lossy(command)
            .strip_prefix("git-upload-pack '")
            .and_then(|rest| rest.strip_suffix('\''))
            .and_then(|name| repository_path(&self.folder, name.trim_start_matches('/')))
            .filter(|path| path.join("HEAD").is_file());
        let (Some(channel), Some(repository)) = (self.channels.remove(&id), repository) else {
            session.channel_failure(id)?;
            return session.close(id);
        };
        session.channel_success(id)?;
        let (input, output) = tokio::io::split(channel.into_stream());
        let (mut input, mut output) = (SyncIoBridge::new(input), SyncIoBridge::new(output));
        tokio::task::spawn_blocking(move || {
            let Ok(repository) = gix::open_opts(repository, gix::open::Options::isolated()) else { return };
            if let Err(error) = upload::converse(&repository, &mut input, &mut output) {
                tracing::debug!(%error, "the conversation broke off");
            }
            let _ = output.shutdown();
        });
        Ok(())
    }
}
