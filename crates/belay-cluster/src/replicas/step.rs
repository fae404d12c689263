//! What a replica does next, from what it knows. Pure: the time comes as an argument.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::record::Seen;
use super::share::shard_of;
use super::table::Table;

/// On the leader's Lease: who holds which shard.
pub(super) const TABLE: &str = "belay.dev/shards";
/// On a replica's Lease: the table that it has followed.
pub(super) const FOLLOWED: &str = "belay.dev/followed";

/// What a replica knows.
pub(super) struct View<'a> {
    /// Its own Lease's name, by which it holds shards.
    pub(super) own: &'a str,
    /// The leader's Lease.
    pub(super) leader: Option<&'a Seen>,
    /// The Leases of all replicas, by name; its own is among them.
    pub(super) members: &'a BTreeMap<String, Seen>,
    /// When its own was renewed last, and when the leader's was, if it leads.
    pub(super) renewed: Instant,
    pub(super) led: Instant,
    pub(super) retry_period: Duration,
    /// Whether it works on nothing that is not its own.
    pub(super) is_settled: bool,
    /// What each piece of work weighs, by its key.
    pub(super) loads: &'a [(String, u64)],
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Renew the own Lease.
    Renew,
    /// Tell that a table was followed.
    Follow(String),
    /// Take the leader's Lease, which nobody holds.
    Lead,
    /// Renew the leader's Lease.
    KeepLeading,
    /// Write another table.
    Write(Table),
    /// Remove the Lease of a replica that has not been heard of for too long.
    Bury(String),
    /// Nothing until then.
    Wait(Instant),
}

/// The table as it stands in the leader's Lease; why there is none.
pub(super) fn table_of(leader: &Seen) -> Option<Table> {
    let text = leader.annotation(TABLE)?;
    let table = Table::read(text);
    table.inspect_err(|error| tracing::warn!(error = belay_causes::chain(error), "it is written anew")).ok()
}

/// By what a replica says that it has followed a table: a Lease that was made anew has others.
pub(super) fn mark(leader: &Seen, table: &Table) -> String {
    format!("{}/{}", leader.uid(), table.version)
}

impl View<'_> {
    pub(super) fn is_leader(&self) -> bool {
        self.leader.is_some_and(|leader| leader.record.holder == self.own)
    }

    /// The most urgent first.
    pub(super) fn next(&self, now: Instant, wall: jiff::Timestamp) -> Step {
        let renew = self.renewed + self.retry_period;
        if now >= renew {
            return Step::Renew;
        }
        let Some(leader) = self.leader.filter(|leader| self.is_leader() || leader.is_held(now)) else {
            return Step::Lead;
        };
        let table = table_of(leader);
        if let Some(table) = &table
            && let Some(mark) = self.to_follow(leader, table)
        {
            return Step::Follow(mark);
        }
        if !self.is_leader() {
            return Step::Wait(renew.min(leader.ends()));
        }
        if now >= self.led + self.retry_period {
            return Step::KeepLeading;
        }
        let others = || self.members.iter().filter(|(name, _)| name.as_str() != self.own);
        if let Some((name, _)) = others().find(|(_, seen)| !seen.is_held(now)) {
            return Step::Bury(name.clone());
        }
        match self.next_table(leader, table, wall) {
            Some(next) => Step::Write(next),
            None => {
                let ends = others().map(|(_, seen)| seen.ends());
                let last = renew.min(self.led + self.retry_period);
                Step::Wait(ends.fold(last, Instant::min))
            }
        }
    }

    /// What is to be told of a table, once everything is as it says. Nobody asks while nothing moves.
    fn to_follow(&self, leader: &Seen, table: &Table) -> Option<String> {
        let mark = mark(leader, table);
        let told = self.members.get(self.own)?.annotation(FOLLOWED);
        (table.is_moving() && self.is_settled && told != Some(mark.as_str())).then_some(mark)
    }

    fn next_table(&self, leader: &Seen, table: Option<Table>, wall: jiff::Timestamp) -> Option<Table> {
        let Some(table) = table else {
            // A number that no table of the past has.
            return Some(Table::new(u64::try_from(wall.as_microsecond()).unwrap_or_default()));
        };
        let alive: BTreeSet<String> = self.members.keys().cloned().collect();
        let mark = mark(leader, &table);
        let has_followed = |seen: &Seen| seen.annotation(FOLLOWED) == Some(mark.as_str());
        let have_followed = !table.is_moving() || self.members.values().all(has_followed);
        table.next(&alive, have_followed, &self.weights(table.count()))
    }

    fn weights(&self, count: usize) -> Vec<u64> {
        let mut weights = vec![0_u64; count.max(1)];
        for (key, weight) in self.loads {
            let sum = &mut weights[shard_of(key, count)];
            *sum = sum.saturating_add(*weight);
        }
        weights
    }
}
