//! Parsed templates by their text, so that `tpl` and the next render parse nothing twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::parse::{Delimiters, Parsed};

/// Longer texts are not kept.
const MAX_TEXT: usize = 256 << 10;

/// Parsed templates by name, text and delimiters. It can be shared by sets, also by those of other
/// renders, if their functions have the same names.
pub struct ParseCache {
    most: usize,
    entries: Mutex<HashMap<Key, Parsed>>,
}

#[derive(PartialEq, Eq, Hash)]
struct Key {
    name: Box<str>,
    text: Arc<str>,
    delimiters: Delimiters,
}

impl ParseCache {
    /// A cache of so many templates; when it is full it starts anew.
    pub fn new(most: usize) -> Self {
        Self { most, entries: Mutex::default() }
    }

    /// The parsed text, parsed now if it is not known.
    pub(crate) fn get_or_parse<E>(
        &self,
        name: &str,
        text: &str,
        delimiters: &Delimiters,
        parse: impl FnOnce() -> Result<Parsed, E>,
    ) -> Result<Parsed, E> {
        if text.len() > MAX_TEXT || self.most == 0 {
            return parse();
        }
        let key = Key { name: name.into(), text: text.into(), delimiters: delimiters.clone() };
        if let Some(parsed) = self.entries().get(&key) {
            return Ok(parsed.clone());
        }
        let parsed = parse()?;
        let mut entries = self.entries();
        if entries.len() >= self.most {
            entries.clear();
        }
        entries.insert(key, parsed.clone());
        Ok(parsed)
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Parsed>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ParseCache {
    fn default() -> Self {
        Self::new(1024)
    }
}
