//! Random templates answer as Go does; the answers were recorded by
//! `cargo run -p belay-gotemplate --example random_templates -- compare --oracle PATH --cases 300 --record FILE`.

#![expect(clippy::unwrap_used, reason = "a broken case file should fail the test")]

#[path = "generator/mod.rs"]
mod generator;
#[path = "generator/render.rs"]
mod render;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use belay_gotemplate::{Budget, sprig};
use generator::{Features, Numbers};

fn recorded() -> Vec<serde_json::Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/random.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn recorded_templates_answer_as_go_does() {
    let functions = Arc::new(sprig());
    let cases = recorded();
    let mut errors = 0;
    for case in &cases {
        let template = case["template"].as_str().unwrap();
        let answer =
            render::render(template, case["missingkey"].as_str().unwrap(), &functions, Budget::default());
        match case["error"].as_str() {
            Some(text) => {
                errors += 1;
                assert_eq!(answer.err().as_deref(), Some(text), "{template}");
            }
            None => {
                let output = answer.unwrap_or_else(|error| panic!("{error}: {template}"));
                assert_eq!(String::from_utf8_lossy(&output), case["output"].as_str().unwrap(), "{template}");
            }
        }
    }
    assert!(cases.len() >= 250 && errors * 5 >= cases.len(), "{} cases, {errors} errors", cases.len());
}

#[test]
fn the_generator_shows_every_feature_and_function() {
    let mut features = Features::default();
    let functions = Arc::new(sprig());
    for seed in 0..6000 {
        let case = generator::case(seed, &mut features);
        if seed < 300 {
            let again = || render::render(&case.template, case.missing_key, &functions, Budget::default());
            assert_eq!(again(), again(), "{}", case.template);
        }
    }
    // What the oracle answers is not known here.
    let answers = ["output", "parse error", "execution error"];
    let rare: Vec<String> = features
        .rare(6000)
        .into_iter()
        .filter(|line| !answers.iter().any(|name| line.starts_with(name)))
        .collect();
    assert!(rare.is_empty(), "{rare:?}");
}

#[test]
fn changed_templates_never_panic_and_keep_to_the_budget() {
    let texts: BTreeSet<String> =
        recorded().iter().map(|case| case["template"].as_str().unwrap().to_owned()).collect();
    let texts: Vec<String> = texts.into_iter().collect();
    let end = Instant::now() + Duration::from_secs(5);
    let functions = Arc::new(sprig());
    let mut numbers = Numbers::new(7);
    while Instant::now() < end {
        generator::fuzz(&mut numbers, &texts, &functions);
    }
}
