//! The rules of single kinds.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::read::{Conditions, no_access, number, text};
use super::{Judged, SCHEDULE_WINDOW, Status, Verdict, verdict};

/// What is said of a Pod that has found no node yet.
pub(super) const NOT_SCHEDULED: &str = "Pod has not been scheduled";
/// The deadline that means none.
const NO_DEADLINE: i64 = i32::MAX as i64;

fn current(message: impl Into<String>) -> Verdict {
    verdict(Status::Current, message)
}

fn in_progress(message: impl Into<String>) -> Verdict {
    verdict(Status::InProgress, message)
}

/// A count of `status`, 0 when absent.
fn count(value: &Value, name: &str) -> i64 {
    value["status"][name].as_i64().unwrap_or(0)
}

fn replicas(value: &Value) -> i64 {
    number(value, "/spec/replicas").unwrap_or(1)
}

/// The first of some counts that is lower than wanted.
fn too_few(value: &Value, wanted: i64, counts: &[(&str, &str)]) -> Option<Verdict> {
    let lower = |(name, label): &(&str, &str)| {
        let there = count(value, name);
        (wanted > there).then(|| in_progress(format!("{label}: {there}/{wanted}")))
    };
    counts.iter().find_map(lower)
}

/// Whether more Pods are there than wanted.
fn too_many(value: &Value, wanted: i64) -> Option<Verdict> {
    let there = count(value, "replicas");
    (there > wanted).then(|| in_progress(format!("Pending termination: {}", there - wanted)))
}

pub(super) fn deployment(value: &Value, conditions: &Conditions<'_>) -> Verdict {
    if conditions
        .iter()
        .any(|known| known.type_ == "Progressing" && known.reason == "ProgressDeadlineExceeded")
    {
        return verdict(Status::Failed, "Progress deadline exceeded");
    }
    let (wanted, updated) = (replicas(value), count(value, "updatedReplicas"));
    let counts = [("replicas", "Replicas"), ("updatedReplicas", "Updated")];
    let short = too_few(value, wanted, &counts)
        .or_else(|| too_many(value, wanted))
        .or_else(|| too_few(value, updated, &[("availableReplicas", "Available")]))
        .or_else(|| too_few(value, wanted, &[("readyReplicas", "Ready")]));
    if let Some(short) = short {
        return short;
    }
    // Without a deadline the condition is not written.
    let deadline = number(value, "/spec/progressDeadlineSeconds").unwrap_or(NO_DEADLINE);
    let is_rolled_out = deadline == NO_DEADLINE
        || conditions.iter().any(|known| {
            known.type_ == "Progressing" && known.status == "True" && known.reason == "NewReplicaSetAvailable"
        });
    if !is_rolled_out {
        return in_progress("ReplicaSet not Available");
    }
    if !conditions.has("Available", "True") {
        return in_progress("Deployment not Available");
    }
    current(format!("Deployment is available. Replicas: {}", count(value, "replicas")))
}

pub(super) fn stateful_set(value: &Value) -> Verdict {
    if text(value, "/spec/updateStrategy/type") == Some("OnDelete") {
        return current("StatefulSet is using the ondelete update strategy");
    }
    let (wanted, updated) = (replicas(value), count(value, "updatedReplicas"));
    let counts = [("replicas", "Replicas"), ("readyReplicas", "Ready")];
    if let Some(short) = too_few(value, wanted, &counts).or_else(|| too_many(value, wanted)) {
        return short;
    }
    let partition = number(value, "/spec/updateStrategy/rollingUpdate/partition");
    if let Some(partition) = partition.filter(|partition| *partition != -1) {
        let wanted = wanted.saturating_sub(partition);
        return match updated < wanted {
            true => in_progress(format!("updated: {updated}/{wanted}")),
            false => current(format!("Partition rollout complete. updated: {updated}")),
        };
    }
    if let Some(short) = too_few(value, wanted, &[("currentReplicas", "current")]) {
        return short;
    }
    let revision = |name: &str| value["status"][name].as_str().unwrap_or_default();
    if revision("currentRevision") != revision("updateRevision") {
        return in_progress("Waiting for updated revision to match current");
    }
    current(format!("All replicas scheduled as expected. Replicas: {}", count(value, "replicas")))
}

pub(super) fn daemon_set(value: &Value) -> Verdict {
    for (parent, name) in [("metadata", "generation"), ("status", "observedGeneration")] {
        if !value[parent][name].is_i64() {
            return in_progress(format!("DaemonSet {parent}.{name} not found"));
        }
    }
    let desired = number(value, "/status/desiredNumberScheduled").filter(|desired| *desired != -1);
    let Some(desired) = desired else { return in_progress("Missing .status.desiredNumberScheduled") };
    let counts = [
        ("currentNumberScheduled", "Current"),
        ("updatedNumberScheduled", "Updated"),
        ("numberAvailable", "Available"),
        ("numberReady", "Ready"),
    ];
    too_few(value, desired, &counts)
        .unwrap_or_else(|| current(format!("All replicas scheduled as expected. Replicas: {desired}")))
}

pub(super) fn replica_set(value: &Value, conditions: &Conditions<'_>) -> Verdict {
    if conditions.has("ReplicaFailure", "True") {
        return in_progress("Replica Failure condition. Check Pods");
    }
    let wanted = replicas(value);
    let counts = [
        ("fullyLabeledReplicas", "Labelled"),
        ("availableReplicas", "Available"),
        ("readyReplicas", "Ready"),
    ];
    too_few(value, wanted, &counts).or_else(|| too_many(value, wanted)).unwrap_or_else(|| {
        current(format!("ReplicaSet is available. Replicas: {}", count(value, "replicas")))
    })
}

pub(super) fn pod(value: &Value, conditions: &Conditions<'_>, now: Timestamp) -> Judged {
    match text(value, "/status/phase").unwrap_or_default() {
        "Succeeded" => Ok(current("Pod has completed successfully")),
        "Failed" => Ok(current("Pod has completed, but not successfully")),
        "Running" if conditions.has("Ready", "True") => Ok(current("Pod is Ready")),
        "Running" => Ok(match crashing(value)?.as_slice() {
            [] => in_progress("Pod is running but is not Ready"),
            names => verdict(Status::Failed, format!("Containers in CrashLoop state: {}", names.join(","))),
        }),
        "Pending" => Ok(pending(value, conditions, now)),
        "" => Ok(in_progress("Pod phase not available")),
        other => Err(format!("unknown phase {other}")),
    }
}

fn pending(value: &Value, conditions: &Conditions<'_>, now: Timestamp) -> Verdict {
    // The first that says so; another reason is another cause.
    let unscheduled =
        conditions.iter().find(|known| known.type_ == "PodScheduled" && known.status == "False");
    if unscheduled.is_none_or(|known| known.reason != "Unschedulable") {
        return in_progress("Pod is in the Pending phase");
    }
    let created: Option<Timestamp> =
        text(value, "/metadata/creationTimestamp").and_then(|time| time.parse().ok());
    // One that is yet to be created, by our clock, has waited for nothing.
    let waited = created.map(|created| Duration::try_from(now.duration_since(created)).unwrap_or_default());
    match waited.is_some_and(|waited| waited < SCHEDULE_WINDOW) {
        true => in_progress(NOT_SCHEDULED),
        false => verdict(Status::Failed, "Pod could not be scheduled"),
    }
}

/// The containers that start again and again.
fn crashing(value: &Value) -> Result<Vec<&str>, String> {
    let containers = match value["status"].get("containerStatuses") {
        None => return Ok(Vec::new()),
        Some(Value::Array(containers)) => containers,
        Some(other) => return Err(no_access(".status.containerStatuses", other, "[]interface{}")),
    };
    let is_crashing = |container: &&Value| container["state"]["waiting"]["reason"] == "CrashLoopBackOff";
    Ok(containers.iter().filter(is_crashing).filter_map(|container| container["name"].as_str()).collect())
}

pub(super) fn volume_claim(value: &Value) -> Verdict {
    match text(value, "/status/phase").unwrap_or("unknown") {
        "Bound" => current("PVC is Bound"),
        phase => in_progress(format!("PVC is not Bound. phase: {phase}")),
    }
}

pub(super) fn service(value: &Value) -> Verdict {
    let is_balanced = text(value, "/spec/type") == Some("LoadBalancer");
    let address = text(value, "/spec/clusterIP").unwrap_or_default();
    if is_balanced && address.is_empty() {
        return in_progress("ClusterIP not set. Service type: LoadBalancer");
    }
    current("Service is ready")
}

pub(super) fn definition(conditions: &Conditions<'_>) -> Verdict {
    for known in conditions.iter() {
        match (known.type_, known.status) {
            ("NamesAccepted", "False") => return verdict(Status::Failed, known.message),
            ("Established", "False") if known.reason != "Installing" => {
                return verdict(Status::Failed, known.message);
            }
            ("Established", "True") => return current("CRD is established"),
            _ => {}
        }
    }
    in_progress("Install in progress")
}

/// Flux's own rule: a Job that runs is not done.
pub(super) fn job(value: &Value) -> Judged {
    if value["spec"]["suspend"] == true {
        return Ok(current("Job is suspended"));
    }
    let parallelism = number(value, "/spec/parallelism").unwrap_or(1);
    let completions = number(value, "/spec/completions").unwrap_or(parallelism);
    let (succeeded, failed) = (count(value, "succeeded"), count(value, "failed"));
    for known in Conditions::of(value)?.iter() {
        match (known.type_, known.status) {
            ("Complete", "True") => {
                return Ok(current(format!("Job Completed. succeeded: {succeeded}/{completions}")));
            }
            ("Failed", "True") => {
                return Ok(verdict(Status::Failed, format!("Job Failed. failed: {failed}/{completions}")));
            }
            _ => {}
        }
    }
    if text(value, "/status/startTime").unwrap_or_default().is_empty() {
        return Ok(in_progress(format!("Job not started. active: 0/{parallelism}")));
    }
    let active = count(value, "active");
    Ok(in_progress(format!("Job in progress. success:{succeeded}, active: {active}, failed: {failed}")))
}
