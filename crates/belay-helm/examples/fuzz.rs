//! Changes charts and release records at random, for so many minutes and from a seed:
//!
//!     cargo run --release -p belay-helm --example fuzz -- 20 1

#[path = "../tests/changes/mod.rs"]
mod changes;

use std::time::{Duration, Instant};

use changes::{Numbers, change_chart, change_record};

/// Templates include each other a thousand deep in charts that Helm still renders.
const STACK: usize = 256 << 20;

fn main() {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse().expect("a number"));
    let minutes = numbers.next().unwrap_or(1);
    let mut seed = numbers.next().unwrap_or(1);
    let work = move || {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(60 * minutes) {
            // One seed for each change, so that what breaks can be made again.
            change_chart(&mut Numbers(seed));
            change_record(&mut Numbers(seed));
            seed += 1;
            report(seed);
        }
    };
    std::thread::Builder::new().stack_size(STACK).spawn(work).expect("a thread").join().expect("no panic");
}

#[expect(clippy::print_stdout, reason = "a developer's tool")]
fn report(seed: u64) {
    if seed.is_multiple_of(1000) {
        println!("{seed}");
    }
}
