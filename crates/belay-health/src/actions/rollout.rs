//! Actions of Argo's Rollout.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::built_in::{remove, set, stamp};
use super::custom::named;
use super::{Action, ActionError};

pub(super) fn list(rollout: &Value) -> Vec<Action> {
    let (spec, status) = (&rollout["spec"], &rollout["status"]);
    let has_status = !status.is_null();
    let is_paused = match &status["pauseConditions"] {
        Value::Null => spec["paused"] == true,
        conditions => !is_empty(conditions),
    };
    let is_promoted = !has_status || status["currentPodHash"] == status["stableRS"];
    let is_aborted = status["abort"] == true;
    let steps = &spec["strategy"]["canary"]["steps"];
    let is_done = steps.is_null() || !has_status || step_of(rollout) == Some(length(steps));
    let no_full = is_promoted || (is_old(rollout) && !spec["strategy"]["blueGreen"].is_null());
    vec![
        Action { display_name: "Restart Pods".to_owned(), ..named("restart", false) },
        named("resume", !is_paused),
        named("abort", is_promoted || is_aborted),
        named("retry", is_promoted || !is_aborted),
        named("pause", is_promoted || is_aborted || spec["paused"] == true),
        named("promote-full", no_full),
        named("skip-current-step", is_done),
    ]
}

pub(super) fn run(rollout: &mut Value, name: &str, now: Timestamp) -> Result<(), ActionError> {
    let steps = length(&rollout["spec"]["strategy"]["canary"]["steps"]);
    let has_steps = !rollout["spec"]["strategy"]["canary"]["steps"].is_null();
    match name {
        "restart" => set(rollout, "/spec/restartAt", json!(stamp(now))),
        "pause" => set(rollout, "/spec/paused", json!(true)),
        "resume" => {
            go_on(rollout);
            if rollout["spec"]["paused"] == true {
                set(rollout, "/spec/paused", json!(false));
            }
        }
        "abort" => set(rollout, "/status/abort", json!(true)),
        "retry" => remove(rollout, "/status", "abort"),
        "promote-full" if rollout["status"].is_null() => {}
        "promote-full" if is_old(rollout) => {
            remove(rollout, "/status", "abort");
            if has_steps {
                set(rollout, "/status/currentStepIndex", json!(steps));
            }
        }
        "promote-full" => set(rollout, "/status/promoteFull", json!(true)),
        "skip-current-step" => {
            if let Some(step) = step_of(rollout).filter(|step| has_steps && *step < steps) {
                go_on(rollout);
                set(rollout, "/status/currentStepIndex", json!(step + 1));
            }
        }
        _ => return Err(ActionError::Unknown),
    }
    Ok(())
}

fn go_on(rollout: &mut Value) {
    if !is_empty(&rollout["status"]["pauseConditions"]) {
        remove(rollout, "/status", "pauseConditions");
    }
}

fn is_empty(list: &Value) -> bool {
    list.as_array().is_none_or(Vec::is_empty)
}

fn length(list: &Value) -> u64 {
    list.as_array().map_or(0, |items| items.len() as u64)
}

fn step_of(rollout: &Value) -> Option<u64> {
    rollout["status"]["currentStepIndex"].as_u64()
}

/// Whether a controller before 0.10 looks after it.
fn is_old(rollout: &Value) -> bool {
    let observed = rollout["status"]["observedGeneration"].as_str().and_then(|text| text.parse::<f64>().ok());
    let generation = rollout["metadata"]["generation"].as_f64().unwrap_or(0.0);
    observed.is_none_or(|observed| observed > generation)
}
