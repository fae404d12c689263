//! Objects that another object brought with it: whatever labels they copied, they are no app's.

use belay_cluster::LiveState;
use belay_manifest::Object;
use serde_json::Value;

/// Whether somebody owns the object: it says so itself, or it is the volume of a StatefulSet that is there.
pub(crate) fn is_owned(live: &LiveState, object: &Object) -> bool {
    says_so(object) || is_claim_of_a_stateful_set(live, object)
}

/// Whether the object itself tells of an owner.
pub(super) fn says_so(object: &Object) -> bool {
    let value = object.value();
    let owners = value.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    if owners.is_some_and(|owners| !owners.is_empty()) {
        return true;
    }
    let group = object.gvk().group;
    match (group.as_str(), object.kind()) {
        // They copy their Service's labels and name nobody.
        ("", "Endpoints") => true,
        ("", "Secret") => {
            let of_account = |name: &str| object.annotation(name).is_some_and(|text| !text.is_empty());
            value["type"] == "kubernetes.io/service-account-token"
                && of_account("kubernetes.io/service-account.name")
                && of_account("kubernetes.io/service-account.uid")
        }
        ("operators.coreos.com", "ClusterServiceVersion") => {
            object.annotation("olm.operatorGroup").is_some_and(|group| !group.is_empty())
        }
        _ => false,
    }
}

/// Claims are made from templates and name no owner, so that data outlives the set.
fn is_claim_of_a_stateful_set(live: &LiveState, object: &Object) -> bool {
    if object.kind() != "PersistentVolumeClaim" || !object.gvk().group.is_empty() {
        return false;
    }
    let sets = live.of_kind("apps", "StatefulSet");
    sets.iter().any(|set| set.namespace() == object.namespace() && is_claim_of(set, object.name()))
}

/// `<template>-<set>-<number>`
fn is_claim_of(set: &Object, claim: &str) -> bool {
    let Some((beginning, number)) = claim.rsplit_once('-') else { return false };
    let Some(template) = beginning.strip_suffix(set.name()).and_then(|rest| rest.strip_suffix('-')) else {
        return false;
    };
    let templates = set.value().pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
    let names = templates.into_iter().flatten().filter_map(|template| template.pointer("/metadata/name"));
    let is_number = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
    is_number && names.into_iter().any(|name| name == template)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn claims_are_known_by_their_names() {
        let set =
            Object::new(json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db-a"},
            "spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}}))
            .unwrap();
        assert!(is_claim_of(&set, "data-db-a-0") && is_claim_of(&set, "data-db-a-12"));
        for other in ["data-db-a", "data-db-a-x", "logs-db-a-0", "data-db-b-0", "data-db-a-"] {
            assert!(!is_claim_of(&set, other), "{other}");
        }
    }

    #[test]
    fn what_copies_labels_is_owned() {
        let object = |value: Value| Object::new(value).unwrap();
        let metadata = json!({"name": "a", "namespace": "b"});
        assert!(says_so(&object(json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata}))));
        assert!(!says_so(&object(json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata}))));
        let owned = json!({"name": "a", "namespace": "b", "ownerReferences": [{"uid": "x"}]});
        assert!(says_so(&object(json!({"apiVersion": "v1", "kind": "Pod", "metadata": owned}))));
    }
}
