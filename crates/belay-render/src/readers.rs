//! Who read what: from a path that a commit changed to the apps whose renders looked there.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use belay_filetree::{Changes, Reads, TreePath};
use belay_manifest::ObjectKey;

/// The apps by the paths that their renders read, missed or listed. A path stands for its hash, which is much shorter: of two
/// paths with one hash the apps of both are named.
#[derive(Default)]
pub(crate) struct Readers {
    hasher: RandomState,
    numbers: HashMap<ObjectKey, u32>,
    /// Numbers that were an app's before.
    free: Vec<u32>,
    paths: HashMap<u64, Vec<u32>>,
}

impl Readers {
    /// Notes what an app reads beside what it was known to read.
    pub(crate) fn add(&mut self, app: &ObjectKey, reads: &Reads) {
        let number = self.number(app);
        for path in reads.paths() {
            let readers = self.paths.entry(self.hasher.hash_one(path)).or_default();
            if !readers.contains(&number) {
                readers.push(number);
            }
        }
    }

    /// Forgets what an app read.
    pub(crate) fn remove<'a>(&mut self, app: &ObjectKey, reads: impl Iterator<Item = &'a Reads>) {
        let Some(number) = self.numbers.remove(app) else { return };
        for path in reads.flat_map(Reads::paths) {
            let place = self.hasher.hash_one(path);
            if let Some(readers) = self.paths.get_mut(&place) {
                readers.retain(|reader| *reader != number);
                if readers.is_empty() {
                    self.paths.remove(&place);
                }
            }
        }
        self.free.push(number);
    }

    /// The numbers of the apps that may have read what has changed.
    pub(crate) fn of(&self, changes: &Changes) -> HashSet<u32> {
        let places = changes.paths().map(|path: &TreePath| self.hasher.hash_one(path));
        places.filter_map(|place| self.paths.get(&place)).flatten().copied().collect()
    }

    /// The number of an app that reads something.
    pub(crate) fn number_of(&self, app: &ObjectKey) -> Option<u32> {
        self.numbers.get(app).copied()
    }

    fn number(&mut self, app: &ObjectKey) -> u32 {
        if let Some(number) = self.numbers.get(app) {
            return *number;
        }
        // Apps are fewer than four thousand millions.
        let number = self.free.pop().unwrap_or(self.numbers.len() as u32);
        self.numbers.insert(app.clone(), number);
        number
    }
}
