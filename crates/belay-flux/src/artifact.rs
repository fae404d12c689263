//! The artifact of a source: its files as an archive, stored where its status says.

use std::sync::Arc;

use belay_crd::Time;
use belay_flux_api::Artifact;
use belay_source::{ArchiveError, ArtifactError, ArtifactStore, Checkout, StoredArtifact, archive};

use crate::ignore::Ignore;
use crate::repository::Fault;
use belay_causes::chain;

/// Where an artifact goes and what it is of.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// `gitrepository/namespace/name/file`
    pub(crate) path: String,
    /// The host that URLs name.
    pub(crate) address: String,
    /// The revision of what is in it.
    pub(crate) revision: String,
}

impl Place {
    /// The status's words about what is stored here. One that is there already keeps its time.
    pub(crate) fn artifact(&self, stored: &StoredArtifact, known: Option<&Artifact>) -> Artifact {
        let artifact = Artifact {
            digest: stored.digest.clone(),
            last_update_time: Time::from(belay_cluster::now()),
            path: self.path.clone(),
            revision: self.revision.clone(),
            size: i64::try_from(stored.size).ok(),
            url: format!("http://{}/{}", self.address, self.path),
            ..Artifact::default()
        };
        match known {
            Some(known) if known.digest == artifact.digest && known.revision == artifact.revision => {
                Artifact { last_update_time: known.last_update_time.clone(), ..artifact }
            }
            _ => artifact,
        }
    }

    fn is_of(&self, known: &Artifact) -> bool {
        known.path == self.path && known.revision == self.revision
    }

    /// What is stored here, if it is what the status says.
    pub(crate) fn stored(&self, store: &ArtifactStore, known: Option<&Artifact>) -> Option<StoredArtifact> {
        let known = known.filter(|known| self.is_of(known))?;
        store.verified(&self.path, &known.digest).map(|bytes| StoredArtifact::of(&bytes))
    }
}

/// Why there is no artifact.
#[derive(Debug, thiserror::Error)]
enum StoreError {
    #[error("unable to archive artifact to storage")]
    Archive(#[from] ArchiveError),
    #[error("unable to write the artifact")]
    Store(#[from] ArtifactError),
    #[error("archiving ended unexpectedly")]
    Ended,
}

/// What is stored of a checkout.
#[derive(Debug, PartialEq)]
pub(crate) struct Kept {
    /// In the status's words.
    pub(crate) artifact: Artifact,
    /// Whether something else was in its place than what the status says.
    pub(crate) was_damaged: bool,
}

/// Stores the files of a checkout, unless they are stored already, and clears old ones away.
pub(crate) async fn store(
    store: &ArtifactStore,
    place: &Place,
    checkout: &Checkout,
    ignore: &Arc<Ignore>,
    known: Option<&Artifact>,
) -> Result<Kept, Fault> {
    let (store, place, checkout) = (store.clone(), place.clone(), checkout.clone());
    let (ignore, known) = (ignore.clone(), known.cloned());
    let work = move || {
        let sound = place.stored(&store, known.as_ref());
        let is_known = known.as_ref().is_some_and(|known| place.is_of(known));
        let was_damaged = sound.is_none() && is_known && store.file(&place.path).is_some();
        let stored = match sound {
            Some(stored) => stored,
            None => make(&store, &place, &checkout, &ignore)?,
        };
        Ok(Kept { artifact: place.artifact(&stored, known.as_ref()), was_damaged })
    };
    let made = belay_cluster::aside(work).await.unwrap_or(Err(StoreError::Ended));
    made.map_err(|error| Fault { reason: "ArchiveOperationFailed", message: chain(&error), is_final: false })
}

fn make(
    store: &ArtifactStore,
    place: &Place,
    checkout: &Checkout,
    ignore: &Ignore,
) -> Result<StoredArtifact, StoreError> {
    let bytes = archive(checkout.tree.as_ref(), &|path, is_folder| ignore.leaves_out(path, is_folder))?;
    let stored = store.put(&place.path, &bytes)?;
    store.collect(&place.path)?;
    Ok(stored)
}

/// The patterns of a checkout; those that are known are good as long as revision and spec are the same.
pub(crate) async fn patterns(checkout: &Checkout, spec: &str) -> Result<Arc<Ignore>, Fault> {
    let (tree, spec) = (checkout.tree.clone(), spec.to_owned());
    let read = belay_cluster::aside(move || Ignore::of(tree.as_ref(), &spec)).await;
    let fault = |message: String| Fault { reason: "SourceIgnoreError", message, is_final: false };
    match read {
        Ok(Ok(ignore)) => Ok(Arc::new(ignore)),
        Ok(Err(error)) => Err(fault(chain(&error))),
        Err(_panicked) => Err(fault(StoreError::Ended.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_filetree::MemoryTree;

    #[tokio::test]
    async fn an_artifact_is_made_once_and_made_anew_when_it_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = ArtifactStore::new(folder.path());
        let checkout = Checkout {
            commit: "abc".into(),
            reference: String::new(),
            tree: Arc::new(MemoryTree::of([("a.yaml", "a: 1\n"), ("logo.png", "x")])),
            subject: String::new(),
            author: String::new(),
            date: 0,
            signed: belay_source::SignedObjects::default(),
        };
        let place = Place {
            path: "gitrepository/apps/web/abc.tar.gz".into(),
            address: "host".into(),
            revision: "main@sha1:abc".into(),
        };
        let ignore = Arc::new(Ignore::default());
        let first = store(&artifacts, &place, &checkout, &ignore, None).await.unwrap();
        assert!(!first.was_damaged);
        let first = first.artifact;
        assert_eq!(first.url, "http://host/gitrepository/apps/web/abc.tar.gz");
        let again = store(&artifacts, &place, &checkout, &ignore, Some(&first)).await.unwrap();
        assert_eq!(again, Kept { artifact: first.clone(), was_damaged: false });
        artifacts.put(&place.path, b"damaged").unwrap();
        let mended = store(&artifacts, &place, &checkout, &ignore, Some(&first)).await.unwrap();
        assert_eq!(mended, Kept { artifact: first.clone(), was_damaged: true });
        assert!(artifacts.verified(&place.path, &first.digest).is_some());
    }
}
