//! Runs drawn by chance. A seed that found a fault once stays.

use belay_simulator::{WANTED, seed, seeds};

/// Seeds that found something, and what.
const FOUND: [(u64, &str); 2] = [
    (22, "an operation whose commit is gone, and an app deleted before anything was noted of it"),
    (6, "a release that failed often"),
];

/// A build for debugging is ten times slower; it sees a part.
const RUNS: u64 = if cfg!(debug_assertions) { 20 } else { 200 };

#[test]
fn seeds_end_well() {
    let summary = seeds(0..RUNS);
    assert!(summary.failures.is_empty(), "{}", summary.failures.join("\n"));
    for (name, least) in WANTED.iter().filter(|_| RUNS >= 200) {
        let runs = summary.counts.get(*name).map_or(0, |count| count.runs);
        assert!(runs >= *least, "{name} happened in {runs} of {RUNS} runs, which is too few to prove anything");
    }
}

#[test]
fn what_was_found_once_is_not_found_again() {
    for (number, what) in FOUND {
        if let Err(failure) = seed(number) {
            panic!("{what}: cargo xtask simulate --seed {number}\n{failure}");
        }
    }
}
