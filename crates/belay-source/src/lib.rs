//! Sources of configuration.

mod artifact_archive;
mod artifact_serve;
mod artifact_store;
mod git;
mod repositories;
mod snapshot;

pub use artifact_archive::{ArchiveError, archive, package};
pub use artifact_serve::artifact_router;
pub use artifact_store::{ArtifactError, ArtifactStore, StoredArtifact};
pub use git::{GitLimits, GitStore};
pub use repositories::{Checkout, CheckoutError, Login, Repositories, normalised_url};
pub use snapshot::Snapshot;
