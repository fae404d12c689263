//! Events about an Application, with the original's reasons and words.

use std::collections::BTreeMap;

use belay_argo_api::{Application, ApplicationStatus, OperationPhase, OperationState};
use belay_cluster::Severity;
use belay_manifest::{Object, ObjectKey};
use serde_json::Value;

use crate::context::{Context, GROUP};
use crate::sync::operation::is_completed;

/// An automated sync begins.
pub(crate) async fn started(context: &Context, object: &Object, revisions: &[String]) {
    let message = format!("Initiated automated sync to '{}'", revisions.join(", "));
    record(context, object, Severity::Normal, "OperationStarted", &message).await;
}

/// What has changed from one status to the next.
pub(crate) async fn changes(
    context: &Context,
    object: &Object,
    app: &Application,
    status: &ApplicationStatus,
) {
    if let Some((severity, message)) = completed(app, status) {
        record(context, object, severity, "OperationCompleted", &message).await;
    }
    for message in
        [sync_change(&app.status, status), health_change(&app.status, status)].into_iter().flatten()
    {
        record(context, object, Severity::Normal, "ResourceUpdated", &message).await;
    }
}

fn sync_change(before: &ApplicationStatus, after: &ApplicationStatus) -> Option<String> {
    let word = |status: &ApplicationStatus| status.sync.as_ref().map(|sync| sync.status.to_string());
    change("sync", word(before), word(after)?)
}

fn health_change(before: &ApplicationStatus, after: &ApplicationStatus) -> Option<String> {
    let word = |status: &ApplicationStatus| status.health.as_ref().map(|health| health.status.to_string());
    let change = change("health", word(before), word(after)?)?;
    Some(match after.health.as_ref().map(|health| health.message.as_str()) {
        None | Some("") => change,
        Some(message) => format!("{change} ({message})"),
    })
}

fn change(what: &str, before: Option<String>, after: String) -> Option<String> {
    let is_change = before.as_ref() != Some(&after);
    is_change.then(|| format!("Updated {what} status: {} -> {after}", before.unwrap_or_default()))
}

/// An app that is being deleted cannot have its objects deleted.
pub(crate) async fn not_deleted(context: &Context, object: &Object, reason: &str) {
    let message = format!("Unable to delete application resources: {reason}");
    record(context, object, Severity::Warning, "StatusRefreshed", &message).await;
}

/// The operation that has ended between two statuses.
pub(crate) fn just_ended<'a>(app: &Application, status: &'a ApplicationStatus) -> Option<&'a OperationState> {
    let state = status.operation_state.as_ref().filter(|state| is_completed(&state.phase))?;
    (app.status.operation_state.as_ref() != Some(state)).then_some(state)
}

/// The word about an operation that has just ended.
fn completed(app: &Application, status: &ApplicationStatus) -> Option<(Severity, String)> {
    let state = just_ended(app, status)?;
    let sync = state.operation.sync.clone().unwrap_or_default();
    let what = if sync.resources.is_empty() { "Sync operation" } else { "Partial sync operation" };
    let to = state.sync_result.as_ref().map(|result| match &result.revisions[..] {
        [] => format!(" to {}", result.revision),
        revisions => format!(" to {}", revisions.join(",")),
    });
    let to = to.unwrap_or_default();
    Some(if state.phase == OperationPhase::Succeeded {
        (Severity::Normal, format!("{what}{to} succeeded"))
    } else {
        (Severity::Warning, format!("{what}{to} failed: {}", state.message))
    })
}

async fn record(context: &Context, object: &Object, severity: Severity, reason: &str, message: &str) {
    let destination =
        |field: &str| object.value()["spec"]["destination"][field].as_str().unwrap_or_default().to_owned();
    let annotations = BTreeMap::from([
        ("dest-server".to_owned(), destination("server")),
        ("dest-namespace".to_owned(), destination("namespace")),
    ]);
    let labels = labels(context, object);
    context.events.record_labelled(object, severity, reason, message, &annotations, &labels).await;
}

/// The labels of the app that the installation wants to see at Events, and those of its project.
fn labels(context: &Context, object: &Object) -> BTreeMap<String, String> {
    let system = context.system();
    if system.event_labels.is_empty() {
        return BTreeMap::new();
    }
    let project = match object.value()["spec"]["project"].as_str() {
        None | Some("") => "default",
        Some(name) => name,
    };
    let project = context.home.get(&ObjectKey {
        group: GROUP.to_owned(),
        kind: "AppProject".to_owned(),
        namespace: context.settings.namespace.clone(),
        name: project.to_owned(),
    });
    let mut labels = BTreeMap::new();
    for object in [Some(object), project.as_deref()].into_iter().flatten() {
        let own = object.value().pointer("/metadata/labels").and_then(Value::as_object);
        let own =
            own.into_iter().flatten().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
        labels.extend(system.labels_of_events(own));
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_crd::Described;
    use serde_json::json;

    fn status(health: Value) -> ApplicationStatus {
        Application::read(json!({"status": {"health": health}})).expect("an app").status
    }

    #[test]
    fn a_change_of_health_says_why() {
        let healthy = status(json!({"status": "Healthy"}));
        let degraded = status(json!({"status": "Degraded", "message": "one of two"}));
        assert_eq!(
            health_change(&healthy, &degraded).as_deref(),
            Some("Updated health status: Healthy -> Degraded (one of two)")
        );
        assert_eq!(
            health_change(&ApplicationStatus::default(), &healthy).as_deref(),
            Some("Updated health status:  -> Healthy")
        );
        assert_eq!(health_change(&degraded, &degraded), None);
    }
}
