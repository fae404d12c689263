//! Packaged charts: a gzip-compressed tar, unpacked in memory.

use std::io::Read;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use tar::EntryType;

use crate::chart::File;
use crate::load::{LoadLimits, without_byte_order_mark};
use crate::quote::quote;

/// Why an archive cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Not compressed with gzip.
    #[error("file does not appear to be a valid chart file (details: gzip: invalid header)")]
    NotGzip,
    /// Not a tar inside, or cut short.
    #[error("unable to load chart archive")]
    Damaged(#[source] std::io::Error),
    /// A path from the root of the file system.
    #[error("chart illegally contains absolute paths")]
    Absolute,
    /// A file beside the chart's folder.
    #[error("chart illegally contains content outside the base directory: {}", quote(.path))]
    OutsideBase {
        /// The path in the archive.
        path: String,
    },
    /// A path that climbs out of the chart's folder.
    #[error("chart illegally references parent directory")]
    Parent,
    /// A path of another system.
    #[error("chart contains illegally named files")]
    Named,
    /// A chart without a folder of its own in the archive.
    #[error("chart yaml not in base directory")]
    NoBase,
    /// A link, device or other thing that is neither a file nor a folder, where those may not be.
    #[error("chart archive holds {}, which is neither a file nor a folder", quote(.path))]
    EntryKind {
        /// The path in the archive.
        path: String,
    },
    /// The files together are too large.
    #[error("decompressed chart is larger than the maximum size {limit}")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// Too many files.
    #[error("chart archive holds more than {limit} files")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// Nothing inside.
    #[error("no files in chart archive")]
    Empty,
}

/// The files of the chart, named by their paths from the chart's folder.
pub fn unpack(archive: &[u8], limits: LoadLimits) -> Result<Vec<File>, ArchiveError> {
    if !archive.starts_with(&[0x1f, 0x8b, 0x08]) {
        return Err(ArchiveError::NotGzip);
    }
    // Headers and padding are counted too, so that empty entries without end stop as well.
    let entries_bytes = (limits.entries as u64).saturating_mul(2048);
    let unzipped = MultiGzDecoder::new(archive).take(limits.total_bytes.saturating_add(entries_bytes));
    let mut tar = tar::Archive::new(unzipped);
    let mut files = Vec::new();
    let mut left = limits.total_bytes;
    let mut seen = 0;
    for entry in tar.entries().map_err(ArchiveError::Damaged)? {
        let mut entry = entry.map_err(ArchiveError::Damaged)?;
        seen += 1;
        if seen > limits.entries {
            return Err(ArchiveError::TooMany { limit: limits.entries });
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        match entry.header().entry_type() {
            EntryType::Directory | EntryType::XGlobalHeader | EntryType::XHeader => continue,
            EntryType::Regular | EntryType::Continuous if path.ends_with('/') => continue,
            EntryType::Regular | EntryType::Continuous => {}
            _ if limits.special_entries => {}
            _ => return Err(ArchiveError::EntryKind { path }),
        }
        let name = chart_path(&path)?;
        if entry.size() > left {
            return Err(ArchiveError::TooLarge { limit: limits.total_bytes });
        }
        let mut data = Vec::new();
        entry.read_to_end(&mut data).map_err(ArchiveError::Damaged)?;
        left = left.saturating_sub(data.len() as u64);
        if left == 0 {
            return Err(ArchiveError::TooLarge { limit: limits.total_bytes });
        }
        files.push(File { name, data: without_byte_order_mark(Bytes::from(data)) });
    }
    if files.is_empty() {
        return Err(ArchiveError::Empty);
    }
    Ok(files)
}

/// The path below the archive's first folder, which is the chart's.
fn chart_path(path: &str) -> Result<String, ArchiveError> {
    let delimiter = if path.contains('\\') { '\\' } else { '/' };
    let (base, below) = path.split_once(delimiter).unwrap_or((path, ""));
    let below = below.replace(delimiter, "/");
    if below.starts_with('/') {
        return Err(ArchiveError::Absolute);
    }
    let name = clean(&below);
    if name == "." {
        return Err(ArchiveError::OutsideBase { path: path.to_owned() });
    }
    if name.starts_with("..") {
        return Err(ArchiveError::Parent);
    }
    let mut characters = name.chars();
    if let (Some(drive), Some(':'), Some('/')) = (characters.next(), characters.next(), characters.next())
        && drive.is_ascii_alphabetic()
    {
        return Err(ArchiveError::Named);
    }
    if base == "Chart.yaml" {
        return Err(ArchiveError::NoBase);
    }
    Ok(name)
}

/// Go's `path.Clean` of a relative path.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
        let mut tar =
            tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for (path, kind, data) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_size(data.len() as u64);
            header.set_mode(0o644);
            // `set_path` would refuse what a hostile archive holds.
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            if *kind == EntryType::Symlink {
                header.set_link_name("/etc/passwd").unwrap();
            }
            header.set_cksum();
            tar.append(&header, *data).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap()
    }

    fn check_error(entries: &[(&str, EntryType, &[u8])], expected: &str) {
        let error = unpack(&packed(entries), LoadLimits::default()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    const FILE: EntryType = EntryType::Regular;

    #[test]
    fn files_lie_below_the_first_folder() {
        let files =
            unpack(&packed(&[("a/Chart.yaml", FILE, b"x"), ("a/b/./c", FILE, b"y")]), LoadLimits::default());
        let names: Vec<String> = files.unwrap().into_iter().map(|file| file.name).collect();
        assert_eq!(names, ["Chart.yaml", "b/c"]);
    }

    #[test]
    fn bad_p5_archives_that_leave_their_folder_are_refused() {
        check_error(&[("a/../../x", FILE, b"x")], "chart illegally references parent directory");
        check_error(&[("a//etc/x", FILE, b"x")], "chart illegally contains absolute paths");
        check_error(
            &[("Chart.yaml", FILE, b"x")],
            "chart illegally contains content outside the base directory: \"Chart.yaml\"",
        );
        check_error(&[("a/c:/x", FILE, b"x")], "chart contains illegally named files");
        check_error(
            &[("a/link", EntryType::Symlink, b"")],
            "chart archive holds \"a/link\", which is neither a file nor a folder",
        );
        check_error(&[], "no files in chart archive");
    }

    #[test]
    fn links_and_devices_are_empty_files_to_the_command_line() {
        let entries: [(&str, EntryType, &[u8]); 4] = [
            ("a/Chart.yaml", FILE, b"x"),
            ("a/link", EntryType::Symlink, b""),
            ("a/hard", EntryType::Link, b""),
            ("a/pipe", EntryType::Fifo, b""),
        ];
        let files = unpack(&packed(&entries), LoadLimits::of_command_line()).unwrap();
        let sizes: Vec<(String, usize)> =
            files.into_iter().map(|file| (file.name, file.data.len())).collect();
        let expected = [("Chart.yaml", 1), ("link", 0), ("hard", 0), ("pipe", 0)];
        assert_eq!(sizes, expected.map(|(name, size)| (name.to_owned(), size)));
    }

    #[test]
    fn bad_r4_archives_that_grow_are_refused() {
        let zeros = vec![0; 1 << 20];
        let limits = LoadLimits { total_bytes: 1 << 19, ..LoadLimits::default() };
        let error = unpack(&packed(&[("a/x", FILE, &zeros)]), limits).unwrap_err();
        assert_eq!(error.to_string(), "decompressed chart is larger than the maximum size 524288");
        let limits = LoadLimits { entries: 3, ..LoadLimits::default() };
        let error = unpack(&packed(&[("a/x", FILE, b"".as_slice()); 5]), limits).unwrap_err();
        assert_eq!(error.to_string(), "chart archive holds more than 3 files");
    }
}
