//! ExternalArtifact: files that another controller serves. They are fetched once for all that use them, when one does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use belay_filetree::MemoryTree;
use belay_flux_api::{Artifact, EXTERNAL_ARTIFACT};
use belay_manifest::{GroupVersionKind, Object, ObjectKey};
use belay_source::{
    ArtifactFetchError, Checkout, FetchLimits, SignedObjects, UnpackError, UnpackLimits, fetch_artifact,
    unpack,
};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use crate::context::{Context, Source, lock};
use crate::ignore::Ignore;

/// The kind's name.
pub(crate) const KIND: &str = "ExternalArtifact";
/// Where an artifact says which revision it was made from.
const ORIGIN: &str = "org.opencontainers.image.revision";
/// A failure answers whoever asks so soon after it.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// The kind.
pub(crate) fn kind() -> GroupVersionKind {
    GroupVersionKind::new(&EXTERNAL_ARTIFACT.api_version(), KIND)
}

/// Why there are no files.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Unavailable {
    #[error("file not found")]
    NotFound,
    #[error("{0}")]
    Fetch(Arc<ArtifactFetchError>),
    #[error("failed to extract archive (check whether file size exceeds max download size)")]
    Unpack(#[source] Arc<UnpackError>),
    #[error("fetching ended unexpectedly")]
    Ended,
}

/// The newest failure for each artifact. The lock makes those who want the same files wait for one fetch.
#[derive(Default)]
pub(crate) struct Fetches {
    fetches: Mutex<HashMap<ObjectKey, Arc<AsyncMutex<Option<Failure>>>>>,
}

struct Failure {
    when: Instant,
    of: (String, String),
    why: Unavailable,
}

impl Fetches {
    fn of(&self, key: &ObjectKey) -> Arc<AsyncMutex<Option<Failure>>> {
        lock(&self.fetches).entry(key.clone()).or_default().clone()
    }

    /// Forgets an artifact that has gone.
    pub(crate) fn forget(&self, key: &ObjectKey) {
        lock(&self.fetches).remove(key);
    }
}

/// What an object's status says is there.
pub(crate) fn artifact(object: &Object) -> Option<Artifact> {
    let artifact = object.value().pointer("/status/artifact")?;
    serde_json::from_value(artifact.clone()).ok()
}

/// The files of an artifact.
pub(crate) async fn files(
    context: &Context,
    key: &ObjectKey,
    artifact: &Artifact,
) -> Result<Source, Unavailable> {
    let fetch = context.fetches.of(key);
    let mut failure = fetch.lock().await;
    let is_it = |known: &Source| known.revision == artifact.revision && known.digest == artifact.digest;
    if let Some(known) = context.source(key).filter(is_it) {
        return Ok(known);
    }
    let of = (artifact.url.clone(), artifact.digest.clone());
    if let Some(known) = failure.as_ref()
        && known.of == of
        && known.when.elapsed() < AFTER_FAILURE
    {
        return Err(known.why.clone());
    }
    match fetched(&of.0, &of.1).await {
        Ok(tree) => {
            *failure = None;
            let source = source(artifact, tree);
            context.keep_fetched(key, source.clone());
            Ok(source)
        }
        Err(why) => {
            *failure = Some(Failure { when: Instant::now(), of, why: why.clone() });
            Err(why)
        }
    }
}

async fn fetched(url: &str, digest: &str) -> Result<MemoryTree, Unavailable> {
    let (url, digest) = (url.to_owned(), digest.to_owned());
    let work = move || {
        let bytes = fetch_artifact(&url, &digest, FetchLimits::default()).map_err(|error| match error {
            ArtifactFetchError::NotFound => Unavailable::NotFound,
            other => Unavailable::Fetch(Arc::new(other)),
        })?;
        unpack(&bytes, UnpackLimits::default()).map_err(|error| Unavailable::Unpack(Arc::new(error)))
    };
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(Unavailable::Ended))
}

fn source(artifact: &Artifact, tree: MemoryTree) -> Source {
    let origin = artifact.metadata.get(ORIGIN).cloned().unwrap_or_default();
    let checkout = Checkout {
        commit: artifact.digest.clone(),
        reference: String::new(),
        tree: Arc::new(tree),
        subject: artifact.revision.clone(),
        author: String::new(),
        date: 0,
        signed: SignedObjects::default(),
    };
    Source {
        revision: artifact.revision.clone(),
        origin,
        checkout,
        ignore: Arc::new(Ignore::default()),
        digest: artifact.digest.clone(),
    }
}
