//! Jobs run their pods and complete, or fail.

use std::collections::HashMap;

use serde_json::Value;

use super::replicas::{count, put_count};
use super::{Dirty, changed, condition, create_pod, milliseconds, pod_from, pods_of, set_status};
use crate::cluster::State;
use crate::object::{is_being_deleted, items, number, text, uid};

/// After a failure the next pod waits this long, in milliseconds, and twice as long after each further one. A real
/// cluster begins with ten seconds; here everything is quicker.
const BACK_OFF: i64 = 100;
const LONGEST_BACK_OFF: i64 = 60_000;

/// Bring these jobs a step further; those that wait for another attempt are given back.
pub(super) fn step(state: &mut State, failures: &mut HashMap<String, (i64, i64)>, dirty: &Dirty) -> Dirty {
    let mut postponed = Dirty::new();
    if dirty.is_empty() {
        return postponed;
    }
    // One that goes but is held by a finalizer comes to its end, too; it only gets no more pods.
    for job in changed(state, "batch", "jobs", dirty) {
        if is_over(&job) || job["spec"]["suspend"] == true {
            continue;
        }
        let is_postponed = is_postponed(state, failures, &job);
        if is_postponed {
            postponed.insert(uid(&job).to_owned());
        }
        advance(state, &job, is_postponed);
    }
    postponed
}

/// Whether a pod failed so recently that the next has to wait.
fn is_postponed(state: &State, failures: &mut HashMap<String, (i64, i64)>, job: &Value) -> bool {
    let failed = pods_of(state, job).iter().filter(|pod| text(pod, &["status", "phase"]) == "Failed").count();
    let (now, failed) = (milliseconds(state.clock.now()), count(failed));
    let (known, until) = failures.entry(uid(job).to_owned()).or_insert((0, 0));
    if failed > *known {
        let doublings = u32::try_from(failed - 1).unwrap_or(0).min(16);
        *known = failed;
        *until = now + (BACK_OFF << doublings).min(LONGEST_BACK_OFF);
    }
    now < *until
}

fn is_over(job: &Value) -> bool {
    items(job, &["status", "conditions"]).iter().any(|condition| {
        matches!(text(condition, &["type"]), "Complete" | "Failed") && condition["status"] == "True"
    })
}

fn advance(state: &mut State, job: &Value, is_postponed: bool) {
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
    if !failing && !is_postponed && !is_being_deleted(job) {
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
