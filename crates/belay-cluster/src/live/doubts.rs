//! Writes whose answers were lost. A watch tells what became of them, unless it loses that, too: who acts once, asks.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

use belay_manifest::{GroupVersionKind, Object, ObjectKey};

use super::{LiveError, LiveState, chain};

/// The objects in doubt.
pub(super) type Doubts = BTreeMap<ObjectKey, GroupVersionKind>;

/// A write of ours. If it ends without an answer, its object is in doubt until somebody asks or writes again.
#[must_use = "a write is in doubt until its answer is told"]
pub struct UnderWay<'a> {
    live: &'a LiveState,
    object: &'a Object,
    is_answered: bool,
}

impl UnderWay<'_> {
    /// The API server has said what became of it: nothing is in doubt any more.
    pub fn answered(mut self) {
        self.is_answered = true;
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut doubts = self.live.doubts();
        if !self.is_answered {
            doubts.insert(self.object.key(), self.object.gvk());
        } else if !doubts.is_empty() {
            doubts.remove(&self.object.key());
        }
    }
}

impl LiveState {
    /// A write of an object begins.
    pub fn under_way<'a>(&'a self, object: &'a Object) -> UnderWay<'a> {
        UnderWay { live: self, object, is_answered: false }
    }

    /// Asks what became of the writes whose answers were lost. Nothing is asked when there are none.
    ///
    /// # Errors
    /// An object that is in doubt and cannot be asked for.
    pub async fn ask_for_lost_answers(&self) -> Result<(), LiveError> {
        let in_doubt: Vec<_> = self.doubts().clone().into_iter().collect();
        for (key, kind) in in_doubt {
            // A kind that is not served any more has no objects.
            if let Some(resource) = self.kinds.known(&kind) {
                self.ask_for(&key, &resource)
                    .await
                    .map_err(|error| LiveError::LostAnswer { key: key.clone(), reason: chain(&error) })?;
            }
            self.doubts().remove(&key);
        }
        Ok(())
    }

    pub(super) fn doubts(&self) -> MutexGuard<'_, Doubts> {
        self.doubts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
