//! Trees made of parts: others put in at paths, and of a tree only what begins with some words.

use std::sync::Arc;

use bytes::Bytes;

use crate::path::TreePath;
use crate::tree::{ContentId, DirEntry, Entry, FileTree, Kind, TreeError};

/// A tree with others at paths of it, where they hide what stands there. Listings show them.
#[derive(Clone)]
pub struct ComposedTree {
    tree: Arc<dyn FileTree>,
    /// Later ones lie over earlier ones.
    parts: Vec<Part>,
}

#[derive(Clone)]
struct Part {
    at: TreePath,
    tree: Arc<dyn FileTree>,
    /// What of it: a folder or a file.
    from: TreePath,
}

impl ComposedTree {
    /// The tree, with nothing put in yet.
    pub fn new(tree: Arc<dyn FileTree>) -> ComposedTree {
        ComposedTree { tree, parts: Vec::new() }
    }

    /// Puts a folder or file of another tree in.
    pub fn put(&mut self, at: TreePath, tree: Arc<dyn FileTree>, from: TreePath) {
        self.parts.push(Part { at, tree, from });
    }

    /// The tree that a path lies in, and the path in there.
    fn place(&self, path: &TreePath) -> (&dyn FileTree, TreePath) {
        let part = self.parts.iter().rev().find(|part| path.is_within(&part.at));
        match part {
            None => (self.tree.as_ref(), path.clone()),
            Some(part) => {
                let rest = path.relative_to(&part.at).unwrap_or_default();
                let names = rest.split('/').filter(|name| !name.is_empty());
                (part.tree.as_ref(), names.fold(part.from.clone(), |place, name| place.child(name)))
            }
        }
    }

    /// The names below a folder that lead to parts.
    fn names_below<'a>(&'a self, folder: &'a TreePath) -> impl Iterator<Item = String> + 'a {
        let is_below = |part: &&Part| part.at != *folder && part.at.is_within(folder);
        self.parts.iter().filter(is_below).filter_map(|part| {
            let rest = part.at.relative_to(folder)?;
            Some(rest.split('/').next()?.to_owned())
        })
    }
}

impl FileTree for ComposedTree {
    fn lookup(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        let (tree, place) = self.place(path);
        match tree.lookup(&place)? {
            Some(entry) if entry.kind == Kind::Directory => Ok(Some(entry)),
            found if self.names_below(path).next().is_none() => Ok(found),
            // A folder that only the parts below it make.
            _ => Ok(Some(Entry { kind: Kind::Directory, id: ContentId::of(path.as_str().as_bytes()) })),
        }
    }

    fn load(&self, path: &TreePath) -> Result<Bytes, TreeError> {
        let (tree, place) = self.place(path);
        tree.load(&place)
    }

    fn entries(&self, path: &TreePath) -> Result<Vec<DirEntry>, TreeError> {
        let (tree, place) = self.place(path);
        let names: Vec<String> = self.names_below(path).collect();
        let mut entries = match tree.lookup(&place)? {
            Some(entry) if entry.kind == Kind::Directory => tree.entries(&place)?,
            _ if !names.is_empty() => Vec::new(),
            _ => tree.entries(&place)?,
        };
        for name in names {
            let Some(entry) = self.lookup(&path.child(&name))? else { continue };
            entries.retain(|known| known.name != name);
            entries.push(DirEntry { name, kind: entry.kind });
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }
}

/// Of a tree what Git's sparse checkout takes: files whose paths begin with one of some words.
#[derive(Clone)]
pub struct SparseTree {
    tree: Arc<dyn FileTree>,
    beginnings: Vec<String>,
}

impl SparseTree {
    /// The files that begin with one of these.
    pub fn new(tree: Arc<dyn FileTree>, beginnings: Vec<String>) -> SparseTree {
        SparseTree { tree, beginnings }
    }

    fn is_in(&self, path: &TreePath, kind: Kind) -> Result<bool, TreeError> {
        let text = path.as_str();
        if path.is_root() || self.beginnings.iter().any(|beginning| text.starts_with(beginning.as_str())) {
            return Ok(true);
        }
        let leads_there = self.beginnings.iter().any(|beginning| beginning.starts_with(&format!("{text}/")));
        if kind != Kind::Directory || !leads_there {
            return Ok(false);
        }
        // A folder without files is none.
        for entry in self.tree.entries(path)? {
            if self.is_in(&path.child(&entry.name), entry.kind)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl FileTree for SparseTree {
    fn lookup(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        let Some(entry) = self.tree.lookup(path)? else { return Ok(None) };
        Ok(if self.is_in(path, entry.kind)? { Some(entry) } else { None })
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
            if self.is_in(&path.child(&entry.name), entry.kind)? {
                entries.push(entry);
            }
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryTree;

    fn path(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    fn names(tree: &dyn FileTree, folder: &str) -> Vec<String> {
        tree.list(&path(folder)).unwrap().into_iter().map(|entry| entry.name).collect()
    }

    #[test]
    fn parts_are_where_they_were_put_and_are_listed() {
        let mut own = MemoryTree::of([("app/a.yaml", "a"), ("lib/old.yaml", "old")]);
        own.insert(path("vendor"), Kind::Submodule, "");
        let other: Arc<dyn FileTree> = Arc::new(MemoryTree::of([("base/b.yaml", "b"), ("c.yaml", "c")]));
        let mut tree = ComposedTree::new(Arc::new(own));
        tree.put(path("vendor"), other.clone(), TreePath::root());
        tree.put(path("new/deep/base"), other.clone(), path("base"));
        tree.put(path("app/c.yaml"), other, path("c.yaml"));
        assert_eq!(names(&tree, ""), ["app", "lib", "new", "vendor"]);
        assert_eq!(tree.kind(&path("vendor")).unwrap(), Some(Kind::Directory));
        assert_eq!(tree.read(&path("vendor/base/b.yaml")).unwrap(), "b");
        assert_eq!(names(&tree, "new"), ["deep"]);
        assert_eq!(names(&tree, "new/deep/base"), ["b.yaml"]);
        assert_eq!(names(&tree, "app"), ["a.yaml", "c.yaml"]);
        assert_eq!(tree.read(&path("app/c.yaml")).unwrap(), "c");
        assert_eq!(tree.kind(&path("new/else")).unwrap(), None);
    }

    #[test]
    fn a_sparse_tree_has_what_begins_so() {
        let files = [
            ("apps/a.yaml", ""),
            ("apps-old/b.yaml", ""),
            ("top.yaml", ""),
            ("deep/one/c.yaml", ""),
            ("deep/two/d.yaml", ""),
        ];
        let tree = |beginnings: &[&str]| {
            let beginnings = beginnings.iter().map(|text| (*text).to_owned()).collect();
            SparseTree::new(Arc::new(MemoryTree::of(files)), beginnings)
        };
        assert_eq!(names(&tree(&["apps/"]), ""), ["apps"]);
        // As Git's library has it: words, not folders.
        assert_eq!(names(&tree(&["apps"]), ""), ["apps", "apps-old"]);
        let deep = tree(&["deep/one"]);
        assert_eq!(
            (names(&deep, ""), names(&deep, "deep")),
            (vec!["deep".to_owned()], vec!["one".to_owned()])
        );
        assert!(deep.read(&path("top.yaml")).is_err());
    }
}
