//! The words with a `$` that a scenario's texts may hold.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::ensure;
use serde_json::Value;

/// What each word stands for. Longer words go first, so that `$NAMES` is not `$NAME` and an S.
#[derive(Default)]
pub(crate) struct Variables {
    values: Mutex<BTreeMap<String, String>>,
}

impl Variables {
    /// From now on `$WORD` stands for the value.
    pub(crate) fn set(&self, word: &str, value: &str) -> anyhow::Result<()> {
        let plain = word.bytes().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'0'..=b'9' | b'_'));
        ensure!(plain && !word.is_empty(), "{word:?} is no name for a variable: capital letters only");
        self.lock().insert(word.to_owned(), value.to_owned());
        Ok(())
    }

    /// Keeps what the JSON pointers lead to.
    pub(crate) fn save(&self, seen: &Value, wanted: &BTreeMap<String, String>) -> anyhow::Result<()> {
        for (word, pointer) in wanted {
            let value = seen.pointer(pointer);
            let text = value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            ensure!(text.is_some(), "{pointer}: nothing is there to be kept as ${word}");
            self.set(word, &text.unwrap_or_default())?;
        }
        Ok(())
    }

    /// The text with every word replaced.
    pub(crate) fn text(&self, text: &str) -> String {
        if !text.contains('$') {
            return text.to_owned();
        }
        let values = self.lock();
        let mut words: Vec<_> = values.iter().collect();
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        let mut text = text.to_owned();
        for (word, value) in words {
            text = text.replace(&format!("${word}"), value);
        }
        text
    }

    /// The text with what these words stand for replaced by them: what differs from run to run.
    pub(crate) fn with_words(&self, text: &str, words: &[&str]) -> String {
        let values = self.lock();
        let mut text = text.to_owned();
        for word in words {
            match values.get(*word) {
                Some(value) if !value.is_empty() => text = text.replace(value.as_str(), &format!("${word}")),
                _ => {}
            }
        }
        text
    }

    /// The value with every word in its texts and names replaced.
    pub(crate) fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => {
                fields.iter().map(|(name, value)| (self.text(name), self.value(value))).collect()
            }
            other => other.clone(),
        }
    }

    /// The texts with every word replaced.
    pub(crate) fn texts(&self, texts: &[String]) -> Vec<String> {
        texts.iter().map(|text| self.text(text)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
