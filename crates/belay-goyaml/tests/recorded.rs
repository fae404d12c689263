//! Every case in `tests/cases` gives what Go's libraries gave when it was recorded.

#[path = "generator/answer.rs"]
mod answer;
#[path = "generator/fuzz.rs"]
mod fuzz;
#[path = "generator/mod.rs"]
mod generator;

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use answer::answer;
use generator::{Features, Numbers};
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
fn found_differences() {
    check("found.jsonl", 15);
}

#[test]
fn random_documents() {
    check("random.jsonl", 150);
}

#[test]
fn nodes() {
    check("nodes.jsonl", 350);
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

#[test]
fn changed_texts_never_panic_and_read_back_as_they_were_written() {
    let mut texts = Vec::new();
    for file in ["parse.jsonl", "random.jsonl", "nodes.jsonl"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(file);
        let lines = std::fs::read_to_string(&path).expect("the case file is part of the crate");
        for line in lines.lines() {
            let case: Value = serde_json::from_str(line).expect("a case is one JSON object");
            texts.extend(case["in"].as_str().map(str::to_owned));
        }
    }
    let end = Instant::now() + Duration::from_secs(5);
    let mut numbers = Numbers::new(3);
    while Instant::now() < end {
        fuzz::fuzz(&mut numbers, &texts);
    }
}

#[test]
fn the_generator_shows_every_feature() {
    let mut features = Features::default();
    for seed in 0..5000 {
        let question = generator::question(seed, &mut features);
        let again = || answer(question.op, &question.text);
        assert_eq!(again(), again(), "{}", question.text);
    }
    assert_eq!(features.rare(5000), Vec::<String>::new());
}

#[test]
fn the_generator_of_nodes_shows_every_feature() {
    let mut features = Features::default();
    for seed in 0..5000 {
        let question = generator::nodes::question(seed, &mut features);
        let again = || answer(question.op, &question.text);
        assert_eq!(again(), again(), "{}", question.text);
    }
    assert_eq!(features.rare_among(generator::nodes::FEATURES, 5000), Vec::<String>::new());
}
