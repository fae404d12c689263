//! Sources of configuration.

mod access;
mod address;
mod artifact_archive;
mod artifact_fetch;
mod artifact_serve;
mod artifact_store;
mod artifact_unpack;
mod budget;
mod chart_address;
mod download;
mod fetch;
mod few_packs;
mod gauge;
mod git;
mod github_app;
mod http_client;
mod http_transport;
mod known_hosts;
mod objects;
mod pack_gauge;
mod repositories;
mod revision;
mod signature;
mod snapshot;
mod ssh_key;
mod ssh_transport;
mod submodules;

pub use access::{Access, Login, Proxy, SecretText, SshAccess, Tls};
pub use address::{server_of, without_login};
pub use artifact_archive::{ArchiveError, archive, package};
pub use artifact_fetch::{ArtifactFetchError, fetch_artifact};
pub use artifact_serve::artifact_router;
pub use artifact_store::{ArtifactError, ArtifactStore, StoredArtifact};
pub use artifact_unpack::{UnpackError, UnpackLimits, unpack};
pub use chart_address::{archive_name, chart_address};
pub use download::FetchLimits;
pub use git::{GitLimits, GitStore};
pub use github_app::{GithubApp, GithubAppData, GithubAppError};
pub use repositories::{Checkout, CheckoutError, Repositories, Request, Timeout, normalised_url};
pub use revision::Revision;
pub use signature::{
    ClearSignedError, KeyRing, KeyRingError, Refusal, SignatureError, Signed, SignedObjects, TrustedKeys,
};
pub use snapshot::Snapshot;
pub use ssh_key::is_encrypted_key;
pub use submodules::{SubmoduleError, with_submodules};
