//! Namespaces that go away are emptied first.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Changes;
use crate::cluster::State;
use crate::delete::{DeleteOptions, Propagation, delete};
use crate::object::{is_being_deleted, items, name, namespace, set};
use crate::request::Target;
use crate::store::GroupResource;

pub(super) fn step(state: &mut State, changes: &Changes) {
    if changes.is_empty() {
        return;
    }
    let key = GroupResource::new("", "namespaces");
    let ending: Vec<Arc<Value>> =
        state.store.list(&key, "").filter(|space| is_being_deleted(space)).cloned().collect();
    for space in ending {
        empty(state, &space);
    }
}

fn empty(state: &mut State, space: &Value) {
    let inside: Vec<(GroupResource, Arc<Value>)> = state
        .store
        .all()
        .filter(|(_, object)| namespace(object) == name(space))
        .map(|(key, object)| (key.clone(), object.clone()))
        .collect();
    let mut left = 0;
    for (key, object) in inside {
        let Some(definition) = state.definition(&key) else { continue };
        left += 1;
        if is_being_deleted(&object) {
            continue;
        }
        let target = Target::of(&definition, namespace(&object), name(&object));
        let options = DeleteOptions::of_propagation(Propagation::Background);
        if matches!(delete(state, &target, &options), Ok(crate::delete::Deleted::Gone(_))) {
            left -= 1;
        }
    }
    if left > 0 || items(space, &["spec", "finalizers"]).is_empty() {
        return;
    }
    let Some(definition) = state.definition(&GroupResource::new("", "namespaces")) else { return };
    let mut object = space.clone();
    set(&mut object, &["spec", "finalizers"], json!([]));
    state.commit(&definition, object);
}
