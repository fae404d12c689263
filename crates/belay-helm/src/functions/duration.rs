//! `mustToDuration` and the `duration…` functions.

use std::any::Any;
use std::borrow::Cow;

use crate::quote::quote;

use belay_gotemplate::{
    Arguments, FunctionError, Functions, HostObject, Kind, Signature, Type, Value, format_float,
};

const SECOND: i64 = 1_000_000_000;

pub(super) fn register(functions: &mut Functions) {
    functions.add("mustToDuration", [Type::Any], Type::Named("time.Duration"), |_, arguments| {
        Ok(Value::host(Duration(parse(arguments.value(0)?).map_err(FunctionError::new)?)))
    });
    let whole: [(&str, i64); 3] =
        [("durationMilliseconds", 1_000_000), ("durationMicroseconds", 1_000), ("durationNanoseconds", 1)];
    for (name, unit) in whole {
        functions.add(name, [Type::Any], Type::Int64, move |_, arguments| {
            Ok(Value::Int64(parse(arguments.value(0)?).map_or(0, |nanoseconds| nanoseconds / unit)))
        });
    }
    let parts: [(&str, i64, f64); 5] = [
        ("durationSeconds", SECOND, 1.0),
        ("durationMinutes", 60 * SECOND, 1.0),
        ("durationHours", 3600 * SECOND, 1.0),
        ("durationDays", 3600 * SECOND, 24.0),
        ("durationWeeks", 3600 * SECOND, 24.0 * 7.0),
    ];
    for (name, unit, divisor) in parts {
        functions.add(name, [Type::Any], Type::Float64, move |_, arguments| {
            let nanoseconds = parse(arguments.value(0)?).unwrap_or(0);
            Ok(Value::Float(in_units(nanoseconds, unit, divisor)))
        });
    }
    let any = [Type::Any, Type::Any];
    let duration = Type::Named("time.Duration");
    functions.add("durationRoundTo", any, duration, |_, arguments| both(arguments, round));
    functions.add("durationTruncateTo", any, duration, |_, arguments| {
        both(arguments, |nanoseconds, multiple| nanoseconds - nanoseconds % multiple)
    });
}

/// Go divides the whole part and the rest apart, and the sum once more for days and weeks.
#[expect(clippy::cast_precision_loss, reason = "Go loses the same precision")]
fn in_units(nanoseconds: i64, unit: i64, divisor: f64) -> f64 {
    let units = (nanoseconds / unit) as f64 + (nanoseconds % unit) as f64 / unit as f64;
    if divisor > 24.0 { units / 24.0 / 7.0 } else { units / divisor }
}

fn both(arguments: Arguments<'_>, combine: impl Fn(i64, i64) -> i64) -> Result<Value, FunctionError> {
    let nanoseconds = match (parse(arguments.value(0)?), parse(arguments.value(1)?)) {
        (Err(_), _) => 0,
        (Ok(nanoseconds), Ok(multiple)) if multiple > 0 => combine(nanoseconds, multiple),
        (Ok(nanoseconds), _) => nanoseconds,
    };
    Ok(Value::host(Duration(nanoseconds)))
}

/// Go's `Duration.Round`: halves away from zero, no overflow.
fn round(nanoseconds: i64, multiple: i64) -> i64 {
    let rest = nanoseconds % multiple;
    let (truncated, rest_size) = (nanoseconds - rest, rest.unsigned_abs());
    if rest_size < (multiple.unsigned_abs() - rest_size) {
        return truncated;
    }
    if nanoseconds < 0 { truncated.saturating_sub(multiple) } else { truncated.saturating_add(multiple) }
}

/// `time.Duration`
struct Duration(i64);

impl HostObject for Duration {
    fn type_name(&self) -> Cow<'static, str> {
        "time.Duration".into()
    }

    fn kind(&self) -> Kind {
        Kind::Int64
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn method(&self, name: &str) -> Option<Signature> {
        match name {
            "String" => Some(Signature::new([], Type::String)),
            "Seconds" | "Minutes" | "Hours" => Some(Signature::new([], Type::Float64)),
            "Milliseconds" | "Microseconds" | "Nanoseconds" => Some(Signature::new([], Type::Int64)),
            _ => None,
        }
    }

    fn call(
        &self,
        name: &str,
        _: &mut belay_gotemplate::Call<'_>,
        _: &[Value],
    ) -> Result<Value, FunctionError> {
        Ok(match name {
            "String" => Value::string(text(self.0)),
            "Seconds" => Value::Float(in_units(self.0, SECOND, 1.0)),
            "Minutes" => Value::Float(in_units(self.0, 60 * SECOND, 1.0)),
            "Hours" => Value::Float(in_units(self.0, 3600 * SECOND, 1.0)),
            "Milliseconds" => Value::Int64(self.0 / 1_000_000),
            "Microseconds" => Value::Int64(self.0 / 1_000),
            _ => Value::Int64(self.0),
        })
    }

    fn text(&self) -> Option<String> {
        Some(text(self.0))
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::Int64(self.0))
    }

    fn to_json(&self) -> Option<serde_json::Value> {
        Some(self.0.into())
    }
}

/// What a value means as a duration: seconds for numbers, Go's notation for text.
fn parse(value: &Value) -> Result<i64, String> {
    if let Some(seconds) = value.as_signed() {
        return seconds.checked_mul(SECOND).ok_or_else(|| format!("duration seconds overflow: {seconds}"));
    }
    if let Some(seconds) = value.as_unsigned() {
        let whole = i64::try_from(seconds).ok().and_then(|seconds| seconds.checked_mul(SECOND));
        return whole.ok_or_else(|| format!("duration seconds overflow: {seconds}"));
    }
    match value {
        Value::Nil => Err("invalid duration".to_owned()),
        Value::Float(seconds) => from_seconds(*seconds),
        Value::String(given) => {
            let given = given.to_str();
            let trimmed = given.trim();
            if trimmed.is_empty() {
                return Err("empty duration".to_owned());
            }
            if let Some(nanoseconds) = parse_text(trimmed) {
                return Ok(nanoseconds);
            }
            match trimmed.parse::<f64>() {
                Ok(seconds) => from_seconds(seconds),
                Err(_) => Err(format!("could not parse duration {}", quote(&given))),
            }
        }
        Value::Host(object) => match object.as_any().downcast_ref::<Duration>() {
            Some(duration) => Ok(duration.0),
            None => Err(format!("unsupported duration type {}", value.type_name())),
        },
        other => Err(format!("unsupported duration type {}", other.type_name())),
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "the range is checked as Go does"
)]
fn from_seconds(seconds: f64) -> Result<i64, String> {
    if !seconds.is_finite() {
        return Err(format!("invalid duration seconds: {}", format_float(seconds, 'g', None)));
    }
    let nanoseconds = seconds * SECOND as f64;
    if nanoseconds.abs() > i64::MAX as f64 {
        return Err(format!("duration seconds overflow: {}", format_float(seconds, 'g', None)));
    }
    Ok(nanoseconds as i64)
}

/// Go's `time.ParseDuration`.
fn parse_text(given: &str) -> Option<i64> {
    let (negative, mut rest) = match given.as_bytes().first()? {
        b'-' => (true, &given[1..]),
        b'+' => (false, &given[1..]),
        _ => (false, given),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(number_end);
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        total += in_nanoseconds(number, unit_nanoseconds(unit)?)?;
        rest = after;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

fn unit_nanoseconds(unit: &str) -> Option<i128> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

fn in_nanoseconds(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || number.len() > 30 {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // Digits below a nanosecond are cut off.
    let digits: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let exact = digits.checked_mul(unit)? / 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    whole.checked_mul(unit)?.checked_add(exact)
}

/// Go's `Duration.String`.
fn text(nanoseconds: i64) -> String {
    let size = nanoseconds.unsigned_abs();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    if size == 0 {
        return "0s".to_owned();
    }
    let below_second: [(u64, u64, &str); 3] =
        [(1_000, 1, "ns"), (1_000_000, 1_000, "µs"), (1_000_000_000, 1_000_000, "ms")];
    for (limit, unit, name) in below_second {
        if size < limit {
            return format!("{sign}{}{name}", with_fraction(size, unit));
        }
    }
    let minute = 60 * 1_000_000_000;
    let seconds = format!("{}s", with_fraction(size % minute, 1_000_000_000));
    let minutes = size / minute;
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{sign}{seconds}"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}"),
    }
}

fn with_fraction(size: u64, unit: u64) -> String {
    let width = unit.to_string().len() - 1;
    let fraction = format!("{:0width$}", size % unit);
    let fraction = if width == 0 { "" } else { fraction.trim_end_matches('0') };
    if fraction.is_empty() { (size / unit).to_string() } else { format!("{}.{fraction}", size / unit) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_as_go_writes_it() {
        for (nanoseconds, expected) in [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (2_200_000, "2.2ms"),
            (3_300_000_000, "3.3s"),
            (245_000_000_000, "4m5s"),
            (18_367_001_000_000, "5h6m7.001s"),
            (-3_600_000_000_000, "-1h0m0s"),
        ] {
            assert_eq!(text(nanoseconds), expected);
        }
    }

    #[test]
    fn text_as_go_reads_it() {
        for (given, expected) in [
            ("1h2m3s", Some(3_723_000_000_000)),
            ("-1.5h", Some(-5_400_000_000_000)),
            ("1.5ms", Some(1_500_000)),
            (".5s", Some(500_000_000)),
            ("0", Some(0)),
            ("1", None),
            ("1x", None),
            ("", None),
        ] {
            assert_eq!(if given.is_empty() { None } else { parse_text(given) }, expected, "{given}");
        }
    }

    #[test]
    fn halves_round_away_from_zero() {
        assert_eq!(round(15, 10), 20);
        assert_eq!(round(-15, 10), -20);
        assert_eq!(round(14, 10), 10);
    }
}
