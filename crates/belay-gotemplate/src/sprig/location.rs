//! Go's `time.Location` as templates see it: where a time is.

use std::any::Any;
use std::borrow::Cow;
use std::rc::Rc;

use crate::function::{Call, FunctionError, Signature};
use crate::host::HostObject;
use crate::options::{Clock, LocalZone};
use crate::value::{Kind, Type, Value};

/// The Go type.
pub(super) const LOCATION: Type = Type::Named("*time.Location");

/// Where a time is.
#[derive(Clone, Debug)]
pub(super) enum Location {
    /// `time.UTC`
    Utc,
    /// `time.Local`
    Local,
    /// A zone made up of what a text said: its name, which may be empty, and seconds east of UTC.
    Fixed(Rc<str>, i32),
}

impl Location {
    /// What holds there at a moment.
    pub(super) fn at(&self, seconds: i64, clock: Option<&dyn Clock>) -> LocalZone {
        let utc = || LocalZone { offset: 0, abbreviation: "UTC".to_owned(), is_dst: false };
        match self {
            Self::Utc => utc(),
            Self::Local => clock.map_or_else(utc, |clock| clock.local_at(seconds)),
            Self::Fixed(name, offset) => {
                LocalZone { offset: *offset, abbreviation: (**name).to_owned(), is_dst: false }
            }
        }
    }

    /// The seconds since 1970 at which clocks there show this time of day, given as if it were UTC.
    pub(super) fn seconds_of(&self, shown: i64, clock: Option<&dyn Clock>) -> i64 {
        let guess = i64::from(self.at(shown, clock).offset);
        shown - i64::from(self.at(shown - guess, clock).offset)
    }
}

/// Whether Go's pointers to both are one: made-up zones are made for each text anew, but for those without a name at
/// whole hours and those of TOML.
impl PartialEq for Location {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Utc, Self::Utc) | (Self::Local, Self::Local) => true,
            (Self::Fixed(a, here), Self::Fixed(b, there)) => {
                let is_shared = a == b && (a.ends_with("-local") || (a.is_empty() && here % 3600 == 0));
                here == there && (is_shared || Rc::ptr_eq(a, b))
            }
            _ => false,
        }
    }
}

/// A location in a template's hands, with the name that it goes by there.
pub(super) struct LocationObject {
    pub(super) location: Location,
    name: String,
}

impl LocationObject {
    pub(super) fn value(location: Location, clock: Option<&dyn Clock>) -> Value {
        let name = match &location {
            Location::Utc => "UTC".to_owned(),
            Location::Local => clock.map_or_else(|| "Local".to_owned(), Clock::local_name),
            Location::Fixed(name, _) => (**name).to_owned(),
        };
        Value::host(Self { location, name })
    }

    /// The location of a value that is one.
    pub(super) fn of(value: &Value) -> Option<&Location> {
        match value {
            Value::Host(object) => object.as_any().downcast_ref().map(|object: &Self| &object.location),
            _ => None,
        }
    }
}

impl HostObject for LocationObject {
    fn type_name(&self) -> Cow<'static, str> {
        "*time.Location".into()
    }

    fn kind(&self) -> Kind {
        Kind::Ptr
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn method(&self, name: &str) -> Option<Signature> {
        (name == "String").then(|| Signature::new([], Type::String))
    }

    fn call(&self, _: &str, _: &mut Call<'_>, _: &[Value]) -> Result<Value, FunctionError> {
        Ok(Value::string(&self.name))
    }

    fn hides(&self, field: &str) -> bool {
        matches!(field, "name" | "zone" | "tx" | "extend" | "cacheStart" | "cacheEnd" | "cacheZone")
    }

    fn is_equal(&self, other: &dyn Any) -> bool {
        other.downcast_ref().is_some_and(|other: &Self| self.location == other.location)
    }

    fn text(&self) -> Option<String> {
        Some(self.name.clone())
    }

    fn to_json(&self) -> Option<serde_json::Value> {
        Some(serde_json::Value::Object(serde_json::Map::new()))
    }
}
