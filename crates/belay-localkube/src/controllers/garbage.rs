//! Owner references: what nobody owns any more goes.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::Changes;
use crate::cluster::State;
use crate::delete::{DeleteOptions, FOREGROUND, ORPHAN, Propagation, delete};
use crate::object::{finalizers, is_being_deleted, items, name, namespace, set, set_finalizers, text, uid};
use crate::request::Target;
use crate::store::{ChangeKind, GroupResource};

type Place = (GroupResource, String, String);

/// Knows who depends on whom.
#[derive(Debug, Default)]
pub(super) struct Collector {
    dependents: HashMap<String, BTreeSet<Place>>,
    /// Owners that wait for their dependents.
    waiting: BTreeSet<Place>,
}

impl Collector {
    pub(super) fn step(&mut self, state: &mut State, changes: &Changes) {
        let mut suspects: BTreeSet<Place> = BTreeSet::new();
        for (resource, change) in changes {
            let object = &change.object;
            let place = (resource.clone(), namespace(object).to_owned(), name(object).to_owned());
            for owner in items(object, &["metadata", "ownerReferences"]) {
                let known = self.dependents.entry(text(owner, &["uid"]).to_owned()).or_default();
                if change.kind == ChangeKind::Deleted {
                    known.remove(&place);
                } else {
                    known.insert(place.clone());
                    suspects.insert(place.clone());
                }
            }
            if change.kind == ChangeKind::Deleted {
                suspects.extend(self.dependents.remove(uid(object)).unwrap_or_default());
            } else if is_being_deleted(object) {
                self.waiting.insert(place);
            }
        }
        for place in suspects {
            self.collect(state, &place);
        }
        if !changes.is_empty() {
            for place in self.waiting.clone() {
                self.finish_owner(state, &place);
            }
        }
    }

    /// Delete an object whose owners are all gone; forget the owners that are.
    fn collect(&self, state: &mut State, place: &Place) {
        let Some((target, object)) = find(state, place) else { return };
        let owners = items(&object, &["metadata", "ownerReferences"]);
        if owners.is_empty() || is_being_deleted(&object) {
            return;
        }
        let left: Vec<Value> =
            owners.iter().filter(|owner| exists(state, owner, &place.1)).cloned().collect();
        if left.is_empty() {
            let policy = if finalizers(&object).iter().any(|held| held == ORPHAN) {
                Propagation::Orphan
            } else {
                Propagation::Background
            };
            // Refused means changed meanwhile: the change brings the object here again.
            let _refused = delete(state, &target, &DeleteOptions::of_propagation(policy));
        } else if left.len() < owners.len() {
            let mut object = (*object).clone();
            set(&mut object, &["metadata", "ownerReferences"], left.into());
            state.commit(&target.definition, object);
        }
    }

    /// Foreground and orphan deletion, one round.
    fn finish_owner(&mut self, state: &mut State, place: &Place) {
        let Some((target, owner)) = find(state, place).filter(|(_, owner)| is_being_deleted(owner)) else {
            self.waiting.remove(place);
            return;
        };
        let held = finalizers(&owner);
        let dependents: Vec<Place> =
            self.dependents.get(uid(&owner)).into_iter().flatten().cloned().collect();
        if held.iter().any(|held| held == ORPHAN) {
            for dependent in &dependents {
                orphan(state, dependent, uid(&owner));
            }
            release(state, &target, &owner, ORPHAN);
        } else if held.iter().any(|held| held == FOREGROUND) {
            let mut blocking = false;
            for dependent in &dependents {
                blocking |= delete_dependent(state, dependent, uid(&owner));
            }
            if !blocking {
                release(state, &target, &owner, FOREGROUND);
            }
        } else {
            self.waiting.remove(place);
        }
    }
}

fn find(state: &State, place: &Place) -> Option<(Target, Arc<Value>)> {
    let definition = state.definition(&place.0)?;
    let object = state.live(&definition, &place.1, &place.2).ok()?;
    Some((Target::of(&definition, &place.1, &place.2), object))
}

fn exists(state: &State, owner: &Value, space: &str) -> bool {
    let Some(definition) = state.definition_of(text(owner, &["apiVersion"]), text(owner, &["kind"])) else {
        // Not knowing the owner's kind is no reason to delete.
        return true;
    };
    let space = if definition.namespaced { space } else { "" };
    let live = state.live(&definition, space, text(owner, &["name"]));
    live.is_ok_and(|live| uid(&live) == text(owner, &["uid"]))
}

fn orphan(state: &mut State, place: &Place, owner: &str) {
    let Some((target, object)) = find(state, place) else { return };
    let left: Vec<Value> = items(&object, &["metadata", "ownerReferences"])
        .iter()
        .filter(|entry| entry["uid"] != owner)
        .cloned()
        .collect();
    let mut object = (*object).clone();
    if left.is_empty() {
        crate::object::remove(&mut object, &["metadata", "ownerReferences"]);
    } else {
        set(&mut object, &["metadata", "ownerReferences"], left.into());
    }
    state.commit(&target.definition, object);
}

/// Delete a dependent; whether the owner still has to wait for it.
fn delete_dependent(state: &mut State, place: &Place, owner: &str) -> bool {
    let Some((target, object)) = find(state, place) else { return false };
    let mut references = items(&object, &["metadata", "ownerReferences"]).iter();
    let Some(reference) = references.find(|entry| entry["uid"] == owner) else { return false };
    let blocks = reference["blockOwnerDeletion"] == true;
    if is_being_deleted(&object) {
        return blocks;
    }
    let deleted = delete(state, &target, &DeleteOptions::of_propagation(Propagation::Foreground));
    blocks && !matches!(deleted, Ok(crate::delete::Deleted::Gone(_)))
}

fn release(state: &mut State, target: &Target, owner: &Value, finalizer: &str) {
    let mut object = owner.clone();
    let held: Vec<String> = finalizers(owner).into_iter().filter(|held| held != finalizer).collect();
    set_finalizers(&mut object, &held);
    state.commit(&target.definition, object);
}
