//! Two runs of the same scenarios, field by field.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use regex::Regex;
use serde_json::Value;

use super::portable;

/// How the scenarios of both runs compare.
#[derive(Default)]
pub(super) struct Outcome {
    /// Those that held for both.
    pub(super) passed: Vec<String>,
    /// Those that failed for one of them.
    pub(super) failed: BTreeMap<String, Failed>,
    /// How many fields and Events are alike.
    pub(super) equal: usize,
    /// What differs, and in which scenarios.
    pub(super) differences: BTreeMap<Difference, BTreeSet<String>>,
    /// How often each reason explains a difference.
    pub(super) explained: BTreeMap<String, usize>,
}

/// A scenario that does not hold for both.
pub(super) struct Failed {
    /// How it failed for each, the original first.
    pub(super) ends: [Option<String>; 2],
    pub(super) reason: Option<String>,
}

/// Stands for the whole scenario among the places that reasons are about.
const SCENARIO: &str = "scenario";

/// Why some fields differ, as `tests/differences/*.toml` tell.
#[derive(Default)]
pub(super) struct Reasons(Vec<Reason>);

struct Reason {
    place: Regex,
    /// In which scenarios; any, if it is not said.
    scenario: Option<Regex>,
    text: String,
}

impl Reasons {
    /// Reads a file of `[[difference]]` with a pattern of places, one of scenarios if need be, and a reason. The place
    /// `scenario` is for those that do not hold for both.
    pub(super) fn read(file: &Path) -> Result<Reasons> {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let table: toml::Table = text.parse().with_context(|| file.display().to_string())?;
        let entries = table.get("difference").and_then(toml::Value::as_array).into_iter().flatten();
        let reasons = entries.map(|entry| {
            let word = |name: &str| entry.get(name).and_then(toml::Value::as_str);
            let whole = |pattern: &str| Regex::new(&format!("(?s)^{pattern}$"));
            Ok(Reason {
                place: whole(word("place").context("`place` is missing")?)?,
                scenario: word("scenario").map(whole).transpose()?,
                text: word("reason").context("`reason` is missing")?.to_owned(),
            })
        });
        Ok(Reasons(reasons.collect::<Result<_>>().with_context(|| file.display().to_string())?))
    }

    fn of(&self, place: &str, scenario: &str) -> Option<&String> {
        let explains = |reason: &&Reason| {
            reason.place.is_match(place)
                && reason.scenario.as_ref().is_none_or(|known| known.is_match(scenario))
        };
        self.0.iter().find(explains).map(|reason| &reason.text)
    }
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Difference {
    /// Kind and path.
    pub(super) place: String,
    /// What the original has.
    pub(super) original: Option<String>,
    /// What Belay has.
    pub(super) belay: Option<String>,
}

/// Compares what lies in two folders of states. A scenario that failed for either is not compared: its
/// objects are of different steps.
pub(super) fn compare(original: &Path, belay: &Path, reasons: &Reasons) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for entry in fs::read_dir(original).with_context(|| original.display().to_string())? {
        let file = entry?.file_name();
        let name = file.to_string_lossy().trim_end_matches(".json").to_owned();
        let states = [read(&original.join(&file))?, read(&belay.join(&file))?];
        let failures = states.each_ref().map(|state| state["failure"].as_str().map(str::to_owned));
        if failures.iter().any(Option::is_some) {
            let reason = reasons.of(SCENARIO, &name).cloned();
            outcome.failed.insert(name, Failed { ends: failures, reason });
            continue;
        }
        compare_states(&name, &states, reasons, &mut outcome);
        outcome.passed.push(name);
    }
    outcome.passed.sort();
    Ok(outcome)
}

fn read(file: &Path) -> Result<Value> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    Ok(serde_json::from_str(&text)?)
}

fn compare_states(name: &str, states: &[Value; 2], reasons: &Reasons, outcome: &mut Outcome) {
    let keys: BTreeSet<&String> =
        states.iter().filter_map(|state| state["objects"].as_object()).flat_map(|all| all.keys()).collect();
    for key in keys {
        let kind = key.split(' ').nth(1).unwrap_or_default();
        let objects = states.each_ref().map(|state| portable::fields(&state["objects"][key.as_str()]));
        let events = states.each_ref().map(|state| portable::events(&state["events"][key.as_str()]));
        for [original, belay] in [objects, events] {
            let differences = differing(name, kind, &original, &belay, outcome);
            for difference in differences {
                match reasons.of(&difference.place, name) {
                    Some(reason) => *outcome.explained.entry(reason.clone()).or_default() += 1,
                    None => {
                        outcome.differences.entry(difference).or_default().insert(name.to_owned());
                    }
                }
            }
        }
    }
}

fn differing(
    scenario: &str,
    kind: &str,
    original: &BTreeMap<String, String>,
    belay: &BTreeMap<String, String>,
    outcome: &mut Outcome,
) -> Vec<Difference> {
    let mut differences = Vec::new();
    let paths: BTreeSet<&String> = original.keys().chain(belay.keys()).collect();
    for path in paths {
        let (theirs, ours) = (original.get(path), belay.get(path));
        if theirs == ours {
            outcome.equal += 1;
            continue;
        }
        let named = |text: &str| text.replace(scenario, "$NAME");
        differences.push(Difference {
            place: named(&format!("{kind} {path}")),
            original: theirs.map(|text| named(text)),
            belay: ours.map(|text| named(text)),
        });
    }
    differences
}
