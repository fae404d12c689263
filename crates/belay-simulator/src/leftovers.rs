//! What a process had applied when it died, and had noted nowhere.

use std::time::Duration;

use belay_localkube::faults::{Fault, On};

use crate::estate::Kind;
use crate::run::{in_a_world, walk};
use crate::script::{Edit, FolderChange, Step, Telling};

#[test]
fn a_kustomizations_object_goes_even_if_git_names_none_of_its_kind_any_more() {
    goes_in_the_end("base", "/kustomizations/base");
}

#[test]
fn an_applications_object_goes_even_if_git_names_none_of_its_kind_any_more() {
    goes_in_the_end("web", "/applications/web");
}

#[test]
fn a_status_still_tells_of_what_cannot_be_listed() {
    in_a_world(1, async |world| {
        let put = |kind, name: &str| Edit { app: "web", change: FolderChange::Put(kind, name.to_owned()) };
        let wait = |seconds| Step::Wait(Duration::from_secs(seconds));
        let edits = vec![put(Kind::ConfigMap, "one"), put(Kind::Deployment, "main")];
        walk(world, &[Step::Commit(edits, Telling::Lost), Step::Create("web"), wait(60)]).await;
        world.faults.add(On::reads("/deployments"), Fault::Refuse(500));
        walk(world, &[Step::Crash(Duration::from_secs(1)), wait(120)]).await;
        let path = format!("{}/web", world.estate.app("web").collection());
        let status = &world.people.get(&path).await["status"];
        assert_eq!(status["conditions"][0]["type"], "ComparisonError", "{status}");
        let resources = status["resources"].as_array().expect("a list");
        assert!(resources.iter().any(|one| one["kind"] == "Deployment"), "{status}");
    });
}

/// Has an app, which deploys to the namespace of its name, apply an object that its status never tells of.
fn goes_in_the_end(app: &'static str, status: &'static str) {
    in_a_world(1, async move |world| {
        let wait = |seconds| Step::Wait(Duration::from_secs(seconds));
        let edit = |change| Edit { app, change };
        let gear = || "gear".to_owned();
        let one = |app| Edit { app, change: FolderChange::Put(Kind::ConfigMap, "one".to_owned()) };
        // The definition of widgets is the base's.
        let first = Step::Commit(vec![one("base"), one(app)], Telling::Lost);
        walk(world, &[first, Step::Create("base"), Step::Create(app), wait(60)]).await;
        // The status cannot be written from now on.
        world.faults.add(On::writes(status), Fault::Refuse(500));
        walk(
            world,
            &[Step::Commit(vec![edit(FolderChange::Put(Kind::Widget, gear()))], Telling::Once), wait(20)],
        )
        .await;
        let path = format!("{}/gear", Kind::Widget.collection(app));
        assert!(!world.people.get(&path).await.is_null(), "it was not applied");
        // The next process sees a commit without it.
        let removal = Step::Commit(vec![edit(FolderChange::Remove(Kind::Widget, gear()))], Telling::Lost);
        walk(world, &[removal, Step::Crash(Duration::from_secs(1)), Step::Calm, wait(120)]).await;
        assert!(world.people.get(&path).await.is_null(), "nobody has found it");
    });
}
