//! Deletion: preconditions, propagation, finalizers.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::admission::{Admission, Operation};
use crate::cluster::{State, is_held};
use crate::object::{
    finalizers, generation, is_being_deleted, resource_version, set, set_finalizers, text, uid,
};
use crate::request::{Query, Target};
use crate::resources::Definition;
use crate::status::ApiError;

pub(crate) const FOREGROUND: &str = "foregroundDeletion";
pub(crate) const ORPHAN: &str = "orphan";

/// `DeleteOptions`, from the body or the query.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) propagation: Option<Propagation>,
    grace: Option<i64>,
    uid: String,
    resource_version: String,
    pub(crate) dry_run: bool,
    /// Who else is asked.
    pub(crate) admission: Option<Arc<Admission>>,
}

/// What becomes of what the object owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Propagation {
    Background,
    Foreground,
    Orphan,
}

impl DeleteOptions {
    pub(crate) fn parse(query: &Query, body: &Value) -> Result<Self, ApiError> {
        let either = |name: &str| {
            let given = text(body, &[name]);
            if given.is_empty() { query.get(name).to_owned() } else { given.to_owned() }
        };
        let orphan =
            body["orphanDependents"].as_bool().or_else(|| query.get("orphanDependents").parse().ok());
        let propagation = match (either("propagationPolicy").as_str(), orphan) {
            ("", None) => None,
            ("", Some(true)) | ("Orphan", _) => Some(Propagation::Orphan),
            ("Foreground", _) => Some(Propagation::Foreground),
            ("" | "Background", _) => Some(Propagation::Background),
            (other, _) => {
                let known = ["Foreground", "Background", "Orphan", "nil"].map(str::to_owned);
                let error =
                    belay_schema::FieldError::not_supported("propagationPolicy", &json!(other), &known);
                return Err(ApiError::invalid("meta.k8s.io", "DeleteOptions", "", &[error]));
            }
        };
        let in_body = body["dryRun"].as_array().is_some_and(|items| items.iter().any(|item| item == "All"));
        Ok(Self {
            propagation,
            grace: body["gracePeriodSeconds"]
                .as_i64()
                .or_else(|| query.get("gracePeriodSeconds").parse().ok()),
            uid: text(body, &["preconditions", "uid"]).to_owned(),
            resource_version: text(body, &["preconditions", "resourceVersion"]).to_owned(),
            dry_run: in_body || query.is_dry_run(),
            admission: None,
        })
    }

    /// Delete now, as controllers do.
    pub(crate) fn of_propagation(propagation: Propagation) -> Self {
        Self { propagation: Some(propagation), ..Self::default() }
    }
}

/// What a deletion answers.
#[derive(Debug)]
pub(crate) enum Deleted {
    /// It is gone.
    Gone(Arc<Value>),
    /// It waits for finalizers or for its Pod to end.
    Waiting(Arc<Value>),
}

pub(crate) fn delete(
    state: &mut State,
    target: &Target,
    options: &DeleteOptions,
) -> Result<Deleted, ApiError> {
    let definition = &target.definition;
    if is_immortal(definition, &target.name) {
        let cause = "this namespace may not be deleted";
        return Err(ApiError::forbidden("", "namespaces", &target.name, cause));
    }
    let live = state.live(definition, &target.namespace, &target.name)?;
    check_preconditions(target, &live, options)?;
    let mut object = (*live).clone();
    if let Some(admission) = &options.admission {
        admission.mutate(state, target, Operation::Delete, &mut object, Some(&live))?;
        admission.validate(state, target, Operation::Delete, None, Some(&live))?;
    }
    mark(state, definition, &mut object, options);
    let held = is_held(definition, &object);
    if options.dry_run {
        let object = Arc::new(object);
        return Ok(if held { Deleted::Waiting(object) } else { Deleted::Gone(object) });
    }
    if !held {
        let last = state.remove(definition, &target.namespace, &target.name);
        return Ok(Deleted::Gone(last.unwrap_or(live)));
    }
    if object == *live {
        return Ok(Deleted::Waiting(live));
    }
    Ok(Deleted::Waiting(state.commit(definition, object)))
}

fn check_preconditions(target: &Target, live: &Value, options: &DeleteOptions) -> Result<(), ApiError> {
    if !options.uid.is_empty() && options.uid != uid(live) {
        let cause = format!(
            "the UID in the precondition ({}) does not match the UID in record ({}). The object might have been deleted and then recreated",
            options.uid,
            uid(live)
        );
        return Err(target.conflict(&cause));
    }
    if !options.resource_version.is_empty() && options.resource_version != resource_version(live) {
        let cause = format!(
            "the ResourceVersion in the precondition ({}) does not match the ResourceVersion in record ({}). The object might have been modified",
            options.resource_version,
            resource_version(live)
        );
        return Err(target.conflict(&cause));
    }
    Ok(())
}

fn mark(state: &State, definition: &Definition, object: &mut Value, options: &DeleteOptions) {
    let mut held_by = finalizers(object);
    let propagation = options.propagation;
    let wants = |wanted: Propagation, name: &str| match propagation {
        Some(given) => given == wanted,
        None => held_by.iter().any(|finalizer| finalizer == name),
    };
    let (foreground, orphan) =
        (wants(Propagation::Foreground, FOREGROUND), wants(Propagation::Orphan, ORPHAN));
    for (wanted, name) in [(foreground, FOREGROUND), (orphan, ORPHAN)] {
        held_by.retain(|finalizer| finalizer != name);
        if wanted {
            held_by.push(name.to_owned());
        }
    }
    set_finalizers(object, &held_by);
    let grace = grace_of(definition, object, options);
    if !is_being_deleted(object) {
        set(object, &["metadata", "deletionTimestamp"], state.clock.seconds().into());
        set(object, &["metadata", "deletionGracePeriodSeconds"], grace.into());
        if generation(object) > 0 {
            let next = generation(object) + 1;
            set(object, &["metadata", "generation"], next.into());
        }
    } else if grace < object["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(0) {
        set(object, &["metadata", "deletionGracePeriodSeconds"], grace.into());
    }
    if definition.group.is_empty() && definition.resource == "namespaces" {
        set(object, &["status", "phase"], "Terminating".into());
    }
}

/// Only a Pod that runs somewhere has time to end.
fn grace_of(definition: &Definition, object: &Value, options: &DeleteOptions) -> i64 {
    let is_pod = definition.group.is_empty() && definition.resource == "pods";
    let ended = matches!(text(object, &["status", "phase"]), "Succeeded" | "Failed");
    if !is_pod || ended || text(object, &["spec", "nodeName"]).is_empty() {
        return 0;
    }
    let own = object["spec"]["terminationGracePeriodSeconds"].as_i64();
    options.grace.or(own).unwrap_or(30).max(0)
}

/// The `Status` of a finished deletion.
pub(crate) fn success(target: &Target, last: &Value) -> Value {
    let mut details = json!({ "name": target.name });
    if !target.definition.group.is_empty() {
        details["group"] = target.definition.group.as_str().into();
    }
    details["kind"] = target.definition.resource.as_str().into();
    details["uid"] = uid(last).into();
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })
}

/// Whether a finished deletion answers with the object instead of a `Status`.
pub(crate) fn answers_object(definition: &Definition) -> bool {
    let core = [
        "pods",
        "podtemplates",
        "persistentvolumes",
        "persistentvolumeclaims",
        "resourcequotas",
        "serviceaccounts",
        "services",
    ];
    (definition.group.is_empty() && core.contains(&definition.resource.as_str()))
        || definition.group == "storage.k8s.io"
}

/// Whether this is one of the namespaces that every cluster keeps.
fn is_immortal(definition: &Definition, name: &str) -> bool {
    let is_namespace = definition.group.is_empty() && definition.resource == "namespaces";
    is_namespace && ["default", "kube-system", "kube-public"].contains(&name)
}
