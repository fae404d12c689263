//! The reference run: one of everything, with and without an end in between.

use belay_simulator::{crashes, reference_run};

#[test]
fn the_reference_run_ends_well_and_alike_each_time() {
    let (_, end) = reference_run(None).unwrap_or_else(|failure| panic!("{failure}"));
    let (_, same) = reference_run(None).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(end.differences(&same), Vec::<String>::new());
}

#[test]
fn a_crash_after_any_write_changes_nothing_about_the_end() {
    // `scripts/test` takes all of them; here is each 16th, and fewer where a build for debugging is ten times slower.
    let step = if cfg!(debug_assertions) { 64 } else { 16 };
    let summary = crashes(Some((3, step)));
    assert!(summary.runs >= 3, "only {} writes", summary.runs);
    assert!(summary.failures.is_empty(), "{}", summary.failures.join("\n"));
}
