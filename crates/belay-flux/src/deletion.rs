//! A Kustomization that is being deleted: its objects first, as its policy says, then its finalizer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use belay_apply::{ApplySettings, carry_out};
use belay_cluster::{LiveError, Severity};
use belay_flux_api::{DeletionPolicy, Kustomization, find_condition};
use belay_manifest::{Object, flux_kind_rank};
use belay_plan::{Plan, Step};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::{Api, PropagationPolicy};

use crate::clusters;
use crate::context::{Context, FIELD_MANAGER};
use crate::health::{or, timeout};
use crate::prepare::{Target, keeps};
use crate::reconcile::adopted;
use crate::{inventory, report, write};

/// How soon objects that are on their way out are looked at again.
const AGAIN: Duration = Duration::from_millis(500);

/// Deletes what the inventory names and our labels mark, unless the policy keeps it, and lets go.
pub(crate) async fn finish(context: &Context, object: &Object, app: &Kustomization) -> Option<Duration> {
    if !app.metadata.has_finalizer(write::FINALIZER) {
        return None;
    }
    if deletes(app) {
        let retry = or(&app.spec.retry_interval, Duration::from_secs(10)).min(Duration::from_secs(10));
        match delete(context, object, app).await {
            Ok(true) => {}
            Ok(false) => return Some(AGAIN),
            Err(message) => {
                tracing::warn!(kustomization = %object.key(), message, "objects not deleted");
                return Some(retry);
            }
        }
    }
    write::finalizer(context, object, report::MANAGER, false).await;
    None
}

/// Whether the objects go with their Kustomization.
fn deletes(app: &Kustomization) -> bool {
    let by_policy = match app.spec.deletion_policy {
        DeletionPolicy::Orphan => false,
        DeletionPolicy::Delete | DeletionPolicy::WaitForTermination => true,
        _ => app.spec.prune,
    };
    by_policy && !app.spec.suspend
}

/// Gives whether nothing is left to do.
async fn delete(context: &Context, object: &Object, app: &Kustomization) -> Result<bool, String> {
    if context.leftovers.may_find_more() {
        return Ok(false);
    }
    let mut known = inventory::read(app.status.inventory.as_ref());
    let place = match clusters::place(context, &object.key(), app).await {
        Ok(place) => place,
        Err(_) if known.is_empty() => return Ok(true),
        Err(error) => return Err(belay_causes::chain(&error)),
    };
    let target = Target::of(app);
    let not_known = |error: LiveError| error.to_string();
    place.live.ask_for_lost_answers().await.map_err(not_known)?;
    // The status may have been refused before it could tell of them.
    known.extend(adopted(&place.live, object, app));
    if known.is_empty() {
        return Ok(true);
    }
    if !is_account_there(context, app).await? {
        let objects: Vec<String> = known.keys().map(inventory::shown).collect();
        let message = format!("unable to prune objects: \n{}", objects.join("\n"));
        let reason =
            find_condition(&app.status.conditions, "Ready").map_or("error", |ready| ready.reason.as_str());
        context.events.record(object, Severity::Warning, reason, &message, &BTreeMap::new()).await;
        return Ok(true);
    }
    // Nobody looks again afterwards.
    let kinds: BTreeSet<_> = known.values().cloned().collect();
    place.live.ensure_each_current(kinds).await.map_err(not_known)?;
    // A restored backup of the cluster may have taken the deletion back.
    if !context.live.still_stands(object).await.map_err(not_known)? {
        return Ok(false);
    }
    let mut objects: Vec<_> = known.keys().filter_map(|key| place.live.get(key)).collect();
    objects.retain(|live| target.owns(live) && !keeps(live) && live.key() != object.key());
    if objects.is_empty() {
        return Ok(true);
    }
    objects.sort_by_key(|live| std::cmp::Reverse((flux_kind_rank(live.kind()), live.key())));
    let steps: Vec<Step> = objects
        .iter()
        .filter(|live| live.value()["metadata"]["deletionTimestamp"].is_null())
        .map(Step::prune)
        .collect();
    let settings = ApplySettings {
        manager: FIELD_MANAGER.to_owned(),
        in_flight: context.settings.in_flight,
        propagation: PropagationPolicy::Background,
    };
    let outcomes = carry_out(&Plan { steps }, &place.live, &settings).await;
    if let Some(error) = outcomes.iter().find_map(|outcome| outcome.result.as_ref().err()) {
        return Err(error.chain());
    }
    report::deleted(context, object, app, &report::changes(&outcomes)).await;
    let waits = app.spec.deletion_policy == DeletionPolicy::WaitForTermination;
    Ok(!waits || is_over(app))
}

/// Without the account that it acts as, a Kustomization deletes nothing, and goes.
async fn is_account_there(context: &Context, app: &Kustomization) -> Result<bool, String> {
    let name = clusters::account(context, app);
    if name.is_empty() {
        return Ok(true);
    }
    let accounts: Api<ServiceAccount> =
        Api::namespaced(context.live.client().clone(), &app.metadata.namespace);
    let found = accounts.get_metadata_opt(name).await.map_err(|error| error.to_string())?;
    Ok(found.is_some())
}

/// Whether the time to wait for the end of the objects is over.
fn is_over(app: &Kustomization) -> bool {
    let Some(begun) = app.metadata.deletion_timestamp.get() else { return true };
    Duration::try_from(belay_cluster::now().duration_since(begun)).unwrap_or_default() >= timeout(&app.spec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_crd::Described;
    use serde_json::json;

    #[test]
    fn the_policy_says_whether_objects_go() {
        for (spec, expected) in [
            (json!({"prune": true}), true),
            (json!({"prune": false}), false),
            (json!({"prune": true, "deletionPolicy": "MirrorPrune"}), true),
            (json!({"prune": false, "deletionPolicy": "Delete"}), true),
            (json!({"prune": false, "deletionPolicy": "WaitForTermination"}), true),
            (json!({"prune": true, "deletionPolicy": "Orphan"}), false),
            (json!({"prune": true, "suspend": true}), false),
        ] {
            let app = Kustomization::read(json!({"spec": spec.clone()})).unwrap();
            assert_eq!(deletes(&app), expected, "{spec}");
        }
    }
}
