//! Folders that were read from a mirror. Commits share most of theirs: a new one reads what it changed, and those that are kept
//! side by side take the memory of one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use belay_filetree::Kind;
use gix::ObjectId;

/// Names that are remembered of one mirror, of some hundred bytes each; then all are forgotten and read again.
const MOST_NAMES: usize = 200_000;

/// A tree object, read: names with kind and id, sorted by name.
pub(crate) type Folder = Vec<(String, Kind, ObjectId)>;

/// The folders of one mirror by the ids of their trees, which say what is in them.
#[derive(Default)]
pub(crate) struct Folders(Mutex<Known>);

#[derive(Default)]
struct Known {
    folders: HashMap<ObjectId, Arc<Folder>>,
    names: usize,
}

impl Folders {
    pub(crate) fn get(&self, id: ObjectId) -> Option<Arc<Folder>> {
        self.lock().folders.get(&id).cloned()
    }

    pub(crate) fn keep(&self, id: ObjectId, folder: Arc<Folder>) {
        let mut known = self.lock();
        let is_too_large = folder.len() > MOST_NAMES;
        if is_too_large || known.folders.contains_key(&id) {
            return;
        }
        if known.names + folder.len() > MOST_NAMES {
            *known = Known::default();
        }
        known.names += folder.len();
        known.folders.insert(id, folder);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        assert!(folders.get(id(2)).is_none());
        for number in 3..103 {
            folders.keep(id(number), folder(MOST_NAMES / 50));
            assert!(folders.lock().names <= MOST_NAMES);
        }
        assert!(folders.get(id(1)).is_none() && folders.get(id(102)).is_some());
    }
}
