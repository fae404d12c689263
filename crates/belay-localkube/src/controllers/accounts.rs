//! What every namespace has: the `default` service account, and the certificate that its Pods trust.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Changes;
use crate::cluster::State;
use crate::object::{is_being_deleted, name};
use crate::request::Target;
use crate::store::GroupResource;

const ACCOUNT: &str = "default";
const AUTHORITY: &str = "kube-root-ca.crt";

pub(super) fn step(state: &mut State, changes: &Changes) {
    let concerns = |key: &GroupResource| {
        key.group.is_empty()
            && matches!(key.resource.as_str(), "namespaces" | "serviceaccounts" | "configmaps")
    };
    if !changes.iter().any(|(key, _)| concerns(key)) {
        return;
    }
    let spaces: Vec<Arc<Value>> =
        state.store.list(&GroupResource::new("", "namespaces"), "").cloned().collect();
    for space in spaces.iter().filter(|space| !is_being_deleted(space)) {
        let space = name(space);
        let is_there = |state: &State, resource: &str, name: &str| {
            state.store.get(&GroupResource::new("", resource), space, name).is_some()
        };
        if !is_there(state, "serviceaccounts", ACCOUNT) {
            super::make(state, "v1", "ServiceAccount", space, json!({ "metadata": { "name": ACCOUNT } }));
        }
        let data = json!({ "ca.crt": state.identity.authority });
        if is_there(state, "configmaps", AUTHORITY) {
            let Some(definition) = state.definition_of("v1", "ConfigMap") else { return };
            let target = Target::of(&definition, space, AUTHORITY);
            super::change(state, &target, "", "kube-controller-manager", |map| map["data"] = data);
        } else {
            let map = json!({ "metadata": { "name": AUTHORITY }, "data": data });
            super::make(state, "v1", "ConfigMap", space, map);
        }
    }
}
