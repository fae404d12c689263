//! Runs drawn by chance. A seed that found a fault once stays.
//!
//! A run takes a third of a second of a core, so here are only some of them; `scripts/test` runs 200 as a part of its
//! own, with a crash after every write, and `cargo xtask simulate --seeds 10000` as many as there is time for.

use std::process::Command;

use belay_simulator::{seed, seeds};

/// Seeds that found something, and what.
const FOUND: [(u64, &str); 27] = [
    (22, "an operation whose commit is gone, and an app deleted before anything was noted of it"),
    (6, "a release that failed often"),
    (88, "an older commit, applied again after a force-push and a crash"),
    (134, "an operation that went on after newer revisions had taken its place, because no status said so"),
    (
        159,
        "a finalizer that was refused for a conflict, again and again, until a late watch told of the newer object",
    ),
    (232, "a delete that was refused for a conflict and counted as done"),
    (51, "a release that took the past for the present while its watch was interrupted"),
    (71, "objects made for a Kustomization that was gone, while its watch was interrupted"),
    (270, "a retry that waited until a clock which was put back had caught up"),
    (1116, "a finalizer whose removal was refused, and nobody looked again"),
    (1665, "a status that a restored backup had taken away, compared with the one of a minute before"),
    (1755, "a deletion that a restored backup had taken back, and that went on"),
    (1808, "objects that stayed when their Kustomization went, because its inventory had been refused"),
    (2187, "a deletion that took a definition along, and hung"),
    (
        2546,
        "an operation that another one had taken the place of, and that went on because no status told of that one",
    ),
    (264, "a kind whose definition went before the first list, and that held up what brought it back"),
    (32, "a hook that was left behind, because its operation was ended before its making was noted"),
    (190, "a hook of an earlier sync, taken for one of this sync by a clock that had been put back"),
    (1181, "a hook that nobody deleted, as it had been let go of before its deletion was refused"),
    (1612, "a hook that ran twice, because it had ended before its making was noted"),
    (
        1532,
        "objects that stayed when their app went: the answer to their write was lost, and the watch never told",
    ),
    (119, "a sync of a commit that was gone, after which no other commit was synced"),
    (6886, "a request to end an operation, which ended the next one before its beginning was seen"),
    (5633, "objects that stayed when their app went: while they could not be listed its status lost them"),
    (1405, "an object made for an app that had gone, which a page of a list had brought back"),
    (9389, "an app deleted right after a crash, before what it had applied without a word of it was found"),
    (1708, "an object of a kind that Git and the inventory do not name, applied just before a crash"),
];

/// A build for debugging is ten times slower.
const RUNS: u64 = if cfg!(debug_assertions) { 4 } else { 40 };

#[test]
fn seeds_end_well() {
    let summary = seeds(0..RUNS, seed);
    assert!(summary.failures.is_empty(), "{}", summary.failures.join("\n"));
}

#[test]
fn what_was_found_once_is_not_found_again() {
    for (number, what) in FOUND {
        if let Err(failure) = seed(number) {
            panic!("{what}: cargo xtask simulate --seed {number}\n{failure}");
        }
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    let trace = |number: &str| {
        let simulate = Command::new(env!("CARGO_BIN_EXE_belay-simulate")).args(["--seed", number]).output();
        let told = String::from_utf8(simulate.unwrap().stdout).unwrap();
        told.lines().find(|line| line.starts_with("trace ")).expect("a trace is told").to_owned()
    };
    assert_eq!(trace("134"), trace("134"));
    assert_ne!(trace("134"), trace("135"));
}
