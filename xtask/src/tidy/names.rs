//! What is never a name, and what a name must lead to.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::{Context, Result};
use regex::Regex;

use super::source;

/// Names that say nothing.
const DRAWERS: &[&str] = &["util", "utils", "common", "misc", "helpers", "helper"];
const TABLE: &str = "COMPATIBILITY.md";

/// A crate's name, or the name of one of its folders or files, that says nothing.
pub(super) fn check_path(place: &str) -> Option<String> {
    place.split('/').any(|part| is_drawer(part.trim_end_matches(".rs"))).then(|| says_nothing(place))
}

/// The modules of a file whose name says nothing.
pub(super) fn check_modules(place: &str, code: &str) -> Vec<String> {
    let drawers = source::modules(code).into_iter().filter(|module| is_drawer(&module.path));
    drawers.map(|module| says_nothing(&format!("{place}:{}: module {}", module.line, module.path))).collect()
}

/// `common_metadata` names something, `test_helpers` does not.
fn is_drawer(name: &str) -> bool {
    name.rsplit(['-', '_']).next().is_some_and(|last| DRAWERS.contains(&last))
}

fn says_nothing(place: &str) -> String {
    format!("{place}: the name says nothing about what it holds")
}

/// The scenarios that the table of compatibility names as proof and that are not there.
pub(super) fn check_scenarios(root: &Path) -> Result<Vec<String>> {
    static NAME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("`([a-z0-9]+(?:-[a-z0-9]+){2,})`").expect("a valid expression"));
    let mut scenarios = BTreeSet::new();
    add_scenarios(&root.join("tests/scenarios"), &mut scenarios)?;
    let families: BTreeSet<&str> = scenarios.iter().filter_map(|name| name.split('-').next()).collect();
    let text = fs::read_to_string(root.join(TABLE)).context(TABLE)?;
    let mut faults = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for name in NAME.captures_iter(line).map(|found| found.get(1).map_or("", |name| name.as_str())) {
            let is_of_a_family = name.split('-').next().is_some_and(|family| families.contains(family));
            if is_of_a_family && !scenarios.contains(name) {
                faults.push(format!("{TABLE}:{}: there is no scenario {name}", number + 1));
            }
        }
    }
    Ok(faults)
}

fn add_scenarios(folder: &Path, scenarios: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            add_scenarios(&path, scenarios)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            scenarios.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    Ok(())
}
