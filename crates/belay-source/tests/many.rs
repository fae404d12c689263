//! What is left when a great many fetches fail in the middle. Alone in its process, whose files and threads it counts.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::path::Path;
use std::time::{Duration, Instant};

use belay_source::{GitLimits, GitStore, Repositories, Request, Revision};
use belay_testkit::{Author, Change, Fault, Faults, GitServer, GitServerOptions};

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
    let room = tempfile::tempdir().unwrap();
    let faults = Faults::default();
    let options =
        GitServerOptions { faults: faults.clone(), ..GitServerOptions::new(room.path().join("served")) };
    let server = GitServer::start(options).await.unwrap();
    let repository = server.create_repository("app").unwrap();
    let commit = |content: &str| {
        let author = Author::at("Ada", "ada@example.org", 1_700_000_000);
        repository.commit(&[Change::write("a.yaml", content)], content, &author).unwrap()
    };
    let mirrors = room.path().join("mirrors");
    let store = GitStore::new(&mirrors, GitLimits::default());
    let request = Request::new(server.url_of("app"), Revision::name("main"));
    commit("one");
    store.checkout(&request).await.unwrap();
    let last = commit(&(0..1000).map(|number: u64| (number * 7919 % 1000).to_string()).collect::<String>());
    // The first failures make what is kept for later, as threads that wait for work.
    let fail = async |times: usize| {
        for number in 0..times {
            faults.set("app", Fault::Cut { after: 60 + number % 200 });
            assert!(store.checkout(&request).await.is_err(), "{number}");
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
    faults.clear("app");
    assert_eq!(store.checkout(&request).await.unwrap().commit, last);
}
