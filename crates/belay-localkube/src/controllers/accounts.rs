//! What every namespace has: the `default` service account, and the certificate that its Pods trust.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Changes;
use crate::cluster::State;
use crate::object::{is_being_deleted, name, namespace};
use crate::request::Target;
use crate::store::GroupResource;

const ACCOUNT: &str = "default";
const AUTHORITY: &str = "kube-root-ca.crt";

pub(super) fn step(state: &mut State, changes: &Changes) {
    // Only the namespaces that changed: to look at a thousand at each change would be most of the work.
    let mut touched: BTreeSet<String> =
        changes.iter().filter_map(|(key, change)| touched(key, &change.object)).collect();
    if !touched.is_empty() && is_outdated(state) {
        let spaces = state.store.list(&GroupResource::new("", "namespaces"), "");
        touched.extend(spaces.map(|space| name(space).to_owned()));
    }
    for space in &touched {
        let found = state.store.get(&GroupResource::new("", "namespaces"), "", space);
        if found.is_none_or(|found| is_being_deleted(found)) {
            continue;
        }
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

/// The namespace whose account or certificate a changed object may concern.
fn touched(key: &GroupResource, object: &Value) -> Option<String> {
    match (key.group.as_str(), key.resource.as_str(), name(object)) {
        ("", "namespaces", space) => Some(space.to_owned()),
        ("", "serviceaccounts", ACCOUNT) | ("", "configmaps", AUTHORITY) => {
            Some(namespace(object).to_owned())
        }
        _ => None,
    }
}

/// Whether the certificates are those of an earlier start: state may be kept, the authority is not.
fn is_outdated(state: &State) -> bool {
    let map = state.store.get(&GroupResource::new("", "configmaps"), "default", AUTHORITY);
    map.is_some_and(|map| map["data"]["ca.crt"] != state.identity.authority)
}
