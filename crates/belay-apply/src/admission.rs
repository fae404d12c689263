//! Whom the API server asks about an object: webhooks and policies.

use belay_cluster::LiveState;
use belay_manifest::{GroupVersionKind, Object, ObjectKey};
use belay_plan::sync::{ADMISSION_GROUP, ADMISSION_KINDS, Judges};

/// Whoever judges writes in a cluster, from watches. Where they may not be listed, nobody is known.
pub async fn judges(live: &LiveState) -> Judges {
    let mut known = Vec::new();
    for name in ADMISSION_KINDS {
        let kind = GroupVersionKind::new(&format!("{ADMISSION_GROUP}/v1"), name);
        match live.ensure(&kind).await {
            Ok(()) => known.extend(live.of_kind(ADMISSION_GROUP, name)),
            Err(error) => tracing::debug!(%error, "written without asking whom it concerns"),
        }
    }
    Judges::of(&known)
}

/// Whether one of them may judge the object when it is created, or updated. Namespaces are watched: their labels are known.
pub fn concern(live: &LiveState, judges: &Judges, object: &Object, is_new: bool) -> bool {
    let Some(resource) = live.kinds().known(&object.gvk()) else { return false };
    let namespace = match object.namespace() {
        "" => None,
        name => live.get(&namespace_key(name)),
    };
    judges.concern(object, &resource.api.plural, is_new, namespace.as_deref())
}

/// The key of a namespace.
pub fn namespace_key(name: &str) -> ObjectKey {
    ObjectKey {
        group: String::new(),
        kind: "Namespace".to_owned(),
        namespace: String::new(),
        name: name.to_owned(),
    }
}
