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
const COMPATIBILITY: &str = "COMPATIBILITY.md";
const BAD_INPUTS: &str = "docs/bad-inputs.md";

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

/// The scenarios and tests that the tables name as proof and that are not there.
pub(super) fn check_proofs(root: &Path, functions: &BTreeSet<String>) -> Result<Vec<String>> {
    let mut scenarios = BTreeSet::new();
    add_scenarios(&root.join("tests/scenarios"), &mut scenarios)?;
    let families: BTreeSet<&str> = scenarios.iter().filter_map(|name| name.split('-').next()).collect();
    let is_of_a_family = |name: &str| name.split('-').next().is_some_and(|family| families.contains(family));
    let mut faults = check_names(root, COMPATIBILITY, |name| {
        !scenarios.contains(name) && name.matches('-').count() >= 2 && is_of_a_family(name)
    })?;
    let is_known = |name: &str| scenarios.contains(name) || functions.contains(name);
    faults.extend(check_names(root, BAD_INPUTS, |name| !is_known(name))?);
    Ok(faults)
}

/// The words in a table's rows that ought to be a scenario or a test.
fn check_names(root: &Path, table: &str, is_missing: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    static NAME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("`([a-z0-9]+(?:[-_][a-z0-9]+)+)`").expect("a valid expression"));
    let text = fs::read_to_string(root.join(table)).with_context(|| table.to_owned())?;
    let mut faults = Vec::new();
    for (number, row) in text.lines().enumerate().filter(|(_, line)| line.starts_with('|')) {
        let names = NAME.captures_iter(row).filter_map(|found| Some(found.get(1)?.as_str()));
        for name in names.filter(|name| is_missing(name)) {
            faults.push(format!("{table}:{}: there is no scenario or test {name}", number + 1));
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
