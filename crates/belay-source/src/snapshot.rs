//! One commit of a mirror as a file tree: reads come from Git objects, nothing is checked out.

use std::sync::Arc;

use belay_filetree::{ContentId, DirEntry, Entry, FileTree, Kind, TreeError, TreePath};
use bytes::Bytes;
use gix::ObjectId;
use gix::objs::Kind as ObjectKind;
use gix::objs::tree::EntryKind;

use crate::objects::{Folder, Objects};

/// Largest file that is read, in bytes.
const LARGEST_FILE: u64 = 50 * 1024 * 1024;
/// How a Git LFS pointer begins.
const LFS_MARK: &[u8] = b"version https://git-lfs.github.com/spec/";
/// An LFS pointer is a few lines; anything longer is content.
const LONGEST_POINTER: usize = 1024;

/// The files of one commit.
pub struct Snapshot {
    root: ObjectId,
    objects: Arc<Objects>,
}

/// Why a tree object is not a folder of files.
#[derive(Debug, thiserror::Error)]
#[error("the tree holds an entry named {name:?}, which no file may be called")]
struct MaliciousName {
    name: String,
}

/// An object that is not what its id says: its repository is damaged, or somebody has changed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("object {id} is damaged: its content is that of another")]
pub(crate) struct Damaged {
    id: ObjectId,
}

/// Git trusts what lies in its own repository. Here everything is applied to a cluster, and hashing costs little.
pub(crate) fn verify(id: ObjectId, kind: ObjectKind, content: &[u8]) -> Result<(), Damaged> {
    let actual = gix::objs::compute_hash(id.kind(), kind, content);
    if actual.is_ok_and(|actual| actual == id) { Ok(()) } else { Err(Damaged { id }) }
}

impl Snapshot {
    /// The tree `root` of a mirror, whose folders may have been read for other commits.
    pub(crate) fn new(root: ObjectId, objects: Arc<Objects>) -> Snapshot {
        Snapshot { root, objects }
    }

    fn folder(&self, id: ObjectId, path: &TreePath) -> Result<Arc<Folder>, TreeError> {
        if let Some(folder) = self.objects.folders().get(id) {
            return Ok(folder);
        }
        let folder = Arc::new(self.read_folder(id, path)?);
        self.objects.folders().keep(id, folder.clone());
        Ok(folder)
    }

    fn read_folder(&self, id: ObjectId, path: &TreePath) -> Result<Folder, TreeError> {
        let repository = self.objects.repository();
        let tree = repository.find_tree(id).map_err(|source| store(path, source))?;
        verify(id, ObjectKind::Tree, &tree.data).map_err(|source| store(path, source))?;
        let mut folder = Vec::new();
        for entry in tree.iter() {
            let entry = entry.map_err(|source| store(path, source))?;
            let name = entry.filename().to_string();
            if is_malicious(&name) {
                return Err(store(path, MaliciousName { name }));
            }
            let kind = match entry.mode().kind() {
                EntryKind::Tree => Kind::Directory,
                EntryKind::Blob => Kind::File,
                EntryKind::BlobExecutable => Kind::Executable,
                EntryKind::Link => Kind::Link,
                EntryKind::Commit => Kind::Submodule,
            };
            folder.push((name, kind, entry.object_id()));
        }
        folder.sort();
        Ok(folder)
    }

    fn find(&self, path: &TreePath) -> Result<Option<(Kind, ObjectId)>, TreeError> {
        let mut place = (Kind::Directory, self.root);
        for name in path.components() {
            if place.0 != Kind::Directory {
                return Ok(None);
            }
            let folder = self.folder(place.1, path)?;
            match folder.binary_search_by(|(known, ..)| known.as_str().cmp(name)) {
                Ok(position) => place = (folder[position].1, folder[position].2),
                Err(_) => return Ok(None),
            }
        }
        Ok(Some(place))
    }
}

impl FileTree for Snapshot {
    fn lookup(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        let found = self.find(path)?;
        Ok(found.map(|(kind, id)| Entry { kind, id: ContentId::new(id.to_string()) }))
    }

    fn load(&self, path: &TreePath) -> Result<Bytes, TreeError> {
        let Some((kind, id)) = self.find(path)? else {
            return Err(TreeError::NotFound { path: path.clone() });
        };
        match kind {
            Kind::Directory => return Err(TreeError::IsDirectory { path: path.clone() }),
            Kind::Submodule => return Err(TreeError::Submodule { path: path.clone() }),
            Kind::File | Kind::Executable | Kind::Link => {}
        }
        let repository = self.objects.repository();
        let header = repository.find_header(id).map_err(|source| store(path, source))?;
        if header.size() > LARGEST_FILE {
            return Err(TreeError::TooLarge { path: path.clone(), size: header.size(), limit: LARGEST_FILE });
        }
        let content = repository.find_object(id).map_err(|source| store(path, source))?.detach().data;
        drop(repository);
        verify(id, ObjectKind::Blob, &content).map_err(|source| store(path, source))?;
        if content.len() < LONGEST_POINTER && content.starts_with(LFS_MARK) {
            return Err(TreeError::LfsPointer { path: path.clone(), pointer: content.into() });
        }
        Ok(Bytes::from(content))
    }

    fn entries(&self, path: &TreePath) -> Result<Vec<DirEntry>, TreeError> {
        match self.find(path)? {
            Some((Kind::Directory, id)) => {
                let folder = self.folder(id, path)?;
                Ok(folder
                    .iter()
                    .map(|(name, kind, _)| DirEntry { name: name.clone(), kind: *kind })
                    .collect())
            }
            Some(_) => Err(TreeError::NotDirectory { path: path.clone() }),
            None => Err(TreeError::NotFound { path: path.clone() }),
        }
    }
}

/// Names that Git itself refuses, since they lead out of the tree or into its own folder.
fn is_malicious(name: &str) -> bool {
    let plain = name.trim_end_matches(['.', ' ']).to_ascii_lowercase();
    name.is_empty()
        || name == "."
        || name == ".."
        || plain == ".git"
        || plain == "git~1"
        || name.contains(['/', '\0'])
}

fn store(path: &TreePath, source: impl std::error::Error + Send + Sync + 'static) -> TreeError {
    TreeError::Store { path: path.clone(), source: Box::new(source) }
}
