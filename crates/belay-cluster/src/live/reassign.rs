//! Whose objects are, told anew: the marks of apps mean something else than before.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use belay_manifest::{GroupVersionKind, ObjectKey};

use super::current::for_each;
use super::{Belonging, LiveState};

/// How soon a failed list is tried again.
const AGAIN: Duration = Duration::from_secs(2);

impl LiveState {
    /// Tells anew whose every object is. What was kept trimmed and belongs to an app now is read again, whole; this ends
    /// when all of it has been.
    pub async fn reassign(&self) {
        let mut trimmed: BTreeMap<(String, String), GroupVersionKind> = BTreeMap::new();
        for key in self.keys() {
            let mut picture = self.write();
            let Some(kept) = picture.get(&key) else { continue };
            let object = kept.open();
            let app = match (self.belonging)(&object) {
                Belonging::App(app) => Some(app),
                Belonging::Whole | Belonging::Nobody => None,
            };
            if app.is_some() && kept.is_trimmed() {
                trimmed.insert((key.group.clone(), key.kind.clone()), object.gvk());
            } else {
                picture.assign(&key, app);
            }
        }
        for kind in trimmed.values() {
            while let Err(error) = self.read_again(kind).await {
                tracing::warn!(%kind, %error, "the objects cannot be read again, trying once more");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }

    fn keys(&self) -> Vec<Arc<ObjectKey>> {
        self.read().keys().cloned().collect()
    }

    /// Lists a kind and takes in those objects that were trimmed.
    async fn read_again(&self, kind: &GroupVersionKind) -> Result<(), kube::Error> {
        let Some(resource) = self.kinds.known(kind) else { return Ok(()) };
        let api = resource.plain(&self.client, "");
        for_each(&api, &resource, |object| self.put(object)).await
    }
}
