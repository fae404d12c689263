//! The folder in which a process keeps what it can make anew.

use std::fs;
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tempfile::TempDir;

/// A folder that outlives processes, and not always well.
pub(crate) struct Disk {
    place: TempDir,
    random: StdRng,
}

impl Disk {
    pub(crate) fn new(seed: u64) -> Disk {
        let place = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(place.path().join("data")).expect("a temporary folder can be written to");
        Disk { place, random: StdRng::seed_from_u64(seed) }
    }

    /// What a process is given.
    pub(crate) fn path(&self) -> PathBuf {
        self.place.path().join("data")
    }

    fn aside(&self) -> PathBuf {
        self.place.path().join("aside")
    }

    /// From now on nothing can be read or written there: a file is in its place.
    pub(crate) fn lose(&self) {
        if !self.aside().exists() {
            fs::rename(self.path(), self.aside()).expect("a folder can be renamed");
            fs::write(self.path(), "").expect("a temporary folder can be written to");
        }
    }

    /// It is there again, as it was.
    pub(crate) fn find(&self) {
        if self.aside().exists() {
            fs::remove_file(self.path()).expect("a file can be removed");
            fs::rename(self.aside(), self.path()).expect("a folder can be renamed");
        }
    }

    /// Cuts some files short and loses others, as a machine does that stops before its disk has everything.
    pub(crate) fn tear(&mut self) {
        for file in files(&self.path()) {
            // Of a link, nothing; what it leads to may be lost already.
            let data = fs::symlink_metadata(&file).expect("a file can be looked at");
            let length = data.len();
            match self.random.random_range(0..4) {
                0 => fs::remove_file(&file).expect("a file can be removed"),
                1 if data.is_file() => {
                    let open = fs::OpenOptions::new().write(true).open(&file).expect("a file can be opened");
                    open.set_len(self.random.random_range(0..=length)).expect("a file can be cut short");
                }
                _ => {}
            }
        }
    }
}

/// All files below a folder, always in the same order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let below = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    paths.into_iter().flat_map(below).collect()
}
