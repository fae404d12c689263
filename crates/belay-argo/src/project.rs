//! May the app do what its spec says? Destination, project, and what is not built yet.
//!
//! `find` reads the project, `global` says what others add to it, `rules` decides by it, `windows` says when; `bounds` are its rules at one destination.

mod accounts;
mod bounds;
mod cron;
mod find;
mod global;
mod orphaned;
mod repository;
mod rules;
mod windows;

use std::sync::Arc;

use belay_argo_api::{Application, ApplicationSource, SyncOperation};
use belay_crd::Resource;
use belay_manifest::Object;
use serde_json::Value;

pub(crate) use accounts::account;
pub(crate) use bounds::{Bounds, scope_of};
pub(crate) use find::{Projects, project};
pub(crate) use orphaned::is_left_out;
pub(crate) use rules::{Cluster, Scoped, is_named};
pub(crate) use windows::{Asking, Windows};

use crate::clusters::{Cluster as Destination, NoCluster};
use crate::context::Context;
use crate::fault::Fault;
use crate::sources::Sources;

/// The URL by which an Application means the cluster that Belay runs against.
pub const IN_CLUSTER: &str = "https://kubernetes.default.svc";
/// The name by which it does.
pub const IN_CLUSTER_NAME: &str = "in-cluster";

/// A spec that may be carried out.
pub(crate) struct Checked {
    /// Its sources.
    pub(crate) sources: Sources,
    /// What the app may touch.
    pub(crate) bounds: Bounds,
}

/// Checks the whole spec; `no_cluster` says why its destination is none.
pub(crate) fn check(
    context: &Context,
    object: &Object,
    app: &Application,
    no_cluster: Option<&NoCluster>,
) -> Result<Checked, Fault> {
    refuse_unsupported(object)?;
    let bounds = bounds_of(context, object, app)?;
    let sources = Sources::of_app(app).ok_or_else(|| Fault::spec(NO_SOURCE))?;
    if let Some(fault) = sources.list().iter().find_map(|source| fault_of(source, sources.is_many())) {
        return Err(Fault::spec(fault));
    }
    // What is wrong with the destination `no_cluster` says, in the original's words.
    if let Some(error) = app.validate().iter().find(|error| error.path != "spec.destination") {
        return Err(Fault::spec(error.to_string()));
    }
    let mut refusals = refused_repositories(&bounds, &sources);
    refusals.extend(match no_cluster {
        Some(none) => Some(none.message.clone()),
        None => refused_destination(&bounds, app),
    });
    if refusals.is_empty() {
        return Ok(Checked { sources, bounds });
    }
    let message = refusals.remove(0);
    Err(Fault { also: refusals, ..Fault::spec(message) })
}

/// The rules of the app's project at its destination.
pub(crate) fn bounds_of(context: &Context, object: &Object, app: &Application) -> Result<Bounds, Fault> {
    let Destination { server, name, project: own, .. } = context.cluster.as_ref();
    let cluster = Cluster { server: server.clone(), name: name.clone(), project: own.clone() };
    let name = app.spec.project_name();
    let mut project = project(context, object, name)?;
    let scoped = Scoped {
        repositories: context.settings.repositories.now().of_project(name),
        clusters: context.clusters.of_project(name),
    };
    if scoped != Scoped::default() {
        project = Arc::new(project.with(&scoped));
    }
    Ok(Bounds { project, cluster })
}

/// What the project says about repositories that it does not permit.
pub(crate) fn refused_repositories(bounds: &Bounds, sources: &Sources) -> Vec<String> {
    let project = &bounds.project;
    let refused = sources.list().iter().filter(|source| !project.permits_repository(&source.repo_url));
    let say = |source: &ApplicationSource| {
        format!("application repo {} is not permitted in project '{}'", source.repo_url, project.name)
    };
    refused.map(say).collect()
}

fn refused_destination(bounds: &Bounds, app: &Application) -> Option<String> {
    let (cluster, destination) = (&bounds.cluster, &app.spec.destination);
    if bounds.project.permits_destination(cluster, &destination.namespace) {
        return None;
    }
    let server = if destination.name.is_empty() { &cluster.server } else { &cluster.name };
    Some(format!(
        "application destination server '{server}' and namespace '{}' do not match any of the allowed destinations in project '{}'",
        destination.namespace, bounds.project.name
    ))
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

/// What of an operation is not built yet.
pub(crate) fn refused_operation(sync: &SyncOperation) -> Option<String> {
    let options = sync.sync_options.iter().map(String::as_str);
    refused_option(options).map(|option| format!("sync option `{option}` is not supported yet"))
}
