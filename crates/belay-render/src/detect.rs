//! Which tool a folder is for.

use belay_filetree::{FileTree, Kind, TreePath};

use crate::error::RenderError;

/// The tool that renders a folder; the word in `status.sourceType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceType {
    /// A chart: it holds `Chart.yaml`.
    Helm,
    /// It holds a kustomization file.
    Kustomize,
    /// Plain YAML and JSON files.
    Directory,
}

impl SourceType {
    /// The word in `status.sourceType`.
    pub fn as_str(self) -> &'static str {
        match self {
            SourceType::Helm => "Helm",
            SourceType::Kustomize => "Kustomize",
            SourceType::Directory => "Directory",
        }
    }
}

/// The names of a kustomization file, in the order in which kustomize looks for them.
pub(crate) const KUSTOMIZATION_FILES: [&str; 3] =
    ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Looks for `Chart.yaml`, then for a kustomization file, in Argo CD's order.
pub fn detect(tree: &dyn FileTree, path: &TreePath) -> Result<SourceType, RenderError> {
    match tree.kind(path)? {
        None => return Err(RenderError::NoSuchPath { path: path.clone() }),
        Some(Kind::Directory) => {}
        Some(_) => return Err(RenderError::NotADirectory { path: path.clone() }),
    }
    if tree.kind(&path.child("Chart.yaml"))?.is_some_and(Kind::is_file) {
        return Ok(SourceType::Helm);
    }
    Ok(match kustomization_file(tree, path)? {
        Some(_) => SourceType::Kustomize,
        None => SourceType::Directory,
    })
}

/// The kustomization file of a folder.
pub fn kustomization_file(tree: &dyn FileTree, folder: &TreePath) -> Result<Option<TreePath>, RenderError> {
    for name in KUSTOMIZATION_FILES {
        let file = folder.child(name);
        if tree.kind(&file)?.is_some_and(Kind::is_file) {
            return Ok(Some(file));
        }
    }
    Ok(None)
}
