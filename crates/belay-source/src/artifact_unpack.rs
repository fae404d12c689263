//! An artifact's archive as a tree of files: within limits, and nothing of it outside of the tree.

use std::io::Read;

use belay_filetree::{FileTree, Kind, MemoryTree, TreePath};
use flate2::read::MultiGzDecoder;
use tar::EntryType;

/// How much an archive may hold.
#[derive(Debug, Clone, Copy)]
pub struct UnpackLimits {
    /// Bytes of all files together.
    pub bytes: u64,
    /// Files and folders.
    pub entries: usize,
}

impl Default for UnpackLimits {
    fn default() -> UnpackLimits {
        UnpackLimits { bytes: 256 * 1024 * 1024, entries: 100_000 }
    }
}

/// What an entry costs besides its content: its header, and its padding.
const ENTRY: u64 = 2048;

/// Why an archive is no tree of files. Worded as Flux words it where Flux refuses it, too.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// It is not compressed.
    #[error("requires gzip-compressed body")]
    NotGzip,
    /// It is no tar, or ends early.
    #[error("tar error")]
    Damaged(#[source] std::io::Error),
    /// A path leads out of the tree.
    #[error("tar contained invalid name error {name:?}")]
    Name {
        /// The path in the archive.
        name: String,
    },
    /// It holds a device, a hard link or the like.
    #[error("tar file entry {name} contained unsupported file type")]
    EntryKind {
        /// The path in the archive.
        name: String,
    },
    /// A file stands where a folder has to.
    #[error("tar file entry {name} stands below a file")]
    BelowFile {
        /// The path in the archive.
        name: String,
    },
    /// The files together are too large.
    #[error("tar {name:?} is bigger than max archive size of {limit} bytes")]
    TooLarge {
        /// The entry that was too much.
        name: String,
        /// The limit.
        limit: u64,
    },
    /// There are too many.
    #[error("the archive holds more than {limit} entries")]
    TooMany {
        /// The limit.
        limit: usize,
    },
}

/// The files of a gzipped tar. Links are passed over, as Flux does.
pub fn unpack(archive: &[u8], limits: UnpackLimits) -> Result<MemoryTree, UnpackError> {
    if !archive.starts_with(&[0x1f, 0x8b]) {
        return Err(UnpackError::NotGzip);
    }
    // What is inflated is bounded whatever the headers say.
    let most = limits.bytes.saturating_add((limits.entries as u64).saturating_mul(ENTRY));
    let mut tar = tar::Archive::new(MultiGzDecoder::new(archive).take(most));
    let mut tree = MemoryTree::new();
    let mut left = limits.bytes;
    let mut seen = 0;
    for entry in tar.entries().map_err(UnpackError::Damaged)? {
        let mut entry = entry.map_err(UnpackError::Damaged)?;
        seen += 1;
        if seen > limits.entries {
            return Err(UnpackError::TooMany { limit: limits.entries });
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let Some(size) = left.checked_sub(entry.size()) else {
            return Err(UnpackError::TooLarge { name, limit: limits.bytes });
        };
        let path = place(&name)?;
        let Some(kind) = kind(entry.header(), &name)? else { continue };
        if stands_below_a_file(&tree, &path) {
            return Err(UnpackError::BelowFile { name });
        }
        let mut content = Vec::new();
        if kind.is_file() {
            entry.read_to_end(&mut content).map_err(UnpackError::Damaged)?;
            if (content.len() as u64) < entry.size() {
                return Err(UnpackError::Damaged(std::io::ErrorKind::UnexpectedEof.into()));
            }
        }
        left = size;
        tree.insert(path, kind, content);
    }
    Ok(tree)
}

/// What an entry is; nothing for one that is passed over.
fn kind(header: &tar::Header, name: &str) -> Result<Option<Kind>, UnpackError> {
    match header.entry_type() {
        EntryType::Directory => Ok(Some(Kind::Directory)),
        EntryType::Regular | EntryType::Continuous if name.ends_with('/') => Ok(Some(Kind::Directory)),
        EntryType::Regular | EntryType::Continuous => {
            let is_program = header.mode().is_ok_and(|mode| mode & 0o111 != 0);
            Ok(Some(if is_program { Kind::Executable } else { Kind::File }))
        }
        EntryType::Symlink | EntryType::XGlobalHeader | EntryType::XHeader => Ok(None),
        _ => Err(UnpackError::EntryKind { name: name.to_owned() }),
    }
}

fn place(name: &str) -> Result<TreePath, UnpackError> {
    let refused = || UnpackError::Name { name: name.to_owned() };
    let climbs = name.split('/').any(|part| part == "..");
    if name.is_empty() || name.starts_with('/') || name.contains(['\\', '\0']) || climbs {
        return Err(refused());
    }
    TreePath::parse(name).map_err(|_outside| refused())
}

fn stands_below_a_file(tree: &MemoryTree, path: &TreePath) -> bool {
    let is_file = |path: &TreePath| {
        tree.lookup(path).is_ok_and(|entry| entry.is_some_and(|entry| entry.kind.is_file()))
    };
    let mut folder = path.parent();
    while let Some(place) = folder {
        if is_file(&place) {
            return true;
        }
        folder = place.parent();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact_archive::archive;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn packed(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, kind, data) in entries {
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(*kind);
            header.set_size(data.len() as u64);
            header.set_mode(0o644);
            // `set_path` would refuse what a hostile archive holds.
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            tar.append(&header, *data).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap()
    }

    fn error(archive: &[u8]) -> String {
        belay_causes::chain(&unpack(archive, UnpackLimits::default()).unwrap_err())
    }

    const FILE: EntryType = EntryType::Regular;

    #[test]
    fn our_own_archives_come_back() {
        let files = [("a.yaml", "a: 1\n"), ("b/c/d.yaml", "d: 1\n")];
        let packed = archive(&MemoryTree::of(files), &|_, _| false).unwrap();
        let tree = unpack(&packed, UnpackLimits::default()).unwrap();
        for (path, content) in files {
            assert_eq!(tree.read(&TreePath::parse(path).unwrap()).unwrap(), content.as_bytes());
        }
        assert_eq!(tree.entries(&TreePath::root()).unwrap().len(), 2);
    }

    #[test]
    fn bad_p1_paths_that_lead_out_are_refused() {
        for name in ["../x", "/etc/passwd", "a/../../x", "a\\..\\x", "a/.."] {
            let found = unpack(&packed(&[(name, FILE, b"x")]), UnpackLimits::default());
            assert!(matches!(found, Err(UnpackError::Name { .. })), "{name}: {found:?}");
        }
        assert_eq!(error(&packed(&[("../x", FILE, b"x")])), "tar contained invalid name error \"../x\"");
    }

    #[test]
    fn bad_p1_links_lead_nowhere_and_devices_are_refused() {
        let tree = unpack(
            &packed(&[("out", EntryType::Symlink, b""), ("out/x", FILE, b"x")]),
            UnpackLimits::default(),
        );
        let tree = tree.unwrap();
        assert_eq!(tree.lookup(&TreePath::parse("out").unwrap()).unwrap().unwrap().kind, Kind::Directory);
        for kind in [EntryType::Link, EntryType::Char, EntryType::Fifo] {
            let found = unpack(&packed(&[("x", kind, b"")]), UnpackLimits::default());
            assert!(matches!(found, Err(UnpackError::EntryKind { .. })), "{kind:?}: {found:?}");
        }
        let below = packed(&[("a", FILE, b"x"), ("a/b", FILE, b"x")]);
        assert!(error(&below).contains("stands below a file"));
    }

    #[test]
    fn bad_r4_archives_that_grow_are_stopped() {
        let zeros = vec![0; 4 * 1024 * 1024];
        let bomb = packed(&[("a", FILE, &zeros), ("b", FILE, &zeros)]);
        assert!(bomb.len() < 100_000);
        let limits = UnpackLimits { bytes: 5 * 1024 * 1024, entries: 10 };
        assert!(matches!(unpack(&bomb, limits), Err(UnpackError::TooLarge { .. })));
        let names: Vec<String> = (0..11).map(|number| format!("f{number}")).collect();
        let many: Vec<_> = names.iter().map(|name| (name.as_str(), FILE, &b""[..])).collect();
        assert!(matches!(unpack(&packed(&many), limits), Err(UnpackError::TooMany { limit: 10 })));
        // A header that says less than there is, and one that says more.
        let mut endless = GzEncoder::new(Vec::new(), Compression::fast());
        let mut header = tar::Header::new_ustar();
        header.set_size(u64::MAX / 4);
        header.set_cksum();
        std::io::Write::write_all(&mut endless, header.as_bytes()).unwrap();
        assert!(unpack(&endless.finish().unwrap(), limits).is_err());
    }

    #[test]
    fn bad_r4_garbage_is_refused() {
        assert_eq!(error(b"plain"), "requires gzip-compressed body");
        let whole = packed(&[("a.yaml", FILE, &[7; 5000])]);
        assert!(error(&whole[..whole.len() / 2]).starts_with("tar error"), "{}", error(&whole[..60]));
        assert!(error(&[0x1f, 0x8b, 8, 0]).starts_with("tar error"));
    }
}
