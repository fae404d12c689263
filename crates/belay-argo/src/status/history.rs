//! `status.history`: what was synced, for rollbacks.

use belay_argo_api::{Application, ApplicationStatus, OperationPhase, OperationState, RevisionHistory};
use belay_crd::Time;
use jiff::Timestamp;

/// How many entries are kept when the app does not say.
const KEPT: i64 = 10;

/// Notes a complete sync that has just succeeded. A rehearsal and a selection are not noted.
pub(super) fn append(
    app: &Application,
    status: &mut ApplicationStatus,
    state: &OperationState,
    now: Timestamp,
) {
    let sync = state.operation.sync.clone().unwrap_or_default();
    if state.phase != OperationPhase::Succeeded || sync.dry_run || !sync.resources.is_empty() {
        return;
    }
    let Some(result) = &state.sync_result else { return };
    let id = status.history.last().map_or(0, |entry| entry.id + 1);
    status.history.push(RevisionHistory {
        id,
        revision: result.revision.clone(),
        revisions: result.revisions.clone(),
        source: result.source.clone(),
        sources: result.sources.clone(),
        deploy_started_at: state.started_at.clone(),
        deployed_at: Time::from(now),
        initiated_by: state.operation.initiated_by.clone(),
        ..RevisionHistory::default()
    });
    let limit = app.spec.revision_history_limit.unwrap_or(KEPT);
    let surplus = status.history.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
    status.history.drain(..surplus);
}
