//! Writes to Flux's own objects: status through its subresource, finalizers.

use std::time::Duration;

use belay_cluster::PlainObject;
use belay_manifest::{Object, ObjectKey};
use belay_schema::merge_patch_between;
use kube::api::{Patch, PatchParams};
use serde_json::{Map, Value, json};

use crate::context::Context;

/// The annotation by which people and the command line ask for a look.
pub(crate) const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";
/// Keeps an object until we have cleaned up after it.
pub(crate) const FINALIZER: &str = "finalizers.fluxcd.io";

/// How soon an object is looked at again whose newest version has not come by its watch.
pub(crate) const AFTER_CONFLICT: Duration = Duration::from_secs(1);

/// How soon an object is looked at again that the API server did not take for another reason.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// Writes what changed in the status; no request when nothing has. A look may have taken a minute: what is there is what is
/// there now, and an object that took the place of the one that was looked at has looks of its own.
pub(crate) async fn status(context: &Context, object: &Object, manager: &str, status: &Value) {
    let newest = context.live.get(&object.key());
    let newest = newest.as_deref().unwrap_or(object);
    if newest.uid() != object.uid() {
        return;
    }
    let old = newest.value().get("status").cloned().unwrap_or(Value::Null);
    let patch = merge_patch_between(&old, status);
    if patch.as_object().is_some_and(Map::is_empty) {
        return;
    }
    send(context, object, manager, &json!({"status": patch}), true).await;
}

/// Sets or takes away our finalizer. Bound to the version that was read. Gives whether that is done: without it an object
/// may go, and leave behind what is made for it.
pub(crate) async fn finalizer(context: &Context, object: &Object, manager: &str, wanted: bool) -> bool {
    let mut names: Vec<&str> = object.finalizers().collect();
    if names.contains(&FINALIZER) == wanted {
        return true;
    }
    if wanted {
        names.push(FINALIZER);
    } else {
        names.retain(|name| *name != FINALIZER);
    }
    let version = &object.value()["metadata"]["resourceVersion"];
    let patch = json!({"metadata": {"finalizers": names, "resourceVersion": version}});
    send(context, object, manager, &patch, false).await
}

/// Gives whether it was written; what another replica tells of counts as written. The object is looked at again if not.
async fn send(context: &Context, object: &Object, manager: &str, patch: &Value, is_status: bool) -> bool {
    if !context.tells_of(&object.key()) {
        return true;
    }
    let Ok(resource) = context.live.kinds().find(&object.gvk()).await else {
        context.queue.add_after(object.key(), AFTER_FAILURE);
        return false;
    };
    let api = resource.plain(context.live.client(), object.namespace());
    let params = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
    let patch = Patch::Merge(patch);
    let answer = match is_status {
        true => api.patch_status(object.name(), &params, &patch).await,
        false => api.patch(object.name(), &params, &patch).await,
    };
    let is_written = answer.is_ok();
    match answer {
        Ok(answer) => learn(context, &object.key(), answer),
        Err(kube::Error::Api(status)) if status.code == 404 => {}
        // Somebody changed it in between; the watch brings that change, and another look. It may be late, or cut off, and
        // until then each look would be refused again.
        Err(kube::Error::Api(status)) if status.code == 409 => {
            context.queue.add_after(object.key(), AFTER_CONFLICT);
        }
        Err(error) => {
            tracing::warn!(object = %object.key(), %error, "not written");
            context.queue.add_after(object.key(), AFTER_FAILURE);
        }
    }
    is_written
}

fn learn(context: &Context, key: &ObjectKey, answer: PlainObject) {
    match Object::new(answer.into_value()).ok() {
        // The answer to the removal of the last finalizer is of an object that is gone.
        Some(object) if object.value()["metadata"]["deletionTimestamp"].is_null() => {
            context.live.learn(object);
        }
        Some(_) => {}
        None => tracing::warn!(object = %key, "the API server's answer is not an object"),
    }
}
