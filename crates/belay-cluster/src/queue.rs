//! A queue of keys to work on: each at most once in the queue and once in work.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// How many keys that can wait are worked on at once.
const MOST_LATER: usize = 8;
/// How many of them beside one that cannot: the machine and the API server are to be its own.
const MOST_BESIDE: usize = 1;
/// How long a key that can wait does so at most, while there are others.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Keys with the time they are due. A key that is added while it is being worked on comes back
/// when that work is done; of two times for one key the earlier counts. Keys that can wait come after those that are due.
pub struct WorkQueue<K> {
    state: Arc<Mutex<State<K>>>,
    changed: Arc<Notify>,
    ended: Arc<Notify>,
}

struct State<K> {
    due: Line<K>,
    running: HashSet<K>,
    again: HashMap<K, Instant>,
    /// Keys that can wait, since when; some of them are due at some time, too.
    later: Line<K>,
    /// Those of `running` that could wait.
    running_later: HashSet<K>,
}

/// Keys in the order of their times, and for one time in that in which they came.
struct Line<K> {
    keys: BTreeMap<(Instant, u64), K>,
    places: HashMap<K, (Instant, u64)>,
    added: u64,
}

impl<K> Default for Line<K> {
    fn default() -> Line<K> {
        Line { keys: BTreeMap::new(), places: HashMap::new(), added: 0 }
    }
}

impl<K: Clone + Eq + Hash> Line<K> {
    fn first(&self) -> Option<(Instant, &K)> {
        self.keys.first_key_value().map(|((time, _), key)| (*time, key))
    }

    fn time_of(&self, key: &K) -> Option<Instant> {
        self.places.get(key).map(|(time, _)| *time)
    }

    /// Puts a key where its time is, wherever it was before.
    fn put(&mut self, key: K, time: Instant) {
        self.remove(&key);
        self.added += 1;
        let place = (time, self.added);
        self.keys.insert(place, key.clone());
        self.places.insert(key, place);
    }

    fn remove(&mut self, key: &K) {
        if let Some(place) = self.places.remove(key) {
            self.keys.remove(&place);
        }
    }
}

impl<K: Clone + Eq + Hash> State<K> {
    /// Which key is next, if any is due, and whether it could wait.
    fn choose(&self) -> Option<(K, bool)> {
        let now = Instant::now();
        let due = self.due.first().filter(|(due, _)| *due <= now);
        let most = if self.running.len() > self.running_later.len() { MOST_BESIDE } else { MOST_LATER };
        let later = self.later.first().filter(|_| self.running_later.len() < most);
        let has_waited = later.is_some_and(|(since, _)| since + LONGEST_WAIT <= now);
        let due = due.filter(|_| !has_waited);
        due.or(later).map(|(_, key)| (key.clone(), due.is_none()))
    }

    /// Whether nothing but this key and what can wait is due or in work.
    fn is_settled(&self, own: &K) -> bool {
        let now = Instant::now();
        self.running.iter().all(|key| key == own || self.running_later.contains(key))
            && self.due.first().is_none_or(|(due, _)| due > now)
    }

    /// Takes a key out of everything that waits.
    fn remove(&mut self, key: &K) {
        self.due.remove(key);
        self.later.remove(key);
    }
}

impl<K> Clone for WorkQueue<K> {
    fn clone(&self) -> WorkQueue<K> {
        WorkQueue { state: self.state.clone(), changed: self.changed.clone(), ended: self.ended.clone() }
    }
}

impl<K: Clone + Eq + Hash> Default for WorkQueue<K> {
    fn default() -> WorkQueue<K> {
        WorkQueue::new()
    }
}

impl<K: Clone + Eq + Hash> WorkQueue<K> {
    /// An empty queue.
    pub fn new() -> WorkQueue<K> {
        let state = State {
            due: Line::default(),
            running: HashSet::new(),
            again: HashMap::new(),
            later: Line::default(),
            running_later: HashSet::new(),
        };
        WorkQueue { state: Arc::new(Mutex::new(state)), changed: Arc::default(), ended: Arc::default() }
    }

    /// Makes the key due now.
    pub fn add(&self, key: K) {
        self.add_at(key, Instant::now());
    }

    /// Makes the key due when no other is, or soon: nothing is known to be waiting for its work.
    pub fn add_later(&self, key: K) {
        let mut state = self.lock();
        if state.running.contains(&key) {
            drop(state);
            return self.add(key);
        }
        let now = Instant::now();
        let is_due = state.due.time_of(&key).is_some_and(|due| due <= now);
        if is_due || state.later.time_of(&key).is_some() {
            return;
        }
        state.later.put(key, now);
        drop(state);
        self.wake();
    }

    /// Makes the key due after a while, unless it is due earlier anyway.
    pub fn add_after(&self, key: K, delay: Duration) {
        self.add_at(key, Instant::now() + delay);
    }

    /// Waits for the next due key. Call [`done`](WorkQueue::done) when its work has ended.
    pub async fn next(&self) -> K {
        loop {
            let changed = self.changed.notified();
            match self.take_due() {
                Ok(key) => return key,
                Err(Some(next)) => {
                    tokio::select! {
                        biased;
                        () = changed => {}
                        () = sleep_until(next) => {}
                    }
                }
                Err(None) => changed.await,
            }
        }
    }

    /// For work that others should not wait for: waits until nothing but this key and what can wait is due or in work, or
    /// for that long.
    pub async fn settled(&self, own: &K, longest: Duration) {
        let settled = async {
            loop {
                let ended = self.ended.notified();
                if self.lock().is_settled(own) {
                    break;
                }
                ended.await;
            }
        };
        // Who comes too late begins nevertheless.
        let _ = tokio::time::timeout(longest, settled).await;
    }

    /// Ends the work on a key, so that it may be taken again.
    pub fn done(&self, key: &K) {
        let again = {
            let mut state = self.lock();
            state.running.remove(key);
            state.running_later.remove(key);
            if state.later.first().is_some() {
                // There may be room for several.
                self.changed.notify_waiters();
            }
            state.again.remove(key)
        };
        self.ended.notify_waiters();
        if let Some(due) = again {
            self.add_at(key.clone(), due);
        }
    }

    /// Forgets a key that is waiting.
    pub fn forget(&self, key: &K) {
        let mut state = self.lock();
        state.remove(key);
        state.again.remove(key);
    }

    /// How many keys wait, whether due or not.
    pub fn len(&self) -> usize {
        let state = self.lock();
        let later_alone = state.later.places.keys().filter(|key| state.due.time_of(key).is_none()).count();
        state.due.places.len() + later_alone
    }

    /// Whether no key waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn add_at(&self, key: K, due: Instant) {
        let mut state = self.lock();
        if state.running.contains(&key) {
            let again = state.again.entry(key).or_insert(due);
            *again = due.min(*again);
            return;
        }
        if state.due.time_of(&key).is_some_and(|known| known <= due) {
            return;
        }
        state.due.put(key, due);
        drop(state);
        self.wake();
    }

    /// Tells those that wait for a key, and who is about to.
    fn wake(&self) {
        self.changed.notify_waiters();
        self.changed.notify_one();
    }

    /// The first due key, or when the first one will be due.
    fn take_due(&self) -> Result<K, Option<Instant>> {
        let mut state = self.lock();
        let Some((key, could_wait)) = state.choose() else {
            return Err(state.due.first().map(|(due, _)| due));
        };
        state.remove(&key);
        if could_wait {
            state.running_later.insert(key.clone());
        }
        state.running.insert(key.clone());
        Ok(key)
    }

    fn lock(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn keys_come_in_the_order_they_are_due_and_once() {
        let queue = WorkQueue::new();
        queue.add_after("late", Duration::from_secs(10));
        queue.add("soon");
        queue.add("soon");
        assert_eq!(queue.next().await, "soon");
        let start = Instant::now();
        assert_eq!(queue.next().await, "late");
        assert_eq!(start.elapsed().as_secs(), 10);
        assert!(queue.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_in_work_comes_back_after_it_is_done() {
        let queue = WorkQueue::new();
        queue.add("app");
        assert_eq!(queue.next().await, "app");
        queue.add("app");
        assert!(queue.is_empty());
        queue.done(&"app");
        assert_eq!(queue.next().await, "app");
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_can_wait_come_last_and_few_at_once() {
        let queue = WorkQueue::new();
        for key in 0..20 {
            queue.add_later(key);
        }
        queue.add(19);
        queue.add(20);
        queue.add_after(3, Duration::from_secs(60));
        assert_eq!(queue.len(), 21);
        assert_eq!((queue.next().await, queue.next().await), (19, 20));
        assert_eq!((queue.take_due(), queue.take_due().is_err()), (Ok(0), true), "not beside the others");
        [0, 19, 20].iter().for_each(|key| queue.done(key));
        let first: Vec<i32> = (0..MOST_LATER).map(|_| queue.take_due().unwrap()).collect();
        assert_eq!(first, (1..9).collect::<Vec<_>>());
        assert!(queue.take_due().is_err(), "there is no room for more");
        queue.done(&3);
        assert_eq!(queue.next().await, 9);
        assert_eq!(queue.len(), 9);
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_waits_for_comes_when_the_rest_is_done() {
        let queue = WorkQueue::new();
        let start = Instant::now();
        let settled = async {
            queue.settled(&"source", Duration::from_secs(9)).await;
            start.elapsed().as_secs()
        };
        ["source", "app"].iter().for_each(|key| queue.add(*key));
        queue.add_later("other");
        assert_eq!((queue.next().await, queue.next().await), ("source", "app"));
        let work = async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            queue.done(&"app");
        };
        assert_eq!(tokio::join!(settled, work).0, 2);
        queue.add("app");
        queue.settled(&"source", Duration::from_secs(9)).await;
        assert_eq!(start.elapsed().as_secs(), 11, "not for ever");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let queue = WorkQueue::new();
        queue.add_later("patient");
        tokio::time::advance(LONGEST_WAIT).await;
        queue.add("due");
        assert_eq!((queue.next().await, queue.next().await), ("patient", "due"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_earlier_of_two_times_counts() {
        let queue = WorkQueue::new();
        let start = Instant::now();
        queue.add_after("app", Duration::from_secs(60));
        queue.add_after("app", Duration::from_secs(5));
        queue.add_after("app", Duration::from_secs(30));
        queue.next().await;
        assert_eq!(start.elapsed().as_secs(), 5);
    }
}
