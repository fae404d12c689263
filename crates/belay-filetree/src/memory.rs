//! A tree held in memory: for tests, previews and unpacked artifacts.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use crate::path::TreePath;
use crate::tree::{ContentId, DirEntry, Entry, FileTree, Kind, TreeError};

/// Files by path. Folders exist where a file lies below them.
#[derive(Debug, Clone, Default)]
pub struct MemoryTree {
    files: BTreeMap<TreePath, (Kind, Bytes)>,
    folders: BTreeSet<TreePath>,
    /// Ids of folders that were asked for; a change of the tree starts anew.
    folder_ids: Arc<Mutex<HashMap<TreePath, ContentId>>>,
}

impl MemoryTree {
    /// An empty tree: a root without entries.
    pub fn new() -> MemoryTree {
        MemoryTree { folders: BTreeSet::from([TreePath::root()]), ..MemoryTree::default() }
    }

    /// Puts a file at the path, over what stood there.
    pub fn insert(&mut self, path: TreePath, kind: Kind, content: impl Into<Bytes>) {
        self.folder_ids = Arc::default();
        let mut folder = path.parent();
        while let Some(place) = folder {
            folder = place.parent();
            self.folders.insert(place);
        }
        if kind == Kind::Directory {
            self.folders.insert(path);
        } else {
            self.files.insert(path, (kind, content.into()));
        }
    }

    /// Takes the file at the path away. Its folder stays.
    pub fn remove(&mut self, path: &TreePath) {
        self.folder_ids = Arc::default();
        self.files.remove(path);
    }

    /// Builds a tree of regular files from (path, text) pairs.
    ///
    /// # Panics
    /// On a path outside of the tree: the caller writes the paths.
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> MemoryTree {
        let mut tree = MemoryTree::new();
        for (path, text) in files {
            let path = TreePath::parse(path).expect("paths given to MemoryTree::of lie inside the tree");
            tree.insert(path, Kind::File, text.to_owned());
        }
        tree
    }

    fn folder_id(&self, folder: &TreePath) -> ContentId {
        let mut ids = self.folder_ids.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        ids.entry(folder.clone()).or_insert_with(|| self.hash_folder(folder)).clone()
    }

    fn hash_folder(&self, folder: &TreePath) -> ContentId {
        let mut text = String::new();
        for (path, (kind, content)) in &self.files {
            if path.is_within(folder) {
                text.push_str(&format!("{path}\0{kind:?}\0{}\n", ContentId::of(content)));
            }
        }
        ContentId::of(text.as_bytes())
    }
}

impl FileTree for MemoryTree {
    fn lookup(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        if let Some((kind, content)) = self.files.get(path) {
            return Ok(Some(Entry { kind: *kind, id: ContentId::of(content) }));
        }
        if self.folders.contains(path) {
            return Ok(Some(Entry { kind: Kind::Directory, id: self.folder_id(path) }));
        }
        Ok(None)
    }

    fn load(&self, path: &TreePath) -> Result<Bytes, TreeError> {
        match self.files.get(path) {
            Some((_, content)) => Ok(content.clone()),
            None => Err(TreeError::NotFound { path: path.clone() }),
        }
    }

    fn entries(&self, path: &TreePath) -> Result<Vec<DirEntry>, TreeError> {
        if !self.folders.contains(path) {
            return Err(TreeError::NotFound { path: path.clone() });
        }
        let mut entries = BTreeMap::new();
        for (file, (kind, _)) in &self.files {
            if file.parent().as_ref() == Some(path) {
                entries.insert(file.file_name().to_owned(), *kind);
            }
        }
        for folder in &self.folders {
            if folder.parent().as_ref() == Some(path) {
                entries.insert(folder.file_name().to_owned(), Kind::Directory);
            }
        }
        Ok(entries.into_iter().map(|(name, kind)| DirEntry { name, kind }).collect())
    }
}
