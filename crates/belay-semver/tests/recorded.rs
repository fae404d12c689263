//! Random constraints and versions, as Masterminds/semver 3.5.0 answered (tests/oracle/semver).

use belay_semver::{Constraint, Version};

/// `true`, `false`, or why one of the two cannot be read.
fn answer(constraint: &str, version: &str) -> Result<bool, String> {
    let version = Version::parse(version).map_err(|error| error.to_string())?;
    let constraint = Constraint::parse(constraint).map_err(|error| error.to_string())?;
    Ok(constraint.allows(&version))
}

#[test]
fn constraints_decide_as_recorded() {
    let file = std::env::var_os("BELAY_SEMVER_CASES");
    let cases = match file {
        Some(path) => std::fs::read_to_string(path).unwrap(),
        None => include_str!("cases.jsonl").to_owned(),
    };
    let (mut faults, mut checked) = (Vec::new(), 0);
    for line in cases.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| case[name].as_str().unwrap_or_default();
        let expected = match text("fault") {
            "" => Ok(case["allowed"].as_bool().unwrap()),
            fault => Err(fault.to_owned()),
        };
        let found = answer(text("constraint"), text("version"));
        if found != expected {
            faults.push(format!("{line}\n  here: {found:?}"));
        }
        let strict = Version::parse_strict(text("version")).err().map(|error| error.to_string());
        let strict = strict.unwrap_or_default();
        // Go's own words for what is no number are not kept apart.
        let is_same =
            if text("strict").starts_with("strconv") { !strict.is_empty() } else { strict == text("strict") };
        if !is_same {
            faults.push(format!("{line}\n  strictly, here: {strict:?}"));
        }
        checked += 1;
    }
    assert!(checked >= 800, "only {checked} cases were found");
    assert!(faults.is_empty(), "{} of {checked} differ:\n{}", faults.len(), faults.join("\n"));
}
