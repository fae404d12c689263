//! Single files of a repository, by URL.

use std::path::PathBuf;

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::{GitServerOptions, repository_path};
use crate::Repository;

/// One file of the default branch.
pub(super) struct File {
    repository: PathBuf,
    path: String,
}

impl File {
    /// The file that a path of the server names; none for paths of Git's protocol.
    pub(super) fn named(options: &GitServerOptions, path: &str) -> Option<File> {
        let (name, path) = path.split_once(".git/raw/")?;
        Some(File { repository: repository_path(&options.folder, name)?, path: path.to_owned() })
    }

    /// The file, or 404.
    pub(super) async fn answer(self) -> Response {
        let read = move || Repository::open(&self.repository).ok()?.read(&self.path).ok()?;
        match tokio::task::spawn_blocking(read).await {
            Ok(Some(content)) => content.into_response(),
            Ok(None) => (StatusCode::NOT_FOUND, "no such file\n").into_response(),
            Err(_panicked) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}
