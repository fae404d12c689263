//! Versions and ranges of versions, by the rules of the functions templates use.

use std::sync::{Arc, OnceLock};

use belay_gotemplate::{Functions, Map, Options, TemplateSet, Value, sprig};

/// Whether the text is a version, complete or not: `1`, `v1.2`, `1.2.3-rc.1+build`.
pub(crate) fn is_version(text: &str) -> bool {
    evaluate("{{ semver .version }}", "", text).is_some()
}

/// Whether the version lies in the range. What is no range or no version never does.
pub(crate) fn satisfies(range: &str, version: &str) -> bool {
    evaluate("{{ semverCompare .range .version }}", range, version).as_deref() == Some("true")
}

fn evaluate(template: &str, range: &str, version: &str) -> Option<String> {
    static FUNCTIONS: OnceLock<Arc<Functions>> = OnceLock::new();
    let functions = FUNCTIONS.get_or_init(|| Arc::new(sprig()));
    let mut set = TemplateSet::new("version", functions.clone());
    set.parse("version", template).ok()?;
    let data: Map = [("range", range), ("version", version)].into_iter().collect();
    set.execute("version", Value::Map(data), &Options::default()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_versions() {
        assert!(is_version("v1.2") && is_version("1.2.3-rc.1+b") && !is_version("one") && !is_version(""));
        assert!(satisfies(">=1.20.0-0", "v1.33.4") && satisfies("*", "0.1.0") && satisfies("^1.2", "1.9.0"));
        assert!(!satisfies(">=2", "1.9.0") && !satisfies("", "1.9") && !satisfies("nonsense", "1.0.0"));
    }
}
