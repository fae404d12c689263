//! The project of an app, read from the cluster and kept until one of its objects changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use belay_argo_api::{APP_PROJECT, AppProject};
use belay_manifest::{Object, ObjectKey};

use super::rules::Project;
use crate::controller::{Context, GROUP};
use crate::fault::Fault;
use crate::status::condition;

/// The projects that were read.
#[derive(Default)]
pub(crate) struct Projects(Mutex<HashMap<String, Known>>);

struct Known {
    made_of: Arc<Object>,
    project: Result<Arc<Project>, Fault>,
}

/// The project of this name, if Applications of this namespace may belong to it.
pub(crate) fn project(context: &Context, app: &Object, name: &str) -> Result<Arc<Project>, Fault> {
    let control_plane = &context.settings.namespace;
    let key = ObjectKey {
        group: GROUP.to_owned(),
        kind: "AppProject".to_owned(),
        namespace: control_plane.clone(),
        name: name.to_owned(),
    };
    let Some(object) = context.home.get(&key) else { return Err(missing(name)) };
    let project = context.projects.read(object)?;
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
    fn read(&self, object: Arc<Object>) -> Result<Arc<Project>, Fault> {
        let mut known = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(known) = known.get(object.name())
            && Arc::ptr_eq(&known.made_of, &object)
        {
            return known.project.clone();
        }
        let project = read(&object);
        known.insert(object.name().to_owned(), Known { made_of: object, project: project.clone() });
        project
    }
}

fn read(object: &Object) -> Result<Arc<Project>, Fault> {
    let name = object.name();
    let refused = belay_argo_api::refused_fields(&APP_PROJECT, object.value());
    if let Some(field) = refused.first() {
        return Err(Fault::spec(format!("AppProject {name}: `{field}` is not supported yet")));
    }
    let project: AppProject = serde_json::from_value(object.value().clone())
        .map_err(|error| Fault::spec(format!("AppProject {name} cannot be read: {error}")))?;
    Ok(Arc::new(Project::new(name, &project.spec)))
}
