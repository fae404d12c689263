//! Flux's Kustomization and HelmRelease, as rows and as the parts of their pages.

use belay_manifest::{GroupVersionKind, Object, ObjectKey};
use serde_json::Value;

use super::DesiredState;
use super::argo::{DELETING, commit, is_deleting, items, labels, text};
use crate::app::{AppKind, AppRef, AppSummary, Family, Health, Revision, Source, Sync};
use crate::detail::{Condition, HistoryEntry};
use crate::shown;

/// The group of Flux's sources.
pub(crate) const SOURCE_GROUP: &str = "source.toolkit.fluxcd.io";

/// The row, but for drift and the objects' health, which need the objects.
pub(crate) fn summary(
    commits: &dyn DesiredState,
    kind: AppKind,
    object: &Object,
    source_object: Option<&Object>,
) -> AppSummary {
    let value = object.value();
    let source = source(kind, value, source_object, source_key(kind, object).as_ref());
    let suspended = value.pointer("/spec/suspend").and_then(Value::as_bool) == Some(true);
    AppSummary {
        app: app_ref(kind, object),
        family: Family::Flux,
        project: String::new(),
        destination: text(value, "/spec/targetNamespace"),
        revision: revision(commits, kind, value, &source),
        sync: sync(kind, value, source_object),
        health: ready_health(value, suspended),
        message: shown::text(&message(value, source_object)),
        drift: 0,
        suspended,
        automated: !suspended,
        operation: operation(value),
        objects: items(value, "/status/inventory/entries").count(),
        labels: labels(value),
        changed: changed(value),
        source: source.shown(),
    }
}

pub(crate) fn app_ref(kind: AppKind, object: &Object) -> AppRef {
    AppRef { kind, namespace: object.namespace().to_owned(), name: object.name().to_owned() }
}

/// The objects of the inventory.
pub(crate) fn managed(object: &Object) -> Vec<ObjectKey> {
    items(object.value(), "/status/inventory/entries")
        .filter_map(|entry| inventory_key(entry["id"].as_str()?))
        .collect()
}

/// `namespace_name_group_kind`, with `__` for a colon in the name.
fn inventory_key(id: &str) -> Option<ObjectKey> {
    let (namespace, rest) = id.split_once('_')?;
    let (rest, kind) = rest.rsplit_once('_')?;
    let (name, group) = rest.rsplit_once('_')?;
    Some(ObjectKey {
        group: group.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name: name.replace("__", ":"),
    })
}

/// The source that the app reads from.
pub(crate) fn source_key(kind: AppKind, object: &Object) -> Option<ObjectKey> {
    let spec = &object.value()["spec"];
    let reference = match kind {
        AppKind::HelmRelease if spec["chartRef"].is_object() => &spec["chartRef"],
        AppKind::HelmRelease => &spec["chart"]["spec"]["sourceRef"],
        _ => &spec["sourceRef"],
    };
    let group = GroupVersionKind::new(reference["apiVersion"].as_str().unwrap_or_default(), "").group;
    let namespace = reference["namespace"].as_str().unwrap_or(object.namespace());
    Some(ObjectKey {
        group: if group.is_empty() { SOURCE_GROUP.to_owned() } else { group },
        kind: reference["kind"].as_str()?.to_owned(),
        namespace: namespace.to_owned(),
        name: reference["name"].as_str()?.to_owned(),
    })
}

/// Past reconciliations, newest first.
pub(crate) fn history(
    commits: &dyn DesiredState,
    kind: AppKind,
    object: &Object,
    source_object: Option<&Object>,
) -> Vec<HistoryEntry> {
    let repository = source_object.map(|source| text(source.value(), "/spec/url")).unwrap_or_default();
    let one = |entry: &Value| match kind {
        AppKind::HelmRelease => HistoryEntry {
            revision: Revision {
                id: text(entry, "/chartVersion"),
                subject: format!("{} v{}", text(entry, "/chartName"), entry["version"]),
                ..Revision::default()
            },
            time: text(entry, "/lastDeployed"),
            outcome: text(entry, "/status"),
            initiator: String::new(),
        },
        _ => HistoryEntry {
            revision: commit(commits, &repository, commit_id(&text(entry, "/metadata/revision"))),
            time: text(entry, "/lastReconciled"),
            outcome: text(entry, "/lastReconciledStatus"),
            initiator: String::new(),
        },
    };
    items(object.value(), "/status/history").map(one).collect()
}

/// The conditions; `Ready` that is not true, and what is stalled, is a problem.
pub(crate) fn conditions(object: &Object) -> Vec<Condition> {
    let one = |condition: &Value| {
        let (kind, status) = (text(condition, "/type"), text(condition, "/status"));
        let good_when_true = !matches!(kind.as_str(), "Stalled" | "Reconciling");
        Condition {
            problem: (good_when_true && status == "False") || (kind == "Stalled" && status == "True"),
            reason: text(condition, "/reason"),
            message: shown::text(&text(condition, "/message")),
            time: text(condition, "/lastTransitionTime"),
            kind,
            status,
        }
    };
    items(object.value(), "/status/conditions").map(one).collect()
}

/// A condition of the object.
fn condition<'a>(value: &'a Value, kind: &str) -> Option<&'a Value> {
    items(value, "/status/conditions").find(|condition| condition["type"] == kind)
}

/// The commit in `main@sha1:abc…`; other revisions as they are.
fn commit_id(revision: &str) -> &str {
    revision.rsplit_once("sha1:").map_or(revision, |(_, id)| id)
}

fn source(kind: AppKind, value: &Value, object: Option<&Object>, key: Option<&ObjectKey>) -> Source {
    let url = object.map(|object| text(object.value(), "/spec/url")).filter(|url| !url.is_empty());
    let reference = object.map(|object| object.value()["spec"]["ref"].clone()).unwrap_or_default();
    let target =
        ["commit", "name", "semver", "tag", "branch"].iter().find_map(|name| reference[*name].as_str());
    let (path, target) = match kind {
        AppKind::HelmRelease => {
            (text(value, "/spec/chart/spec/chart"), text(value, "/spec/chart/spec/version"))
        }
        _ => (text(value, "/spec/path"), target.unwrap_or_default().to_owned()),
    };
    Source {
        repository: url.unwrap_or_else(|| key.map(ToString::to_string).unwrap_or_default()),
        path,
        target,
    }
}

fn revision(commits: &dyn DesiredState, kind: AppKind, value: &Value, source: &Source) -> Option<Revision> {
    let id = match kind {
        AppKind::HelmRelease => text(value, "/status/history/0/chartVersion"),
        _ => text(value, "/status/lastAppliedRevision"),
    };
    (!id.is_empty()).then(|| commit(commits, &source.repository, commit_id(&id)))
}

/// Flux has no word for it: what is applied is the source's newest revision and it is ready.
fn sync(kind: AppKind, value: &Value, source: Option<&Object>) -> Sync {
    let Some(ready) = condition(value, "Ready") else {
        return Sync::Unknown;
    };
    let newest = source.map(|source| text(source.value(), "/status/artifact/revision")).unwrap_or_default();
    let applied = text(value, "/status/lastAppliedRevision");
    let behind = kind == AppKind::Kustomization && !newest.is_empty() && newest != applied;
    match ready["status"].as_str() {
        Some("True") if !behind => Sync::Synced,
        Some("Unknown") => Sync::Unknown,
        _ => Sync::OutOfSync,
    }
}

fn ready_health(value: &Value, suspended: bool) -> Health {
    if suspended {
        return Health::Suspended;
    }
    let stalled = condition(value, "Stalled").is_some_and(|stalled| stalled["status"] == "True");
    match condition(value, "Ready").and_then(|ready| ready["status"].as_str()) {
        _ if stalled => Health::Degraded,
        Some("True") => Health::Healthy,
        Some("False") => Health::Degraded,
        _ => Health::Progressing,
    }
}

/// Why it is not ready, or why its source is not.
fn message(value: &Value, source: Option<&Object>) -> String {
    let not_ready = |value: &Value| {
        let ready = condition(value, "Ready").filter(|ready| ready["status"] == "False");
        ready.map(|ready| text(ready, "/message"))
    };
    not_ready(value).or_else(|| source.and_then(|source| not_ready(source.value()))).unwrap_or_default()
}

fn operation(value: &Value) -> String {
    if is_deleting(value) {
        return DELETING.to_owned();
    }
    let running = condition(value, "Reconciling").is_some_and(|reconciling| reconciling["status"] == "True");
    if running { "Running".to_owned() } else { String::new() }
}

fn changed(value: &Value) -> String {
    let conditions =
        items(value, "/status/conditions").map(|condition| text(condition, "/lastTransitionTime"));
    conditions.chain([text(value, "/metadata/creationTimestamp")]).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inventory_ids_give_keys() {
        let key = |id| inventory_key(id).map(|key| (key.namespace, key.name, key.group, key.kind));
        let parts = |texts: [&str; 4]| Some(texts.map(str::to_owned).into());
        assert_eq!(key("default_web_apps_Deployment"), parts(["default", "web", "apps", "Deployment"]));
        assert_eq!(key("_prod__Namespace"), parts(["", "prod", "", "Namespace"]));
        assert_eq!(
            key("_system__view_rbac.authorization.k8s.io_ClusterRole"),
            parts(["", "system:view", "rbac.authorization.k8s.io", "ClusterRole"])
        );
        assert_eq!(key("nothing"), None);
    }
}
