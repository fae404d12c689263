//! Expressions of Flux's substitution and what Flux makes of them, one a line of
//! `substitutions.jsonl`. Recorded with `tests/oracle/kustomize`:
//!
//!     go run . -substitutions < expressions.jsonl
//!
//! which answers a line of `{"input", "strict", "variables"}` with `{"text"}` or `{"error"}`.

use belay_kustomize::{SubstituteVariables, substitute_text};
use serde_json::Value;

#[test]
fn every_expression_is_as_recorded() {
    let mut wrong = Vec::new();
    let lines = include_str!("substitutions.jsonl").lines();
    for line in lines {
        let case: Value = serde_json::from_str(line).unwrap();
        let variables: SubstituteVariables = serde_json::from_value(case["variables"].clone()).unwrap();
        let strict = case["strict"].as_bool().unwrap();
        let found = substitute_text(case["input"].as_str().unwrap(), &variables, strict);
        if found.as_ref().ok().map(String::as_str) != case.get("text").and_then(Value::as_str) {
            wrong.push(format!("{line}\n  {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
