//! Values: reading files, `--set` and its relatives, merging what the user gives.

pub(crate) mod coalesce;
pub(crate) mod convert;
mod set;

use std::cell::Cell;

use belay_gotemplate::{from_json_with_bytes, from_json_with_integers, with_stand_ins};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::decode::{json_reader, json_type};
use crate::yaml::{self, YamlError};

pub use set::SetError;
use set::{Reading, parse_into};

/// What the user gives to a chart. Numbers of files are floats, those of `--set` are integers: Go
/// templates tell them apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Values {
    map: Map<String, Value>,
    /// Whether characters stand in for bytes of files that are not UTF-8.
    holds_bytes: bool,
}

/// Why a YAML text is not a map of values.
#[derive(Debug, thiserror::Error)]
pub enum ReadValuesError {
    /// A line that starts with `---` and goes on.
    #[error("error reading yaml document: invalid Yaml document separator: {rest}")]
    Separator {
        /// What follows on the line.
        rest: String,
    },
    /// A document is not YAML.
    #[error("cannot unmarshal yaml document")]
    Yaml(#[source] YamlError),
    /// A document is no map.
    #[error(
        "cannot unmarshal yaml document: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal \
         {found} into Go value of type map[string]interface {{}}"
    )]
    NoMap {
        /// The JSON type of the document.
        found: &'static str,
    },
}

/// Why the values a user gives cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum ValuesError {
    /// A values file cannot be read.
    #[error("{message}")]
    ReadFile {
        /// What the reader said.
        message: String,
    },
    /// A values file holds no values.
    #[error("failed to parse {file}")]
    File {
        /// The file as the user named it.
        file: String,
        /// What is wrong with it.
        #[source]
        source: ReadValuesError,
    },
    /// `--set`, `--set-string`, `--set-file` or `--set-literal` cannot be read.
    #[error("failed parsing {flag} data")]
    Set {
        /// The flag.
        flag: &'static str,
        /// What is wrong with it.
        #[source]
        source: SetError,
    },
    /// `--set-json` with keys cannot be read.
    #[error("failed parsing --set-json data {text}")]
    SetJson {
        /// The flag's text.
        text: String,
    },
    /// `--set-json` with an object cannot be read.
    #[error("failed parsing --set-json data JSON: {text}")]
    SetJsonObject {
        /// The flag's text.
        text: String,
    },
}

/// The flags that give values, each in the order they were given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValuesFlags {
    /// `-f`, `--values`
    pub files: Vec<String>,
    /// `--set-json`
    pub set_json: Vec<String>,
    /// `--set`
    pub set: Vec<String>,
    /// `--set-string`
    pub set_string: Vec<String>,
    /// `--set-file`
    pub set_file: Vec<String>,
    /// `--set-literal`
    pub set_literal: Vec<String>,
    /// Whether the files of `set_file` may be other than UTF-8, which Helm takes for what they are.
    pub takes_bytes: bool,
}

impl ValuesFlags {
    /// Merges the flags in Helm's order. `read` gives the content of a file, or Go's error text.
    pub fn merge(&self, read: &dyn Fn(&str) -> Result<Vec<u8>, String>) -> Result<Values, ValuesError> {
        let mut values = Values::default();
        for file in &self.files {
            let content = read(file).map_err(|message| ValuesError::ReadFile { message })?;
            values.merge_file(file, content)?;
        }
        let holds_bytes = Cell::new(false);
        let read = &|file: &str| {
            String::from_utf8(read(file)?).or_else(|error| {
                holds_bytes.set(true);
                let text = with_stand_ins(error.as_bytes()).filter(|_| self.takes_bytes);
                text.ok_or_else(|| format!("{file} is not UTF-8, which is not supported of values"))
            })
        };
        for text in &self.set_json {
            values.set_json(text)?;
        }
        let flags = [
            ("--set", &self.set, Reading::Typed),
            ("--set-string", &self.set_string, Reading::Text),
            ("--set-file", &self.set_file, Reading::File(read)),
            ("--set-literal", &self.set_literal, Reading::Literal),
        ];
        for (flag, texts, reading) in flags {
            for text in texts {
                values.apply(flag, text, &reading)?;
            }
        }
        values.holds_bytes = holds_bytes.get();
        Ok(values)
    }
}

impl From<Map<String, Value>> for Values {
    fn from(map: Map<String, Value>) -> Values {
        Values { map, holds_bytes: false }
    }
}

impl Values {
    /// No values.
    pub fn new() -> Values {
        Values::default()
    }

    /// Values that came as JSON, such as those of a custom resource: numbers become floats, as in
    /// any Go program that decodes them. What is no object gives no values.
    pub fn from_json(value: Value) -> Values {
        let mut value = value;
        yaml::numbers_as_floats(&mut value);
        match value {
            Value::Object(map) => Values::from(map),
            _ => Values::default(),
        }
    }

    /// Reads one or more YAML documents, merged in order.
    pub fn from_yaml(text: &str) -> Result<Values, ReadValuesError> {
        read_values(text).map(Values::from)
    }

    /// The values as JSON.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.map
    }

    /// The values as templates see them.
    pub(crate) fn to_template(&self) -> belay_gotemplate::Map {
        let convert = if self.holds_bytes { from_json_with_bytes } else { from_json_with_integers };
        self.map.iter().map(|(key, value)| (key.as_str(), convert(value))).collect()
    }

    /// Merges other values over these, maps deeply.
    pub fn merge(&mut self, over: Values) {
        self.holds_bytes |= over.holds_bytes;
        merge_maps(&mut self.map, over.map);
    }

    /// `-f`: merges a file's content over what is there.
    pub fn merge_file(&mut self, name: &str, content: impl AsRef<[u8]>) -> Result<(), ValuesError> {
        let file = || name.to_owned();
        let text = yaml::text(content.as_ref()).map_err(ReadValuesError::Yaml);
        let read = text
            .and_then(|text| read_values(&text))
            .map_err(|source| ValuesError::File { file: file(), source })?;
        merge_maps(&mut self.map, read);
        Ok(())
    }

    /// `--set`
    pub fn set(&mut self, text: &str) -> Result<(), ValuesError> {
        self.apply("--set", text, &Reading::Typed)
    }

    /// `--set-string`
    pub fn set_string(&mut self, text: &str) -> Result<(), ValuesError> {
        self.apply("--set-string", text, &Reading::Text)
    }

    /// `--set-literal`
    pub fn set_literal(&mut self, text: &str) -> Result<(), ValuesError> {
        self.apply("--set-literal", text, &Reading::Literal)
    }

    /// `--set-file`; `read` gives the text of a file.
    pub fn set_file(
        &mut self,
        text: &str,
        read: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<(), ValuesError> {
        self.apply("--set-file", text, &Reading::File(read))
    }

    /// `--set-json`, with keys or with one object.
    pub fn set_json(&mut self, text: &str) -> Result<(), ValuesError> {
        let trimmed = text.trim();
        if !trimmed.starts_with('{') {
            let failed = |_| ValuesError::SetJson { text: text.to_owned() };
            return parse_into(text, &mut self.map, &Reading::Json).map_err(failed);
        }
        let mut reader = json_reader(trimmed);
        match Value::deserialize(&mut reader).and_then(|value| reader.end().map(|()| value)) {
            Ok(value) => {
                self.merge(Values::from_json(value));
                Ok(())
            }
            Err(_) => Err(ValuesError::SetJsonObject { text: text.to_owned() }),
        }
    }

    fn apply(&mut self, flag: &'static str, text: &str, reading: &Reading<'_>) -> Result<(), ValuesError> {
        parse_into(text, &mut self.map, reading).map_err(|source| ValuesError::Set { flag, source })
    }
}

/// Reads one or more documents, merged in order, numbers as floats.
pub(crate) fn read_values(text: &str) -> Result<Map<String, Value>, ReadValuesError> {
    let mut values = Map::new();
    for document in documents(text)? {
        match yaml::decode(&document).map_err(ReadValuesError::Yaml)? {
            Value::Null => {}
            Value::Object(map) => {
                let mut value = Value::Object(map);
                yaml::numbers_as_floats(&mut value);
                if let Value::Object(map) = value {
                    merge_maps(&mut values, map);
                }
            }
            other => return Err(ReadValuesError::NoMap { found: json_type(&other) }),
        }
    }
    Ok(values)
}

/// The documents between `---` lines. A separator that goes on is an error here, unlike elsewhere.
fn documents(text: &str) -> Result<Vec<String>, ReadValuesError> {
    let mut documents = Vec::new();
    let mut document = String::new();
    for line in text.split_inclusive('\n') {
        if let Some(rest) = line.strip_prefix("---") {
            let rest = rest.trim();
            if !rest.is_empty() && !rest.starts_with('#') {
                return Err(ReadValuesError::Separator { rest: rest.to_owned() });
            }
            if !document.is_empty() {
                documents.push(std::mem::take(&mut document));
                continue;
            }
        }
        document.push_str(line);
    }
    if !document.is_empty() {
        documents.push(document);
    }
    Ok(documents)
}

/// Puts `over` over `base`: maps are merged, everything else replaced, null included.
fn merge_maps(base: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => merge_maps(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use belay_gotemplate::sprintf;
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_are_merged_in_order() {
        let values = Values::from_yaml("a: {b: 1, c: 2}\n--- # next\na: {b: null}\nd: x\n").unwrap();
        assert_eq!(Value::Object(values.map), json!({"a": {"b": null, "c": 2.0}, "d": "x"}));
        assert!(Values::from_yaml("").unwrap().map.is_empty());
    }

    #[test]
    fn what_is_no_map_is_refused() {
        let error = Values::from_yaml("- a").unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("cannot unmarshal array into Go value of type map[string]interface {}")
        );
        let error = Values::from_yaml("--- a: 1\n").unwrap_err();
        assert_eq!(error.to_string(), "error reading yaml document: invalid Yaml document separator: a: 1");
    }

    #[test]
    fn bytes_are_refused_but_where_they_are_taken() {
        let read = |_: &str| Ok(b"a\xff".to_vec());
        let strict = ValuesFlags { set_file: vec!["x=f".to_owned()], ..ValuesFlags::default() };
        let error = belay_causes::chain(&strict.merge(&read).unwrap_err());
        assert!(error.ends_with("f is not UTF-8, which is not supported of values"), "{error}");
        let values = ValuesFlags { takes_bytes: true, ..strict }.merge(&read).unwrap().to_template();
        assert_eq!(sprintf(b"%x", &[values.get("x").unwrap()]).to_str(), "61ff");
    }
}
