//! Writes to Flux's own objects: status through its subresource, finalizers.

use belay_manifest::{Object, ObjectKey};
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::{Map, Value, json};

use crate::controller::Context;

/// The annotation by which people and the command line ask for a look.
pub(crate) const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";
/// Keeps an object until we have cleaned up after it.
pub(crate) const FINALIZER: &str = "finalizers.fluxcd.io";

/// Writes what changed in the status; no request when nothing has.
pub(crate) async fn status(context: &Context, object: &Object, manager: &str, status: &Value) {
    let old = object.value().get("status").cloned().unwrap_or(Value::Null);
    let patch = difference(&old, status);
    if patch.as_object().is_some_and(Map::is_empty) {
        return;
    }
    send(context, object, manager, &json!({"status": patch}), true).await;
}

/// Sets or takes away our finalizer. Bound to the version that was read.
pub(crate) async fn finalizer(context: &Context, object: &Object, manager: &str, wanted: bool) {
    let mut names = finalizers(object);
    if names.iter().any(|name| name == FINALIZER) == wanted {
        return;
    }
    if wanted {
        names.push(FINALIZER.to_owned());
    } else {
        names.retain(|name| name != FINALIZER);
    }
    let version = &object.value()["metadata"]["resourceVersion"];
    let patch = json!({"metadata": {"finalizers": names, "resourceVersion": version}});
    send(context, object, manager, &patch, false).await;
}

fn finalizers(object: &Object) -> Vec<String> {
    let names = object.value().pointer("/metadata/finalizers").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

async fn send(context: &Context, object: &Object, manager: &str, patch: &Value, is_status: bool) {
    let Ok(resource) = context.live.kinds().find(&object.gvk()).await else { return };
    let api: Api<DynamicObject> =
        Api::namespaced_with(context.live.client().clone(), object.namespace(), &resource.api);
    let params = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
    let patch = Patch::Merge(patch);
    let answer = match is_status {
        true => api.patch_status(object.name(), &params, &patch).await,
        false => api.patch(object.name(), &params, &patch).await,
    };
    match answer {
        Ok(answer) => learn(context, &object.key(), answer),
        Err(kube::Error::Api(status)) if status.code == 404 => {}
        // Somebody changed it in between; the watch brings that change, and another look.
        Err(kube::Error::Api(status)) if status.code == 409 => context.queue.add(object.key()),
        Err(error) => tracing::warn!(object = %object.key(), %error, "not written"),
    }
}

fn learn(context: &Context, key: &ObjectKey, answer: DynamicObject) {
    let object = serde_json::to_value(answer).ok().and_then(|value| Object::new(value).ok());
    match object {
        // The answer to the removal of the last finalizer is of an object that is gone.
        Some(object) if object.value()["metadata"]["deletionTimestamp"].is_null() => {
            context.live.learn(object);
        }
        Some(_) => {}
        None => tracing::warn!(object = %key, "the API server's answer is not an object"),
    }
}

/// The merge patch that turns `old` into `new`: changed fields, and nulls for those that go.
fn difference(old: &Value, new: &Value) -> Value {
    let empty = Map::new();
    let (old, Some(new)) = (old.as_object().unwrap_or(&empty), new.as_object()) else { return new.clone() };
    let mut patch = Map::new();
    for (name, value) in new {
        match old.get(name) {
            Some(known) if known == value => {}
            Some(known) if known.is_object() && value.is_object() => {
                patch.insert(name.clone(), difference(known, value));
            }
            _ => {
                patch.insert(name.clone(), value.clone());
            }
        }
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    Value::Object(patch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_patch_holds_only_what_changed() {
        let old = json!({"a": 1, "b": {"c": 1, "d": 2}, "gone": true});
        let new = json!({"a": 1, "b": {"c": 1, "d": 3}, "list": [1]});
        assert_eq!(difference(&old, &new), json!({"b": {"d": 3}, "list": [1], "gone": null}));
        assert_eq!(difference(&Value::Null, &json!({"a": 1})), json!({"a": 1}));
        assert_eq!(difference(&old, &old), json!({}));
    }
}
