//! Who changed an object, as the API server's audit log tells it.

use std::collections::{HashMap, VecDeque};

use belay_diff::Drift;
use belay_manifest::ObjectKey;
use jiff::{SignedDuration, Timestamp};

/// Objects remembered; those that were changed longest ago are forgotten first.
const MOST_OBJECTS: usize = 10_000;
/// Changes remembered of one object.
const OF_ONE_OBJECT: usize = 10;
/// `managedFields` tell the second in which a change was made; the audit log when the request came.
const APART: SignedDuration = SignedDuration::from_secs(2);

/// A change of an object by somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedChange {
    /// The object.
    pub object: ObjectKey,
    /// Who, as the API server knows them.
    pub user: String,
    /// The field manager of the request.
    pub manager: String,
    /// When the request was answered.
    pub time: Timestamp,
}

/// The newest changes of each object.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    changes: HashMap<ObjectKey, VecDeque<AuditedChange>>,
    /// Objects in the order in which they were first heard of.
    order: VecDeque<ObjectKey>,
}

impl Trail {
    /// Takes a change in.
    pub(crate) fn add(&mut self, change: AuditedChange) {
        let key = change.object.clone();
        let changes = self.changes.entry(key.clone()).or_default();
        if changes.is_empty() {
            self.order.push_back(key);
        }
        changes.push_back(change);
        if changes.len() > OF_ONE_OBJECT {
            changes.pop_front();
        }
        if self.order.len() > MOST_OBJECTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.changes.remove(&oldest);
        }
    }

    /// Names who changed these fields, of those that nobody is named for. Gives whether somebody could be named.
    pub(crate) fn name(&self, fields: &mut [Drift]) -> bool {
        let mut is_news = false;
        for field in fields.iter_mut().filter(|field| field.user.is_empty()) {
            if let Some(user) = self.author(&field.object, &field.manager, &field.time) {
                field.user = user.to_owned();
                is_news = true;
            }
        }
        is_news
    }

    /// Who changed an object by a manager at a time (RFC 3339), as far as both are known.
    pub(crate) fn author(&self, object: &ObjectKey, manager: &str, time: &str) -> Option<&str> {
        let time = time.parse::<Timestamp>().ok().filter(|_| !manager.is_empty())?;
        let is_theirs = |change: &&AuditedChange| {
            change.manager == manager && change.time.duration_since(time).abs() <= APART
        };
        let changes = self.changes.get(object)?;
        changes.iter().rev().find(is_theirs).map(|change| change.user.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str) -> ObjectKey {
        ObjectKey {
            group: String::new(),
            kind: "ConfigMap".into(),
            namespace: "shop".into(),
            name: name.into(),
        }
    }

    fn change(name: &str, user: &str, manager: &str, seconds: i64) -> AuditedChange {
        let time = Timestamp::from_second(seconds).unwrap();
        AuditedChange { object: object(name), user: user.into(), manager: manager.into(), time }
    }

    fn drift(name: &str, manager: &str, seconds: i64) -> Drift {
        Drift {
            object: object(name),
            field: "data.a".into(),
            desired: "1".into(),
            live: "2".into(),
            manager: manager.into(),
            time: Timestamp::from_second(seconds).unwrap().to_string(),
            user: String::new(),
        }
    }

    #[test]
    fn only_who_sent_the_request_that_set_the_field_is_named() {
        let mut trail = Trail::default();
        trail.add(change("a", "ada", "kubectl-edit", 100));
        trail.add(change("a", "bob", "kubectl-edit", 200));
        trail.add(change("a", "eve", "k9s", 100));
        let who = |name: &str, manager: &str, seconds| {
            let mut fields = [drift(name, manager, seconds)];
            trail.name(&mut fields).then(|| fields[0].user.clone())
        };
        assert_eq!(who("a", "kubectl-edit", 101).as_deref(), Some("ada"));
        assert_eq!(who("a", "kubectl-edit", 150), None, "nobody was heard of then");
        assert_eq!(who("a", "hpa", 100), None, "another manager");
        assert_eq!(who("b", "kubectl-edit", 100), None, "another object");
    }

    #[test]
    fn the_trail_is_bounded() {
        let mut trail = Trail::default();
        for number in 0..(MOST_OBJECTS + 5) {
            trail.add(change(&number.to_string(), "ada", "m", 1));
        }
        assert_eq!((trail.changes.len(), trail.order.len()), (MOST_OBJECTS, MOST_OBJECTS));
        (0..50).for_each(|second| trail.add(change("7", "ada", "m", second)));
        assert_eq!(trail.changes[&object("7")].len(), OF_ONE_OBJECT);
    }
}
