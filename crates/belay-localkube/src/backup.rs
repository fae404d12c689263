//! The whole state at a moment, to go back to.

use std::sync::Arc;

use serde_json::Value;

use crate::service::LocalKube;
use crate::store::GroupResource;

/// Everything that was stored at a moment.
#[derive(Debug, Clone)]
pub struct Backup(Vec<(GroupResource, Arc<Value>)>);

impl LocalKube {
    /// What is stored now.
    pub fn back_up(&self) -> Backup {
        self.cluster.with(|state| {
            let all = state.store.all();
            Backup(all.map(|(resource, object)| (resource.clone(), object.clone())).collect())
        })
    }

    /// Goes back to a backup, as etcd does with `--bump-revision --mark-compacted`: what was written since is gone,
    /// objects have the versions of then, lists have later ones than ever before, and watches have to begin anew.
    pub fn restore(&self, backup: &Backup) {
        self.cluster.with(|state| state.go_back(&backup.0));
    }
}
