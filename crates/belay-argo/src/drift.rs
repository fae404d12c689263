//! What others changed, recorded before anything heals it.

use std::collections::BTreeMap;

use belay_argo_api::{Application, OperationPhase, OperationState};
use belay_cluster::Severity;
use belay_diff::{DigestKey, Drift, describe};
use belay_manifest::Object;

use crate::compare::{Compared, Comparison, Standing};
use crate::context::Context;
use crate::sync::operation::sync_of;

/// Records what others changed since the last sync of these files, and gives it.
pub(crate) async fn note(
    context: &Context,
    object: &Object,
    app: &Application,
    comparison: &Comparison,
) -> Vec<Drift> {
    let is_done =
        |state: &&OperationState| state.phase == OperationPhase::Succeeded && !sync_of(state).dry_run;
    if app.status.operation_state.as_ref().filter(is_done).is_none() {
        return Vec::new();
    }
    let digests = context.settings.ledger.key();
    let drift: Vec<Drift> = comparison.objects.iter().flat_map(|one| of(one, digests)).collect();
    let key = object.key();
    if drift.is_empty() || context.recall(&key, |memory| memory.drift == drift) {
        return drift;
    }
    for record in &drift {
        let message = record.to_string();
        tracing::info!(app = %key, "drift: {message}");
        let details = serde_json::to_string(record).unwrap_or_default();
        let annotations = BTreeMap::from([("belay.dev/drift".to_owned(), details)]);
        context.events.record(object, Severity::Warning, "DriftDetected", &message, &annotations).await;
    }
    context.remember(&key, |memory| memory.drift = drift.clone());
    drift
}

/// What is otherwise than Git says of one object.
pub(crate) fn of(compared: &Compared, key: &DigestKey) -> Vec<Drift> {
    match (&compared.live, &compared.target) {
        (Some(live), Some(_)) => describe(live, &compared.differences, key),
        (None, Some(_)) if compared.standing == Standing::OutOfSync => {
            vec![Drift::of_whole(compared.key.clone(), true)]
        }
        _ => Vec::new(),
    }
}
