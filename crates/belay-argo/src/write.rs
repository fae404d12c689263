//! Writes to the Application itself.

use std::time::Duration;

use belay_argo_api::{Application, ApplicationCondition, ApplicationStatus, OperationPhase, OperationState};
use belay_crd::{Described, FieldError};
use belay_manifest::Object;
use belay_schema::merge_patch_between;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::context::{Context, application_kind};
use crate::events;
use crate::status::condition;
use crate::sync::operation::{is_another, is_completed};
use crate::sync::{fit, size};

/// The annotation by which people and the CLI ask for a look.
pub(crate) const REFRESH: &str = "argocd.argoproj.io/refresh";
/// Tells two refreshes apart.
const REFRESH_TIME: &str = "argocd.argoproj.io/refresh-timestamp";
/// The manager that writes an Application's status, as Argo CD names it.
const STATUS_MANAGER: &str = "argocd-application-controller";

/// How soon an app is looked at again whose status the API server did not take.
pub(crate) const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// What has become of a status.
pub(crate) enum Written {
    /// It is as it should be.
    Done {
        /// Whether that ended a refresh that somebody had asked for.
        handles_refresh: bool,
    },
    /// The API server did not take it.
    Failed,
}

/// Writes the status. A running operation is shown in `operation`, too, as clients expect; a finished one and a handled
/// refresh mark are taken away. `has_operated` tells whether this look carried an operation out. One request, and none
/// when nothing but the time of the look has changed.
pub(crate) async fn status(
    context: &Context,
    object: &Object,
    app: &Application,
    mut status: ApplicationStatus,
    has_operated: bool,
) -> Written {
    // This look may have written the beginning of an operation itself.
    let newest = context.home.get(&object.key());
    let newest = newest.as_deref().unwrap_or(object);
    let old = newest.value().get("status").cloned().unwrap_or(Value::Null);
    let state = status.operation_state.take();
    let mut new = status.write();
    if let Some(mut state) = state {
        keep_terminating(&mut state, &old);
        fit_in(context, newest, &mut state, size_without(newest.value(), "status") + size(&new));
        new["operationState"] = state.write();
        status.operation_state = Some(state);
    }
    let refreshed = is_refreshed(newest, object);
    let operation = if has_operated { operation_field(newest, app, &status) } else { None };
    let mut patch_of_status = merge_patch_between(&old, &new);
    if let Some(state) = &status.operation_state {
        say_phase(&mut patch_of_status, state, &old);
    }
    if is_time_alone(&patch_of_status) && !refreshed && operation.is_none() {
        return Written::Done { handles_refresh: false };
    }
    let mut body = json!({"status": patch_of_status});
    if refreshed {
        body["metadata"] = json!({"annotations": {REFRESH: null}});
    }
    if let Some(operation) = operation {
        body["operation"] = operation;
    }
    match patch(context, object, body).await {
        true => Written::Done { handles_refresh: refreshed },
        false => Written::Failed,
    }
}

/// Makes a state fit into its app beside everything else, and keeps in mind what does not.
fn fit_in(context: &Context, app: &Object, state: &mut OperationState, others: usize) {
    let overflow = fit(state, others);
    context.keep_overflow(&app.key(), overflow);
}

/// How large a value is without one of its fields, in bytes.
fn size_without(value: &Value, field: &str) -> usize {
    let fields = value.as_object().into_iter().flatten();
    fields.filter(|(name, _)| *name != field).map(|(_, value)| size(value)).sum()
}

/// An operation that somebody wanted to end meanwhile is not shown as running again. One that has just taken its place is
/// another: nobody has seen it yet.
fn keep_terminating(state: &mut OperationState, old: &Value) {
    let is_to_end = old["operationState"]["phase"] == "Terminating";
    if is_to_end && state.phase == OperationPhase::Running && !follows_another(state, old) {
        state.phase = OperationPhase::Terminating;
        state.message = "operation is terminating".to_owned();
    }
}

/// Has the patch of a status that puts an operation in the place of another say its phase, even if that is the one known:
/// somebody may have wanted to end the other meanwhile.
fn say_phase(patch: &mut Value, state: &OperationState, old: &Value) {
    if follows_another(state, old) {
        patch["operationState"]["phase"] = state.write()["phase"].take();
    }
}

/// Whether the operation in the status as it was is another one. Its results, which may be thousands, are not read.
fn follows_another(state: &OperationState, old: &Value) -> bool {
    let Some(known) = old.get("operationState") else { return false };
    let identity = json!({"startedAt": known["startedAt"], "operation": known["operation"]});
    OperationState::read(identity).is_ok_and(|known| is_another(&known, state))
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

/// Writes what has become of an operation so far, so that whoever goes on with it knows. Gives whether that is done.
pub(crate) async fn operation(context: &Context, object: &Object, state: &OperationState) -> bool {
    let newest = context.home.get(&object.key());
    let newest = newest.as_deref().unwrap_or(object);
    let status = newest.value().get("status").unwrap_or(&Value::Null);
    let mut state = state.clone();
    keep_terminating(&mut state, status);
    let others = size_without(newest.value(), "status") + size_without(status, "operationState");
    fit_in(context, newest, &mut state, others);
    let old = status.get("operationState").cloned().unwrap_or_else(|| json!({}));
    let mut change = json!({"operationState": merge_patch_between(&old, &state.write())});
    say_phase(&mut change, &state, status);
    let mut body = json!({"status": change});
    if newest.value()["operation"].is_null() {
        body["operation"] = state.operation.write();
    }
    patch(context, object, body).await
}

/// Shows that an app holds other types than its kind has. No API server takes one in, but what was stored under an
/// earlier definition stays as it is.
pub(crate) async fn unreadable(context: &Context, object: &Object, error: &FieldError) {
    let known = ApplicationStatus::read(json!({"conditions": object.value()["status"]["conditions"]}));
    let known = known.unwrap_or_default();
    let Some(change) = condition_change(&known, condition::INVALID_SPEC, &error.to_string()) else { return };
    tracing::warn!(app = %object.key(), %error, "application cannot be read");
    patch(context, object, change).await;
}

/// Shows why an app is not deleted yet.
pub(crate) async fn deletion_error(context: &Context, object: &Object, app: &Application, message: &str) {
    let Some(change) = condition_change(&app.status, "DeletionError", message) else { return };
    events::not_deleted(context, object, message).await;
    patch(context, object, change).await;
}

/// The patch that puts a condition beside those of other types; nothing when it is there.
fn condition_change(known: &ApplicationStatus, type_: &str, message: &str) -> Option<Value> {
    let mut status = known.clone();
    status.set_conditions(vec![ApplicationCondition::new(type_, message)], &[type_], belay_cluster::now());
    let is_news = status.conditions != known.conditions;
    is_news.then(|| json!({"status": {"conditions": status.write()["conditions"]}}))
}

/// Patches an Application. Gives whether that is done, or is not needed as the app is gone.
pub(crate) async fn patch(context: &Context, object: &Object, patch: Value) -> bool {
    let Ok(resource) = context.home.kinds().find(&application_kind()).await else { return false };
    let api = resource.plain(context.home.client(), object.namespace());
    let params = PatchParams { field_manager: Some(STATUS_MANAGER.to_owned()), ..PatchParams::default() };
    match api.patch(object.name(), &params, &Patch::Merge(&patch)).await {
        Ok(answer) => {
            if let Ok(object) = Object::new(answer.into_value()) {
                context.home.learn(object);
            }
            true
        }
        Err(kube::Error::Api(status)) if status.code == 404 => true,
        Err(error) => {
            tracing::warn!(app = %object.key(), %error, "status not written");
            false
        }
    }
}

/// Whether a status patch holds nothing but the time of the look.
fn is_time_alone(patch: &Value) -> bool {
    patch.as_object().is_some_and(|fields| fields.keys().all(|name| name == "reconciledAt"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(phase: &str, revision: &str, retries: Option<i64>) -> Value {
        json!({
            "operation": {"sync": {"revision": revision}},
            "phase": phase,
            "retryCount": retries,
            "startedAt": "2026-01-01T00:00:00Z",
        })
    }

    fn kept(known: &Value, state: Value) -> OperationPhase {
        let mut state = OperationState::read(state).unwrap();
        keep_terminating(&mut state, &json!({"operationState": known}));
        state.phase
    }

    #[test]
    fn a_request_to_end_an_operation_is_not_written_over() {
        let known = state("Terminating", "a", None);
        assert_eq!(kept(&known, state("Running", "a", None)), OperationPhase::Terminating);
        assert_eq!(kept(&known, state("Succeeded", "a", None)), OperationPhase::Succeeded);
        assert_eq!(kept(&state("Running", "a", None), state("Running", "a", None)), OperationPhase::Running);
    }

    #[test]
    fn a_request_to_end_an_operation_does_not_end_the_next_one_of_the_same_second() {
        let known = state("Terminating", "a", None);
        assert_eq!(kept(&known, state("Running", "b", None)), OperationPhase::Running);
    }

    #[test]
    fn the_phase_of_an_operation_that_follows_another_is_said() {
        let known = json!({"operationState": state("Running", "a", None)});
        for (revision, phase) in [("b", json!("Running")), ("a", Value::Null)] {
            let new = state("Running", revision, None);
            let mut patch = merge_patch_between(&known, &json!({"operationState": new}));
            say_phase(&mut patch, &OperationState::read(new).unwrap(), &known);
            assert_eq!(patch["operationState"]["phase"], phase);
        }
    }

    #[test]
    fn a_request_to_end_an_operation_ends_its_retry_at_a_newer_revision() {
        let known = state("Terminating", "a", Some(1));
        assert_eq!(kept(&known, state("Running", "", Some(1))), OperationPhase::Terminating);
    }

    #[test]
    fn the_time_of_a_look_alone_is_no_change() {
        let old = json!({"sync": {"status": "Synced"}, "reconciledAt": "x"});
        let later = json!({"sync": {"status": "Synced"}, "reconciledAt": "y"});
        assert!(is_time_alone(&merge_patch_between(&old, &later)));
        assert!(is_time_alone(&merge_patch_between(&old, &old)));
        let other = json!({"sync": {"status": "OutOfSync"}, "reconciledAt": "y"});
        assert!(!is_time_alone(&merge_patch_between(&old, &other)));
    }
}
