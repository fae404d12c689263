//! One version.

use std::cmp::Ordering;
use std::fmt;
use std::num::IntErrorKind;

/// Longer texts are no versions.
const MAX_BYTES: usize = 256;

/// A version, complete or not: `1`, `v1.2`, `1.2.3-rc.1+build`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The first number.
    pub major: u64,
    /// The second number.
    pub minor: u64,
    /// The third number.
    pub patch: u64,
    /// What stands behind `-`.
    pub prerelease: String,
    /// What stands behind `+`.
    pub metadata: String,
    /// The text as it was written.
    pub original: String,
}

/// Why a text is no version, in the original's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// Longer than any version.
    #[error("version string is too long (max {MAX_BYTES} bytes)")]
    TooLong,
    /// Of another form.
    #[error("invalid semantic version")]
    Form,
    /// Nothing at all, where a complete version is needed.
    #[error("version string empty")]
    Empty,
    /// A part that should be a number is none.
    #[error("invalid characters in version")]
    Characters,
    /// `01`, where that is not allowed.
    #[error("version segment starts with 0")]
    LeadingZero,
    /// Bad letters behind `-`.
    #[error("invalid prerelease string")]
    Prerelease,
    /// Bad letters behind `+`.
    #[error("invalid metadata string")]
    Metadata,
    /// A number beyond 64 bits.
    #[error("error parsing version segment: strconv.ParseUint: parsing {number:?}: value out of range")]
    OutOfRange {
        /// The number as written.
        number: String,
    },
}

impl Version {
    /// Reads a version that may lack numbers, begin with `v` and have leading zeros.
    pub fn parse(text: &str) -> Result<Version, VersionError> {
        if text.len() > MAX_BYTES {
            return Err(VersionError::TooLong);
        }
        let (rest, metadata) = split_at_mark(text.strip_prefix('v').unwrap_or(text), '+');
        let (numbers, prerelease) = split_at_mark(rest, '-');
        let parts: Vec<&str> = numbers.split('.').collect();
        if parts.len() > 3
            || !parts.iter().all(|part| is_number(part))
            || !prerelease.is_none_or(is_dotted)
            || !metadata.is_none_or(is_dotted)
        {
            return Err(VersionError::Form);
        }
        let number = |place: usize| parts.get(place).map_or(Ok(0), |part| read_number(part));
        let (major, minor, patch) = (number(0)?, number(1)?, number(2)?);
        let prerelease = prerelease.unwrap_or_default();
        if prerelease.split('.').any(has_leading_zero) {
            return Err(VersionError::LeadingZero);
        }
        Ok(Version {
            major,
            minor,
            patch,
            prerelease: prerelease.to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
            original: text.to_owned(),
        })
    }

    /// Reads a version that must be complete, as semver 2 has it.
    pub fn parse_strict(text: &str) -> Result<Version, VersionError> {
        if text.is_empty() {
            return Err(VersionError::Empty);
        }
        if text.len() > MAX_BYTES {
            return Err(VersionError::TooLong);
        }
        let mut parts: Vec<&str> = text.splitn(3, '.').collect();
        let &[_, _, last] = parts.as_slice() else { return Err(VersionError::Form) };
        let (last, metadata) = split_at_mark(last, '+');
        if !metadata.is_none_or(is_dotted) {
            return Err(VersionError::Metadata);
        }
        let (last, prerelease) = split_at_mark(last, '-');
        if let Some(prerelease) = prerelease {
            check_prerelease(prerelease)?;
        }
        parts[2] = last;
        for part in parts {
            if !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(VersionError::Characters);
            }
            if has_leading_zero(part) {
                return Err(VersionError::LeadingZero);
            }
        }
        Version::parse(text)
    }

    /// Which is the newer one; metadata do not count.
    pub fn compare(&self, other: &Version) -> Ordering {
        let numbers = |version: &Version| [version.major, version.minor, version.patch];
        numbers(self)
            .cmp(&numbers(other))
            .then_with(|| compare_prereleases(&self.prerelease, &other.prerelease))
    }
}

/// The complete form, whatever was written.
impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)?;
        for (mark, part) in [('-', &self.prerelease), ('+', &self.metadata)] {
            if !part.is_empty() {
                write!(formatter, "{mark}{part}")?;
            }
        }
        Ok(())
    }
}

fn split_at_mark(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number of at least one digit.
fn read_number(text: &str) -> Result<u64, VersionError> {
    text.parse().map_err(|error: std::num::ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow => VersionError::OutOfRange { number: text.to_owned() },
        _ => VersionError::Form,
    })
}

fn is_dotted(text: &str) -> bool {
    text.split('.').all(|part| !part.is_empty() && part.bytes().all(is_identifier_byte))
}

fn is_identifier_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

fn has_leading_zero(part: &str) -> bool {
    part.len() > 1 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the text may stand behind `-` of a complete version.
pub fn check_prerelease(text: &str) -> Result<(), VersionError> {
    for part in text.split('.') {
        if has_leading_zero(part) {
            return Err(VersionError::LeadingZero);
        }
        if part.is_empty() || !part.bytes().all(is_identifier_byte) {
            return Err(VersionError::Prerelease);
        }
    }
    Ok(())
}

/// Whether the text may stand behind `+`; nothing may, too.
pub fn check_metadata(text: &str) -> Result<(), VersionError> {
    if text.is_empty() || is_dotted(text) { Ok(()) } else { Err(VersionError::Metadata) }
}

/// A version without a prerelease is the greater one; numbers come before words.
pub(crate) fn compare_prereleases(one: &str, other: &str) -> Ordering {
    match (one.is_empty(), other.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut ones, mut others) = (one.split('.'), other.split('.'));
    loop {
        let order = match (ones.next(), others.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(one), Some(other)) => compare_parts(one, other),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn compare_parts(one: &str, other: &str) -> Ordering {
    match (one.parse::<u64>(), other.parse::<u64>()) {
        (Ok(one), Ok(other)) => one.cmp(&other),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => one.cmp(other),
    }
}
