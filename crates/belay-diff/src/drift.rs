//! Drift as a record for people: field, old and new value, who and when. Never a Secret's value.

use std::fmt;

use belay_manifest::{MASK, Object, ObjectKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::compare::Difference;

/// Longest value that a record shows, in characters.
const LONGEST_VALUE: usize = 120;

/// One field that somebody changed in the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The object.
    pub object: ObjectKey,
    /// The field's path.
    pub field: String,
    /// What Git says, as text; `-` when Git does not name the field.
    pub desired: String,
    /// What the cluster has, as text; `-` when the field is missing there.
    pub live: String,
    /// The field manager that set it, empty if unknown.
    pub manager: String,
    /// When that manager last changed the object (RFC 3339), empty if unknown.
    pub time: String,
    /// Who, as the API server's audit log says; empty where nobody tells.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
}

impl Drift {
    /// The record of an object that is there on one side only.
    pub fn of_whole(object: ObjectKey, is_desired: bool) -> Drift {
        let (desired, live) = if is_desired { ("present", "-") } else { ("-", "present") };
        Drift {
            object,
            field: "(whole object)".to_owned(),
            desired: desired.to_owned(),
            live: live.to_owned(),
            manager: String::new(),
            time: String::new(),
            user: String::new(),
        }
    }

    /// The record in one line, without its object.
    pub fn line(&self) -> String {
        let known = |text: &str, what: &str| {
            if text.is_empty() { format!("unknown {what}") } else { text.to_owned() }
        };
        let (manager, time) = (known(&self.manager, "manager"), known(&self.time, "time"));
        let user = if self.user.is_empty() { String::new() } else { format!(", by {} (audit)", self.user) };
        format!("{}: {} → {}, {manager}, {time}{user}", self.field, self.desired, self.live)
    }
}

/// The record in one line.
impl fmt::Display for Drift {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.object, self.line())
    }
}

/// The records of the differences of one object.
pub fn describe(object: &Object, differences: &[Difference]) -> Vec<Drift> {
    let is_secret = object.kind() == "Secret" && object.api_version() == "v1";
    let one = |difference: &Difference| Drift {
        object: object.key(),
        field: difference.path.to_string(),
        desired: text(difference.desired.as_ref(), is_secret),
        live: text(difference.live.as_ref(), is_secret),
        manager: difference.owner.as_ref().map(|owner| owner.manager.clone()).unwrap_or_default(),
        time: difference.owner.as_ref().map(|owner| owner.time.clone()).unwrap_or_default(),
        user: String::new(),
    };
    differences.iter().map(one).collect()
}

fn text(value: Option<&Value>, is_secret: bool) -> String {
    let text = match value {
        None => return "-".to_owned(),
        Some(_) if is_secret => return MASK.to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    if text.chars().count() <= LONGEST_VALUE {
        return text;
    }
    text.chars().take(LONGEST_VALUE - 1).chain(['…']).collect()
}
