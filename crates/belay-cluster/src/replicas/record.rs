//! What a Lease says, in client-go's format, and what follows from it. Pure: times come as arguments.
//!
//! Others' clocks are not believed: a record counts for as long as it says from the moment that *we* saw it change.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use tokio::time::Instant;

/// The longest that a record is believed to count, whatever it says.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// client-go's leader election record, as it stands in a Lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// Empty when the Lease was released.
    pub(super) holder: String,
    pub(super) lease_duration_seconds: i32,
    pub(super) acquired: Option<Timestamp>,
    pub(super) renewed: Option<Timestamp>,
    pub(super) transitions: i32,
}

impl Record {
    pub(super) fn of(lease: &Lease) -> Record {
        let spec = lease.spec.clone().unwrap_or_default();
        Record {
            holder: spec.holder_identity.unwrap_or_default(),
            lease_duration_seconds: spec.lease_duration_seconds.unwrap_or_default(),
            acquired: spec.acquire_time.map(|time| time.0),
            renewed: spec.renew_time.map(|time| time.0),
            transitions: spec.lease_transitions.unwrap_or_default(),
        }
    }

    /// The record of one who takes a Lease, after the record that is there.
    pub(super) fn taken(holder: &str, lasts: Duration, now: Timestamp, before: Option<&Record>) -> Record {
        Record {
            holder: holder.to_owned(),
            lease_duration_seconds: i32::try_from(lasts.as_secs()).unwrap_or(i32::MAX),
            acquired: Some(now),
            renewed: Some(now),
            transitions: before.map_or(0, |before| before.transitions.saturating_add(1)),
        }
    }

    /// The same for longer.
    pub(super) fn renewed(&self, now: Timestamp) -> Record {
        Record { renewed: Some(now), ..self.clone() }
    }

    /// The record of a Lease that anybody may take.
    pub(super) fn released(&self, now: Timestamp) -> Record {
        Record {
            holder: String::new(),
            lease_duration_seconds: 1,
            acquired: Some(now),
            renewed: Some(now),
            transitions: self.transitions,
        }
    }

    pub(super) fn spec(&self) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(self.holder.clone()),
            lease_duration_seconds: Some(self.lease_duration_seconds),
            acquire_time: self.acquired.map(MicroTime),
            renew_time: self.renewed.map(MicroTime),
            lease_transitions: Some(self.transitions),
            ..LeaseSpec::default()
        }
    }

    fn lasts(&self) -> Duration {
        let seconds = u64::try_from(self.lease_duration_seconds).unwrap_or_default();
        Duration::from_secs(seconds).min(LONGEST)
    }
}

/// A Lease, and since when its record is what it is, by our clock.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) lease: Lease,
    pub(super) record: Record,
    since: Instant,
}

impl Seen {
    pub(super) fn new(lease: Lease, now: Instant) -> Seen {
        Seen { record: Record::of(&lease), lease, since: now }
    }

    /// Takes in what was read or answered, unless something newer is known.
    pub(super) fn take_in(&mut self, lease: Lease, now: Instant) {
        if self.lease.metadata.uid == lease.metadata.uid && version(&lease) < version(&self.lease) {
            return;
        }
        let record = Record::of(&lease);
        if record != self.record || self.lease.metadata.uid != lease.metadata.uid {
            self.since = now;
        }
        (self.lease, self.record) = (lease, record);
    }

    /// When the record counts no more.
    pub(super) fn ends(&self) -> Instant {
        self.since + self.record.lasts()
    }

    /// Whether somebody holds it, as far as is known.
    pub(super) fn is_held(&self, now: Instant) -> bool {
        !self.record.holder.is_empty() && now < self.ends()
    }

    pub(super) fn annotation(&self, name: &str) -> Option<&str> {
        self.lease.metadata.annotations.as_ref()?.get(name).map(String::as_str)
    }

    pub(super) fn uid(&self) -> &str {
        self.lease.metadata.uid.as_deref().unwrap_or_default()
    }
}

fn version(lease: &Lease) -> u64 {
    let version = lease.metadata.resource_version.as_deref().unwrap_or_default();
    version.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(version: u32, record: &Record) -> Lease {
        let mut lease = Lease { spec: Some(record.spec()), ..Lease::default() };
        lease.metadata.resource_version = Some(version.to_string());
        lease
    }

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn records_are_written_and_read_as_client_go_does() {
        let record = Record::taken("belay-1_abc", Duration::from_secs(15), time(0), None);
        let written = serde_json::to_value(lease(1, &record)).unwrap();
        let spec = serde_json::json!({
            "holderIdentity": "belay-1_abc", "leaseDurationSeconds": 15, "leaseTransitions": 0,
            "acquireTime": "2027-01-15T08:00:00.000000Z", "renewTime": "2027-01-15T08:00:00.000000Z",
        });
        assert_eq!(written["spec"], spec);
        assert_eq!(Record::of(&serde_json::from_value(written).unwrap()), record);
        let renewed = record.renewed(time(2));
        assert_eq!((renewed.acquired, renewed.renewed), (Some(time(0)), Some(time(2))));
        let other = Record::taken("other", Duration::from_secs(15), time(30), Some(&renewed));
        assert_eq!((other.acquired, other.transitions), (Some(time(30)), 1));
        let released = other.released(time(31));
        assert_eq!((released.holder.as_str(), released.lease_duration_seconds), ("", 1));
        assert_eq!((released.acquired, released.transitions), (Some(time(31)), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_counts_from_when_it_was_seen_to_change_whatever_its_times_say() {
        let start = Instant::now();
        let second = |count| start + Duration::from_secs(count);
        // Its writer's clock is years off.
        let record = Record::taken("other", Duration::from_secs(15), Timestamp::UNIX_EPOCH, None);
        let mut seen = Seen::new(lease(1, &record), start);
        assert!(seen.is_held(second(14)) && !seen.is_held(second(15)));
        seen.take_in(lease(1, &record), second(10));
        assert!(!seen.is_held(second(15)), "the same record again is no renewal");
        let renewed = record.renewed(time(0));
        seen.take_in(lease(2, &renewed), second(10));
        assert!(seen.is_held(second(24)));
        seen.take_in(lease(1, &record), second(20));
        assert_eq!(seen.record, renewed, "what comes late is not believed");
        seen.take_in(lease(3, &renewed.released(time(1))), second(21));
        assert!(!seen.is_held(second(21)));
    }

    #[tokio::test(start_paused = true)]
    async fn absurd_durations_are_bounded() {
        let now = Instant::now();
        let of = |seconds| Record {
            lease_duration_seconds: seconds,
            ..Record::taken("other", Duration::from_secs(15), time(0), None)
        };
        assert!(!Seen::new(lease(1, &of(-5)), now).is_held(now));
        assert!(!Seen::new(lease(1, &of(i32::MAX)), now).is_held(now + LONGEST));
        assert!(!Seen::new(Lease::default(), now).is_held(now));
    }
}
