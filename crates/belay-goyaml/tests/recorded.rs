//! Every case in `tests/cases` gives what Go's libraries gave when it was recorded.

use std::fmt::Write as _;
use std::path::Path;

use belay_goyaml::{
    Error, ParseOptions, Resolution, format_float, marshal, to_go_json, to_json, to_json_strict,
    to_json_with, to_yaml_v3,
};
use serde_json::Value;

#[test]
fn parsing() {
    check("parse.jsonl", 250);
}

#[test]
fn parsing_strictly_and_by_version_3() {
    check("parse-strict-and-v3.jsonl", 250);
}

#[test]
fn emitting() {
    check("emit.jsonl", 150);
}

#[test]
fn random_documents() {
    check("random.jsonl", 150);
}

fn check(file: &str, at_least: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(file);
    let text = std::fs::read_to_string(&path).expect("the case file is part of the crate");
    let mut report = String::new();
    let mut count = 0;
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).expect("a case is one JSON object");
        let field = |name: &str| case[name].as_str().unwrap_or_default();
        let expected = match case["err"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(field("out").to_owned()),
        };
        let actual = answer(field("op"), field("in"));
        if actual != expected {
            let _ = writeln!(report, "{line}\n  expected {expected:?}\n  actual   {actual:?}");
        }
        count += 1;
    }
    assert!(report.is_empty(), "{file}:\n{report}");
    assert!(count >= at_least, "{file} has only {count} cases");
}

fn answer(op: &str, text: &str) -> Result<String, String> {
    let shown = |error: Error| error.to_string();
    let json = |value: Value| to_go_json(&value, true);
    let value = || serde_json::from_str::<Value>(text).expect("emit cases are JSON");
    match op {
        "json" => to_json(text).map(json).map_err(shown),
        "json-strict" => to_json_strict(text).map(json).map_err(shown),
        "json-v3" => {
            let options = ParseOptions { resolution: Resolution::V3, ..ParseOptions::default() };
            to_json_with(text, &options, false).map(json).map_err(|error| error.to_v3_string())
        }
        "yaml" => marshal(&value()).map_err(shown),
        "yaml-v3-2" => Ok(to_yaml_v3(&value(), 2)),
        "yaml-v3-4" => Ok(to_yaml_v3(&value(), 4)),
        "gojson" => Ok(to_go_json(&value(), true)),
        "gojson-raw" => Ok(to_go_json(&value(), false)),
        "float" => Ok(format_float(text.parse().expect("float cases are floats"))),
        _ => panic!("unknown op {op:?}"),
    }
}
