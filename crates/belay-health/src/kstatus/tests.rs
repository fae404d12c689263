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

fn status(value: Value) -> Status {
    evaluate(&Object::new(value).unwrap(), Timestamp::UNIX_EPOCH).status
}

#[test]
fn generation_and_standard_conditions_come_first() {
    let base = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "generation": 2}});
    assert_eq!(status(base.clone()), Status::Current);
    let mut behind = base.clone();
    behind["status"] = json!({"observedGeneration": 1});
    assert_eq!(status(behind), Status::InProgress);
    let mut stalled = base.clone();
    stalled["status"] = json!({"conditions": [{"type": "Stalled", "status": "True"}]});
    assert_eq!(status(stalled), Status::Failed);
    let mut leaving = base;
    leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(status(leaving), Status::Terminating);
}

#[test]
fn a_custom_resource_goes_by_ready_and_never_fails_by_it() {
    let resource = |ready: &str| {
        json!({"apiVersion": "x.io/v1", "kind": "X", "metadata": {"name": "a"},
            "status": {"conditions": [{"type": "Ready", "status": ready}]}})
    };
    assert_eq!(status(resource("True")), Status::Current);
    assert_eq!(status(resource("False")), Status::InProgress);
    assert_eq!(status(resource("Unknown")), Status::InProgress);
}

#[test]
fn a_job_is_done_when_it_completed_not_when_it_started() {
    let job = |conditions: Value| {
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"},
            "status": {"active": 1, "conditions": conditions}})
    };
    assert_eq!(status(job(json!([]))), Status::InProgress);
    assert_eq!(status(job(json!([{"type": "Complete", "status": "True"}]))), Status::Current);
    assert_eq!(status(job(json!([{"type": "Failed", "status": "True"}]))), Status::Failed);
}

#[test]
fn a_deployment_without_replicas_still_needs_its_conditions() {
    let deployment = |conditions: Value| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
            "spec": {"replicas": 0, "progressDeadlineSeconds": 600}, "status": {"conditions": conditions}})
    };
    assert_eq!(status(deployment(json!([]))), Status::InProgress);
    let done = json!([{"type": "Available", "status": "True"},
        {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]);
    assert_eq!(status(deployment(done)), Status::Current);
}
