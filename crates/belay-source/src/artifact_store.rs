//! Artifacts on disk: `kind/namespace/name/file`, written whole or not at all, collected when old.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

/// Files looked at for what may go, per artifact.
const MOST_FILES: usize = 1000;
/// How a file that is still being written begins.
const UNFINISHED: &str = ".unfinished-";

/// Why an artifact cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The path leads out of the store.
    #[error("{path:?} is no path of an artifact")]
    Path {
        /// The path.
        path: String,
    },
    /// The disk said no.
    #[error("artifact {path} cannot be stored")]
    Store {
        /// The artifact.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A folder of artifacts.
#[derive(Debug, Clone)]
pub struct ArtifactStore {
    folder: PathBuf,
    keep: usize,
    age: Duration,
}

/// What was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredArtifact {
    /// `sha256:…` of the bytes.
    pub digest: String,
    /// How many bytes.
    pub size: u64,
}

impl StoredArtifact {
    /// What would be stored of these bytes.
    pub fn of(bytes: &[u8]) -> StoredArtifact {
        StoredArtifact {
            digest: format!("sha256:{}", hex::encode(Sha256::digest(bytes))),
            size: bytes.len() as u64,
        }
    }
}

impl ArtifactStore {
    /// A store below `folder`, which is made when something is stored. Two files are kept of each
    /// artifact, and older ones for a minute, so that whoever has an old URL can still read it.
    pub fn new(folder: impl Into<PathBuf>) -> ArtifactStore {
        ArtifactStore { folder: folder.into(), keep: 2, age: Duration::from_secs(60) }
    }

    /// Stores bytes under a path such as `gitrepository/apps/web/abc.tar.gz`.
    pub fn put(&self, path: &str, bytes: &[u8]) -> Result<StoredArtifact, ArtifactError> {
        let place = self.place(path)?;
        let failed = |source| ArtifactError::Store { path: path.to_owned(), source };
        write_whole(&place, bytes).map_err(failed)?;
        Ok(StoredArtifact::of(bytes))
    }

    /// Makes `name` beside the artifact lead to it.
    pub fn link(&self, path: &str, name: &str) -> Result<(), ArtifactError> {
        let place = self.place(path)?;
        let failed = |source| ArtifactError::Store { path: path.to_owned(), source };
        let (Some(folder), Some(file)) = (place.parent(), place.file_name()) else { return Ok(()) };
        link(Path::new(file), &folder.join(name)).map_err(failed)
    }

    /// The bytes of an artifact, if they are there and have this digest.
    pub fn verified(&self, path: &str, digest: &str) -> Option<Vec<u8>> {
        let bytes = fs::read(self.place(path).ok()?).ok()?;
        (StoredArtifact::of(&bytes).digest == digest).then_some(bytes)
    }

    /// The file of a path, if there is one; nothing that lies outside of the store.
    pub fn file(&self, path: &str) -> Option<PathBuf> {
        let place = self.place(path).ok()?.canonicalize().ok()?;
        let inside = place.starts_with(self.folder.canonicalize().ok()?);
        (inside && place.is_file()).then_some(place)
    }

    /// Deletes old files beside an artifact: those past their time, and those beyond the number to keep.
    pub fn collect(&self, path: &str) -> Result<usize, ArtifactError> {
        let current = self.place(path)?;
        let failed = |source| ArtifactError::Store { path: path.to_owned(), source };
        let mut others = others(&current).map_err(failed)?;
        others.sort_by_key(|(written, _)| std::cmp::Reverse(*written));
        let now = SystemTime::now();
        let mut deleted = 0;
        for (position, (written, file)) in others.into_iter().enumerate() {
            let is_old = now.duration_since(written).is_ok_and(|age| age > self.age);
            if position + 1 >= self.keep || is_old {
                fs::remove_file(&file).map_err(failed)?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }

    /// Deletes everything of one object, `kind/namespace/name`.
    pub fn remove(&self, folder: &str) -> Result<(), ArtifactError> {
        let place = self.place(folder)?;
        match fs::remove_dir_all(place) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(ArtifactError::Store { path: folder.to_owned(), source })
            }
            _ => Ok(()),
        }
    }

    /// Every object that has something stored, as `kind/namespace/name`.
    pub fn objects(&self) -> Vec<String> {
        let mut objects = vec![String::new()];
        for _ in ["kind", "namespace", "name"] {
            objects = objects.iter().flat_map(|folder| self.folders(folder)).collect();
        }
        objects
    }

    fn folders(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.folder.join(folder)).into_iter().flatten().flatten();
        let names = entries.filter(|entry| entry.path().is_dir()).filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            Some(if folder.is_empty() { name } else { format!("{folder}/{name}") })
        });
        names.collect()
    }

    fn place(&self, path: &str) -> Result<PathBuf, ArtifactError> {
        let is_plain = |component| matches!(component, Component::Normal(_));
        if path.is_empty() || !Path::new(path).components().all(is_plain) {
            return Err(ArtifactError::Path { path: path.to_owned() });
        }
        Ok(self.folder.join(path))
    }
}

/// Writes beside the place first, so that nobody reads half a file.
fn write_whole(place: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = place.parent().unwrap_or(Path::new("."));
    make_folder(folder)?;
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = folder.join(format!("{UNFINISHED}{}-{name}", std::process::id()));
    // One that an earlier process left behind.
    let _ = fs::remove_file(&unfinished);
    private(&unfinished)?.write_all(bytes)?;
    fs::rename(&unfinished, place)
}

/// The other artifacts in the folder, with the time they were written.
fn others(current: &Path) -> io::Result<Vec<(SystemTime, PathBuf)>> {
    let Some(folder) = current.parent() else { return Ok(Vec::new()) };
    let mut others = Vec::new();
    for entry in fs::read_dir(folder)?.take(MOST_FILES) {
        let entry = entry?;
        let kind = entry.file_type()?;
        let is_unfinished = entry.file_name().to_string_lossy().starts_with(UNFINISHED);
        if kind.is_file() && entry.path() != current && !is_unfinished {
            others.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    Ok(others)
}

#[cfg(unix)]
fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// A new file, which nobody else may ever read.
#[cfg(unix)]
fn private(file: &Path) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)
}

#[cfg(not(unix))]
fn private(file: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().write(true).create_new(true).open(file)
}

#[cfg(unix)]
fn link(target: &Path, link: &Path) -> io::Result<()> {
    let name = link.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = link.with_file_name(format!("{UNFINISHED}{}-{name}", std::process::id()));
    // One that an earlier process left behind.
    let _ = fs::remove_file(&unfinished);
    std::os::unix::fs::symlink(target, &unfinished)?;
    fs::rename(&unfinished, link)
}

#[cfg(not(unix))]
fn link(target: &Path, link: &Path) -> io::Result<()> {
    fs::copy(link.with_file_name(target), link).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_found_by_path_and_digest() {
        let folder = tempfile::tempdir().unwrap();
        let store = ArtifactStore::new(folder.path());
        let stored = store.put("gitrepository/apps/web/abc.tar.gz", b"bytes").unwrap();
        assert_eq!(stored.size, 5);
        assert_eq!(stored.digest, format!("sha256:{}", hex::encode(Sha256::digest(b"bytes"))));
        let path = "gitrepository/apps/web/abc.tar.gz";
        assert_eq!(store.verified(path, &stored.digest).as_deref(), Some(&b"bytes"[..]));
        assert_eq!(store.verified(path, "sha256:0"), None, "damaged");
        store.link(path, "latest.tar.gz").unwrap();
        assert_eq!(store.file("gitrepository/apps/web/latest.tar.gz"), store.file(path));
    }

    #[cfg(unix)]
    #[test]
    fn bad_p8_artifacts_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let room = tempfile::tempdir().unwrap();
        let folder = room.path().join("artifacts");
        let store = ArtifactStore::new(&folder);
        // Where the next file is to be written, somebody has put a link.
        fs::create_dir_all(folder.join("kind/ns/app")).unwrap();
        fs::write(room.path().join("other"), "precious").unwrap();
        let unfinished = format!("kind/ns/app/{UNFINISHED}{}-a.tar.gz", std::process::id());
        std::os::unix::fs::symlink(room.path().join("other"), folder.join(unfinished)).unwrap();
        store.put("kind/ns/app/a.tar.gz", b"bytes").unwrap();
        store.put("kind/ns/new/a.tar.gz", b"bytes").unwrap();
        assert_eq!(fs::read_to_string(room.path().join("other")).unwrap(), "precious");
        let mode = |path: &str| fs::metadata(folder.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("kind/ns/new"), mode("kind/ns/new/a.tar.gz")), (0o700, 0o600));
        assert_eq!(mode("kind/ns/app/a.tar.gz"), 0o600);
    }

    #[test]
    fn no_path_leads_out() {
        let folder = tempfile::tempdir().unwrap();
        let store = ArtifactStore::new(folder.path().join("store"));
        fs::write(folder.path().join("secret"), "x").unwrap();
        store.put("a/b", b"").unwrap();
        for path in ["", "../secret", "a/../../secret", "/etc/passwd", "a/./b/../../../secret"] {
            assert!(store.put(path, b"x").is_err(), "{path}");
            assert_eq!(store.file(path), None, "{path}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("../../secret", folder.path().join("store/a/link")).unwrap();
            assert_eq!(store.file("a/link"), None);
        }
    }

    #[test]
    fn old_files_go_and_the_current_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = ArtifactStore { age: Duration::from_secs(3600), ..ArtifactStore::new(folder.path()) };
        for name in ["1", "2", "3"] {
            store.put(&format!("k/ns/n/{name}"), b"").unwrap();
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(store.collect("k/ns/n/3").unwrap(), 1);
        assert_eq!(store.objects(), ["k/ns/n"]);
        assert!(store.file("k/ns/n/1").is_none() && store.file("k/ns/n/2").is_some());
        let store = ArtifactStore { age: Duration::ZERO, ..store };
        assert_eq!(store.collect("k/ns/n/3").unwrap(), 1);
        assert!(store.file("k/ns/n/3").is_some());
        store.remove("k/ns/n").unwrap();
        assert!(store.file("k/ns/n/3").is_none());
        store.remove("k/ns/n").unwrap();
    }
}
