//! Pods: scheduled, started, ready after a moment, gone after deletion.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    COMPLETE_AFTER, Dirty, NODE, READY_AFTER, condition, is_ready, milliseconds, set_status, target_of,
};
use crate::cluster::State;
use crate::object::{is_being_deleted, items, name, namespace, set, text, uid};
use crate::store::GroupResource;

/// Bring these pods one step further; which of them wait for their moment.
pub(super) fn step(state: &mut State, seen: &mut HashMap<String, i64>, dirty: &Dirty) -> Dirty {
    let mut waiting = Dirty::new();
    if dirty.is_empty() {
        return waiting;
    }
    let now = milliseconds(state.clock.now());
    let pods = state.store.list(&GroupResource::new("", "pods"), "");
    let pods: Vec<Arc<Value>> = pods.filter(|pod| dirty.contains(uid(pod))).cloned().collect();
    for pod in &pods {
        let first = *seen.entry(uid(pod).to_owned()).or_insert(now);
        if advance(state, pod, now - first) {
            waiting.insert(uid(pod).to_owned());
        }
    }
    waiting
}

fn advance(state: &mut State, pod: &Arc<Value>, age: i64) -> bool {
    if is_being_deleted(pod) {
        // The node confirms at once that nothing runs any more.
        if let Some(target) = target_of(state, pod) {
            let mut last = (**pod).clone();
            set(&mut last, &["metadata", "deletionGracePeriodSeconds"], 0.into());
            state.commit(&target.definition, last);
        }
        return false;
    }
    if matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed") {
        return false;
    }
    if text(pod, &["spec", "nodeName"]).is_empty() {
        schedule(state, pod);
        return true;
    }
    let broken = containers(pod).iter().any(|container| text(container, &["image"]).ends_with(":broken"));
    let ends = text(pod, &["spec", "restartPolicy"]) != "Always";
    let fails = containers(pod).iter().any(is_false);
    match (broken || (fails && !ends), age) {
        (_, ..READY_AFTER) => true,
        (true, _) => {
            crash(state, pod);
            false
        }
        (false, ..COMPLETE_AFTER) if ends => {
            run(state, pod);
            true
        }
        (false, _) if ends => {
            finish(state, pod, fails);
            false
        }
        (false, _) => {
            run(state, pod);
            false
        }
    }
}

fn containers(pod: &Value) -> &[Value] {
    items(pod, &["spec", "containers"])
}

/// Whether the container runs `false`.
fn is_false(container: &Value) -> bool {
    let command = items(container, &["command"]).iter().chain(items(container, &["args"]));
    command
        .filter_map(Value::as_str)
        .next_back()
        .is_some_and(|last| last == "false" || last.ends_with("/false"))
}

/// Bind the pod to the node, as the scheduler does.
fn schedule(state: &mut State, pod: &Value) {
    let Some(target) = target_of(state, pod) else { return };
    let now = state.clock.seconds();
    let mut bound = pod.clone();
    set(&mut bound, &["spec", "nodeName"], NODE.into());
    let mut status = bound["status"].take();
    condition(&mut status, "PodScheduled", true, "", "", &now);
    bound["status"] = status;
    state.commit(&target.definition, bound);
}

fn run(state: &mut State, pod: &Value) {
    if is_ready(pod) {
        return;
    }
    let (now, address) = (state.clock.seconds(), address_for(state, pod));
    let statuses: Vec<Value> = containers(pod)
        .iter()
        .map(|container| {
            json!({ "name": container["name"], "image": container["image"], "imageID": image_id(container), "ready": true,
                "started": true, "restartCount": 0, "containerID": format!("localkube://{}-{}", uid(pod), text(container, &["name"])),
                "state": { "running": { "startedAt": now } }, "lastState": {} })
        })
        .collect();
    set_status(state, pod, |pod| {
        let status = &mut pod["status"];
        status["phase"] = "Running".into();
        status["startTime"] = now.as_str().into();
        status["podIP"] = address.as_str().into();
        status["podIPs"] = json!([{ "ip": address }]);
        status["hostIP"] = "127.0.0.1".into();
        status["containerStatuses"] = statuses.into();
        for kind in ["Initialized", "Ready", "ContainersReady"] {
            condition(status, kind, true, "", "", &now);
        }
    });
}

fn crash(state: &mut State, pod: &Value) {
    if text(pod, &["status", "phase"]) == "Running" {
        return;
    }
    let now = state.clock.seconds();
    let statuses: Vec<Value> = containers(pod)
        .iter()
        .map(|container| {
            let message = format!("back-off 10s restarting failed container={} pod={}_{}", text(container, &["name"]), name(pod), namespace(pod));
            json!({ "name": container["name"], "image": container["image"], "imageID": image_id(container), "ready": false,
                "started": false, "restartCount": 1, "state": { "waiting": { "reason": "CrashLoopBackOff", "message": message } },
                "lastState": { "terminated": { "exitCode": 1, "reason": "Error", "startedAt": now, "finishedAt": now } } })
        })
        .collect();
    let unready: Vec<&str> = containers(pod).iter().map(|container| text(container, &["name"])).collect();
    let message = format!("containers with unready status: [{}]", unready.join(" "));
    set_status(state, pod, |pod| {
        let status = &mut pod["status"];
        status["phase"] = "Running".into();
        status["startTime"] = now.as_str().into();
        status["containerStatuses"] = statuses.into();
        condition(status, "Initialized", true, "", "", &now);
        for kind in ["Ready", "ContainersReady"] {
            condition(status, kind, false, "ContainersNotReady", &message, &now);
        }
    });
}

/// What runs to its end has ended.
fn finish(state: &mut State, pod: &Value, fails: bool) {
    let now = state.clock.seconds();
    let (phase, reason, code) = if fails { ("Failed", "Error", 1) } else { ("Succeeded", "Completed", 0) };
    set_status(state, pod, |pod| {
        let status = &mut pod["status"];
        status["phase"] = phase.into();
        for container in status["containerStatuses"].as_array_mut().into_iter().flatten() {
            container["ready"] = false.into();
            container["started"] = false.into();
            let started = container["state"]["running"]["startedAt"].clone();
            container["state"] = json!({ "terminated": { "exitCode": code, "reason": reason, "startedAt": started, "finishedAt": now } });
        }
        for kind in ["Ready", "ContainersReady"] {
            condition(status, kind, false, if fails { "PodFailed" } else { "PodCompleted" }, "", &now);
        }
    });
}

fn image_id(container: &Value) -> String {
    use sha2::Digest as _;
    format!("sha256:{}", hex::encode(sha2::Sha256::digest(text(container, &["image"]))))
}

/// A free address of 10.244.0.0/16.
fn address_for(state: &State, pod: &Value) -> String {
    let known = text(pod, &["status", "podIP"]);
    if !known.is_empty() {
        return known.to_owned();
    }
    let pods = state.store.list(&GroupResource::new("", "pods"), "");
    let used: std::collections::HashSet<&str> = pods.map(|pod| text(pod, &["status", "podIP"])).collect();
    let mut free = (2_u32..65_000).map(|number| format!("10.244.{}.{}", number >> 8, number & 255));
    free.find(|address| !used.contains(address.as_str())).unwrap_or_default()
}
