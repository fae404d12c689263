//! What can be told before anything is written: kinds that are not there, objects that do not fit their kind.

use std::collections::HashSet;

use belay_manifest::{GroupVersionKind, Object};
use belay_plan::sync::{Code, Settings, Task};
use serde_json::Value;

use crate::context::Context;
use crate::prepare::Prepared;
use crate::project::{Bounds, scope_of};

/// Notes tasks whose kind the cluster does not know and that no definition of this sync brings. They stay to be done,
/// so that the sync says it is not valid.
pub(super) fn note_unknown_kinds(
    context: &Context,
    prepared: &Prepared,
    tasks: &mut [Task],
    settings: &Settings,
) {
    let defined: HashSet<(String, String)> =
        tasks.iter().filter_map(|task| defined_kind(task.target.as_deref()?)).collect();
    for task in tasks.iter_mut().filter(|task| task.is_pending()) {
        let Some(target) = task.target.as_deref() else { continue };
        let kind = target.gvk();
        let is_known = context.live.kinds().known(&kind).is_some()
            || defined.contains(&(kind.group.clone(), kind.kind.clone()))
            || settings.may_be_missing(target);
        if !is_known {
            task.result.code = Some(Code::SyncFailed);
            let message = unknown_kind_message(context, target, &kind);
            task.result.message = match prepared.origin(&target.key()) {
                Some(origin) => format!("{message} ({origin})"),
                None => message,
            };
        }
    }
}

/// Notes tasks that the app's project does not permit. They stay to be done, so that the sync says it is not valid.
pub(super) fn note_refused(context: &Context, bounds: &Bounds, tasks: &mut [Task]) {
    for task in tasks.iter_mut().filter(|task| task.is_pending()) {
        let scope = scope_of(context.live.kinds(), task.object());
        if let Some(message) = bounds.refusal(task.object(), scope) {
            task.result.code = Some(Code::SyncFailed);
            task.result.message = message;
        }
    }
}

fn defined_kind(object: &Object) -> Option<(String, String)> {
    if object.kind() != "CustomResourceDefinition" {
        return None;
    }
    let text = |path: &str| object.value().pointer(path).and_then(Value::as_str).map(str::to_owned);
    Some((text("/spec/group")?, text("/spec/names/kind")?))
}

fn unknown_kind_message(context: &Context, object: &Object, kind: &GroupVersionKind) -> String {
    let (group, name) = (&kind.group, &kind.kind);
    let place = format!("{}/{}", object.namespace(), object.name());
    match context.live.kinds().known_in_any_version(group, name) {
        Some(resource) => format!(
            "The Kubernetes API could not find version {:?} of {group}/{name} for requested resource {place}. Version {:?} of {group}/{name} is installed on the destination cluster.",
            kind.version, resource.api.version
        ),
        None => format!(
            "The Kubernetes API could not find {group}/{name} for requested resource {place}. Make sure the {name:?} CRD is installed on the destination cluster."
        ),
    }
}

/// What is wrong with the object of a task, by its kind's schema alone. The API server may still find more.
pub(super) fn fault(context: &Context, task: &Task, settings: &Settings) -> Option<String> {
    let target = task.target.as_deref()?;
    if !settings.validates(target) {
        return None;
    }
    let schema = context.schemas.of(&target.gvk(), &context.live)?;
    belay_apply::fault(&schema, target, task.live.is_none())
}
