//! May the app do what its spec says? Destination, project, and what is not built yet.

use belay_argo_api::{Application, ApplicationSource, SyncOperation};
use belay_crd::Resource;
use belay_manifest::{Object, ObjectKey};
use serde_json::Value;

use crate::controller::{Context, GROUP};
use crate::fault::Fault;
use crate::sources::Sources;

/// The URL by which an Application means the cluster that Belay runs against.
pub const IN_CLUSTER: &str = "https://kubernetes.default.svc";
/// The name by which it does.
pub const IN_CLUSTER_NAME: &str = "in-cluster";

/// Checks the whole spec; gives its sources.
pub(crate) fn check(context: &Context, object: &Object, app: &Application) -> Result<Sources, Fault> {
    refuse_unsupported(object)?;
    check_destination(app)?;
    check_project(context, app)?;
    let sources = Sources::of_app(app).ok_or_else(|| Fault::spec(NO_SOURCE))?;
    if let Some(fault) = sources.list().iter().find_map(|source| fault_of(source, sources.is_many())) {
        return Err(Fault::spec(fault));
    }
    match app.validate().first() {
        Some(error) => Err(Fault::spec(error.to_string())),
        None => Ok(sources),
    }
}

/// What a source lacks.
fn fault_of(source: &ApplicationSource, is_one_of_many: bool) -> Option<&'static str> {
    let is_placed = !source.path.is_empty() || !source.chart.is_empty();
    if is_one_of_many {
        let is_complete = !source.repo_url.is_empty() && (is_placed || !source.reference.is_empty());
        return (!is_complete).then_some(
            "spec.source.repoURL and either source.path, source.chart, or source.ref are required",
        );
    }
    (source.repo_url.is_empty() || !is_placed).then_some(NO_SOURCE)
}

const NO_SOURCE: &str = "spec.source.repoURL and either spec.source.path or spec.source.chart are required";

fn refuse_unsupported(object: &Object) -> Result<(), Fault> {
    let refused = belay_argo_api::refused_fields(&belay_argo_api::APPLICATION, object.value());
    match refused.as_slice() {
        [] => {}
        [field] => return Err(Fault::spec(format!("`{field}` is not supported yet"))),
        fields => {
            let fields: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
            return Err(Fault::spec(format!("{} are not supported yet", fields.join(", "))));
        }
    }
    let options = object.value().pointer("/spec/syncPolicy/syncOptions").and_then(Value::as_array);
    let options = options.into_iter().flatten().filter_map(Value::as_str);
    match refused_option(options) {
        Some(option) => Err(Fault::spec(format!("sync option `{option}` is not supported yet"))),
        None => Ok(()),
    }
}

/// Sync options of an app that are honoured.
const HONOURED_OPTIONS: &[&str] = &[
    "CreateNamespace=true",
    "CreateNamespace=false",
    "ServerSideApply=true",
    "ServerSideApply=false",
    "ClientSideApplyMigration=true",
    "ClientSideApplyMigration=false",
    "Validate=true",
    "Validate=false",
    "Prune=true",
    "Prune=false",
    "Prune=confirm",
    "PruneLast=true",
    "PruneLast=false",
    "Delete=true",
    "Delete=false",
    "Delete=confirm",
    "Replace=true",
    "Replace=false",
    "Force=true",
    "Force=false",
    "SkipDryRunOnMissingResource=true",
    "SkipDryRunOnMissingResource=false",
    "PrunePropagationPolicy=foreground",
    "PrunePropagationPolicy=background",
    "PrunePropagationPolicy=orphan",
    "ApplyOutOfSyncOnly=true",
    "ApplyOutOfSyncOnly=false",
    "RespectIgnoreDifferences=true",
    "RespectIgnoreDifferences=false",
    "FailOnSharedResource=true",
    "FailOnSharedResource=false",
];

fn refused_option<'a>(mut options: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    options.find(|option| !HONOURED_OPTIONS.contains(option))
}

fn check_destination(app: &Application) -> Result<(), Fault> {
    let destination = &app.spec.destination;
    match (destination.server.as_str(), destination.name.as_str()) {
        ("", "") => Err(Fault::spec("Destination server missing from app spec")),
        (IN_CLUSTER, "") | ("", IN_CLUSTER_NAME) => Ok(()),
        ("", name) => Err(Fault::spec(format!(
            "application destination spec for {} is invalid: unable to find destination server: there are no clusters with this name: {name}",
            app.metadata.name
        ))),
        (server, "") => Err(Fault::spec(format!(
            "application destination spec for {} is invalid: cluster {server:?} is not configured; other clusters are not supported yet",
            app.metadata.name
        ))),
        (server, name) => Err(Fault::spec(format!(
            "application destination can't have both name and server defined: {name} {server}"
        ))),
    }
}

/// The project must exist; one that restricts anything is refused by the name of its field.
fn check_project(context: &Context, app: &Application) -> Result<(), Fault> {
    let name = if app.spec.project.is_empty() { "default" } else { &app.spec.project };
    let key = ObjectKey {
        group: GROUP.to_owned(),
        kind: "AppProject".to_owned(),
        namespace: context.settings.namespace.clone(),
        name: name.to_owned(),
    };
    let Some(project) = context.home.get(&key) else {
        return Err(Fault::spec(format!("Application referencing project {name} which does not exist")));
    };
    match restriction(project.value()) {
        Some(field) => Err(Fault::spec(format!(
            "AppProject {name}: `spec.{field}` restricts the project, which is not supported yet"
        ))),
        None => Ok(()),
    }
}

/// The first field that allows less than everything.
fn restriction(project: &Value) -> Option<&'static str> {
    let spec = &project["spec"];
    let has = |field: &str, wanted: &dyn Fn(&Value) -> bool| {
        spec[field].as_array().is_some_and(|items| items.iter().any(wanted))
    };
    let any = |value: &Value, field: &str| value[field].as_str().is_some_and(|text| text == "*");
    if !has("sourceRepos", &|item| item == "*") {
        return Some("sourceRepos");
    }
    let anywhere = |item: &Value| any(item, "namespace") && (any(item, "server") || any(item, "name"));
    if !has("destinations", &anywhere) {
        return Some("destinations");
    }
    if !has("clusterResourceWhitelist", &|item| any(item, "group") && any(item, "kind")) {
        return Some("clusterResourceWhitelist");
    }
    for field in [
        "clusterResourceBlacklist",
        "namespaceResourceBlacklist",
        "syncWindows",
        "signatureKeys",
        "destinationServiceAccounts",
    ] {
        if spec[field].as_array().is_some_and(|items| !items.is_empty()) {
            return Some(field);
        }
    }
    let allows_all = spec["namespaceResourceWhitelist"].is_null()
        || has("namespaceResourceWhitelist", &|item| any(item, "group") && any(item, "kind"));
    (!allows_all).then_some("namespaceResourceWhitelist")
}

/// What of an operation is not built yet.
pub(crate) fn refused_operation(sync: &SyncOperation) -> Option<String> {
    if !sync.manifests.is_empty() {
        return Some("`operation.sync.manifests` is not supported yet".to_owned());
    }
    let options = sync.sync_options.iter().map(String::as_str);
    refused_option(options).map(|option| format!("sync option `{option}` is not supported yet"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn default_project() -> Value {
        json!({"spec": {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}]}})
    }

    #[test]
    fn the_default_project_restricts_nothing() {
        assert_eq!(restriction(&default_project()), None);
    }

    #[test]
    fn a_restriction_is_named() {
        let with = |field: &str, value: Value| {
            let mut project = default_project();
            project["spec"][field] = value;
            restriction(&project)
        };
        assert_eq!(with("sourceRepos", json!(["https://x/*"])), Some("sourceRepos"));
        assert_eq!(with("destinations", json!([{"server": "*", "namespace": "team"}])), Some("destinations"));
        assert_eq!(with("clusterResourceWhitelist", json!([])), Some("clusterResourceWhitelist"));
        assert_eq!(with("syncWindows", json!([{"kind": "deny"}])), Some("syncWindows"));
        assert_eq!(with("namespaceResourceWhitelist", json!([])), Some("namespaceResourceWhitelist"));
    }
}
