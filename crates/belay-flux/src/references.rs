//! ConfigMaps and Secrets that an app reads: those that are labelled for it bring a look when they change.

use belay_cluster::Change;
use belay_manifest::{GroupVersionKind, Object};
use serde_json::Value;

use crate::context::Context;

/// The label that asks for it, and its value.
const WATCH: (&str, &str) = ("reconcile.fluxcd.io/watch", "Enabled");

/// Kind and name of what a spec reads.
fn read_by(app: &Value) -> Vec<(&str, &str)> {
    let spec = &app["spec"];
    let lists = [&spec["postBuild"]["substituteFrom"], &spec["valuesFrom"]];
    let items = lists.into_iter().filter_map(Value::as_array).flatten();
    let mut found: Vec<(&str, &str)> =
        items.filter_map(|item| Some((item["kind"].as_str()?, item["name"].as_str()?))).collect();
    found.extend(spec["kubeConfig"]["secretRef"]["name"].as_str().map(|name| ("Secret", name)));
    found
}

/// Watches the kinds that an app reads.
pub(crate) async fn watch(context: &Context, app: &Object) {
    for kind in ["ConfigMap", "Secret"] {
        if !read_by(app.value()).iter().any(|(read, _)| *read == kind) {
            continue;
        }
        if let Err(error) = context.live.ensure(&GroupVersionKind::new("v1", kind)).await {
            tracing::debug!(kind, %error, "changes bring no look");
        }
    }
}

/// Whether a change is of something that may be read, and that asks for looks.
pub(crate) fn brings_looks(change: &Change) -> bool {
    let is_read = change.key.group.is_empty() && matches!(change.key.kind.as_str(), "ConfigMap" | "Secret");
    let newest = change.after.as_ref().or(change.before.as_ref());
    is_read && newest.is_some_and(|object| object.label(WATCH.0) == Some(WATCH.1))
}

/// Whether an app reads what has changed.
pub(crate) fn reads(app: &Object, change: &Change) -> bool {
    let wanted = (change.key.kind.as_str(), change.key.name.as_str());
    app.namespace() == change.key.namespace && read_by(app.value()).contains(&wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;

    fn change(kind: &str, namespace: &str, label: &str) -> Change {
        let object = Object::new(json!({"apiVersion": "v1", "kind": kind,
            "metadata": {"name": "vars", "namespace": namespace, "labels": {WATCH.0: label}}}))
        .unwrap();
        Change { key: object.key(), before: None, after: Some(Arc::new(object)) }
    }

    #[test]
    fn what_is_labelled_and_read_brings_a_look() {
        let app =
            Object::new(json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "web", "namespace": "apps"},
            "spec": {"postBuild": {"substituteFrom": [{"kind": "ConfigMap", "name": "vars"}]}}}))
            .unwrap();
        let found = |change: Change| brings_looks(&change) && reads(&app, &change);
        assert!(found(change("ConfigMap", "apps", "Enabled")));
        assert!(!found(change("ConfigMap", "apps", "enabled")));
        assert!(!found(change("ConfigMap", "other", "Enabled")));
        assert!(!found(change("Secret", "apps", "Enabled")));
    }
}
