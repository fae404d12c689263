//! Trees made of other trees: one mounted in another, and single files laid over.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::path::TreePath;
use crate::tree::{ContentId, DirEntry, Entry, FileTree, Kind, TreeError};

/// A tree with others under names of its root. Listings of the root do not show them: who knows the name gets in.
/// Links of a mounted tree stay inside it.
#[derive(Clone)]
pub struct MountedTree {
    tree: Arc<dyn FileTree>,
    mounts: BTreeMap<String, Arc<dyn FileTree>>,
}

impl MountedTree {
    /// The tree, with nothing mounted yet.
    pub fn new(tree: Arc<dyn FileTree>) -> MountedTree {
        MountedTree { tree, mounts: BTreeMap::new() }
    }

    /// Mounts a tree under one name of the root; it hides what stands there.
    pub fn mount(&mut self, name: &str, tree: Arc<dyn FileTree>) {
        self.mounts.insert(name.to_owned(), tree);
    }

    /// The tree that a path lies in, and the path in there.
    fn place(&self, path: &TreePath) -> (&dyn FileTree, TreePath) {
        let mut components = path.components();
        let mounted = components.next().and_then(|name| self.mounts.get(name));
        match mounted {
            None => (self.tree.as_ref(), path.clone()),
            Some(tree) => {
                let rest = components.fold(TreePath::root(), |place, name| place.child(name));
                (tree.as_ref(), rest)
            }
        }
    }
}

impl FileTree for MountedTree {
    fn lookup(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        let (tree, place) = self.place(path);
        tree.lookup(&place)
    }

    fn load(&self, path: &TreePath) -> Result<Bytes, TreeError> {
        let (tree, place) = self.place(path);
        let content = tree.load(&place)?;
        let is_mounted = place != *path;
        if is_mounted && tree.lookup(&place)?.is_some_and(|entry| entry.kind == Kind::Link) {
            let target = String::from_utf8_lossy(&content).into_owned();
            let folder = place.parent().unwrap_or_default();
            if folder.join(&target).is_err() {
                return Err(TreeError::LinkOutside { path: path.clone(), target });
            }
        }
        Ok(content)
    }

    fn entries(&self, path: &TreePath) -> Result<Vec<DirEntry>, TreeError> {
        let (tree, place) = self.place(path);
        tree.entries(&place)
    }
}

/// A tree in which one file has another content.
pub struct EditedTree<'a> {
    tree: &'a dyn FileTree,
    file: TreePath,
    content: Bytes,
}

impl<'a> EditedTree<'a> {
    /// The tree with this content at the path, where a file stands already.
    pub fn new(tree: &'a dyn FileTree, file: TreePath, content: impl Into<Bytes>) -> EditedTree<'a> {
        EditedTree { tree, file, content: content.into() }
    }
}

impl FileTree for EditedTree<'_> {
    fn lookup(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        if *path == self.file {
            return Ok(Some(Entry { kind: Kind::File, id: ContentId::of(&self.content) }));
        }
        self.tree.lookup(path)
    }

    fn load(&self, path: &TreePath) -> Result<Bytes, TreeError> {
        if *path == self.file { Ok(self.content.clone()) } else { self.tree.load(path) }
    }

    fn entries(&self, path: &TreePath) -> Result<Vec<DirEntry>, TreeError> {
        self.tree.entries(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryTree;

    fn path(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    fn mounted() -> MountedTree {
        let mut other = MemoryTree::of([("env/prod.yaml", "b"), ("top.yaml", "c")]);
        other.insert(path("env/inside"), Kind::Link, "../top.yaml");
        other.insert(path("env/outside"), Kind::Link, "../../app/a.yaml");
        let mut tree = MountedTree::new(Arc::new(MemoryTree::of([("app/a.yaml", "a")])));
        tree.mount("$values", Arc::new(other));
        tree
    }

    #[test]
    fn a_mounted_tree_is_read_by_name_and_listed_nowhere() {
        let tree = mounted();
        assert_eq!(tree.read(&path("app/a.yaml")).unwrap(), "a");
        assert_eq!(tree.read(&path("$values/env/prod.yaml")).unwrap(), "b");
        assert_eq!(tree.kind(&path("$values")).unwrap(), Some(Kind::Directory));
        assert_eq!(tree.list(&TreePath::root()).unwrap().len(), 1);
        assert_eq!(tree.kind(&path("$others/x")).unwrap(), None);
    }

    #[test]
    fn links_of_a_mounted_tree_stay_inside() {
        let tree = mounted();
        assert_eq!(tree.read(&path("$values/env/inside")).unwrap(), "c");
        assert!(matches!(tree.read(&path("$values/env/outside")), Err(TreeError::LinkOutside { .. })));
    }

    #[test]
    fn an_edited_file_is_another_one() {
        let tree = MemoryTree::of([("a/x", "old"), ("a/y", "y")]);
        let edited = EditedTree::new(&tree, path("a/x"), "new");
        assert_eq!(edited.read(&path("a/x")).unwrap(), "new");
        assert_eq!(edited.read(&path("a/y")).unwrap(), "y");
        assert_ne!(edited.lookup(&path("a/x")).unwrap(), tree.lookup(&path("a/x")).unwrap());
    }
}
