//! A folder on disk as a file tree.

use std::collections::{HashMap, HashSet};
use std::fs::{self, FileType, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use belay_filetree::{ContentId, DirEntry, Entry, FileTree, Kind, TreeError, TreePath};
use bytes::Bytes;
use rustix::fs::OFlags;
use rustix::io::Errno;

/// The files below a folder. Links are reported as links; one that is absolute is rewritten to lead to the same place from
/// the root, so that nothing outside of the root is ever read. Whether a file may be executed is not told: nothing that
/// is rendered from a disk depends on it.
pub(crate) struct DiskTree {
    root: PathBuf,
    /// Most bytes a file may have.
    limit: u64,
    seen: Mutex<Seen>,
}

/// What was seen once stays: a command looks at one state of the disk.
#[derive(Default)]
struct Seen {
    entries: HashMap<TreePath, Option<Entry>>,
    /// Folders on whose paths there is no link. What is in them need not be looked up part by part.
    real: HashSet<TreePath>,
}

impl DiskTree {
    /// The tree below a folder, whose path has no links in it.
    pub(crate) fn new(root: impl Into<PathBuf>, limit: u64) -> DiskTree {
        DiskTree { root: root.into(), limit, seen: Mutex::default() }
    }

    fn place(&self, path: &TreePath) -> PathBuf {
        self.root.join(path.as_str())
    }

    fn look(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        match fs::symlink_metadata(self.place(path)) {
            Ok(metadata) => Ok(Some(entry(&metadata))),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(store(path, error)),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_real(&self, folder: &TreePath) -> bool {
        self.seen().real.contains(folder)
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

    /// The bytes of the file at exactly this path; nothing where a link stands.
    fn file(&self, path: &TreePath) -> Result<Option<Bytes>, TreeError> {
        // A pipe would be waited for without end.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let opened = OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(self.place(path));
        let file = match opened {
            Ok(file) => file,
            Err(error) if is(&error, Errno::LOOP) => return Ok(None),
            Err(error) if is(&error, Errno::NXIO) => return Err(irregular(path)),
            Err(error) if is_absent(&error) => return Err(TreeError::NotFound { path: path.clone() }),
            Err(error) => return Err(store(path, error)),
        };
        let metadata = file.metadata().map_err(|error| store(path, error))?;
        if metadata.is_dir() {
            return Err(TreeError::IsDirectory { path: path.clone() });
        }
        if !metadata.is_file() {
            return Err(irregular(path));
        }
        let size = metadata.len();
        if size > self.limit {
            return Err(TreeError::TooLarge { path: path.clone(), size, limit: self.limit });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        file.take(size).read_to_end(&mut bytes).map_err(|error| store(path, error))?;
        Ok(Some(Bytes::from(bytes)))
    }
}

impl FileTree for DiskTree {
    fn lookup(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        if let Some(entry) = self.seen().entries.get(path) {
            return Ok(entry.clone());
        }
        let entry = self.look(path)?;
        self.seen().entries.insert(path.clone(), entry.clone());
        Ok(entry)
    }

    fn load(&self, path: &TreePath) -> Result<Bytes, TreeError> {
        match self.file(path)? {
            Some(bytes) => Ok(bytes),
            None => self.target(path).map(Bytes::from),
        }
    }

    fn entries(&self, path: &TreePath) -> Result<Vec<DirEntry>, TreeError> {
        let mut entries = Vec::new();
        for found in fs::read_dir(self.place(path)).map_err(|error| store(path, error))? {
            let found = found.map_err(|error| store(path, error))?;
            let kind = kind(found.file_type().map_err(|error| store(path, error))?);
            entries.push(DirEntry { name: found.file_name().to_string_lossy().into_owned(), kind });
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    fn read(&self, path: &TreePath) -> Result<Bytes, TreeError> {
        if path.parent().is_some_and(|folder| self.is_real(&folder))
            && let Some(bytes) = self.file(path)?
        {
            return Ok(bytes);
        }
        match self.resolve(path)? {
            Some((real, entry)) if entry.kind.is_file() => self.load(&real),
            Some(_) => Err(TreeError::IsDirectory { path: path.clone() }),
            None => Err(TreeError::NotFound { path: path.clone() }),
        }
    }

    fn list(&self, path: &TreePath) -> Result<Vec<DirEntry>, TreeError> {
        let real = match self.is_real(path) {
            true => path.clone(),
            false => match self.resolve(path)? {
                Some((real, entry)) if entry.kind == Kind::Directory => real,
                Some(_) => return Err(TreeError::NotDirectory { path: path.clone() }),
                None => return Err(TreeError::NotFound { path: path.clone() }),
            },
        };
        let entries = self.entries(&real)?;
        let folders = entries.iter().filter(|entry| entry.kind == Kind::Directory);
        self.seen().real.extend(folders.map(|folder| real.child(&folder.name)));
        self.seen().real.insert(real);
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
    Entry { kind: kind(metadata.file_type()), id: identity(metadata) }
}

fn kind(kind: FileType) -> Kind {
    if kind.is_symlink() {
        Kind::Link
    } else if kind.is_dir() {
        Kind::Directory
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

fn is(error: &io::Error, errno: Errno) -> bool {
    error.raw_os_error() == Some(errno.raw_os_error())
}

fn irregular(path: &TreePath) -> TreeError {
    store(path, io::Error::other("neither a file nor a folder"))
}

fn store(path: &TreePath, error: io::Error) -> TreeError {
    TreeError::Store { path: path.clone(), source: Box::new(error) }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
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
    fn links_are_followed_in_folders_that_were_listed_too() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/b")).unwrap();
        fs::write(folder.path().join("a/b/x"), "x").unwrap();
        symlink("b/x", folder.path().join("a/link")).unwrap();
        symlink("b", folder.path().join("a/folder")).unwrap();
        symlink("../../outside", folder.path().join("a/away")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, folder.path().join("a/pipe"), rustix::fs::Mode::RWXU).unwrap();
        let tree = DiskTree::new(fs::canonicalize(folder.path()).unwrap(), 100);
        let kinds = tree.list(&path("a")).unwrap().into_iter().map(|entry| (entry.name, entry.kind));
        let named = |name: &str, kind| (name.to_owned(), kind);
        assert_eq!(
            kinds.collect::<Vec<_>>(),
            [
                named("away", Kind::Link),
                named("b", Kind::Directory),
                named("folder", Kind::Link),
                named("link", Kind::Link),
                named("pipe", Kind::File),
            ]
        );
        for file in ["a/link", "a/b/x", "a/folder/x"] {
            assert_eq!(tree.read(&path(file)).unwrap(), Bytes::from("x"), "{file}");
        }
        assert!(matches!(tree.read(&path("a/away")), Err(TreeError::LinkOutside { .. })));
        assert!(matches!(tree.read(&path("a/folder")), Err(TreeError::IsDirectory { .. })));
        assert!(matches!(tree.read(&path("a/b")), Err(TreeError::IsDirectory { .. })));
        assert!(matches!(tree.read(&path("a/none")), Err(TreeError::NotFound { .. })));
        assert!(tree.read(&path("a/pipe")).unwrap_err().source().unwrap().to_string().contains("neither"));
        assert_eq!(tree.list(&path("a/folder")).unwrap().len(), 1);
    }

    #[test]
    fn a_file_over_the_limit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("big"), "0123456789").unwrap();
        let tree = DiskTree::new(folder.path(), 9);
        assert!(matches!(tree.read(&path("big")), Err(TreeError::TooLarge { size: 10, limit: 9, .. })));
    }
}
