//! How well a live object is: by the installation's own script, or by the rules that come with Belay.

use belay_health::argo::{self, Health, Override};
use belay_manifest::Object;

use crate::context::Context;

/// Evaluates a live object. Nothing: objects of this kind have no health.
pub(crate) fn health(context: &Context, live: &Object) -> Option<Health> {
    let settings = context.system();
    let own = settings.customizations.health(&live.gvk().group, live.kind());
    let own =
        own.map(|(script, open_libraries)| Override { script, open_libraries, clock: belay_cluster::now });
    argo::evaluate_with(live, own)
}
