//! Servers and fixtures for tests and the demo.
//!
//! - [`Repository`]: a bare Git repository written in process.
//! - [`GitServer`]: fetch and push over smart HTTP for the bare repositories of a folder, without a
//!   `git` binary, with faults on demand. [`SshServer`]: fetch over SSH, [`HttpsServer`]: over HTTPS.
//! - [`WebhookServer`]: admission webhooks over HTTPS that say what they are told to say.

mod git_server;
mod repository;
mod tls;
mod webhook_server;

pub use git_server::{
    BadPack, Fault, Faults, GitServer, GitServerError, GitServerOptions, HttpsServer, OnPush, SshServer,
    SshServerOptions, git_router,
};
pub use repository::{Author, Change, DEFAULT_BRANCH, Repository, RepositoryError};
pub use tls::{Clients, ServerCertificate, TlsServerError};
pub use webhook_server::{Asked, Webhook, WebhookAnswer, WebhookServer};
