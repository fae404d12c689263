//! The reference run: one of everything, with and without an end in between.

use belay_simulator::{crashes, reference_run};

#[test]
fn the_reference_run_ends_well_and_is_the_same_each_time() {
    let (report, end) = reference_run(None).unwrap_or_else(|failure| panic!("{failure}"));
    let (again, same) = reference_run(None).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(end.differences(&same), Vec::<String>::new());
    assert_eq!(report.trace, again.trace);
}

#[test]
fn a_crash_after_any_write_changes_nothing_about_the_end() {
    // A build for debugging is ten times slower; it sees a part.
    let part = cfg!(debug_assertions).then_some((3, 16));
    let summary = crashes(part);
    assert!(summary.runs > 5, "only {} writes", summary.runs);
    assert!(summary.failures.is_empty(), "{}", summary.failures.join("\n"));
}
