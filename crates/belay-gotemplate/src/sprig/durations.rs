//! Go's `time.Duration`: nanoseconds, read from and written as `1h2m3.5s`.

use super::date_parse::quote;
use crate::function::FunctionError;

pub(super) const SECOND: i64 = 1_000_000_000;
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];
/// The magnitude of the least duration.
const MOST: u64 = 1 << 63;

/// Go's `time.ParseDuration`: nanoseconds.
pub fn parse_duration(text: &str) -> Result<i64, FunctionError> {
    let invalid = || FunctionError::new(format!("time: invalid duration {}", quote(text.as_bytes())));
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned == "0" {
        return Ok(0);
    }
    if unsigned.is_empty() {
        return Err(invalid());
    }
    let mut total = 0_u64;
    let mut rest = unsigned;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = after.strip_prefix('.').map_or(("", after), digits);
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let end = after.find(|next: char| next == '.' || next.is_ascii_digit()).unwrap_or(after.len());
        let (name, after) = after.split_at(end);
        if name.is_empty() {
            return Err(format!("time: missing unit in duration {}", quote(text.as_bytes())).into());
        }
        let Some((_, unit)) = UNITS.iter().find(|(known, _)| *known == name) else {
            let (name, text) = (quote(name.as_bytes()), quote(text.as_bytes()));
            return Err(format!("time: unknown unit {name} in duration {text}").into());
        };
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
        let nanoseconds = whole.checked_mul(*unit).and_then(|whole| whole.checked_add(part(fraction, *unit)));
        let sum = nanoseconds.and_then(|nanoseconds| total.checked_add(nanoseconds));
        total = sum.filter(|total| *total <= MOST).ok_or_else(invalid)?;
        rest = after;
    }
    match (text.starts_with('-'), total) {
        (true, MOST) => Ok(i64::MIN),
        (true, total) => Ok(-(total as i64)),
        (false, MOST) => Err(invalid()),
        (false, total) => Ok(total as i64),
    }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|next: char| !next.is_ascii_digit()).unwrap_or(text.len()))
}

/// A fraction of a unit, of as many digits as fit into 63 bits.
fn part(fraction: &str, unit: u64) -> u64 {
    let (mut value, mut scale) = (0_u64, 1.0_f64);
    for digit in fraction.bytes() {
        let next = value.checked_mul(10).and_then(|value| value.checked_add(u64::from(digit - b'0')));
        let Some(next) = next.filter(|next| *next <= MOST) else { break };
        value = next;
        scale *= 10.0;
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

/// Go's `Duration.String`.
pub fn format_duration(nanoseconds: i64) -> String {
    let magnitude = nanoseconds.unsigned_abs();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let fraction = |value: u64, unit: u64| {
        let width = unit.ilog10() as usize;
        let digits = format!("{:0width$}", value % unit);
        let digits = if unit == 1 { "" } else { digits.trim_end_matches('0') };
        let dot = if digits.is_empty() { "" } else { "." };
        format!("{}{dot}{digits}", value / unit)
    };
    if magnitude == 0 {
        return "0s".to_owned();
    }
    if magnitude < SECOND as u64 {
        return match magnitude {
            0..1_000 => format!("{sign}{magnitude}ns"),
            1_000..1_000_000 => format!("{sign}{}µs", fraction(magnitude, 1_000)),
            _ => format!("{sign}{}ms", fraction(magnitude, 1_000_000)),
        };
    }
    let minute = 60 * SECOND as u64;
    let seconds = fraction(magnitude % minute, SECOND as u64);
    match (magnitude / minute / 60, magnitude / minute % 60) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

/// The duration in its largest unit, as sprig rounds it.
pub(super) fn round_duration(nanoseconds: i64) -> String {
    let hour = 3600 * SECOND as u64;
    let units = [
        (hour * 24 * 365, "y"),
        (hour * 24 * 30, "mo"),
        (hour * 24, "d"),
        (hour, "h"),
        (60 * SECOND as u64, "m"),
        (SECOND as u64, "s"),
    ];
    let magnitude = nanoseconds.unsigned_abs();
    let unit = units.iter().find(|(unit, _)| magnitude > *unit);
    unit.map_or_else(|| "0s".to_owned(), |(unit, name)| format!("{}{name}", magnitude / unit))
}

/// Whole seconds, halves away from zero.
pub(super) fn to_seconds(nanoseconds: i64) -> i64 {
    let rest = nanoseconds % SECOND;
    let down = nanoseconds - rest;
    if rest.abs() < SECOND / 2 { down } else { down.saturating_add(SECOND * rest.signum()) }
}
