//! Which request meets which fault, by chance, and how often each was met.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use tokio::sync::watch;

/// What a request wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wish {
    Read,
    List,
    Watch,
    Write,
}

/// What goes wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// It waits.
    Slow,
    /// 409.
    Conflict,
    /// 410 in place of an answer.
    Gone,
    /// 429, with a time to wait.
    TooMany,
    /// 500.
    Broken,
    /// 503.
    Unavailable,
    /// The connection ends before the API server has heard of it.
    LostRequest,
    /// The API server has done it; the connection ends instead of an answer.
    LostReply,
    /// The API server never hears of it, and the connection stays open.
    SilentRequest,
    /// The API server has done it, and the connection stays open.
    SilentReply,
    /// A watch that ends in the middle.
    Cut,
    /// A watch that says 410 in the middle.
    Expired,
    /// A watch that says nothing any more.
    Silent,
}

/// What each wish may meet.
const MEETS: [(Wish, f64, &[Fault]); 4] = [
    (
        Wish::Read,
        0.2,
        &[
            Fault::Slow,
            Fault::TooMany,
            Fault::Broken,
            Fault::Unavailable,
            Fault::LostRequest,
            Fault::LostReply,
            Fault::SilentReply,
        ],
    ),
    (
        Wish::List,
        0.3,
        &[
            Fault::Slow,
            Fault::Gone,
            Fault::TooMany,
            Fault::Broken,
            Fault::Unavailable,
            Fault::LostReply,
            Fault::SilentReply,
        ],
    ),
    (
        Wish::Watch,
        0.9,
        &[
            Fault::Slow,
            Fault::Gone,
            Fault::Unavailable,
            Fault::Cut,
            Fault::Cut,
            Fault::Expired,
            Fault::Expired,
            Fault::Silent,
            Fault::Silent,
        ],
    ),
    (
        Wish::Write,
        0.3,
        &[
            Fault::Slow,
            Fault::Conflict,
            Fault::TooMany,
            Fault::Broken,
            Fault::Unavailable,
            Fault::LostRequest,
            Fault::LostReply,
            Fault::LostReply,
            Fault::SilentRequest,
            Fault::SilentReply,
        ],
    ),
];

/// What has to be met in a run; fewer would prove nothing. Faults of rare requests, such as reads and lists, are counted
/// with those of others.
const WANTED: [Fault; 13] = [
    Fault::Slow,
    Fault::Conflict,
    Fault::Gone,
    Fault::TooMany,
    Fault::Broken,
    Fault::Unavailable,
    Fault::LostRequest,
    Fault::LostReply,
    Fault::SilentRequest,
    Fault::SilentReply,
    Fault::Cut,
    Fault::Expired,
    Fault::Silent,
];

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Fault::Slow => "a slow request",
            Fault::Conflict => "409",
            Fault::Gone => "410",
            Fault::TooMany => "429 with a time to wait",
            Fault::Broken => "500",
            Fault::Unavailable => "503",
            Fault::LostRequest => "a lost request",
            Fault::LostReply => "a lost reply",
            Fault::SilentRequest => "silence instead of a request",
            Fault::SilentReply => "silence after a request",
            Fault::Cut => "a watch cut off",
            Fault::Expired => "410 in a watch",
            Fault::Silent => "a silent watch",
        })
    }
}

/// How often each fault was met.
pub(super) type Met = BTreeMap<Fault, u64>;

/// Faults that were met less often than `least`, in words.
pub(super) fn missing(met: &Met, least: u64) -> Vec<String> {
    WANTED
        .iter()
        .map(|fault| (fault, met.get(fault).copied().unwrap_or_default()))
        .filter(|(_, times)| *times < least)
        .map(|(fault, times)| format!("{fault}: {times} times"))
        .collect()
}

/// Draws faults while there are any.
pub(super) struct Schedule {
    state: Mutex<State>,
    rages: watch::Sender<bool>,
    /// After how long a silent connection ends after all; never if there is none.
    silence: Option<Duration>,
}

struct State {
    chance: StdRng,
    met: Met,
    /// What each wish is yet to meet before anything comes up again. Thus a short run meets every fault, too: by chance
    /// alone one of ten is easily missed.
    decks: BTreeMap<Wish, Vec<Fault>>,
}

impl State {
    fn deal(&mut self, wish: Wish, faults: &[Fault]) -> Option<Fault> {
        let deck = self.decks.entry(wish).or_default();
        if deck.is_empty() {
            deck.extend_from_slice(faults);
            deck.shuffle(&mut self.chance);
        }
        deck.pop()
    }
}

impl Schedule {
    /// No faults yet.
    pub(super) fn new(seed: u64, silence: Option<Duration>) -> Schedule {
        let state = State { chance: StdRng::seed_from_u64(seed), met: Met::new(), decks: BTreeMap::new() };
        Schedule { state: Mutex::new(state), rages: watch::Sender::new(false), silence }
    }

    /// Waits until a silent connection ends.
    pub(super) async fn silence(&self) {
        match self.silence {
            Some(silence) => tokio::time::sleep(silence).await,
            None => std::future::pending().await,
        }
    }

    /// From now on there are faults, or there are none.
    pub(super) fn rage(&self, rages: bool) {
        self.rages.send_replace(rages);
    }

    /// Ends when there are faults.
    pub(super) fn storm(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut rages = self.rages.subscribe();
        async move {
            // Who tells it is there as long as anybody asks.
            let _ = rages.wait_for(|rages| *rages).await;
        }
    }

    /// Whether there are faults now.
    pub(super) fn has_faults(&self) -> bool {
        *self.rages.borrow()
    }

    /// What a request meets. What strikes a watch later counts when it does.
    pub(super) fn draw(&self, wish: Wish) -> Option<Fault> {
        let mut state = self.lock();
        let (_, chance, faults) = MEETS.iter().find(|(met_by, ..)| *met_by == wish)?;
        if !self.has_faults() || !state.chance.random_bool(*chance) {
            return None;
        }
        let fault = state.deal(wish, faults)?;
        if !matches!(fault, Fault::Cut | Fault::Expired | Fault::Silent) {
            *state.met.entry(fault).or_default() += 1;
        }
        Some(fault)
    }

    /// Whether a fault of a watch strikes, now that its time has come.
    pub(super) fn strikes(&self, fault: Fault) -> bool {
        let rages = self.has_faults();
        if rages {
            *self.lock().met.entry(fault).or_default() += 1;
        }
        rages
    }

    /// Some time of at most so long.
    pub(super) fn time(&self, most: Duration) -> Duration {
        most.mul_f64(self.lock().chance.random_range(0.05..1.0))
    }

    /// How often each fault was met so far.
    pub(super) fn met(&self) -> Met {
        self.lock().met.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(schedule: &Schedule) -> Vec<Option<Fault>> {
        (0..500).map(|_| schedule.draw(Wish::Write)).collect()
    }

    #[test]
    fn a_seed_draws_the_same_faults_each_time_and_none_when_they_are_over() {
        let (first, again, other) = (Schedule::new(1, None), Schedule::new(1, None), Schedule::new(2, None));
        assert!(drawn(&first).iter().all(Option::is_none), "nothing rages yet");
        for schedule in [&first, &again, &other] {
            schedule.rage(true);
        }
        let faults = drawn(&again);
        assert_eq!(drawn(&first), faults);
        assert_ne!(drawn(&other), faults);
        let met: u64 = again.met().values().sum();
        assert_eq!(met, faults.iter().flatten().count() as u64);
        assert!(faults.contains(&Some(Fault::LostReply)) && !faults.contains(&Some(Fault::Gone)));
        again.rage(false);
        assert!(drawn(&again).iter().all(Option::is_none));
        assert!(!again.strikes(Fault::Cut));
    }

    #[test]
    fn no_fault_comes_up_twice_before_the_others_did() {
        let (_, _, faults) = MEETS.iter().find(|(wish, ..)| *wish == Wish::Write).unwrap();
        let mut expected = faults.to_vec();
        expected.sort();
        let schedule = Schedule::new(4, None);
        schedule.rage(true);
        let dealt: Vec<Fault> = drawn(&schedule).into_iter().flatten().collect();
        assert!(dealt.chunks_exact(expected.len()).len() > 5);
        for round in dealt.chunks_exact(expected.len()) {
            let mut round = round.to_vec();
            round.sort();
            assert_eq!(round, expected);
        }
    }

    #[test]
    fn a_fault_that_hardly_struck_is_missed() {
        let schedule = Schedule::new(3, None);
        assert_eq!(missing(&schedule.met(), 1).len(), WANTED.len());
        schedule.rage(true);
        for wish in [Wish::Read, Wish::List, Wish::Watch, Wish::Write] {
            for _ in 0..500 {
                schedule.draw(wish);
            }
        }
        let expected = ["a watch cut off: 0 times", "410 in a watch: 0 times", "a silent watch: 0 times"];
        assert_eq!(missing(&schedule.met(), 3), expected);
        for fault in [Fault::Cut, Fault::Expired, Fault::Silent] {
            assert!((0..3).all(|_| schedule.strikes(fault)));
        }
        assert_eq!(missing(&schedule.met(), 3), Vec::<String>::new());
    }
}
