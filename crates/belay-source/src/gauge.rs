//! What a server says is measured while it comes, before it is unpacked: how many references it names, how many objects
//! its pack claims to hold, how large each becomes, and how much has to be held at a time to unpack those that are kept
//! as differences from each other. Whoever unpacks believes what a pack says of itself, and some twenty bytes can ask for
//! gigabytes.
//!
//! Only the frame is read: what is not Git's protocol is left to who unpacks it, who says so in better words.

use std::io;

use crate::budget::{Budget, TransportError};
use crate::pack_gauge::PackGauge;

/// What a list of references may be long, whatever their number.
const LONGEST_LIST: u64 = 64 * 1024 * 1024;
/// Digits of a packet's length, which counts them.
const DIGITS: usize = 4;

/// Measures one answer over HTTP, or all that comes over SSH.
pub(crate) struct Gauge {
    budget: Budget,
    place: Place,
    lines: usize,
    text: u64,
    pack: PackGauge,
}

/// Where in the packets we are.
enum Place {
    /// Within the digits of a length, of which so many are here.
    Length([u8; DIGITS], usize),
    /// Before the first byte of a packet, of which so much is left.
    Begin(usize),
    /// In a part of the pack.
    Pack(usize),
    /// In something else.
    Other(usize),
    /// In a pack without packets, which servers send that know nothing of channels.
    Plain,
    /// In what is not Git's protocol.
    Lost,
}

impl Gauge {
    pub(crate) fn new(budget: Budget) -> Gauge {
        let pack = PackGauge::new(budget.limits());
        Gauge { budget, place: Place::Length([0; DIGITS], 0), lines: 0, text: 0, pack }
    }

    /// Notes what came, and whether more may come.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.budget.take(bytes.len()).map_err(io::Error::other)?;
        self.measure(bytes).map_err(|error| io::Error::other(self.budget.note(error)))
    }

    fn measure(&mut self, mut bytes: &[u8]) -> Result<(), TransportError> {
        while !bytes.is_empty() {
            let used = match &mut self.place {
                Place::Length(digits, known) => {
                    digits[*known] = bytes[0];
                    *known += 1;
                    if *known == DIGITS {
                        let digits = *digits;
                        self.begin(&digits)?;
                    }
                    1
                }
                Place::Begin(left) => {
                    let left = *left;
                    self.open(bytes[0], left)?
                }
                Place::Pack(left) => {
                    let used = (*left).min(bytes.len());
                    self.pack.see(&bytes[..used])?;
                    self.place = after(Place::Pack, *left - used);
                    used
                }
                Place::Other(left) => {
                    let used = (*left).min(bytes.len());
                    self.place = after(Place::Other, *left - used);
                    used
                }
                Place::Plain => return self.pack.see(bytes),
                Place::Lost => return Ok(()),
            };
            bytes = &bytes[used..];
        }
        Ok(())
    }

    fn begin(&mut self, digits: &[u8; DIGITS]) -> Result<(), TransportError> {
        if digits == b"PACK" {
            self.place = Place::Plain;
            return self.pack.see(digits);
        }
        let text = std::str::from_utf8(digits).unwrap_or_default();
        self.place = match usize::from_str_radix(text, 16) {
            // Marks between packets, or an empty one.
            Ok(0..=DIGITS) => Place::Length([0; DIGITS], 0),
            Ok(length) => Place::Begin(length - DIGITS),
            Err(_) => Place::Lost,
        };
        Ok(())
    }

    /// Looks at the first byte of a packet: its channel, or text. Gives how many bytes are used up.
    fn open(&mut self, first: u8, left: usize) -> Result<usize, TransportError> {
        match first {
            1 => self.place = after(Place::Pack, left - 1),
            2 | 3 => self.place = after(Place::Other, left - 1),
            _ => {
                self.lines += 1;
                self.text += left as u64;
                let limit = self.budget.limits().references;
                if self.lines > limit {
                    return Err(TransportError::TooManyReferences { limit });
                }
                if self.text > LONGEST_LIST {
                    return Err(TransportError::LongList { limit: LONGEST_LIST });
                }
                self.place = after(Place::Other, left - 1);
            }
        }
        Ok(1)
    }
}

/// The place with so much left, or the next packet's length.
fn after(place: impl FnOnce(usize) -> Place, left: usize) -> Place {
    if left == 0 { Place::Length([0; DIGITS], 0) } else { place(left) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::GitLimits;
    use std::time::Duration;

    fn gauge(limits: GitLimits) -> Gauge {
        Gauge::new(Budget::new(Duration::from_secs(60).into(), limits))
    }

    fn line(text: &str) -> String {
        format!("{:04x}{text}", text.len() + DIGITS)
    }

    #[test]
    fn bad_r11_references_are_counted_however_they_are_cut() {
        let limits = GitLimits { references: 3, ..GitLimits::default() };
        let list =
            [line("a"), line("bb"), "0001".to_owned(), line(""), line("\u{2}note"), line("c")].concat();
        for cut in 1..list.len() {
            let mut gauge = gauge(limits);
            for part in list.as_bytes().chunks(cut) {
                gauge.take(part).unwrap();
            }
            let error = gauge.take(line("d").as_bytes()).unwrap_err();
            assert!(error.to_string().contains("more than 3 references"), "{cut}: {error}");
            assert_eq!(gauge.budget.fault(), Some(TransportError::TooManyReferences { limit: 3 }));
        }
    }

    #[test]
    fn bad_r11_long_names_are_measured() {
        let long = line(&"a".repeat(60_000));
        let mut gauge = gauge(GitLimits::default());
        let taken = (0..2000).take_while(|_| gauge.take(long.as_bytes()).is_ok()).count();
        assert_eq!(taken as u64, LONGEST_LIST / 60_000);
    }

    #[test]
    fn what_is_not_git_is_left_to_others() {
        let mut gauge = gauge(GitLimits { references: 1, ..GitLimits::default() });
        gauge.take("<!doctype html>".repeat(100).as_bytes()).unwrap();
        assert_eq!(gauge.budget.fault(), None);
    }
}
