//! Jobs run their pods and complete, or fail.

use serde_json::Value;

use super::replicas::{count, put_count};
use super::{Dirty, condition, create_pod, pod_from, pods_of, set_status, to_see};
use crate::cluster::State;
use crate::object::{items, number, text};

pub(super) fn step(state: &mut State, dirty: &Dirty) {
    for job in to_see(state, "batch", "jobs", dirty) {
        if !is_over(&job) && job["spec"]["suspend"] != true {
            advance(state, &job);
        }
    }
}

fn is_over(job: &Value) -> bool {
    items(job, &["status", "conditions"]).iter().any(|condition| {
        matches!(text(condition, &["type"]), "Complete" | "Failed") && condition["status"] == "True"
    })
}

fn advance(state: &mut State, job: &Value) {
    let completions = number(job, &["spec", "completions"]).unwrap_or(1);
    let parallelism = number(job, &["spec", "parallelism"]).unwrap_or(1);
    let limit = number(job, &["spec", "backoffLimit"]).unwrap_or(6);
    let in_phase = |state: &State, phase: &str| {
        count(pods_of(state, job).iter().filter(|pod| text(pod, &["status", "phase"]) == phase).count())
    };
    let (succeeded, failed) = (in_phase(state, "Succeeded"), in_phase(state, "Failed"));
    let active = count(pods_of(state, job).len()) - succeeded - failed;
    let failing = failed > limit
        || (failed > 0 && text(job, &["spec", "template", "spec", "restartPolicy"]) == "OnFailure");
    if !failing {
        for _ in active..(completions - succeeded).min(parallelism) {
            create_pod(state, job, pod_from(job, &job["spec"]["template"], None));
        }
    }
    let active = count(pods_of(state, job).len()) - succeeded - failed;
    let now = state.clock.seconds();
    set_status(state, job, |job| {
        let status = &mut job["status"];
        if status["startTime"].is_null() {
            status["startTime"] = now.as_str().into();
        }
        for (field, value) in [("active", active), ("succeeded", succeeded), ("failed", failed)] {
            put_count(status, field, value);
        }
        status["ready"] = 0.into();
        if succeeded >= completions {
            status["completionTime"] = now.as_str().into();
            for kind in ["SuccessCriteriaMet", "Complete"] {
                condition(
                    status,
                    kind,
                    true,
                    "CompletionsReached",
                    "Reached expected number of succeeded pods",
                    &now,
                );
            }
        } else if failing {
            for kind in ["FailureTarget", "Failed"] {
                condition(
                    status,
                    kind,
                    true,
                    "BackoffLimitExceeded",
                    "Job has reached the specified backoff limit",
                    &now,
                );
            }
        }
    });
}
