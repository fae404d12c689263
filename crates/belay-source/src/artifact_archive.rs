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
/// Everything in a tar is a multiple of this.
const BLOCK: usize = 512;
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
            // As Flux archives it. Left out, its reader would take it for deleted.
            Err(TreeError::LfsPointer { pointer, .. }) => pointer,
            Err(error) => return Err(error.into()),
        };
        let size = content.len() as u64;
        self.left = self.left.checked_sub(size).ok_or(ArchiveError::TooLarge { limit: MOST_BYTES })?;
        self.header(path.as_str(), mode, Some(&content))
    }

    fn header(&mut self, name: &str, mode: u32, content: Option<&[u8]>) -> Result<(), ArchiveError> {
        let size = content.map(|content| content.len() as u64);
        let content = content.unwrap_or_default();
        let Some(block) = go_header(name, mode, size) else {
            // Go writes such names in another form than this library; both are read everywhere.
            self.tar.append_data(&mut header(mode, size), name, content)?;
            return Ok(());
        };
        let tar = self.tar.get_mut();
        tar.write_all(&block)?;
        tar.write_all(content)?;
        let padding = content.len().next_multiple_of(BLOCK) - content.len();
        tar.write_all(&[0; BLOCK][..padding])?;
        Ok(())
    }
}

/// The header block as Go's library writes it, for a name that fits.
fn go_header(name: &str, mode: u32, size: Option<u64>) -> Option<[u8; BLOCK]> {
    let (prefix, last) = split(name)?;
    let mut block = [0_u8; BLOCK];
    let mut put =
        |place: usize, text: &str| block[place..place + text.len()].copy_from_slice(text.as_bytes());
    put(0, last);
    put(100, &format!("{mode:07o}"));
    put(108, "0000000");
    put(116, "0000000");
    put(124, &format!("{:011o}", size.unwrap_or_default()));
    put(136, "00000000000");
    put(148, "        ");
    put(156, if size.is_some() { "0" } else { "5" });
    put(257, "ustar\x0000");
    put(329, "0000000");
    put(337, "0000000");
    put(345, prefix);
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Some(block)
}

/// The two fields that a name goes into: 155 bytes of folders, 100 bytes of the rest.
fn split(name: &str) -> Option<(&str, &str)> {
    if !name.is_ascii() {
        return None;
    }
    if name.len() <= 100 {
        return Some(("", name));
    }
    let place = name[..name.len().min(156)].rfind('/')?;
    let last = &name[place + 1..];
    (!last.is_empty() && last.len() <= 100).then_some((&name[..place], last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_filetree::{ContentId, DirEntry, Entry, MemoryTree};
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
    fn headers_are_those_of_go() {
        let folder = go_header(".", FOLDER_MODE, None).unwrap();
        assert_eq!(&folder[..2], b".\0");
        let fields = b"0000750\x000000000\x000000000\x0000000000000\x0000000000000\x00007256\0 5";
        assert_eq!(&folder[100..157], fields);
        assert_eq!(&folder[257..265], b"ustar\x0000");
        let deep = "d".repeat(90);
        let file = go_header(&format!("{deep}/long-file-name.yaml"), FILE_MODE, Some(2)).unwrap();
        assert_eq!(&file[..20], b"long-file-name.yaml\0");
        assert_eq!((&file[345..435], &file[148..156]), (deep.as_bytes(), &b"034313\0 "[..]));
        assert!(go_header(&"x".repeat(101), FILE_MODE, Some(0)).is_none());
        assert!(go_header("\u{e4}.yaml", FILE_MODE, Some(0)).is_none());
    }

    #[test]
    fn long_names_are_read_back() {
        let name = format!("{}/{}.yaml", "d".repeat(120), "x".repeat(120));
        let tree = MemoryTree::of([(name.as_str(), "a")]);
        let names = entries(&archive(&tree, &|_, _| false).unwrap());
        assert!(names.iter().any(|entry| entry.starts_with(&format!("{name} 600 "))), "{names:?}");
    }

    #[test]
    fn a_chart_is_packaged_below_its_name() {
        let bytes = package("web", &[("Chart.yaml", b"name: web\n"), ("templates/a.yaml", b"")]).unwrap();
        let names = entries(&bytes);
        assert_eq!(names[0], "web/Chart.yaml 644 0 0 0 \"name: web\\n\"");
        assert!(names[1].starts_with("web/templates/a.yaml "));
    }

    /// One file, and what a snapshot says of it.
    struct Pointer;

    const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";

    impl FileTree for Pointer {
        fn lookup(&self, _path: &TreePath) -> Result<Option<Entry>, TreeError> {
            Ok(Some(Entry { kind: Kind::File, id: ContentId::of(POINTER) }))
        }

        fn load(&self, path: &TreePath) -> Result<bytes::Bytes, TreeError> {
            Err(TreeError::LfsPointer { path: path.clone(), pointer: POINTER.into() })
        }

        fn entries(&self, _path: &TreePath) -> Result<Vec<DirEntry>, TreeError> {
            Ok(vec![DirEntry { name: "a.yaml".to_owned(), kind: Kind::File }])
        }
    }

    #[test]
    fn a_pointer_of_git_lfs_is_archived_as_it_is() {
        let entries = entries(&archive(&Pointer, &|_, _| false).unwrap());
        let file = entries.last().unwrap();
        assert!(file.contains("a.yaml") && file.contains("git-lfs"), "{entries:?}");
    }
}
