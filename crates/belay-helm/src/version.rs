//! Versions and ranges of versions, as Helm asks about them.

use std::cmp::Ordering;

use belay_semver::{Constraint, Version};

/// Whether the text is a version, complete or not: `1`, `v1.2`, `1.2.3-rc.1+build`.
pub fn is_version(text: &str) -> bool {
    Version::parse(text).is_ok()
}

/// Whether the text is a complete version of semver 2: no `v`, all three numbers.
pub fn is_strict(text: &str) -> bool {
    Version::parse_strict(text).is_ok()
}

/// Whether the version lies in the range. What is no range or no version never does.
pub fn satisfies(range: &str, version: &str) -> bool {
    match (Constraint::parse(range), Version::parse(version)) {
        (Ok(range), Ok(version)) => range.allows(&version),
        _ => false,
    }
}

/// Which version is newer; what is no version is older than all.
pub(crate) fn compare(one: &str, other: &str) -> Ordering {
    match (Version::parse(one), Version::parse(other)) {
        (Ok(one), Ok(other)) => one.compare(&other),
        (one, other) => one.is_ok().cmp(&other.is_ok()),
    }
}

/// Whether the text is a range of versions.
pub fn is_range(text: &str) -> bool {
    Constraint::parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Helm's `semverCompare` answered them.
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

    #[test]
    fn what_is_no_version_is_the_oldest() {
        assert_eq!(compare("1.0.0-rc.1", "1.0.0"), Ordering::Less);
        assert_eq!(compare("nonsense", "0.0.1"), Ordering::Less);
        assert!(!satisfies("nonsense", "1.0.0") && !satisfies("*", "nonsense"));
        assert!(is_strict("1.2.3") && !is_strict("v1.2.3") && !is_strict("1.2"));
    }
}
