//! Go's `time.Time` as templates see it, its months and weekdays.

use std::any::Any;
use std::borrow::Cow;
use std::cmp::Ordering;

use super::date_parse::days_before_month;
use super::dates::{MONTHS, Parts, WEEKDAYS, between, days_before, format_moment, later, local_offset};
use super::durations::SECOND;
use crate::duration::{DURATION, Duration};
use crate::function::{Call, FunctionError, Signature};
use crate::host::HostObject;
use crate::options::Moment;
use crate::value::Type::{Bool, Int, Int64, String as Str};
use crate::value::{Element, Kind, Type, Value};

/// The Go type.
pub(super) const TIME: Type = Type::Named("time.Time");

/// Go's zero time, the first day of the year one.
pub(super) const ZERO: Moment = Moment { seconds: -62_135_596_800, nanoseconds: 0, offset: 0 };

/// A moment in a zone.
#[derive(Clone)]
pub(super) struct Time {
    pub(super) moment: Moment,
    /// The abbreviation of its zone, if it was read with one.
    pub(super) zone: Option<String>,
}

impl Time {
    pub(super) fn local(moment: Moment) -> Value {
        Value::host(Self { moment, zone: None })
    }

    /// The time of a value that is one.
    pub(super) fn of(value: &Value) -> Option<&Self> {
        match value {
            Value::Host(object) => object.as_any().downcast_ref(),
            _ => None,
        }
    }

    fn format(&self, layout: &str) -> String {
        format_moment(self.moment, self.zone.as_deref().unwrap_or_default(), layout)
    }

    fn at(&self, moment: Moment) -> Value {
        Value::host(Self { moment, zone: self.zone.clone() })
    }

    /// The same time of the day so many years, months and days later, in days that there are.
    fn add_date(&self, years: i64, months: i64, days: i64) -> Value {
        let parts = Parts::of(self.moment);
        let months = parts.month - 1 + months.clamp(-LARGE, LARGE);
        let year = (parts.year + years.clamp(-LARGE, LARGE) + months.div_euclid(12)).clamp(-LARGE, LARGE);
        let month = months.rem_euclid(12) + 1;
        let day = days_before(year) + days_before_month(year, month) + parts.day - 1;
        let day = day + days.clamp(-LARGE, LARGE);
        let clock = parts.hour * 3600 + parts.minute * 60 + parts.second;
        let seconds = day * 86_400 + clock - i64::from(self.moment.offset);
        self.at(Moment { seconds, ..self.moment })
    }

    /// What is left of a multiple of the duration since Go's zero time.
    fn rest(&self, multiple: i64) -> i64 {
        let since = i128::from(self.moment.seconds) - i128::from(ZERO.seconds);
        let nanoseconds = since * i128::from(SECOND) + i128::from(self.moment.nanoseconds);
        i64::try_from(nanoseconds.rem_euclid(multiple.into())).unwrap_or(0)
    }

    fn truncate(&self, multiple: i64) -> Value {
        if multiple <= 0 {
            return self.at(self.moment);
        }
        self.at(later(self.moment, -self.rest(multiple)))
    }

    fn round(&self, multiple: i64) -> Value {
        if multiple <= 0 {
            return self.at(self.moment);
        }
        let rest = self.rest(multiple);
        let step = if rest < multiple - rest { -rest } else { multiple - rest };
        self.at(later(self.moment, step))
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
            "MarshalText" | "MarshalJSON" => Signature::new([], Type::List(Element::Uint8)),
            "AppendFormat" | "AppendText" | "AppendBinary" | "GoString" | "In" | "Location"
            | "MarshalBinary" | "GobEncode" => Signature::variadic([Type::Any], Type::Any),
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
            "UTC" => Self::local(Moment { offset: 0, ..moment }),
            "Local" => Self::local(Moment { offset: local_offset(call), ..moment }),
            "Add" => self.at(later(moment, duration)),
            "Round" => self.round(duration),
            "Truncate" => self.truncate(duration),
            "AddDate" => self.add_date(number(0), number(1), number(2)),
            "IsZero" => ((moment.seconds, moment.nanoseconds) == (ZERO.seconds, 0)).into(),
            "IsDST" if moment.offset == 0 => false.into(),
            "MarshalText" => Value::Bytes(self.json_text().into_bytes().into()),
            "MarshalJSON" => Value::Bytes(format!("\"{}\"", self.json_text()).into_bytes().into()),
            "String" => Value::string(self.text().unwrap_or_default()),
            "Format" => {
                let layout = arguments.first().and_then(Value::as_str).unwrap_or_default();
                Value::string(self.format(&layout))
            }
            other => return Err(format!("`{other}` of a time is not supported yet").into()),
        })
    }

    fn text(&self) -> Option<String> {
        Some(self.format("2006-01-02 15:04:05.999999999 -0700 MST"))
    }

    fn to_json(&self) -> Option<serde_json::Value> {
        Some(self.json_text().into())
    }
}

impl Time {
    fn json_text(&self) -> String {
        self.format("2006-01-02T15:04:05.999999999Z07:00")
    }
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
