//! Our answers beside those of the library that Helm uses.

use std::io::Read;

use belay_gotemplate::Map;
use belay_goyaml::{ParseOptions, with_depth};
use flate2::read::GzDecoder;
use serde_json::Value as Json;

use super::{USUAL_DEPTH, document, reasons};

/// Recorded by `cmd/schemas` of `tests/oracle/helm`.
fn recorded() -> String {
    let mut text = String::new();
    let compressed = include_bytes!("../../tests/schemas.jsonl.gz");
    GzDecoder::new(&compressed[..]).read_to_string(&mut text).expect("recorded answers");
    text
}

/// Differences that a failure lists; it counts all.
const SHOWN: usize = 5;

fn answer(schema: &str, values: &str) -> String {
    let schema = document::read(schema, USUAL_DEPTH).expect("a schema");
    let values = document::read(values, USUAL_DEPTH).expect("values");
    match reasons(&schema, &values) {
        Ok(reasons) => reasons.unwrap_or_default(),
        Err(fault) => fault.to_string(),
    }
}

fn shown(case: &Json, found: &str) -> String {
    let recorded = case["answer"].as_str().unwrap_or_default();
    format!("{} {}\nHelm's answer:\n{recorded}\nours:\n{found}", case["schema"], case["values"])
}

#[test]
fn answers_are_those_of_the_library_that_helm_uses() {
    let text = recorded();
    let differences: Vec<String> = text
        .lines()
        .filter_map(|line| {
            let case: Json = serde_json::from_str(line).expect("a case");
            let text = |name: &str| case[name].as_str().unwrap_or_default();
            let found = answer(text("schema"), text("values"));
            (found != text("answer")).then(|| shown(&case, &found))
        })
        .collect();
    let (count, of) = (differences.len(), text.lines().count());
    let shown = differences.into_iter().take(SHOWN).collect::<Vec<_>>().join("\n\n");
    assert!(count == 0, "{count} of {of} differ:\n{shown}");
}

fn fits(schema: &str, values: &Map) -> Result<(), String> {
    super::validate_one(schema.as_bytes(), values)
}

#[test]
fn deep_schemas_and_circles_come_to_an_end() {
    let nested = |depth: usize| format!("{}{{}}{}", "{\"not\":".repeat(depth), "}".repeat(depth));
    assert_eq!(fits(&nested(900), &Map::default()), Ok(()));
    assert_eq!(
        fits(&nested(USUAL_DEPTH), &Map::default()),
        Err("the schema is nested more than 1000 deep".to_owned())
    );
    // Where there is the stack for it, as deep as Go reads JSON, which checks against a metaschema, too.
    let ceiling = ParseOptions::DEPTH_CEILING;
    let deep = |depth| with_depth(ceiling, || fits(&nested(depth), &Map::default()));
    assert_eq!(deep(3_000), Ok(()));
    assert_eq!(deep(ceiling), Err("invalid character '{' exceeded max depth".to_owned()));
    // Each schema of a long chain leads to the next; none is applied twice.
    let link = |index: usize| format!("\"{index}\":{{\"$ref\":\"#/$defs/{}\"}}", index + 1);
    let chain: Vec<String> = (0..20_000).map(link).collect();
    let chain = format!("{{\"$ref\":\"#/$defs/0\",\"$defs\":{{{},\"20000\":true}}}}", chain.join(","));
    let refused = fits(&chain, &Map::default()).expect_err("too deep");
    assert!(refused.ends_with("it is applied more than 10000 deep"), "{refused}");
}
