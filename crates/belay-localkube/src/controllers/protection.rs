//! Claims and volumes that go away stay while they are in use.

use std::sync::Arc;

use serde_json::Value;

use super::Changes;
use crate::allocate::{CLAIM_FINALIZER, VOLUME_FINALIZER};
use crate::cluster::State;
use crate::object::{finalizers, is_being_deleted, items, name, namespace, set_finalizers};
use crate::store::GroupResource;

pub(super) fn step(state: &mut State, changes: &Changes) {
    let concerns = |key: &GroupResource| {
        let resource = key.resource.as_str();
        key.group.is_empty() && matches!(resource, "pods" | "persistentvolumeclaims" | "persistentvolumes")
    };
    if !changes.iter().any(|(key, _)| concerns(key)) {
        return;
    }
    let claims = GroupResource::new("", "persistentvolumeclaims");
    let volumes = GroupResource::new("", "persistentvolumes");
    for claim in ending(state, &claims, CLAIM_FINALIZER) {
        if !is_claim_used(state, &claim) {
            release(state, &claims, &claim, CLAIM_FINALIZER);
        }
    }
    for volume in ending(state, &volumes, VOLUME_FINALIZER) {
        if volume["status"]["phase"] != "Bound" {
            release(state, &volumes, &volume, VOLUME_FINALIZER);
        }
    }
}

fn ending(state: &State, key: &GroupResource, finalizer: &str) -> Vec<Arc<Value>> {
    let objects = state.store.list(key, "").filter(|object| is_being_deleted(object));
    objects.filter(|object| finalizers(object).iter().any(|own| own == finalizer)).cloned().collect()
}

fn is_claim_used(state: &State, claim: &Value) -> bool {
    let mut pods = state.store.list(&GroupResource::new("", "pods"), namespace(claim));
    pods.any(|pod| {
        let volumes = items(pod, &["spec", "volumes"]);
        volumes.iter().any(|volume| volume["persistentVolumeClaim"]["claimName"] == name(claim))
    })
}

fn release(state: &mut State, key: &GroupResource, object: &Value, finalizer: &str) {
    let Some(definition) = state.definition(key) else { return };
    let mut object = object.clone();
    let mut left = finalizers(&object);
    left.retain(|own| own != finalizer);
    set_finalizers(&mut object, &left);
    state.commit(&definition, object);
}
