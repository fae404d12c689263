//! What the live state tells of apps, clusters and resources of Flux, for `/metrics`. Made anew each time: what has gone is
//! not told any more.

use belay_manifest::Object;
use belay_metrics::{ClusterState, Gauge};
use jiff::Timestamp;
use serde_json::Value;

use super::argo::{items, text};
use super::{DesiredState, Sight};
use crate::app::{AppKind, AppRef};

/// Flux's kinds, by group.
const FLUX_KINDS: [(&str, &str); 4] = [
    ("source.toolkit.fluxcd.io", "GitRepository"),
    ("source.toolkit.fluxcd.io", "HelmChart"),
    ("kustomize.toolkit.fluxcd.io", "Kustomization"),
    ("helm.toolkit.fluxcd.io", "HelmRelease"),
];

/// All of it.
pub(crate) fn gauges(sight: &Sight, apps: &[AppRef], now: Timestamp) -> Vec<Gauge> {
    let mut applications = Gauge::new("argocd_app_info");
    for object in sight.live.of_kind("argoproj.io", "Application") {
        applications.samples.push((application(sight.desired.as_ref(), &object), 1.0));
    }
    let mut resources = Gauge::new("gotk_resource_info");
    for (group, kind) in FLUX_KINDS {
        let objects = sight.live.of_kind(group, kind);
        resources.samples.extend(objects.iter().map(|object| (flux_resource(object), 1.0)));
    }
    let mut all = vec![applications, resources];
    all.extend(clusters(&sight.desired.clusters()));
    all.extend(evidence(sight.desired.as_ref(), apps, now));
    all
}

fn application(desired: &dyn DesiredState, object: &Object) -> Vec<String> {
    let value = object.value();
    let or = |text: String, otherwise: &str| if text.is_empty() { otherwise.to_owned() } else { text };
    let automated = &value["spec"]["syncPolicy"]["automated"];
    let is_automated = automated.is_object() && automated["enabled"] != false;
    let first = text(value, "/spec/sources/0/repoURL");
    let repository = or(first, &text(value, "/spec/source/repoURL"));
    let operation = match () {
        () if !value["metadata"]["deletionTimestamp"].is_null() => "delete",
        () if !value["operation"]["sync"].is_null() => "sync",
        () => "",
    };
    let app = super::argo::app_ref(object);
    vec![
        object.namespace().to_owned(),
        object.name().to_owned(),
        or(text(value, "/spec/project"), "default"),
        is_automated.to_string(),
        desired.repository(&without_login(&repository)),
        desired.server(&app).unwrap_or_else(|| text(value, "/spec/destination/server")),
        text(value, "/spec/destination/namespace"),
        or(text(value, "/status/sync/status"), "Unknown"),
        or(text(value, "/status/health/status"), "Unknown"),
        operation.to_owned(),
    ]
}

/// As Flux's configuration of kube-state-metrics reads it.
fn flux_resource(object: &Object) -> Vec<String> {
    let value = object.value();
    let kind = object.gvk();
    let ready = items(value, "/status/conditions").find(|condition| condition["type"] == "Ready");
    let ready = ready.map(|ready| text(ready, "/status")).unwrap_or_default();
    let suspended = match &value["spec"]["suspend"] {
        Value::Bool(suspended) => suspended.to_string(),
        _ => String::new(),
    };
    let [revision, source, chart, app_version, chart_source, chart_version, url] = match kind.kind.as_str() {
        "GitRepository" => ["/status/artifact/revision", "", "", "", "", "", "/spec/url"],
        "HelmChart" => {
            ["/status/artifact/revision", "/spec/sourceRef/name", "/spec/chart", "", "", "/spec/version", ""]
        }
        "Kustomization" => ["/status/lastAppliedRevision", "/spec/sourceRef/name", "", "", "", "", ""],
        _ => [
            "/status/history/0/chartVersion",
            "",
            "/status/history/0/chartName",
            "/status/history/0/appVersion",
            "/spec/chart/spec/sourceRef/name",
            "",
            "",
        ],
    }
    .map(|path| if path.is_empty() { String::new() } else { text(value, path) });
    let version = kind.api_version().rsplit('/').next().unwrap_or_default().to_owned();
    let url = without_login(&url);
    vec![
        kind.group.clone(),
        version,
        kind.kind.clone(),
        object.name().to_owned(),
        object.namespace().to_owned(),
        ready,
        suspended,
        revision,
        source,
        chart,
        app_version,
        chart_source,
        chart_version,
        url,
    ]
}

/// A URL as it may be shown.
pub(crate) fn without_login(text: &str) -> String {
    match url::Url::parse(text) {
        Ok(mut url) if url.password().is_some() || (!url.username().is_empty() && url.scheme() != "ssh") => {
            // Only URLs without a host cannot have these taken away, and they have none.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.to_string()
        }
        _ => text.to_owned(),
    }
}

fn clusters(all: &[ClusterState]) -> [Gauge; 4] {
    let mut info = Gauge::new("argocd_cluster_info");
    let mut objects = Gauge::new("argocd_cluster_api_resource_objects");
    let mut kinds = Gauge::new("argocd_cluster_api_resources");
    let mut answers = Gauge::new("argocd_cluster_connection_status");
    for ClusterState { server, name, version, objects: count, kinds: kind_count, answers: is_there } in all {
        info.add(&[server, version, name], 1.0);
        objects.add(&[server], number(*count));
        kinds.add(&[server], number(*kind_count));
        answers.add(&[server, version], if *is_there { 1.0 } else { 0.0 });
    }
    [info, objects, kinds, answers]
}

/// What the ledger tells.
fn evidence(desired: &dyn DesiredState, apps: &[AppRef], now: Timestamp) -> [Gauge; 3] {
    let mut drifts = Gauge::new("belay_app_drift_age_seconds");
    let mut syncs = Gauge::new("belay_app_sync_age_seconds");
    let mut blocked = Gauge::new("belay_app_blocked");
    let age = |since: Timestamp| now.duration_since(since).as_secs_f64().max(0.0);
    for app in apps {
        let (_, kind) = AppKind::group_and_kind(app.kind);
        let labels = [kind, app.namespace.as_str(), app.name.as_str()];
        if let Some(since) = desired.drifts_since(app) {
            drifts.add(&labels, age(since));
        }
        let standing = desired.standing(app);
        if let Some(since) = standing.synced {
            syncs.add(&labels, age(since));
        }
        if let Some(rule) = standing.left {
            let [kind, namespace, name] = labels;
            blocked.add(&[kind, namespace, name, &rule.to_string()], 1.0);
        }
    }
    [drifts, syncs, blocked]
}

fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::NothingDesired;
    use belay_metrics::family;
    use serde_json::json;

    fn labelled(name: &str, values: Vec<String>) -> Vec<(String, String)> {
        let family = family(name).expect("a family");
        assert_eq!(family.labels.len(), values.len(), "{name}");
        let named = family.labels.iter().zip(values);
        named
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| ((*name).to_owned(), value))
            .collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn an_application_is_told_as_argo_cd_tells_it() {
        let object = Object::new(json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": "web", "namespace": "argocd"},
            "spec": {"source": {"repoURL": "https://ada:secret@git/a"}, "syncPolicy": {"automated": {}},
                "destination": {"server": "https://c", "namespace": "shop"}},
            "operation": {"sync": {}}, "status": {"sync": {"status": "OutOfSync"}},
        }))
        .unwrap();
        let expected = [
            ("namespace", "argocd"),
            ("name", "web"),
            ("project", "default"),
            ("autosync_enabled", "true"),
            ("repo", "https://git/a"),
            ("dest_server", "https://c"),
            ("dest_namespace", "shop"),
            ("sync_status", "OutOfSync"),
            ("health_status", "Unknown"),
            ("operation", "sync"),
        ];
        assert_eq!(labelled("argocd_app_info", application(&NothingDesired, &object)), pairs(&expected));
    }

    #[test]
    fn a_helm_release_is_told_as_flux_tells_it() {
        let object = Object::new(json!({
            "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
            "metadata": {"name": "web", "namespace": "apps"},
            "spec": {"suspend": true, "chart": {"spec": {"sourceRef": {"name": "config"}}}},
            "status": {"conditions": [{"type": "Ready", "status": "True"}],
                "history": [{"chartName": "web", "chartVersion": "1.0.0", "appVersion": "2"}]},
        }))
        .unwrap();
        let expected = [
            ("customresource_group", "helm.toolkit.fluxcd.io"),
            ("customresource_version", "v2"),
            ("customresource_kind", "HelmRelease"),
            ("name", "web"),
            ("exported_namespace", "apps"),
            ("ready", "True"),
            ("suspended", "true"),
            ("revision", "1.0.0"),
            ("chart_name", "web"),
            ("chart_app_version", "2"),
            ("chart_source_name", "config"),
        ];
        assert_eq!(labelled("gotk_resource_info", flux_resource(&object)), pairs(&expected));
    }
}
