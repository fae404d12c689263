//! Objects are read, checked and written back.

use std::time::Duration;

use belay_flux_api::{Bucket, DeletionPolicy, GitRepository, HelmRelease, KINDS, Kustomization, Resource};
use serde_json::{Value, json};

fn errors<T: Resource + serde::de::DeserializeOwned>(spec: Value) -> Vec<String> {
    let object: T =
        serde_json::from_value(json!({"metadata": {"name": "a"}, "spec": spec})).expect("it can be read");
    object.validate().iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_not_known_survives() {
    let object = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": "apps", "namespace": "flux-system", "generation": 3},
        "spec": {"deletionPolicy": "Someday", "interval": "1h", "path": "./apps", "prune": false,
            "sourceRef": {"kind": "GitRepository", "name": "apps", "newer": true}, "futureField": [{"a": null}]},
        "status": {"inventory": {"entries": [{"id": "a_b__Secret", "v": "v1"}]}, "observedGeneration": -1, "more": {}},
    });
    let kustomization: Kustomization = serde_json::from_value(object.clone()).expect("it can be read");
    assert_eq!(kustomization.spec.interval.get(), Some(Duration::from_secs(3600)));
    assert_eq!(kustomization.spec.deletion_policy, DeletionPolicy::Other("Someday".to_owned()));
    assert_eq!(serde_json::to_value(&kustomization).expect("it can be written"), object);
    let errors: Vec<String> = kustomization.validate().iter().map(ToString::to_string).collect();
    assert_eq!(
        errors,
        [
            "spec.deletionPolicy: unsupported value \"Someday\": supported values: \"MirrorPrune\", \"Delete\", \"WaitForTermination\", \"Orphan\""
        ]
    );
}

#[test]
fn durations_are_checked() {
    let found = errors::<GitRepository>(json!({"url": "https://git.example/a", "interval": "soon"}));
    assert_eq!(
        found,
        [
            r#"spec.interval: "soon" should match '^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$'"#,
            r#"spec.interval: invalid duration "soon""#,
        ]
    );
    let found = errors::<GitRepository>(json!({"url": "https://git.example/a", "interval": "99999999999h"}));
    assert_eq!(found, [r#"spec.interval: invalid duration "99999999999h""#]);
}

#[test]
fn rules_between_fields_are_checked() {
    let found = errors::<HelmRelease>(json!({"interval": "1m"}));
    assert_eq!(found, ["spec: either chart or chartRef must be set"]);
    let bucket = json!({"bucketName": "b", "endpoint": "e", "interval": "1m", "provider": "gcp", "sts": {"provider": "aws", "endpoint": "https://e"}});
    assert_eq!(
        errors::<Bucket>(bucket),
        ["spec: STS configuration is only supported for the 'aws' and 'generic' Bucket providers"]
    );
}

#[test]
fn every_pattern_can_be_compiled() {
    fn patterns(schema: &Value, found: &mut Vec<String>) {
        match schema {
            Value::Object(map) => {
                found.extend(map.get("pattern").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|value| patterns(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| patterns(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    KINDS.iter().for_each(|kind| patterns(&kind.schema, &mut found));
    assert!(found.len() > 20);
    for pattern in found {
        assert!(regex::Regex::new(&pattern).is_ok(), "{pattern}");
    }
}
