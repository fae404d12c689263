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
pub(crate) use rules::{Cluster, Project, Scoped, is_named};
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
    let fields = belay_argo_api::refused_fields(&belay_argo_api::APPLICATION, object.value());
    let annotations = belay_argo_api::refused_annotations(annotations(object));
    let options = object.value().pointer("/spec/syncPolicy/syncOptions").and_then(Value::as_array);
    let options = options.into_iter().flatten().filter_map(Value::as_str);
    let refusal = not_supported("", &fields)
        .or_else(|| not_supported("annotation", &annotations))
        .or_else(|| refused_options(options));
    refusal.map_or(Ok(()), |message| Err(Fault::spec(message)))
}

/// What an app asks for by annotations that is missing, and that leaves what is deployed the same.
pub(crate) fn missing(object: &Object) -> Option<String> {
    not_supported("annotation", &belay_argo_api::named_annotations(annotations(object)))
}

/// What of an operation is not built yet.
pub(crate) fn refused_operation(sync: &SyncOperation) -> Option<String> {
    refused_options(sync.sync_options.iter().map(String::as_str))
}

fn refused_options<'a>(options: impl Iterator<Item = &'a str>) -> Option<String> {
    not_supported("sync option", &belay_argo_api::refused_sync_options(options))
}

fn annotations(object: &Object) -> impl Iterator<Item = &str> {
    let annotations = object.value().pointer("/metadata/annotations").and_then(Value::as_object);
    annotations.into_iter().flat_map(|annotations| annotations.keys().map(String::as_str))
}

/// "sync option `A=b` is not supported yet"; nothing without names.
fn not_supported(what: &str, names: &[String]) -> Option<String> {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let (plural, verb) = if names.len() == 1 { ("", "is") } else { ("s", "are") };
    let what = if what.is_empty() { String::new() } else { format!("{what}{plural} ") };
    (!names.is_empty()).then(|| format!("{what}{} {verb} not supported yet", quoted.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn app(annotations: Value, options: Value) -> Object {
        let app = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": "a", "annotations": annotations},
            "spec": {"syncPolicy": {"syncOptions": options}}});
        Object::new(app).expect("an Application")
    }

    #[test]
    fn what_would_change_what_is_deployed_is_refused_by_name() {
        let refusal = |annotations, options| {
            refuse_unsupported(&app(annotations, options)).err().map(|fault| fault.message)
        };
        assert_eq!(
            refusal(json!({"argocd.argoproj.io/hydrate": "normal"}), json!([])),
            Some("annotation `argocd.argoproj.io/hydrate` is not supported yet".to_owned())
        );
        assert_eq!(
            refusal(json!({}), json!(["Prune=false", "Unheard=of", "Prune=perhaps"])),
            Some("sync options `Unheard=of`, `Prune=perhaps` are not supported yet".to_owned())
        );
        let harmless = json!({"notifications.argoproj.io/subscribe.on-deployed.slack": "us",
            "argocd.argoproj.io/unheard-of": "x", "argocd.argoproj.io/manifest-generate-paths": "."});
        assert_eq!(refusal(harmless, json!(["CreateNamespace=true"])), None);
    }

    #[test]
    fn a_side_effect_that_is_missing_is_named() {
        let one = json!({"notifications.argoproj.io/subscribe.on-deployed.slack": "us", "example.com/a": "b",
            "notified.notifications.argoproj.io": "{}", "argocd.argoproj.io/refresh": "normal"});
        assert_eq!(
            missing(&app(one, json!([]))),
            Some(
                "annotation `notifications.argoproj.io/subscribe.on-deployed.slack` is not supported yet"
                    .to_owned()
            )
        );
        assert_eq!(missing(&app(json!({"argocd.argoproj.io/hydrate": "normal"}), json!([]))), None);
    }
}
