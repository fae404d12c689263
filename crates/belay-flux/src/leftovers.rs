//! What a Kustomization applied of a kind that neither its inventory nor Git names, as an earlier process ended between
//! the apply and the status. In other clusters than our own nothing is adopted.

use belay_cluster::{LiveState, Owners};
use belay_manifest::{GroupVersionKind, Object, ObjectKey};

use crate::context::Context;
use crate::controller::owner;
use crate::prepare::OWNER_NAME;

impl Owners for Context {
    fn clusters(&self) -> Vec<(String, LiveState)> {
        vec![(String::new(), self.live.clone())]
    }

    fn labels(&self) -> Option<String> {
        Some(OWNER_NAME.to_owned())
    }

    fn excludes(&self, _cluster: &str, _kind: &GroupVersionKind) -> bool {
        false
    }

    fn owner(&self, object: &Object) -> Option<ObjectKey> {
        owner(object).filter(|app| self.live.has(app))
    }

    fn found(&self, app: ObjectKey) {
        self.queue.add(app);
    }
}
