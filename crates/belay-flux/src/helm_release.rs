//! HelmReleases, which are not carried out yet and say so.

use std::time::Duration;

use belay_crd::Described;
use belay_flux_api::{Condition, ConditionStatus, HelmRelease, set_condition};
use belay_manifest::ObjectKey;
use jiff::Timestamp;

use crate::controller::Context;
use crate::write;

const MANAGER: &str = "helm-controller";
const MESSAGE: &str = "HelmRelease is not supported yet";

/// Writes that nothing is done. Releases and their finalizers stay as they are.
pub(crate) async fn reconcile(context: &Context, key: &ObjectKey) -> Option<Duration> {
    let object = context.live.get(key)?;
    let release: HelmRelease = serde_json::from_value(object.value().clone())
        .inspect_err(|error| tracing::warn!(release = %key, %error, "cannot be read"))
        .ok()?;
    let mut status = release.status.clone();
    let generation = release.metadata.generation;
    let now = Timestamp::now();
    for (type_, is) in [("Ready", ConditionStatus::False), ("Stalled", ConditionStatus::True)] {
        let condition = Condition::new(type_, is, "NotSupported", MESSAGE, generation);
        set_condition(&mut status.conditions, condition, now);
    }
    status.observed_generation = Some(generation);
    write::status(context, &object, MANAGER, &status.write()).await;
    None
}
