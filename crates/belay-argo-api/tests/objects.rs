//! Objects are read, checked and written back.

use std::time::Duration;

use belay_argo_api::{APPLICATION, Application, HealthStatusCode, Resource};
use serde_json::{Value, json};

fn read(object: Value) -> Application {
    serde_json::from_value(object).expect("the object can be read")
}

fn errors(spec: Value) -> Vec<String> {
    read(json!({"metadata": {"name": "a"}, "spec": spec}))
        .validate()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn what_is_not_known_survives() {
    let object = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "shop", "namespace": "argocd", "labels": {"a": "b"}, "managedFields": [{"manager": "x"}], "newer": 1},
        "spec": {
            "destination": {"server": "https://kubernetes.default.svc", "zone": "a"},
            "project": "default",
            "source": {"path": "p", "repoURL": "https://git.example/a", "futureField": {"x": [1, 2.5, null]},
                "helm": {"valuesObject": {"deep": {"null": null, "number": 1.0}}}},
        },
        "operation": {"sync": {"revision": "abc"}},
        "status": {"health": {"status": "Splendid"}, "sync": {"status": "Synced"}, "futureStatus": true},
        "topLevel": "kept",
    });
    let application = read(object.clone());
    let health = application.status.health.as_ref().expect("health is there");
    assert_eq!(health.status, HealthStatusCode::Other("Splendid".to_owned()));
    assert_eq!(serde_json::to_value(&application).expect("it can be written"), object);
}

#[test]
fn an_error_names_the_field() {
    let error = serde_json::from_value::<Application>(
        json!({"spec": {"source": {"helm": {"parameters": [{"name": 3}]}}}}),
    )
    .expect_err("a number is no name");
    assert_eq!(error.to_string(), "spec.source.helm.parameters[0].name: expected a string, found a number");
}

#[test]
fn specifications_are_checked() {
    let source = json!({"repoURL": "https://git.example/a", "path": "p"});
    let destination = json!({"name": "in-cluster"});
    assert_eq!(
        errors(json!({"project": "default", "source": source, "destination": destination})),
        Vec::<String>::new()
    );
    assert_eq!(
        errors(json!({"project": "p", "source": source, "destination": {"name": "a", "server": "b"}})),
        ["spec.destination: application destination can't have both name and server defined: a b"]
    );
    assert_eq!(
        errors(json!({"project": "p", "destination": destination})),
        ["spec.source: spec.source.repoURL and either spec.source.path or spec.source.chart are required"]
    );
    let both =
        json!({"repoURL": "u", "path": "p", "helm": {"releaseName": "a"}, "directory": {"recurse": true}});
    assert_eq!(
        errors(json!({"project": "p", "source": both, "destination": destination})),
        ["spec.source: multiple application sources defined: Helm,Directory"]
    );
    let policy = json!({"retry": {"backoff": {"duration": "soon", "maxDuration": "10"}}});
    assert_eq!(
        errors(json!({"project": "p", "source": source, "destination": destination, "syncPolicy": policy})),
        ["spec.syncPolicy.retry.backoff.duration: unable to parse soon as a duration"]
    );
}

#[test]
fn pauses_grow_up_to_the_longest() {
    let object = json!({"spec": {"syncPolicy": {"retry": {"backoff": {"duration": "5", "factor": 3, "maxDuration": "1m"}}}}});
    let application = read(object);
    let retry = application.spec.sync_policy.and_then(|policy| policy.retry).expect("retry is there");
    let pauses: Vec<Duration> = (0..4).map(|tries| retry.pause(tries)).collect();
    assert_eq!(pauses, [5, 15, 45, 60].map(Duration::from_secs));
    assert_eq!(retry.pause(u32::MAX), Duration::from_secs(60));
}

#[test]
fn the_kind_knows_its_objects() {
    assert!(APPLICATION.matches(&json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application"})));
    assert!(!APPLICATION.matches(&json!({"apiVersion": "app.k8s.io/v1beta1", "kind": "Application"})));
}
