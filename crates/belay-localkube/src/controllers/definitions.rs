//! CustomResourceDefinitions: accepted names, the Established condition, and the end of their objects.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Changes;
use crate::cluster::State;
use crate::delete::{DeleteOptions, Propagation, delete};
use crate::object::{finalizers, is_being_deleted, items, name, namespace, set, set_finalizers, text};
use crate::request::Target;
use crate::store::GroupResource;

/// Held until no object of the kind is left.
pub(crate) const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

fn key() -> GroupResource {
    GroupResource::new("apiextensions.k8s.io", "customresourcedefinitions")
}

/// The definition with the status its names deserve; `None` when it has that status already.
pub(crate) fn with_status(state: &State, crd: &Arc<Value>) -> Option<Value> {
    let conflict = name_conflict(state, crd);
    let mut changed = (**crd).clone();
    let mut stored: Vec<Value> = items(crd, &["status", "storedVersions"]).to_vec();
    for version in items(crd, &["spec", "versions"]).iter().filter(|version| version["storage"] == true) {
        if !stored.contains(&version["name"]) {
            stored.push(version["name"].clone());
        }
    }
    set(&mut changed, &["status", "storedVersions"], stored.into());
    let now = state.clock.seconds();
    match conflict {
        None => {
            set(&mut changed, &["status", "acceptedNames"], crd["spec"]["names"].clone());
            condition(&mut changed, "NamesAccepted", "True", "NoConflicts", "no conflicts found", &now);
            condition(
                &mut changed,
                "Established",
                "True",
                "InitialNamesAccepted",
                "the initial names have been accepted",
                &now,
            );
        }
        Some((reason, message)) => {
            condition(&mut changed, "NamesAccepted", "False", reason, &message, &now);
            condition(
                &mut changed,
                "Established",
                "False",
                "NotAccepted",
                "not all names are accepted",
                &now,
            );
        }
    }
    if is_being_deleted(crd) {
        condition(
            &mut changed,
            "Terminating",
            "True",
            "InstanceDeletionInProgress",
            "CustomResource deletion is in progress",
            &now,
        );
    }
    (changed != **crd).then_some(changed)
}

fn name_conflict(state: &State, crd: &Value) -> Option<(&'static str, String)> {
    let group = text(crd, &["spec", "group"]);
    for other in state.resources.in_group(group) {
        if other.crd.as_deref().is_some_and(|other| name(other) == name(crd)) {
            continue;
        }
        let names = &crd["spec"]["names"];
        if text(names, &["plural"]) == other.resource {
            return Some(("PluralConflict", format!("\"{}\" is already in use", other.resource)));
        }
        if text(names, &["kind"]) == other.kind {
            return Some(("KindConflict", format!("\"{}\" is already in use", other.kind)));
        }
    }
    None
}

fn condition(crd: &mut Value, kind: &str, status: &str, reason: &str, message: &str, now: &str) {
    let mut conditions = items(crd, &["status", "conditions"]).to_vec();
    let new = json!({ "type": kind, "status": status, "lastTransitionTime": now, "reason": reason, "message": message });
    match conditions.iter_mut().find(|condition| condition["type"] == kind) {
        Some(old) if old["status"] == status => {}
        Some(old) => *old = new,
        None => conditions.push(new),
    }
    set(crd, &["status", "conditions"], conditions.into());
}

/// Delete the objects of definitions that are being deleted, then let those go.
pub(super) fn step(state: &mut State, changes: &Changes) {
    if changes.is_empty() {
        return;
    }
    let ending: Vec<Arc<Value>> =
        state.store.list(&key(), "").filter(|crd| is_being_deleted(crd)).cloned().collect();
    for crd in ending {
        let Some(definition) = state.definition(&key()) else { return };
        let served = state
            .resources
            .get(text(&crd, &["spec", "group"]), text(&crd, &["spec", "names", "plural"]))
            .cloned();
        let mut left = 0;
        if let Some(served) = served {
            let objects: Vec<Arc<Value>> = state.store.list(&served.storage(), "").cloned().collect();
            for object in objects {
                let target = Target::of(&served, namespace(&object), name(&object));
                let waits = is_being_deleted(&object);
                let options = DeleteOptions::of_propagation(Propagation::Background);
                let gone =
                    !waits && matches!(delete(state, &target, &options), Ok(crate::delete::Deleted::Gone(_)));
                left += usize::from(!gone);
            }
        }
        if left == 0 {
            let mut object = (*crd).clone();
            let held: Vec<String> = finalizers(&crd).into_iter().filter(|held| held != FINALIZER).collect();
            if held.len() != finalizers(&crd).len() {
                set_finalizers(&mut object, &held);
                state.commit(&definition, object);
            }
        }
    }
}
