//! A folder on disk as a file tree.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use belay_filetree::{ContentId, DirEntry, Entry, FileTree, Kind, TreeError, TreePath};
use bytes::Bytes;

/// The files below a folder. Links are reported as links; one that is absolute is rewritten to lead
/// to the same place from the root, so that nothing outside of the root is ever read.
pub(crate) struct DiskTree {
    root: PathBuf,
    /// Most bytes a file may have.
    limit: u64,
    /// What was seen once stays: a command looks at one state of the disk.
    seen: Mutex<HashMap<TreePath, Option<Entry>>>,
}

impl DiskTree {
    /// The tree below a folder, whose path has no links in it.
    pub(crate) fn new(root: impl Into<PathBuf>, limit: u64) -> DiskTree {
        DiskTree { root: root.into(), limit, seen: Mutex::default() }
    }

    fn place(&self, path: &TreePath) -> PathBuf {
        self.root.join(path.components().collect::<PathBuf>())
    }

    fn look(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        match fs::symlink_metadata(self.place(path)) {
            Ok(metadata) => Ok(Some(entry(&metadata))),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(store(path, error)),
        }
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<TreePath, Option<Entry>>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The link's target, from the link's own folder.
    fn target(&self, path: &TreePath) -> Result<String, TreeError> {
        let target = fs::read_link(self.place(path)).map_err(|error| store(path, error))?;
        if let Ok(below) = target.strip_prefix(&self.root)
            && target.is_absolute()
        {
            let depth = path.components().count().saturating_sub(1);
            return Ok(format!("{}{}", "../".repeat(depth), below.to_string_lossy()));
        }
        Ok(target.to_string_lossy().into_owned())
    }
}

impl FileTree for DiskTree {
    fn lookup(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        let mut seen = self.seen();
        if let Some(entry) = seen.get(path) {
            return Ok(entry.clone());
        }
        let entry = self.look(path)?;
        seen.insert(path.clone(), entry.clone());
        Ok(entry)
    }

    fn load(&self, path: &TreePath) -> Result<Bytes, TreeError> {
        let place = self.place(path);
        let metadata = match fs::symlink_metadata(&place) {
            Ok(metadata) => metadata,
            Err(error) if is_absent(&error) => return Err(TreeError::NotFound { path: path.clone() }),
            Err(error) => return Err(store(path, error)),
        };
        if metadata.is_symlink() {
            return self.target(path).map(Bytes::from);
        }
        if metadata.is_dir() {
            return Err(TreeError::IsDirectory { path: path.clone() });
        }
        if !metadata.is_file() {
            // A pipe would be waited for without end.
            return Err(store(path, io::Error::other("neither a file nor a folder")));
        }
        if metadata.len() > self.limit {
            return Err(TreeError::TooLarge { path: path.clone(), size: metadata.len(), limit: self.limit });
        }
        fs::read(&place).map(Bytes::from).map_err(|error| store(path, error))
    }

    fn entries(&self, path: &TreePath) -> Result<Vec<DirEntry>, TreeError> {
        let mut entries = Vec::new();
        let mut seen = self.seen();
        for found in fs::read_dir(self.place(path)).map_err(|error| store(path, error))? {
            let found = found.map_err(|error| store(path, error))?;
            let metadata = found.metadata().map_err(|error| store(path, error))?;
            let name = found.file_name();
            if let Some(name) = name.to_str() {
                // It is looked up next, as a rule.
                seen.entry(path.child(name)).or_insert_with(|| Some(entry(&metadata)));
            }
            entries.push(DirEntry { name: name.to_string_lossy().into_owned(), kind: kind(&metadata) });
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }
}

/// The tree of the whole disk, and the place of an existing file or folder in it. What is built by
/// hand may refer to anything its user may read; each renderer keeps its own restrictions.
pub(crate) fn whole_disk(path: &Path, limit: u64) -> io::Result<(DiskTree, TreePath)> {
    let real = fs::canonicalize(path)?;
    let below = real.to_string_lossy();
    let place = TreePath::parse(below.trim_start_matches('/')).map_err(io::Error::other)?;
    Ok((DiskTree::new("/", limit), place))
}

fn entry(metadata: &Metadata) -> Entry {
    Entry { kind: kind(metadata), id: identity(metadata) }
}

fn kind(metadata: &Metadata) -> Kind {
    if metadata.is_symlink() {
        Kind::Link
    } else if metadata.is_dir() {
        Kind::Directory
    } else if metadata.permissions().mode() & 0o111 != 0 {
        Kind::Executable
    } else {
        Kind::File
    }
}

/// Changes whenever the content does, as Git's index assumes too.
fn identity(metadata: &Metadata) -> ContentId {
    ContentId::new(format!(
        "disk:{}:{}:{}:{}.{}",
        metadata.dev(),
        metadata.ino(),
        metadata.len(),
        metadata.ctime(),
        metadata.ctime_nsec()
    ))
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn store(path: &TreePath, error: io::Error) -> TreeError {
    TreeError::Store { path: path.clone(), source: Box::new(error) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    #[test]
    fn links_lead_anywhere_below_the_root_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir_all(root.join("tree/real")).unwrap();
        fs::write(root.join("tree/real/x.yaml"), "x").unwrap();
        fs::write(root.join("secret"), "secret").unwrap();
        symlink("real", root.join("tree/relative")).unwrap();
        symlink(root.join("tree/real"), root.join("tree/real/absolute")).unwrap();
        symlink("../secret", root.join("tree/above")).unwrap();
        symlink(root.join("secret"), root.join("tree/away")).unwrap();
        let tree = DiskTree::new(root.join("tree"), 100);
        assert_eq!(tree.lookup(&path("relative")).unwrap().unwrap().kind, Kind::Link);
        assert_eq!(tree.read(&path("relative/x.yaml")).unwrap(), Bytes::from("x"));
        assert_eq!(tree.read(&path("real/absolute/x.yaml")).unwrap(), Bytes::from("x"));
        assert!(matches!(tree.read(&path("above")), Err(TreeError::LinkOutside { .. })));
        assert!(matches!(tree.read(&path("away")), Err(TreeError::LinkOutside { .. })));
        assert!(tree.kind(&path("real/x.yaml/below")).unwrap().is_none());
    }

    #[test]
    fn a_file_over_the_limit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("big"), "0123456789").unwrap();
        let tree = DiskTree::new(folder.path(), 9);
        assert!(matches!(tree.read(&path("big")), Err(TreeError::TooLarge { size: 10, limit: 9, .. })));
    }
}
