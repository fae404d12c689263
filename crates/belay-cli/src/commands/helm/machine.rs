//! The time and random bytes of this machine, for charts that ask for them.

use std::time::{SystemTime, UNIX_EPOCH};

use belay_gotemplate::{Clock, Moment, RandomSource};

/// The machine's clock and time zone.
pub(super) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment {
            seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            nanoseconds: since.subsec_nanos(),
            offset: jiff::Zoned::now().offset().seconds(),
        }
    }
}

/// Random bytes fit for keys.
pub(super) struct SystemRandom;

impl RandomSource for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) {
        rand::Rng::fill(&mut rand::rng(), buffer);
    }
}
