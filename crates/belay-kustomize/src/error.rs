//! Why a build failed.

use belay_filetree::{TreeError, TreePath};

/// Why a kustomization could not be built. The chain of sources leads to the file and the object.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The folder has no kustomization file.
    #[error("no 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in folder {folder}")]
    NoKustomization {
        /// The folder.
        folder: TreePath,
    },
    /// The folder has more than one kustomization file.
    #[error("several kustomization files in folder {folder}")]
    SeveralKustomizations {
        /// The folder.
        folder: TreePath,
    },
    /// The kustomization file does not say what it must, or says what it must not.
    #[error("{file}: {reason}")]
    Kustomization {
        /// The kustomization file.
        file: TreePath,
        /// What is wrong with it.
        reason: String,
    },
    /// The kustomization uses something this renderer does not do.
    #[error("{file}: `{feature}` is not supported{reason}")]
    Unsupported {
        /// The file that asks for it.
        file: TreePath,
        /// The field or feature.
        feature: String,
        /// Why, after a colon; empty where "not yet" is the only reason.
        reason: &'static str,
    },
    /// A remote base or file, where the caller refuses them.
    #[error("{folder}: '{reference}' is remote, and remote resources are refused here")]
    Remote {
        /// The kustomization's folder.
        folder: TreePath,
        /// What it refers to.
        reference: String,
    },
    /// A file lies outside of the folder that refers to it.
    #[error("security; file '{path}' is not in or below '{folder}'")]
    Restricted {
        /// The file.
        path: TreePath,
        /// The kustomization's folder.
        folder: TreePath,
    },
    /// A kustomization leads back to itself.
    #[error("cycle detected: {}", chain.iter().map(TreePath::to_string).collect::<Vec<_>>().join(" -> "))]
    Cycle {
        /// The folders from the first to the one that closes the circle.
        chain: Vec<TreePath>,
    },
    /// A text is not YAML.
    #[error("{file} is not valid YAML")]
    Yaml {
        /// The file, or what stands for it.
        file: String,
        /// Where and why.
        #[source]
        source: belay_goyaml::Error,
    },
    /// An object, patch or setting breaks a rule.
    #[error("{0}")]
    Rule(String),
    /// A step failed; the source says why.
    #[error("{what}")]
    Step {
        /// What was being done, and to what.
        what: String,
        /// Why it failed.
        #[source]
        source: Box<Error>,
    },
}

impl Error {
    pub(crate) fn rule(reason: impl Into<String>) -> Error {
        Error::Rule(reason.into())
    }

    /// The chain of causes in one line, as it is printed at the edge.
    pub fn chain(&self) -> String {
        belay_causes::chain(self)
    }
}

/// Says what was being done when an error came up.
pub(crate) trait During<T> {
    fn during(self, what: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T> During<T> for Result<T, Error> {
    fn during(self, what: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Step { what: what(), source: Box::new(source) })
    }
}
