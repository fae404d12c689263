//! Why a source gives no objects.

use belay_filetree::{PathError, TreeError, TreePath};
use belay_render::{GlobError, RenderError};

use super::missing_charts::MissingChartsError;

/// Why a source gives no objects, in the original's words.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// A tool failed.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// `path` is none.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A file cannot be read.
    #[error("the source cannot be read")]
    Tree(#[from] TreeError),
    /// `.argocd-source.yaml`, or that of the app, is no patch of a source.
    #[error("error getting app source type: error while parsing source parameters: {file}")]
    Overrides {
        file: TreePath,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// More than one tool is named.
    #[error("error getting app source type: multiple application sources defined: {types}")]
    ManyTools { types: String },
    /// Something that is not built yet, by name.
    #[error("`{feature}` is not supported yet")]
    NotSupported { feature: String },
    /// A values file is no path or URL that may be read.
    #[error("error resolving helm value files: error resolving value file path")]
    ValuesFile(#[source] PathFault),
    /// Charts that a chart asks for are not to be had.
    #[error("error building helm chart dependencies: failed to build helm dependencies")]
    MissingCharts(#[from] MissingChartsError),
    /// A pattern of values files fits none.
    #[error("error resolving helm value files: values file glob {pattern:?} matched no files")]
    NoValuesFile { pattern: String },
    /// A pattern of values files is none.
    #[error("error resolving helm value files: error expanding glob pattern {pattern:?}")]
    Pattern {
        pattern: String,
        #[source]
        source: GlobError,
    },
    /// A pattern of values files looks at too much.
    #[error(
        "error resolving helm value files: error expanding glob pattern {pattern:?}: more than {limit} places are looked at"
    )]
    TooMany { pattern: String, limit: usize },
    /// A file parameter's path is none that may be read.
    #[error("error resolving helm value file path")]
    FileParameter(#[source] PathFault),
    /// `$name/…` names no source of the app.
    #[error("{0}")]
    Reference(String),
    /// `kubeVersion` is none.
    #[error("could not parse kubernetes version {version}")]
    KubeVersion {
        version: String,
        #[source]
        source: belay_helm::KubeVersionError,
    },
    /// `kustomize edit` refuses.
    #[error("{path}: kustomize edit failed")]
    Edit {
        path: TreePath,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is nothing to edit.
    #[error("kustomization file not found in the path")]
    NoKustomization,
    /// A replica count is no number.
    #[error("expected integer value for count. Received: {count}")]
    Count { count: String },
}

impl SourceError {
    /// Whether a chart asks for others that it does not hold.
    pub(crate) fn misses_charts(&self) -> bool {
        let SourceError::Render(RenderError::Chart { source, .. }) = self else { return false };
        let error = source.downcast_ref::<belay_helm::RenderError>();
        matches!(error, Some(belay_helm::RenderError::MissingDependencies { .. }))
    }
}

/// Why a path of a file cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathFault {
    #[error("file '{path}' resolved to outside repository root")]
    Outside { path: String },
    #[error("path resolved to repository root, which is not allowed")]
    Root,
    #[error("the URL scheme '{scheme}' is not allowed")]
    Scheme { scheme: String },
    #[error("the URL scheme '{scheme}' is not supported yet: only http and https are")]
    NotSupported { scheme: String },
}
