//! Go's `time.Time` as templates see it, its months and weekdays.

use std::any::Any;
use std::borrow::Cow;
use std::cmp::Ordering;

use super::date_parse::{days_before_month, parse_in, quote};
use super::dates::{MONTHS, Parts, WEEKDAYS, between, days_before, format_moment, later};
use super::durations::SECOND;
use super::location::{LOCATION, Location, LocationObject};
use crate::duration::{DURATION, Duration};
use crate::function::{Call, FunctionError, Signature};
use crate::host::HostObject;
use crate::options::{Clock, LocalZone, Moment};
use crate::value::Type::{Bool, Int, Int64, String as Str};
use crate::value::{Element, Kind, Type, Value};

/// The Go type.
pub(super) const TIME: Type = Type::Named("time.Time");

/// Go's zero time, the first day of the year one.
pub(super) const ZERO: Moment = Moment { seconds: -62_135_596_800, nanoseconds: 0, offset: 0 };

/// A moment in a location.
#[derive(Clone)]
pub struct Time {
    pub(super) moment: Moment,
    location: Location,
    /// What the location says about the moment.
    zone: LocalZone,
}

impl Time {
    pub(super) fn new(seconds: i64, nanoseconds: u32, location: Location, clock: Option<&dyn Clock>) -> Self {
        let zone = location.at(seconds, clock);
        Self { moment: Moment { seconds, nanoseconds, offset: zone.offset }, location, zone }
    }

    /// Reads a text in a Go layout. A text that names no zone is about the local one, or, if a name is given, about
    /// a zone of that name with the offset that the local one has now. An error is what Go says.
    pub fn parse(layout: &str, text: &str, zone: Option<&str>, call: &Call<'_>) -> Result<Value, String> {
        let clock = call.options().clock.as_deref();
        let local = clock.map_or(0, |clock| clock.now().offset);
        let location = zone.map_or(Location::Local, |zone| Location::Fixed(zone.into(), local));
        parse_in(layout, text, &location, clock).map(Value::host)
    }

    /// The name of the zone, if it is one that was made up.
    pub fn zone_name(&self) -> Option<&str> {
        match &self.location {
            Location::Fixed(name, _) => Some(name),
            Location::Utc | Location::Local => None,
        }
    }

    /// The same moment in a Go layout, in UTC.
    pub fn format_in_utc(&self, layout: &str) -> String {
        format_moment(Moment { offset: 0, ..self.moment }, "UTC", layout)
    }

    /// The time of a value that is one.
    pub fn of(value: &Value) -> Option<&Self> {
        match value {
            Value::Host(object) => object.as_any().downcast_ref(),
            _ => None,
        }
    }

    /// Go's `Time.Format`.
    pub fn format(&self, layout: &str) -> String {
        format_moment(self.moment, &self.zone.abbreviation, layout)
    }

    fn at(&self, moment: Moment, call: &Call<'_>) -> Value {
        let clock = call.options().clock.as_deref();
        Value::host(Self::new(moment.seconds, moment.nanoseconds, self.location.clone(), clock))
    }

    fn to(&self, location: Location, call: &Call<'_>) -> Value {
        Self { location, ..self.clone() }.at(self.moment, call)
    }

    /// So many nanoseconds later in the same location.
    pub(super) fn moved(&self, nanoseconds: i64, call: &Call<'_>) -> Value {
        self.at(later(self.moment, nanoseconds), call)
    }

    /// The same time of the day so many years, months and days later, in days that there are.
    fn add_date(&self, years: i64, months: i64, days: i64, call: &Call<'_>) -> Value {
        let parts = Parts::of(self.moment);
        let months = parts.month - 1 + months.clamp(-LARGE, LARGE);
        let year = (parts.year + years.clamp(-LARGE, LARGE) + months.div_euclid(12)).clamp(-LARGE, LARGE);
        let month = months.rem_euclid(12) + 1;
        let day = days_before(year) + days_before_month(year, month) + parts.day - 1;
        let day = day + days.clamp(-LARGE, LARGE);
        let clock = parts.hour * 3600 + parts.minute * 60 + parts.second;
        let seconds = self.location.seconds_of(day * 86_400 + clock, call.options().clock.as_deref());
        self.at(Moment { seconds, ..self.moment }, call)
    }

    /// What is left of a multiple of the duration since Go's zero time.
    fn rest(&self, multiple: i64) -> i64 {
        let since = i128::from(self.moment.seconds) - i128::from(ZERO.seconds);
        let nanoseconds = since * i128::from(SECOND) + i128::from(self.moment.nanoseconds);
        i64::try_from(nanoseconds.rem_euclid(multiple.into())).unwrap_or(0)
    }

    fn truncate(&self, multiple: i64, call: &Call<'_>) -> Value {
        self.moved(if multiple <= 0 { 0 } else { -self.rest(multiple) }, call)
    }

    fn round(&self, multiple: i64, call: &Call<'_>) -> Value {
        if multiple <= 0 {
            return self.moved(0, call);
        }
        let rest = self.rest(multiple);
        self.moved(if rest < multiple - rest { -rest } else { multiple - rest }, call)
    }

    fn compare(&self, other: &Self) -> Ordering {
        let key = |moment: Moment| (moment.seconds, moment.nanoseconds);
        key(self.moment).cmp(&key(other.moment))
    }
}

/// More years than there can be in seconds.
const LARGE: i64 = 100_000_000_000;

impl HostObject for Time {
    fn type_name(&self) -> Cow<'static, str> {
        "time.Time".into()
    }

    fn kind(&self) -> Kind {
        Kind::Struct
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn method(&self, name: &str) -> Option<Signature> {
        let duration = Type::Named(DURATION);
        Some(match name {
            "Unix" | "UnixNano" | "UnixMicro" | "UnixMilli" => Signature::new([], Int64),
            "Year" | "Day" | "Hour" | "Minute" | "Second" | "Nanosecond" | "YearDay" => {
                Signature::new([], Int)
            }
            "Month" => Signature::new([], Type::Named("time.Month")),
            "Weekday" => Signature::new([], Type::Named("time.Weekday")),
            "Format" => Signature::new([Str], Str),
            "String" => Signature::new([], Str),
            "UTC" | "Local" => Signature::new([], TIME),
            "Add" | "Round" | "Truncate" => Signature::new([duration], TIME),
            "AddDate" => Signature::new([Int, Int, Int], TIME),
            "Sub" => Signature::new([TIME], duration),
            "Before" | "After" | "Equal" => Signature::new([TIME], Bool),
            "Compare" => Signature::new([TIME], Int),
            "IsZero" | "IsDST" => Signature::new([], Bool),
            "GoString" => Signature::new([], Str),
            "In" => Signature::new([LOCATION], TIME),
            "Location" => Signature::new([], LOCATION),
            "MarshalText" | "MarshalJSON" | "MarshalBinary" | "GobEncode" => Signature::new([], BYTES),
            "AppendText" | "AppendBinary" => Signature::new([BYTES], BYTES),
            "AppendFormat" => Signature::new([BYTES, Str], BYTES),
            "Date" | "Clock" => {
                Signature::refused(format!("function {name} has 3 return values; should be 1 or 2"))
            }
            "Zone" | "ISOWeek" => refused_pair(name, "int"),
            "ZoneBounds" => refused_pair(name, "time.Time"),
            _ => return None,
        })
    }

    fn call(&self, name: &str, call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, FunctionError> {
        let moment = self.moment;
        let parts = Parts::of(moment);
        let duration = arguments.first().and_then(Duration::of).map_or(0, |duration| duration.0);
        let number = |index: usize| arguments.get(index).and_then(Value::as_signed).unwrap_or(0);
        let in_units = |unit: i64| {
            let whole = moment.seconds.wrapping_mul(SECOND / unit);
            Value::Int64(whole.wrapping_add(i64::from(moment.nanoseconds) / unit))
        };
        if let Some(other) = arguments.first().and_then(Self::of) {
            let order = self.compare(other);
            return Ok(match name {
                "Sub" => Value::host(Duration(between(other.moment, moment))),
                "Before" => order.is_lt().into(),
                "After" => order.is_gt().into(),
                "Equal" => order.is_eq().into(),
                _ => Value::Int(order as i64),
            });
        }
        Ok(match name {
            "Unix" => Value::Int64(moment.seconds),
            "UnixMilli" => in_units(1_000_000),
            "UnixMicro" => in_units(1_000),
            "UnixNano" => in_units(1),
            "Year" => Value::Int(parts.year),
            "Month" => {
                Value::host(Named { go_type: "time.Month", number: parts.month, names: &MONTHS, first: 1 })
            }
            "Weekday" => {
                let number = parts.weekday as i64;
                Value::host(Named { go_type: "time.Weekday", number, names: &WEEKDAYS, first: 0 })
            }
            "Day" => Value::Int(parts.day),
            "Hour" => Value::Int(parts.hour),
            "Minute" => Value::Int(parts.minute),
            "Second" => Value::Int(parts.second),
            "Nanosecond" => Value::Int(moment.nanoseconds.into()),
            "YearDay" => Value::Int(parts.year_day),
            "UTC" => self.to(Location::Utc, call),
            "Local" => self.to(Location::Local, call),
            "In" => {
                let missing = "time: missing Location in call to Time.In";
                let location = arguments.first().and_then(LocationObject::of).ok_or(missing)?;
                self.to(location.clone(), call)
            }
            "Location" => LocationObject::value(self.location.clone(), call.options().clock.as_deref()),
            "Add" => self.moved(duration, call),
            "Round" => self.round(duration, call),
            "Truncate" => self.truncate(duration, call),
            "AddDate" => self.add_date(number(0), number(1), number(2), call),
            "IsZero" => ((moment.seconds, moment.nanoseconds) == (ZERO.seconds, 0)).into(),
            "IsDST" => self.zone.is_dst.into(),
            "String" => Value::string(self.text().unwrap_or_default()),
            "GoString" => Value::string(self.go_string()),
            "Format" => {
                let layout = arguments.first().and_then(Value::as_str).unwrap_or_default();
                Value::string(self.format(&layout))
            }
            other => return self.bytes(other, arguments),
        })
    }

    fn text(&self) -> Option<String> {
        Some(self.format("2006-01-02 15:04:05.999999999 -0700 MST"))
    }

    fn go_text(&self) -> Option<String> {
        Some(self.go_string())
    }

    fn hides(&self, field: &str) -> bool {
        matches!(field, "wall" | "ext" | "loc")
    }

    fn is_equal(&self, other: &dyn Any) -> bool {
        let same = |other: &Self| self.compare(other).is_eq() && self.location == other.location;
        other.downcast_ref().is_some_and(same)
    }

    fn json_fault(&self) -> Option<String> {
        self.rfc3339("Time.MarshalJSON").err()
    }

    fn to_json(&self) -> Option<serde_json::Value> {
        self.rfc3339("").ok().map(Into::into)
    }
}

const BYTES: Type = Type::List(Element::Uint8);

/// A method with two results of which the second is no error.
fn refused_pair(name: &str, second: &str) -> Signature {
    let why = "second return value should be error; is";
    Signature::refused(format!("invalid function signature for {name}: {why} {second}"))
}

/// What the time looks like as bytes and in Go's source.
impl Time {
    /// In the layout of RFC 3339, if that has such years and hours.
    fn rfc3339(&self, who: &str) -> Result<String, String> {
        if !(0..=9999).contains(&Parts::of(self.moment).year) {
            return Err(format!("{who}: year outside of range [0,9999]"));
        }
        if self.moment.offset.abs() >= 24 * 3600 {
            return Err(format!("{who}: timezone hour outside of range [0,23]"));
        }
        Ok(self.format("2006-01-02T15:04:05.999999999Z07:00"))
    }

    /// The methods that give bytes; those that begin with `Append` put them behind bytes that they are given.
    fn bytes(&self, name: &str, arguments: &[Value]) -> Result<Value, FunctionError> {
        let mut bytes = match arguments.first() {
            Some(Value::Bytes(bytes)) => bytes.to_vec(),
            Some(Value::List(list)) => list.items().iter().filter_map(as_byte).collect(),
            _ => Vec::new(),
        };
        match name {
            "MarshalText" | "AppendText" => bytes.extend(self.rfc3339(&format!("Time.{name}"))?.into_bytes()),
            "MarshalJSON" => bytes.extend(format!("\"{}\"", self.rfc3339("Time.MarshalJSON")?).into_bytes()),
            "AppendFormat" => {
                let layout = arguments.get(1).and_then(Value::as_str).unwrap_or_default();
                bytes.extend(self.format(&layout).into_bytes());
            }
            _ => bytes.extend(self.binary()?),
        }
        Ok(Value::Bytes(bytes.into()))
    }

    /// A version, seconds since the year one, nanoseconds, and the offset in minutes, where -1 is UTC; the second
    /// version has the seconds of the offset, too.
    fn binary(&self) -> Result<Vec<u8>, FunctionError> {
        let (minutes, seconds) = match self.location {
            Location::Utc => (-1, 0),
            _ => match (self.moment.offset / 60, self.moment.offset % 60) {
                (-1, _) => return Err("Time.MarshalBinary: unexpected zone offset".into()),
                offset => offset,
            },
        };
        let minutes = i16::try_from(minutes).map_err(|_| "Time.MarshalBinary: unexpected zone offset")?;
        let mut bytes = vec![if seconds == 0 { 1 } else { 2 }];
        bytes.extend((self.moment.seconds.wrapping_sub(ZERO.seconds)).to_be_bytes());
        bytes.extend(self.moment.nanoseconds.to_be_bytes());
        bytes.extend(minutes.to_be_bytes());
        if seconds != 0 {
            bytes.extend((seconds as i8).to_be_bytes());
        }
        Ok(bytes)
    }

    fn go_string(&self) -> String {
        let parts = Parts::of(self.moment);
        let location = match &self.location {
            Location::Utc => "time.UTC".to_owned(),
            Location::Local => "time.Local".to_owned(),
            Location::Fixed(name, _) => format!("time.Location({})", quote(name.as_bytes())),
        };
        format!(
            "time.Date({}, time.{}, {}, {}, {}, {}, {}, {location})",
            parts.year,
            MONTHS[(parts.month - 1) as usize],
            parts.day,
            parts.hour,
            parts.minute,
            parts.second,
            self.moment.nanoseconds,
        )
    }
}

fn as_byte(value: &Value) -> Option<u8> {
    value.as_unsigned().and_then(|number| u8::try_from(number).ok())
}

/// `time.Month`, `time.Weekday`: a number with a name.
struct Named {
    go_type: &'static str,
    number: i64,
    names: &'static [&'static str],
    first: i64,
}

impl Named {
    fn name(&self) -> &'static str {
        usize::try_from(self.number - self.first)
            .ok()
            .and_then(|place| self.names.get(place))
            .copied()
            .unwrap_or("")
    }
}

impl HostObject for Named {
    fn type_name(&self) -> Cow<'static, str> {
        self.go_type.into()
    }

    fn kind(&self) -> Kind {
        Kind::Int
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn method(&self, name: &str) -> Option<Signature> {
        (name == "String").then(|| Signature::new([], Str))
    }

    fn call(&self, _: &str, _: &mut Call<'_>, _: &[Value]) -> Result<Value, FunctionError> {
        Ok(Value::string(self.name()))
    }

    fn text(&self) -> Option<String> {
        Some(self.name().to_owned())
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::Int(self.number))
    }

    fn to_json(&self) -> Option<serde_json::Value> {
        Some(self.number.into())
    }
}
