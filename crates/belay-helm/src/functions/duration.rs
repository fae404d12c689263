//! `mustToDuration` and the `duration…` functions.

use belay_gotemplate::{Arguments, Duration, FunctionError, Functions, Type, Value, format_float};

use crate::quote::quote;

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
    functions.add("durationRoundTo", any, duration, |_, arguments| both(arguments, Duration::round));
    functions.add("durationTruncateTo", any, duration, |_, arguments| both(arguments, Duration::truncate));
}

/// Days and weeks are parts of the hours.
fn in_units(nanoseconds: i64, unit: i64, divisor: f64) -> f64 {
    let units = Duration(nanoseconds).in_units(unit);
    if divisor > 24.0 { units / 24.0 / 7.0 } else { units / divisor }
}

fn both(
    arguments: Arguments<'_>,
    combine: impl Fn(Duration, i64) -> Duration,
) -> Result<Value, FunctionError> {
    let duration = match (parse(arguments.value(0)?), parse(arguments.value(1)?)) {
        (Err(_), _) => Duration(0),
        (Ok(nanoseconds), Ok(multiple)) => combine(Duration(nanoseconds), multiple),
        (Ok(nanoseconds), Err(_)) => Duration(nanoseconds),
    };
    Ok(Value::host(duration))
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
        other => match Duration::of(other) {
            Some(duration) => Ok(duration.0),
            None => Err(format!("unsupported duration type {}", other.type_name())),
        },
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
