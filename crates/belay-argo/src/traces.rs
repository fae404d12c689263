//! What an app's status tells of its objects: their kinds have to be watched even when Git names them no more. A process
//! that has just started watches nothing yet, and what is not watched is neither pruned nor deleted.

use std::collections::HashSet;

use belay_argo_api::{Application, ResourceStatus};
use belay_cluster::LiveError;
use belay_manifest::{GroupVersionKind, ObjectKey};

use crate::context::Context;
use crate::fault::Fault;

/// Watches the kinds of all objects that the status tells of, and asks for those that it does not tell of because the
/// answer to their write was lost. A kind that is not served any more has no objects.
pub(crate) async fn watch(context: &Context, app: &Application) -> Result<(), Fault> {
    context.cluster.reached().await?;
    context.live.ask_for_lost_answers().await.map_err(Fault::not_loaded)?;
    context.live.ensure_each(watchable(context, app)).await.map_err(Fault::not_loaded)
}

/// Whether all is known of the kinds that the status tells of: a comparison without some of them would lose their objects.
pub(crate) fn are_known(context: &Context, app: &Application) -> bool {
    watchable(context, app).all(|kind| context.live.is_listed(&kind))
}

/// The kinds of what the status tells of, but for those that cannot be watched.
fn watchable(context: &Context, app: &Application) -> impl Iterator<Item = GroupVersionKind> {
    let kinds = context.live.kinds().clone();
    let of_app = self::kinds(app).into_iter();
    of_app.filter(move |kind| kinds.known(kind).is_none_or(|known| known.watchable))
}

/// Lists those of these kinds anew whose watches are interrupted, for what is done once.
pub(crate) async fn know_current(context: &Context, app: &Application) -> Result<(), LiveError> {
    context.live.ensure_each_current(watchable(context, app)).await
}

/// The object that a line of a status is about.
pub(crate) fn key_of(resource: &ResourceStatus) -> ObjectKey {
    ObjectKey {
        group: resource.group.clone(),
        kind: resource.kind.clone(),
        namespace: resource.namespace.clone(),
        name: resource.name.clone(),
    }
}

fn kinds(app: &Application) -> HashSet<GroupVersionKind> {
    let kind = |group: &str, version: &str, kind: &str| GroupVersionKind {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
    };
    let compared = app.status.resources.iter().map(|one| kind(&one.group, &one.version, &one.kind));
    let result = app.status.operation_state.as_ref().and_then(|state| state.sync_result.as_ref());
    let synced = result.into_iter().flat_map(|result| &result.resources);
    compared.chain(synced.map(|one| kind(&one.group, &one.version, &one.kind))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_crd::Described;
    use serde_json::json;

    #[test]
    fn what_was_compared_and_what_was_synced_leaves_traces() {
        let role = json!({"group": "rbac.authorization.k8s.io", "version": "v1", "kind": "Role", "name": "a", "namespace": "b"});
        let job = json!({"group": "batch", "version": "v1", "kind": "Job", "name": "a", "namespace": "b"});
        let app = Application::read(json!({"status": {
            "resources": [role], "operationState": {"syncResult": {"resources": [job]}},
        }}));
        let found = kinds(&app.unwrap());
        assert!(found.contains(&GroupVersionKind::new("rbac.authorization.k8s.io/v1", "Role")), "{found:?}");
        assert!(found.contains(&GroupVersionKind::new("batch/v1", "Job")), "{found:?}");
    }
}
