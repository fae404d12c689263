//! Objects that a real kube-apiserver 1.34.4 refused, and its words, one for each kind of message:
//! `cargo xtask compare validation --kubeconfig FILE --cases 60000 --record crates/belay-schema/tests/refused.jsonl.gz`.

use std::io::Read as _;

use belay_schema::{
    Registry, decode, default_object, invalid_message, keep_unchangeable, metadata_errors, validate,
};
use serde_json::Value;

#[test]
fn what_the_server_refuses_is_refused_in_its_words() {
    let mut recorded = String::new();
    let read =
        flate2::read::GzDecoder::new(&include_bytes!("refused.jsonl.gz")[..]).read_to_string(&mut recorded);
    read.expect("the recording is compressed text");
    let cases: Vec<Value> = recorded.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(cases.len() > 800, "only {} cases", cases.len());
    let mut failures = Vec::new();
    for case in &cases {
        let (expected, found) = (case["message"].as_str().expect("a message"), refusal(case));
        if !is_same(expected, &found) {
            failures.push(format!("expected {expected}\n   found {found}"));
        }
    }
    assert!(failures.is_empty(), "{} of {} differ:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

/// The message that the object earns by itself.
fn refusal(case: &Value) -> String {
    let object = &case["object"];
    let (version, kind) =
        (object["apiVersion"].as_str().expect("version"), object["kind"].as_str().expect("kind"));
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let schema = Registry::builtin().kind(group, version, kind).expect("a built-in kind");
    let mut object = decode(&schema, object).expect("it can be read");
    default_object(&schema, &mut object);
    keep_unchangeable(&schema, None, &mut object, "");
    default_object(&schema, &mut object);
    let mut errors = metadata_errors(&schema, case["resource"].as_str().expect("a resource"), &object, None);
    errors.extend(validate(&schema, &object, None));
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    invalid_message(group, kind, name, &errors)
}

/// Go walks maps in any order, so errors come in any order.
fn is_same(expected: &str, found: &str) -> bool {
    let sorted = |text: &str| {
        let text = text.replace(['[', ']'], "").replace(" is invalid: ", " is invalid:, ");
        let mut parts: Vec<String> = text.split(", ").map(str::to_owned).collect();
        parts.sort();
        parts
    };
    sorted(expected) == sorted(found)
}
