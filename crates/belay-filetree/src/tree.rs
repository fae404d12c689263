//! The trait that every source of files implements.

use std::fmt;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::path::{PathError, TreePath};

/// Symbolic links followed on one path before it counts as a cycle (Linux allows as many).
const MAX_LINKS: usize = 40;

/// An opaque name of content: equal ids mean equal bytes. A Git object id, or a hash of the bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentId(String);

impl ContentId {
    /// Wraps an id that a store already has, such as a Git object id.
    pub fn new(id: impl Into<String>) -> ContentId {
        ContentId(id.into())
    }

    /// The id of bytes that have no id of their own.
    pub fn of(bytes: &[u8]) -> ContentId {
        ContentId(format!("sha256:{}", hex::encode(Sha256::digest(bytes))))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContentId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A regular file with the executable bit.
    Executable,
    /// A folder.
    Directory,
    /// A symbolic link; its content is the target.
    Link,
    /// The place of a Git submodule, whose files are not part of this tree.
    Submodule,
}

impl Kind {
    /// Whether this is a regular file, executable or not.
    pub fn is_file(self) -> bool {
        matches!(self, Kind::File | Kind::Executable)
    }
}

/// What stands at a path, and which content it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// File, folder, link or submodule.
    pub kind: Kind,
    /// The id of the content: of a folder, that of everything below it.
    pub id: ContentId,
}

/// One entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// The name within the folder.
    pub name: String,
    /// File, folder, link or submodule.
    pub kind: Kind,
}

/// Why a path could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// Nothing stands at the path.
    #[error("{path}: no such file or directory")]
    NotFound {
        /// The path that was asked for.
        path: TreePath,
    },
    /// A file was asked for and a folder stands there.
    #[error("{path}: is a directory")]
    IsDirectory {
        /// The path that was asked for.
        path: TreePath,
    },
    /// A folder was asked for and a file stands there.
    #[error("{path}: is not a directory")]
    NotDirectory {
        /// The path that was asked for.
        path: TreePath,
    },
    /// A symbolic link points outside of the tree, or is absolute.
    #[error("{path}: symbolic link to {target:?} leads outside of the source")]
    LinkOutside {
        /// The link.
        path: TreePath,
        /// Where it points.
        target: String,
    },
    /// Links point at each other.
    #[error("{path}: too many levels of symbolic links")]
    LinkCycle {
        /// The path that was asked for.
        path: TreePath,
    },
    /// The path lies in a Git submodule, which is not fetched.
    #[error("{path}: is a Git submodule, whose files are not part of this source")]
    Submodule {
        /// The submodule's path.
        path: TreePath,
    },
    /// The file is a Git LFS pointer; its content is not in the repository.
    #[error("{path}: is a Git LFS pointer; the content is not in the repository")]
    LfsPointer {
        /// The file.
        path: TreePath,
        /// What stands there instead.
        pointer: Bytes,
    },
    /// The file is larger than a source may hold.
    #[error("{path}: {size} bytes are more than the limit of {limit}")]
    TooLarge {
        /// The file.
        path: TreePath,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The text is no path inside the tree.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The store behind the tree failed.
    #[error("{path}: cannot be read")]
    Store {
        /// The path that was asked for.
        path: TreePath,
        /// What the store said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A read-only tree of files at one revision.
///
/// Implementations provide the three exact look-ups, which do not follow links; callers use
/// [`read`](FileTree::read), [`list`](FileTree::list) and [`kind`](FileTree::kind), which do.
pub trait FileTree: Send + Sync {
    /// What stands at exactly this path; a link is reported as a link.
    fn lookup(&self, path: &TreePath) -> Result<Option<Entry>, TreeError>;

    /// The bytes of the file, or the target of the link, at exactly this path.
    fn load(&self, path: &TreePath) -> Result<Bytes, TreeError>;

    /// The entries of the folder at exactly this path, sorted by name.
    fn entries(&self, path: &TreePath) -> Result<Vec<DirEntry>, TreeError>;

    /// Where the path leads once every link on it is followed, and what stands there.
    fn resolve(&self, path: &TreePath) -> Result<Option<(TreePath, Entry)>, TreeError> {
        resolve(self, path)
    }

    /// The bytes of the file at the path. Links are followed within the tree.
    fn read(&self, path: &TreePath) -> Result<Bytes, TreeError> {
        match self.resolve(path)? {
            Some((real, entry)) if entry.kind.is_file() => self.load(&real),
            Some(_) => Err(TreeError::IsDirectory { path: path.clone() }),
            None => Err(TreeError::NotFound { path: path.clone() }),
        }
    }

    /// The entries of the folder at the path, sorted by name. Links to the folder are followed,
    /// links inside it are reported as links.
    fn list(&self, path: &TreePath) -> Result<Vec<DirEntry>, TreeError> {
        match self.resolve(path)? {
            Some((real, entry)) if entry.kind == Kind::Directory => self.entries(&real),
            Some(_) => Err(TreeError::NotDirectory { path: path.clone() }),
            None => Err(TreeError::NotFound { path: path.clone() }),
        }
    }

    /// What the path leads to; `None` when nothing stands there. Never [`Kind::Link`].
    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, TreeError> {
        Ok(self.resolve(path)?.map(|(_, entry)| entry.kind))
    }
}

/// Walks the path from the root, following links, the way the kernel does.
fn resolve<T: FileTree + ?Sized>(tree: &T, path: &TreePath) -> Result<Option<(TreePath, Entry)>, TreeError> {
    let mut links = 0;
    let mut pending: Vec<String> = path.components().rev().map(str::to_owned).collect();
    let mut place = TreePath::root();
    let mut entry = match tree.lookup(&place)? {
        Some(entry) => entry,
        None => return Ok(None),
    };
    while let Some(name) = pending.pop() {
        match entry.kind {
            Kind::Directory => {}
            Kind::Submodule => return Err(TreeError::Submodule { path: place }),
            _ => return Ok(None),
        }
        let next = place.child(&name);
        let Some(found) = tree.lookup(&next)? else {
            return Ok(None);
        };
        if found.kind != Kind::Link {
            (place, entry) = (next, found);
            continue;
        }
        links += 1;
        if links > MAX_LINKS {
            return Err(TreeError::LinkCycle { path: path.clone() });
        }
        let target = String::from_utf8_lossy(&tree.load(&next)?).into_owned();
        let Ok(real) = place.join(&target) else {
            return Err(TreeError::LinkOutside { path: next, target });
        };
        pending.extend(real.components().rev().map(str::to_owned));
        place = TreePath::root();
        entry = match tree.lookup(&place)? {
            Some(entry) => entry,
            None => return Ok(None),
        };
    }
    if entry.kind == Kind::Submodule {
        return Err(TreeError::Submodule { path: place });
    }
    Ok(Some((place, entry)))
}
