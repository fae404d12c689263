//! Parsed templates by their content, so that `tpl` and the next render parse nothing twice.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};

use crate::parse::{Delimiters, Parsed};

/// Longer texts are not kept.
const MAX_TEXT: usize = 256 << 10;
/// Text kept unless told otherwise. What is parsed takes a few times as much.
const DEFAULT_BYTES: usize = 4 << 20;

/// Parsed templates by name, text and delimiters. It can be shared by sets, also by those of other
/// renders, if their functions have the same names. Templates that are not asked for again make room
/// for new ones.
pub struct ParseCache {
    /// Bytes of text in each of the two generations.
    most: usize,
    state: RandomState,
    kept: Mutex<Kept>,
}

/// What was asked for lately, and what was before that. When the first is full it becomes the second,
/// and what nobody asked for since is dropped.
#[derive(Default)]
struct Kept {
    young: Generation,
    old: Generation,
}

#[derive(Default)]
struct Generation {
    /// By the hash of the key; what hashes alike is told apart by the texts that the trees keep.
    by_hash: HashMap<u64, Vec<Entry>>,
    bytes: usize,
}

#[derive(Clone)]
struct Entry {
    delimiters: Delimiters,
    parsed: Parsed,
}

impl ParseCache {
    /// A cache of templates with so many bytes of text.
    pub fn new(most_bytes: usize) -> Self {
        Self { most: most_bytes / 2, state: RandomState::new(), kept: Mutex::default() }
    }

    /// The parsed text, parsed now if it is not known.
    pub(crate) fn get_or_parse<E>(
        &self,
        name: &str,
        text: &str,
        delimiters: &Delimiters,
        parse: impl FnOnce() -> Result<Parsed, E>,
    ) -> Result<Parsed, E> {
        if text.len() > MAX_TEXT.min(self.most) {
            return parse();
        }
        let hash = self.state.hash_one((name, text));
        let is_it = |entry: &Entry| entry.parsed.is_of(name, text) && entry.delimiters == *delimiters;
        let kept = self.kept();
        if let Some(entry) = kept.young.find(hash, is_it) {
            return Ok(entry.parsed.clone());
        }
        let known = kept.old.find(hash, is_it).cloned();
        drop(kept);
        let entry = match known {
            Some(entry) => entry,
            None => Entry { delimiters: delimiters.clone(), parsed: parse()? },
        };
        let parsed = entry.parsed.clone();
        self.kept().add(hash, text.len(), entry, self.most);
        Ok(parsed)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ParseCache {
    fn default() -> Self {
        Self::new(DEFAULT_BYTES)
    }
}

impl Kept {
    fn add(&mut self, hash: u64, bytes: usize, entry: Entry, most: usize) {
        if self.young.bytes + bytes > most {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.bytes += bytes;
        self.young.by_hash.entry(hash).or_default().push(entry);
    }
}

impl Generation {
    fn find(&self, hash: u64, is_it: impl Fn(&Entry) -> bool) -> Option<&Entry> {
        self.by_hash.get(&hash)?.iter().find(|entry| is_it(entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;
    use std::cell::Cell;

    #[test]
    fn what_is_asked_for_stays_and_memory_is_bounded() {
        let cache = ParseCache::new(100);
        let parses = Cell::new(0);
        let ask = |text: &str| {
            let parse = || {
                parses.set(parses.get() + 1);
                parse("x", text, &Delimiters::default(), &|_| false)
            };
            cache.get_or_parse("x", text, &Delimiters::default(), parse).unwrap();
        };
        let hot = "a".repeat(20);
        ask(&hot);
        for number in 0..1000 {
            ask(&format!("{number:020}"));
            ask(&hot);
            let kept = cache.kept();
            assert!(kept.young.bytes <= 50 && kept.old.bytes <= 50);
        }
        assert_eq!(parses.get(), 1001);
        ask(&"b".repeat(60));
        ask(&"b".repeat(60));
        assert_eq!(parses.get(), 1003, "what is too long is not kept");
    }
}
