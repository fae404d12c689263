//! Several replicas that share the work by Leases.
//!
//! ```text
//! Lease belay              who leads, in client-go's format; its annotation says who holds which shard
//! Lease belay-HOST-RANDOM  one life of one replica: renewed while it lives, gone when it has ended
//! ```
//!
//! Guarantees, whatever clocks say and however long a process is stopped:
//! - A replica writes only while its own Lease was renewed less than the renew deadline ago, by its own monotonic clock
//!   ([`Gate`]). Others take its work only when its Lease has gone: it removed it after it had let go, or the leader did,
//!   having seen it unchanged for the whole, longer lease duration, and removing exactly the version that it saw.
//! - A replica whose Lease has ended never comes back under that name: it lets go of everything and begins a new life.
//! - The table of shards is part of the leader's Lease, so that a leader of the past cannot write it.
//! - A shard of a living replica is another's only after all have said that they let go of it.

mod gate;
mod life;
mod record;
mod share;
mod step;
mod table;

use std::time::Duration;

use kube::Client;

pub use gate::{Closed, Gate};
use life::{End, Life};
pub use share::{Share, ShareChanges};

/// How long a replica that ends has for it.
const LEAVING: Duration = Duration::from_millis(1900);

/// How replicas share the work. The times are client-go's, and mean the same.
#[derive(Debug, Clone)]
pub struct ReplicaSettings {
    /// Where the Leases are.
    pub namespace: String,
    /// The leader's Lease, and what the names of others begin with.
    pub name: String,
    /// What this replica's name begins with, such as the pod's name.
    pub host: String,
    /// How long others wait for a replica that is not heard of.
    pub lease_duration: Duration,
    /// How long a replica goes on that cannot renew its Lease.
    pub renew_deadline: Duration,
    /// How often it is renewed.
    pub retry_period: Duration,
}

impl Default for ReplicaSettings {
    fn default() -> ReplicaSettings {
        ReplicaSettings {
            namespace: "default".to_owned(),
            name: "belay".to_owned(),
            host: "replica".to_owned(),
            lease_duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
        }
    }
}

/// Times that do not go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplicaSettingsError {
    /// Leases are counted in seconds.
    #[error("the lease duration has to be whole seconds, of which there are 1 to 3600")]
    LeaseDuration,
    /// Others would take over from one that still works.
    #[error("the lease duration has to be greater than the renew deadline")]
    RenewDeadline,
    /// There would be no second try.
    #[error("the renew deadline has to be greater than 1.2 times the retry period, which is not 0")]
    RetryPeriod,
}

impl ReplicaSettings {
    /// That the times go together, by client-go's rules.
    pub fn check(&self) -> Result<(), ReplicaSettingsError> {
        let seconds = self.lease_duration.as_secs();
        if self.lease_duration.subsec_nanos() > 0 || !(1..=3600).contains(&seconds) {
            return Err(ReplicaSettingsError::LeaseDuration);
        }
        if self.lease_duration <= self.renew_deadline {
            return Err(ReplicaSettingsError::RenewDeadline);
        }
        if self.retry_period.is_zero() || self.renew_deadline <= self.retry_period.mul_f64(1.2) {
            return Err(ReplicaSettingsError::RetryPeriod);
        }
        Ok(())
    }
}

/// One of several replicas.
#[derive(Clone)]
pub struct Replica {
    client: Client,
    settings: ReplicaSettings,
    gate: Gate,
    share: Share,
}

impl Replica {
    /// One that holds nothing and may write nothing until it [runs](Replica::run).
    pub fn new(client: Client, settings: ReplicaSettings) -> Replica {
        Replica { client, settings, gate: Gate::closed(), share: Share::nothing() }
    }

    /// What its writes have to pass.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// What of the work is its own.
    pub fn share(&self) -> &Share {
        &self.share
    }

    /// Holds its share of the work until `stop` is over, and then hands it over. `loads` tells what each piece of work
    /// weighs, by its key.
    pub async fn run(&self, loads: impl Fn() -> Vec<(String, u64)>, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut former = None;
        loop {
            let mut life = Life::new(self, former.take());
            match life.live(&loads, stop.as_mut()).await {
                End::Stopped => {
                    self.share.give_up(false);
                    if tokio::time::timeout(LEAVING, life.leave()).await.is_err() {
                        tracing::warn!("the others could not be told in time that this replica ends");
                    }
                    self.gate.open(None);
                    return;
                }
                End::Lost => {
                    // Before anything may be written again, all that was begun has to have ended.
                    self.gate.open(None);
                    self.share.give_up(true);
                    self.share.settled().await;
                    former = Some(life.name);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_to_go_together() {
        let usual = ReplicaSettings::default();
        let of = |lease: u64, renew: u64, retry: u64| {
            let [lease_duration, renew_deadline, retry_period] =
                [lease, renew, retry].map(Duration::from_millis);
            ReplicaSettings { lease_duration, renew_deadline, retry_period, ..usual.clone() }.check()
        };
        assert_eq!(usual.check(), Ok(()));
        assert_eq!(of(15_000, 15_000, 2_000), Err(ReplicaSettingsError::RenewDeadline));
        assert_eq!(of(15_000, 2_400, 2_000), Err(ReplicaSettingsError::RetryPeriod));
        assert_eq!(of(15_000, 10_000, 0), Err(ReplicaSettingsError::RetryPeriod));
        assert_eq!(of(1_500, 1_000, 200), Err(ReplicaSettingsError::LeaseDuration));
        assert_eq!(of(0, 0, 0), Err(ReplicaSettingsError::LeaseDuration));
    }
}
