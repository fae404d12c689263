//! What the recording of the built-in kinds must hold.

use belay_schema::managed::{self, Write};
use belay_schema::{FieldSet, KindSchema, Registry, crd_errors, custom_resources_document};
use serde_json::{Value, json};

#[test]
fn builtin_kinds_and_resources_are_recorded() {
    let registry = Registry::builtin();
    assert_eq!(registry.version()["gitVersion"], "v1.34.4");
    assert!(registry.kinds().count() > 100);
    let apps = registry.group_versions().iter().find(|gv| gv.group == "apps").expect("apps is built in");
    let deployments =
        apps.resources.iter().find(|resource| resource.name == "deployments").expect("deployments");
    assert_eq!((deployments.kind.as_str(), deployments.namespaced), ("Deployment", true));
    assert_eq!(deployments.short_names, ["deploy"]);
    let scale = apps.resources.iter().find(|resource| resource.name == "deployments/scale").expect("scale");
    assert_eq!((scale.kind.as_str(), scale.kind_group.as_deref()), ("Scale", Some("autoscaling")));
    let kind = registry.kind("", "v1", "Pod").expect("Pod is built in");
    assert_eq!((kind.api_version().as_str(), kind.is_custom()), ("v1", false));
}

#[test]
fn documents_let_kubectl_validate_and_explain() {
    let document = Registry::builtin().openapi_v3("apps", "v1").expect("apps/v1 is built in");
    let patch = &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
    assert_eq!(patch["x-kubernetes-group-version-kind"]["kind"], "Deployment");
    let names: Vec<&Value> = patch["parameters"]
        .as_array()
        .expect("parameters")
        .iter()
        .map(|parameter| &parameter["name"])
        .collect();
    assert!(names.contains(&&json!("fieldValidation")));
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    assert!(schemas.contains_key("io.k8s.api.core.v1.PodSpec"));
    let text = document.to_string();
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().expect("a name");
        assert!(schemas.contains_key(name), "{name} is referred to and missing");
    }
}

#[test]
fn a_definition_becomes_a_kind_and_a_document() {
    let schema = json!({ "type": "object", "properties": { "spec": { "type": "object" } } });
    let version =
        json!({ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } });
    let crd = json!({
        "metadata": { "name": "things.example.com" },
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": { "plural": "things", "kind": "Thing" }, "versions": [version],
        },
    });
    assert_eq!(crd_errors(&crd), []);
    let kind = KindSchema::from_crd_version(&crd, "v1").expect("v1 is declared");
    assert_eq!(kind.api_version(), "example.com/v1");
    assert!(KindSchema::from_crd_version(&crd, "v2").is_err());
    let document = custom_resources_document(&[(&crd, "v1")]);
    assert!(document["components"]["schemas"]["com.example.v1.Thing"].is_object());
}

#[test]
fn field_sets_survive_reading_and_writing() {
    let fields = json!({ "f:spec": { ".": {}, "f:list": { "k:{\"name\":\"a<b\"}": { ".": {}, "f:name": {} }, "v:1": {} } } });
    let set = FieldSet::parse(&fields).expect("FieldsV1");
    let paths: Vec<String> = set.paths().iter().map(ToString::to_string).collect();
    assert_eq!(
        paths,
        [".spec", ".spec.list[name=\"a<b\"]", ".spec.list[=1]", ".spec.list[name=\"a<b\"].name"]
    );
    let written = set.serialize();
    assert_eq!(FieldSet::parse(&written).expect("what was written"), set);
    assert!(written.to_string().contains("a\\\\u003cb"), "HTML characters are escaped as Go does: {written}");
    assert!(FieldSet::parse(&json!({ "nonsense": {} })).is_err());
    let deep = (0..400).fold(json!({}), |inner, _| json!({ "f:a": inner }));
    assert!(FieldSet::parse(&deep).is_err(), "depth is limited");
}

#[test]
fn applying_the_same_again_changes_only_times() {
    let kind = Registry::builtin().kind("", "v1", "ConfigMap").expect("ConfigMap is built in");
    let applied =
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" }, "data": { "k": "v" } });
    let at = |now| Write { manager: "one", now, subresource: "" };
    let first =
        managed::apply(&kind, None, &applied, &at("2026-01-01T00:00:00Z"), false).expect("it is created");
    let again = managed::apply(&kind, Some(&first), &applied, &at("2026-01-02T00:00:00Z"), false)
        .expect("no conflict");
    assert!(managed::same_but_for_times(&first, &again));
    let mut other = applied.clone();
    other["data"]["k"] = json!("w");
    let changed = managed::apply(&kind, Some(&first), &other, &at("2026-01-02T00:00:00Z"), false)
        .expect("it is its own");
    assert!(!managed::same_but_for_times(&first, &changed));
}
