//! Small accidents: texts are cut, doubled and mixed at random, the same in every run. A module of several tests.

use std::time::{Duration, Instant};

/// What is mixed in.
const PIECES: [&str; 30] = [
    "$patch: delete\n",
    "$patch: replace\n",
    "*",
    "[",
    "]",
    "{",
    "}",
    ": ",
    "- ",
    "\n",
    "&a ",
    "*a",
    "\"",
    "'",
    "|\n",
    "${",
    "}",
    ":=",
    "..",
    "../",
    "[name=",
    "=]",
    ".",
    "~1",
    "-",
    "9999999999999999999",
    "\u{0}",
    "é",
    "null",
    "#",
];

/// xorshift: the same accidents in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below the bound, which is at least one.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).unwrap()
    }

    /// The text after a few accidents.
    pub(crate) fn spoiled(&mut self, text: &str) -> String {
        let mut letters: Vec<char> = text.chars().collect();
        for _ in 0..=self.below(3) {
            let at = self.below(letters.len() + 1);
            let end = (at + self.below(12)).min(letters.len());
            match self.below(4) {
                0 => drop(letters.drain(at..end)),
                1 => {
                    let copy = letters[at..end].to_vec();
                    letters.splice(at..at, copy);
                }
                _ => {
                    let piece = PIECES[self.below(PIECES.len())];
                    letters.splice(at..at, piece.chars());
                }
            }
        }
        letters.into_iter().collect()
    }
}

/// Numbers of rounds: a few, or for so many minutes as `BELAY_MINUTES` says.
pub(crate) fn rounds(few: usize) -> impl Iterator<Item = usize> {
    let minutes = std::env::var("BELAY_MINUTES").ok().and_then(|minutes| minutes.parse().ok());
    let end = minutes.map(|minutes: u64| Instant::now() + Duration::from_secs(minutes * 60));
    (0..).take_while(move |round| end.map_or(*round < few, |end| Instant::now() < end))
}
