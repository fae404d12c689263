//! Argo CD's Application, as a row and as the parts of its page.

use std::collections::BTreeMap;

use belay_manifest::{Object, ObjectKey};
use serde_json::Value;

use super::DesiredState;
use crate::app::{AppKind, AppRef, AppSummary, Family, Health, Revision, Source, Sync};
use crate::detail::{Condition, HistoryEntry};
use crate::shown;

/// A text at a JSON pointer, empty if it is not there.
pub(crate) fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The items of a list at a JSON pointer.
pub(crate) fn items<'a>(value: &'a Value, pointer: &str) -> impl DoubleEndedIterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// The row, but for drift, which needs the objects.
pub(crate) fn summary(commits: &dyn DesiredState, object: &Object) -> AppSummary {
    let value = object.value();
    let source = source(value);
    AppSummary {
        app: app_ref(object),
        family: Family::Argo,
        project: text(value, "/spec/project"),
        destination: text(value, "/spec/destination/namespace"),
        revision: revision(commits, value, &source),
        sync: sync(&text(value, "/status/sync/status")),
        health: health(&text(value, "/status/health/status")).unwrap_or(Health::Unknown),
        message: shown::text(&message(value)),
        drift: 0,
        suspended: is_suspended(value),
        automated: value.pointer("/spec/syncPolicy/automated").is_some_and(|automated| !automated.is_null())
            && !is_suspended(value),
        operation: operation(value),
        objects: items(value, "/status/resources").count(),
        labels: labels(value),
        changed: changed(value),
        source: source.shown(),
    }
}

pub(crate) fn app_ref(object: &Object) -> AppRef {
    AppRef {
        kind: AppKind::Application,
        namespace: object.namespace().to_owned(),
        name: object.name().to_owned(),
    }
}

/// The objects that the app manages, with their state.
pub(crate) fn managed(object: &Object) -> Vec<(ObjectKey, Sync)> {
    let one = |resource: &Value| {
        let key = ObjectKey {
            group: text(resource, "/group"),
            kind: text(resource, "/kind"),
            namespace: text(resource, "/namespace"),
            name: text(resource, "/name"),
        };
        (key, sync(&text(resource, "/status")))
    };
    items(object.value(), "/status/resources").map(one).collect()
}

/// Past syncs, newest first.
pub(crate) fn history(commits: &dyn DesiredState, object: &Object) -> Vec<HistoryEntry> {
    let repository = source(object.value()).repository;
    let one = |entry: &Value| HistoryEntry {
        revision: commit(commits, &repository, &text(entry, "/revision")),
        time: text(entry, "/deployedAt"),
        outcome: "Succeeded".to_owned(),
        initiator: initiator(entry),
    };
    let mut history: Vec<HistoryEntry> = items(object.value(), "/status/history").rev().map(one).collect();
    let state = &object.value()["status"]["operationState"];
    let phase = text(state, "/phase");
    if matches!(phase.as_str(), "Failed" | "Error") {
        history.insert(
            0,
            HistoryEntry {
                revision: commit(commits, &repository, &text(state, "/syncResult/revision")),
                time: text(state, "/finishedAt"),
                outcome: phase,
                initiator: initiator(&state["operation"]),
            },
        );
    }
    history
}

fn initiator(entry: &Value) -> String {
    let name = text(entry, "/initiatedBy/username");
    let automated = entry.pointer("/initiatedBy/automated").and_then(Value::as_bool);
    if name.is_empty() && automated == Some(true) { "automated".to_owned() } else { name }
}

/// The conditions; each of Argo CD's is a problem or a warning.
pub(crate) fn conditions(object: &Object) -> Vec<Condition> {
    let one = |condition: &Value| Condition {
        kind: text(condition, "/type"),
        message: shown::text(&text(condition, "/message")),
        time: text(condition, "/lastTransitionTime"),
        problem: true,
        ..Condition::default()
    };
    items(object.value(), "/status/conditions").map(one).collect()
}

/// Looks up a commit; what is not known has its id only.
pub(crate) fn commit(commits: &dyn DesiredState, repository: &str, id: &str) -> Revision {
    let known = commits.commit(repository, id);
    known.unwrap_or_else(|| Revision { id: id.to_owned(), ..Revision::default() })
}

fn revision(commits: &dyn DesiredState, value: &Value, source: &Source) -> Option<Revision> {
    let id = text(value, "/status/sync/revision");
    (!id.is_empty()).then(|| commit(commits, &source.repository, &id))
}

fn source(value: &Value) -> Source {
    let first =
        value.pointer("/spec/source").or_else(|| value.pointer("/spec/sources/0")).unwrap_or(&Value::Null);
    let chart = text(first, "/chart");
    Source {
        repository: text(first, "/repoURL"),
        path: if chart.is_empty() { text(first, "/path") } else { chart },
        target: text(first, "/targetRevision"),
    }
}

pub(crate) fn sync(word: &str) -> Sync {
    match word {
        "Synced" => Sync::Synced,
        "OutOfSync" => Sync::OutOfSync,
        _ => Sync::Unknown,
    }
}

pub(crate) fn health(word: &str) -> Option<Health> {
    Some(match word {
        "Healthy" => Health::Healthy,
        "Suspended" => Health::Suspended,
        "Progressing" => Health::Progressing,
        "Missing" => Health::Missing,
        "Degraded" => Health::Degraded,
        "Unknown" => Health::Unknown,
        _ => return None,
    })
}

/// Automation that is set up but switched off.
fn is_suspended(value: &Value) -> bool {
    value.pointer("/spec/syncPolicy/automated/enabled").and_then(Value::as_bool) == Some(false)
}

fn operation(value: &Value) -> String {
    if is_deleting(value) {
        return DELETING.to_owned();
    }
    let phase = text(value, "/status/operationState/phase");
    if value.get("operation").is_some_and(|operation| !operation.is_null()) && phase != "Running" {
        return "Pending".to_owned();
    }
    if matches!(phase.as_str(), "Running" | "Terminating") { phase } else { String::new() }
}

/// The operation of an app that is on its way out.
pub(crate) const DELETING: &str = "Deleting";

/// Whether somebody has asked for its deletion, and its objects go first.
pub(crate) fn is_deleting(value: &Value) -> bool {
    value.pointer("/metadata/deletionTimestamp").is_some()
}

/// Problems first, then a failed sync, then why it is not healthy.
fn message(value: &Value) -> String {
    let condition = items(value, "/status/conditions").map(|condition| text(condition, "/message")).next();
    if let Some(message) = condition.filter(|message| !message.is_empty()) {
        return message;
    }
    if matches!(text(value, "/status/operationState/phase").as_str(), "Failed" | "Error") {
        return text(value, "/status/operationState/message");
    }
    text(value, "/status/health/message")
}

pub(crate) fn labels(value: &Value) -> BTreeMap<String, String> {
    let labels = value.pointer("/metadata/labels").and_then(Value::as_object).into_iter().flatten();
    labels.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

fn changed(value: &Value) -> String {
    let times = [
        text(value, "/status/operationState/finishedAt"),
        text(value, "/status/operationState/startedAt"),
        text(value, "/status/health/lastTransitionTime"),
        text(value, "/metadata/creationTimestamp"),
    ];
    times.into_iter().max().unwrap_or_default()
}
