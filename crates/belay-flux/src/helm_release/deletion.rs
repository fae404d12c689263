//! A HelmRelease that is being deleted: its release first, then its HelmChart, then its finalizer.

use std::time::Duration;

use super::{Look, MANAGER, chart_object, evidence, report, status, uninstall};
use crate::write;

/// How soon a release that could not be taken out is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// Takes the release out unless the HelmRelease is suspended, and lets go.
pub(crate) async fn finish(look: &mut Look<'_>) -> Option<Duration> {
    if !look.release.metadata.has_finalizer(write::FINALIZER) {
        return None;
    }
    if !look.release.spec.suspend {
        // A restored backup of the cluster may have taken the deletion back.
        if !matches!(look.context.live.still_stands(&look.object).await, Ok(true)) {
            return Some(AGAIN);
        }
        if uninstall::is_there(look) {
            evidence::takes_out(look, "uninstall", "the HelmRelease is deleted");
            if uninstall::uninstall(look).await.is_err() {
                report::write(look, false).await;
                return Some(AGAIN);
            }
            status::forget(&mut look.release.status);
        }
        if let Err(message) = chart_object::delete(look).await {
            tracing::warn!(release = %look.key(), message, "HelmChart not deleted");
            return Some(AGAIN);
        }
    }
    write::finalizer(look.context, &look.object, MANAGER, false).await;
    None
}
