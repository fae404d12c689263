//! Versions and ranges of versions, by the rules of the Go library Helm uses (Masterminds semver).

use std::cmp::Ordering;

/// Texts longer than this are no versions.
const MAX_LENGTH: usize = 256;

/// Whether the text is a version, complete or not: `1`, `v1.2`, `1.2.3-rc.1+build`.
pub fn is_version(text: &str) -> bool {
    Version::parse(text).is_some()
}

/// Whether the text is a complete version of semver 2: no `v`, all three numbers.
pub fn is_strict(text: &str) -> bool {
    !text.starts_with('v') && Version::parse(text).is_some_and(|version| version.written == 3)
}

/// Whether the version lies in the range. What is no range or no version never does.
pub fn satisfies(range: &str, version: &str) -> bool {
    match (Range::parse(range), Version::parse(version)) {
        (Some(range), Some(version)) => range.contains(&version),
        _ => false,
    }
}

/// Which version is newer; what is no version is older than all.
pub(crate) fn compare(one: &str, other: &str) -> Ordering {
    match (Version::parse(one), Version::parse(other)) {
        (Some(one), Some(other)) => one.compare(&other),
        (one, other) => one.is_some().cmp(&other.is_some()),
    }
}

/// Whether the text is a range of versions.
pub fn is_range(text: &str) -> bool {
    Range::parse(text).is_some()
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    numbers: [u64; 3],
    /// How many of the numbers were written.
    written: usize,
    before: String,
}

impl Version {
    fn parse(text: &str) -> Option<Version> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        let (version, build) = split_at_mark(text.strip_prefix('v').unwrap_or(text), '+');
        let (numbers, before) = split_at_mark(version, '-');
        if build.is_some_and(|build| !is_identifiers(build, false))
            || before.is_some_and(|before| !is_identifiers(before, true))
        {
            return None;
        }
        let mut version =
            Version { numbers: [0; 3], written: 0, before: before.unwrap_or_default().to_owned() };
        for number in numbers.split('.') {
            *version.numbers.get_mut(version.written)? = parse_number(number)?;
            version.written += 1;
        }
        Some(version)
    }

    fn compare(&self, other: &Version) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| compare_before(&self.before, &other.before))
    }
}

fn split_at_mark(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn parse_number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn is_identifiers(text: &str, numbers_without_zeros: bool) -> bool {
    text.split('.').all(|part| {
        let numeric = part.bytes().all(|byte| byte.is_ascii_digit());
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !(numbers_without_zeros && numeric && part.len() > 1 && part.starts_with('0'))
    })
}

/// Pre-releases come before the release; numbers before words.
fn compare_before(one: &str, other: &str) -> Ordering {
    match (one.is_empty(), other.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut ones, mut others) = (one.split('.'), other.split('.'));
    loop {
        let ordering = match (ones.next(), others.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(one), Some(other)) => match (one.parse::<u64>(), other.parse::<u64>()) {
                (Ok(one), Ok(other)) => one.cmp(&other),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => one.cmp(other),
            },
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
}

/// Alternatives, each of which is a list of conditions that must all hold.
struct Range(Vec<Vec<Condition>>);

struct Condition {
    operator: &'static str,
    version: Version,
    /// How many numbers are given; the rest is left open by `x`, `*` or silence.
    given: usize,
}

/// Longer ones first, so that `>=` is not read as `>`.
const OPERATORS: [&str; 12] = ["=>", ">=", "=<", "<=", "!=", "~>", "=", ">", "<", "~", "^", ""];

impl Range {
    fn parse(text: &str) -> Option<Range> {
        if text.len() > MAX_LENGTH * 4 {
            return None;
        }
        let alternatives: Option<Vec<Vec<Condition>>> = text.split("||").map(parse_conditions).collect();
        alternatives.map(Range)
    }

    fn contains(&self, version: &Version) -> bool {
        self.0.iter().any(|conditions| {
            // A pre-release counts only where the range speaks of pre-releases.
            let speaks_of_them = conditions.iter().any(|condition| !condition.version.before.is_empty());
            (version.before.is_empty() || speaks_of_them)
                && conditions.iter().all(|condition| condition.holds(version))
        })
    }
}

/// `>=1.2, <2 !=1.5`, or `1.2 - 2`.
fn parse_conditions(text: &str) -> Option<Vec<Condition>> {
    let text = text.trim();
    if let Some((low, high)) = text.split_once(" - ") {
        return Some(vec![condition(">=", low.trim())?, condition("<=", high.trim())?]);
    }
    let mut conditions = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let operator = OPERATORS.into_iter().find(|operator| rest.starts_with(operator))?;
        let after = rest[operator.len()..].trim_start();
        let end = after.find([',', ' ', '\t']).unwrap_or(after.len());
        conditions.push(condition(operator, &after[..end])?);
        rest = after[end..].trim_start();
        if let Some(next) = rest.strip_prefix(',') {
            rest = next.trim_start();
            if rest.is_empty() {
                return None;
            }
        }
    }
    if conditions.is_empty() { None } else { Some(conditions) }
}

fn condition(operator: &'static str, text: &str) -> Option<Condition> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (without_build, _) = split_at_mark(text, '+');
    let (numbers, before) = split_at_mark(without_build, '-');
    let parts: Vec<&str> = numbers.split('.').collect();
    let open = |part: &&str| matches!(*part, "x" | "X" | "*");
    let given = parts.iter().position(open).unwrap_or(parts.len());
    if parts.len() > 3 || parts[given..].iter().any(|part| !open(part)) {
        return None;
    }
    let mut complete = parts[..given].join(".");
    if given == 0 {
        complete.push('0');
    }
    if let Some(before) = before {
        complete.push_str(&format!("-{before}"));
    }
    Some(Condition { operator, version: Version::parse(&complete)?, given })
}

impl Condition {
    fn holds(&self, version: &Version) -> bool {
        let order = version.compare(&self.version);
        let same = |count: usize| version.numbers[..count] == self.version.numbers[..count];
        let open = self.given < 3;
        match self.operator {
            "" | "=" if open => self.is_within(version, self.given),
            "" | "=" => order == Ordering::Equal,
            "!=" if open => !same(self.given),
            "!=" => order != Ordering::Equal,
            ">" if open => order == Ordering::Greater && !same(self.given),
            ">" => order == Ordering::Greater,
            "<" => order == Ordering::Less,
            ">=" | "=>" => order != Ordering::Less,
            "<=" | "=<" if open => order != Ordering::Greater || same(self.given),
            "<=" | "=<" => order != Ordering::Greater,
            "~" | "~>" => order != Ordering::Less && same(self.given.min(2)),
            // `^`: up to the first number that is not zero.
            _ => order != Ordering::Less && same(self.caret_size()),
        }
    }

    fn is_within(&self, version: &Version, count: usize) -> bool {
        version.compare(&self.version) != Ordering::Less
            && version.numbers[..count] == self.version.numbers[..count]
    }

    fn caret_size(&self) -> usize {
        let significant = self.version.numbers.iter().position(|number| *number != 0);
        significant.map_or(3, |place| place + 1).min(self.given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for text in ["1", "v1.2", "1.2.3-rc.1+b.2", "0.1.0"] {
            assert!(is_version(text), "{text}");
        }
        for text in ["", "one", "1.2.3.4", "1.", "1.2.3-", "1.2.3-01", "-1", "1.2.3+"] {
            assert!(!is_version(text), "{text}");
        }
    }

    #[test]
    fn ranges() {
        for (range, version, expected) in [
            (">=1.20.0-0", "v1.33.4-gke.1", true),
            (">=1.20.0", "v1.33.4-gke.1", false),
            ("*", "0.1.0", true),
            ("*", "0.1.0-a", false),
            ("^1.2", "1.9.0", true),
            ("^0.2.3", "0.3.0", false),
            ("^0.0.3", "0.0.4", false),
            ("^0", "0.9.1", true),
            ("~1.2.3", "1.2.9", true),
            ("~1.2.3", "1.3.0", false),
            ("~1", "1.9.0", true),
            ("1.x", "1.9.0", true),
            ("1.2", "1.2.7", true),
            ("1.2.x", "1.3.0", false),
            (">1.2", "1.2.9", false),
            ("<=1.2", "1.2.9", true),
            ("!=1.2.x", "1.2.9", false),
            ("1.2 - 2.3.4", "2.3.4", true),
            (">= 1.0, < 2.0 || >=3", "3.1.0", true),
            (">= 1.0 < 2.0", "2.0.0", false),
            ("", "1.9.0", false),
            ("nonsense", "1.0.0", false),
            ("1.0,", "1.0.0", false),
            ("1.0.0-rc.2", "1.0.0-rc.2", true),
            (">1.0.0-rc.2", "1.0.0-rc.10", true),
        ] {
            assert_eq!(satisfies(range, version), expected, "{range} {version}");
        }
    }

    /// The same pairs, as Helm's `semverCompare` answered them.
    #[test]
    fn ranges_as_recorded() {
        let recorded = include_str!("../tests/cases/semver_ranges/expected.yaml");
        let mut checked = 0;
        for line in recorded.lines().filter_map(|line| line.strip_prefix('"')) {
            let (pair, expected) = line.split_once("\": ").unwrap();
            let (range, version) = pair.rsplit_once(' ').unwrap();
            assert_eq!(satisfies(range, version).to_string(), expected, "{pair}");
            checked += 1;
        }
        assert!(checked > 500, "only {checked} pairs were found");
    }
}
