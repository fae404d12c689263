//! Every field is honoured or refused, and refused fields are found.

use belay_argo_api::{
    APP_PROJECT, APPLICATION, KINDS, named_annotations, refused_annotations, refused_fields,
    refused_object_compare_options, refused_object_sync_options, refused_sync_options, setting, support,
};
use belay_crd::Verdict;
use serde_json::{Value, json};

#[test]
fn every_field_has_one_mark() {
    let gaps: Vec<String> = KINDS.iter().flat_map(|kind| support().gaps(kind)).collect();
    assert!(gaps.is_empty(), "{}", gaps.join("\n"));
}

fn application(spec: Value) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "shop"}, "spec": spec})
}

#[test]
fn a_plain_application_is_honoured() {
    let object = application(json!({
        "project": "default",
        "source": {
            "repoURL": "https://git.example/shop.git", "path": "deploy", "targetRevision": "main",
            "directory": {"recurse": true, "jsonnet": {}},
            "helm": {"valuesObject": {"anything": {"goes": [1]}}, "parameters": [{"name": "a", "value": "b"}]},
        },
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
        "syncPolicy": {"automated": {"prune": true, "selfHeal": false, "enabled": false}, "retry": {"limit": 3}},
        "sources": [],
        "ignoreDifferences": [],
    }));
    assert_eq!(refused_fields(&APPLICATION, &object), Vec::<String>::new());
}

#[test]
fn refused_and_unknown_fields_are_named_once() {
    let object = application(json!({
        "source": {
            "repoURL": "https://git.example/shop.git", "path": "deploy", "futureField": 1,
            "directory": {"jsonnet": {"libs": ["a"]}},
            "helm": {"skipTests": true},
            "kustomize": {"patches": [{"patch": "x", "newer": true}], "version": "v5"},
        },
        "sources": [{"plugin": {"name": "own"}}, {"plugin": {"name": "other"}}],
        "destination": {"name": "in-cluster"},
        "ignoreDifferences": [{"kind": "Deployment", "jsonPointers": ["/spec"], "jqPathExpressions": [".spec"], "newer": 1}],
        "syncPolicy": {"retry": {"refresh": true, "newer": 1}},
    }));
    let mut refused = refused_fields(&APPLICATION, &object);
    refused.sort();
    assert_eq!(
        refused,
        [
            "spec.ignoreDifferences[].newer",
            "spec.source.directory.jsonnet",
            "spec.source.futureField",
            "spec.source.kustomize.patches[].newer",
            "spec.source.kustomize.version",
            "spec.sources[].plugin",
            "spec.syncPolicy.retry.newer",
        ]
    );
}

#[test]
fn a_project_with_keys_is_refused() {
    let object = json!({"spec": {"sourceRepos": ["*"], "signatureKeys": [{"keyID": "4AEE18F83AFDEB23"}]}});
    assert_eq!(refused_fields(&APP_PROJECT, &object), ["spec.signatureKeys"]);
}

#[test]
fn options_annotations_and_settings_are_found() {
    let options = ["CreateNamespace=true", "Prune=false", "ServerSideApply=true", "Unheard=of"];
    assert_eq!(refused_sync_options(options), ["Unheard=of"]);
    assert_eq!(
        refused_object_sync_options(["Prune=confirm", "CreateNamespace=true"]),
        ["CreateNamespace=true"]
    );
    assert_eq!(refused_object_compare_options(["IgnoreExtraneous", "Ignore"]), ["Ignore"]);
    let annotations = [
        "argocd.argoproj.io/refresh",
        "argocd.argoproj.io/hydrate",
        "argocd.argoproj.io/unheard-of",
        "notifications.argoproj.io/subscribe.on-deployed.slack",
        "example.com/mine",
    ];
    assert_eq!(refused_annotations(annotations), ["argocd.argoproj.io/hydrate"]);
    assert_eq!(named_annotations(annotations), ["notifications.argoproj.io/subscribe.on-deployed.slack"]);
}

#[test]
fn a_setting_has_one_verdict() {
    for (map, key, value, expected) in [
        ("argocd-cm", "application.instanceLabelKey", "a", Some(Verdict::Honoured)),
        ("argocd-cm", "accounts.alice", "login", Some(Verdict::Named)),
        ("argocd-cm", "kustomize.buildOptions", "--x", Some(Verdict::Honoured)),
        ("argocd-cm", "kustomize.buildOptions.v4", "--x", Some(Verdict::Named)),
        ("argocd-cm", "unheard.of", "x", None),
        ("argocd-cmd-params-cm", "controller.ignore.normalizer.jq.timeout", " 1s\n", Some(Verdict::Idle)),
        ("argocd-cmd-params-cm", "controller.ignore.normalizer.jq.timeout", "4s", Some(Verdict::Named)),
        ("argocd-cmd-params-cm", "controller.log.level", "debug", Some(Verdict::Idle)),
        ("argocd-rbac-cm", "policy.csv", "p, a, b", Some(Verdict::Named)),
        ("argocd-rbac-cm", "policy.matchMode", "glob", Some(Verdict::Idle)),
    ] {
        assert_eq!(setting(map, key, value), expected, "{map}: {key}: {value}");
    }
}
