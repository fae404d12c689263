//! Points in time as Kubernetes writes them: RFC 3339, UTC, whole seconds.

use jiff::Timestamp;
use serde_json::Value;

use crate::{Described, FieldError, Schema};

/// A `metav1.Time` field. The text is kept as written, so that reading and writing back changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Time {
    text: String,
    value: Option<Timestamp>,
}

impl Time {
    /// Reads a text.
    pub fn parse(text: &str) -> Time {
        Time { text: text.to_owned(), value: text.parse().ok() }
    }

    /// The point in time; nothing when the field is absent or its text is no time.
    pub fn get(&self) -> Option<Timestamp> {
        self.value
    }

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the field is absent.
    pub fn is_unset(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether a text is there that is no time.
    pub fn is_invalid(&self) -> bool {
        !self.text.is_empty() && self.value.is_none()
    }
}

/// Cuts to whole seconds, as `metav1.Time` does when written.
impl From<Timestamp> for Time {
    fn from(value: Timestamp) -> Time {
        let whole = Timestamp::from_second(value.as_second()).unwrap_or(value);
        Time { text: whole.to_string(), value: Some(whole) }
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Described for Time {
    fn schema() -> Schema {
        Schema::of("string").format("date-time")
    }
    fn read(value: Value) -> Result<Self, FieldError> {
        String::read(value).map(|text| Time::parse(&text))
    }
    fn write(&self) -> Value {
        match self.text.as_str() {
            "" => Value::Null,
            text => Value::from(text),
        }
    }
    fn is_absent(&self) -> bool {
        self.is_unset()
    }
}

crate::described!(@serde Time);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_whole_seconds() {
        let time: Timestamp = "2026-08-07T10:11:12.987654Z".parse().expect("a time");
        assert_eq!(Time::from(time).as_str(), "2026-08-07T10:11:12Z");
    }

    #[test]
    fn a_written_time_keeps_its_text() {
        let time = Time::parse("2026-08-07T12:11:12+02:00");
        assert_eq!(time.as_str(), "2026-08-07T12:11:12+02:00");
        assert_eq!(time.get().map(|t| t.to_string()).as_deref(), Some("2026-08-07T10:11:12Z"));
        assert!(Time::parse("yesterday").is_invalid());
    }
}
