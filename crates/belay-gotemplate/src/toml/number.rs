//! Numbers and dates of which the characters are known.

use super::error::TomlProblem;
use crate::function::Call;
use crate::sprig::Time;
use crate::value::Value;

const UNDERSCORES: &str = "underscores must be surrounded by digits";
const ZEROES: &str = "cannot have leading zeroes";

pub(super) fn integer(text: &str) -> Result<Value, TomlProblem> {
    let invalid = |why| TomlProblem::Number { kind: "integer", text: text.to_owned(), why };
    if !has_good_underscores(text) {
        return Err(invalid(UNDERSCORES));
    }
    if has_leading_zero(text) {
        return Err(invalid(ZEROES));
    }
    let digits = text.replace('_', "");
    let (digits, base) = match digits.get(..2) {
        Some("0b") => (&digits[2..], 2),
        Some("0o") => (&digits[2..], 8),
        Some("0x") => (&digits[2..], 16),
        _ => (&digits[..], 10),
    };
    let number = i64::from_str_radix(digits, base);
    number.map(Value::Int64).map_err(|_| TomlProblem::Range(text.to_owned(), "int64"))
}

pub(super) fn float(text: &str) -> Result<Value, TomlProblem> {
    let invalid = |why| TomlProblem::Number { kind: "float", text: text.to_owned(), why };
    let mut parts = text.split(['.', 'e', 'E']).filter(|part| !part.is_empty()).peekable();
    let first = parts.peek().copied().unwrap_or_default();
    if !parts.all(has_good_underscores) {
        return Err(invalid(UNDERSCORES));
    }
    if has_leading_zero(first) {
        return Err(invalid(ZEROES));
    }
    if text.split('.').skip(1).any(|after| !after.starts_with(|first: char| first.is_ascii_digit())) {
        return Err(invalid("'.' must be followed by one or more digits"));
    }
    let number: f64 = text.replace('_', "").parse().map_err(|_| TomlProblem::FloatValue(text.to_owned()))?;
    if number.is_infinite() && !text.ends_with("inf") {
        return Err(TomlProblem::Range(text.to_owned(), "float64"));
    }
    Ok(Value::Float(number))
}

fn has_leading_zero(text: &str) -> bool {
    match text.as_bytes() {
        [b'0', b'b' | b'o' | b'x', ..] => false,
        [b'0', _, ..] | [b'+' | b'-', b'0', _, ..] => true,
        _ => false,
    }
}

/// Whether each underscore stands between digits of some base, and a digit is last.
fn has_good_underscores(text: &str) -> bool {
    if matches!(text.trim_start_matches(['+', '-']), "nan" | "inf") {
        return true;
    }
    let mut after_digit = false;
    for character in text.chars() {
        if character == '_' && !after_digit {
            return false;
        }
        after_digit = character.is_ascii_hexdigit();
    }
    after_digit
}

/// The layouts of dates in the order in which they are tried, with the zone that a date without an offset is in.
const DATES: [(&str, Option<&str>); 7] = [
    ("2006-01-02T15:04:05.999999999Z07:00", None),
    ("2006-01-02T15:04:05.999999999", Some("datetime-local")),
    ("2006-01-02", Some("date-local")),
    ("15:04:05.999999999", Some("time-local")),
    ("2006-01-02T15:04Z07:00", None),
    ("2006-01-02T15:04", Some("datetime-local")),
    ("15:04", Some("time-local")),
];

pub(super) fn date(text: &str, call: &Call<'_>) -> Result<Value, TomlProblem> {
    let text = text.replace('z', "Z").replace(['t', ' '], "T");
    for (layout, zone) in DATES {
        if let Ok(time) = Time::parse(layout, &text, zone, call)
            && is_as_wide(&text, layout)
        {
            return Ok(time);
        }
    }
    Err(TomlProblem::Date(text))
}

/// Whether the separators stand where the layout has them: Go reads an hour of one digit, too.
fn is_as_wide(text: &str, layout: &str) -> bool {
    let layout = layout.bytes().take_while(|byte| !matches!(byte, b'.' | b'Z'));
    let mut pairs = layout.zip(text.bytes());
    pairs.all(|(wanted, found)| wanted.is_ascii_digit() || wanted == found)
}
