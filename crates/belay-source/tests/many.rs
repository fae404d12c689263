//! What is left when a great many fetches fail in the middle. Alone in its process, whose files and threads it counts.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod world;

use std::path::Path;
use std::time::{Duration, Instant};

use belay_source::GitLimits;
use belay_testkit::Fault;

use world::World;

const FETCHES: usize = 1000;

/// How many open files and threads this process has, where the system tells.
fn in_use() -> (usize, usize) {
    let count = |folder| std::fs::read_dir(folder).map(Iterator::count).unwrap_or_default();
    (count("/proc/self/fd"), count("/proc/self/task"))
}

fn files_below(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    entries.map(|entry| if entry.path().is_dir() { files_below(&entry.path()) } else { 1 }).sum()
}

#[tokio::test]
async fn bad_r21_fetches_that_fail_in_the_middle_leave_nothing_behind() {
    let world = World::new(GitLimits::default()).await;
    let mirrors = world.room.path().join("mirrors");
    world.commit("one");
    world.get("main").await.unwrap();
    let last =
        world.commit(&(0..1000).map(|number: u64| (number * 7919 % 1000).to_string()).collect::<String>());
    // The first failures make what is kept for later, as threads that wait for work.
    let fail = async |times: usize| {
        for number in 0..times {
            world.faults.set("app", Fault::Cut { after: 60 + number % 200 });
            assert!(world.get("main").await.is_err(), "{number}");
        }
    };
    fail(20).await;
    let (files, threads) = in_use();
    let on_disk = files_below(&mirrors);
    fail(FETCHES).await;
    assert_eq!(files_below(&mirrors), on_disk);
    let begin = Instant::now();
    // Connections end a moment later on the other side.
    while in_use().0 > files + 10 || in_use().1 > threads + 4 {
        assert!(begin.elapsed() < Duration::from_secs(30), "{:?} of {files}, {threads}", in_use());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    world.faults.clear("app");
    assert_eq!(world.get("main").await.unwrap().commit, last);
}
