//! Drift as a record for people: field, old and new value, who and when. Never a Secret's value.

use std::fmt;

use belay_manifest::{MASK, Object, ObjectKey};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Sha256;

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

/// The key of the digests that stand for values of Secrets: equal values have equal ones, and nobody without the key can try
/// values out.
#[derive(Clone)]
pub struct DigestKey([u8; 32]);

impl DigestKey {
    /// A key of random bytes.
    pub fn new(bytes: [u8; 32]) -> DigestKey {
        DigestKey(bytes)
    }

    /// Twelve hexadecimal digits that tell a value from others.
    fn digest(&self, value: &Value) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(value.to_string().as_bytes());
        hex::encode(&mac.finalize().into_bytes()[..6])
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DigestKey")
    }
}

/// The records of the differences of one object.
pub fn describe(object: &Object, differences: &[Difference], key: &DigestKey) -> Vec<Drift> {
    let is_secret = object.kind() == "Secret" && object.api_version() == "v1";
    let key = is_secret.then_some(key);
    let one = |difference: &Difference| Drift {
        object: object.key(),
        field: difference.path.to_string(),
        desired: text(difference.desired.as_ref(), key),
        live: text(difference.live.as_ref(), key),
        manager: difference.owner.as_ref().map(|owner| owner.manager.clone()).unwrap_or_default(),
        time: difference.owner.as_ref().map(|owner| owner.time.clone()).unwrap_or_default(),
        user: String::new(),
    };
    differences.iter().map(one).collect()
}

/// A value as text; of a Secret's its digest.
fn text(value: Option<&Value>, key: Option<&DigestKey>) -> String {
    let text = match (value, key) {
        (None, _) => return "-".to_owned(),
        (Some(value), Some(key)) => return format!("{MASK} ({})", key.digest(value)),
        (Some(Value::String(text)), None) => text.clone(),
        (Some(other), None) => other.to_string(),
    };
    if text.chars().count() <= LONGEST_VALUE {
        return text;
    }
    text.chars().take(LONGEST_VALUE - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AddedFields, CompareOptions, compare};
    use serde_json::json;

    fn records(kind: &str, desired: &str, live: &str, key: u8) -> Vec<Drift> {
        let object = |value: &str| {
            let text =
                json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}, "data": {"a": value}});
            Object::new(text).unwrap()
        };
        let options = CompareOptions { manager: "m".into(), added: AddedFields::OnlyPrefixes(Vec::new()) };
        let (desired, live) = (object(desired), object(live));
        describe(&live, &compare(&desired, &live, &options), &DigestKey::new([key; 32]))
    }

    #[test]
    fn a_secret_shows_digests_that_only_the_key_explains() {
        let [drift] = &records("Secret", "Y2FuYXJ5", "b3RoZXI=", 1)[..] else { panic!("one field") };
        let text = drift.to_string();
        assert!(!text.contains("Y2FuYXJ5") && !text.contains("b3RoZXI="), "{text}");
        assert!(drift.desired.starts_with(MASK) && drift.desired != drift.live, "{text}");
        assert_eq!(
            records("Secret", "Y2FuYXJ5", "b3RoZXI=", 1)[0],
            *drift,
            "equal values have equal digests"
        );
        assert_ne!(records("Secret", "Y2FuYXJ5", "b3RoZXI=", 2)[0].desired, drift.desired, "another key");
        assert_eq!(records("ConfigMap", "x", "y", 1)[0].desired, "x");
    }
}
