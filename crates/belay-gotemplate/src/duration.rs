//! Go's `time.Duration` as templates see it.

use std::any::Any;
use std::borrow::Cow;

use crate::function::{Call, FunctionError, Signature};
use crate::host::HostObject;
use crate::sprig::format_duration;
use crate::value::{Kind, Type, Value};

/// The Go type.
pub(crate) const DURATION: &str = "time.Duration";
const SECOND: i64 = 1_000_000_000;

/// A duration in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duration(pub i64);

impl Duration {
    /// The duration of a value that is one.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Host(object) => object.as_any().downcast_ref::<Self>().copied(),
            _ => None,
        }
    }

    /// The duration in a unit of so many nanoseconds; Go divides the whole part and the rest apart.
    pub fn in_units(self, unit: i64) -> f64 {
        (self.0 / unit) as f64 + (self.0 % unit) as f64 / unit as f64
    }

    /// Go's `Duration.Round`: halves away from zero, no overflow.
    #[must_use]
    pub fn round(self, multiple: i64) -> Self {
        if multiple <= 0 {
            return self;
        }
        let rest = self.0 % multiple;
        let (truncated, size) = (self.0 - rest, rest.unsigned_abs());
        if size < multiple.unsigned_abs() - size {
            return Self(truncated);
        }
        Self(if self.0 < 0 { truncated.saturating_sub(multiple) } else { truncated.saturating_add(multiple) })
    }

    /// Go's `Duration.Truncate`: toward zero.
    #[must_use]
    pub fn truncate(self, multiple: i64) -> Self {
        if multiple <= 0 { self } else { Self(self.0 - self.0 % multiple) }
    }
}

impl HostObject for Duration {
    fn type_name(&self) -> Cow<'static, str> {
        DURATION.into()
    }

    fn kind(&self) -> Kind {
        Kind::Int64
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn method(&self, name: &str) -> Option<Signature> {
        let own = Type::Named(DURATION);
        Some(match name {
            "String" => Signature::new([], Type::String),
            "Seconds" | "Minutes" | "Hours" => Signature::new([], Type::Float64),
            "Milliseconds" | "Microseconds" | "Nanoseconds" => Signature::new([], Type::Int64),
            "Abs" => Signature::new([], own),
            "Round" | "Truncate" => Signature::new([own], own),
            _ => return None,
        })
    }

    fn call(&self, name: &str, _: &mut Call<'_>, arguments: &[Value]) -> Result<Value, FunctionError> {
        let other = arguments.first().and_then(Self::of).map_or(0, |other| other.0);
        Ok(match name {
            "String" => Value::string(format_duration(self.0)),
            "Seconds" => Value::Float(self.in_units(SECOND)),
            "Minutes" => Value::Float(self.in_units(60 * SECOND)),
            "Hours" => Value::Float(self.in_units(3600 * SECOND)),
            "Milliseconds" => Value::Int64(self.0 / 1_000_000),
            "Microseconds" => Value::Int64(self.0 / 1_000),
            "Abs" => Value::host(Self(self.0.saturating_abs())),
            "Round" => Value::host(self.round(other)),
            "Truncate" => Value::host(self.truncate(other)),
            _ => Value::Int64(self.0),
        })
    }

    fn text(&self) -> Option<String> {
        Some(format_duration(self.0))
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::Int64(self.0))
    }

    fn to_json(&self) -> Option<serde_json::Value> {
        Some(self.0.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_round_away_from_zero() {
        assert_eq!(Duration(15).round(10), Duration(20));
        assert_eq!(Duration(-15).round(10), Duration(-20));
        assert_eq!(Duration(14).round(10), Duration(10));
    }
}
