//! Plain values of keys: truth values, durations, numbers, lists with commas.

use std::time::Duration;

use belay_crd::parse_go_duration;

use super::document::Key;
use super::error::SettingsError;

/// Most days that a duration may have; Go's end at about 292 years.
const MOST_DAYS: u64 = 100_000;

/// As Go's `strconv.ParseBool`.
pub(super) fn flag(key: &Key<'_>, text: &str) -> Result<bool, SettingsError> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(key.error(1, format!("{text:?} is neither true nor false"))),
    }
}

/// A Go duration, or whole days as `3d`. Argo CD takes both.
pub(super) fn duration(key: &Key<'_>, text: &str) -> Result<Duration, SettingsError> {
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u64>().ok());
    match days {
        Some(days) if days <= MOST_DAYS => Ok(Duration::from_secs(days * 24 * 60 * 60)),
        Some(_) => Err(key.error(1, format!("{text:?} is too long"))),
        None => parse_go_duration(text)
            .ok_or_else(|| key.error(1, format!("{text:?} is no duration, as 120s or 3m"))),
    }
}

/// A number within bounds.
pub(super) fn number(key: &Key<'_>, text: &str, most: u64) -> Result<u64, SettingsError> {
    match text.parse() {
        Ok(number) if number <= most => Ok(number),
        _ => Err(key.error(1, format!("{text:?} is no number from 0 to {most}"))),
    }
}

/// Whole seconds within bounds.
pub(super) fn seconds(key: &Key<'_>, text: &str, most: u64) -> Result<Duration, SettingsError> {
    number(key, text, most).map(Duration::from_secs)
}

/// Texts between commas, without the spaces around them; empty ones left out.
pub(super) fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}
