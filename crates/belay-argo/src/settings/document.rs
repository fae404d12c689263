//! The YAML inside of a ConfigMap's key, read with the line of each part at hand.
//!
//! It is read as Go reads it: texts may be written as numbers, names of fields may be written in another case. A field
//! that nobody knows is told.

use std::cell::RefCell;

use belay_goyaml::{Node, ParseOptions, Resolution};
use serde_json::Value;

use super::error::{Notice, SettingsError, Weight};

/// Longest value of a key that is read; a ConfigMap holds no more.
const LONGEST: usize = 1 << 20;
/// Deepest nesting of a value.
const DEEPEST: usize = 64;

/// One key of a ConfigMap while it is read.
pub(super) struct Key<'a> {
    pub(super) config_map: &'static str,
    pub(super) name: &'a str,
    pub(super) notices: RefCell<Vec<Notice>>,
}

impl<'a> Key<'a> {
    pub(super) fn new(config_map: &'static str, name: &'a str) -> Key<'a> {
        Key { config_map, name, notices: RefCell::default() }
    }

    /// What is wrong with the key, at a line of its value.
    pub(super) fn error(&self, line: usize, problem: impl Into<String>) -> SettingsError {
        SettingsError {
            config_map: self.config_map,
            key: self.name.to_owned(),
            line,
            problem: problem.into(),
        }
    }

    /// Says something of the key.
    pub(super) fn note(&self, weight: Weight, message: &str) {
        let message = format!("{}: {}: {message}", self.config_map, self.name);
        self.notices.borrow_mut().push(Notice { weight, message });
    }

    /// The document that the value holds; nothing when it is empty.
    pub(super) fn parse(&self, text: &str) -> Result<Option<Node>, SettingsError> {
        let options = ParseOptions { max_depth: DEEPEST, max_bytes: LONGEST, ..ParseOptions::default() };
        let mut documents =
            belay_goyaml::parse(text, &options).map_err(|error| self.error(error.line, error.message))?;
        if documents.is_empty() {
            return Ok(None);
        }
        let root = documents.swap_remove(0).root;
        Ok(Some(root).filter(|root| !self.is_null(root)))
    }

    fn is_null(&self, node: &Node) -> bool {
        matches!(self.value(node), Ok(Value::Null))
    }

    /// The node as data.
    pub(super) fn value(&self, node: &Node) -> Result<Value, SettingsError> {
        node.to_json(Resolution::V2, false).map_err(|error| self.error(node.line, error.message))
    }

    /// The items of a list; none when there is nothing.
    pub(super) fn list<'n>(&self, what: &str, node: &'n Node) -> Result<&'n [Node], SettingsError> {
        match node.items() {
            Some(items) => Ok(items),
            None if self.is_null(node) => Ok(&[]),
            None => Err(self.error(node.line, format!("{what} must be a list"))),
        }
    }

    /// The texts of a list.
    pub(super) fn texts(&self, what: &str, node: &Node) -> Result<Vec<String>, SettingsError> {
        self.list(what, node)?.iter().map(|item| self.text(what, item)).collect()
    }

    /// A text, or a number or truth value written without quotes.
    pub(super) fn text(&self, what: &str, node: &Node) -> Result<String, SettingsError> {
        match self.value(node)? {
            Value::String(text) => Ok(text),
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(flag) => Ok(flag.to_string()),
            Value::Null => Ok(String::new()),
            _ => Err(self.error(node.line, format!("{what} must be a text"))),
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, what: &str, node: &Node) -> Result<bool, SettingsError> {
        match self.value(node)? {
            Value::Bool(flag) => Ok(flag),
            Value::Null => Ok(false),
            _ => Err(self.error(node.line, format!("{what} must be true or false"))),
        }
    }

    /// The fields of a mapping, by their names; `known` are the names there are. Others are told and left out.
    pub(super) fn fields<'n>(
        &self,
        what: &str,
        node: &'n Node,
        known: &[&'static str],
    ) -> Result<Vec<(&'static str, &'n Node)>, SettingsError> {
        let mut fields = Vec::new();
        for (name, value) in self.entries(what, node)? {
            let same = |candidate: &&&str| candidate.eq_ignore_ascii_case(&name);
            match known.iter().find(same) {
                Some(name) => fields.push((*name, value)),
                None => self.note(
                    Weight::Behaviour,
                    &format!("line {}: {what} has no field {name:?}; it is not acted on", value.line),
                ),
            }
        }
        Ok(fields)
    }

    /// The entries of a mapping; none when there is nothing.
    pub(super) fn entries<'n>(
        &self,
        what: &str,
        node: &'n Node,
    ) -> Result<Vec<(String, &'n Node)>, SettingsError> {
        match node.entries() {
            Some(entries) => {
                entries.iter().map(|(name, value)| Ok((self.text(what, name)?, value))).collect()
            }
            None if self.is_null(node) => Ok(Vec::new()),
            None => Err(self.error(node.line, format!("{what} must be a mapping"))),
        }
    }
}
