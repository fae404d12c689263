//! Random jq expressions and what gojq 0.12.19 leaves of values, recorded by `cargo xtask compare jq --record`.

use belay_diff::Jq;
use serde_json::Value;

const RECORDED: &str = include_str!("jq.jsonl");

#[test]
fn what_is_left_is_what_gojq_leaves() {
    let (mut left_less, mut wrong) = (0, 0);
    for line in RECORDED.lines() {
        let case: Value = serde_json::from_str(line).expect("a case is JSON");
        let (value, answer) = (&case["value"], &case["answer"]);
        let expression = case["expression"].as_str().expect("a case has an expression");
        let parsed = Jq::parse(expression);
        if answer.get("invalid").is_some() {
            assert!(parsed.is_err(), "{expression} is none");
            wrong += 1;
            continue;
        }
        let jq = parsed.unwrap_or_else(|error| panic!("{error}"));
        let mut left = value.clone();
        jq.remove(&mut left);
        // Where an expression fails nothing is taken out.
        let expected = answer.get("left").unwrap_or(value);
        assert_eq!(left, *expected, "{expression}");
        wrong += usize::from(answer.get("error").is_some());
        left_less += usize::from(left != *value);
    }
    assert!(left_less >= 120 && wrong >= 100, "{left_less} take something out, {wrong} are wrong");
}
