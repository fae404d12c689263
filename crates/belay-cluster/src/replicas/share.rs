//! What of the work is this replica's.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

/// How long work that is another's from now on may take to end by itself.
const GRACE: Duration = Duration::from_secs(1);

/// What of the work is this replica's: all clones share it.
///
/// Work is known by a key, such as an app's name or its cluster's, and keys fall into shards, which are what replicas
/// hold. A shard that is given up is free for others only when nothing of it is worked on any more.
#[derive(Debug, Clone, Default)]
pub struct Share(Option<Arc<Shards>>);

#[derive(Debug)]
struct Shards {
    state: Mutex<State>,
    held: watch::Sender<Held>,
    /// Grows whenever work ends.
    ended: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    /// What is worked on, as often as it is.
    running: Vec<usize>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Held {
    /// How many shards there are; none while nothing is known.
    count: usize,
    mine: BTreeSet<usize>,
    /// Whether what was lost was lost for good: others may do it by now.
    is_over: bool,
}

impl Share {
    /// All of the work: there are no other replicas.
    pub fn whole() -> Share {
        Share(None)
    }

    /// Nothing, until shards are taken.
    pub(super) fn nothing() -> Share {
        Share(Some(Arc::new(Shards {
            state: Mutex::default(),
            held: watch::Sender::default(),
            ended: watch::Sender::default(),
        })))
    }

    /// Whether work is ours now.
    pub fn holds(&self, key: &str) -> bool {
        let Some(shards) = &self.0 else { return true };
        let held = shards.held.borrow();
        held.mine.contains(&shard_of(key, held.count))
    }

    /// Does work if it is ours, for as long as it is: it is broken off when it is another's. Nothing when it was not
    /// done to its end.
    pub async fn work<T>(&self, key: &str, work: impl Future<Output = T>) -> Option<T> {
        let Some(shards) = &self.0 else { return Some(work.await) };
        let running = shards.begin(key)?;
        tokio::select! {
            biased;
            () = shards.lost(running.shard) => None,
            done = work => Some(done),
        }
    }

    /// Tells from now on whenever another part of the work is ours.
    pub fn changes(&self) -> ShareChanges {
        ShareChanges(self.0.as_ref().map(|shards| shards.held.subscribe()))
    }

    /// Waits until something of the work is ours.
    pub async fn is_part(&self) {
        if let Some(shards) = &self.0 {
            let _ = shards.held.subscribe().wait_for(|held| !held.mine.is_empty()).await;
        }
    }

    /// Takes on some shards of a number of them, and gives up all others, whose work may end by itself.
    pub(super) fn take(&self, count: usize, mine: BTreeSet<usize>) {
        self.set(Held { count, mine, is_over: false });
    }

    /// Gives up everything. Work ends by itself within a moment, or at once when it is over.
    pub(super) fn give_up(&self, is_over: bool) {
        let count = self.0.as_ref().map_or(0, |shards| shards.held.borrow().count);
        self.set(Held { count, mine: BTreeSet::new(), is_over });
    }

    /// Whether nothing is worked on that is not ours.
    pub(super) fn is_settled(&self) -> bool {
        let Some(shards) = &self.0 else { return true };
        let held = shards.held.borrow().clone();
        let state = shards.lock();
        let mut running = state.running.iter().enumerate().filter(|(_, count)| **count > 0);
        running.all(|(shard, _)| held.mine.contains(&shard))
    }

    /// Waits until nothing is worked on that is not ours.
    pub(super) async fn settled(&self) {
        let Some(shards) = &self.0 else { return };
        let mut ended = shards.ended.subscribe();
        while !self.is_settled() {
            // The sender lives as long as this handle.
            let _ = ended.changed().await;
        }
    }

    fn set(&self, held: Held) {
        if let Some(shards) = &self.0 {
            shards.held.send_if_modified(|known| {
                let is_news = *known != held;
                *known = held;
                is_news
            });
        }
    }
}

/// Tells when another part of the work is ours.
#[derive(Debug)]
pub struct ShareChanges(Option<watch::Receiver<Held>>);

impl ShareChanges {
    /// Waits for the next change; for ever without replicas.
    pub async fn next(&mut self) {
        let is_told = match &mut self.0 {
            Some(held) => held.changed().await.is_ok(),
            None => false,
        };
        if !is_told {
            std::future::pending().await
        }
    }
}

impl Shards {
    fn begin(self: &Arc<Shards>, key: &str) -> Option<Running> {
        let held = self.held.borrow();
        let shard = shard_of(key, held.count);
        held.mine.contains(&shard).then_some(())?;
        // Still under the borrow: a shard cannot be lost between these lines.
        let mut state = self.lock();
        if state.running.len() < held.count {
            state.running.resize(held.count, 0);
        }
        state.running[shard] += 1;
        Some(Running { shards: self.clone(), shard })
    }

    async fn lost(&self, shard: usize) {
        let mut held = self.held.subscribe();
        let _ = held.wait_for(|held| !held.mine.contains(&shard)).await;
        let over = held.wait_for(|held| held.is_over);
        tokio::select! {
            () = sleep(GRACE) => {}
            _ = over => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Work that goes on.
struct Running {
    shards: Arc<Shards>,
    shard: usize,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shards.lock().running[self.shard] -= 1;
        self.shards.ended.send_modify(|count| *count += 1);
    }
}

/// The shard of a key. All replicas have to agree on it, of whatever version they are: it never changes.
pub(super) fn shard_of(key: &str, count: usize) -> usize {
    // FNV-1a, and MurmurHash3's last step, without which keys that differ at their ends alone lie together.
    let mut hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    for factor in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    hash ^= hash >> 33;
    let count = u64::try_from(count.max(1)).unwrap_or(u64::MAX);
    usize::try_from(hash % count).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};
    use tokio::time::Instant;

    fn everything(count: usize) -> BTreeSet<usize> {
        (0..count).collect()
    }

    #[test]
    fn keys_fall_into_shards_for_ever() {
        assert_eq!(["app/argocd/web", "app/argocd/shop", ""].map(|key| shard_of(key, 64)), SHARDS);
        let filled: BTreeSet<usize> =
            (0..1000).map(|index| shard_of(&format!("app/argocd/app-{index}"), 64)).collect();
        assert_eq!(filled.len(), 64);
        assert_eq!(shard_of("x", 0), 0);
    }

    /// As first released.
    const SHARDS: [usize; 3] = [61, 40, 38];

    #[tokio::test(start_paused = true)]
    async fn alone_everything_is_ours() {
        let share = Share::default();
        assert!(share.holds("x") && share.is_settled());
        assert_eq!(share.work("x", async { 1 }).await, Some(1));
        share.is_part().await;
        share.give_up(true);
        assert!(share.holds("x"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_ours_is_not_begun() {
        let share = Share::nothing();
        assert!(!share.holds("x"));
        assert_eq!(share.work("x", async { 1 }).await, None);
        share.take(4, everything(4));
        assert_eq!(share.work("x", async { 1 }).await, Some(1));
        share.take(4, everything(4).into_iter().filter(|shard| *shard != shard_of("x", 4)).collect());
        assert_eq!(share.work("x", async { 1 }).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_is_given_up_ends_within_a_moment_and_is_waited_for() {
        let share = Share::nothing();
        share.take(1, everything(1));
        let start = Instant::now();
        let short = share.work("a", sleep(Duration::from_millis(300)));
        let long = share.work("b", sleep(Duration::from_secs(600)));
        let give_up = async {
            tokio::task::yield_now().await;
            share.give_up(false);
            assert!(!share.is_settled());
            share.settled().await;
            start.elapsed()
        };
        let (short, long, settled) = tokio::join!(short, long, give_up);
        assert_eq!((short, long), (Some(()), None));
        assert_eq!(settled, GRACE);
    }

    #[tokio::test(start_paused = true)]
    async fn what_others_may_do_by_now_ends_at_once() {
        let share = Share::nothing();
        share.take(1, everything(1));
        let is_done = AtomicBool::new(false);
        let work = share.work("a", async {
            sleep(Duration::from_millis(1)).await;
            is_done.store(true, Ordering::Relaxed);
        });
        let give_up = async {
            tokio::task::yield_now().await;
            share.give_up(true);
            share.settled().await;
        };
        let (work, ()) = tokio::join!(work, give_up);
        assert_eq!((work, is_done.into_inner()), (None, false));
    }
}
