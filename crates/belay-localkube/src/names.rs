//! Generated names.

use rand::Rng as _;

const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const LONGEST_PREFIX: usize = 58;

/// `prefix` and five random characters.
pub(crate) fn generate(prefix: &str) -> String {
    let mut prefix = prefix.to_owned();
    while prefix.len() > LONGEST_PREFIX {
        prefix.pop();
    }
    prefix + &suffix(5)
}

pub(crate) fn suffix(length: usize) -> String {
    let mut random = rand::rng();
    (0..length).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())])).collect()
}
