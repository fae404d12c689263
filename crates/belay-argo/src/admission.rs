//! Whom the API server asks about an object: webhooks and policies.

use belay_manifest::Object;
use belay_plan::sync::Judges;

use crate::context::Context;
use crate::sync::namespace_key;

/// Whether one of them may judge the object when it is created, or updated. Namespaces are watched: their labels are known.
pub(crate) fn concern(context: &Context, judges: &Judges, object: &Object, is_new: bool) -> bool {
    let Some(resource) = context.live.kinds().known(&object.gvk()) else { return false };
    let namespace = match object.namespace() {
        "" => None,
        name => context.live.get(&namespace_key(name)),
    };
    judges.concern(object, &resource.api.plural, is_new, namespace.as_deref())
}
