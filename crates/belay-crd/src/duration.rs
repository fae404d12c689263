//! Durations as Go writes them: `1h0m0s`, `1.5s`, `300ms`.

use std::time::Duration;

use serde_json::Value;

use crate::{Described, FieldError, Schema};

/// A duration field. The text is kept as written; a text that is no duration is reported by validation, not by reading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GoDuration {
    text: String,
    value: Option<Duration>,
}

impl GoDuration {
    /// Reads a text.
    pub fn parse(text: &str) -> GoDuration {
        GoDuration { text: text.to_owned(), value: parse_go_duration(text) }
    }

    /// The duration; nothing when the field is absent or its text is no duration, or a negative one.
    pub fn get(&self) -> Option<Duration> {
        self.value
    }

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a text is there that is no duration.
    pub fn is_invalid(&self) -> bool {
        !self.text.is_empty() && self.value.is_none()
    }
}

impl From<Duration> for GoDuration {
    fn from(value: Duration) -> GoDuration {
        GoDuration { text: format_go_duration(value), value: Some(value) }
    }
}

impl std::fmt::Display for GoDuration {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Described for GoDuration {
    fn schema() -> Schema {
        Schema::of("string")
    }
    fn read(value: Value) -> Result<Self, FieldError> {
        String::read(value).map(|text| GoDuration::parse(&text))
    }
    fn write(&self) -> Value {
        Value::String(self.text.clone())
    }
    fn is_absent(&self) -> bool {
        self.text.is_empty()
    }
}

crate::described!(@serde GoDuration);

/// Parses as Go's `time.ParseDuration`; negative durations and those beyond Go's range (about 292 years) are refused.
pub fn parse_go_duration(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (nanoseconds, after) = parse_term(rest)?;
        total = total.checked_add(nanoseconds)?;
        rest = after;
    }
    (total <= i64::MAX as u64).then(|| Duration::from_nanos(total))
}

/// One number with its unit, as nanoseconds, and what follows.
fn parse_term(text: &str) -> Option<(u64, &str)> {
    let (whole, rest) = split_digits(text);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(after) => split_digits(after),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let unit_end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, after) = rest.split_at(unit_end);
    let scale = unit_nanoseconds(unit)?;
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let nanoseconds = whole.checked_mul(scale)?.checked_add(scaled_fraction(fraction, scale))?;
    Some((nanoseconds, after))
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// `0.fraction × scale`, cut to whole nanoseconds; digits below a nanosecond do not count.
fn scaled_fraction(digits: &str, scale: u64) -> u64 {
    let digits = &digits[..digits.len().min(15)];
    let Ok(value) = digits.parse::<u128>() else {
        return 0;
    };
    let divisor = 10u128.pow(digits.len() as u32);
    u64::try_from(value * u128::from(scale) / divisor).unwrap_or(0)
}

fn unit_nanoseconds(unit: &str) -> Option<u64> {
    match unit {
        "ns" => Some(1),
        "us" | "µs" | "μs" => Some(1_000),
        "ms" => Some(1_000_000),
        "s" => Some(1_000_000_000),
        "m" => Some(60_000_000_000),
        "h" => Some(3_600_000_000_000),
        _ => None,
    }
}

/// Prints as Go's `Duration.String`: `1h0m0s`, `1m30s`, `1.5s`, `300ms`, `0s`.
pub fn format_go_duration(duration: Duration) -> String {
    let nanoseconds = duration.as_nanos();
    if nanoseconds == 0 {
        return "0s".to_owned();
    }
    for (unit, scale) in [("ns", 1u128), ("µs", 1_000), ("ms", 1_000_000)] {
        if nanoseconds < scale * 1_000 {
            return format!("{}{unit}", decimal(nanoseconds, scale));
        }
    }
    let second = 1_000_000_000u128;
    let seconds = decimal(nanoseconds % (60 * second), second);
    let minutes = nanoseconds / (60 * second);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// `value / scale` with as many decimals as needed.
fn decimal(value: u128, scale: u128) -> String {
    let whole = value / scale;
    let rest = value % scale;
    if rest == 0 {
        return whole.to_string();
    }
    let width = scale.ilog10() as usize;
    let digits = format!("{rest:0width$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_print_as_go_does() {
        for (text, printed) in [
            ("5m", "5m0s"),
            ("1h", "1h0m0s"),
            ("90s", "1m30s"),
            ("1.5s", "1.5s"),
            ("300ms", "300ms"),
            ("1h30m", "1h30m0s"),
            ("0", "0s"),
            ("0s", "0s"),
            (".5m", "30s"),
            ("1µs", "1µs"),
            ("1.000000001s", "1.000000001s"),
            ("100h", "100h0m0s"),
        ] {
            let duration = parse_go_duration(text).expect(text);
            assert_eq!(format_go_duration(duration), printed, "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_durations() {
        for text in ["", "5", "m", "5 m", "-5m", "1d", "5m.", "1h-1m", "99999999999h", "s5", ".s", "５m"] {
            assert_eq!(parse_go_duration(text), None, "{text}");
        }
    }

    #[test]
    fn a_bad_text_survives_and_is_reported() {
        let duration = GoDuration::parse("soon");
        assert!(duration.is_invalid());
        assert_eq!(duration.write(), Value::from("soon"));
    }
}
