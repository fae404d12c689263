//! Reads times in Go's layouts, as `time.Parse` does.

use super::dates::{MONTHS, WEEKDAYS, days_before, next_chunk};
use super::location::Location;
use super::time::Time;
use super::zones::abbreviation_length;
use crate::options::Clock;

enum Step {
    Bad,
    OutOfRange(&'static str),
}

#[derive(Default)]
struct Parser<'a> {
    rest: &'a [u8],
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanoseconds: u32,
    /// Whether the text says `Z` or `UTC`, which decides.
    is_utc: bool,
    offset: Option<i32>,
    zone: Option<String>,
    afternoon: Option<bool>,
}

/// Go's `time.ParseInLocation`. An error is what Go says.
pub(super) fn parse_in(
    layout: &str,
    text: &str,
    location: &Location,
    clock: Option<&dyn Clock>,
) -> Result<Time, String> {
    let mut parser = Parser { rest: text.as_bytes(), ..Parser::default() };
    let said = |message: &str| format!("parsing time {}{message}", quote(text.as_bytes()));
    let cannot = |value: &[u8], element: &str| {
        let (layout, value, element) = (quote(layout.as_bytes()), quote(value), quote(element.as_bytes()));
        said(&format!(" as {layout}: cannot parse {value} as {element}"))
    };
    let mut remaining = layout;
    loop {
        let (prefix, element, suffix) = next_chunk(remaining);
        let matches = parser.skip(prefix.as_bytes());
        matches.map_err(|_| cannot(parser.rest, prefix))?;
        let Some(element) = element else { break };
        remaining = suffix;
        let before = parser.rest;
        parser.element(element, suffix).map_err(|step| match step {
            Step::Bad => cannot(before, element),
            Step::OutOfRange(part) => said(&format!(": {part} out of range")),
        })?;
    }
    if !parser.rest.is_empty() {
        return Err(said(&format!(": extra text: {}", quote(parser.rest))));
    }
    parser.place(location, clock).map_err(|message| said(&format!(": {message}")))
}

/// Whether Go's `time.Parse` takes the text; an error is what it says.
pub fn parse_time(layout: &str, text: &str) -> Result<(), String> {
    parse_in(layout, text, &Location::Utc, None).map(|_| ())
}

impl Parser<'_> {
    fn skip(&mut self, prefix: &[u8]) -> Result<(), Step> {
        let mut prefix = prefix;
        while let Some((first, after)) = prefix.split_first() {
            if *first == b' ' {
                if self.rest.first().is_some_and(|next| *next != b' ') {
                    return Err(Step::Bad);
                }
                prefix = trim_spaces(prefix);
                self.rest = trim_spaces(self.rest);
                continue;
            }
            self.rest = self.rest.strip_prefix(&[*first]).ok_or(Step::Bad)?;
            prefix = after;
        }
        Ok(())
    }

    fn element(&mut self, element: &str, suffix: &str) -> Result<(), Step> {
        match element {
            "06" => {
                let year = self.exactly(2)?;
                self.year = if year >= 69 { 1900 + year } else { 2000 + year };
            }
            "2006" => self.year = self.exactly(4)?,
            "Jan" => self.month = Some(self.name(&MONTHS, 3)?),
            "January" => self.month = Some(self.name(&MONTHS, usize::MAX)?),
            "1" | "01" => self.month = Some(in_range(self.number(element == "01")?, 1..=12, "month")?),
            "Mon" => drop(self.name(&WEEKDAYS, 3)?),
            "Monday" => drop(self.name(&WEEKDAYS, usize::MAX)?),
            "2" | "_2" | "02" => {
                if element == "_2" {
                    self.rest = self.rest.strip_prefix(b" ").unwrap_or(self.rest);
                }
                self.day = Some(self.number(element == "02")?);
            }
            "__2" | "002" => self.year_day(element == "002")?,
            "15" => self.hour = in_range(self.number(false)?, 0..=23, "hour")?,
            "3" | "03" => self.hour = in_range(self.number(element == "03")?, 0..=12, "hour")?,
            "4" | "04" => self.minute = in_range(self.number(element == "04")?, 0..=59, "minute")?,
            "5" | "05" => self.second(element == "05", suffix)?,
            "PM" | "pm" => {
                let (half, rest) = self.rest.split_at_checked(2).ok_or(Step::Bad)?;
                self.rest = rest;
                self.afternoon = Some(match (element, half) {
                    ("PM", b"PM") | ("pm", b"pm") => true,
                    ("PM", b"AM") | ("pm", b"am") => false,
                    _ => return Err(Step::Bad),
                });
            }
            "MST" => self.named_zone()?,
            fraction if fraction.starts_with(['.', ',']) => self.fraction(fraction)?,
            zone => self.offset(zone)?,
        }
        Ok(())
    }

    fn exactly(&mut self, digits: usize) -> Result<i64, Step> {
        let (number, rest) = self.rest.split_at_checked(digits).ok_or(Step::Bad)?;
        self.rest = rest;
        decimal(number).ok_or(Step::Bad)
    }

    /// One or two digits.
    fn number(&mut self, needs_two: bool) -> Result<i64, Step> {
        let count = self.rest.iter().take(2).take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 || (needs_two && count == 1) {
            return Err(Step::Bad);
        }
        self.exactly(count)
    }

    fn year_day(&mut self, needs_three: bool) -> Result<(), Step> {
        if !needs_three {
            for _ in 0..2 {
                self.rest = self.rest.strip_prefix(b" ").unwrap_or(self.rest);
            }
        }
        let count = self.rest.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 || (needs_three && count < 3) {
            return Err(Step::Bad);
        }
        self.year_day = Some(self.exactly(count)?);
        Ok(())
    }

    /// The place of a name in its table, from one.
    fn name(&mut self, table: &[&str], length: usize) -> Result<i64, Step> {
        for (number, name) in (1..).zip(table) {
            let name = &name.as_bytes()[..length.min(name.len())];
            if self.rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
                self.rest = &self.rest[name.len()..];
                return Ok(number);
            }
        }
        Err(Step::Bad)
    }

    /// A fraction may follow the seconds without being in the layout.
    fn second(&mut self, needs_two: bool, suffix: &str) -> Result<(), Step> {
        self.second = in_range(self.number(needs_two)?, 0..=59, "second")?;
        let (_, next, _) = next_chunk(suffix);
        let in_layout = next.is_some_and(|next| next.starts_with(['.', ',']));
        if in_layout { Ok(()) } else { self.fraction(".9") }
    }

    fn fraction(&mut self, element: &str) -> Result<(), Step> {
        let starts = self.rest.first().is_some_and(|byte| matches!(byte, b'.' | b','));
        let digits = self.rest.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count();
        let count = if element.ends_with('9') {
            if !starts || digits == 0 {
                return Ok(());
            }
            digits
        } else {
            let count = element.len() - 1;
            if !starts || digits < count {
                return Err(Step::Bad);
            }
            count
        };
        let significant = count.min(9);
        let value = decimal(&self.rest[1..=significant]).ok_or(Step::Bad)? as u32;
        self.nanoseconds = value * 10_u32.pow(9 - significant as u32);
        self.rest = &self.rest[1 + count..];
        Ok(())
    }

    /// An abbreviation.
    fn named_zone(&mut self) -> Result<(), Step> {
        if let Some(rest) = self.rest.strip_prefix(b"UTC") {
            self.rest = rest;
            self.is_utc = true;
            return Ok(());
        }
        let length = abbreviation_length(self.rest).ok_or(Step::Bad)?;
        let (name, rest) = self.rest.split_at(length);
        self.rest = rest;
        self.zone = Some(String::from_utf8_lossy(name).into_owned());
        Ok(())
    }

    /// `Z`, or a sign and hours, and minutes for most layouts.
    fn offset(&mut self, element: &str) -> Result<(), Step> {
        if element.starts_with('Z')
            && let Some(rest) = self.rest.strip_prefix(b"Z")
        {
            self.rest = rest;
            self.is_utc = true;
            return Ok(());
        }
        let (zone, rest) = self.rest.split_at_checked(element.len()).ok_or(Step::Bad)?;
        let colons: Vec<usize> = element.match_indices(':').map(|(at, _)| at).collect();
        if colons.iter().any(|at| zone[*at] != b':') {
            return Err(Step::Bad);
        }
        self.rest = rest;
        // The hours follow the sign; minutes and seconds may have a colon before them.
        let step = 2 + usize::from(!colons.is_empty());
        let part = |index: usize| {
            let start = 1 + index * step;
            zone.get(start..start + 2).map_or(Some(0), decimal).ok_or(Step::Bad)
        };
        let (hours, minutes, seconds) = (part(0)?, part(1)?, part(2)?);
        in_range(hours, 0..=24, "time zone offset hour")?;
        in_range(minutes, 0..=60, "time zone offset minute")?;
        in_range(seconds, 0..=60, "time zone offset second")?;
        let seconds = ((hours * 60 + minutes) * 60 + seconds) as i32;
        self.offset = Some(match zone[0] {
            b'+' => seconds,
            b'-' => -seconds,
            _ => return Err(Step::Bad),
        });
        Ok(())
    }

    /// The time, in the location that the text speaks of: the one given if it names none, or one that has there what
    /// it names, else one made up.
    fn place(mut self, location: &Location, clock: Option<&dyn Clock>) -> Result<Time, &'static str> {
        let (zone, nanoseconds) = (self.zone.take(), self.nanoseconds);
        let shown = self.shown_seconds()?;
        let at = |seconds: i64, location: Location| Time::new(seconds, nanoseconds, location, clock);
        if self.is_utc {
            return Ok(at(shown, Location::Utc));
        }
        if let Some(offset) = self.offset {
            let seconds = shown - i64::from(offset);
            let here = location.at(seconds, clock);
            let is_here =
                here.offset == offset && zone.as_ref().is_none_or(|zone| *zone == here.abbreviation);
            let made_up = || Location::Fixed(zone.unwrap_or_default().into(), offset);
            return Ok(at(seconds, if is_here { location.clone() } else { made_up() }));
        }
        let seconds = location.seconds_of(shown, clock);
        match zone {
            Some(zone) if zone != location.at(seconds, clock).abbreviation => {
                // Go knows the offset of `GMT+3`, which leaves the moment where it would be without, and no others.
                let hours: Option<i32> = zone.strip_prefix("GMT").and_then(|hours| hours.parse().ok());
                Ok(at(shown, Location::Fixed(zone.into(), hours.unwrap_or(0) * 3600)))
            }
            _ => Ok(at(seconds, location.clone())),
        }
    }

    /// The seconds since 1970 if the text were about UTC.
    fn shown_seconds(&self) -> Result<i64, &'static str> {
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let (month, day) = self.month_and_day()?;
        let days = days_before(self.year) + days_before_month(self.year, month) + day - 1;
        Ok(days * 86_400 + hour * 3600 + self.minute * 60 + self.second)
    }

    fn month_and_day(&self) -> Result<(i64, i64), &'static str> {
        let Some(year_day) = self.year_day else {
            let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
            let is_day = day >= 1 && day <= days_of_month(self.year, month);
            return if is_day { Ok((month, day)) } else { Err("day out of range") };
        };
        if year_day < 1 || year_day > days_before_month(self.year, 13) {
            return Err("day-of-year out of range");
        }
        let starts_before = |month: &i64| days_before_month(self.year, *month) < year_day;
        let month = (1..=12).rev().find(starts_before).unwrap_or(1);
        let day = year_day - days_before_month(self.year, month);
        if self.month.is_some_and(|given| given != month) {
            return Err("day-of-year does not match month");
        }
        if self.day.is_some_and(|given| given != day) {
            return Err("day-of-year does not match day");
        }
        Ok((month, day))
    }
}

fn trim_spaces(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|byte| **byte == b' ').count()..]
}

fn decimal(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0_i64, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
}

fn in_range(number: i64, range: std::ops::RangeInclusive<i64>, part: &'static str) -> Result<i64, Step> {
    if range.contains(&number) { Ok(number) } else { Err(Step::OutOfRange(part)) }
}

fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 if days_before(year + 1) - days_before(year) == 366 => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

pub(super) fn days_before_month(year: i64, month: i64) -> i64 {
    (1..month).map(|month| days_of_month(year, month)).sum()
}

/// Quotes as Go's `time` package does: bytes beyond ASCII in hexadecimal.
pub(super) fn quote(text: &[u8]) -> String {
    let mut out = String::from('"');
    for byte in text {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(*byte)]),
            b' '..=b'~' | 0x7f => out.push(char::from(*byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}
