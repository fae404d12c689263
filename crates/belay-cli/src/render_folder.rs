//! Renders on disk, so that a restart with unchanged Git renders nothing.
//!
//! ```text
//! renders/BUILD/APP/PART     hashes; another build of Belay might render otherwise, and begins anew
//! ```
//! Everything here can be lost, or be broken: what is not whole is made again.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use belay_filetree::ContentId;
use belay_render::RenderStore;
use belay_source::ArtifactStore;

/// What all renders may take.
const LIMIT: u64 = 512 * 1024 * 1024;
/// What one render may take.
const LARGEST: u64 = 32 * 1024 * 1024;
/// Letters of a hash in a name.
const LETTERS: usize = 32;

/// A folder of renders.
pub(crate) struct RenderFolder {
    folder: PathBuf,
    files: ArtifactStore,
    limit: u64,
    index: Mutex<Index>,
    is_failing: AtomicBool,
}

/// The files by age, the oldest first.
#[derive(Default)]
struct Index {
    total: u64,
    written: u64,
    files: HashMap<String, (u64, u64)>,
    ages: BTreeMap<u64, String>,
}

impl RenderFolder {
    /// The renders of this build of Belay; those of others are removed.
    pub(crate) fn open(folder: &Path) -> RenderFolder {
        RenderFolder::of_build(folder, &build(), LIMIT)
    }

    fn of_build(folder: &Path, build: &str, limit: u64) -> RenderFolder {
        let build = hashed(build);
        for other in names(folder).into_iter().filter(|name| *name != build) {
            if let Err(error) = fs::remove_dir_all(folder.join(&other)) {
                tracing::warn!(other, %error, "renders of another build are not removed");
            }
        }
        let folder = folder.join(build);
        let index = Mutex::new(Index::read(&folder));
        let files = ArtifactStore::new(&folder);
        RenderFolder { folder, files, limit, index, is_failing: AtomicBool::new(false) }
    }

    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let size = bytes.len() as u64;
        let oldest = {
            let mut index = self.lock();
            index.forget(path);
            index.make_room(self.limit.saturating_sub(size))
        };
        for old in oldest {
            remove_file(&self.folder.join(old))?;
        }
        self.files.put(path, bytes).map_err(io::Error::other)?;
        self.lock().add(path.to_owned(), size);
        Ok(())
    }

    /// Tells of a failure once; renders are then made again at the next start.
    fn tell(&self, result: io::Result<()>) {
        match result {
            Ok(()) => self.is_failing.store(false, Ordering::Relaxed),
            Err(error) if !self.is_failing.swap(true, Ordering::Relaxed) => {
                let error = belay_causes::chain(&error);
                tracing::warn!(folder = %self.folder.display(), error, "renders are not kept");
            }
            Err(_told) => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl RenderStore for RenderFolder {
    fn get(&self, app: &str, part: &str) -> Option<Vec<u8>> {
        let file = self.folder.join(path_of(app, part));
        let size = fs::metadata(&file).ok().filter(fs::Metadata::is_file)?.len();
        (size <= LARGEST).then(|| fs::read(file).ok()).flatten()
    }

    fn put(&self, app: &str, part: &str, bytes: &[u8]) {
        let path = path_of(app, part);
        if bytes.len() as u64 > LARGEST.min(self.limit) {
            // What is there is of the past.
            return self.tell(remove_file(&self.folder.join(path)));
        }
        self.tell(self.write(&path, bytes));
    }

    fn remove(&self, app: &str) {
        let app = hashed(app);
        self.lock().forget_where(|path| path.starts_with(&app));
        self.tell(self.files.remove(&app).map_err(io::Error::other));
    }
}

impl Index {
    fn read(folder: &Path) -> Index {
        let mut found: Vec<(SystemTime, String, u64)> = Vec::new();
        for app in names(folder) {
            for part in names(&folder.join(&app)) {
                let path = format!("{app}/{part}");
                if let Ok(metadata) = fs::metadata(folder.join(&path)) {
                    found.push((metadata.modified().unwrap_or(UNIX_EPOCH), path, metadata.len()));
                }
            }
        }
        found.sort();
        let mut index = Index::default();
        found.into_iter().for_each(|(_, path, size)| index.add(path, size));
        index
    }

    fn add(&mut self, path: String, size: u64) {
        self.written += 1;
        self.total += size;
        self.ages.insert(self.written, path.clone());
        self.files.insert(path, (self.written, size));
    }

    fn forget(&mut self, path: &str) {
        if let Some((age, size)) = self.files.remove(path) {
            self.ages.remove(&age);
            self.total -= size;
        }
    }

    fn forget_where(&mut self, is_forgotten: impl Fn(&str) -> bool) {
        let paths: Vec<String> = self.files.keys().filter(|path| is_forgotten(path)).cloned().collect();
        paths.iter().for_each(|path| self.forget(path));
    }

    /// The files that have to go for the rest to take no more than this.
    fn make_room(&mut self, limit: u64) -> Vec<String> {
        let mut oldest = Vec::new();
        while self.total > limit
            && let Some((_, path)) = self.ages.first_key_value()
        {
            let path = path.clone();
            self.forget(&path);
            oldest.push(path);
        }
        oldest
    }
}

/// What tells this build from others.
fn build() -> String {
    let executable = std::env::current_exe().and_then(fs::metadata);
    let (size, time) = executable.map_or((0, None), |file| (file.len(), file.modified().ok()));
    format!("{} {size} {time:?}", env!("CARGO_PKG_VERSION"))
}

fn path_of(app: &str, part: &str) -> String {
    format!("{}/{}", hashed(app), hashed(part))
}

fn hashed(text: &str) -> String {
    let id = ContentId::of(text.as_bytes());
    let hash = id.as_str().rsplit(':').next().unwrap_or_default();
    hash.chars().take(LETTERS).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

fn remove_file(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_are_kept_by_app_and_part_within_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let open = || RenderFolder::of_build(folder.path(), "one", 100);
        let renders = open();
        renders.put("a", "0", &[1; 40]);
        renders.put("a", "1", &[2; 40]);
        renders.put("b", "0", &[3; 30]);
        assert_eq!(renders.get("a", "0"), None, "the oldest went");
        assert_eq!(open().get("a", "1"), Some(vec![2; 40]));
        let again = open();
        again.put("b", "0", &[4; 60]);
        assert_eq!((again.get("a", "1"), again.get("b", "0")), (Some(vec![2; 40]), Some(vec![4; 60])));
        again.put("b", "0", &[5; 101]);
        assert_eq!(again.get("b", "0"), None, "larger than all may be");
        again.remove("a");
        assert_eq!(again.get("a", "1"), None);
        again.put("c", "0", &[6; 100]);
        assert_eq!(again.get("c", "0"), Some(vec![6; 100]), "what went takes no room");
    }

    #[test]
    fn bad_p8_an_app_cannot_name_the_render_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let renders = RenderFolder::of_build(folder.path(), "one", 1000);
        renders.put("app/a/web", "0", b"secret");
        let shown = path_of("app/a/web", "0");
        let (app, part) = shown.split_once('/').unwrap();
        for (other, name) in [
            ("app/b/web", "0"),
            ("app/b/../a/web", "0"),
            ("app/a", "web/0"),
            (app, part),
            ("", &shown),
            ("app/b", "../../app/a/web/0"),
        ] {
            assert_eq!(renders.get(other, name), None, "{other} {name}");
        }
        assert_eq!(renders.get("app/a/web", "0"), Some(b"secret".to_vec()));
    }

    #[test]
    fn another_build_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let open = |build: &str| RenderFolder::of_build(folder.path(), build, 100);
        open("one").put("a", "0", b"x");
        assert_eq!(open("one").get("a", "0"), Some(b"x".to_vec()));
        assert_eq!(open("two").get("a", "0"), None);
        assert_eq!(open("one").get("a", "0"), None, "it was removed");
        assert_eq!(names(folder.path()).len(), 0, "nothing is made before it is needed");
    }

    #[test]
    fn a_folder_that_cannot_be_written_keeps_nothing_and_fails_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("file");
        fs::write(&place, "in the way").unwrap();
        let renders = RenderFolder::of_build(&place, "one", 100);
        renders.put("a", "0", b"x");
        assert_eq!(renders.get("a", "0"), None);
        renders.remove("a");
    }
}
