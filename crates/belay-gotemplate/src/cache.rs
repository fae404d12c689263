//! Parsed templates by their content, so that `tpl` and the next render parse nothing twice.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};

use crate::parse::{Delimiters, Parsed};

/// Longer texts are not kept.
const MAX_TEXT: usize = 256 << 10;

/// Parsed templates by name, text and delimiters. It can be shared by sets, also by those of other
/// renders, if their functions have the same names.
pub struct ParseCache {
    most: usize,
    state: RandomState,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// By the hash of the key; what hashes alike is told apart by the texts that the trees keep.
    by_hash: HashMap<u64, Vec<Entry>>,
    count: usize,
}

struct Entry {
    delimiters: Delimiters,
    parsed: Parsed,
}

impl ParseCache {
    /// A cache of so many templates; when it is full it starts anew.
    pub fn new(most: usize) -> Self {
        Self { most, state: RandomState::new(), kept: Mutex::default() }
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
        let hash = self.state.hash_one((name, text));
        let is_it = |entry: &&Entry| entry.parsed.is_of(name, text) && entry.delimiters == *delimiters;
        if let Some(entry) = self.kept().by_hash.get(&hash).and_then(|alike| alike.iter().find(is_it)) {
            return Ok(entry.parsed.clone());
        }
        let parsed = parse()?;
        let mut kept = self.kept();
        if kept.count >= self.most {
            *kept = Kept::default();
        }
        kept.count += 1;
        let entry = Entry { delimiters: delimiters.clone(), parsed: parsed.clone() };
        kept.by_hash.entry(hash).or_default().push(entry);
        Ok(parsed)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ParseCache {
    fn default() -> Self {
        Self::new(1024)
    }
}
