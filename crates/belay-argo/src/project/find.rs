//! The project of an app, read from the cluster and kept until one of its objects changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use belay_argo_api::{APP_PROJECT, AppProject, AppProjectSpec};
use belay_manifest::{Object, ObjectKey};

use super::global;
use super::rules::Project;
use crate::context::{Context, GROUP};
use crate::fault::Fault;
use crate::status::condition;

/// The projects that were read.
#[derive(Default)]
pub(crate) struct Projects(Mutex<HashMap<String, Known>>);

struct Known {
    /// The project, then its global projects.
    made_of: Vec<Arc<Object>>,
    project: Result<Arc<Project>, Fault>,
}

/// The project of this name, if Applications of this namespace may belong to it.
pub(crate) fn project(context: &Context, app: &Object, name: &str) -> Result<Arc<Project>, Fault> {
    let control_plane = &context.settings.namespace;
    let find = |name: &str| {
        context.home.get(&ObjectKey {
            group: GROUP.to_owned(),
            kind: "AppProject".to_owned(),
            namespace: control_plane.clone(),
            name: name.to_owned(),
        })
    };
    let Some(object) = find(name) else { return Err(missing(name)) };
    let mut made_of = vec![object.clone()];
    made_of.extend(global::of(&object, &context.system().global_projects, find));
    let project = context.projects.read(name, made_of)?;
    if project.permits_app_namespace(app.namespace(), control_plane) {
        return Ok(project);
    }
    let message = format!(
        "application '{}' in namespace '{}' is not permitted to use project '{name}'",
        app.name(),
        app.namespace()
    );
    Err(Fault { no_project: Some(message.clone()), ..Fault::new(condition::UNKNOWN, message) })
}

fn missing(name: &str) -> Fault {
    let reason = format!("error getting app project {name:?}: appproject.argoproj.io {name:?} not found");
    let message = format!("Application referencing project {name} which does not exist");
    Fault { no_project: Some(reason), ..Fault::spec(message) }
}

impl Projects {
    fn read(&self, name: &str, made_of: Vec<Arc<Object>>) -> Result<Arc<Project>, Fault> {
        let mut known = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let is_same = |known: &&Known| {
            let mut pairs = known.made_of.iter().zip(&made_of);
            known.made_of.len() == made_of.len() && pairs.all(|(known, new)| Arc::ptr_eq(known, new))
        };
        if let Some(known) = known.get(name).filter(is_same) {
            return known.project.clone();
        }
        let project = read(name, &made_of);
        known.insert(name.to_owned(), Known { made_of, project: project.clone() });
        project
    }
}

fn read(name: &str, made_of: &[Arc<Object>]) -> Result<Arc<Project>, Fault> {
    let mut specs = made_of.iter().map(|object| spec_of(object));
    let mut spec = specs.next().unwrap_or_else(|| Err(missing(name)))?;
    for added in specs {
        global::merge(&mut spec, added?);
    }
    Ok(Arc::new(Project::new(name, &spec)))
}

fn spec_of(object: &Object) -> Result<AppProjectSpec, Fault> {
    let name = object.name();
    let refused = belay_argo_api::refused_fields(&APP_PROJECT, object.value());
    if let Some(field) = refused.first() {
        return Err(Fault::spec(format!("AppProject {name}: `{field}` is not supported yet")));
    }
    let project: AppProject = serde_json::from_value(object.value().clone())
        .map_err(|error| Fault::spec(format!("AppProject {name} cannot be read: {error}")))?;
    Ok(project.spec)
}
