//! What a simulated world replaces: the machine's clock, and threads.

use std::cell::RefCell;
use std::num::NonZero;
use std::sync::{Arc, LazyLock};
use std::thread::available_parallelism;

use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::task::JoinError;

type Clock = Box<dyn Fn() -> Timestamp>;

thread_local! {
    static CLOCK: RefCell<Option<Clock>> = const { RefCell::new(None) };
}

/// How much work is done aside at a time. More would take turns for the same cores, each with memory of a thread of its own;
/// with fewer, some that does not end soon would hold up all other.
static PLACES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(places())));

fn places() -> usize {
    let cores = available_parallelism().map_or(1, NonZero::get);
    (2 * cores).max(4)
}

/// The time now: the machine's, or that of the world simulated in this thread.
pub fn now() -> Timestamp {
    CLOCK.with_borrow(|clock| clock.as_ref().map_or_else(Timestamp::now, |clock| clock()))
}

/// Does work that takes its time where it holds nobody up, a few pieces at a time; in a simulated world, here and now.
pub async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, JoinError> {
    if CLOCK.with_borrow(Option::is_some) {
        return Ok(work());
    }
    // They are never closed.
    let place = PLACES.clone().acquire_owned().await.ok();
    let work = move || {
        let done = work();
        // Whoever has stopped waiting for this work leaves it its place.
        drop(place);
        done
    };
    tokio::task::spawn_blocking(work).await
}

/// From now on a world is simulated in this thread: its time is what `clock` says, and it has no other
/// thread, so that the same beginning always has the same end. Ends with the value.
#[must_use]
pub fn simulate(clock: impl Fn() -> Timestamp + 'static) -> Simulation {
    CLOCK.set(Some(Box::new(clock)));
    Simulation(())
}

/// A simulated world.
#[derive(Debug)]
pub struct Simulation(());

impl Drop for Simulation {
    fn drop(&mut self) {
        CLOCK.set(None);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures::future::join_all;

    use super::*;

    #[tokio::test]
    async fn a_simulated_world_has_its_own_time_and_one_thread() {
        let here = std::thread::current().id();
        {
            let _world = simulate(|| Timestamp::UNIX_EPOCH);
            assert_eq!(now(), Timestamp::UNIX_EPOCH);
            assert_eq!(aside(move || std::thread::current().id()).await.unwrap(), here);
        }
        assert!(now() > Timestamp::UNIX_EPOCH);
        assert_ne!(aside(move || std::thread::current().id()).await.unwrap(), here);
    }

    #[tokio::test]
    async fn a_few_pieces_of_work_are_done_aside_at_a_time() {
        let (doing, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let one = || {
            let (doing, most) = (doing.clone(), most.clone());
            aside(move || {
                most.fetch_max(doing.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(10));
                doing.fetch_sub(1, Ordering::SeqCst);
            })
        };
        join_all((0..5 * places()).map(|_| one())).await;
        assert!((2..=places()).contains(&most.load(Ordering::SeqCst)), "{most:?}");
        let broken = join_all((0..2 * places()).map(|_| aside::<()>(|| panic!("a fault")))).await;
        assert!(broken.iter().all(Result::is_err));
        assert!(aside(|| ()).await.is_ok(), "what breaks off gives its place back");
    }
}
