use std::io::Read;

use super::*;
use serde_json::{Value, json};

/// Objects and what the original says of them; how they were recorded: tests/oracle/kstatus.
fn recorded() -> Vec<Value> {
    let mut text = String::new();
    let packed = include_bytes!("recorded.jsonl.gz");
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_originals_rules() {
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let (mut cases, mut invalid) = (0, 0);
    for case in recorded() {
        let verdict = evaluate(&Object::new(case["object"].clone()).unwrap(), now);
        let said = json!({"status": format!("{:?}", verdict.status), "message": verdict.message});
        let wanted = json!({"status": case["status"], "message": case["message"]});
        assert_eq!(said, wanted, "{}", case["object"]);
        cases += 1;
        invalid += usize::from(verdict.status == Status::Unknown);
    }
    assert!(cases > 4000 && invalid * 10 > cases, "{invalid} of {cases}");
}

#[test]
fn a_pod_without_a_node_fails_when_its_time_is_over() {
    let pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "a", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "status": {"phase": "Pending",
            "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}});
    let pod = Object::new(pod).unwrap();
    let at = |time: &str| evaluate(&pod, time.parse().unwrap());
    assert!(may_fail_with_time(&at("2026-01-01T00:00:14Z")));
    assert_eq!(at("2026-01-01T00:00:16Z").status, Status::Failed);
    assert!(!may_fail_with_time(&at("2026-01-01T00:00:16Z")));
}

#[test]
fn a_pod_may_be_odd() {
    let pod = |containers: Value| {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},
            "status": {"phase": "Running", "containerStatuses": containers}});
        evaluate(&Object::new(pod).unwrap(), Timestamp::UNIX_EPOCH).status
    };
    // The original ends here.
    for odd in [json!([1]), json!([{"name": 1, "state": "x"}]), json!([{"state": {"waiting": []}}])] {
        assert_eq!(pod(odd), Status::InProgress);
    }
    assert_eq!(pod(json!({})), Status::Unknown);
}
