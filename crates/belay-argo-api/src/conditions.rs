//! The rules of `status.conditions`.

use belay_crd::Time;
use jiff::Timestamp;

use crate::{ApplicationCondition, ApplicationStatus};

impl ApplicationStatus {
    /// Replaces the conditions of the `evaluated` types by `found`. A condition that was there with the same type and
    /// message keeps its time; conditions of other types stay. The result is sorted.
    pub fn set_conditions(&mut self, found: Vec<ApplicationCondition>, evaluated: &[&str], now: Timestamp) {
        let before = std::mem::take(&mut self.conditions);
        let (replaced, mut kept): (Vec<_>, Vec<_>) =
            before.into_iter().partition(|condition| evaluated.contains(&condition.type_.as_str()));
        for mut condition in found {
            let same = |known: &&ApplicationCondition| {
                known.type_ == condition.type_ && known.message == condition.message
            };
            let known =
                replaced.iter().chain(&kept).find(same).map(|known| known.last_transition_time.clone());
            if let Some(time) = known {
                condition.last_transition_time = time;
            }
            kept.push(condition);
        }
        for condition in &mut kept {
            if condition.last_transition_time.is_unset() {
                condition.last_transition_time = Time::from(now);
            }
        }
        kept.sort_by(|left, right| (&left.type_, &left.message).cmp(&(&right.type_, &right.message)));
        self.conditions = kept;
    }
}

impl ApplicationCondition {
    /// A condition without a time yet; [`ApplicationStatus::set_conditions`] gives it one.
    pub fn new(type_: &str, message: impl Into<String>) -> ApplicationCondition {
        ApplicationCondition {
            type_: type_.to_owned(),
            message: message.into(),
            ..ApplicationCondition::default()
        }
    }

    /// Whether it is an error; warnings end in `Warning`.
    pub fn is_error(&self) -> bool {
        self.type_.ends_with("Error")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_message_keeps_its_time_and_other_types_stay() {
        let early: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
        let late: Timestamp = "2026-01-02T00:00:00Z".parse().expect("a time");
        let mut status = ApplicationStatus::default();
        let found = vec![
            ApplicationCondition::new("SyncError", "no"),
            ApplicationCondition::new("ComparisonError", "a"),
            ApplicationCondition::new("InvalidSpecError", "x"),
        ];
        status.set_conditions(found, &[], early);
        let found = vec![
            ApplicationCondition::new("ComparisonError", "a"),
            ApplicationCondition::new("InvalidSpecError", "y"),
        ];
        status.set_conditions(found, &["ComparisonError", "InvalidSpecError"], late);
        let seen: Vec<(&str, &str, &str)> = status
            .conditions
            .iter()
            .map(|c| (c.type_.as_str(), c.message.as_str(), c.last_transition_time.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                ("ComparisonError", "a", "2026-01-01T00:00:00Z"),
                ("InvalidSpecError", "y", "2026-01-02T00:00:00Z"),
                ("SyncError", "no", "2026-01-01T00:00:00Z"),
            ]
        );
    }
}
