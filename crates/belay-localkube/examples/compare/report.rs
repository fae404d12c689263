//! What a comparison found, counted.

use std::collections::BTreeMap;

use crate::difference::pattern;

/// Counts of what was met and what differed.
#[derive(Default)]
pub(crate) struct Report {
    requests: usize,
    refused: usize,
    differing: usize,
    features: BTreeMap<String, usize>,
    /// Pattern of a difference: how often, and an example.
    differences: BTreeMap<String, (usize, String)>,
}

impl Report {
    pub(crate) fn request(&mut self, feature: String, was_refused: bool) {
        self.requests += 1;
        self.refused += usize::from(was_refused);
        *self.features.entry(feature).or_default() += 1;
    }

    /// Count something that was met.
    pub(crate) fn feature(&mut self, name: &str) {
        *self.features.entry(name.to_owned()).or_default() += 1;
    }

    pub(crate) fn differs(&mut self, kind: &str, what: &[String], example: String) {
        self.differing += 1;
        let Some(first) = what.first() else { return };
        let entry = self.differences.entry(format!("{kind}: {}", pattern(first))).or_default();
        if entry.0 == 0 {
            entry.1 = format!("{}\n    {example}", what.join("\n    "));
        }
        entry.0 += 1;
    }

    pub(crate) fn is_equal(&self) -> bool {
        self.differing == 0
    }

    /// The report for people; the most frequent differences first.
    pub(crate) fn text(&self, limit: usize) -> String {
        let mut text = String::new();
        let mut sorted: Vec<_> = self.differences.values().collect();
        sorted.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        for (count, example) in sorted.iter().take(limit) {
            text += &format!("{count} x {example}\n");
        }
        let share = |part: usize| 100.0 * part as f64 / self.requests.max(1) as f64;
        for (feature, count) in &self.features {
            text += &format!("{count:8} {feature}\n");
        }
        text + &format!(
            "{} requests, {} refused ({:.1} %), {} differ ({:.2} %) in {} ways",
            self.requests,
            self.refused,
            share(self.refused),
            self.differing,
            share(self.differing),
            self.differences.len()
        )
    }
}
