//! Why a folder gives no objects.

use belay_filetree::{TreeError, TreePath};
use belay_manifest::ManifestError;

use crate::glob::GlobError;

/// Why a render failed.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The app's path is not in the source.
    #[error("{path}: app path does not exist")]
    NoSuchPath {
        /// The path.
        path: TreePath,
    },
    /// The app's path is a file.
    #[error("{path}: app path is not a directory")]
    NotADirectory {
        /// The path.
        path: TreePath,
    },
    /// A file or folder cannot be read.
    #[error("the source cannot be read")]
    Tree(#[from] TreeError),
    /// A file holds no objects.
    #[error("a manifest cannot be read")]
    Manifest(#[from] ManifestError),
    /// The kustomization cannot be built.
    #[error("{path}: kustomize build failed")]
    Kustomize {
        /// The folder.
        path: TreePath,
        /// What is wrong, with file and object.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The chart cannot be rendered.
    #[error("{path}: helm template failed")]
    Chart {
        /// The chart's folder.
        path: TreePath,
        /// What is wrong, with template and line.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A tool's output holds something that is no object.
    #[error("{origin}: is not a Kubernetes object")]
    Object {
        /// File and line.
        origin: String,
        /// What is missing.
        #[source]
        source: belay_manifest::IdentityError,
    },
    /// An include or exclude pattern is none.
    #[error("directory.{field} is not a pattern")]
    Pattern {
        /// `include` or `exclude`.
        field: &'static str,
        /// What is wrong with it.
        #[source]
        source: GlobError,
    },
    /// All files together are larger than allowed.
    #[error("{path}: with it the manifests' {size} bytes are more than the limit of {limit}")]
    TooLarge {
        /// The file that goes over the limit.
        path: TreePath,
        /// How many bytes they are at least.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Something that is not built yet, by name.
    #[error("{path}: {feature} is not supported yet")]
    NotSupported {
        /// The file that asks for it.
        path: TreePath,
        /// What it asks for.
        feature: String,
    },
    /// Folders lie too deep in each other.
    #[error("{path}: folders are nested deeper than {limit}")]
    TooDeep {
        /// The folder.
        path: TreePath,
        /// The limit.
        limit: usize,
    },
}
