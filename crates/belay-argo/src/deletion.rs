//! An Application that is being deleted: its objects first, then its finalizer.

use std::time::Duration;

use belay_apply::{ApplySettings, carry_out};
use belay_manifest::{Object, argo_kind_rank};
use belay_plan::{Action, Plan, Step};
use kube::api::PropagationPolicy;
use serde_json::{Value, json};

use crate::controller::{Context, FIELD_MANAGER};
use crate::prepare::survives_deletion;
use crate::reconcile::{app_name, instance};
use crate::write;

/// How soon the objects that are on their way out are looked at again.
const AGAIN: Duration = Duration::from_millis(500);
const CASCADE: [&str; 3] = [
    "resources-finalizer.argocd.argoproj.io",
    "resources-finalizer.argocd.argoproj.io/foreground",
    "resources-finalizer.argocd.argoproj.io/background",
];

/// Deletes what the app tracks, in reverse order, waits until it is gone, and lets the app go.
/// Without the resources finalizer nothing is deleted.
pub(crate) async fn finish(context: &Context, object: &Object) -> Option<Duration> {
    let finalizers = finalizers(object);
    let cascade = finalizers.iter().find(|name| CASCADE.contains(&name.as_str()))?;
    let background = cascade.ends_with("/background");
    let instance = instance(context, object);
    let mut objects: Vec<_> = context.live.of_app(&app_name(&instance));
    objects.retain(|live| !survives_deletion(live));
    if objects.is_empty() {
        release(context, object, &finalizers).await;
        return None;
    }
    objects.sort_by_key(|live| std::cmp::Reverse(argo_kind_rank(live.kind())));
    let steps =
        objects.iter().filter(|live| live.value()["metadata"]["deletionTimestamp"].is_null()).map(|live| {
            Step {
                key: live.key(),
                action: Action::Prune { uid: live.uid().to_owned() },
                desired: None,
                live: Some(live.as_ref().clone()),
                stage: 0,
            }
        });
    let settings = ApplySettings {
        manager: FIELD_MANAGER.to_owned(),
        in_flight: context.settings.in_flight,
        propagation: if background { PropagationPolicy::Background } else { PropagationPolicy::Foreground },
    };
    for outcome in carry_out(&Plan { steps: steps.collect() }, &context.live, &settings).await {
        if let Err(error) = outcome.result {
            tracing::warn!(app = %object.key(), error = error.chain(), "not deleted with its app");
        }
    }
    Some(AGAIN)
}

fn finalizers(object: &Object) -> Vec<String> {
    let names = object.value().pointer("/metadata/finalizers").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

async fn release(context: &Context, object: &Object, finalizers: &[String]) {
    let kept: Vec<&String> = finalizers.iter().filter(|name| !CASCADE.contains(&name.as_str())).collect();
    let version = &object.value()["metadata"]["resourceVersion"];
    write::patch(context, object, json!({"metadata": {"finalizers": kept, "resourceVersion": version}}))
        .await;
}
