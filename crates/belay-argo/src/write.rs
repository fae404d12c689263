//! Writes to the Application itself.

use belay_argo_api::{Application, ApplicationCondition, ApplicationStatus, OperationPhase, OperationState};
use belay_crd::Described;
use belay_manifest::Object;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::{Map, Value, json};

use crate::controller::{Context, application_kind};
use crate::sync::operation::is_completed;

/// The annotation by which people and the CLI ask for a look.
pub(crate) const REFRESH: &str = "argocd.argoproj.io/refresh";
/// Tells two refreshes apart.
const REFRESH_TIME: &str = "argocd.argoproj.io/refresh-timestamp";
/// The manager that writes an Application's status, as Argo CD names it.
const STATUS_MANAGER: &str = "argocd-application-controller";

/// Writes the status. A running operation is shown in `operation`, too, as clients expect; a finished one and a handled
/// refresh mark are taken away. `has_operated` tells whether this look carried an operation out. One request, and none when nothing but the time of the look has changed. Tells whether
/// a refresh was handled.
pub(crate) async fn status(
    context: &Context,
    object: &Object,
    app: &Application,
    status: ApplicationStatus,
    has_operated: bool,
) -> bool {
    // This look may have written the beginning of an operation itself.
    let newest = context.home.get(&object.key());
    let newest = newest.as_deref().unwrap_or(object);
    let old = newest.value().get("status").cloned().unwrap_or(Value::Null);
    let status = keep_terminating(status, &old);
    let new = status.write();
    let refreshed = is_refreshed(newest, object);
    let operation = if has_operated { operation_field(newest, app, &status) } else { None };
    if same_but_for_the_time(&old, &new) && !refreshed && operation.is_none() {
        return false;
    }
    let mut body = json!({"status": difference(&old, &new)});
    if refreshed {
        body["metadata"] = json!({"annotations": {REFRESH: null}});
    }
    if let Some(operation) = operation {
        body["operation"] = operation;
    }
    patch(context, object, body).await;
    refreshed
}

/// An operation that somebody wanted to end meanwhile is not shown as running again.
fn keep_terminating(mut status: ApplicationStatus, old: &Value) -> ApplicationStatus {
    if let Some(state) = &mut status.operation_state
        && state.phase == OperationPhase::Running
        && old.pointer("/operationState/phase").is_some_and(|phase| phase == "Terminating")
    {
        state.phase = OperationPhase::Terminating;
        state.message = "operation is terminating".to_owned();
    }
    status
}

/// Whether the refresh mark that this look handled is still the one there.
fn is_refreshed(newest: &Object, object: &Object) -> bool {
    let mark = |object: &Object| {
        (object.annotation(REFRESH).map(str::to_owned), object.annotation(REFRESH_TIME).map(str::to_owned))
    };
    object.annotation(REFRESH).is_some() && mark(newest) == mark(object)
}

/// What `operation` has to become; `None` when it stays. One that was asked for during this look stays.
fn operation_field(newest: &Object, app: &Application, status: &ApplicationStatus) -> Option<Value> {
    let state = status.operation_state.as_ref()?;
    let there = &newest.value()["operation"];
    let is_handled = *there == state.operation.write() || app.operation.is_some();
    match (is_completed(&state.phase), there.is_null()) {
        (true, false) if is_handled => Some(Value::Null),
        (false, true) => Some(state.operation.write()),
        _ => None,
    }
}

/// Writes the beginning of an operation, so that whoever goes on with it knows when that was.
pub(crate) async fn operation(context: &Context, object: &Object, state: &OperationState) {
    let newest = context.home.get(&object.key());
    let newest = newest.as_deref().unwrap_or(object);
    let old = newest.value().pointer("/status/operationState").cloned().unwrap_or_else(|| json!({}));
    let mut body = json!({"status": {"operationState": difference(&old, &state.write())}});
    if newest.value()["operation"].is_null() {
        body["operation"] = state.operation.write();
    }
    patch(context, object, body).await;
}

/// Shows why an app is not deleted yet.
pub(crate) async fn deletion_error(context: &Context, object: &Object, app: &Application, message: &str) {
    let mut status = app.status.clone();
    let found = ApplicationCondition::new("DeletionError", message);
    status.set_conditions(vec![found], &["DeletionError"], belay_cluster::now());
    let conditions = json!({"status": {"conditions": status.write()["conditions"]}});
    patch(context, object, conditions).await;
}

/// Patches an Application.
pub(crate) async fn patch(context: &Context, object: &Object, patch: Value) {
    let Ok(resource) = context.home.kinds().find(&application_kind()).await else { return };
    let api: Api<DynamicObject> =
        Api::namespaced_with(context.home.client().clone(), object.namespace(), &resource.api);
    let params = PatchParams { field_manager: Some(STATUS_MANAGER.to_owned()), ..PatchParams::default() };
    match api.patch(object.name(), &params, &Patch::Merge(&patch)).await {
        Ok(answer) => {
            if let Some(object) = serde_json::to_value(answer).ok().and_then(|value| Object::new(value).ok())
            {
                context.home.learn(object);
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
