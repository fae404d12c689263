//! Our rules beside Argo CD's scripts: `compare_rules DIR`, where DIR is `resource_customizations` of its repository.
//!
//! For every kind that both know, each object of the original's tests, and each variation of it (a field of its status
//! or spec taken away, a condition's status turned), is judged by both.
//!
//! `compare_rules DIR record CASES` writes what the original's scripts say of the objects in `cases/` beside them; of a
//! kind without a script there, what our rules say.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it finds is for a terminal")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use belay_health::argo::{self, Health, Override};
use belay_manifest::Object;
use serde_json::Value;

/// How many differences of a kind are shown.
const SHOWN: usize = 3;

#[derive(Default)]
struct Score {
    objects: usize,
    equal_objects: usize,
    variations: usize,
    equal_variations: usize,
    shown: usize,
}

fn main() -> Result<()> {
    let folder = std::env::args().nth(1).context("which folder?")?;
    if let (Some("record"), Some(cases)) = (std::env::args().nth(2).as_deref(), std::env::args().nth(3)) {
        return record(Path::new(&folder), Path::new(&cases));
    }
    let mut scores = BTreeMap::new();
    let (mut unknown, mut scripts) = (Vec::new(), 0);
    for script in scripts_below(Path::new(&folder))? {
        scripts += 1;
        let name = script.parent().and_then(|path| path.strip_prefix(&folder).ok()).context("outside")?;
        let (name, text) = (name.display().to_string(), std::fs::read_to_string(&script)?);
        let mut score = Score::default();
        for object in test_objects(&script)? {
            let key = object.gvk();
            let own = Path::new(&folder).join(&key.group).join(&key.kind).join("health.lua");
            if own != script && own.exists() {
                continue;
            }
            if argo::evaluate(&object).is_none() && original(&text, &object).is_some() {
                continue;
            }
            judge(&name, &text, &object, &mut score);
        }
        if score.objects == 0 {
            unknown.push(name);
        } else {
            scores.insert(name, score);
        }
    }
    report(&scores, &unknown, scripts);
    Ok(())
}

fn scripts_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(scripts_below(&path)?);
        } else if path.file_name().is_some_and(|name| name == "health.lua") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn test_objects(script: &Path) -> Result<Vec<Object>> {
    let folder = script.parent().context("no folder")?;
    let tests = belay_goyaml::to_json(&std::fs::read_to_string(folder.join("health_test.yaml"))?)?;
    let inputs =
        tests["tests"].as_array().into_iter().flatten().filter_map(|test| test["inputPath"].as_str());
    let read = |input: &str| {
        let text = std::fs::read_to_string(folder.join(input))?;
        let first =
            belay_goyaml::split_documents(&text).into_iter().find(|(_, text)| !text.trim().is_empty());
        let value = belay_goyaml::to_json(first.map_or("", |(_, text)| text))?;
        Ok(Object::new(value).ok())
    };
    // A few of the original's objects have no name or kind.
    inputs.map(read).filter_map(Result::transpose).collect()
}

fn record(scripts: &Path, cases: &Path) -> Result<()> {
    for entry in std::fs::read_dir(cases)? {
        let path = entry?.path();
        let mut list = belay_goyaml::to_json(&std::fs::read_to_string(&path)?)?;
        for case in list.as_array_mut().into_iter().flatten() {
            let object = Object::new(case["object"].clone())?;
            let health = script_of(scripts, &object).and_then(|text| original(&text, &object));
            if let Some(health) = health.or_else(|| argo::evaluate(&object)) {
                case["status"] = Value::from(health.status.as_str());
                case["message"] = Value::from(health.message);
            }
        }
        std::fs::write(path.with_extension("yaml"), belay_goyaml::to_yaml(&list))?;
    }
    Ok(())
}

/// The original's script for an object: of its kind, or of groups that end as its group does.
fn script_of(scripts: &Path, object: &Object) -> Option<String> {
    let key = object.gvk();
    let wild = key
        .group
        .split_once('.')
        .map(|(_, end)| format!("_.{}", end.split_once('.').map_or(end, |(_, end)| end)));
    let groups = [
        Some((key.group.clone(), key.kind.clone())),
        Some((key.group, "_".into())),
        wild.map(|wild| (wild, "_".into())),
    ];
    groups.into_iter().flatten().find_map(|(group, kind)| {
        std::fs::read_to_string(scripts.join(group).join(kind).join("health.lua")).ok()
    })
}

/// What the original's script says; nothing when it fails.
fn original(script: &str, object: &Object) -> Option<Health> {
    let own = Override { script, open_libraries: true, clock: jiff::Timestamp::now };
    let health = argo::evaluate_with(object, Some(own))?;
    (!health.message.starts_with("<string>:")).then_some(health)
}

fn judge(name: &str, script: &str, object: &Object, score: &mut Score) {
    let beside = |object: &Object, is_original: bool, score: &mut Score| {
        let Some(theirs) = original(script, object) else { return };
        let ours = argo::evaluate(object);
        let equal = ours.as_ref() == Some(&theirs);
        if is_original {
            score.objects += 1;
            score.equal_objects += usize::from(equal);
        } else {
            score.variations += 1;
            score.equal_variations += usize::from(equal);
        }
        if !equal && score.shown < SHOWN {
            score.shown += 1;
            eprintln!("{name}: {theirs:?}\n  ours {ours:?}\n  {}", object.value()["status"]);
        }
    };
    beside(object, true, score);
    for variation in variations(object.value()) {
        if let Ok(object) = Object::new(variation) {
            beside(&object, false, score);
        }
    }
}

fn variations(object: &Value) -> Vec<Value> {
    let mut pointers = Vec::new();
    for field in ["status", "spec"] {
        pointers_below(&object[field], &format!("/{field}"), &mut pointers);
    }
    let mut found = Vec::new();
    for pointer in pointers {
        let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
        let mut without = object.clone();
        match without.pointer_mut(parent) {
            Some(Value::Object(fields)) => drop(fields.shift_remove(&name.replace("~1", "/"))),
            Some(Value::Array(items)) => drop(name.parse().map(|index: usize| items.remove(index))),
            _ => continue,
        }
        found.push(without);
        let at = object.pointer(&pointer).and_then(Value::as_str).unwrap_or_default();
        let turned: &[&str] = match at {
            "True" => &["False", "Unknown"],
            "False" | "Unknown" => &["True", "False"],
            _ => continue,
        };
        for value in turned {
            let mut other = object.clone();
            if let Some(place) = other.pointer_mut(&pointer) {
                *place = Value::from(*value);
            }
            found.push(other);
        }
    }
    found
}

fn pointers_below(value: &Value, place: &str, found: &mut Vec<String>) {
    if value.is_null() || found.len() > 300 {
        return;
    }
    found.push(place.to_owned());
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| {
                pointers_below(value, &format!("{place}/{}", name.replace('/', "~1")), found);
            });
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, item)| pointers_below(item, &format!("{place}/{index}"), found));
        }
        _ => {}
    }
}

fn report(scores: &BTreeMap<String, Score>, unknown: &[String], scripts: usize) {
    for (name, score) in scores
        .iter()
        .filter(|(_, score)| score.equal_objects < score.objects || score.equal_variations < score.variations)
    {
        println!(
            "{name}: {} of {} objects, {} of {} variations",
            score.equal_objects, score.objects, score.equal_variations, score.variations
        );
    }
    let sum = |of: fn(&Score) -> usize| scores.values().map(of).sum::<usize>();
    println!(
        "{} of {scripts} scripts have rules of ours: {} of {} objects and {} of {} variations are judged alike",
        scores.len(),
        sum(|score| score.equal_objects),
        sum(|score| score.objects),
        sum(|score| score.equal_variations),
        sum(|score| score.variations)
    );
    println!("no rules: {}", unknown.join(" "));
}
