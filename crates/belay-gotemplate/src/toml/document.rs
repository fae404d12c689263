//! What the keys of a text are so far, and which of them may still be added to.
//!
//! Keys are told apart by how they are written in full, across the tables of an array: what was an array in one of
//! them is taken for one in the next. Go's library does it so, and accepts and refuses texts by it.

use std::collections::{BTreeMap, HashSet};

use super::error::TomlProblem;
use crate::exec::with_stack;
use crate::value::{Element, List, Map, Value};

/// What a key stands for.
pub(super) enum Node {
    Value(Value),
    Table(Table),
    /// `[[name]]`, the last of which can be added to.
    Tables(Vec<Table>),
}

#[derive(Default)]
pub(super) struct Table {
    entries: BTreeMap<String, Node>,
}

// Tables nest deeper than a thread's stack is high.
impl Drop for Table {
    fn drop(&mut self) {
        let entries = std::mem::take(&mut self.entries);
        if !entries.is_empty() {
            with_stack(|| drop(entries));
        }
    }
}

impl Clone for Table {
    fn clone(&self) -> Self {
        with_stack(|| Self { entries: self.entries.clone() })
    }
}

impl Clone for Node {
    fn clone(&self) -> Self {
        match self {
            Self::Value(value) => Self::Value(value.clone()),
            Self::Table(table) => Self::Table(table.clone()),
            Self::Tables(tables) => Self::Tables(tables.clone()),
        }
    }
}

impl Node {
    fn as_table(&mut self) -> Option<&mut Table> {
        match self {
            Self::Value(_) => None,
            Self::Table(table) => Some(table),
            Self::Tables(tables) => tables.last_mut(),
        }
    }

    pub(super) fn into_value(self) -> Value {
        match self {
            Self::Value(value) => value,
            Self::Table(table) => Value::Map(table.into_map()),
            Self::Tables(tables) => {
                let maps = tables.into_iter().map(|table| Value::Map(table.into_map()));
                Value::List(List::of(Element::AnyMap, maps.collect()))
            }
        }
    }
}

impl Table {
    pub(super) fn into_map(mut self) -> Map {
        let entries = std::mem::take(&mut self.entries);
        with_stack(|| entries.into_iter().map(|(key, node)| (key, node.into_value())).collect())
    }

    fn enter(&mut self, key: &str) -> Option<&mut Self> {
        self.entries.get_mut(key).and_then(Node::as_table)
    }

    /// Sets a key of a table in braces, whose parents are made where they are missing. Nothing is set if one of them
    /// is no table.
    pub(super) fn set(&mut self, parents: &[String], key: &str, node: Node) -> Option<()> {
        let mut table = self;
        for parent in parents {
            let entry = table.entries.entry(parent.clone());
            table = match entry.or_insert_with(|| Node::Table(Self::default())) {
                Node::Table(table) => table,
                Node::Value(_) | Node::Tables(_) => return None,
            };
        }
        table.entries.insert(key.to_owned(), node);
        Some(())
    }
}

/// Parts of names that may be looked up in all: each key is looked up from the top, so that tables within each other
/// cost the square of their depth.
const MAX_LOOKUPS: usize = 5_000_000;

/// The tables of a text, and the one that is being filled.
#[derive(Default)]
pub(super) struct Document {
    pub(super) root: Table,
    /// The name of the table that is being filled.
    pub(super) context: Vec<String>,
    /// The last part of the key whose value is read, or was read last within braces.
    pub(super) key: String,
    /// Tables that no header made yet: they may be named once more.
    implicit: HashSet<String>,
    arrays: HashSet<String>,
    lookups: usize,
}

impl Document {
    /// The key that is told in errors.
    pub(super) fn last_key(&self) -> String {
        match (self.key.is_empty(), self.context.is_empty()) {
            (true, _) => key_text(&self.context),
            (false, true) => self.key.clone(),
            (false, false) => format!("{}.{}", key_text(&self.context), self.key),
        }
    }

    /// The name of the table that is being filled with more parts.
    pub(super) fn within(&self, part: &str) -> Vec<String> {
        let mut key = self.context.clone();
        key.push(part.to_owned());
        key
    }

    /// Lets a key be the name of a table, even if it has been one.
    pub(super) fn make_implicit(&mut self, key: &[String]) {
        self.implicit.insert(key_text(key));
    }

    fn look_up(&mut self, parts: usize) -> Result<(), TomlProblem> {
        self.lookups += parts;
        if self.lookups > MAX_LOOKUPS { Err(TomlProblem::Depth) } else { Ok(()) }
    }

    /// Begins to fill a table, or another one of an array.
    pub(super) fn open(&mut self, key: &[String], is_array: bool) -> Result<(), TomlProblem> {
        let Some((last, parents)) = key.split_last() else { return Ok(()) };
        self.look_up(key.len())?;
        let mut table = &mut self.root;
        for (index, parent) in parents.iter().enumerate() {
            if !table.entries.contains_key(parent) {
                self.implicit.insert(key_text(&key[..=index]));
                table.entries.insert(parent.clone(), Node::Table(Table::default()));
            }
            let inner = table.enter(parent);
            table = inner.ok_or_else(|| TomlProblem::NotTable(key_text(&key[..=index])))?;
        }
        self.context = parents.to_vec();
        if is_array {
            match table.entries.entry(last.clone()).or_insert_with(|| Node::Tables(Vec::new())) {
                Node::Tables(tables) => tables.push(Table::default()),
                Node::Value(_) | Node::Table(_) => return Err(TomlProblem::NotArray(key_text(key))),
            }
        } else {
            self.set(last, || Node::Table(Table::default()))?;
        }
        self.context.push(last.clone());
        Ok(())
    }

    /// Sets a key of the table that is being filled. A table that no header made stays what it is.
    pub(super) fn set(&mut self, key: &str, node: impl FnOnce() -> Node) -> Result<(), TomlProblem> {
        self.look_up(self.context.len() + 1)?;
        let mut table = &mut self.root;
        for (index, part) in self.context.iter().enumerate() {
            let inner = table.enter(part);
            table = inner.ok_or_else(|| TomlProblem::Defined(key_text(&self.context[..=index])))?;
        }
        let Some(present) = table.entries.get_mut(key) else {
            table.entries.insert(key.to_owned(), node());
            return Ok(());
        };
        let mut name = self.context.clone();
        name.push(key.to_owned());
        let name = key_text(&name);
        if !self.implicit.remove(&name) {
            return Err(TomlProblem::Defined(name));
        }
        if self.arrays.contains(&name) {
            *present = node();
        }
        Ok(())
    }

    /// Notes whether a key of the table that is being filled is an array; the empty key is the table itself.
    pub(super) fn note_kind(&mut self, key: &str, is_array: bool) {
        let mut name = self.context.clone();
        if !key.is_empty() || name.is_empty() {
            name.push(key.to_owned());
        }
        let name = key_text(&name);
        if is_array {
            self.arrays.insert(name)
        } else {
            self.arrays.remove(&name)
        };
    }
}

/// A key as it is written.
pub(super) fn key_text(parts: &[String]) -> String {
    let is_bare = |part: &str| !part.is_empty() && part.chars().all(is_bare_character);
    let mut text = String::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            text.push('.');
        }
        if is_bare(part) { text.push_str(part) } else { push_quoted(&mut text, part) }
    }
    text
}

/// A character that needs no quotes in a key.
pub(super) fn is_bare_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-')
}

fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x08' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\x0c' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\x1f' | '\x7f' => out.push_str(&format!("\\u{:04x}", u32::from(character))),
            other => out.push(other),
        }
    }
    out.push('"');
}
