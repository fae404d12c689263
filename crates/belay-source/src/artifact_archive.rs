//! A tree of files as the archive that Flux's sources serve: the same files give the same bytes.

use std::io::Write;

use belay_filetree::{FileTree, Kind, TreeError, TreePath};
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use tar::{EntryType, Header};

/// Most bytes that an archive's files may have together.
const MOST_BYTES: u64 = 1024 * 1024 * 1024;
/// Modes of everything in an archive, whatever they are in the source.
const FOLDER_MODE: u32 = 0o750;
const FILE_MODE: u32 = 0o600;
const PROGRAM_MODE: u32 = 0o700;
/// What Go's gzip writes where others name their operating system.
const NO_SYSTEM: u8 = 255;

/// Why a tree is no archive.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The tree cannot be read.
    #[error("the files cannot be read")]
    Tree(#[from] TreeError),
    /// There is too much in it.
    #[error("the files have more than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// The archive cannot be written.
    #[error("the archive cannot be written")]
    Write(#[from] std::io::Error),
}

/// The files and folders of a tree as a gzipped tar, in the order of their names, without owners,
/// times and links. `leaves_out` tells by path, and whether it is a folder, what stays out; a
/// folder that stays out does not keep its files out.
pub fn archive(
    tree: &dyn FileTree,
    leaves_out: &dyn Fn(&TreePath, bool) -> bool,
) -> Result<Vec<u8>, ArchiveError> {
    let mut writer = Writer { tree, leaves_out, tar: tar::Builder::new(gzip()), left: MOST_BYTES };
    writer.header(".", FOLDER_MODE, None)?;
    writer.folder(&TreePath::root())?;
    Ok(writer.tar.into_inner()?.finish()?)
}

/// Files as a packaged chart: below a folder of the chart's name.
pub fn package(folder: &str, files: &[(&str, &[u8])]) -> Result<Vec<u8>, ArchiveError> {
    let mut tar = tar::Builder::new(gzip());
    for (name, data) in files {
        let mut header = header(FILE_MODE | 0o044, Some(data.len() as u64));
        tar.append_data(&mut header, format!("{folder}/{name}"), *data)?;
    }
    Ok(tar.into_inner()?.finish()?)
}

fn gzip() -> GzEncoder<Vec<u8>> {
    GzBuilder::new().operating_system(NO_SYSTEM).write(Vec::new(), Compression::default())
}

fn header(mode: u32, size: Option<u64>) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(if size.is_some() { EntryType::Regular } else { EntryType::Directory });
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size.unwrap_or_default());
    header
}

struct Writer<'a> {
    tree: &'a dyn FileTree,
    leaves_out: &'a dyn Fn(&TreePath, bool) -> bool,
    tar: tar::Builder<GzEncoder<Vec<u8>>>,
    left: u64,
}

impl Writer<'_> {
    fn folder(&mut self, folder: &TreePath) -> Result<(), ArchiveError> {
        let mut entries = self.tree.entries(folder)?;
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        for entry in entries {
            let path = folder.child(&entry.name);
            match entry.kind {
                Kind::Directory => {
                    if !(self.leaves_out)(&path, true) {
                        self.header(path.as_str(), FOLDER_MODE, None)?;
                    }
                    self.folder(&path)?;
                }
                Kind::File | Kind::Executable if !(self.leaves_out)(&path, false) => {
                    let mode = if entry.kind == Kind::File { FILE_MODE } else { PROGRAM_MODE };
                    self.file(&path, mode)?;
                }
                Kind::File | Kind::Executable | Kind::Link | Kind::Submodule => {}
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &TreePath, mode: u32) -> Result<(), ArchiveError> {
        let content = match self.tree.load(path) {
            Ok(content) => content,
            Err(TreeError::LfsPointer { path }) => {
                tracing::warn!(%path, "a Git LFS pointer is left out of the artifact");
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let size = content.len() as u64;
        self.left = self.left.checked_sub(size).ok_or(ArchiveError::TooLarge { limit: MOST_BYTES })?;
        self.header(path.as_str(), mode, Some(&content))
    }

    fn header(&mut self, name: &str, mode: u32, content: Option<&[u8]>) -> Result<(), ArchiveError> {
        let mut header = header(mode, content.map(|content| content.len() as u64));
        if name == "." {
            // The library has no root folder; its name is written by hand.
            header.as_mut_bytes()[0] = b'.';
            header.set_cksum();
            self.tar.get_mut().write_all(header.as_bytes())?;
            return Ok(());
        }
        self.tar.append_data(&mut header, name, content.unwrap_or_default())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_filetree::MemoryTree;
    use std::io::Read;

    fn tree() -> MemoryTree {
        MemoryTree::of([("b/run.sh", "x"), ("a.yaml", "a: 1\n"), ("b/logo.png", "p"), ("b-c/d.yaml", "")])
    }

    fn entries(bytes: &[u8]) -> Vec<String> {
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(bytes));
        let mut entries = Vec::new();
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            let header = entry.header().clone();
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            entries.push(format!(
                "{} {:o} {} {} {} {content:?}",
                String::from_utf8(entry.path_bytes().to_vec()).unwrap(),
                header.mode().unwrap(),
                header.uid().unwrap(),
                header.gid().unwrap(),
                header.mtime().unwrap(),
            ));
        }
        entries
    }

    #[test]
    fn an_archive_holds_names_modes_and_content_alone() {
        let leaves_out = |path: &TreePath, _: bool| path.as_str().ends_with(".png");
        let bytes = archive(&tree(), &leaves_out).unwrap();
        assert_eq!(
            entries(&bytes),
            [
                ". 750 0 0 0 \"\"",
                "a.yaml 600 0 0 0 \"a: 1\\n\"",
                "b 750 0 0 0 \"\"",
                "b/run.sh 600 0 0 0 \"x\"",
                "b-c 750 0 0 0 \"\"",
                "b-c/d.yaml 600 0 0 0 \"\"",
            ]
        );
        assert_eq!(bytes, archive(&tree(), &leaves_out).unwrap());
        assert_eq!(bytes[4..10], [0, 0, 0, 0, 0, 255], "no time, no operating system");
    }

    #[test]
    fn a_folder_that_is_left_out_does_not_take_its_files_along() {
        let leaves_out = |path: &TreePath, is_folder: bool| is_folder && path.as_str() == "b";
        let names = entries(&archive(&tree(), &leaves_out).unwrap());
        assert!(!names.iter().any(|name| name.starts_with("b ")), "{names:?}");
        assert!(names.iter().any(|name| name.starts_with("b/run.sh ")), "{names:?}");
    }

    #[test]
    fn a_chart_is_packaged_below_its_name() {
        let bytes = package("web", &[("Chart.yaml", b"name: web\n"), ("templates/a.yaml", b"")]).unwrap();
        let names = entries(&bytes);
        assert_eq!(names[0], "web/Chart.yaml 644 0 0 0 \"name: web\\n\"");
        assert!(names[1].starts_with("web/templates/a.yaml "));
    }
}
