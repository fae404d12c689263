//! Every field is honoured or refused, and refused fields are found.

use belay_crd::{Described as _, ObjectMeta};
use belay_flux_api::{
    GIT_REPOSITORY, HELM_RELEASE, KINDS, KUSTOMIZATION, refused_fields, refused_object_annotations,
    refused_resource_mark, support,
};
use serde_json::{Value, json};

#[test]
fn every_field_has_one_mark() {
    let gaps: Vec<String> = KINDS.iter().flat_map(|kind| support().gaps(kind)).collect();
    assert!(gaps.is_empty(), "{}", gaps.join("\n"));
}

#[test]
fn defaults_are_not_refused() {
    let object = json!({"spec": {"interval": "1m", "url": "https://git.example/a", "provider": "generic",
        "recurseSubmodules": false, "verify": {}}});
    assert_eq!(refused_fields(&GIT_REPOSITORY, &object), Vec::<String>::new());
    let object = json!({"spec": {"interval": "1m", "persistentClient": true, "driftDetection": {"mode": "disabled"},
        "chart": {"spec": {"chart": "./chart", "version": "*"}}, "values": {"free": ["form"]}}});
    assert_eq!(refused_fields(&HELM_RELEASE, &object), Vec::<String>::new());
}

#[test]
fn refused_fields_are_named() {
    let object = json!({"spec": {"interval": "1m", "url": "https://git.example/a", "provider": "azure",
        "ref": {"semver": "1.x"}, "serviceAccountName": "a"}});
    assert_eq!(refused_fields(&GIT_REPOSITORY, &object), ["spec.provider", "spec.serviceAccountName"]);
    let object = json!({"spec": {"interval": "1m", "prune": true, "dependsOn": [{"name": "a"}],
        "decryption": {"provider": "sops"}, "kubeConfig": {"configMapRef": {"name": "a"}}}});
    assert_eq!(refused_fields(&KUSTOMIZATION, &object), ["spec.decryption", "spec.kubeConfig.configMapRef"]);
    let object = json!({"spec": {"interval": "1m", "rollback": {"timeout": "1m"}, "upgrade": {"remediation": {"retries": 3}},
        "install": {"remediation": {"retries": 3}}}});
    assert_eq!(refused_fields(&HELM_RELEASE, &object), ["spec.rollback", "spec.upgrade.remediation"]);
}

#[test]
fn flux_shards_by_a_label_and_not_by_an_annotation() {
    let marked = |annotations: Value, labels: Value| {
        let metadata = json!({"name": "a", "annotations": annotations, "labels": labels});
        refused_resource_mark(&ObjectMeta::read(metadata).unwrap())
    };
    let key = json!({"sharding.fluxcd.io/key": "shard1"});
    assert_eq!(marked(json!({}), key.clone()), Some("label `sharding.fluxcd.io/key`".to_owned()));
    assert_eq!(marked(key, json!({"reconcile.fluxcd.io/anything": "of somebody"})), None);
    let forced = json!({"reconcile.fluxcd.io/forceAt": "now"});
    assert_eq!(marked(forced, json!({})), Some("annotation `reconcile.fluxcd.io/forceAt`".to_owned()));
}

#[test]
fn annotations_of_managed_objects_are_found() {
    let keys = ["kustomize.toolkit.fluxcd.io/name", "kustomize.toolkit.fluxcd.io/decrypt", "example.com/a"];
    assert_eq!(refused_object_annotations(keys), ["kustomize.toolkit.fluxcd.io/decrypt"]);
}
