//! Bases that several builds share. What a base came to is kept as long as the files it was made of
//! are the same, whichever overlay, app or repository asks for it.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use belay_filetree::{Reads, TreePath};

use crate::bases::Base;
use crate::error::Error;
use crate::loader::Loader;
use crate::options::LoadRestrictor;

/// Most objects of all bases together: each takes some ten kilobytes.
const MOST_OBJECTS: usize = 2000;
/// Most folders whose names are remembered.
const MOST_FOLDERS: usize = 10_000;

/// Bases of builds, for the next ones. A first build of a folder leaves nothing but its name, as most
/// folders are built once.
#[derive(Default)]
pub struct BaseCache {
    kept: Mutex<Kept>,
    reused: AtomicU64,
}

#[derive(Default)]
struct Kept {
    asked: HashSet<TreePath>,
    /// The one that was used last stands last.
    bases: VecDeque<Arc<KeptBase>>,
}

pub(crate) struct KeptBase {
    folder: TreePath,
    restrictor: LoadRestrictor,
    reads: Reads,
    pub(crate) base: Base,
}

impl BaseCache {
    /// How many bases were taken from here so far.
    pub fn reused(&self) -> u64 {
        self.reused.load(Ordering::Relaxed)
    }

    /// What the folder came to, if all that was read for it is the same in this tree.
    pub(crate) fn find(&self, loader: &Loader<'_>) -> Result<Option<Arc<KeptBase>>, Error> {
        let means =
            |kept: &&Arc<KeptBase>| kept.folder == *loader.folder() && kept.restrictor == loader.restrictor();
        let candidates: Vec<Arc<KeptBase>> = self.lock().bases.iter().filter(means).cloned().collect();
        for kept in candidates {
            if !kept.reads.hold_in(loader.tree()).unwrap_or(false) {
                continue;
            }
            // Whoever records what this build reads has to see all of it.
            for path in kept.reads.contents.keys() {
                loader.tree().load(path)?;
            }
            self.lock().use_again(&kept);
            self.reused.fetch_add(1, Ordering::Relaxed);
            return Ok(Some(kept));
        }
        Ok(None)
    }

    /// Whether an earlier build asked for the folder, so that it is worth keeping.
    pub(crate) fn is_asked_again(&self, folder: &TreePath) -> bool {
        let asked = &mut self.lock().asked;
        if asked.len() >= MOST_FOLDERS {
            asked.clear();
        }
        !asked.insert(folder.clone())
    }

    pub(crate) fn keep(&self, loader: &Loader<'_>, reads: Reads, base: Base) {
        let (folder, restrictor) = (loader.folder().clone(), loader.restrictor());
        self.lock().add(Arc::new(KeptBase { folder, restrictor, reads, base }));
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Kept {
    fn use_again(&mut self, base: &Arc<KeptBase>) {
        let Some(at) = self.bases.iter().position(|kept| Arc::ptr_eq(kept, base)) else { return };
        let found = self.bases.remove(at);
        self.bases.extend(found);
    }

    fn add(&mut self, base: Arc<KeptBase>) {
        self.bases.push_back(base);
        let mut objects: usize = self.bases.iter().map(|kept| kept.base.objects()).sum();
        while objects > MOST_OBJECTS {
            let Some(oldest) = self.bases.pop_front() else { return };
            objects -= oldest.base.objects();
        }
    }
}

impl fmt::Debug for BaseCache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("BaseCache").field("reused", &self.reused()).finish_non_exhaustive()
    }
}
