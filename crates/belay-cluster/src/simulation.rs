//! What a simulated world replaces: the machine's clock, and threads.

use std::cell::RefCell;

use jiff::Timestamp;
use tokio::task::JoinError;

type Clock = Box<dyn Fn() -> Timestamp>;

thread_local! {
    static CLOCK: RefCell<Option<Clock>> = const { RefCell::new(None) };
}

/// The time now: the machine's, or that of the world simulated in this thread.
pub fn now() -> Timestamp {
    CLOCK.with_borrow(|clock| clock.as_ref().map_or_else(Timestamp::now, |clock| clock()))
}

/// Does work that takes its time where it holds nobody up; in a simulated world, here and now.
pub async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, JoinError> {
    if CLOCK.with_borrow(Option::is_some) {
        return Ok(work());
    }
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
}
