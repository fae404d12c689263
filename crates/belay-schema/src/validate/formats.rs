//! String formats that the API server checks; others say nothing.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use regex::Regex;

/// Whether a text has the format.
pub(super) fn is_valid(format: &str, text: &str) -> bool {
    match format {
        "date-time" | "datetime" => is_date_time(text),
        "date" => text.parse::<jiff::civil::Date>().is_ok() && text.len() == 10,
        "duration" => is_duration(text),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(text),
        "mac" => matches(r"^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$", text),
        "uuid" => matches(r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$", text),
        "uuid3" => matches(r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$", text),
        "uuid4" => {
            matches(r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$", text)
        }
        "uuid5" => {
            matches(r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$", text)
        }
        "email" => matches(r"^[^@\s]+@[^@\s]+$", text),
        "hostname" => {
            text.len() <= 255 && matches(r"^([a-zA-Z0-9_]([a-zA-Z0-9-_]*[a-zA-Z0-9_])?\.?)+$", text)
        }
        "uri" => matches(r"^([a-zA-Z][a-zA-Z0-9+.-]*:|/)\S*$", text),
        "byte" => base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).is_ok(),
        "hexcolor" => matches(r"^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$", text),
        _ => true,
    }
}

fn is_date_time(text: &str) -> bool {
    matches(r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:?\d{2})$", text)
        && text.to_uppercase().parse::<jiff::Timestamp>().is_ok()
}

/// Go's durations (`1h30m`) and, as the library allows, words (`2 days`).
fn is_duration(text: &str) -> bool {
    matches(r"^[-+]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))*$", text)
        || text == "0"
        || matches(
            r"^\s*\d+\s*(ns|nanos?|us|µs|micros?|ms|millis?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?)\s*$",
            text,
        )
}

fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let (Ok(address), Ok(length)) = (address.parse::<IpAddr>(), length.parse::<u8>()) else { return false };
    length <= if address.is_ipv4() { 32 } else { 128 }
}

/// Whether the pattern occurs in the text. Patterns were checked with the schema; one that is none matches nothing.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    compiled(pattern).is_some_and(|pattern| pattern.is_match(text))
}

/// Patterns kept compiled; with more of them all are compiled anew.
const MOST_PATTERNS: usize = 1000;

/// The pattern, unless it is none or too large. Compiling takes far longer than matching.
pub(crate) fn compiled(pattern: &str) -> Option<Arc<Regex>> {
    static COMPILED: LazyLock<RwLock<HashMap<String, Option<Arc<Regex>>>>> = LazyLock::new(RwLock::default);
    let known = COMPILED.read().unwrap_or_else(PoisonError::into_inner).get(pattern).cloned();
    known.unwrap_or_else(|| {
        let built = regex::RegexBuilder::new(pattern).size_limit(1 << 20).build().ok().map(Arc::new);
        let mut known = COMPILED.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_PATTERNS {
            known.clear();
        }
        known.insert(pattern.to_owned(), built.clone());
        built
    })
}
