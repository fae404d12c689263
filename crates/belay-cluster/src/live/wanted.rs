//! Objects of others that an app is about to make its own: how they were written decides what is to be done with them, so
//! that they are kept whole before they belong to it.

use belay_manifest::Object;
use futures::{TryStreamExt, stream};

use super::kept::Kept;
use super::{LiveError, LiveState, chain};

/// Requests in flight at once.
const AT_ONCE: usize = 16;

impl LiveState {
    /// Keeps these objects whole from now on, where they are live. What was kept trimmed is asked for, once.
    ///
    /// # Errors
    /// One of them cannot be asked for.
    pub async fn keep_whole<'a>(
        &self,
        objects: impl IntoIterator<Item = &'a Object>,
    ) -> Result<(), LiveError> {
        let trimmed: Vec<&Object> = {
            let picture = self.read();
            let is_to_be_asked_for = |object: &&Object| {
                let key = object.key();
                let is_trimmed = picture.get(&key).is_some_and(Kept::is_trimmed);
                is_trimmed && !picture.wanted.contains(&key)
            };
            objects.into_iter().filter(is_to_be_asked_for).collect()
        };
        if trimmed.is_empty() {
            return Ok(());
        }
        self.write().wanted.extend(trimmed.iter().map(|object| object.key()));
        stream::iter(trimmed.into_iter().map(Ok))
            .try_for_each_concurrent(AT_ONCE, |object| self.ask_for_whole(object))
            .await
    }

    async fn ask_for_whole(&self, object: &Object) -> Result<(), LiveError> {
        let Some(resource) = self.kinds.known(&object.gvk()) else { return Ok(()) };
        let asked = self.ask_for(&object.key(), &resource).await;
        asked.map_err(|error| {
            self.write().wanted.remove(&object.key());
            LiveError::NotListed { kind: object.gvk(), reason: chain(&error) }
        })
    }
}
