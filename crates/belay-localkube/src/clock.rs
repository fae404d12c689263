//! What time it is: the machine's, or one that moves with tokio's (possibly paused) clock.

use jiff::Timestamp;
use tokio::time::Instant;

/// The server's clock.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A fixed start that advances with tokio's clock; still when that is paused.
    Virtual {
        /// The time at `since`.
        start: Timestamp,
        /// When the clock was made.
        since: Instant,
    },
}

impl Clock {
    /// A clock that says `start` now and moves with tokio's clock.
    pub fn starting_at(start: Timestamp) -> Self {
        Self::Virtual { start, since: Instant::now() }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Virtual { start, since } => start.checked_add(since.elapsed()).unwrap_or(Timestamp::MAX),
        }
    }

    /// Now, as `metadata.creationTimestamp` has it.
    pub(crate) fn seconds(&self) -> String {
        seconds(self.now())
    }
}

/// A time with whole seconds.
pub(crate) fn seconds(time: Timestamp) -> String {
    format!("{}", time.strftime("%Y-%m-%dT%H:%M:%SZ"))
}
