//! Names, uids and tokens: random, or the same with the same seed.

use std::fmt;

use rand::rngs::StdRng;
use rand::{Rng as _, RngCore as _, SeedableRng as _};

const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const LONGEST_PREFIX: usize = 58;

/// The cluster's source of randomness.
pub(crate) struct Random(StdRng);

impl Random {
    pub(crate) fn new(seed: Option<u64>) -> Self {
        Self(seed.map_or_else(StdRng::from_os_rng, StdRng::seed_from_u64))
    }

    /// `prefix` and five random characters.
    pub(crate) fn name(&mut self, prefix: &str) -> String {
        let mut prefix = prefix.to_owned();
        while prefix.len() > LONGEST_PREFIX {
            prefix.pop();
        }
        prefix + &self.letters(5)
    }

    pub(crate) fn letters(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(ALPHABET[self.0.random_range(0..ALPHABET.len())])).collect()
    }

    pub(crate) fn uid(&mut self) -> String {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    pub(crate) fn key(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}

/// What comes next is nobody's business.
impl fmt::Debug for Random {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Random")
    }
}
