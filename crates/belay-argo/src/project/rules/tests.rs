use std::sync::Arc;

use belay_argo_api::AppProjectSpec;
use belay_cluster::Scope;
use belay_manifest::Object;
use serde_json::{Value, json};

use super::*;
use crate::project::bounds::Bounds;

fn project(spec: &Value) -> Project {
    Project::new("team", &serde_json::from_value::<AppProjectSpec>(spec.clone()).unwrap())
}

fn cluster(server: &str, name: &str) -> Cluster {
    Cluster { server: server.to_owned(), name: name.to_owned(), project: String::new() }
}

/// Answers of Argo CD 3.6's AppProject (`IsSourcePermitted`, `IsDestinationPermitted`, `IsGroupKindNamePermitted`) to
/// random projects.
#[test]
fn random_projects_permit_what_they_do_in_argo_cd() {
    let mut wrong = Vec::new();
    for line in include_str!("cases.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = |field: &str| case[field].as_str().unwrap_or_default();
        let project = project(&case["spec"]);
        let found = if !text("repository").is_empty() {
            project.permits_repository(text("repository"))
        } else if !text("kind").is_empty() {
            let scope = if text("namespace").is_empty() { Scope::Cluster } else { Scope::Namespaced };
            project.permits_kind(text("group"), text("kind"), text("object"), scope)
        } else {
            project.permits_destination(&cluster(text("server"), text("name")), text("namespace"))
        };
        if found != case["answer"] {
            wrong.push(format!("{line}, and not {found}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_no_pattern_permits_nothing() {
    let project = project(&json!({"sourceRepos": ["*", "![a"], "destinations": [
        {"server": "*", "namespace": "*"}, {"server": "![a", "namespace": "*"}]}));
    assert!(!project.permits_repository("https://git.example/a"));
    assert!(!project.permits_destination(&cluster("https://a.example", ""), "b"));
}

#[test]
fn other_namespaces_need_to_be_named() {
    let project = project(&json!({"sourceNamespaces": ["team-*", "/^dev-[0-9]+$/"]}));
    for (namespace, expected) in
        [("argocd", true), ("team-a", true), ("dev-7", true), ("dev-x", false), ("other", false)]
    {
        assert_eq!(project.permits_app_namespace(namespace, "argocd"), expected, "{namespace}");
    }
}

#[test]
fn a_refusal_names_what_is_refused() {
    let project = project(&json!({"destinations": [{"server": "https://a.example", "namespace": "team-*"}],
        "clusterResourceWhitelist": [{"group": "", "kind": "Namespace", "name": "team-*"}],
        "namespaceResourceBlacklist": [{"group": "apps", "kind": "*"}]}));
    let bounds = Bounds { project: Arc::new(project), cluster: cluster("https://a.example", "a") };
    let object = |api_version: &str, kind: &str, namespace: &str, name: &str| {
        let metadata = json!({"name": name, "namespace": namespace});
        Object::new(json!({"apiVersion": api_version, "kind": kind, "metadata": metadata})).unwrap()
    };
    let (namespaced, of_cluster) = (Scope::Namespaced, Scope::Cluster);
    for (object, scope, refusal) in [
        (object("v1", "ConfigMap", "team-a", "x"), namespaced, None),
        (
            object("v1", "ConfigMap", "other", "x"),
            namespaced,
            Some("namespace other is not permitted in project 'team'"),
        ),
        (
            object("apps/v1", "Deployment", "team-a", "x"),
            namespaced,
            Some("resource apps:Deployment is not permitted in project team"),
        ),
        (object("v1", "Namespace", "", "team-a"), of_cluster, None),
        (
            object("v1", "Namespace", "", "other"),
            of_cluster,
            Some("resource :Namespace is not permitted in project team"),
        ),
    ] {
        assert_eq!(bounds.refusal(&object, scope).as_deref(), refusal, "{}", object.key());
        assert_eq!(bounds.permit_live(&object), refusal.is_none(), "{}", object.key());
    }
}

#[test]
fn secrets_of_a_project_widen_its_lists() {
    let spec = serde_json::from_value(json!({})).unwrap();
    let scoped = Scoped {
        repositories: vec!["https://git.example/own".to_owned()],
        clusters: vec![
            ("https://a.example".to_owned(), Vec::new()),
            ("https://b.example".to_owned(), vec!["web".to_owned()]),
        ],
    };
    let bare = Project::new("team", &spec);
    let project = bare.with(&scoped);
    assert!(!bare.permits_repository("https://git.example/own"));
    assert!(project.permits_repository("https://git.example/own.git"));
    assert!(!project.permits_repository("https://git.example/other"));
    assert!(project.permits_destination(&cluster("https://a.example", ""), "any"));
    assert!(project.permits_destination(&cluster("https://b.example", ""), "web"));
    assert!(!project.permits_destination(&cluster("https://b.example", ""), "other"));
}

#[test]
fn a_project_may_allow_its_own_clusters_only() {
    let spec =
        json!({"destinations": [{"server": "*", "namespace": "*"}], "permitOnlyProjectScopedClusters": true});
    let project = Project::new("team", &serde_json::from_value(spec).unwrap());
    let own = Cluster { project: "team".to_owned(), ..cluster("https://a.example", "a") };
    assert!(project.permits_destination(&own, "web"));
    assert!(!project.permits_destination(&cluster("https://a.example", "a"), "web"));
}
