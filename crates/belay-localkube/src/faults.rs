//! Faults for tests: what a network and a busy API server do to a controller, on a schedule, with a seed.
//!
//! ```no_run
//! use belay_localkube::faults::{Fault, Faults, On};
//! # fn example(local: &belay_localkube::LocalKube) {
//! let faults = Faults::new(7);
//! faults.add(On::writes("/configmaps").nth(3), Fault::LoseReply);
//! faults.add(On::reads("").chance(0.1), Fault::Refuse(503));
//! let client = kube::Client::new(faults.over(local.service()), "default");
//! # }
//! ```
//!
//! The same seed and the same requests meet the same faults. Rules are asked in the order they were added; the first
//! that is due decides. Delays move with tokio's clock, so they cost nothing when it is paused.

mod events;
mod service;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::watch;

pub use service::{Broken, FaultyService};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The request arrives late.
    Delay(Duration),
    /// The request is refused with this code and not carried out: 409, 410, 500, 503, …
    Refuse(u16),
    /// The request is refused with 429, to come again after so many seconds.
    TooMany(u32),
    /// The request is refused as etcd does one that it has no room for. Meant for [`On::larger_than`].
    TooLarge,
    /// The request does not arrive.
    LoseRequest,
    /// A list that is asked for in pages comes in pages of so many objects.
    ShortPage(u32),
    /// The request is carried out, and its answer is lost.
    LoseReply,
    /// The request is carried out; then the process that asked is dead: its answer and every later request fail, until
    /// [`Faults::restart`].
    Crash,
    /// A watch's event is never seen. For [`On::events`] only.
    DropEvent,
    /// A watch's event, and all behind it, come late. For [`On::events`] only.
    DelayEvent(Duration),
    /// A watch ends before an event. For [`On::events`] only.
    CutWatch,
}

/// Which requests, or events, and when.
#[derive(Debug, Clone)]
pub struct On {
    kind: Kind,
    /// A part of the path with its query.
    place: String,
    when: When,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    Write,
    Watch,
    Event,
}

#[derive(Debug, Clone, Copy)]
enum When {
    Always,
    Nth(u64),
    Every(u64),
    From(u64),
    Chance(f64),
    Larger(u64),
}

impl On {
    /// Gets and lists whose path holds this text.
    pub fn reads(place: &str) -> Self {
        Self::new(Kind::Read, place)
    }

    /// Creates, updates, patches and deletions whose path holds this text.
    pub fn writes(place: &str) -> Self {
        Self::new(Kind::Write, place)
    }

    /// Watches that are opened on a path that holds this text.
    pub fn watches(place: &str) -> Self {
        Self::new(Kind::Watch, place)
    }

    /// Events of watches whose path holds this text.
    pub fn events(place: &str) -> Self {
        Self::new(Kind::Event, place)
    }

    fn new(kind: Kind, place: &str) -> Self {
        Self { kind, place: place.to_owned(), when: When::Always }
    }

    /// Only the `count`th of them, counted from 1.
    #[must_use]
    pub fn nth(self, count: u64) -> Self {
        Self { when: When::Nth(count), ..self }
    }

    /// Each `count`th of them.
    #[must_use]
    pub fn every(self, count: u64) -> Self {
        Self { when: When::Every(count.max(1)), ..self }
    }

    /// The `count`th of them and all that follow.
    #[must_use]
    pub fn from(self, count: u64) -> Self {
        Self { when: When::From(count), ..self }
    }

    /// Those with a body of more than so many bytes.
    #[must_use]
    pub fn larger_than(self, bytes: u64) -> Self {
        Self { when: When::Larger(bytes), ..self }
    }

    /// Each of them with this probability.
    #[must_use]
    pub fn chance(self, probability: f64) -> Self {
        Self { when: When::Chance(probability.clamp(0.0, 1.0)), ..self }
    }
}

/// A request that was made, and what was done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `GET`, `PATCH`, …
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// What went wrong.
    pub fault: Option<Fault>,
}

/// A schedule of faults. Clones share it.
#[derive(Clone)]
pub struct Faults {
    plan: Arc<Mutex<Plan>>,
    crashed: watch::Sender<bool>,
}

struct Plan {
    random: StdRng,
    rules: Vec<Rule>,
    seen: Vec<Seen>,
    /// What befell events.
    events: Vec<Fault>,
}

struct Rule {
    on: On,
    fault: Fault,
    /// How many it was asked about.
    met: u64,
}

impl Faults {
    /// No faults yet; chance begins with this seed.
    pub fn new(seed: u64) -> Self {
        let plan = Plan {
            random: StdRng::seed_from_u64(seed),
            rules: Vec::new(),
            seen: Vec::new(),
            events: Vec::new(),
        };
        Self { plan: Arc::new(Mutex::new(plan)), crashed: watch::Sender::new(false) }
    }

    /// From now on this goes wrong.
    pub fn add(&self, on: On, fault: Fault) {
        self.with(|plan| plan.rules.push(Rule { on, fault, met: 0 }));
    }

    /// From now on nothing goes wrong any more.
    pub fn clear(&self) {
        self.with(|plan| plan.rules.clear());
    }

    /// A service with these faults before it.
    pub fn over<S>(&self, service: S) -> FaultyService<S> {
        FaultyService::new(self.clone(), service)
    }

    /// Resolves when [`Fault::Crash`] has struck: the time to drop the controller that is tested.
    pub async fn crashed(&self) {
        let mut crashed = self.crashed.subscribe();
        // The sender lives as long as this does, so waiting cannot fail.
        let _always = crashed.wait_for(|crashed| *crashed).await;
    }

    /// Whether [`Fault::Crash`] has struck.
    pub fn is_crashed(&self) -> bool {
        *self.crashed.borrow()
    }

    /// A new process takes the place of the dead one: its requests arrive again.
    pub fn restart(&self) {
        self.crashed.send_replace(false);
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.with(|plan| plan.seen.clone())
    }

    /// Every fault that befell an event so far.
    pub fn seen_of_events(&self) -> Vec<Fault> {
        self.with(|plan| plan.events.clone())
    }

    pub(crate) fn crash(&self) {
        self.crashed.send_replace(true);
    }

    /// What goes wrong with a request whose body has so many bytes.
    pub(crate) fn of_request(&self, kind: Kind, method: &str, path: &str, bytes: u64) -> Option<Fault> {
        self.with(|plan| {
            let fault = plan.due(kind, path, bytes);
            plan.seen.push(Seen { method: method.to_owned(), path: path.to_owned(), fault });
            fault
        })
    }

    /// What goes wrong with an event of a watch on `path`.
    pub(crate) fn of_event(&self, path: &str) -> Option<Fault> {
        self.with(|plan| {
            let fault = plan.due(Kind::Event, path, 0);
            plan.events.extend(fault);
            fault
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Plan) -> T) -> T {
        work(&mut self.plan.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Plan {
    /// Every rule counts, also behind one that was due.
    fn due(&mut self, kind: Kind, path: &str, bytes: u64) -> Option<Fault> {
        let mut found = None;
        for rule in &mut self.rules {
            if rule.on.kind != kind || !path.contains(&rule.on.place) {
                continue;
            }
            rule.met += 1;
            let is_due = match rule.on.when {
                When::Always => true,
                When::Nth(count) => rule.met == count,
                When::Every(count) => rule.met % count == 0,
                When::From(count) => rule.met >= count,
                When::Larger(most) => bytes > most,
                When::Chance(probability) => self.random.random_bool(probability),
            };
            if is_due && found.is_none() {
                found = Some(rule.fault);
            }
        }
        found
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with(|plan| {
            let rules = plan.rules.iter().map(|rule| (&rule.on, &rule.fault));
            out.debug_list().entries(rules).finish()
        })
    }
}
