//! Dates with Go's layouts. The clock is the host's; `Local` has the clock's offset.

use super::date_parse::parse_in;
use super::durations::{SECOND, format_duration, parse_duration, round_duration, to_seconds};
use super::location::Location;
use super::time::{TIME, Time, ZERO};
use super::zones::zone_at;
use crate::function::{Call, FunctionError, Functions};
use crate::options::Moment;
use crate::value::Type::{Any, String as Str};
use crate::value::Value;

pub(super) fn register(functions: &mut Functions) {
    functions.add("now", [], TIME, |call, _| {
        let clock = call.clock("now")?;
        let now = clock.now();
        Ok(Value::host(Time::new(now.seconds, now.nanoseconds, Location::Local, Some(&*clock))))
    });
    functions.add("unixEpoch", [TIME], Str, |_, arguments| {
        let moment = moment_of(arguments.value(0)?).ok_or("unixEpoch needs a time")?;
        Ok(Value::string(moment.seconds.to_string()))
    });
    functions.add("date", [Str, Any], Str, |call, arguments| {
        let layout = arguments.text(0)?.to_str();
        Ok(Value::string(date_in_zone(call, &layout, arguments.value(1)?, "Local")?))
    });
    functions.add("dateInZone", [Str, Any, Str], Str, |call, arguments| {
        let (layout, zone) = (arguments.text(0)?.to_str(), arguments.text(2)?.to_str());
        Ok(Value::string(date_in_zone(call, &layout, arguments.value(1)?, &zone)?))
    });
    functions.alias("date_in_zone", "dateInZone");
    functions.add("htmlDate", [Any], Str, |call, arguments| {
        Ok(Value::string(date_in_zone(call, "2006-01-02", arguments.value(0)?, "Local")?))
    });
    functions.add("htmlDateInZone", [Any, Str], Str, |call, arguments| {
        let zone = arguments.text(1)?.to_str();
        Ok(Value::string(date_in_zone(call, "2006-01-02", arguments.value(0)?, &zone)?))
    });
    register_durations(functions);
}

fn register_durations(functions: &mut Functions) {
    functions.add("ago", [Any], Str, |call, arguments| {
        let now = call.clock("ago")?.now();
        let then = match (moment_of(arguments.value(0)?), arguments.value(0)?) {
            (Some(moment), _) => moment,
            (None, Value::Int(seconds) | Value::Int64(seconds)) => {
                Moment { seconds: *seconds, nanoseconds: 0, offset: 0 }
            }
            _ => now,
        };
        Ok(Value::string(format_duration(to_seconds(between(then, now)))))
    });
    functions.add("duration", [Any], Str, |_, arguments| {
        let seconds = match arguments.value(0)? {
            Value::String(text) => leading_integer(&text.to_str()),
            Value::Int64(seconds) => *seconds,
            _ => 0,
        };
        Ok(Value::string(format_duration(seconds.wrapping_mul(SECOND))))
    });
    functions.add("durationRound", [Any], Str, |call, arguments| {
        let nanoseconds = match (moment_of(arguments.value(0)?), arguments.value(0)?) {
            (Some(moment), _) => between(moment, call.clock("durationRound")?.now()),
            (None, Value::String(text)) => parse_duration(&text.to_str()).unwrap_or(0),
            (None, Value::Int64(nanoseconds)) => *nanoseconds,
            _ => 0,
        };
        Ok(Value::string(round_duration(nanoseconds)))
    });
    for (name, must) in [("dateModify", false), ("mustDateModify", true)] {
        functions.add(name, [Str, TIME], TIME, move |call, arguments| {
            let time = Time::of(arguments.value(1)?).ok_or_else(|| format!("{name} needs a time"))?;
            match parse_duration(&arguments.text(0)?.to_str()) {
                Ok(nanoseconds) => Ok(time.moved(nanoseconds, call)),
                Err(error) if must => Err(error),
                Err(_) => Ok(arguments.value(1)?.clone()),
            }
        });
    }
    functions.alias("date_modify", "dateModify");
    functions.alias("must_date_modify", "mustDateModify");
    for (name, must) in [("toDate", false), ("mustToDate", true)] {
        functions.add(name, [Str, Str], TIME, move |call, arguments| {
            let (layout, text) = (arguments.text(0)?.to_str(), arguments.text(1)?.to_str());
            let clock = call.options().clock.as_deref();
            match parse_in(&layout, &text, &Location::Local, clock) {
                Ok(time) => Ok(Value::host(time)),
                Err(message) if must => Err(message.into()),
                Err(_) => Ok(Value::host(Time::new(ZERO.seconds, 0, Location::Utc, None))),
            }
        });
    }
}

/// Nanoseconds from one moment to another, as far as they can be counted.
pub(super) fn between(from: Moment, to: Moment) -> i64 {
    let nanoseconds =
        |moment: Moment| i128::from(moment.seconds) * i128::from(SECOND) + i128::from(moment.nanoseconds);
    let difference = nanoseconds(to) - nanoseconds(from);
    difference.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

pub(super) fn later(moment: Moment, nanoseconds: i64) -> Moment {
    let sum = i64::from(moment.nanoseconds) + nanoseconds % SECOND;
    Moment {
        seconds: moment.seconds.saturating_add(nanoseconds / SECOND + sum.div_euclid(SECOND)),
        nanoseconds: sum.rem_euclid(SECOND) as u32,
        offset: moment.offset,
    }
}

/// Go's `strconv.ParseInt` when its error is not looked at.
fn leading_integer(text: &str) -> i64 {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    text.parse().unwrap_or_else(|error: std::num::ParseIntError| match error.kind() {
        PosOverflow => i64::MAX,
        NegOverflow => i64::MIN,
        _ => 0,
    })
}

fn date_in_zone(call: &Call<'_>, layout: &str, date: &Value, zone: &str) -> Result<String, FunctionError> {
    let at = |seconds| Moment { seconds, nanoseconds: 0, offset: 0 };
    let mut moment = match (moment_of(date), date) {
        (Some(moment), _) => moment,
        (None, Value::Int(seconds) | Value::Int64(seconds)) => at(*seconds),
        (None, Value::Int32(seconds)) => at((*seconds).into()),
        _ => call.clock("date")?.now(),
    };
    let clock = call.options().clock.as_deref();
    let there = match zone {
        "" | "UTC" => None,
        "Local" => Some(Location::Local.at(moment.seconds, clock)),
        // Go takes UTC for a name it does not know.
        name => zone_at(name, moment.seconds),
    };
    let there = there.unwrap_or_else(|| Location::Utc.at(moment.seconds, clock));
    moment.offset = there.offset;
    Ok(format_moment(moment, &there.abbreviation, layout))
}

fn moment_of(value: &Value) -> Option<Moment> {
    Time::of(value).map(|time| time.moment)
}

/// A moment on the calendar of its offset.
pub(super) struct Parts {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) year_day: i64,
    pub(super) weekday: usize,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
}

impl Parts {
    pub(super) fn of(moment: Moment) -> Self {
        let seconds = moment.seconds.saturating_add(moment.offset.into());
        let (days, time) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil(days);
        Self {
            year,
            month,
            day,
            year_day: days - days_before(year) + 1,
            weekday: (days + 4).rem_euclid(7) as usize,
            hour: time / 3600,
            minute: time / 60 % 60,
            second: time % 60,
        }
    }
}

/// Year, month and day of a day counted from 1970-01-01, by 400-year eras that begin in March.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted_month + 2) / 5 + 1)
}

/// Days from 1970-01-01 to the first day of a year.
pub(super) fn days_before(year: i64) -> i64 {
    let before = year - 1;
    before * 365 + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400) - 719_162
}

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The parts of a layout, each before those it begins with.
const ELEMENTS: [&str; 33] = [
    "January",
    "Jan",
    "Monday",
    "Mon",
    "MST",
    "2006",
    "Z07:00",
    "Z0700",
    "Z07",
    "-07:00",
    "-0700",
    "-07",
    "Z07:00:00",
    "Z070000",
    "-07:00:00",
    "-070000",
    "01",
    "02",
    "002",
    "03",
    "04",
    "05",
    "06",
    "15",
    "__2",
    "_2",
    "PM",
    "pm",
    "1",
    "2",
    "3",
    "4",
    "5",
];

/// What comes before the first element of a layout, the element, and what follows.
pub(super) fn next_chunk(layout: &str) -> (&str, Option<&str>, &str) {
    for (at, _) in layout.char_indices() {
        let rest = &layout[at..];
        // The underscore of "_2006" is no padding.
        if let Some(length) = element_length(rest).filter(|_| !rest.starts_with("_2006")) {
            return (&layout[..at], Some(&rest[..length]), &rest[length..]);
        }
    }
    (layout, None, "")
}

fn element_length(text: &str) -> Option<usize> {
    let fraction = text.strip_prefix(['.', ',']);
    if let Some(digits) = fraction.filter(|digits| digits.starts_with(['0', '9'])) {
        let after = digits.trim_start_matches(char::from(digits.as_bytes()[0]));
        return (!after.starts_with(|next: char| next.is_ascii_digit())).then(|| text.len() - after.len());
    }
    let matching = ELEMENTS.iter().filter(|element| text.starts_with(**element));
    let element = matching.max_by_key(|element| element.len())?;
    // "Janet" does not hold a month.
    let follows_lower = || text[3..].starts_with(|next: char| next.is_ascii_lowercase());
    (!(matches!(*element, "Jan" | "Mon") && follows_lower())).then_some(element.len())
}

/// Go's `Time.Format`; a zone without an abbreviation is named by its offset.
pub(super) fn format_moment(moment: Moment, abbreviation: &str, layout: &str) -> String {
    let parts = Parts::of(moment);
    let mut out = String::new();
    let mut rest = layout;
    loop {
        let (prefix, element, suffix) = next_chunk(rest);
        out.push_str(prefix);
        let Some(element) = element else { return out };
        rest = suffix;
        if element.starts_with(['.', ',']) {
            push_fraction(&mut out, moment.nanoseconds, element);
        } else {
            match element {
                "MST" if !abbreviation.is_empty() => out.push_str(abbreviation),
                _ => push_element(&mut out, &parts, moment.offset, element),
            }
        }
    }
}

/// `.000` writes three digits, `.999` up to three.
fn push_fraction(out: &mut String, nanoseconds: u32, element: &str) {
    let all = format!("{nanoseconds:09}");
    let fraction = &all[..(element.len() - 1).min(9)];
    let trims = element.ends_with('9');
    let fraction = if trims { fraction.trim_end_matches('0') } else { fraction };
    if !fraction.is_empty() {
        out.push_str(&element[..1]);
        out.push_str(fraction);
    }
}

fn push_element(out: &mut String, parts: &Parts, offset: i32, element: &str) {
    let month = MONTHS[(parts.month - 1) as usize];
    let weekday = WEEKDAYS[parts.weekday];
    let hour12 = if parts.hour % 12 == 0 { 12 } else { parts.hour % 12 };
    let sign = if offset < 0 { '-' } else { '+' };
    let (hours, minutes, seconds) = (offset.abs() / 3600, offset.abs() / 60 % 60, offset.abs() % 60);
    out.push_str(&match element {
        "January" => month.to_owned(),
        "Jan" => month[..3].to_owned(),
        "Monday" => weekday.to_owned(),
        "Mon" => weekday[..3].to_owned(),
        "MST" => format!("{sign}{hours:02}{minutes:02}"),
        "2006" if parts.year < 0 => format!("-{:04}", -parts.year),
        "2006" => format!("{:04}", parts.year),
        "06" => format!("{:02}", parts.year.rem_euclid(100)),
        "01" => format!("{:02}", parts.month),
        "1" => parts.month.to_string(),
        "02" => format!("{:02}", parts.day),
        "_2" => format!("{:2}", parts.day),
        "2" => parts.day.to_string(),
        "002" => format!("{:03}", parts.year_day),
        "__2" => format!("{:3}", parts.year_day),
        "15" => format!("{:02}", parts.hour),
        "03" => format!("{hour12:02}"),
        "3" => hour12.to_string(),
        "04" => format!("{:02}", parts.minute),
        "4" => parts.minute.to_string(),
        "05" => format!("{:02}", parts.second),
        "5" => parts.second.to_string(),
        "PM" => if parts.hour >= 12 { "PM" } else { "AM" }.to_owned(),
        "pm" => if parts.hour >= 12 { "pm" } else { "am" }.to_owned(),
        zone if zone.starts_with('Z') && offset == 0 => "Z".to_owned(),
        "Z07:00:00" | "-07:00:00" => format!("{sign}{hours:02}:{minutes:02}:{seconds:02}"),
        "Z070000" | "-070000" => format!("{sign}{hours:02}{minutes:02}{seconds:02}"),
        "Z07:00" | "-07:00" => format!("{sign}{hours:02}:{minutes:02}"),
        "Z0700" | "-0700" => format!("{sign}{hours:02}{minutes:02}"),
        _ => format!("{sign}{hours:02}"),
    });
}
