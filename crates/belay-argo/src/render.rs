//! `spec.source` as a render: which tool, with which options.

use belay_argo_api::{Application, ApplicationSource};
use belay_crd::Described;
use belay_filetree::{FileTree, PathError, TreePath};
use belay_manifest::Manifest;
use belay_render::{DirectoryOptions, RenderError, SourceType, detect, render_directory};

/// The folder that `spec.source.path` names.
pub(crate) fn folder(source: &ApplicationSource) -> Result<TreePath, PathError> {
    TreePath::parse(&source.path)
}

/// Everything a render depends on besides the files.
pub(crate) struct Request<'a> {
    app: &'a Application,
    source: &'a ApplicationSource,
}

impl<'a> Request<'a> {
    pub(crate) fn new(app: &'a Application, source: &'a ApplicationSource) -> Request<'a> {
        Request { app, source }
    }

    /// A text that differs whenever the render may.
    pub(crate) fn fingerprint(&self) -> String {
        let mut source = self.source.clone();
        // The files themselves are the tree's part of the key.
        source.target_revision.clear();
        format!("{}/{} {}", self.app.metadata.name, self.app.spec.destination.namespace, source.write())
    }

    /// An explicit tool in the spec comes before what the folder looks like.
    pub(crate) fn source_type(&self, detected: SourceType) -> SourceType {
        if self.source.helm.is_some() && detected == SourceType::Helm {
            SourceType::Helm
        } else if self.source.kustomize.is_some() && detected == SourceType::Kustomize {
            SourceType::Kustomize
        } else if self.source.directory.is_some() {
            SourceType::Directory
        } else {
            detected
        }
    }

    /// Renders the folder.
    pub(crate) fn run(&self, tree: &dyn FileTree, folder: &TreePath) -> Result<Vec<Manifest>, RenderError> {
        match self.source_type(detect(tree, folder)?) {
            SourceType::Directory => render_directory(tree, folder, &self.directory()),
            SourceType::Kustomize => Err(self.unsupported(folder, "Kustomize")),
            SourceType::Helm => Err(self.unsupported(folder, "Helm")),
        }
    }

    fn unsupported(&self, folder: &TreePath, tool: &str) -> RenderError {
        RenderError::NotSupported { path: folder.clone(), feature: tool.to_owned() }
    }

    fn directory(&self) -> DirectoryOptions {
        let directory = self.source.directory.clone().unwrap_or_default();
        DirectoryOptions {
            recurse: directory.recurse,
            include: directory.include,
            exclude: directory.exclude,
        }
    }
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
