//! StatefulSets and DaemonSets.

use serde_json::Value;

use super::replicas::{count, put_count};
use super::{Dirty, create_pod, delete_now, is_ready, pod_from, pods_of, set_status, template_hash, to_see};
use crate::cluster::State;
use crate::object::{generation, name, number, set, text};

const REVISION: &str = "controller-revision-hash";

pub(super) fn step(state: &mut State, dirty: &Dirty) {
    for object in to_see(state, "apps", "statefulsets", dirty) {
        stateful(state, &object);
    }
    for object in to_see(state, "apps", "daemonsets", dirty) {
        daemon(state, &object);
    }
}

fn revision(object: &Value) -> String {
    format!("{}-{}", name(object), template_hash(&object["spec"]["template"]))
}

/// A pod of the current revision.
fn pod(object: &Value, pod_name: Option<String>) -> Value {
    let mut pod = pod_from(object, &object["spec"]["template"], pod_name);
    set(&mut pod, &["metadata", "labels", REVISION], revision(object).into());
    pod
}

fn stateful(state: &mut State, object: &Value) {
    let wanted = number(object, &["spec", "replicas"]).unwrap_or(1);
    let current = revision(object);
    let pods = pods_of(state, object);
    let named = |index: i64| format!("{}-{index}", name(object));
    for pod in &pods {
        let is_old = text(pod, &["metadata", "labels", REVISION]) != current;
        let is_wanted = (0..wanted).any(|index| named(index) == name(pod));
        if is_old || !is_wanted {
            delete_now(state, pod);
        }
    }
    // One after the other, each once the one before is ready.
    for index in 0..wanted {
        match pods.iter().find(|pod| name(pod) == named(index)) {
            None => {
                create_pod(state, object, pod(object, Some(named(index))));
                break;
            }
            Some(pod) if !is_ready(pod) && text(object, &["spec", "podManagementPolicy"]) != "Parallel" => {
                break;
            }
            Some(_) => {}
        }
    }
    let pods = pods_of(state, object);
    let (total, ready) = (count(pods.len()), count(pods.iter().filter(|pod| is_ready(pod)).count()));
    let updated =
        count(pods.iter().filter(|pod| text(pod, &["metadata", "labels", REVISION]) == current).count());
    let observed = generation(object);
    set_status(state, object, |object| {
        let status = &mut object["status"];
        status["observedGeneration"] = observed.into();
        status["replicas"] = total.into();
        status["availableReplicas"] = ready.into();
        status["currentRevision"] = current.as_str().into();
        status["updateRevision"] = current.as_str().into();
        status["collisionCount"] = 0.into();
        for (field, value) in
            [("readyReplicas", ready), ("currentReplicas", updated), ("updatedReplicas", updated)]
        {
            put_count(status, field, value);
        }
    });
}

/// One node, one pod.
fn daemon(state: &mut State, object: &Value) {
    let current = revision(object);
    let pods = pods_of(state, object);
    let mut own = 0;
    for pod in &pods {
        if text(pod, &["metadata", "labels", REVISION]) == current && own == 0 {
            own = 1;
        } else {
            delete_now(state, pod);
        }
    }
    if own == 0 {
        create_pod(state, object, pod(object, None));
    }
    let pods = pods_of(state, object);
    let (total, ready) = (count(pods.len()), count(pods.iter().filter(|pod| is_ready(pod)).count()));
    let observed = generation(object);
    set_status(state, object, |object| {
        let status = &mut object["status"];
        status["observedGeneration"] = observed.into();
        status["desiredNumberScheduled"] = 1.into();
        status["currentNumberScheduled"] = total.into();
        status["numberMisscheduled"] = 0.into();
        status["numberReady"] = ready.into();
        for (field, value) in [
            ("updatedNumberScheduled", total),
            ("numberAvailable", ready),
            ("numberUnavailable", 1 - ready.min(1)),
        ] {
            put_count(status, field, value);
        }
    });
}
