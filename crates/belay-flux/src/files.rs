//! The files of a source as its consumers see them: those of its artifact.

use std::sync::Arc;

use belay_filetree::{DirEntry, Entry, FileTree, Kind, TreeError, TreePath};
use bytes::Bytes;

use crate::ignore::Ignore;

/// A tree without what the source leaves out, and without links, which artifacts do not hold.
#[derive(Clone)]
pub(crate) struct SourceFiles {
    tree: Arc<dyn FileTree>,
    ignore: Arc<Ignore>,
}

impl SourceFiles {
    /// The files of a tree.
    pub(crate) fn new(tree: Arc<dyn FileTree>, ignore: Arc<Ignore>) -> SourceFiles {
        SourceFiles { tree, ignore }
    }

    /// Whether a path stays out; a folder only when nothing below it is in.
    fn is_out(&self, path: &TreePath, kind: Kind) -> Result<bool, TreeError> {
        if path.is_root() {
            return Ok(false);
        }
        match kind {
            Kind::Link | Kind::Submodule => Ok(true),
            Kind::File | Kind::Executable => Ok(self.ignore.leaves_out(path, false)),
            Kind::Directory if !self.ignore.leaves_out(path, true) => Ok(false),
            Kind::Directory => Ok(!self.ignore.includes_again() || !self.holds_any(path)?),
        }
    }

    fn holds_any(&self, folder: &TreePath) -> Result<bool, TreeError> {
        for entry in self.tree.entries(folder)? {
            if !self.is_out(&folder.child(&entry.name), entry.kind)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl FileTree for SourceFiles {
    fn lookup(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        let Some(entry) = self.tree.lookup(path)? else { return Ok(None) };
        Ok(if self.is_out(path, entry.kind)? { None } else { Some(entry) })
    }

    fn load(&self, path: &TreePath) -> Result<Bytes, TreeError> {
        match self.lookup(path)? {
            Some(_) => self.tree.load(path),
            None => Err(TreeError::NotFound { path: path.clone() }),
        }
    }

    fn entries(&self, path: &TreePath) -> Result<Vec<DirEntry>, TreeError> {
        if self.lookup(path)?.is_none() {
            return Err(TreeError::NotFound { path: path.clone() });
        }
        let mut entries = Vec::new();
        for entry in self.tree.entries(path)? {
            if !self.is_out(&path.child(&entry.name), entry.kind)? {
                entries.push(entry);
            }
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_filetree::MemoryTree;

    fn names(tree: MemoryTree, spec: &str) -> Vec<String> {
        let ignore = Arc::new(Ignore::of(&tree, spec).unwrap());
        let files = SourceFiles::new(Arc::new(tree), ignore);
        let entries = files.list(&TreePath::root()).unwrap();
        entries.into_iter().map(|entry| entry.name).collect()
    }

    #[test]
    fn what_flux_leaves_out_is_not_there() {
        let tree = MemoryTree::of([("a.yaml", ""), (".gitlab-ci.yml", "x"), ("docs/logo.png", "x")]);
        assert_eq!(names(tree, ""), ["a.yaml", "docs"]);
    }

    #[test]
    fn a_folder_that_holds_something_is_there() {
        let files = [("README.md", ""), ("deploy/a.yaml", ""), ("src/a.rs", "")];
        assert_eq!(names(MemoryTree::of(files), "/*\n!/deploy/a.yaml\n"), ["deploy"]);
    }
}
