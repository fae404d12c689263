//! What the commits of a mirror share: the way to its objects, and folders that were read. A new commit reads what it changed,
//! and those that are kept side by side take the memory of one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use belay_filetree::Kind;
use gix::ObjectId;

/// Names in the younger half of what is remembered of one mirror, of some hundred bytes each. A folder that is in use moves
/// there; when it is full, the older half goes.
const MOST_NAMES: usize = 50_000;

/// A tree object, read: names with kind and id, sorted by name.
pub(crate) type Folder = Vec<(String, Kind, ObjectId)>;

/// The objects of one mirror, for all of its commits.
pub(crate) struct Objects {
    repository: Mutex<gix::Repository>,
    folders: Folders,
}

impl Objects {
    pub(crate) fn of(repository: &gix::ThreadSafeRepository) -> Objects {
        Objects { repository: Mutex::new(repository.to_thread_local()), folders: Folders::default() }
    }

    /// Reads from now on what was opened last: nothing is taken out of a mirror, and it has the newest packs at hand.
    pub(crate) fn reopen(&self, repository: &gix::ThreadSafeRepository) {
        *lock(&self.repository) = repository.to_thread_local();
    }

    pub(crate) fn repository(&self) -> MutexGuard<'_, gix::Repository> {
        lock(&self.repository)
    }

    pub(crate) fn folders(&self) -> &Folders {
        &self.folders
    }
}

/// Folders by the ids of their trees, which say what is in them.
#[derive(Default)]
pub(crate) struct Folders(Mutex<Known>);

#[derive(Default)]
struct Known {
    younger: HashMap<ObjectId, Arc<Folder>>,
    /// Names in the younger ones.
    names: usize,
    older: HashMap<ObjectId, Arc<Folder>>,
}

impl Folders {
    pub(crate) fn get(&self, id: ObjectId) -> Option<Arc<Folder>> {
        let mut known = self.lock();
        if let Some(folder) = known.younger.get(&id) {
            return Some(folder.clone());
        }
        let folder = known.older.remove(&id)?;
        known.add(id, folder.clone());
        Some(folder)
    }

    pub(crate) fn keep(&self, id: ObjectId, folder: Arc<Folder>) {
        let mut known = self.lock();
        let is_too_large = folder.len() > MOST_NAMES;
        if !is_too_large && !known.younger.contains_key(&id) {
            known.older.remove(&id);
            known.add(id, folder);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        lock(&self.0)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Known {
    fn add(&mut self, id: ObjectId, folder: Arc<Folder>) {
        if self.names + folder.len() > MOST_NAMES {
            self.older = std::mem::take(&mut self.younger);
            self.names = 0;
        }
        self.names += folder.len();
        self.younger.insert(id, folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> ObjectId {
        ObjectId::from_hex(format!("{number:040x}").as_bytes()).expect("an id")
    }

    fn folder(names: usize) -> Arc<Folder> {
        Arc::new((0..names).map(|number| (number.to_string(), Kind::File, id(number))).collect())
    }

    #[test]
    fn what_was_read_is_shared_and_bounded() {
        let folders = Folders::default();
        folders.keep(id(1), folder(3));
        folders.keep(id(1), folder(3));
        assert_eq!(folders.get(id(1)).expect("it is known").len(), 3);
        assert_eq!(folders.lock().names, 3, "kept once");
        folders.keep(id(2), folder(MOST_NAMES + 1));
        assert!(folders.get(id(2)).is_none(), "larger than all of them may be");
        for number in 3..203 {
            folders.keep(id(number), folder(MOST_NAMES / 20));
            assert!(folders.get(id(1)).is_some(), "what is in use stays");
            let known = folders.lock();
            let names = known.younger.values().chain(known.older.values()).map(|folder| folder.len());
            assert!(names.sum::<usize>() <= 2 * MOST_NAMES);
        }
        assert!(folders.get(id(3)).is_none() && folders.get(id(202)).is_some());
    }
}
