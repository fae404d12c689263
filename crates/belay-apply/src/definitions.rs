//! Definitions of kinds: wait until they are served.

use std::time::Duration;

use belay_cluster::LiveState;
use belay_manifest::GroupVersionKind;
use kube::api::{Api, DynamicObject};
use serde_json::Value;
use tokio::time::{Instant, sleep};

/// Waits until a definition is established; `false` when it is not within the time.
pub(crate) async fn wait_established(name: &str, live: &LiveState, limit: Duration) -> bool {
    let kind = GroupVersionKind::new("apiextensions.k8s.io/v1", "CustomResourceDefinition");
    let Ok(resource) = live.kinds().find(&kind).await else {
        return false;
    };
    let api: Api<DynamicObject> = Api::all_with(live.client().clone(), &resource.api);
    let deadline = Instant::now() + limit;
    while !is_established(&api, name).await {
        if Instant::now() >= deadline {
            return false;
        }
        sleep(Duration::from_millis(50)).await;
    }
    true
}

/// Asks the cluster for its kinds again.
pub(crate) async fn learn_kinds(live: &LiveState) {
    if let Err(error) = live.kinds().refresh(Duration::ZERO).await {
        tracing::warn!(%error, "new kinds could not be learnt");
    }
}

async fn is_established(api: &Api<DynamicObject>, name: &str) -> bool {
    let Ok(definition) = api.get(name).await else {
        return false;
    };
    let conditions = definition.data.pointer("/status/conditions").and_then(Value::as_array);
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
}
