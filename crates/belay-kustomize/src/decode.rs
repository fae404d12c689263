//! Settings out of JSON values as Go's `encoding/json` fills its structs: the case of a field's name
//! does not count, and null is the same as nothing. What is wrong is told with the field.

use std::fmt;
use std::vec;

use belay_goyaml::{Node, ParseOptions};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Error as _, Expected, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde::{Deserializer, de};
use serde_json::{Map, Value};

use crate::resource::Step;

/// Reads a value strictly.
pub(crate) fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    T::deserialize(Lenient { value, rules: Rules::Kustomization })
}

/// Reads a plugin's settings: fields that it does not know do not count, and a number is a text where one is due.
pub(crate) fn from_settings<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    T::deserialize(Lenient { value, rules: Rules::Plugin })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rules {
    Kustomization,
    Plugin,
}

/// Why a value is not what is due in its place.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The way to the field, its last step first.
    path: Vec<Step>,
    reason: String,
}

impl Failure {
    fn within(mut self, step: Step) -> Failure {
        self.path.push(step);
        self
    }

    /// The failure with the line of the text that the value was read from.
    pub(crate) fn in_text(&self, text: &str) -> String {
        match self.line(text) {
            Some(line) => format!("line {line}: {self}"),
            None => self.to_string(),
        }
    }

    fn line(&self, text: &str) -> Option<usize> {
        let documents = belay_goyaml::parse(text, &ParseOptions::default()).ok()?;
        let mut node: &Node = &documents.first()?.root;
        let mut line = node.line;
        for step in self.path.iter().rev() {
            // A key may be written otherwise than it reads: `y` is `true`.
            let Some(found) = below(node, step) else { break };
            (line, node) = found;
        }
        Some(line)
    }
}

/// What lies one step below a node, and the line that it begins on.
fn below<'n>(node: &'n Node, step: &Step) -> Option<(usize, &'n Node)> {
    match step {
        Step::Index(at) => node.items()?.get(*at).map(|item| (item.line, item)),
        Step::Key(name) => {
            let is_it = |key: &Node| key.as_str().is_some_and(|key| key.eq_ignore_ascii_case(name));
            let (key, value) = node.entries()?.iter().rev().find(|(key, _)| is_it(key))?;
            Some((key.line, value))
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.path.iter().rev().enumerate() {
            match step {
                Step::Key(name) if at == 0 => formatter.write_str(name)?,
                Step::Key(name) => write!(formatter, ".{name}")?,
                Step::Index(index) => write!(formatter, "[{index}]")?,
            }
        }
        let separator = if self.path.is_empty() { "" } else { ": " };
        write!(formatter, "{separator}{}", self.reason)
    }
}

impl std::error::Error for Failure {}

impl de::Error for Failure {
    fn custom<T: fmt::Display>(reason: T) -> Failure {
        Failure { path: Vec::new(), reason: reason.to_string() }
    }

    fn invalid_type(found: Unexpected<'_>, due: &dyn Expected) -> Failure {
        let due = match due.to_string() {
            due if due.starts_with("struct ") => "a map".to_owned(),
            due if due == "i64" => "a whole number".to_owned(),
            due => due,
        };
        Failure::custom(format!("invalid type: {found}, expected {due}"))
    }

    fn unknown_field(_field: &str, _expected: &'static [&'static str]) -> Failure {
        Failure::custom("unknown field")
    }
}

struct Lenient {
    value: Value,
    rules: Rules,
}

/// Gives fields the names the struct knows them by.
fn renamed(fields: Map<String, Value>, known: &[&str]) -> Map<String, Value> {
    let name_of = |field: &str| {
        let same = |known: &&&str| known.eq_ignore_ascii_case(field);
        match known.contains(&field) {
            true => None,
            false => known.iter().find(same).map(|known| (*known).to_owned()),
        }
    };
    fields.into_iter().map(|(name, value)| (name_of(&name).unwrap_or(name), value)).collect()
}

/// A float as the original makes a text of it.
#[expect(clippy::cast_possible_truncation, reason = "what does not fit is infinite, as in Go")]
fn single_precision(float: f64) -> String {
    let float = float as f32;
    match float.is_infinite() {
        true if float < 0.0 => "-Inf".to_owned(),
        true => "+Inf".to_owned(),
        false => belay_goyaml::format_float32(float),
    }
}

impl Lenient {
    /// This value, or what an absent one counts as.
    fn or(self, nothing: Value) -> Lenient {
        if self.value.is_null() { Lenient { value: nothing, ..self } } else { self }
    }

    /// This value where a text is due.
    fn text(self) -> Lenient {
        let text = match &self.value {
            Value::Null => String::new(),
            Value::Bool(flag) if self.rules == Rules::Plugin => flag.to_string(),
            Value::Number(number) if self.rules == Rules::Plugin => match number.as_f64() {
                Some(float) if number.is_f64() => single_precision(float),
                _ => number.to_string(),
            },
            _ => return self,
        };
        Lenient { value: Value::from(text), ..self }
    }
}

impl<'de> Deserializer<'de> for Lenient {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let Lenient { value, rules } = self;
        match value {
            Value::Array(items) => visitor.visit_seq(Items { items: items.into_iter().enumerate(), rules }),
            Value::Object(fields) => {
                visitor.visit_map(Fields { fields: fields.into_iter(), value: None, rules })
            }
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(flag),
            Value::String(text) => visitor.visit_string(text),
            Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(number), ..) => visitor.visit_i64(number),
                (_, Some(number), _) => visitor.visit_u64(number),
                (.., number) => visitor.visit_f64(number.unwrap_or(f64::NAN)),
            },
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.or(Value::Bool(false)).deserialize_any(visitor)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.or(Value::from(0)).deserialize_any(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.text().deserialize_any(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.text().deserialize_any(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.or(Value::Array(Vec::new())).deserialize_any(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.or(Value::Object(Map::new())).deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let Lenient { value, rules } = self.or(Value::Object(Map::new()));
        let found = match value {
            Value::Object(found) => found,
            // Fields have names here.
            Value::Array(_) => return Err(Failure::invalid_type(Unexpected::Seq, &visitor)),
            value => return Lenient { value, rules }.deserialize_any(visitor),
        };
        let mut fields = renamed(found, known);
        if rules == Rules::Plugin {
            fields.retain(|name, _| known.contains(&name.as_str()));
        }
        Lenient { value: Value::Object(fields), rules }.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct
        newtype_struct tuple tuple_struct enum identifier ignored_any
    }
}

/// The elements of a list.
struct Items {
    items: std::iter::Enumerate<vec::IntoIter<Value>>,
    rules: Rules,
}

impl<'de> SeqAccess<'de> for Items {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failure> {
        let Some((at, value)) = self.items.next() else { return Ok(None) };
        let element = seed.deserialize(Lenient { value, rules: self.rules });
        element.map(Some).map_err(|failure| failure.within(Step::Index(at)))
    }
}

/// The entries of a map.
struct Fields {
    fields: serde_json::map::IntoIter,
    /// The value of the key that was given last, and the key.
    value: Option<(String, Value)>,
    rules: Rules,
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        let Some((name, value)) = self.fields.next() else { return Ok(None) };
        let key = seed.deserialize(IntoDeserializer::<Failure>::into_deserializer(name.as_str()));
        let key = key.map(Some).map_err(|failure| failure.within(Step::Key(name.clone())));
        self.value = Some((name, value));
        key
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        let (name, value) = self.value.take().ok_or_else(|| Failure::custom("a value without a key"))?;
        let value = seed.deserialize(Lenient { value, rules: self.rules });
        value.map_err(|failure| failure.within(Step::Key(name)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kustomization::{Image, Kustomization};

    #[test]
    fn the_case_of_fields_does_not_count_but_that_of_keys_does() {
        let value = json!({"NamePrefix": "a-", "commonlabels": {"Kind": "x"}, "resources": null,
            "vars": [{"name": "v", "objRef": {"APIVERSION": "v1"}}]});
        let kustomization: Kustomization = from_value(value).unwrap();
        assert_eq!(kustomization.name_prefix, "a-");
        assert_eq!(kustomization.common_labels["Kind"], "x");
        assert_eq!(kustomization.vars[0].objref.api_version, "v1");
        assert!(from_value::<Kustomization>(json!({"prefix": "a"})).is_err());
    }

    #[test]
    fn a_failure_names_its_field_and_line() {
        let text = "images:\n- name: a\n- name: b\n  NewTag: 5\n";
        let failure = from_value::<Kustomization>(belay_goyaml::to_json(text).unwrap()).unwrap_err();
        let reason = "line 4: images[1].newTag: invalid type: integer `5`, expected a string";
        assert_eq!(failure.in_text(text), reason);
        let unknown = from_value::<Kustomization>(json!({"labels": [{"x": 1}]})).unwrap_err();
        assert_eq!(unknown.in_text("labels: [\n{x: 1}]"), "line 2: labels[0].x: unknown field");
    }

    #[test]
    fn settings_of_plugins_take_numbers_for_texts_and_leave_out_what_they_do_not_know() {
        let image: Image = from_settings(json!({"name": true, "newTag": 1.5, "bogus": {}})).unwrap();
        assert_eq!((image.name.as_str(), image.new_tag.as_str()), ("true", "1.5"));
        let image: Image = from_settings(json!({"name": 16_777_217.5, "newTag": -1e40})).unwrap();
        assert_eq!((image.name.as_str(), image.new_tag.as_str()), ("1.6777218e+07", "-Inf"));
        assert!(from_settings::<Image>(json!({"name": []})).is_err());
    }
}
