//! Many runs at once, and what they were like together.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::run::{End, Failure, Report, reference_run};
use crate::weather::WANTED;

/// With fewer runs than these, chance alone decides what happens.
const FEW: u64 = 200;

/// What many runs were like.
#[derive(Debug, Default)]
pub struct Summary {
    /// How many there were.
    pub runs: u64,
    /// Those that failed: what was wrong, and how to see it again.
    pub failures: Vec<String>,
    /// Everything of interest.
    pub counts: BTreeMap<String, Count>,
    /// Requests that changed something.
    pub writes: usize,
    /// The longest time from the last trouble to a good end.
    pub longest: Duration,
}

/// How often something happened.
#[derive(Debug, Default, Clone, Copy)]
pub struct Count {
    /// In all runs together.
    pub times: u64,
    /// In how many runs.
    pub runs: u64,
}

impl Summary {
    /// What happened too seldom for so many runs to prove anything. Few runs are never to prove that much.
    pub fn lacking(&self) -> Vec<String> {
        let wanted =
            WANTED.iter().filter(|_| self.runs >= FEW).map(|(name, least)| (name, least * self.runs / 200));
        let runs = |name: &str| self.counts.get(name).map_or(0, |count| count.runs);
        let lacking = wanted.filter(|(name, least)| runs(name) < *least);
        lacking.map(|(name, least)| format!("{name}: in {} runs, {least} are wanted", runs(name))).collect()
    }

    fn add(&mut self, result: Result<Report, Failure>, replay: &str) {
        self.runs += 1;
        match result {
            Ok(report) => {
                self.writes += report.writes;
                self.longest = self.longest.max(report.settled);
                for (name, times) in report.counts.iter().filter(|(_, times)| **times > 0) {
                    let count = self.counts.entry(name.clone()).or_default();
                    count.times += times;
                    count.runs += 1;
                }
            }
            Err(failure) => {
                let failure = format!("cargo xtask simulate {replay}\n{failure}\n");
                // A long run tells at once.
                tracing::error!("{failure}");
                self.failures.push(failure);
            }
        }
    }
}

/// Runs of these seeds, on every core, each carried out by `run`.
pub fn seeds(numbers: Range<u64>, run: impl Fn(u64) -> Result<Report, Failure> + Sync) -> Summary {
    each(numbers, |number| (run(number), format!("--seed {number}")))
}

/// The reference run with a crash after each of its writes, or after those of a part: (which part, of how many).
/// Every one has to come to the end of the whole run.
pub fn crashes(part: Option<(u64, u64)>) -> Summary {
    let (whole, end) = match reference_run(None) {
        Ok(whole) => whole,
        Err(failure) => {
            let failures = vec![format!("the reference run, without any crash\n{failure}\n")];
            return Summary { failures, ..Summary::default() };
        }
    };
    let writes = whole.writes as u64;
    let (first, step) = part.unwrap_or((0, 1));
    let numbers = 0..(writes.saturating_sub(first)).div_ceil(step);
    each(numbers, |number| {
        let count = first + number * step + 1;
        (crashed(count, &end), format!("--crash-after {count}"))
    })
}

fn crashed(count: u64, whole: &End) -> Result<Report, Failure> {
    let (report, end) = reference_run(Some(count))?;
    let faults = whole.differences(&end);
    if faults.is_empty() { Ok(report) } else { Err(Failure { faults }) }
}

fn each(numbers: Range<u64>, run: impl Fn(u64) -> (Result<Report, Failure>, String) + Sync) -> Summary {
    let next = AtomicU64::new(numbers.start);
    let summary = Mutex::new(Summary::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end {
                        return;
                    }
                    let (result, replay) = run(number);
                    summary.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).add(result, &replay);
                }
            });
        }
    });
    let mut summary = summary.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    summary.failures.sort();
    summary
}
