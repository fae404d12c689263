//! `os.time` and `os.date`, in UTC.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned, civil};
use mlua::{Lua, Table, Value};

use crate::run::Clock;

/// Seconds since 1970, of now or of a table's `year`, `month`, `day`, `hour`, `min`, `sec`.
pub(crate) fn time(clock: Clock, parts: Option<&Table>) -> mlua::Result<f64> {
    let Some(parts) = parts else {
        return Ok(seconds(clock()));
    };
    let part = |name: &str, default: i64| match parts.raw_get::<Value>(name) {
        Ok(Value::Integer(value)) => value,
        #[expect(clippy::cast_possible_truncation, reason = "as the original cuts off")]
        Ok(Value::Number(value)) => value as i64,
        _ => default,
    };
    let year = i16::try_from(part("year", -1)).map_err(mlua::Error::external)?;
    let start = civil::date(year.clamp(-9998, 9998), 1, 1).at(0, 0, 0, 0);
    let moved = start
        .checked_add(part("month", -1).saturating_sub(1).clamp(-100_000, 100_000).months())
        .and_then(|time| {
            time.checked_add(part("day", -1).saturating_sub(1).clamp(-5_000_000, 5_000_000).days())
        })
        .and_then(|time| time.checked_add(part("hour", 12).clamp(-100_000_000, 100_000_000).hours()))
        .and_then(|time| time.checked_add(part("min", 0).clamp(-1_000_000_000, 1_000_000_000).minutes()))
        .and_then(|time| time.checked_add(part("sec", 0).clamp(-100_000_000_000, 100_000_000_000).seconds()))
        .and_then(|time| time.to_zoned(TimeZone::UTC));
    Ok(seconds(moved.map_err(mlua::Error::external)?.timestamp()))
}

#[expect(clippy::cast_precision_loss, reason = "Lua's numbers are floats")]
fn seconds(time: Timestamp) -> f64 {
    time.as_second() as f64
}

/// A time as text by `strftime`'s letters, or as a table (`*t`).
pub(crate) fn date(lua: &Lua, clock: Clock, format: Option<String>, at: Option<f64>) -> mlua::Result<Value> {
    #[expect(clippy::cast_possible_truncation, reason = "as the original cuts off")]
    let time = match at {
        Some(at) => Timestamp::from_second(at as i64).map_err(mlua::Error::external)?,
        None => clock(),
    };
    let time = time.to_zoned(TimeZone::UTC);
    let format = format.unwrap_or_else(|| "%c".to_owned());
    let format = format.trim_start_matches('!');
    if format.starts_with("*t") {
        return table(lua, &time).map(Value::Table);
    }
    Ok(Value::String(lua.create_string(text(&time, format))?))
}

fn table(lua: &Lua, time: &Zoned) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("year", time.year())?;
    table.raw_set("month", time.month())?;
    table.raw_set("day", time.day())?;
    table.raw_set("hour", time.hour())?;
    table.raw_set("min", time.minute())?;
    table.raw_set("sec", time.second())?;
    table.raw_set("wday", time.weekday().to_sunday_one_offset())?;
    table.raw_set("yday", 0)?;
    table.raw_set("isdst", false)?;
    Ok(table)
}

/// The letters that the original knows; the others stay as they are.
fn text(time: &Zoned, format: &str) -> String {
    let mut out = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        let pattern = match (letter, letter == '%') {
            (_, false) => {
                out.push(letter);
                continue;
            }
            _ => letters.next(),
        };
        let Some(known) = pattern.and_then(strftime) else {
            out.push('%');
            out.extend(pattern.filter(|letter| *letter != '%'));
            continue;
        };
        out.push_str(&time.strftime(known).to_string());
    }
    out
}

fn strftime(letter: char) -> Option<&'static str> {
    Some(match letter {
        'a' => "%a",
        'A' => "%A",
        'b' => "%b",
        'B' => "%B",
        'c' => "%d %b %y %H:%M %Z",
        'd' => "%d",
        'F' => "%Y-%m-%d",
        'H' => "%H",
        'I' => "%I",
        'm' => "%m",
        'M' => "%M",
        'p' => "%p",
        'P' => "%P",
        'S' => "%S",
        'x' => "%H/%M/%S",
        'X' => "%H:%M:%S",
        'y' => "%y",
        'Y' => "%Y",
        'z' => "%z",
        'Z' => "%Z",
        'w' => "%w",
        _ => return None,
    })
}
