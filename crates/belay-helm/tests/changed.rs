//! A few random changes of charts and records; `cargo run --release -p belay-helm --example fuzz -- MINUTES SEED` makes many.

mod changes;

use changes::{Numbers, change_chart, change_record};

/// Enough for the deepest templates.
const STACK: usize = 256 << 20;

#[test]
fn changed_charts_and_records_end_in_answers() {
    let work = || {
        let mut numbers = Numbers(1);
        for _ in 0..400 {
            change_chart(&mut numbers);
            change_record(&mut numbers);
        }
    };
    std::thread::Builder::new().stack_size(STACK).spawn(work).expect("a thread").join().expect("no panic");
}
