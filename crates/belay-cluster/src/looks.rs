//! What is being worked on: each look at an app, the step that it is at, and since when. The same steps are spans for
//! whoever follows traces.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::Instrument;

tokio::task_local! {
    /// The look that this task makes.
    static LOOK: Guard;
}

/// The looks that go on now. A copy is another handle on the same ones.
#[derive(Debug, Clone, Default)]
pub struct Looks(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    next: u64,
    running: BTreeMap<u64, Look>,
}

#[derive(Debug)]
struct Look {
    app: String,
    began: Instant,
    step: &'static str,
    step_began: Instant,
}

/// A look that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningLook {
    /// The app, such as `Application/argocd/web`.
    pub app: String,
    /// What is being done: `read`, `render`, `compare`, `plan`, `apply`, `report`.
    pub step: &'static str,
    /// Since when.
    pub step_age: Duration,
    /// Since when it is looked at.
    pub age: Duration,
}

impl Looks {
    /// Makes a look at an app.
    pub async fn at<T>(&self, app: String, work: impl Future<Output = T>) -> T {
        let span = tracing::info_span!(target: "belay::steps", "look", app);
        let now = Instant::now();
        let look = Look { app, began: now, step: "read", step_began: now };
        LOOK.scope(self.begin(look), work).instrument(span).await
    }

    /// What goes on, the oldest first.
    pub fn running(&self) -> Vec<RunningLook> {
        let now = Instant::now();
        let mut running: Vec<RunningLook> = lock(&self.0)
            .running
            .values()
            .map(|look| RunningLook {
                app: look.app.clone(),
                step: look.step,
                step_age: now.saturating_duration_since(look.step_began),
                age: now.saturating_duration_since(look.began),
            })
            .collect();
        running.sort_by_key(|look| std::cmp::Reverse(look.age));
        running
    }

    fn begin(&self, look: Look) -> Guard {
        let mut state = lock(&self.0);
        state.next += 1;
        let number = state.next;
        state.running.insert(number, look);
        Guard { looks: self.clone(), number }
    }
}

/// Makes one step of the look that this task makes.
pub async fn step<T>(name: &'static str, work: impl Future<Output = T>) -> T {
    let before = LOOK.try_with(|guard| guard.enter(name)).ok().flatten();
    let done = work.instrument(tracing::info_span!(target: "belay::steps", "step", otel.name = name)).await;
    if let Some(before) = before {
        let _ = LOOK.try_with(|guard| guard.enter(before));
    }
    done
}

/// A look in the list, until it ends or is given up.
struct Guard {
    looks: Looks,
    number: u64,
}

impl Guard {
    /// Notes another step, and gives the one before.
    fn enter(&self, step: &'static str) -> Option<&'static str> {
        let mut state = lock(&self.looks.0);
        let look = state.running.get_mut(&self.number)?;
        look.step_began = Instant::now();
        Some(std::mem::replace(&mut look.step, step))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        lock(&self.looks.0).running.remove(&self.number);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_look_shows_its_step_and_age_until_it_ends() {
        let looks = Looks::default();
        let stuck = looks.at("ks/apps/web".to_owned(), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            step("apply", tokio::time::sleep(Duration::from_secs(60))).await;
        });
        let watch = async {
            tokio::time::sleep(Duration::from_secs(31)).await;
            looks.running()
        };
        let ((), seen) = tokio::join!(stuck, watch);
        let expected = RunningLook {
            app: "ks/apps/web".to_owned(),
            step: "apply",
            step_age: Duration::from_secs(30),
            age: Duration::from_secs(31),
        };
        assert_eq!(seen, [expected]);
        assert!(looks.running().is_empty());
    }

    #[tokio::test]
    async fn a_look_that_is_given_up_is_gone() {
        let looks = Looks::default();
        let stuck = looks.at("a".to_owned(), std::future::pending::<()>());
        let _late = tokio::time::timeout(Duration::from_millis(5), stuck).await;
        assert!(looks.running().is_empty());
    }
}
