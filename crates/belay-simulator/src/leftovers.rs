//! What a process had applied when it died, and had noted nowhere.

use std::time::Duration;

use belay_localkube::faults::{Fault, On};

use crate::estate::Kind;
use crate::run::{in_a_world, walk};
use crate::script::{Edit, FolderChange, Step};

fn edit(change: FolderChange) -> Edit {
    Edit { app: "base", change }
}

#[test]
fn an_object_goes_even_if_git_names_none_of_its_kind_any_more() {
    in_a_world(1, async |world| {
        let wait = |seconds| Step::Wait(Duration::from_secs(seconds));
        let gear = || "gear".to_owned();
        let one = FolderChange::Put(Kind::ConfigMap, "one".to_owned());
        walk(world, &[Step::Commit(vec![edit(one)], false), Step::Create("base"), wait(60)]).await;
        // The inventory cannot be written from now on.
        world.faults.add(On::writes("/kustomizations/base"), Fault::Refuse(500));
        walk(world, &[Step::Commit(vec![edit(FolderChange::Put(Kind::Widget, gear()))], true), wait(20)])
            .await;
        let path = format!("{}/gear", Kind::Widget.collection("base"));
        assert!(!world.people.get(&path).await.is_null(), "it was not applied");
        // The next process sees a commit without it.
        let removal = Step::Commit(vec![edit(FolderChange::Remove(Kind::Widget, gear()))], false);
        walk(world, &[removal, Step::Crash(Duration::from_secs(1)), Step::Calm, wait(120)]).await;
        assert!(world.people.get(&path).await.is_null(), "nobody has found it");
    });
}
