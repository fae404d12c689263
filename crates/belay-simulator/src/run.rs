//! A run: a beginning, steps, an end that has to be good and to stay so.

use std::collections::BTreeMap;
use std::time::Duration;

use belay_localkube::faults::{Fault, On};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::chance;
use crate::check;
use crate::digest::Digest;
use crate::script::{Step, add_gates, add_heavier, add_longer, add_rarer, drawn, reference};
use crate::weather;
use crate::world::World;

/// How long everything may take to be good after the last trouble.
const LONGEST: Duration = Duration::from_secs(45 * 60);
const LOOK: Duration = Duration::from_secs(20);
/// How long nothing may be written then.
const QUIET: Duration = Duration::from_secs(15 * 60);

/// What a run was like.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Report {
    /// Everything of interest, and how often it happened.
    pub counts: BTreeMap<String, u64>,
    /// Requests that changed something.
    pub writes: usize,
    /// All of its requests, what became of them, and all that was written, as one number: the same run has the same.
    pub trace: String,
    /// How long everything took to be good after the last trouble.
    pub settled: Duration,
}

/// Why a run was not good.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[error("{}", faults.join("\n"))]
pub struct Failure {
    /// Every violation.
    pub faults: Vec<String>,
}

/// The run of a seed.
pub fn seed(number: u64) -> Result<Report, Failure> {
    in_a_world(number, async |world| {
        let mut random = StdRng::seed_from_u64(number);
        let mut steps = drawn(&mut random);
        // Even seeds are what they were before there was rarer trouble.
        if number % 2 == 1 {
            add_rarer(&mut steps, &mut random);
        }
        // Nor are those that found something before there was this.
        if matches!(number % 9, 1 | 2 | 5) {
            add_heavier(&mut steps, &mut random);
        }
        if number % 7 == 3 {
            add_gates(&mut steps, &mut random);
        }
        if number % 11 == 7 {
            add_longer(&mut steps, &mut random);
        }
        walk(world, &steps).await;
        world.repair().await;
        finish(world).await.map(|(report, _)| report)
    })
}

/// The reference run, whose process dies after so many of its writes.
pub fn reference_run(crash_after: Option<u64>) -> Result<(Report, End), Failure> {
    in_a_world(1, async |world| {
        if let Some(count) = crash_after {
            world.faults.add(On::writes("").nth(count), Fault::Crash);
        }
        walk(world, &reference()).await;
        world.repair().await;
        finish(world).await.map(|(report, digest)| (report, End(digest)))
    })
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End(Digest);

impl End {
    /// What another run came to instead.
    pub fn differences(&self, other: &End) -> Vec<String> {
        self.0.differences(&other.0)
    }
}

pub(crate) fn in_a_world<T: Send>(seed: u64, work: impl AsyncFnOnce(&mut World) -> T + Send) -> T {
    chance::alone(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime without a network needs nothing");
        runtime.block_on(async {
            let mut world = World::new(seed).await;
            work(&mut world).await
        })
    })
}

pub(crate) async fn walk(world: &mut World, steps: &[Step]) {
    world.start();
    for step in steps {
        world.step(step).await;
    }
}

/// Waits until all is good, then sees that it stays so and that nothing more is written.
pub(crate) async fn finish(world: &mut World) -> Result<(Report, Digest), Failure> {
    let mut settled = Duration::ZERO;
    let mut faults = check::end(world).await;
    while !faults.is_empty() && settled < LONGEST {
        world.pass(LOOK).await;
        settled += LOOK;
        faults = check::end(world).await;
    }
    if faults.is_empty() {
        // Who still waits for something may go on.
        world.pass(Duration::from_secs(150)).await;
        let before = world.log.count();
        world.pass(QUIET).await;
        for write in world.log.writes_since(before).iter().filter(|write| !write.is_event()) {
            faults.push(format!(
                "rest: nothing has changed, and still {} {} {}",
                write.method, write.path, write.body
            ));
        }
        faults.extend(check::end(world).await.into_iter().map(|fault| format!("later: {fault}")));
    }
    world.watch();
    faults.append(&mut world.watchman.faults);
    if faults.is_empty() {
        Ok((report(world, settled), Digest::of(world).await))
    } else {
        Err(Failure { faults })
    }
}

fn report(world: &World, settled: Duration) -> Report {
    let mut counts = weather::struck(&world.faults, &world.remote);
    for (name, count) in &world.events {
        counts.insert(name.clone(), *count);
    }
    counts.extend(world.gate.met().into_iter().map(|(what, count)| (what.to_owned(), count)));
    counts.insert("a deletion".to_owned(), world.watchman.deletes);
    counts.insert("a revision said to be applied".to_owned(), world.watchman.claims.count);
    counts.insert("a revision said to be applied and up".to_owned(), world.watchman.claims.ups);
    let writes = world.log.writes_since(0);
    let mut trace = Sha256::new();
    for seen in world.faults.seen() {
        trace.update(format!("{seen:?}\n"));
    }
    for write in &writes {
        trace.update(format!("{} {} {} {}\n", write.method, write.path, write.body, write.code));
    }
    Report { counts, writes: writes.len(), trace: hex::encode(trace.finalize()), settled }
}
