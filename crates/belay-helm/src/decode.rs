//! YAML into typed fields the way Go does it: numbers become text where text is wanted, field names
//! match in any case, and a wrong type is named as Go names it.

use belay_goyaml::ParseOptions;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::yaml::{self, YamlError};

/// Why a YAML text does not fit its fields.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The text is not YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// A value has the wrong type.
    #[error("error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into Go {place}")]
    Type {
        /// The JSON type that stands there.
        found: &'static str,
        /// The place, and the type that was wanted.
        place: String,
    },
}

/// A YAML document that must be a map, or nothing.
pub(crate) fn map(text: &str, go_type: &str) -> Result<Map<String, Value>, DecodeError> {
    match yaml::decode(text)? {
        Value::Null => Ok(Map::new()),
        Value::Object(map) => Ok(map),
        other => {
            Err(DecodeError::Type { found: json_type(&other), place: format!("value of type {go_type}") })
        }
    }
}

/// The first wrong type that was met; decoding goes on behind it, as in Go.
#[derive(Default)]
pub(crate) struct Fields {
    error: Option<DecodeError>,
}

impl Fields {
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        self.error.map_or(Ok(()), Err)
    }

    pub(crate) fn wrong(&mut self, value: &Value, field: &str, go_type: &str) {
        if self.error.is_none() {
            self.error = Some(DecodeError::Type {
                found: json_type(value),
                place: format!("struct field {field} of type {go_type}"),
            });
        }
    }

    pub(crate) fn text(&mut self, value: &Value, field: &str, target: &mut String) {
        match value {
            Value::Null => {}
            Value::String(text) => target.clone_from(text),
            Value::Bool(value) => *target = value.to_string(),
            Value::Number(number) => *target = number_text(number),
            other => self.wrong(other, field, "string"),
        }
    }

    pub(crate) fn boolean(&mut self, value: &Value, field: &str, target: &mut bool) {
        match value {
            Value::Null => {}
            Value::Bool(value) => *target = *value,
            other => self.wrong(other, field, "bool"),
        }
    }

    pub(crate) fn texts(&mut self, value: &Value, field: &str, target: &mut Vec<String>) {
        match value {
            Value::Null => target.clear(),
            Value::Array(items) => {
                target.clear();
                for item in items {
                    let mut text = String::new();
                    self.text(item, field, &mut text);
                    target.push(text);
                }
            }
            other => self.wrong(other, field, "[]string"),
        }
    }

    pub(crate) fn text_map(
        &mut self,
        value: &Value,
        field: &str,
        target: &mut Option<BTreeMap<String, String>>,
    ) {
        match value {
            Value::Null => *target = None,
            Value::Object(entries) => {
                let map = target.get_or_insert_default();
                for (key, item) in entries {
                    let mut text = String::new();
                    self.text(item, field, &mut text);
                    map.insert(key.clone(), text);
                }
            }
            other => self.wrong(other, field, "map[string]string"),
        }
    }

    pub(crate) fn values(&mut self, value: &Value, field: &str, target: &mut Vec<Value>) {
        match value {
            Value::Null => target.clear(),
            Value::Array(items) => {
                target.clone_from(items);
                target.iter_mut().for_each(yaml::numbers_as_floats);
            }
            other => self.wrong(other, field, "[]interface {}"),
        }
    }

    /// A list of structs; a null in it is kept, for the caller to refuse.
    pub(crate) fn structs<T: Default>(
        &mut self,
        value: &Value,
        field: &str,
        (list_type, item_type): (&str, &str),
        target: &mut Option<Vec<Option<T>>>,
        mut read: impl FnMut(&mut Fields, &Map<String, Value>, &mut T),
    ) {
        match value {
            Value::Null => *target = None,
            Value::Array(items) => {
                let mut list = Vec::new();
                for item in items {
                    match item {
                        Value::Null => list.push(None),
                        Value::Object(map) => {
                            let mut entry = T::default();
                            read(self, map, &mut entry);
                            list.push(Some(entry));
                        }
                        other => self.wrong(other, field, item_type),
                    }
                }
                *target = Some(list);
            }
            other => self.wrong(other, field, list_type),
        }
    }
}

/// The entries of a map by their field: the exact name, or else the same name in another case.
pub(crate) fn fields<'a>(
    map: &'a Map<String, Value>,
    names: &[&'static str],
) -> Vec<(&'static str, &'a Value)> {
    let mut entries: Vec<(&String, &Value)> = map.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    let mut found = Vec::new();
    for (key, value) in entries {
        let name = names.iter().find(|name| *name == key);
        let name = name.or_else(|| names.iter().find(|name| name.eq_ignore_ascii_case(key)));
        if let Some(name) = name {
            found.push((*name, value));
        }
    }
    found
}

pub(crate) fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Reads JSON as deep as this thread reads YAML: whoever lets that be deep has the stack for it.
pub(crate) fn json_reader(text: &str) -> serde_json::Deserializer<serde_json::de::StrRead<'_>> {
    let mut reader = serde_json::Deserializer::from_str(text);
    if nesting(text) <= ParseOptions::default().max_depth {
        reader.disable_recursion_limit();
    }
    reader
}

/// How deep the brackets of a text are nested at most.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_text, mut is_escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A number where text is wanted: `1.10` becomes `1.1`, read with the precision of a float32.
pub(crate) fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        #[expect(clippy::cast_possible_truncation, reason = "Go formats with bit size 32 here")]
        Some(float) if number.is_f64() => shortest_f32(float as f32),
        _ => number.to_string(),
    }
}

/// Go's `strconv.FormatFloat(f, 'g', -1, 32)`.
fn shortest_f32(float: f32) -> String {
    if !float.is_finite() {
        return if float.is_nan() {
            "NaN"
        } else if float > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        }
        .to_owned();
    }
    let scientific = format!("{float:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return format!("{float}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_text_with_the_precision_of_float32() {
        for (float, expected) in [
            (1.10, "1.1"),
            (1.0, "1"),
            (123_456.0, "123456"),
            (1_234_567.0, "1.234567e+06"),
            (0.00001, "1e-05"),
        ] {
            assert_eq!(shortest_f32(float), expected);
        }
        assert_eq!(number_text(&serde_json::Number::from(1_234_567)), "1234567");
    }
}
