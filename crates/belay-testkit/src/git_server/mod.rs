//! Git's smart HTTP protocol over the bare repositories of a folder, without a `git` binary.
//!
//! A repository `team/app` lies in `<folder>/team/app.git` and answers at `/team/app.git` and
//! `/team/app`. As hosts of repositories do, it gives single files of the default branch at `/team/app.git/raw/PATH`.

mod bad_pack;
mod faults;
mod http;
mod https;
mod objects;
mod packet;
mod raw;
mod receive;
mod ssh;
mod upload;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::map_request;
use axum::routing::any;
use axum::serve::ListenerExt;
use gix::ObjectId;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use bad_pack::BadPack;
pub use faults::{Fault, Faults};
pub use https::HttpsServer;
pub use ssh::{SshServer, SshServerOptions};

use crate::{Repository, RepositoryError};

/// What runs after a push, with the name of the repository. The client waits for it.
pub type OnPush = Arc<dyn Fn(&str) + Send + Sync>;

/// How to serve a folder of repositories.
#[derive(Clone)]
pub struct GitServerOptions {
    /// Where the repositories lie; made when it is not there.
    pub folder: PathBuf,
    /// The port on the loopback address; any free one when 0.
    pub port: u16,
    /// The user name and password that every request must carry, if any.
    pub login: Option<(String, String)>,
    /// What runs after a push.
    pub on_push: OnPush,
    /// What goes wrong. Keep a clone to change it while the server runs.
    pub faults: Faults,
}

impl GitServerOptions {
    /// A free port, no login, no hook, no faults.
    pub fn new(folder: impl Into<PathBuf>) -> GitServerOptions {
        GitServerOptions {
            folder: folder.into(),
            port: 0,
            login: None,
            on_push: Arc::new(|_| {}),
            faults: Faults::default(),
        }
    }
}

/// Why the server could not start or make a repository.
#[derive(Debug, thiserror::Error)]
pub enum GitServerError {
    /// The port is taken.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The name could lead outside the folder, or into another repository.
    #[error("{name:?} is no name for a repository")]
    Name {
        /// The name as given.
        name: String,
    },
    /// The repository could not be made or opened.
    #[error("cannot serve the repository {name:?}")]
    Repository {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: RepositoryError,
    },
}

/// A Git server on the loopback address. It stops when it is dropped.
pub struct GitServer {
    folder: PathBuf,
    address: SocketAddr,
    questions: Arc<AtomicU64>,
    stopped: CancellationToken,
    task: Option<JoinHandle<()>>,
}

/// Sends what there is, as Git servers do: an answer in two parts would wait for the client to confirm the first.
pub(crate) fn answer_at_once(stream: &mut TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection answers late");
    }
}

impl GitServer {
    /// Listens and serves from now on, in tasks of the current runtime.
    pub async fn start(options: GitServerOptions) -> Result<GitServer, GitServerError> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
        let failed = |source| GitServerError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let stopped = CancellationToken::new();
        let folder = options.folder.clone();
        let questions: Arc<AtomicU64> = Arc::default();
        let router = router(options, stopped.clone());
        let asked = questions.clone();
        let counting = move |request: Request| {
            if request.uri().path().ends_with("/info/refs") {
                asked.fetch_add(1, Ordering::Relaxed);
            }
            std::future::ready(request)
        };
        let router = router.layer(map_request(counting));
        let listener = listener.tap_io(answer_at_once);
        let signal = stopped.clone().cancelled_owned();
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(signal).await {
                tracing::warn!(%error, "the Git server ended");
            }
        });
        Ok(GitServer { folder, address, questions, stopped, task: Some(task) })
    }

    /// Where the server answers: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The URL of a repository, which need not exist.
    pub fn url_of(&self, name: &str) -> String {
        format!("{}/{}.git", self.url(), name.strip_suffix(".git").unwrap_or(name))
    }

    /// How often somebody has begun to ask for a repository, which each fetch does once.
    pub fn questions(&self) -> u64 {
        self.questions.load(Ordering::Relaxed)
    }

    /// Makes an empty repository, or opens it if it is there.
    pub fn create_repository(&self, name: &str) -> Result<Repository, GitServerError> {
        let path = repository_path(&self.folder, name)
            .ok_or_else(|| GitServerError::Name { name: name.to_owned() })?;
        Repository::create(path)
            .map_err(|source| GitServerError::Repository { name: name.to_owned(), source })
    }

    /// Stops listening and lets running requests end; those that hang are broken off.
    pub async fn shutdown(mut self) {
        self.stopped.cancel();
        if let Some(mut task) = self.task.take()
            && tokio::time::timeout(Duration::from_secs(5), &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.stopped.cancel();
    }
}

/// The routes of a Git server, to be mounted at the root or below a prefix of another server.
/// The port of the options does not matter here.
pub fn git_router(options: GitServerOptions) -> Router {
    router(options, CancellationToken::new())
}

fn router(options: GitServerOptions, stopped: CancellationToken) -> Router {
    let service = http::Service::new(options, stopped);
    Router::new().route("/{*path}", any(http::serve)).with_state(Arc::new(service))
}

/// Where a repository lies; `None` for a name that could lead elsewhere.
fn repository_path(folder: &std::path::Path, name: &str) -> Option<PathBuf> {
    let name = name.strip_suffix(".git").unwrap_or(name);
    let parts: Vec<&str> = name.split('/').collect();
    (name.len() <= 200 && parts.len() <= 8 && parts.iter().all(|part| is_usable_part(part)))
        .then(|| folder.join(format!("{name}.git")))
}

fn is_usable_part(part: &str) -> bool {
    let letters = part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    !part.is_empty() && letters && !part.starts_with(['.', '-']) && !part.ends_with(".git")
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
enum GitError {
    /// The client said what this server does not understand.
    #[error("{0}")]
    Request(String),
    /// The connection or the disk failed.
    #[error("the connection or the store failed")]
    Io(#[from] std::io::Error),
    /// An object is missing or damaged.
    #[error("object {id} cannot be read")]
    Object {
        id: ObjectId,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The references cannot be read.
    #[error("the references cannot be read")]
    References(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The repository cannot be opened.
    #[error("the repository cannot be opened")]
    Open(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl GitError {
    fn object<E: Into<Box<dyn std::error::Error + Send + Sync>>>(id: ObjectId) -> impl FnOnce(E) -> GitError {
        move |source| GitError::Object { id, source: source.into() }
    }

    fn references<E: Into<Box<dyn std::error::Error + Send + Sync>>>(source: E) -> GitError {
        GitError::References(source.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside_the_folder() {
        let folder = std::path::Path::new("repositories");
        let found = |name| repository_path(folder, name);
        assert_eq!(found("app"), Some(folder.join("app.git")));
        assert_eq!(found("team/app.git"), Some(folder.join("team/app.git")));
        for name in ["", ".git", "../app", "team/../app", "/app", "app.git/objects", "a//b", "-x", "a b", "ä"]
        {
            assert_eq!(found(name), None, "{name}");
        }
    }
}
