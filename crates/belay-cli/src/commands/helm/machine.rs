//! The time, the random bytes and the names of this machine's network, for charts that ask for them.

use std::net::ToSocketAddrs;
use std::time::{SystemTime, UNIX_EPOCH};

use belay_gotemplate::{Clock, LocalZone, Moment, RandomSource};

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

    fn local_at(&self, seconds: i64) -> LocalZone {
        // Zones have no rules for the moments beyond those that jiff counts.
        let moment = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MIN);
        let zone = jiff::tz::TimeZone::system();
        let at = zone.to_offset_info(moment);
        LocalZone {
            offset: at.offset().seconds(),
            abbreviation: at.abbreviation().to_owned(),
            is_dst: at.dst().is_dst(),
        }
    }

    fn local_name(&self) -> String {
        // Go names the zone by the variable, and calls it UTC if that is empty or names none.
        let Some(name) = std::env::var_os("TZ") else { return "Local".to_owned() };
        let name = name.to_string_lossy().trim_start_matches(':').to_owned();
        let is_known = name.starts_with('/') || jiff::tz::TimeZone::get(&name).is_ok();
        if is_known && !name.is_empty() { name } else { "UTC".to_owned() }
    }
}

/// Random bytes fit for keys.
pub(super) struct SystemRandom;

impl RandomSource for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) {
        rand::Rng::fill(&mut rand::rng(), buffer);
    }
}

/// One of the addresses of a host, as `getHostByName` gives it; the error is what Go says where there is none.
pub(super) fn resolve_host(name: &str) -> Result<String, String> {
    let found = (name, 0).to_socket_addrs().map(|addresses| addresses.map(|address| address.ip()));
    let mut addresses: Vec<String> = found.into_iter().flatten().map(|address| address.to_string()).collect();
    addresses.dedup();
    let chosen = rand::Rng::random_range(&mut rand::rng(), 0..addresses.len().max(1));
    addresses.into_iter().nth(chosen).ok_or_else(|| "invalid argument to Intn".to_owned())
}
