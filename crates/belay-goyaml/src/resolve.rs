//! What a plain scalar means: the tables of `yaml.v2` and `yaml.v3`.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use crate::error::Error;
use crate::node::Resolution;

/// A scalar with its type found out. Strings are the text itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Resolved {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Str,
    Timestamp,
    /// The bytes of a `!!binary`.
    Binary(Vec<u8>),
    /// The text under a tag that is not known: read as a string.
    Foreign,
}

const LONG_PREFIX: &str = "tag:yaml.org,2002:";

/// `tag:yaml.org,2002:int` → `!!int`.
pub(crate) fn short_tag(tag: &str) -> String {
    match tag.strip_prefix(LONG_PREFIX) {
        Some(name) => format!("!!{name}"),
        None => tag.to_owned(),
    }
}

impl Resolved {
    pub(crate) fn short_tag(&self) -> &'static str {
        match self {
            Self::Null => "!!null",
            Self::Bool(_) => "!!bool",
            Self::Int(_) | Self::Uint(_) => "!!int",
            Self::Float(_) => "!!float",
            Self::Str | Self::Foreign => "!!str",
            Self::Timestamp => "!!timestamp",
            Self::Binary(_) => "!!binary",
        }
    }
}

/// `!!int` → `tag:yaml.org,2002:int`.
pub(crate) fn long_tag(tag: &str) -> String {
    match tag.strip_prefix("!!") {
        Some(name) => format!("{LONG_PREFIX}{name}"),
        None => tag.to_owned(),
    }
}

/// Resolves a scalar under an explicit tag.
pub(crate) fn resolve_tagged(tag: &str, text: &str, rules: Resolution) -> Result<Resolved, Error> {
    let tag = short_tag(tag);
    match tag.as_str() {
        "!!str" => return Ok(Resolved::Str),
        "!!binary" => return decode_binary(text).map(Resolved::Binary),
        "!!bool" | "!!int" | "!!float" | "!!null" | "!!timestamp" => {}
        _ => return Ok(Resolved::Foreign),
    }
    let resolved = resolve(text, rules, tag == "!!timestamp");
    if resolved.short_tag() == tag {
        return Ok(resolved);
    }
    if let (Resolved::Int(value), "!!float") = (&resolved, tag.as_str()) {
        return Ok(Resolved::Float(*value as f64));
    }
    let found = resolved.short_tag();
    Err(Error::plain(format!("cannot decode {found} `{text}` as a {tag}")))
}

/// Whether a text that is written without quotes is read as a text again.
pub fn is_text_unquoted(text: &str, rules: Resolution) -> bool {
    resolve_plain(text, rules) == Resolved::Str
}

/// Resolves a plain scalar without a tag.
pub(crate) fn resolve_plain(text: &str, rules: Resolution) -> Resolved {
    resolve(text, rules, true)
}

fn resolve(text: &str, rules: Resolution, timestamps: bool) -> Resolved {
    let Some(&first) = text.as_bytes().first() else {
        return Resolved::Null;
    };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => {
            resolve_word(text, rules)
        }
        b'.' => resolve_dotted(text),
        b'+' | b'-' | b'0'..=b'9' => resolve_number(text, rules, timestamps),
        _ => Resolved::Str,
    }
}

fn resolve_word(text: &str, rules: Resolution) -> Resolved {
    match text {
        "true" | "True" | "TRUE" => Resolved::Bool(true),
        "false" | "False" | "FALSE" => Resolved::Bool(false),
        "~" | "null" | "Null" | "NULL" => Resolved::Null,
        _ if rules == Resolution::V3 => Resolved::Str,
        _ => old_bool(text).map_or(Resolved::Str, Resolved::Bool),
    }
}

/// The booleans of YAML 1.1 besides `true` and `false`.
pub(crate) fn old_bool(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

fn special_float(text: &str) -> Option<f64> {
    match text {
        ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn resolve_dotted(text: &str) -> Resolved {
    match special_float(text).or_else(|| parse_float(text)) {
        Some(value) => Resolved::Float(value),
        None => Resolved::Str,
    }
}

fn resolve_number(text: &str, rules: Resolution, timestamps: bool) -> Resolved {
    if let Some(value) = special_float(text) {
        return Resolved::Float(value);
    }
    if timestamps && is_timestamp(text) {
        return Resolved::Timestamp;
    }
    let without_underscores;
    let plain = if text.contains('_') {
        without_underscores = text.replace('_', "");
        without_underscores.as_str()
    } else {
        text
    };
    if let Some(integer) = parse_int(plain, 0).or_else(|| parse_uint(plain, 0)) {
        return integer;
    }
    if let Some(value) = parse_float(plain) {
        return Resolved::Float(value);
    }
    let other = other_radix(plain, "0b", 2).or_else(|| match rules {
        Resolution::V2 => None,
        Resolution::V3 => other_radix(plain, "0o", 8),
    });
    other.unwrap_or(Resolved::Str)
}

/// `0b…` and `0o…`, which Go parses once more by hand (so that `0b-1` is a number).
fn other_radix(plain: &str, prefix: &str, radix: u32) -> Option<Resolved> {
    if let Some(digits) = plain.strip_prefix(prefix) {
        return parse_int(digits, radix).or_else(|| parse_uint(digits, radix));
    }
    let digits = plain.strip_prefix('-')?.strip_prefix(prefix)?;
    parse_int(&format!("-{digits}"), radix)
}

/// Go's `strconv.ParseInt`; radix 0 goes by the prefix.
fn parse_int(text: &str, radix: u32) -> Option<Resolved> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = i128::from(parse_magnitude(digits, radix)?);
    let value = if negative { -magnitude } else { magnitude };
    i64::try_from(value).ok().map(Resolved::Int)
}

fn parse_uint(text: &str, radix: u32) -> Option<Resolved> {
    parse_magnitude(text, radix).map(Resolved::Uint)
}

fn parse_magnitude(text: &str, radix: u32) -> Option<u64> {
    let (digits, radix) = match radix {
        0 => by_prefix(text),
        radix => (text, radix),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

fn by_prefix(text: &str) -> (&str, u32) {
    let Some(rest) = text.strip_prefix('0') else {
        return (text, 10);
    };
    if rest.len() >= 2 {
        let radix = match rest.as_bytes()[0] {
            b'x' | b'X' => 16,
            b'b' | b'B' => 2,
            b'o' | b'O' => 8,
            _ => 0,
        };
        if radix != 0 {
            return (&rest[1..], radix);
        }
    }
    if rest.is_empty() { (text, 10) } else { (rest, 8) }
}

/// A float in YAML's notation that is in range; Go refuses what overflows.
fn parse_float(text: &str) -> Option<f64> {
    if !is_yaml_float(text) {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_yaml_float(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, rest) = digits(rest);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest),
        None => (0, rest),
    };
    if whole == 0 && fraction == 0 {
        return false;
    }
    match rest.strip_prefix(['e', 'E']) {
        None => rest.is_empty(),
        Some(exponent) => {
            let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            let (count, rest) = digits(exponent);
            count > 0 && rest.is_empty()
        }
    }
}

fn digits(text: &str) -> (usize, &str) {
    let count = text.bytes().take_while(u8::is_ascii_digit).count();
    (count, &text[count..])
}

/// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`: never read as a number, but written in quotes.
pub(crate) fn is_base60(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !rest.starts_with(|first: char| first.is_ascii_digit()) {
        return false;
    }
    let underscored = |byte: &u8| byte.is_ascii_digit() || *byte == b'_';
    let (main, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let mut groups = main.split(':');
    let first = groups.next().unwrap_or("");
    let mut count = 0;
    for group in groups {
        count += 1;
        let fits = match group.as_bytes() {
            [digit] => digit.is_ascii_digit(),
            [tens, digit] => (b'0'..=b'5').contains(tens) && digit.is_ascii_digit(),
            _ => false,
        };
        if !fits {
            return false;
        }
    }
    count > 0
        && first.bytes().all(|byte| underscored(&byte))
        && fraction.bytes().all(|byte| underscored(&byte))
}

fn decode_binary(text: &str) -> Result<Vec<u8>, Error> {
    const ENGINE: GeneralPurpose =
        GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));
    let text: String = text.chars().filter(|character| !matches!(character, '\r' | '\n')).collect();
    ENGINE.decode(text).map_err(|_| Error::plain("!!binary value contains invalid base64 data"))
}

// ---- timestamps ----

/// Whether Go's `time.Parse` takes the text in one of the four layouts the libraries try.
pub(crate) fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() > 7
        && bytes[4] == b'-'
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && parse_timestamp(text).is_some()
}

/// Reads `YYYY-M-D`, alone or with a time after `T`, `t` or spaces.
fn parse_timestamp(text: &str) -> Option<()> {
    let year: u32 = text.get(..4)?.parse().ok()?;
    let (month, rest) = one_or_two(text.get(5..)?)?;
    let (day, rest) = one_or_two(rest.strip_prefix('-')?)?;
    if !(1..=12).contains(&month) || day < 1 || day > days_in(month, year) {
        return None;
    }
    if rest.is_empty() {
        return Some(());
    }
    if let Some(time) = rest.strip_prefix(['T', 't']) {
        return zone(clock(time)?);
    }
    let time = rest.strip_prefix(' ')?.trim_start_matches(' ');
    clock(time)?.is_empty().then_some(())
}

fn one_or_two(text: &str) -> Option<(u32, &str)> {
    let (count, _) = digits(text);
    let length = count.min(2);
    let value = text.get(..length)?.parse().ok()?;
    Some((value, &text[length..]))
}

fn days_in(month: u32, year: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// `H:M:S` and an optional fraction; returns what follows.
fn clock(text: &str) -> Option<&str> {
    let (hour, rest) = one_or_two(text)?;
    let (minute, rest) = one_or_two(rest.strip_prefix(':')?)?;
    let (second, rest) = one_or_two(rest.strip_prefix(':')?)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    match rest.strip_prefix(['.', ',']) {
        Some(fraction) if digits(fraction).0 > 0 => Some(digits(fraction).1),
        _ => Some(rest),
    }
}

/// `Z` or `±hh:mm`.
fn zone(text: &str) -> Option<()> {
    if text == "Z" {
        return Some(());
    }
    let rest = text.strip_prefix(['+', '-'])?;
    let (hours, minutes) = rest.split_once(':')?;
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !two_digits(hours) || !two_digits(minutes) {
        return None;
    }
    let in_range = hours.parse::<u32>().ok()? <= 24 && minutes.parse::<u32>().ok()? <= 60;
    in_range.then_some(())
}

/// The timestamp as Go's `time.RFC3339Nano` prints it, without moving it to another zone.
pub(crate) fn rfc3339(text: &str) -> Option<String> {
    let year = text.get(..4)?;
    let (month, rest) = one_or_two(text.get(5..)?)?;
    let (day, rest) = one_or_two(rest.strip_prefix('-')?)?;
    let date = format!("{year}-{month:02}-{day:02}");
    if rest.is_empty() {
        return Some(format!("{date}T00:00:00Z"));
    }
    let time = rest.trim_start_matches(['T', 't', ' ']);
    let zone = clock(time)?;
    let mut parts = time[..time.len() - zone.len()].splitn(3, ':');
    let hour: u32 = parts.next()?.parse().ok()?;
    let minute: u32 = parts.next()?.parse().ok()?;
    let seconds = parts.next()?;
    let (second, fraction) = seconds.split_once(['.', ',']).unwrap_or((seconds, ""));
    let second: u32 = second.parse().ok()?;
    let fraction = fraction.get(..9).unwrap_or(fraction).trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    let zone = match zone {
        "" | "+00:00" | "-00:00" => "Z",
        zone => zone,
    };
    Some(format!("{date}T{hour:02}:{minute:02}:{second:02}{point}{fraction}{zone}"))
}
