//! Annotations and labels that Belay reads, with values that make no sense, on everything that may have them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::check::resource_path;
use crate::estate::{ARGO_NAMESPACE, FLUX_NAMESPACE, Family, Kind};
use crate::run::{finish, in_a_world, walk};
use crate::script::{Edit, FolderChange, Step, Telling, beginning};
use crate::world::World;

/// Apps whose resources, objects and namespaces are marked.
const MARKED: [&str; 3] = ["web", "attic", "store"];
/// Apps that all this is nothing to.
const OTHERS: [&str; 3] = ["archive", "base", "shop"];

/// Every annotation and label that either family's documentation tells of.
fn names() -> Vec<String> {
    let argo = belay_argo_api::support().marks();
    let marks = argo.chain(belay_flux_api::support().marks());
    let of_marks =
        marks.filter(|(section, ..)| section.starts_with("annotations ") || section.starts_with("labels "));
    let mut names: Vec<String> = of_marks.map(|(_, name, _)| name.replace('*', "x")).collect();
    names.extend(
        ["argocd.argoproj.io/secret-type", "app.kubernetes.io/instance", "meta.helm.sh/release-name"]
            .map(String::from),
    );
    names.sort();
    names.dedup();
    names
}

/// Where marks are put: the apps' resources, their objects and namespaces, their source, and a cluster's Secret.
fn places(world: &World) -> Vec<String> {
    let mut places: Vec<String> = Vec::new();
    for name in MARKED {
        let app = world.estate.app(name);
        places.push(resource_path(app));
        places.push(format!("{}/one", Kind::ConfigMap.collection(app.namespace())));
        places.push(format!("/api/v1/namespaces/{}", app.namespace()));
    }
    places
        .push(format!("/apis/source.toolkit.fluxcd.io/v1/namespaces/{FLUX_NAMESPACE}/gitrepositories/dead"));
    places.push(format!("{}/far", Kind::Secret.collection(ARGO_NAMESPACE)));
    places
}

async fn mark(world: &World, name: &str, value: &Value) {
    for place in places(world) {
        // One of the two may be refused for its value, and is tried alone.
        for map in ["annotations", "labels"] {
            world.people.merge(&place, &json!({"metadata": {map: {name: value}}})).await;
        }
    }
}

/// A change of every app, and what of the others has not followed it in time.
async fn laggards(world: &mut World) -> Vec<String> {
    let put = |app| Edit { app, change: FolderChange::Put(Kind::ConfigMap, "two".to_owned()) };
    let edits: Vec<Edit> = MARKED.into_iter().chain(OTHERS).map(put).collect();
    world.commit(&edits, Telling::Once);
    world.pass(Duration::from_secs(120)).await;
    let head = world.estate.commits.last().map(|(id, _)| id.clone()).unwrap_or_default();
    let mut laggards = Vec::new();
    for name in OTHERS {
        let app = world.estate.app(name);
        let status = world.people.get(&resource_path(app)).await["status"].take();
        let at = match app.family {
            Family::Application => &status["sync"]["revision"],
            _ => &status["lastAppliedRevision"],
        };
        if !at.as_str().is_some_and(|at| at.ends_with(&head)) {
            laggards.push(format!("{name} is at {at}, Git at {head}"));
        }
    }
    laggards
}

/// Marks everything, lets the others follow Git, with a restart in between; then takes the marks off.
async fn with_marks(world: &mut World, value: &str) -> Vec<String> {
    walk(world, &beginning()).await;
    world.pass(Duration::from_secs(60)).await;
    let cluster = json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": "far", "labels": {"argocd.argoproj.io/secret-type": "cluster"}},
        "stringData": {"name": value.get(..60).unwrap_or(value), "server": "no address", "config": "[", "shard": "x"}});
    assert_eq!(world.people.create(&Kind::Secret.collection(ARGO_NAMESPACE), &cluster).await, 201);
    let names = names();
    assert!(names.len() > 40, "{names:?}");
    for name in &names {
        mark(world, name, &value.into()).await;
        // An API server takes one such text on an object, not many.
        if value.len() > 10_000 {
            world.pass(Duration::from_secs(1)).await;
            mark(world, name, &Value::Null).await;
        }
    }
    if value.len() > 10_000 {
        mark(world, "argocd.argoproj.io/sync-wave", &value.into()).await;
    }
    let mut faults = laggards(world).await;
    world.step(&Step::Crash(Duration::from_secs(1))).await;
    faults.extend(laggards(world).await.into_iter().map(|fault| format!("after a restart {fault}")));
    for name in &names {
        mark(world, name, &Value::Null).await;
    }
    world.repair().await;
    faults.extend(finish(world).await.err().into_iter().flat_map(|failure| failure.faults));
    faults
}

#[test]
fn bad_m3_marks_that_make_no_sense_hold_nobody_else_up() {
    let long = "n".repeat(200 * 1024);
    let values = ["", "no-separator", ",:;=/,=:", "\u{1f980} ключ\u{0}\n", "99999999999999999999", &long];
    for (number, value) in values.into_iter().enumerate() {
        let faults = in_a_world(number as u64, async |world| with_marks(world, value).await);
        let start: String = value.chars().take(20).collect();
        assert_eq!(faults, Vec::<String>::new(), "{start:?}");
    }
}
