//! Choices by a seed, and a count of what was chosen.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// The same seed makes the same choices.
pub(crate) struct Random {
    generator: StdRng,
    /// How often each feature was used.
    pub(crate) features: BTreeMap<&'static str, usize>,
}

impl Random {
    pub(crate) fn of(seed: u64) -> Random {
        Random { generator: StdRng::seed_from_u64(seed), features: BTreeMap::new() }
    }

    /// A number from zero to below the limit.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.generator.random_range(0..limit)
    }

    /// True in so many of a hundred cases.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    pub(crate) fn pick_ref<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    pub(crate) fn note(&mut self, feature: &'static str) {
        *self.features.entry(feature).or_default() += 1;
    }
}
