//! Values from and to JSON.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::descent::{descend, may_copy};
use crate::json_error::{MAX_DEPTH as MAX_READ_DEPTH, go_json_error};
use crate::stand_ins::bytes_of;
use crate::value::{List, Map, Text, Value};

/// A JSON value as Go's encoding/json decodes it into `interface {}`: numbers are `float64`.
pub fn from_json(json: &serde_json::Value) -> Value {
    Reading { integers: false, bytes: false }.convert(json)
}

/// The same, but whole numbers are `int64`.
pub fn from_json_with_integers(json: &serde_json::Value) -> Value {
    Reading { integers: true, bytes: false }.convert(json)
}

/// The same, and texts may have characters that stand in for bytes (see [`crate::with_stand_ins`]).
pub fn from_json_with_bytes(json: &serde_json::Value) -> Value {
    Reading { integers: true, bytes: true }.convert(json)
}

/// How JSON becomes values.
struct Reading {
    integers: bool,
    bytes: bool,
}

impl Reading {
    fn convert(&self, json: &serde_json::Value) -> Value {
        match json {
            serde_json::Value::Null => Value::Nil,
            serde_json::Value::Bool(value) => Value::Bool(*value),
            serde_json::Value::Number(number) => match number.as_i64().filter(|_| self.integers) {
                Some(number) => Value::Int64(number),
                None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(text) if self.bytes => match bytes_of(text) {
                Cow::Borrowed(_) => Value::string(text.as_str()),
                Cow::Owned(bytes) => Value::String(bytes.into()),
            },
            serde_json::Value::String(text) => Value::string(text.as_str()),
            serde_json::Value::Array(items) => {
                crate::exec::with_stack(|| Value::list(items.iter().map(|item| self.convert(item)).collect()))
            }
            serde_json::Value::Object(entries) => crate::exec::with_stack(|| {
                let entries = entries.iter().map(|(key, value)| (key.as_str(), self.convert(value)));
                Value::Map(entries.collect::<Map>())
            }),
        }
    }
}

/// Reads a text as Go's encoding/json decodes it into `interface {}`, as deep as that does. An error is Go's text.
pub fn read_json(text: &str) -> Result<Value, String> {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    let read = Level(0).deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    read.map_err(|_| go_json_error(text))
}

/// Reads what is so many lists and objects deep.
struct Level(usize);

impl Level {
    fn deeper<E: Error>(&self) -> Result<Self, E> {
        if self.0 >= MAX_READ_DEPTH { Err(E::custom("exceeded max depth")) } else { Ok(Self(self.0 + 1)) }
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Value;

    // Texts nest deeper than a thread's stack is high.
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        crate::exec::with_stack(|| deserializer.deserialize_any(self))
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Nil)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Float(number as f64))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Float(number as f64))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::string(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut read = Vec::new();
        while let Some(item) = items.next_element_seed(self.deeper()?)? {
            read.push(item);
        }
        // An empty list at the limit is too deep as well.
        self.deeper().map(|_| Value::list(read))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let read = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            read.insert(key, entries.next_value_seed(self.deeper()?)?);
        }
        self.deeper().map(|_| Value::Map(read))
    }
}

/// Why a value cannot be JSON; the text is Go's.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// A function, or another type JSON has no form for.
    #[error("json: unsupported type: {0}")]
    Type(String),
    /// An object that says that it cannot be JSON.
    #[error("json: error calling MarshalJSON for type {0}: {1}")]
    Marshaler(String, String),
    /// NaN or an infinity.
    #[error("json: unsupported value: {0}")]
    Number(String),
    /// A map that holds itself, or something as deep.
    #[error("json: unsupported value: encountered a cycle via map[string]interface {{}}")]
    Cycle,
}

/// What any thread's stack is high enough for.
const MAX_DEPTH: usize = 1000;
/// What is written on a stack of its own. Go's encoder has no limit.
const MAX_WRITTEN_DEPTH: usize = 10_000;
/// Enough to write and to drop what is as deep.
const DEEP_STACK: usize = 256 << 20;

/// A value as Go's encoding/json encodes it: whole floats are whole numbers, bytes are base64, keys
/// are sorted, what is not UTF-8 is replaced.
pub fn to_json(value: &Value) -> Result<serde_json::Value, JsonError> {
    to_json_at(value, Room::new(MAX_DEPTH), char::REPLACEMENT_CHARACTER)
}

/// How much deeper a walk may go.
#[derive(Clone, Copy)]
struct Room(usize);

impl Room {
    fn new(depth: usize) -> Self {
        Self(depth + 1)
    }

    fn deeper(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

/// Stands for a byte that is not UTF-8 while JSON is written; no character, so that texts do not have it.
const BROKEN_BYTE: char = '\u{FDD0}';

/// The value as a text that `write` makes of its JSON. Go writes a byte that is not UTF-8 as an escape, and leaves
/// the character of that escape alone where a text has it.
pub fn json_text(value: &Value, write: impl Fn(&serde_json::Value) -> String) -> Result<String, JsonError> {
    match json_text_within(value, Room::new(MAX_DEPTH), &write) {
        Err(JsonError::Cycle) if !holds_itself(value, &mut Seen::default()) => {
            stacker::grow(DEEP_STACK, || json_text_within(value, Room::new(MAX_WRITTEN_DEPTH), &write))
        }
        result => result,
    }
}

fn json_text_within(
    value: &Value,
    room: Room,
    write: &impl Fn(&serde_json::Value) -> String,
) -> Result<String, JsonError> {
    let text = write(&to_json_at(value, room, char::REPLACEMENT_CHARACTER)?);
    if !text.contains(char::REPLACEMENT_CHARACTER) {
        return Ok(text);
    }
    Ok(write(&to_json_at(value, room, BROKEN_BYTE)?).replace(BROKEN_BYTE, "\\ufffd"))
}

/// Maps by what tells them apart: whether a walk is still within them.
type Seen = HashMap<usize, bool>;

/// Whether a map is within itself; nothing else can be.
fn holds_itself(value: &Value, seen: &mut Seen) -> bool {
    match value {
        Value::List(list) => {
            crate::exec::with_stack(|| list.items().iter().any(|item| holds_itself(item, seen)))
        }
        Value::Map(map) => {
            let Some(address) = map.address() else { return false };
            if let Some(is_within) = seen.insert(address, true) {
                seen.insert(address, is_within);
                return is_within;
            }
            let entries = map.entries();
            let found =
                crate::exec::with_stack(|| entries.iter().any(|(_, value)| holds_itself(value, seen)));
            seen.insert(address, false);
            found
        }
        _ => false,
    }
}

/// `broken` stands for each byte that is not UTF-8.
fn to_json_at(value: &Value, room: Room, broken: char) -> Result<serde_json::Value, JsonError> {
    if room.0 == 0 {
        return Err(JsonError::Cycle);
    }
    Ok(match value {
        Value::Nil => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Float(number) => float_to_json(*number)?,
        Value::String(text) if !may_copy(text.len()) => return Err(JsonError::Cycle),
        Value::String(text) => shown(text, broken).into(),
        Value::Bytes(bytes) => crate::sprig::base64_encode(bytes).into(),
        Value::List(list) => list_to_json(list, room, broken)?,
        Value::Map(map) if map.is_nil() => serde_json::Value::Null,
        Value::Map(map) => {
            let mut entries = serde_json::Map::new();
            for (key, value) in map.entries() {
                let value = descend(|| to_json_at(&value, room.deeper(), broken), || Err(JsonError::Cycle))?;
                entries.insert(shown(&key, broken), value);
            }
            entries.into()
        }
        Value::Host(object) => match (object.json_fault(), object.to_json(), object.underlying()) {
            (Some(fault), ..) => return Err(JsonError::Marshaler(object.type_name().into_owned(), fault)),
            (None, Some(json), _) => json,
            (None, None, Some(value)) => to_json_at(&value, room.deeper(), broken)?,
            (None, None, None) => return Err(JsonError::Type(value.type_name().into_owned())),
        },
        Value::Function(_) | Value::Complex(..) => {
            return Err(JsonError::Type(value.type_name().into_owned()));
        }
        other => match (other.as_signed(), other.as_unsigned()) {
            (Some(number), _) => number.into(),
            (None, number) => number.into(),
        },
    })
}

fn shown(text: &Text, broken: char) -> String {
    match std::str::from_utf8(text.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => crate::value::text_with(text.as_bytes(), broken),
    }
}

fn list_to_json(list: &List, room: Room, broken: char) -> Result<serde_json::Value, JsonError> {
    if list.is_nil() {
        return Ok(serde_json::Value::Null);
    }
    let convert = |item| descend(|| to_json_at(item, room.deeper(), broken), || Err(JsonError::Cycle));
    Ok(serde_json::Value::Array(list.items().iter().map(convert).collect::<Result<_, _>>()?))
}

/// Below 1e21 Go writes whole floats without an exponent or a fraction.
fn float_to_json(number: f64) -> Result<serde_json::Value, JsonError> {
    if !number.is_finite() {
        return Err(JsonError::Number(crate::format::format_float(number, 'g', None)));
    }
    let whole = number as i64;
    if number.fract() == 0.0 && number.abs() < 9e15 && !(number == 0.0 && number.is_sign_negative()) {
        return Ok(whole.into());
    }
    Ok(number.into())
}
