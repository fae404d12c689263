//! Writes to the Application itself, and the namespace it may ask for.

use belay_argo_api::{Application, ApplicationStatus, SyncOperation};
use belay_crd::Described;
use belay_manifest::{GroupVersionKind, Object, ObjectKey};
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::{Map, Value, json};

use crate::controller::{Context, FIELD_MANAGER, application_kind};

/// The annotation by which people and the CLI ask for a look.
pub(crate) const REFRESH: &str = "argocd.argoproj.io/refresh";
/// The manager that writes an Application's status, as Argo CD names it.
const STATUS_MANAGER: &str = "argocd-application-controller";

/// Writes the status, takes away the refresh mark and a finished operation. One request, and none
/// when nothing but the time of the look has changed.
pub(crate) async fn status(
    context: &Context,
    object: &Object,
    app: &Application,
    status: &ApplicationStatus,
) {
    let old = object.value().get("status").cloned().unwrap_or(Value::Null);
    let new = status.write();
    let refresh = object.annotation(REFRESH).is_some();
    if same_but_for_the_time(&old, &new) && !refresh && app.operation.is_none() {
        return;
    }
    let mut patch = json!({"status": difference(&old, &new)});
    if refresh {
        patch["metadata"] = json!({"annotations": {REFRESH: null}});
    }
    if app.operation.is_some() {
        patch["operation"] = Value::Null;
    }
    self::patch(context, object, patch).await;
}

/// Patches an Application.
pub(crate) async fn patch(context: &Context, object: &Object, patch: Value) {
    let Ok(resource) = context.live.kinds().find(&application_kind()).await else { return };
    let api: Api<DynamicObject> =
        Api::namespaced_with(context.live.client().clone(), object.namespace(), &resource.api);
    let params = PatchParams { field_manager: Some(STATUS_MANAGER.to_owned()), ..PatchParams::default() };
    match api.patch(object.name(), &params, &Patch::Merge(&patch)).await {
        Ok(answer) => {
            if let Some(object) = serde_json::to_value(answer).ok().and_then(|value| Object::new(value).ok())
            {
                context.live.learn(object);
            }
        }
        Err(kube::Error::Api(status)) if status.code == 404 => {}
        Err(error) => tracing::warn!(app = %object.key(), %error, "status not written"),
    }
}

fn same_but_for_the_time(old: &Value, new: &Value) -> bool {
    let stripped = |value: &Value| {
        let mut value = value.clone();
        if let Some(fields) = value.as_object_mut() {
            fields.remove("reconciledAt");
        }
        value
    };
    stripped(old) == stripped(new)
}

/// The merge patch that turns `old` into `new`: changed fields, and nulls for those that go.
pub(crate) fn difference(old: &Value, new: &Value) -> Value {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else { return new.clone() };
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

/// `CreateNamespace=true`: makes the destination's namespace, if it is not there.
pub(crate) async fn create_namespace(
    context: &Context,
    app: &Application,
    sync: &SyncOperation,
) -> Result<(), String> {
    let namespace = &app.spec.destination.namespace;
    let policy = app.spec.sync_policy.as_ref();
    let wanted = |options: &[String]| options.iter().any(|option| option == "CreateNamespace=true");
    if namespace.is_empty()
        || !(wanted(&sync.sync_options) || policy.is_some_and(|policy| wanted(&policy.sync_options)))
    {
        return Ok(());
    }
    let kind = GroupVersionKind::new("v1", "Namespace");
    context.live.ensure(&kind).await.map_err(|error| error.to_string())?;
    let key = ObjectKey {
        group: String::new(),
        kind: "Namespace".to_owned(),
        namespace: String::new(),
        name: namespace.clone(),
    };
    let managed = policy.and_then(|policy| policy.managed_namespace_metadata.as_ref());
    if context.live.get(&key).is_some() && managed.is_none() {
        return Ok(());
    }
    let mut metadata = managed.map(Described::write).unwrap_or_else(|| json!({}));
    metadata["name"] = Value::from(namespace.clone());
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
    if context.live.get(&key).is_some_and(|live| holds(live.value(), &object)) {
        return Ok(());
    }
    let resource = context.live.kinds().find(&kind).await.map_err(|error| error.to_string())?;
    let api: Api<DynamicObject> = Api::all_with(context.live.client().clone(), &resource.api);
    let params = PatchParams::apply(FIELD_MANAGER).force();
    match api.patch(namespace, &params, &Patch::Apply(&object)).await {
        Ok(answer) => {
            if let Some(object) = serde_json::to_value(answer).ok().and_then(|value| Object::new(value).ok())
            {
                context.live.learn(object);
            }
            Ok(())
        }
        Err(error) => Err(format!("namespace {namespace} cannot be created: {error}")),
    }
}

/// Whether every field of `wanted` is in `live` with the same value.
fn holds(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            wanted.iter().all(|(name, value)| live.get(name).is_some_and(|found| holds(found, value)))
        }
        _ => live == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_patch_holds_only_what_changed() {
        let old = json!({"a": 1, "b": {"c": 1, "d": 2}, "gone": true});
        let new = json!({"a": 1, "b": {"c": 1, "d": 3}, "list": [1]});
        assert_eq!(difference(&old, &new), json!({"b": {"d": 3}, "list": [1], "gone": null}));
        assert!(same_but_for_the_time(
            &json!({"a": 1, "reconciledAt": "x"}),
            &json!({"a": 1, "reconciledAt": "y"})
        ));
    }
}
