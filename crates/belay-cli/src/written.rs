//! Writing files into folders in which somebody else may have put links.
//!
//! Guarantee: nothing outside of the folder that was named is written, made or taken away, whatever links lie in it. A file is
//! made anew beside its place and renamed, so that no link can be put there in between.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Writes a file somewhere below `root`. A link in its place is replaced; one on the way must not lead out.
pub(crate) fn replace(root: &Path, file: &Path, content: &[u8]) -> io::Result<()> {
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else {
        return Err(io::Error::other("is no place for a file"));
    };
    let place = inside(root, folder)?.join(name);
    let unfinished = place.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    let result = fill(&unfinished, &place, content).and_then(|()| fs::rename(&unfinished, &place));
    if result.is_err() {
        // It may not even have been made.
        let _ = fs::remove_file(&unfinished);
    }
    result
}

fn fill(unfinished: &Path, place: &Path, content: &[u8]) -> io::Result<()> {
    // What an earlier run left when it was killed. A link is taken away, not followed.
    if let Err(error) = fs::remove_file(unfinished)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut open = OpenOptions::new().write(true).create_new(true).open(unfinished)?;
    if let Ok(before) = fs::symlink_metadata(place)
        && before.is_file()
    {
        open.set_permissions(before.permissions())?;
    }
    open.write_all(content)
}

/// Writes the file that people mean when they name `file`: behind a link that stays below `root`, the one it leads to.
pub(crate) fn follow(root: &Path, file: &Path, content: &[u8]) -> io::Result<()> {
    if file.is_symlink() {
        replace(root, &inside(root, file)?, content)
    } else {
        replace(root, file, content)
    }
}

/// Adds to the end of a file below `root`.
pub(crate) fn append(root: &Path, file: &Path, content: &[u8]) -> io::Result<()> {
    OpenOptions::new().append(true).open(inside(root, file)?)?.write_all(content)
}

/// Makes a folder below `root`, and those on the way.
pub(crate) fn make_folder(root: &Path, folder: &Path) -> io::Result<()> {
    let mut there = folder.ancestors().filter(|ancestor| fs::symlink_metadata(ancestor).is_ok());
    if folder.starts_with(root)
        && let Some(last) = there.next().filter(|last| last.starts_with(root))
    {
        inside(root, last)?;
    }
    fs::create_dir_all(folder)
}

/// Where something that is there really is, if that is below `root`.
pub(crate) fn inside(root: &Path, place: &Path) -> io::Result<PathBuf> {
    let plain =
        |path: &Path| fs::canonicalize(if path.as_os_str().is_empty() { Path::new(".") } else { path });
    let (root, real) = (plain(root)?, plain(place)?);
    if real.starts_with(&root) {
        return Ok(real);
    }
    Err(io::Error::other(format!(
        "a link leads out of {} to {}: not written",
        root.display(),
        real.display()
    )))
}

/// A new folder among those that everybody may make, for its owner alone. It goes with what is given.
pub(crate) fn private_folder(prefix: &str) -> io::Result<tempfile::TempDir> {
    let only_ours = fs::Permissions::from_mode(0o700);
    tempfile::Builder::new().prefix(prefix).permissions(only_ours).tempdir()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A folder `in` with links, and `out` beside it.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["in/real", "out"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("out/file"), "precious").unwrap();
        fs::write(folder.path().join("in/real/file"), "ours").unwrap();
        symlink(folder.path().join("out"), folder.path().join("in/away")).unwrap();
        symlink("../out/file", folder.path().join("in/file")).unwrap();
        symlink("real/file", folder.path().join("in/near")).unwrap();
        symlink("../out/new", folder.path().join("in/dangling")).unwrap();
        folder
    }

    #[test]
    fn bad_p3_links_that_lead_out_are_not_written_through() {
        let folder = folder();
        let root = folder.path().join("in");
        let said = |result: io::Result<()>| result.unwrap_err().to_string();
        assert!(said(replace(&root, &root.join("away/file"), b"x")).contains("a link leads out of"));
        assert!(said(follow(&root, &root.join("file"), b"x")).contains("a link leads out of"));
        assert!(said(append(&root, &root.join("file"), b"x")).contains("a link leads out of"));
        assert!(said(make_folder(&root, &root.join("away/more/and/more"))).contains("a link leads out of"));
        assert!(follow(&root, &root.join("dangling"), b"x").is_err());
        replace(&root, &root.join("dangling"), b"x").unwrap();
        assert!(!root.join("dangling").is_symlink());
        assert_eq!(fs::read_to_string(folder.path().join("out/file")).unwrap(), "precious");
        assert_eq!(fs::read_dir(folder.path().join("out")).unwrap().count(), 1);
    }

    #[test]
    fn links_that_stay_inside_are_followed_and_modes_are_kept() {
        let folder = folder();
        let root = folder.path().join("in");
        let file = root.join("real/file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        follow(&root, &root.join("near"), b"changed").unwrap();
        assert!(root.join("near").is_symlink());
        append(&root, &root.join("near"), b", twice").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "changed, twice");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        make_folder(&root, &root.join("a/b")).unwrap();
        replace(&root, &root.join("a/b/c"), b"x").unwrap();
        assert_eq!(fs::read_to_string(root.join("a/b/c")).unwrap(), "x");
        assert_eq!(fs::read_dir(root.join("a/b")).unwrap().count(), 1, "nothing unfinished stays");
    }
}
