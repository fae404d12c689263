//! Fields by dotted paths, as `replacements` and `vars` name them: `spec.containers.[name=web].image`.

use regex::Regex;
use serde_json::{Map, Value};

use crate::error::Error;
use crate::field_path;
use crate::resource::scalar_text;

/// Splits at dots; a part in brackets keeps its dots, and its brackets where it selects an element.
pub(crate) fn split(path: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut parts = field_path::split(path, '.').into_iter();
    while let Some(part) = parts.next() {
        if !part.starts_with('[') || part.ends_with(']') {
            names.push(part);
            continue;
        }
        let mut bracketed = part;
        for part in parts.by_ref() {
            bracketed.push('.');
            bracketed.push_str(&part);
            if part.ends_with(']') {
                break;
            }
        }
        let selects = bracketed.contains('=');
        names.push(if selects { bracketed } else { bracketed.trim_matches(['[', ']']).to_owned() });
    }
    names
}

/// The path with these parts, none of which selects an element.
pub(crate) fn joined(parts: &[String]) -> String {
    parts.iter().map(|part| part.replace('.', r"\.")).collect::<Vec<_>>().join(".")
}

/// `[key=value]` as its two sides.
pub(crate) fn element_of(part: &str) -> Option<Result<(&str, &str), Error>> {
    let inner = part.strip_prefix('[')?.strip_suffix(']')?;
    let reason = "list path element must contain fieldName=fieldValue for element to match";
    Some(inner.split_once('=').ok_or_else(|| Error::rule(reason)))
}

/// The one field a path leads to.
pub(crate) fn get<'v>(value: &'v Value, path: &[String]) -> Result<Option<&'v Value>, Error> {
    let mut place = value;
    for part in path.iter().map(|part| part.trim()).filter(|part| !part.is_empty()) {
        if place.is_null() {
            return Ok(None);
        }
        let next = if let Ok(at) = part.parse::<usize>() {
            items_of(place)?.get(at)
        } else if part == "-" {
            items_of(place)?.last()
        } else if part == "*" {
            return Err(Error::rule("wildcard is not supported in the path of a source"));
        } else if let Some(element) = element_of(part) {
            let (key, wanted) = element?;
            items_of(place)?.iter().find(|item| element_text(item, key).is_some_and(|text| text == wanted))
        } else {
            match place {
                Value::Object(fields) => fields.get(part),
                _ => return Err(Error::rule(format!("wrong node kind: expected a map that holds '{part}'"))),
            }
        };
        match next {
            Some(next) => place = next,
            None => return Ok(None),
        }
    }
    Ok(Some(place))
}

fn items_of(value: &Value) -> Result<&Vec<Value>, Error> {
    value.as_array().ok_or_else(|| Error::rule("wrong node kind: expected a list"))
}

/// What an element is told by: one of its fields, or itself where the key is empty.
fn element_text(item: &Value, key: &str) -> Option<String> {
    if key.is_empty() { Some(scalar_text(item)) } else { item.get(key).map(scalar_text) }
}

/// The path with numbers instead of what selects elements, as far as the value has them; and whether each is a key.
pub(crate) fn steps(value: &Value, path: &[String]) -> impl Iterator<Item = (String, bool)> {
    let mut place = Some(value);
    path.iter().map(move |part| {
        let items = place.and_then(Value::as_array);
        let selected = element_of(part).and_then(Result::ok).and_then(|(key, wanted)| {
            items?.iter().position(|item| element_text(item, key).is_some_and(|text| text == wanted))
        });
        let name = selected.map_or_else(|| part.clone(), |at| at.to_string());
        let is_key = items.is_none();
        place = match items {
            Some(items) => name.parse::<usize>().ok().and_then(|at| items.get(at)),
            None => place.and_then(|place| place.get(&name)),
        };
        (name, is_key)
    })
}

/// What is made where a path leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Scalar,
    Map,
    List,
}

impl Kind {
    pub(crate) fn of(value: &Value) -> Kind {
        match value {
            Value::Object(_) => Kind::Map,
            Value::Array(_) => Kind::List,
            _ => Kind::Scalar,
        }
    }

    /// What is made for the next part of a path; at its end, this.
    pub(crate) fn for_next(self, part: Option<&str>) -> Kind {
        match part {
            None => self,
            Some(next) if next.starts_with('[') && next.ends_with(']') => Kind::List,
            Some(next) if next.parse::<usize>().is_ok() => Kind::List,
            Some(_) => Kind::Map,
        }
    }

    fn empty(self) -> Value {
        match self {
            Kind::Scalar => Value::Null,
            Kind::Map => Value::Object(Map::new()),
            Kind::List => Value::Array(Vec::new()),
        }
    }
}

/// Calls `visit` for every field a path leads to, and says how many there are. Elements are matched
/// by regular expressions, `*` is every element. `visit` learns whether the field was made just now.
pub(crate) fn visit(
    value: &mut Value,
    path: &[String],
    create: Option<Kind>,
    visit: &mut dyn FnMut(&mut Value, bool) -> Result<(), Error>,
) -> Result<usize, Error> {
    Visitor { create, visit }.step(value, path, false)
}

struct Visitor<'v> {
    create: Option<Kind>,
    visit: &'v mut dyn FnMut(&mut Value, bool) -> Result<(), Error>,
}

impl Visitor<'_> {
    fn step(&mut self, value: &mut Value, path: &[String], fresh: bool) -> Result<usize, Error> {
        let Some((part, rest)) = path.split_first() else {
            (self.visit)(value, fresh)?;
            return Ok(1);
        };
        if let Ok(at) = part.parse::<usize>() {
            return self.index(value, at, rest);
        }
        if let Some(element) = element_of(part) {
            let (key, pattern) = element?;
            return self.elements(value, key, pattern, rest);
        }
        if part == "*" {
            return match value {
                Value::Null => Ok(0),
                Value::Array(items) => items.iter_mut().map(|item| self.step(item, rest, false)).sum(),
                _ => Err(Error::rule("wrong node kind: '*' is for the elements of a list")),
            };
        }
        self.field(value, part, rest)
    }

    /// What a missing field is made as, for the next part of the path.
    fn made(&self, rest: &[String]) -> Option<Value> {
        Some(self.create?.for_next(rest.first().map(String::as_str)).empty())
    }

    fn field(&mut self, value: &mut Value, name: &str, rest: &[String]) -> Result<usize, Error> {
        let fields = match value {
            Value::Null => return Ok(0),
            Value::Object(fields) => fields,
            _ => return Err(Error::rule(format!("wrong node kind: expected a map that holds '{name}'"))),
        };
        if let Some(field) = fields.get_mut(name) {
            return self.step(field, rest, false);
        }
        let Some(mut made) = self.made(rest) else { return Ok(0) };
        let count = self.step(&mut made, rest, true)?;
        fields.insert(name.to_owned(), made);
        Ok(count)
    }

    fn index(&mut self, value: &mut Value, at: usize, rest: &[String]) -> Result<usize, Error> {
        let made = self.made(rest);
        let items = list_of(value)?;
        let count = items.len();
        let fresh = at == count && made.is_some();
        if fresh {
            items.extend(made);
        }
        match items.get_mut(at) {
            Some(item) => self.step(item, rest, fresh),
            None => Err(Error::rule(format!("index {at} specified but only {count} elements found"))),
        }
    }

    fn elements(
        &mut self,
        value: &mut Value,
        key: &str,
        pattern: &str,
        rest: &[String],
    ) -> Result<usize, Error> {
        let expression = Regex::new(pattern)
            .map_err(|error| Error::rule(format!("'{pattern}' is no regular expression: {error}")))?;
        if value.is_null() && self.create.is_none() {
            return Ok(0);
        }
        let items = list_of(value)?;
        let mut count = 0;
        let rest = if key.is_empty() { &[] } else { rest };
        for item in items.iter_mut() {
            if element_text(item, key).is_some_and(|text| expression.is_match(&text)) {
                count += self.step(item, rest, false)?;
            }
        }
        if count > 0 || self.create.is_none() {
            return Ok(count);
        }
        let mut made = Value::from(pattern);
        if !key.is_empty() {
            made = Value::Object(Map::from_iter([(key.to_owned(), made)]));
        }
        let count = self.step(&mut made, rest, key.is_empty())?;
        items.push(made);
        Ok(count)
    }
}

fn list_of(value: &mut Value) -> Result<&mut Vec<Value>, Error> {
    value.as_array_mut().ok_or_else(|| Error::rule("wrong node kind: expected a list"))
}

/// A plain text as YAML reads it: `8080` is a number, `2024-01-02` a time.
pub(crate) fn plain(text: &str) -> Value {
    let options =
        belay_goyaml::ParseOptions { resolution: belay_goyaml::Resolution::V3, ..Default::default() };
    let is_word = !text.contains(char::is_whitespace)
        && !text.starts_with(['"', '\'', '&', '*', '!', '|', '>', '%', '@', '`']);
    match belay_goyaml::to_json_with(text, &options, true) {
        Ok(value @ (Value::Bool(_) | Value::Number(_))) if is_word => value,
        Ok(Value::Null) if is_word && !text.is_empty() => Value::Null,
        // A date is read as a time.
        Ok(value @ Value::String(_)) if !belay_goyaml::is_text_unquoted(text, options.resolution) => value,
        _ => Value::from(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_keep_their_dots() {
        assert_eq!(split("a.[k=v.w].b"), ["a", "[k=v.w]", "b"]);
        assert_eq!(split("metadata.annotations.[a.b/c]"), ["metadata", "annotations", "a.b/c"]);
        assert_eq!(split(r"data.a\.b"), ["data", "a.b"]);
    }

    #[test]
    fn plain_texts_are_typed() {
        assert_eq!(plain("8080"), Value::from(8080));
        assert_eq!(plain("true"), Value::Bool(true));
        assert_eq!(plain("yes"), Value::from("yes"));
        assert_eq!(plain("2024-1-2"), Value::from("2024-01-02T00:00:00Z"));
        assert_eq!(plain("a: b"), Value::from("a: b"));
    }
}
