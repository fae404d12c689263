//! Which versions are allowed.

use std::cmp::Ordering;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::version::{Version, compare_prereleases};

const MAX_BYTES: usize = 512;
const MAX_GROUPS: usize = 32;

/// Alternatives such as `>=1.2 <2 || ^3.1`, each of which is a group that holds as a whole.
#[derive(Debug, Clone)]
pub struct Constraint {
    groups: Vec<Vec<Comparison>>,
}

/// Why a text is no constraint, in the original's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConstraintError {
    /// Too many letters.
    #[error("constraint string is too long (max {MAX_BYTES} bytes)")]
    TooLong,
    /// Too many alternatives.
    #[error("too many constraint groups (max {MAX_GROUPS})")]
    TooManyGroups,
    /// Not of the form of a constraint.
    #[error("improper constraint: {text:?}")]
    Improper {
        /// The alternative that is not.
        text: String,
    },
    /// It looks like one, but its version is none.
    #[error("constraint parser error")]
    Version,
}

/// One comparison with a version that may be incomplete.
#[derive(Debug, Clone)]
struct Comparison {
    operator: Operator,
    version: Version,
    /// Some number is left open by `x`, `*` or silence.
    is_open: bool,
    /// The first number that is left open is the second one.
    open_minor: bool,
    /// The first number that is left open is the third one.
    open_patch: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

impl Constraint {
    /// Reads a constraint.
    pub fn parse(text: &str) -> Result<Constraint, ConstraintError> {
        if text.len() > MAX_BYTES {
            return Err(ConstraintError::TooLong);
        }
        let rewritten = PATTERNS.range.replace_all(text, ">= $first, <= $last ");
        let groups: Vec<&str> = rewritten.split("||").collect();
        if groups.len() > MAX_GROUPS {
            return Err(ConstraintError::TooManyGroups);
        }
        let groups: Result<_, _> = groups.into_iter().map(parse_group).collect();
        Ok(Constraint { groups: groups? })
    }

    /// Whether a version is allowed. A prerelease is only by a group that names one.
    pub fn allows(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            let names_prerelease = group.iter().any(|one| !one.version.prerelease.is_empty());
            (version.prerelease.is_empty() || names_prerelease) && group.iter().all(|one| one.allows(version))
        })
    }
}

/// The patterns of constraints, as the original has them.
struct Patterns {
    range: Regex,
    group: Regex,
    one: Regex,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let operator = r"(?:=||!=|>|<|>=|=>|<=|=<|~|~>|\^)";
    let number = r"[0-9|x|X|\*]+";
    let part = r"[0-9A-Za-z\-]+";
    let tail = format!(r"(?:-{part}(?:\.{part})*)?(?:\+{part}(?:\.{part})*)?");
    let version = format!(r"(?:v?{number}(?:\.{number})?(?:\.{number})?{tail})");
    let space = r"[\t\n\f\r ]";
    let one = format!("{operator}{space}*{version}");
    let build = |pattern: String| Regex::new(&pattern).expect("the pattern is valid");
    Patterns {
        range: build(format!("{space}*(?<first>{version}){space}+-{space}+(?<last>{version}){space}*")),
        group: build(format!("^{space}*{one}{space}*(?:(?:{space}+|,{space}*){one}{space}*)*$")),
        one: build(format!("(?<operator>{operator}){space}*(?<version>{version})")),
    }
});

fn parse_group(group: &str) -> Result<Vec<Comparison>, ConstraintError> {
    if !PATTERNS.group.is_match(group) {
        return Err(ConstraintError::Improper { text: group.to_owned() });
    }
    PATTERNS.one.captures_iter(group).map(|found| Comparison::of(&found)).collect()
}

impl Operator {
    fn of(text: &str) -> Operator {
        match text {
            "!=" => Operator::NotEqual,
            ">" => Operator::Greater,
            "<" => Operator::Less,
            ">=" | "=>" => Operator::GreaterOrEqual,
            "<=" | "=<" => Operator::LessOrEqual,
            "~" | "~>" => Operator::Tilde,
            "^" => Operator::Caret,
            _ => Operator::Equal,
        }
    }
}

impl Comparison {
    fn of(found: &Captures<'_>) -> Result<Comparison, ConstraintError> {
        let text = &found["version"];
        let end = text.find(['-', '+']).unwrap_or(text.len());
        let (numbers, tail) = text.split_at(end);
        let parts: Vec<&str> = numbers.strip_prefix('v').unwrap_or(numbers).split('.').collect();
        let is_given = |place: &usize| parts.get(*place).is_some_and(|part| !is_any(part));
        let given = (0..3).take_while(is_given).count();
        let complete = match given {
            0 => "0.0.0".to_owned(),
            1 => format!("{}.0.0", parts[0]),
            2 => format!("{}.{}.0", parts[0], parts[1]),
            _ => parts.join("."),
        };
        let version = Version::parse(&format!("{complete}{tail}")).map_err(|_| ConstraintError::Version)?;
        Ok(Comparison {
            operator: Operator::of(&found["operator"]),
            version,
            is_open: given < 3,
            open_minor: given == 1,
            open_patch: given == 2,
        })
    }

    fn allows(&self, version: &Version) -> bool {
        let order = version.compare(&self.version);
        match self.operator {
            Operator::Equal if self.is_open => self.tilde(version, order),
            Operator::Equal => order.is_eq(),
            Operator::NotEqual if self.is_open => self.differs(version, order),
            Operator::NotEqual => order.is_ne(),
            Operator::Greater if self.is_open => self.is_beyond(version, order),
            Operator::Greater => order.is_gt(),
            Operator::Less => order.is_lt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::LessOrEqual if self.is_open => {
                let same_major = version.major == self.version.major;
                let over_minor = version.minor > self.version.minor && !self.open_minor;
                version.major <= self.version.major && !(same_major && over_minor)
            }
            Operator::LessOrEqual => order.is_le(),
            Operator::Tilde => self.tilde(version, order),
            Operator::Caret => self.caret(version, order),
        }
    }

    /// `!=` of an incomplete version.
    fn differs(&self, version: &Version, order: Ordering) -> bool {
        if version.major != self.version.major {
            return true;
        }
        if self.open_minor {
            return false;
        }
        if version.minor != self.version.minor {
            return true;
        }
        if self.open_patch {
            return compare_prereleases(&version.prerelease, &self.version.prerelease).is_ne();
        }
        version.patch != self.version.patch || order.is_ne()
    }

    /// `>` of an incomplete version.
    fn is_beyond(&self, version: &Version, order: Ordering) -> bool {
        match version.major.cmp(&self.version.major) {
            Ordering::Equal if self.open_minor => false,
            Ordering::Equal if self.open_patch => version.minor > self.version.minor,
            Ordering::Equal => order.is_gt(),
            majors => majors.is_gt(),
        }
    }

    fn tilde(&self, version: &Version, order: Ordering) -> bool {
        let own = &self.version;
        if order.is_lt() {
            return false;
        }
        if (own.major, own.minor, own.patch) == (0, 0, 0) && !self.open_minor && !self.open_patch {
            return true;
        }
        version.major == own.major && (self.open_minor || version.minor == own.minor)
    }

    /// Up to the first number that is not zero.
    fn caret(&self, version: &Version, order: Ordering) -> bool {
        let own = &self.version;
        if order.is_lt() {
            return false;
        }
        if own.major > 0 || self.open_minor {
            return version.major == own.major;
        }
        if version.major > 0 {
            return false;
        }
        if own.minor > 0 || self.open_patch {
            return version.minor == own.minor;
        }
        version.minor == 0 && version.patch == own.patch
    }
}

fn is_any(part: &str) -> bool {
    matches!(part, "x" | "X" | "*")
}
