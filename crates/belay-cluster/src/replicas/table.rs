//! Which replica holds which shard: the table that the leader writes, and how it comes to the next one. Pure.
//!
//! A shard of a replica that lives moves in two steps: in one table it is nobody's, and only when every replica has
//! followed that one does the next table give it to another. So two never hold one, however late they read.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// How many shards there are, unless a table says otherwise.
pub(super) const SHARDS: usize = 64;
/// As many as a table may have.
const MOST_SHARDS: usize = 4096;
/// What a shard weighs that nothing is in, so that empty ones are shared, too.
const EMPTY: u64 = 1;
/// Nothing moves for a difference below this part of the mean.
const TOLERANCE: u64 = 5;

/// Which replica holds which shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Table {
    /// Another one in each table.
    pub(super) version: u64,
    shards: usize,
    /// The shards of each replica. One that is nobody's is on its way to another.
    owners: BTreeMap<String, BTreeSet<usize>>,
}

/// Why a table cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum TableError {
    #[error("the table of shards cannot be read")]
    Json(#[from] serde_json::Error),
    #[error("the table of shards has {0} of them, which is none or more than {MOST_SHARDS}")]
    Count(usize),
    #[error("the table of shards names shard {0}, which is not one or is held by two")]
    Shard(usize),
}

impl Table {
    /// A table in which every shard is on its way.
    pub(super) fn new(version: u64) -> Table {
        Table { version, shards: SHARDS, owners: BTreeMap::new() }
    }

    pub(super) fn read(text: &str) -> Result<Table, TableError> {
        let table: Table = serde_json::from_str(text)?;
        if table.shards == 0 || table.shards > MOST_SHARDS {
            return Err(TableError::Count(table.shards));
        }
        let mut held = BTreeSet::new();
        for shard in table.owners.values().flatten() {
            if *shard >= table.shards || !held.insert(*shard) {
                return Err(TableError::Shard(*shard));
            }
        }
        Ok(table)
    }

    pub(super) fn write(&self) -> String {
        serde_json::to_string(self).expect("a map with keys that are text is JSON")
    }

    /// How many shards there are.
    pub(super) fn count(&self) -> usize {
        self.shards
    }

    /// The shards of a replica.
    pub(super) fn of(&self, replica: &str) -> BTreeSet<usize> {
        self.owners.get(replica).cloned().unwrap_or_default()
    }

    /// Whether some shard is on its way, for which everybody has to let go of it.
    pub(super) fn is_moving(&self) -> bool {
        self.owners.values().map(BTreeSet::len).sum::<usize>() < self.shards
    }

    /// The next table, if anything has to change. `alive` are the replicas that are there; `have_followed` is whether
    /// all of them have followed this table; `loads` are the weights of the shards.
    pub(super) fn next(&self, alive: &BTreeSet<String>, have_followed: bool, loads: &[u64]) -> Option<Table> {
        if alive.is_empty() {
            return None;
        }
        let mut next = self.clone();
        next.owners.retain(|owner, _| alive.contains(owner));
        let gone: BTreeSet<usize> = self
            .owners
            .iter()
            .filter(|(owner, _)| !alive.contains(*owner))
            .flat_map(|(_, own)| own.clone())
            .collect();
        for replica in alive {
            next.owners.entry(replica.clone()).or_default();
        }
        // What is on its way may still be worked on until all have followed; what a dead one held is not.
        let free = if have_followed { next.nobodys() } else { gone };
        next.give(free, loads);
        if have_followed {
            next.level(loads);
        }
        next.owners.retain(|_, shards| !shards.is_empty());
        let is_same = next.owners == self.owners;
        next.version = self.version + 1;
        (!is_same).then_some(next)
    }

    fn nobodys(&self) -> BTreeSet<usize> {
        let held: BTreeSet<usize> = self.owners.values().flatten().copied().collect();
        (0..self.shards).filter(|shard| !held.contains(shard)).collect()
    }

    /// Gives shards away, the heaviest first, each to who carries least.
    fn give(&mut self, shards: BTreeSet<usize>, loads: &[u64]) {
        let mut carried = self.carried(loads);
        let mut shards: Vec<usize> = shards.into_iter().collect();
        shards.sort_by_key(|shard| std::cmp::Reverse(weight(loads, *shard)));
        for shard in shards {
            let Some((replica, load)) = carried.iter_mut().min_by_key(|(_, load)| **load) else { return };
            *load += weight(loads, shard);
            self.owners.entry(replica.clone()).or_default().insert(shard);
        }
    }

    /// Takes shards from who carries most, for as long as that makes who carries least carry more alike.
    fn level(&mut self, loads: &[u64]) {
        let mut carried = self.carried(loads);
        let tolerated = carried.values().sum::<u64>() / carried.len().max(1) as u64 / TOLERANCE;
        let mut is_begun = false;
        for _ in 0..self.shards {
            let Some((least, low)) = carried.iter().min_by_key(|(_, load)| **load) else { return };
            let Some((most, high)) = carried.iter().max_by_key(|(_, load)| **load) else { return };
            let (gap, least, most) = (high - low, least.clone(), most.clone());
            if gap <= if is_begun { tolerated / 4 } else { tolerated } {
                return;
            }
            // What moves at all moves as far as it is worth it.
            is_begun = true;
            let own = self.owners.get(&most).into_iter().flatten().copied();
            let fitting = own.filter(|shard| weight(loads, *shard) < gap);
            let Some(shard) = fitting.min_by_key(|shard| weight(loads, *shard).abs_diff(gap / 2)) else {
                return;
            };
            self.owners.entry(most.clone()).or_default().remove(&shard);
            // It is nobody's for now; who carries least will have it.
            *carried.entry(most).or_default() -= weight(loads, shard);
            *carried.entry(least).or_default() += weight(loads, shard);
        }
    }

    fn carried(&self, loads: &[u64]) -> BTreeMap<String, u64> {
        let carried = |shards: &BTreeSet<usize>| shards.iter().map(|shard| weight(loads, *shard)).sum();
        self.owners.iter().map(|(replica, shards)| (replica.clone(), carried(shards))).collect()
    }
}

fn weight(loads: &[u64], shard: usize) -> u64 {
    loads.get(shard).copied().unwrap_or_default().min(1 << 32) + EMPTY
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replicas(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// Tables until nothing changes, all being followed at once.
    fn settle(mut table: Table, alive: &BTreeSet<String>, loads: &[u64]) -> Table {
        for _ in 0..10 {
            match table.next(alive, true, loads) {
                Some(next) => table = Table::read(&next.write()).expect("a table can be read"),
                None => return table,
            }
        }
        panic!("tables change for ever: {table:?}")
    }

    fn sizes(table: &Table, alive: &BTreeSet<String>) -> Vec<usize> {
        alive.iter().map(|replica| table.of(replica).len()).collect()
    }

    #[test]
    fn shards_are_shared_and_shared_again_when_one_comes_or_goes() {
        let three = replicas(&["a", "b", "c"]);
        let one = settle(Table::new(1), &replicas(&["a"]), &[]);
        assert_eq!(one.of("a").len(), SHARDS);
        let shared = settle(one, &three, &[]);
        assert!(sizes(&shared, &three).iter().all(|size| (19..=24).contains(size)), "{shared:?}");
        let two = replicas(&["a", "c"]);
        let again = shared.next(&two, false, &[]).expect("b's are free at once");
        assert!(!again.is_moving(), "{again:?}");
        assert!(again.of("a").is_superset(&shared.of("a")) && again.of("c").is_superset(&shared.of("c")));
        assert_eq!(again.next(&two, true, &[]), None);
    }

    #[test]
    fn a_living_replicas_shard_is_nobodys_until_all_have_let_go() {
        let one = settle(Table::new(1), &replicas(&["a"]), &[]);
        let two = replicas(&["a", "b"]);
        let taken = one.next(&two, true, &[]).expect("half of it moves");
        assert!(
            taken.is_moving() && taken.of("b").is_empty() && taken.of("a").len() == SHARDS / 2,
            "{taken:?}"
        );
        assert_eq!(taken.next(&two, false, &[]), None);
        let given = taken.next(&two, true, &[]).expect("all have followed");
        assert_eq!((given.of("b").len(), given.is_moving()), (SHARDS / 2, false));
        assert_eq!(given.version, 1 + 3);
    }

    #[test]
    fn what_is_on_its_way_when_a_replica_dies_is_given_when_the_others_have_followed() {
        let one = settle(Table::new(1), &replicas(&["a", "b"]), &[]);
        let taken = one.next(&replicas(&["a", "b", "c"]), true, &[]).expect("a third of it moves");
        let without = taken.next(&replicas(&["b", "c"]), false, &[]).expect("a's are free");
        assert!(without.is_moving(), "what b had may still be in b's work");
        assert!(!without.of("c").is_empty());
        let given = without.next(&replicas(&["b", "c"]), true, &[]).expect("all have followed");
        assert!(!given.is_moving());
    }

    #[test]
    fn shards_follow_load_and_stay_where_the_difference_is_small() {
        let two = replicas(&["a", "b"]);
        let even = settle(Table::new(1), &two, &[]);
        let mut loads = vec![10; SHARDS];
        even.of("a").iter().for_each(|shard| loads[*shard] = 100);
        let moved = settle(even.clone(), &two, &loads);
        let carried: Vec<u64> = moved.carried(&loads).into_values().collect();
        assert!(carried[0].abs_diff(carried[1]) * TOLERANCE <= (carried[0] + carried[1]) / 2, "{carried:?}");
        assert!(moved.of("a").len() < even.of("a").len());
        let mut slightly = vec![10; SHARDS];
        slightly[*even.of("a").first().expect("it has some")] = 12;
        assert_eq!(even.next(&two, true, &slightly), None);
        let mut one_heavy = vec![0; SHARDS];
        one_heavy[0] = 1_000_000;
        let alone = settle(even, &two, &one_heavy);
        assert_eq!(sizes(&alone, &two).into_iter().min(), Some(1), "the heavy one is alone: {alone:?}");
    }

    #[test]
    fn tables_that_nobody_wrote_are_refused() {
        for (text, reason) in [
            ("{", "cannot be read"),
            (r#"{"version": 1, "shards": 0, "owners": {}}"#, "none or more"),
            (r#"{"version": 1, "shards": 5000, "owners": {}}"#, "none or more"),
            (r#"{"version": 1, "shards": 2, "owners": {"a": [2]}}"#, "names shard 2"),
            (r#"{"version": 1, "shards": 2, "owners": {"a": [0], "b": [0]}}"#, "held by two"),
            (r#"{"version": -1, "shards": 2, "owners": {}}"#, "cannot be read"),
        ] {
            let error = Table::read(text).expect_err(text).to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
