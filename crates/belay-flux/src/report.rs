//! What a look tells: the status, Events, the log.

use std::collections::BTreeMap;

use belay_apply::{ApplyError, Done, Outcome};
use belay_cluster::Severity;
use belay_crd::Described;
use belay_flux_api::{Kustomization, find_condition, is_true};
use belay_manifest::Object;

use crate::context::{Context, KUSTOMIZE_GROUP};
use crate::evidence;
use crate::health::rounded;
use crate::inventory::shown;
use crate::kustomization_status::{Doing, Fault, Found, Result as Came, status, under_way};
use crate::write;

/// The manager of a Kustomization's status, as Flux names it.
pub(crate) const MANAGER: &str = "gotk-kustomize-controller";

const SUCCEEDED: &str = "ReconciliationSucceeded";

/// Writes the status; records an Event when something happened.
pub(crate) async fn report(
    context: &Context,
    object: &Object,
    app: &Kustomization,
    found: &Found,
    result: &Result<Came, Fault>,
) {
    let now = belay_cluster::now();
    evidence::note(context, &object.key(), app, found, result, now);
    let status = status(app, found, result, now);
    write::status(context, object, MANAGER, &status.write()).await;
    let mut annotations = annotations(app, found);
    if !found.changes.is_empty() {
        let message = found.changes.join("\n");
        tracing::info!(kustomization = %object.key(), changes = found.changes.join(", "), "applied");
        context.events.record(object, Severity::Normal, "Progressing", &message, &annotations).await;
    }
    if let Some(message) = good_health(app, found, result) {
        context.events.record(object, Severity::Normal, "Progressing", &message, &annotations).await;
    }
    if let Some((severity, reason, message)) = news(app, found, result) {
        tracing::info!(kustomization = %object.key(), reason, message, "looked at");
        if reason == SUCCEEDED {
            annotations.insert(format!("{KUSTOMIZE_GROUP}/commit_status"), "update".to_owned());
        }
        context.events.record(object, severity, reason, &message, &annotations).await;
    }
}

/// Writes that a look is under way which lasts; its end is told of after that.
pub(crate) async fn progress(context: &Context, object: &Object, app: &Kustomization, doing: &Doing) {
    if let Some(status) = under_way(app, doing, belay_cluster::now()) {
        write::status(context, object, MANAGER, &status.write()).await;
    }
}

/// Tells which objects have gone with their Kustomization, by the reason that it ended with, as Flux does.
pub(crate) async fn deleted(context: &Context, object: &Object, app: &Kustomization, changes: &[String]) {
    if changes.is_empty() {
        return;
    }
    let revision =
        (!app.status.last_applied_revision.is_empty()).then(|| app.status.last_applied_revision.clone());
    let origin = app.status.last_applied_origin_revision.clone();
    let found = Found { source: revision, origin, ..Found::new(tokio::time::Instant::now()) };
    let ready = find_condition(&app.status.conditions, "Ready");
    let reason = ready.map_or("info", |ready| ready.reason.as_str());
    let annotations = annotations(app, &found);
    context.events.record(object, Severity::Normal, reason, &changes.join("\n"), &annotations).await;
}

/// The word that the objects are healthy: after they were not, or were changed.
fn good_health(app: &Kustomization, found: &Found, result: &Result<Came, Fault>) -> Option<String> {
    let Ok(Came::Applied { waited: Some(waited) }) = result else { return None };
    let was_healthy = is_true(&app.status.conditions, "Healthy");
    (!was_healthy || found.has_written()).then(|| format!("Health check passed in {}", rounded(*waited)))
}

/// What is worth an Event: an end that differs from the last one's. A revision that changes no object is none, for a
/// commit in a repository of a thousand apps would be a thousand Events.
fn news(
    app: &Kustomization,
    found: &Found,
    result: &Result<Came, Fault>,
) -> Option<(Severity, &'static str, String)> {
    let ready = find_condition(&app.status.conditions, "Ready");
    match result {
        Ok(Came::Applied { .. }) => {
            let is_same = is_true(&app.status.conditions, "Ready") && !found.has_written();
            let took = rounded(found.started.elapsed());
            let message = format!("Reconciliation finished in {took}, next run in {}", rounded(found.next));
            (!is_same).then_some((Severity::Normal, SUCCEEDED, message))
        }
        Ok(Came::NotYet | Came::Waiting { .. }) => None,
        // Flux only logs that a source is not there yet.
        Err(fault) if fault.reason == "ArtifactFailed" && found.source.is_none() => None,
        Err(fault) => {
            let is_same =
                ready.is_some_and(|ready| ready.reason == fault.reason && ready.message == fault.message);
            (!is_same).then(|| bad_news(fault))
        }
    }
}

/// Waiting for others is nothing to worry about.
fn bad_news(fault: &Fault) -> (Severity, &'static str, String) {
    match (fault.reason, fault.again) {
        ("DependencyNotReady", Some(again)) => {
            let again = rounded(again);
            let message = format!("Dependencies do not meet ready condition, retrying in {again}");
            (Severity::Normal, fault.reason, message)
        }
        _ => (Severity::Warning, fault.reason, fault.message.clone()),
    }
}

fn annotations(app: &Kustomization, found: &Found) -> BTreeMap<String, String> {
    let mut annotations = BTreeMap::new();
    if let Some(revision) = &found.source {
        annotations.insert(format!("{KUSTOMIZE_GROUP}/revision"), revision.clone());
    }
    if !found.origin.is_empty() {
        annotations.insert(format!("{KUSTOMIZE_GROUP}/originRevision"), found.origin.clone());
    }
    for (name, value) in &app.metadata.annotations {
        if let Some(name) = name.strip_prefix("event.toolkit.fluxcd.io/") {
            annotations.insert(format!("{KUSTOMIZE_GROUP}/{name}"), value.clone());
        }
    }
    annotations
}

/// `Deployment/web/front configured`, for each object that was written.
pub(crate) fn changes(outcomes: &[Outcome]) -> Vec<String> {
    let done = |outcome: &Outcome| {
        let done = match outcome.result.as_ref().ok()? {
            Done::Created => "created",
            Done::Configured => "configured",
            Done::Pruned => "deleted",
            Done::Unchanged | Done::Kept(_) | Done::Ignored => return None,
        };
        Some(format!("{} {done}", shown(&outcome.key)))
    };
    outcomes.iter().filter_map(done).collect()
}

/// Why an object was not written. What the API server refuses, Flux hears at its dry run, which it makes before each write.
pub(crate) fn refusal(error: &ApplyError) -> String {
    let ApplyError::Refused { key, source: kube::Error::Api(status) } = error else { return error.chain() };
    let (object, said) = (shown(key), error.reason());
    match (status.code, status.reason.as_str()) {
        (404, _) if key.namespace.is_empty() => format!("{object} namespace not specified: {said}"),
        (404, _) => format!("{object} not found: {said}"),
        (_, "") => format!("{object} dry-run failed: {said}"),
        (_, reason) => format!("{object} dry-run failed ({reason}): {said}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_manifest::ObjectKey;
    use serde_json::json;

    fn refused(namespace: &str, code: u16, reason: &str) -> String {
        let key = ObjectKey {
            group: String::new(),
            kind: "Secret".to_owned(),
            namespace: namespace.to_owned(),
            name: "login".to_owned(),
        };
        let status = json!({"status": "Failure", "code": code, "reason": reason, "message": "no: canary"});
        let status = serde_json::from_value(status).expect("a status");
        refusal(&ApplyError::Refused { key, source: kube::Error::Api(status) })
    }

    #[test]
    fn refusals_are_told_in_flux_words() {
        assert_eq!(refused("prod", 422, "Invalid"), "Secret/prod/login dry-run failed (Invalid): no: canary");
        assert_eq!(refused("prod", 403, ""), "Secret/prod/login dry-run failed: no: canary");
        assert_eq!(refused("prod", 404, "NotFound"), "Secret/prod/login not found: no: canary");
        assert_eq!(refused("", 404, "NotFound"), "Secret/login namespace not specified: no: canary");
        let unread = refused("prod", 500, "InternalError");
        assert!(
            !unread.contains("canary") && unread.starts_with("Secret/prod/login dry-run failed"),
            "{unread}"
        );
    }
}
