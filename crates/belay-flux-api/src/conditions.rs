//! The rules of `status.conditions`: one of each type, Ready first, and the time only moves when something changed.

use belay_crd::Time;
use jiff::Timestamp;

use crate::{Condition, ConditionStatus};

/// The API server takes no longer message.
const LONGEST: usize = 32_768;
const CUT: &str = "...";

/// A message that is taken, cut off as the original cuts it.
fn shortened(mut message: String) -> String {
    if message.len() > LONGEST {
        let end = message.floor_char_boundary(LONGEST - CUT.len());
        message.truncate(end);
        message.push_str(CUT);
    }
    message
}

impl Condition {
    /// A condition without a time yet; [`set_condition`] gives it one.
    pub fn new(
        type_: &str,
        status: ConditionStatus,
        reason: &str,
        message: impl Into<String>,
        generation: i64,
    ) -> Condition {
        Condition {
            type_: type_.to_owned(),
            status,
            reason: reason.to_owned(),
            message: shortened(message.into()),
            observed_generation: Some(generation),
            ..Condition::default()
        }
    }

    fn same_state(&self, other: &Condition) -> bool {
        self.status == other.status
            && self.reason == other.reason
            && self.message == other.message
            && self.observed_generation == other.observed_generation
    }
}

/// Adds a condition or replaces the one of its type. Without a change in status, reason, message and generation the one
/// that is there stays with its time. The list stays sorted: Ready, Reconciling, Stalled, then by name.
pub fn set_condition(conditions: &mut Vec<Condition>, mut condition: Condition, now: Timestamp) {
    match conditions.iter_mut().find(|known| known.type_ == condition.type_) {
        Some(known) if known.same_state(&condition) => {}
        Some(known) => {
            condition.last_transition_time = Time::from(now);
            *known = condition;
        }
        None => {
            condition.last_transition_time = Time::from(now);
            conditions.push(condition);
        }
    }
    conditions
        .sort_by(|left, right| (rank(&left.type_), &left.type_).cmp(&(rank(&right.type_), &right.type_)));
}

/// Removes the condition of a type.
pub fn remove_condition(conditions: &mut Vec<Condition>, type_: &str) {
    conditions.retain(|condition| condition.type_ != type_);
}

/// The condition of a type.
pub fn find_condition<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == type_)
}

/// Whether the condition of a type is there and True.
pub fn is_true(conditions: &[Condition], type_: &str) -> bool {
    find_condition(conditions, type_).is_some_and(|condition| condition.status == ConditionStatus::True)
}

fn rank(type_: &str) -> usize {
    match type_ {
        "Ready" => 0,
        "Reconciling" => 1,
        "Stalled" => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn bad_r12_a_message_is_no_longer_than_the_api_server_takes() {
        let condition =
            |message: String| Condition::new("Ready", ConditionStatus::False, "Failed", message, 1);
        let long = condition("\u{e4}".repeat(LONGEST)).message;
        assert!(long.len() <= LONGEST && long.len() > LONGEST - 5 && long.ends_with(CUT));
        assert_eq!(condition("x".repeat(LONGEST)).message.len(), LONGEST);
    }

    #[test]
    fn the_time_moves_only_with_a_change() {
        let ready = |message: &str| Condition::new("Ready", ConditionStatus::True, "Succeeded", message, 1);
        let mut conditions = Vec::new();
        set_condition(&mut conditions, ready("one"), at("2026-01-01T00:00:00Z"));
        set_condition(&mut conditions, ready("one"), at("2026-01-02T00:00:00Z"));
        assert_eq!(conditions[0].last_transition_time.as_str(), "2026-01-01T00:00:00Z");
        set_condition(&mut conditions, ready("two"), at("2026-01-03T00:00:00Z"));
        assert_eq!(conditions[0].last_transition_time.as_str(), "2026-01-03T00:00:00Z");
        assert_eq!(conditions.len(), 1);
    }

    #[test]
    fn ready_comes_first() {
        let mut conditions = Vec::new();
        for type_ in ["ArtifactInStorage", "Stalled", "Ready", "Reconciling"] {
            let condition = Condition::new(type_, ConditionStatus::True, "Reason", "", 1);
            set_condition(&mut conditions, condition, at("2026-01-01T00:00:00Z"));
        }
        let order: Vec<&str> = conditions.iter().map(|condition| condition.type_.as_str()).collect();
        assert_eq!(order, ["Ready", "Reconciling", "Stalled", "ArtifactInStorage"]);
        remove_condition(&mut conditions, "Reconciling");
        assert!(find_condition(&conditions, "Reconciling").is_none());
        assert!(is_true(&conditions, "Ready"));
    }
}
