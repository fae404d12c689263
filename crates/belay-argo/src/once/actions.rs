//! What can be done with an app's objects, and doing it: the object itself is written, as Argo CD's API does.

use std::collections::BTreeMap;

use belay_argo_api::ResourceStatus;
use belay_cluster::{KindError, Severity};
use belay_health::actions::{self, Action, ActionError, Impact, OwnActions};
use belay_manifest::{GroupVersionKind, IdentityError, Object, ObjectKey};
use belay_schema::merge_patch_between;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::{Known, LookError};
use crate::context::Context;
use crate::controller::Controller;
use crate::fault::Fault;
use crate::project::{self, Bounds, scope_of};
use crate::traces::key_of;

/// The manager that actions are written as: in Argo CD its API does them.
const MANAGER: &str = "argocd-server";

/// Something that can be done with an object of an app.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionOf {
    /// The object.
    pub object: ObjectKey,
    /// What can be done.
    pub action: Action,
}

/// Why an action cannot be listed or run.
#[derive(Debug, thiserror::Error)]
pub enum ActionFault {
    /// The app cannot be looked at.
    #[error(transparent)]
    Look(#[from] LookError),
    /// No object of the app is meant.
    #[error("no matching resource found")]
    NoObject,
    /// One is meant, and it does not say which.
    #[error("multiple resources match inputs, use the --all flag to patch multiple resources")]
    ManyObjects,
    /// The object's kind is not known any more.
    #[error("error getting resource")]
    Kind(#[from] KindError),
    /// What `argocd-cm` says of the kind cannot be read.
    #[error("error getting resource overrides: resource.customizations.actions of {kind}")]
    Overrides {
        /// The kind.
        kind: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The action's own fault.
    #[error("action of {object}")]
    Action {
        /// The object.
        object: ObjectKey,
        /// Why.
        #[source]
        source: ActionError,
    },
    /// What the action made is no object.
    #[error("the action's output is no object")]
    Output(#[from] IdentityError),
    /// The app's project says no.
    #[error("application is not permitted to manage {group}/{kind}/{name} in {namespace}", group = .0.group, kind = .0.kind, name = .0.name, namespace = .0.namespace)]
    NotPermitted(ObjectKey),
    /// The API server did not take it.
    #[error("{what} {object}")]
    Request {
        /// What was tried.
        what: &'static str,
        /// The object.
        object: ObjectKey,
        /// What it said.
        #[source]
        source: kube::Error,
    },
}

/// An object that may be acted on.
struct Subject {
    object: Object,
    own: Option<OwnActions>,
}

impl Controller {
    /// What can be done with those objects of the app that are meant, itself among them.
    pub async fn actions_once(
        &self,
        app: &ObjectKey,
        is_meant: impl Fn(&ObjectKey) -> bool,
    ) -> Result<Vec<ActionOf>, ActionFault> {
        self.informed(async {
            let known = self.known(app).await?;
            let mut found = Vec::new();
            for subject in known.subjects(&is_meant).await? {
                let object = subject.object.key();
                let listed = actions::list(&subject.object, subject.own.as_ref(), belay_cluster::now);
                let listed =
                    listed.map_err(|source| ActionFault::Action { object: object.clone(), source })?;
                let of = |action| ActionOf { object: object.clone(), action };
                found.extend(listed.into_iter().map(of));
            }
            Ok(found)
        })
        .await
    }

    /// Runs an action on the object that is meant, or on several where `all` are. Gives the objects.
    pub async fn run_action_once(
        &self,
        app: &ObjectKey,
        is_meant: impl Fn(&ObjectKey) -> bool,
        all: bool,
        action: &str,
        parameters: &[(String, String)],
    ) -> Result<Vec<ObjectKey>, ActionFault> {
        self.informed(async {
            let known = self.known(app).await?;
            let bounds = project::bounds_of(&known.context, &known.object, &known.app)
                .map_err(|fault: Fault| LookError::from(fault))?;
            let subjects = known.subjects(&is_meant).await?;
            match subjects.len() {
                0 => return Err(ActionFault::NoObject),
                1 => {}
                _ if all => {}
                _ => return Err(ActionFault::ManyObjects),
            }
            let mut done = Vec::new();
            for subject in subjects {
                known.act(&subject, &bounds, action, parameters).await?;
                done.push(subject.object.key());
            }
            Ok(done)
        })
        .await
    }
}

impl Known {
    /// The live objects that are meant.
    async fn subjects(&self, is_meant: &impl Fn(&ObjectKey) -> bool) -> Result<Vec<Subject>, ActionFault> {
        let mut subjects = Vec::new();
        let meant = self.app.status.resources.iter().filter(|resource| is_meant(&key_of(resource)));
        for resource in meant {
            if let Some(object) = live(&self.context, resource).await? {
                subjects.push(self.subject(object)?);
            }
        }
        if is_meant(&self.object.key()) {
            subjects.push(self.subject(self.object.as_ref().clone())?);
        }
        Ok(subjects)
    }

    fn subject(&self, object: Object) -> Result<Subject, ActionFault> {
        let kind = object.gvk();
        let settings = self.context.system();
        let said = settings.customizations.exact(&kind.group, &kind.kind).map(|own| own.actions.as_str());
        let own = said.filter(|text| !text.is_empty()).map(own_actions).transpose();
        let own =
            own.map_err(|source| ActionFault::Overrides { kind: object.key().kind_and_group(), source })?;
        Ok(Subject { object, own })
    }

    async fn act(
        &self,
        subject: &Subject,
        bounds: &Bounds,
        action: &str,
        parameters: &[(String, String)],
    ) -> Result<(), ActionFault> {
        let Subject { object, own } = subject;
        let impacts = actions::run(object, action, parameters, own.as_ref(), belay_cluster::now);
        let impacts = impacts.map_err(|source| ActionFault::Action { object: object.key(), source })?;
        // All of it is permitted and possible, or nothing is done.
        for impact in &impacts {
            self.check(impact, bounds).await?;
        }
        for impact in impacts {
            match impact {
                Impact::Patch(wanted) => self.patch(object, &wanted).await?,
                Impact::Create(wanted) => self.create(wanted, false).await?,
            }
        }
        let kind = object.key().group + "/" + object.kind();
        let message = format!("ran action {action} on resource {kind}/{}", object.name());
        let events = &self.context.events;
        let reason = "ResourceActionRan";
        events.record(&self.object, Severity::Normal, reason, &message, &BTreeMap::new()).await;
        Ok(())
    }

    async fn check(&self, impact: &Impact, bounds: &Bounds) -> Result<(), ActionFault> {
        let (Impact::Patch(wanted) | Impact::Create(wanted)) = impact;
        let object = Object::new(wanted.clone())?;
        let scope = scope_of(self.context.live.kinds(), &object);
        let is_the_app = object.key() == self.object.key();
        if !is_the_app && bounds.refusal(&object, scope).is_some() {
            return Err(ActionFault::NotPermitted(object.key()));
        }
        match impact {
            Impact::Patch(_) => Ok(()),
            Impact::Create(wanted) => self.create(wanted.clone(), true).await,
        }
    }

    async fn create(&self, wanted: Value, dry_run: bool) -> Result<(), ActionFault> {
        let object = Object::new(wanted)?;
        let resource = self.context.live.kinds().find(&object.gvk()).await?;
        let failed =
            |source| ActionFault::Request { what: "error creating resource", object: object.key(), source };
        let body: DynamicObject = serde_json::from_value(object.value().clone())
            .map_err(|error| failed(kube::Error::SerdeError(error)))?;
        let api = resource.objects(self.context.live.client(), object.namespace());
        let params = PostParams { dry_run, field_manager: Some(MANAGER.to_owned()) };
        api.create(&params, &body).await.map(drop).map_err(failed)
    }

    /// Writes what the action changed; the status by itself where the kind keeps it apart.
    async fn patch(&self, live: &Object, wanted: &Value) -> Result<(), ActionFault> {
        let mut changes = merge_patch_between(live.value(), wanted);
        let is_empty = |changes: &Value| changes.as_object().is_none_or(serde_json::Map::is_empty);
        let resource = self.context.live.kinds().find(&live.gvk()).await?;
        let api = resource.objects(self.context.live.client(), live.namespace());
        let failed =
            |source| ActionFault::Request { what: "error patching resource", object: live.key(), source };
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        if let Some(status) = changes.get("status").cloned() {
            let patch = json!({"status": status});
            match api.patch_status(live.name(), &params, &Patch::Merge(&patch)).await {
                Ok(_) => drop(changes.as_object_mut().map(|fields| fields.shift_remove("status"))),
                // This kind's status is a part of it as any other.
                Err(kube::Error::Api(answer)) if answer.code == 404 => {}
                Err(error) => return Err(failed(error)),
            }
        }
        if is_empty(&changes) {
            return Ok(());
        }
        api.patch(live.name(), &params, &Patch::Merge(&changes)).await.map(drop).map_err(failed)
    }
}

/// The object as it is now; nothing when it is not there.
async fn live(context: &Context, resource: &ResourceStatus) -> Result<Option<Object>, ActionFault> {
    let ResourceStatus { group, version, kind, .. } = resource;
    let kind = GroupVersionKind { group: group.clone(), version: version.clone(), kind: kind.clone() };
    let known = context.live.kinds().find(&kind).await?;
    let api = known.objects(context.live.client(), &resource.namespace);
    let found = api.get_opt(&resource.name).await.map_err(|source| ActionFault::Request {
        what: "error getting resource",
        object: key_of(resource),
        source,
    })?;
    let Some(found) = found else { return Ok(None) };
    let found = serde_json::to_value(found).map_err(|error| ActionFault::Request {
        what: "error getting resource",
        object: key_of(resource),
        source: kube::Error::SerdeError(error),
    })?;
    Ok(Some(Object::new(found)?))
}

fn own_actions(text: &str) -> Result<OwnActions, Box<dyn std::error::Error + Send + Sync>> {
    Ok(serde_json::from_value(belay_goyaml::to_json(text)?)?)
}
