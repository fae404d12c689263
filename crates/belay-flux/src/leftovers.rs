//! What an earlier process has applied and no inventory names, as it ended between the two. A Kustomization adopts it by its
//! labels, but only where its kind is watched, and by now Git may hold none of that kind. In other clusters than our own it
//! is found when the kind is watched for another reason.

use std::collections::HashSet;
use std::time::Duration;

use belay_cluster::{LiveError, Resource};
use belay_manifest::GroupVersionKind;
use kube::api::ListParams;
use tokio::time::sleep;

use crate::context::Context;
use crate::controller::owner;
use crate::prepare::OWNER_NAME;

/// By then the kinds that inventories and builds name are watched.
const BEGIN: Duration = Duration::from_secs(10);
/// How soon what was not answered is asked again, at first and later.
const SOON: Duration = Duration::from_secs(10);
const LATER: Duration = Duration::from_secs(600);

/// Asks once for our objects of each kind that nobody watches, and has those kinds watched that have some.
pub(crate) async fn find(context: &Context) {
    sleep(BEGIN).await;
    let kinds = context.live.kinds();
    let (mut known, mut pause) = (HashSet::new(), SOON);
    loop {
        let mut is_over = kinds.is_complete();
        for (kind, resource) in kinds.watchable() {
            if known.contains(&kind) {
                continue;
            }
            match look(context, &kind, &resource).await {
                Ok(()) => drop(known.insert(kind)),
                Err(reason) => {
                    tracing::debug!(%kind, reason, "not asked for what an earlier process left");
                    is_over = false;
                }
            }
        }
        if is_over {
            return;
        }
        sleep(pause).await;
        pause = (pause * 2).min(LATER);
    }
}

async fn look(context: &Context, kind: &GroupVersionKind, resource: &Resource) -> Result<(), String> {
    let live = &context.live;
    if live.is_watched(kind) {
        return Ok(());
    }
    let ours = ListParams::default().labels(OWNER_NAME).limit(1);
    let found = match resource.objects(live.client(), "").list_metadata(&ours).await {
        Ok(found) => found,
        Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    if found.items.is_empty() {
        return Ok(());
    }
    match live.ensure(kind).await {
        Ok(()) => {
            let objects = live.of_kind(&kind.group, &kind.kind);
            objects.iter().filter_map(|object| owner(object)).for_each(|app| context.queue.add(app));
            Ok(())
        }
        Err(LiveError::UnknownKind { .. }) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}
