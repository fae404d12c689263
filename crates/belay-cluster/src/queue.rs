//! A queue of keys to work on: each at most once in the queue and once in work.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Keys with the time they are due. A key that is added while it is being worked on comes back
/// when that work is done; of two times for one key the earlier counts.
pub struct WorkQueue<K> {
    state: Arc<Mutex<State<K>>>,
    changed: Arc<Notify>,
}

struct State<K> {
    due: BTreeMap<(Instant, u64), K>,
    places: HashMap<K, (Instant, u64)>,
    running: HashSet<K>,
    again: HashMap<K, Instant>,
    added: u64,
}

impl<K> Clone for WorkQueue<K> {
    fn clone(&self) -> WorkQueue<K> {
        WorkQueue { state: self.state.clone(), changed: self.changed.clone() }
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
            due: BTreeMap::new(),
            places: HashMap::new(),
            running: HashSet::new(),
            again: HashMap::new(),
            added: 0,
        };
        WorkQueue { state: Arc::new(Mutex::new(state)), changed: Arc::new(Notify::new()) }
    }

    /// Makes the key due now.
    pub fn add(&self, key: K) {
        self.add_at(key, Instant::now());
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

    /// Ends the work on a key, so that it may be taken again.
    pub fn done(&self, key: &K) {
        let again = {
            let mut state = self.lock();
            state.running.remove(key);
            state.again.remove(key)
        };
        if let Some(due) = again {
            self.add_at(key.clone(), due);
        }
    }

    /// Forgets a key that is waiting.
    pub fn forget(&self, key: &K) {
        let mut state = self.lock();
        if let Some(place) = state.places.remove(key) {
            state.due.remove(&place);
        }
        state.again.remove(key);
    }

    /// How many keys wait, whether due or not.
    pub fn len(&self) -> usize {
        self.lock().due.len()
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
        if let Some(place) = state.places.get(&key).copied() {
            if place.0 <= due {
                return;
            }
            state.due.remove(&place);
        }
        state.added += 1;
        let place = (due, state.added);
        state.due.insert(place, key.clone());
        state.places.insert(key, place);
        drop(state);
        self.changed.notify_waiters();
        self.changed.notify_one();
    }

    /// The first due key, or when the first one will be due.
    fn take_due(&self) -> Result<K, Option<Instant>> {
        let mut state = self.lock();
        let Some((place, _)) = state.due.first_key_value() else {
            return Err(None);
        };
        let place = *place;
        if place.0 > Instant::now() {
            return Err(Some(place.0));
        }
        let key = state.due.remove(&place).expect("the first entry is there, the lock is held");
        state.places.remove(&key);
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
