//! Ping-pong: another manager that undoes our repairs again and again.

use std::collections::BTreeMap;

use belay_diff::Drift;
use jiff::{SignedDuration, Timestamp};

use crate::entry::{Decision, Entry, Trigger};

/// After this many repairs of one field, of which each was undone, repairing is no help.
const FLIPS: usize = 5;
/// Repairs that lie further apart are no quarrel.
const WITHIN: SignedDuration = SignedDuration::from_mins(30);

/// Somebody who changes a field back each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contest {
    /// The field as it was seen last, with its manager.
    pub drift: Drift,
    /// How often it was repaired.
    pub flips: usize,
    /// The first of these repairs.
    pub since: Timestamp,
}

impl std::fmt::Display for Contest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Drift { object, field, live, manager, .. } = &self.drift;
        let manager = if manager.is_empty() { "an unknown manager" } else { manager };
        write!(
            formatter,
            "{manager} sets {object} {field} to {live} each time it is repaired ({} times since {:.0}); \
             self-heal is paused",
            self.flips, self.since
        )
    }
}

/// The fields of one app that were repaired too often of late. `entries` are that app's, oldest first.
pub fn contests(entries: &[Entry], now: Timestamp) -> Vec<Contest> {
    let mut found: BTreeMap<_, Contest> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| now.duration_since(entry.time) <= WITHIN) {
        let (Trigger::Drift { fields }, Decision::Sync { .. }) = (&entry.trigger, &entry.decision) else {
            continue;
        };
        for drift in fields {
            let key = (drift.object.clone(), drift.field.clone(), drift.manager.clone());
            let contest =
                found.entry(key).or_insert(Contest { drift: drift.clone(), flips: 0, since: entry.time });
            contest.flips += 1;
            contest.drift = drift.clone();
        }
    }
    found.into_values().filter(|contest| contest.flips >= FLIPS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_manifest::ObjectKey;

    fn at(minutes: i64) -> Timestamp {
        "2026-01-01T00:00:00Z".parse::<Timestamp>().expect("a time") + SignedDuration::from_mins(minutes)
    }

    fn repair(minutes: i64, field: &str, manager: &str) -> Entry {
        let object = ObjectKey {
            group: "apps".into(),
            kind: "Deployment".into(),
            namespace: "prod".into(),
            name: "web".into(),
        };
        let drift = Drift {
            object,
            field: field.into(),
            desired: "2".into(),
            live: "5".into(),
            manager: manager.into(),
            time: at(minutes).to_string(),
            user: String::new(),
        };
        Entry {
            time: at(minutes),
            app: "app/argocd/web".into(),
            revision: "r".into(),
            trigger: Trigger::Drift { fields: vec![drift] },
            decision: Decision::Sync { by: "self-heal".into() },
        }
    }

    #[test]
    fn five_repairs_of_one_field_by_one_manager_are_a_contest() {
        let mut entries: Vec<Entry> = (0..5).map(|n| repair(n, "spec.replicas", "hpa")).collect();
        entries.push(repair(2, "spec.paused", "hpa"));
        let found = contests(&entries, at(5));
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].to_string(),
            "hpa sets Deployment/prod/web spec.replicas to 5 each time it is repaired (5 times since \
             2026-01-01T00:00:00Z); self-heal is paused"
        );
        assert!(contests(&entries[1..], at(5)).is_empty(), "four are none");
        assert!(contests(&entries, at(31)).is_empty(), "the first has been forgotten");
    }

    #[test]
    fn different_managers_do_not_add_up_and_what_was_left_does_not_count() {
        let mut entries: Vec<Entry> =
            (0..4).flat_map(|n| [repair(n, "spec.replicas", "a"), repair(n, "spec.replicas", "b")]).collect();
        assert!(contests(&entries, at(5)).is_empty());
        let mut left = repair(4, "spec.replicas", "a");
        left.decision = Decision::Leave { rule: crate::Rule::Policy, message: String::new() };
        entries.push(left);
        assert!(contests(&entries, at(5)).is_empty());
    }
}
