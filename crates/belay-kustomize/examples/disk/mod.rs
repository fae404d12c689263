//! A folder of the disk as a tree, for the examples.

use std::fs;
use std::path::{Path, PathBuf};

use belay_filetree::{ContentId, DirEntry, Entry, FileTree, Kind, TreeError, TreePath};

/// A folder of the disk, read when asked.
pub(crate) struct Disk {
    root: PathBuf,
}

impl Disk {
    pub(crate) fn new(root: impl Into<PathBuf>) -> Disk {
        Disk { root: root.into() }
    }

    fn place(&self, path: &TreePath) -> PathBuf {
        self.root.join(path.as_str())
    }
}

fn kind_of(kind: fs::FileType) -> Kind {
    if kind.is_dir() {
        Kind::Directory
    } else if kind.is_symlink() {
        Kind::Link
    } else {
        Kind::File
    }
}

fn failed(path: &TreePath, source: std::io::Error) -> TreeError {
    TreeError::Store { path: path.clone(), source: Box::new(source) }
}

impl FileTree for Disk {
    fn lookup(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        match fs::symlink_metadata(self.place(path)) {
            Ok(found) => {
                Ok(Some(Entry { kind: kind_of(found.file_type()), id: ContentId::new(path.as_str()) }))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(path, error)),
        }
    }

    fn load(&self, path: &TreePath) -> Result<bytes::Bytes, TreeError> {
        let place: &Path = &self.place(path);
        let is_link = fs::symlink_metadata(place).is_ok_and(|found| found.is_symlink());
        let content = if is_link {
            fs::read_link(place).map(|target| target.to_string_lossy().into_owned().into_bytes())
        } else {
            fs::read(place)
        };
        content.map(bytes::Bytes::from).map_err(|error| failed(path, error))
    }

    fn entries(&self, path: &TreePath) -> Result<Vec<DirEntry>, TreeError> {
        let listed = fs::read_dir(self.place(path)).map_err(|error| failed(path, error))?;
        let mut entries = Vec::new();
        for entry in listed {
            let entry = entry.map_err(|error| failed(path, error))?;
            let kind = entry.file_type().map_err(|error| failed(path, error))?;
            entries.push(DirEntry {
                name: entry.file_name().to_string_lossy().into_owned(),
                kind: kind_of(kind),
            });
        }
        entries.sort_by(|one, two| one.name.cmp(&two.name));
        Ok(entries)
    }
}
