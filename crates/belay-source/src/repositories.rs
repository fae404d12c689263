//! What the controllers ask of sources: the files at a revision of a repository, and single files by URL.

use std::sync::Arc;
use std::time::Duration;

use belay_filetree::FileTree;

use crate::access::Access;
use crate::download::FetchLimits;
use crate::revision::Revision;
use crate::signature::SignedObjects;

/// One commit of a repository, as a tree of files.
#[derive(Clone)]
pub struct Checkout {
    /// The commit's full id.
    pub commit: String,
    /// The branch or tag that was asked for and found; empty for a commit.
    pub reference: String,
    /// Its files.
    pub tree: Arc<dyn FileTree>,
    /// The first line of its message.
    pub subject: String,
    /// Its author, `Name <address>`.
    pub author: String,
    /// When it was made, in seconds since 1970.
    pub date: i64,
    /// The commit, and the tag that led to it, as they may be signed.
    pub signed: SignedObjects,
}

/// Why a revision of a repository is not to be had. The text names the URL without credentials.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct CheckoutError {
    /// What went wrong, for people.
    pub message: String,
    /// Whether asking again may help: `false` for a revision that does not exist.
    pub transient: bool,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which repository.
    pub url: String,
    /// Which of its commits.
    pub revision: Revision,
    /// What its server is shown.
    pub access: Access,
    /// The remote is asked unless it was asked less than this ago.
    pub max_age: Duration,
    /// How long the remote may take; as long as the store allows if nothing is said.
    pub timeout: Option<Timeout>,
}

/// How long a remote may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeout {
    /// Until it has said what it has.
    pub answer: Duration,
    /// Until everything is here.
    pub whole: Duration,
}

impl From<Duration> for Timeout {
    /// One time for both.
    fn from(whole: Duration) -> Timeout {
        Timeout { answer: whole, whole }
    }
}

impl Request {
    /// The newest commit that a name means, from a server that asks for nothing.
    pub fn new(url: impl Into<String>, revision: Revision) -> Request {
        Request {
            url: url.into(),
            revision,
            access: Access::default(),
            max_age: Duration::ZERO,
            timeout: None,
        }
    }
}

/// Repositories, by URL.
pub trait Repositories: Send + Sync {
    /// The files at a revision.
    fn checkout<'a>(
        &'a self,
        request: &'a Request,
    ) -> futures::future::BoxFuture<'a, Result<Checkout, CheckoutError>>;

    /// The file at an `http(s)` URL, whose server is shown this; of logins only those by a name and a password. An error
    /// is worded as Helm's.
    fn file<'a>(
        &'a self,
        url: &'a str,
        access: &'a Access,
        limits: FetchLimits,
    ) -> futures::future::BoxFuture<'a, Result<Vec<u8>, CheckoutError>>;

    /// Makes the next [`checkout`](Repositories::checkout) of this repository ask the remote.
    fn forget(&self, url: &str);
}

/// A URL in the form in which two spellings of one repository are equal: lower case, without
/// `.git`, scheme `ssh://` and a trailing slash (Argo CD's rule).
pub fn normalised_url(url: &str) -> String {
    let lower = url.trim().to_lowercase();
    let lower = match lower.split_once('@') {
        // scp form: git@host:path
        Some((user, rest)) if !lower.contains("://") => format!("{user}@{}", rest.replacen(':', "/", 1)),
        _ => lower,
    };
    let lower = lower.strip_prefix("ssh://").unwrap_or(&lower);
    lower.trim_end_matches('/').trim_end_matches(".git").to_owned()
}
