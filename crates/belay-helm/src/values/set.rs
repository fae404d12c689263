//! The little language of `--set`, `--set-string`, `--set-json`, `--set-file`: `a.b[2].c={x,y}`.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::{Map, Value};

use crate::quote::{quote, quote_char};

/// The largest index a key may name: larger ones only serve to exhaust memory.
const MAX_INDEX: i64 = 65536;

/// How deep a key may be nested.
const MAX_NESTING: usize = 30;

/// Why a `--set` text cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// The text ends inside of a key.
    #[error("key {} has no value", quote(.key))]
    NoValue {
        /// The key.
        key: String,
    },
    /// A comma where a value should be.
    #[error("key {} has no value (cannot end with ,)", quote(.key))]
    EndsWithComma {
        /// The key.
        key: String,
    },
    /// A dot with nothing below it.
    #[error("key map {} has no value", quote(.key))]
    NoMapValue {
        /// The key.
        key: String,
    },
    /// The key is nested too deeply.
    #[error("value name nested level is greater than maximum supported nested level of {MAX_NESTING}")]
    TooDeep,
    /// What stands between the brackets is no number.
    #[error("error parsing index: strconv.Atoi: parsing {}: {reason}", quote(.index))]
    Index {
        /// The text between the brackets.
        index: String,
        /// What Go says of it.
        reason: &'static str,
    },
    /// The brackets are not closed.
    #[error("error parsing index: EOF")]
    OpenIndex,
    /// An index below zero.
    #[error("negative {index} index not allowed")]
    NegativeIndex {
        /// The index.
        index: i64,
    },
    /// An index that would exhaust memory.
    #[error("index of {index} is greater than maximum supported index of {MAX_INDEX}")]
    LargeIndex {
        /// The index.
        index: i64,
    },
    /// Text between `]` and what must follow it.
    #[error("unexpected data at end of array index: {}", quote_chars(.text))]
    AfterIndex {
        /// The text.
        text: String,
    },
    /// A `{` without its `}`.
    #[error("list must terminate with '}}'")]
    OpenList,
    /// The key goes through a value that is no map or list.
    #[error("unable to parse key: interface conversion: interface {{}} is {found}, not {wanted}")]
    Conversion {
        /// The Go type that stands there.
        found: &'static str,
        /// The Go type the key asks for.
        wanted: &'static str,
    },
    /// The value is not JSON.
    #[error("invalid JSON value")]
    Json,
    /// The file a value should be read from cannot be read.
    #[error("{message}")]
    File {
        /// What the reader said.
        message: String,
    },
}

fn quote_chars(text: &str) -> String {
    let quoted: Vec<String> = text.chars().map(quote_char).collect();
    format!("[{}]", quoted.join(" "))
}

/// How the text after `=` becomes a value.
pub(super) enum Reading<'a> {
    /// `--set`: numbers, booleans and null are told apart.
    Typed,
    /// `--set-string`: always a string.
    Text,
    /// `--set-json`: a JSON value.
    Json,
    /// `--set-file`: the text of the file with that name.
    File(&'a dyn Fn(&str) -> Result<String, String>),
    /// `--set-literal`: everything to the end of the text, nothing escaped.
    Literal,
}

/// Reads `text` into `data`, over what stands there.
pub(super) fn parse_into(
    text: &str,
    data: &mut Map<String, Value>,
    reading: &Reading<'_>,
) -> Result<(), SetError> {
    let mut parser = Parser { rest: text.chars().peekable(), reading };
    loop {
        match parser.key(data, 0) {
            Ok(()) => {}
            // Helm takes the end within brackets for the end of the text.
            Err(Stop::End | Stop::Failed(SetError::OpenIndex)) => return Ok(()),
            Err(Stop::Failed(error)) => return Err(error),
        }
    }
}

/// Why a step of the parser does not go on: Go's `io.EOF`, which is no failure, or an error.
enum Stop {
    End,
    Failed(SetError),
}

impl From<SetError> for Stop {
    fn from(error: SetError) -> Stop {
        Stop::Failed(error)
    }
}

struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
    reading: &'a Reading<'a>,
}

impl Parser<'_> {
    fn is_literal(&self) -> bool {
        matches!(self.reading, Reading::Literal)
    }

    /// The text up to one of `stop`, and which one it was; `None` at the end of the text.
    fn until(&mut self, stop: &[char]) -> (String, Option<char>) {
        let mut text = String::new();
        while let Some(next) = self.rest.next() {
            if stop.contains(&next) {
                return (text, Some(next));
            }
            if next == '\\' && !self.is_literal() {
                match self.rest.next() {
                    Some(escaped) => text.push(escaped),
                    None => return (text, None),
                }
            } else {
                text.push(next);
            }
        }
        (text, None)
    }

    fn key(&mut self, data: &mut Map<String, Value>, nesting: usize) -> Result<(), Stop> {
        let stops: &[char] = if self.is_literal() { &['=', '[', '.'] } else { &['=', '[', ',', '.'] };
        let (key, last) = self.until(stops);
        match last {
            None if key.is_empty() => Err(Stop::End),
            None => Err(SetError::NoValue { key }.into()),
            Some('[') => self.indexed(data, key, nesting),
            Some('=') => self.assigned(data, key),
            Some('.') => self.nested(data, key, nesting + 1),
            Some(_) => {
                set(data, &key, Value::String(String::new()));
                Err(SetError::EndsWithComma { key }.into())
            }
        }
    }

    fn indexed(&mut self, data: &mut Map<String, Value>, key: String, nesting: usize) -> Result<(), Stop> {
        let index = self.index()?;
        let list = match data.get_mut(&key) {
            None => Vec::new(),
            Some(value) => take_list(value)?,
        };
        let mut list = list;
        let result = self.list_item(&mut list, index, nesting);
        set(data, &key, Value::Array(list));
        result
    }

    fn nested(&mut self, data: &mut Map<String, Value>, key: String, nesting: usize) -> Result<(), Stop> {
        if nesting > MAX_NESTING {
            return Err(SetError::TooDeep.into());
        }
        let existing = match data.get_mut(&key) {
            None => None,
            Some(value) => Some(take_map(value)?),
        };
        let stood_there = existing.is_some();
        let mut inner = existing.unwrap_or_default();
        let result = self.key(&mut inner, nesting);
        let empty = inner.is_empty();
        if stood_there {
            data.insert(key.clone(), Value::Object(inner));
        } else if !empty {
            set(data, &key, Value::Object(inner));
        }
        if result.is_ok() && empty {
            return Err(SetError::NoMapValue { key }.into());
        }
        result
    }

    /// What follows `key=`.
    fn assigned(&mut self, data: &mut Map<String, Value>, key: String) -> Result<(), Stop> {
        match self.reading {
            Reading::Json => {
                let value = self.json_value()?;
                set(data, &key, value);
                Ok(())
            }
            Reading::Literal => {
                let text: String = self.rest.by_ref().collect();
                set(data, &key, Value::String(text));
                Ok(())
            }
            _ => match self.rest.peek() {
                None => {
                    set(data, &key, Value::String(String::new()));
                    Err(Stop::End)
                }
                Some('{') => {
                    let list = self.value_list()?;
                    set(data, &key, Value::Array(list));
                    Ok(())
                }
                Some(_) => {
                    let (text, _) = self.until(&[',']);
                    let value = self.read(&text);
                    set(data, &key, value.as_ref().cloned().unwrap_or_default());
                    value?;
                    Ok(())
                }
            },
        }
    }

    fn index(&mut self) -> Result<i64, SetError> {
        let (text, last) = self.until(&[']']);
        if last.is_none() {
            return Err(SetError::OpenIndex);
        }
        match text.parse::<i64>() {
            Ok(index) => Ok(index),
            Err(error) => {
                use std::num::IntErrorKind::{NegOverflow, PosOverflow};
                let reason = match error.kind() {
                    PosOverflow | NegOverflow => "value out of range",
                    _ => "invalid syntax",
                };
                Err(SetError::Index { index: text, reason })
            }
        }
    }

    /// What follows `[index]`.
    fn list_item(&mut self, list: &mut Vec<Value>, index: i64, nesting: usize) -> Result<(), Stop> {
        if index < 0 {
            return Err(SetError::NegativeIndex { index }.into());
        }
        let (text, last) = self.until(&['[', '.', '=']);
        if !text.is_empty() {
            return Err(SetError::AfterIndex { text }.into());
        }
        match last {
            None => Err(Stop::End),
            Some('=') => {
                let value = self.item_value()?;
                set_index(list, index, value)
            }
            Some('[') => self.inner_list(list, index, nesting),
            Some(_) => self.inner_map(list, index, nesting),
        }
    }

    fn item_value(&mut self) -> Result<Value, Stop> {
        match self.reading {
            Reading::Json => Ok(self.json_value()?),
            Reading::Literal => Ok(Value::String(self.rest.by_ref().collect())),
            _ => match self.rest.peek() {
                None => Ok(Value::String(String::new())),
                Some('{') => Ok(Value::Array(self.value_list()?)),
                Some(_) => {
                    let (text, _) = self.until(&[',']);
                    Ok(self.read(&text)?)
                }
            },
        }
    }

    fn inner_list(&mut self, list: &mut Vec<Value>, index: i64, nesting: usize) -> Result<(), Stop> {
        let inner_index = self.index()?;
        let place = usize::try_from(index).ok().filter(|place| *place < list.len());
        let mut inner = match place.map(|place| &mut list[place]) {
            None | Some(Value::Null) => Vec::new(),
            Some(value) => take_list(value)?,
        };
        let result = self.list_item(&mut inner, inner_index, nesting);
        match (result, place) {
            (Ok(()), _) => set_index(list, index, Value::Array(inner)),
            (Err(stop), Some(place)) => {
                list[place] = Value::Array(inner);
                Err(stop)
            }
            (Err(stop), None) => Err(stop),
        }
    }

    fn inner_map(&mut self, list: &mut Vec<Value>, index: i64, nesting: usize) -> Result<(), Stop> {
        let place = usize::try_from(index).ok().filter(|place| *place < list.len());
        let mut inner = match place.map(|place| &mut list[place]) {
            Some(Value::Object(map)) => std::mem::take(map),
            _ => Map::new(),
        };
        let result = self.key(&mut inner, nesting);
        match (result, place) {
            (Ok(()), _) => set_index(list, index, Value::Object(inner)),
            (Err(stop), Some(place)) => {
                list[place] = Value::Object(inner);
                Err(stop)
            }
            (Err(stop), None) => Err(stop),
        }
    }

    /// `{a,b}`, whose opening brace is next.
    fn value_list(&mut self) -> Result<Vec<Value>, SetError> {
        self.rest.next();
        let mut list = Vec::new();
        loop {
            let (text, last) = self.until(&[',', '}']);
            let Some(last) = last else { return Err(SetError::OpenList) };
            list.push(self.read(&text)?);
            if last == '}' {
                self.rest.next_if_eq(&',');
                return Ok(list);
            }
        }
    }

    fn read(&self, text: &str) -> Result<Value, SetError> {
        match self.reading {
            Reading::Typed => Ok(typed(text)),
            Reading::File(read) => match read(text) {
                Ok(content) => Ok(Value::String(content)),
                Err(message) => Err(SetError::File { message }),
            },
            Reading::Text | Reading::Json | Reading::Literal => Ok(Value::String(text.to_owned())),
        }
    }

    /// One JSON value and the comma after it; nothing at all is null.
    fn json_value(&mut self) -> Result<Value, SetError> {
        if self.skip_to_value() {
            return Ok(Value::Null);
        }
        let rest: String = self.rest.clone().collect();
        let mut values = crate::decode::json_reader(&rest).into_iter::<Value>();
        let mut value = match values.next() {
            Some(Ok(value)) => value,
            _ => return Err(SetError::Json),
        };
        crate::yaml::numbers_as_floats(&mut value);
        for _ in rest[..values.byte_offset()].chars() {
            self.rest.next();
        }
        self.skip_to_value();
        Ok(value)
    }

    /// Skips blanks and one comma. True when the value ended here.
    fn skip_to_value(&mut self) -> bool {
        loop {
            match self.rest.peek() {
                None => return true,
                Some(',') => {
                    self.rest.next();
                    return true;
                }
                Some(next) if next.is_whitespace() => {
                    self.rest.next();
                }
                Some(_) => return false,
            }
        }
    }
}

/// An empty key is read and dropped, as Helm does.
fn set(data: &mut Map<String, Value>, key: &str, value: Value) {
    if !key.is_empty() {
        data.insert(key.to_owned(), value);
    }
}

fn set_index(list: &mut Vec<Value>, index: i64, value: Value) -> Result<(), Stop> {
    if index > MAX_INDEX {
        return Err(SetError::LargeIndex { index }.into());
    }
    let Ok(place) = usize::try_from(index) else {
        return Err(SetError::NegativeIndex { index }.into());
    };
    if list.len() <= place {
        list.resize(place + 1, Value::Null);
    }
    list[place] = value;
    Ok(())
}

fn take_list(value: &mut Value) -> Result<Vec<Value>, SetError> {
    match value {
        Value::Array(list) => Ok(std::mem::take(list)),
        other => Err(SetError::Conversion { found: go_type(other), wanted: "[]interface {}" }),
    }
}

fn take_map(value: &mut Value) -> Result<Map<String, Value>, SetError> {
    match value {
        Value::Object(map) => Ok(std::mem::take(map)),
        other => Err(SetError::Conversion { found: go_type(other), wanted: "map[string]interface {}" }),
    }
}

/// The Go type of a value, as a failed type assertion names it.
pub(crate) fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

fn typed(text: &str) -> Value {
    for (word, value) in [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)] {
        if text.eq_ignore_ascii_case(word) {
            return value;
        }
    }
    if text == "0" {
        return Value::from(0);
    }
    // A leading zero keeps the text: file modes and phone numbers are not counts.
    if !text.starts_with('0')
        && let Ok(number) = text.parse::<i64>()
    {
        return Value::from(number);
    }
    Value::String(text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(reading: &Reading<'_>, text: &str, expected: &Value) {
        let mut data = Map::new();
        parse_into(text, &mut data, reading).unwrap();
        assert_eq!(Value::Object(data), *expected, "{text}");
    }

    fn check_error(reading: &Reading<'_>, text: &str, expected: &str) {
        let error = parse_into(text, &mut Map::new(), reading).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
    }

    #[test]
    fn keys_and_values() {
        let typed = Reading::Typed;
        check(&typed, "a=1,b=x", &json!({"a": 1, "b": "x"}));
        check(&typed, "a.b.c=true", &json!({"a": {"b": {"c": true}}}));
        check(&typed, "a={1,x,null}", &json!({"a": [1, "x", null]}));
        check(&typed, "a={}", &json!({"a": [""]}));
        check(&typed, "a[2]=x", &json!({"a": [null, null, "x"]}));
        check(&typed, "a[0].b=1,a[0].c=2", &json!({"a": [{"b": 1, "c": 2}]}));
        check(&typed, "a[0][1]=x", &json!({"a": [[null, "x"]]}));
        check(&typed, "a=0,b=007,c=-5,d=1.5,e=", &json!({"a": 0, "b": "007", "c": -5, "d": "1.5", "e": ""}));
        check(&typed, r"a=x\,y,b\.c=1", &json!({"a": "x,y", "b.c": 1}));
        check(&typed, "", &json!({}));
        check(&Reading::Text, "a=1,b=true", &json!({"a": "1", "b": "true"}));
        check(&Reading::Literal, r"a.b=x,y=\z", &json!({"a": {"b": r"x,y=\z"}}));
        check(
            &Reading::Json,
            r#"a={"b":[1]},c=null , d="x",e="#,
            &json!({"a": {"b": [1.0]}, "c": null, " d": "x", "e": null}),
        );
    }

    #[test]
    fn errors_are_helms() {
        let typed = Reading::Typed;
        check_error(&typed, "a..b=1", "key map \"a\" has no value");
        check_error(&typed, "a=1,b", "key \"b\" has no value");
        check_error(&typed, "a,", "key \"a\" has no value (cannot end with ,)");
        check_error(&typed, "a={1,2", "list must terminate with '}'");
        check_error(&typed, "a[-1]=1", "negative -1 index not allowed");
        check_error(&typed, "a[70000]=1", "index of 70000 is greater than maximum supported index of 65536");
        check_error(&typed, "a[x]=1", "error parsing index: strconv.Atoi: parsing \"x\": invalid syntax");
        check_error(&typed, "a[0]x=1", "unexpected data at end of array index: ['x']");
        check_error(
            &typed,
            "a=1,a.b=1",
            "unable to parse key: interface conversion: interface {} is int64, not map[string]interface {}",
        );
        check_error(&typed, &format!("{}=1", vec!["a"; 32].join(".")), &SetError::TooDeep.to_string());
    }
}
