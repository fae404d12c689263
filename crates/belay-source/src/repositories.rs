//! What the controllers ask of sources: the files at a revision of a repository.

use std::sync::Arc;
use std::time::Duration;

use belay_filetree::FileTree;

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

/// Name and password for a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Login {
    /// The user's name; may be empty beside a token.
    pub username: String,
    /// The password or token.
    pub password: String,
}

/// Repositories, by URL.
pub trait Repositories: Send + Sync {
    /// The files at `revision` (a branch, tag, commit or `HEAD`; empty is `HEAD`). The remote is
    /// asked unless it was asked less than `max_age` ago.
    fn checkout<'a>(
        &'a self,
        url: &'a str,
        revision: &'a str,
        login: Option<&'a Login>,
        max_age: Duration,
    ) -> futures::future::BoxFuture<'a, Result<Checkout, CheckoutError>>;

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
