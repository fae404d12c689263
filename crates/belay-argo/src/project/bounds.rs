//! What one app may touch: its project's rules at its destination.

use std::sync::Arc;

use belay_cluster::{Kinds, Scope};
use belay_manifest::Object;

use super::rules::{Cluster, Project};

/// A project, and the cluster that an app of it deploys to.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    /// The rules.
    pub(crate) project: Arc<Project>,
    /// The destination.
    pub(crate) cluster: Cluster,
}

impl Bounds {
    /// Whether a live object may be the app's. One that may not is nobody's business: it is neither shown nor deleted.
    pub(crate) fn permit_live(&self, live: &Object) -> bool {
        let namespace = live.namespace();
        let scope = if namespace.is_empty() { Scope::Cluster } else { Scope::Namespaced };
        self.permit_kind(live, scope)
            && (scope == Scope::Cluster || self.project.permits_destination(&self.cluster, namespace))
    }

    /// Whether the project knows such objects at all.
    pub(crate) fn permit_kind(&self, object: &Object, scope: Scope) -> bool {
        let key = object.key();
        self.project.permits_kind(&key.group, &key.kind, &key.name, scope)
    }

    /// Why a sync may not touch an object, in the original's words.
    pub(crate) fn refusal(&self, object: &Object, scope: Scope) -> Option<String> {
        let project = &self.project.name;
        if !self.permit_kind(object, scope) {
            let key = object.key();
            return Some(format!(
                "resource {}:{} is not permitted in project {project}",
                key.group, key.kind
            ));
        }
        let namespace = object.namespace();
        if scope == Scope::Namespaced && !self.project.permits_destination(&self.cluster, namespace) {
            return Some(format!("namespace {namespace} is not permitted in project '{project}'"));
        }
        None
    }
}

/// Where objects of this kind live. Of a kind that the cluster does not know yet the object itself tells.
pub(crate) fn scope_of(kinds: &Kinds, object: &Object) -> Scope {
    match kinds.known(&object.gvk()) {
        Some(resource) => resource.scope,
        None if object.namespace().is_empty() => Scope::Cluster,
        None => Scope::Namespaced,
    }
}
