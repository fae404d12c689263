//! kstatus: the rules by which Flux decides that an object is done.
//!
//! Source: cli-utils' kstatus as Flux 2.9 uses it. Order of evaluation: being deleted, observed
//! generation, the conditions `Reconciling` and `Stalled`, the rule of the kind, the condition
//! `Ready`, otherwise current.

use belay_manifest::Object;
use serde_json::Value;

/// What kstatus says about one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is as its spec says.
    Current,
    /// It is on its way.
    InProgress,
    /// It will not get there by waiting.
    Failed,
    /// It is being deleted.
    Terminating,
}

/// A status and the sentence that explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What it is.
    pub status: Status,
    /// Why, in kstatus's words.
    pub message: String,
}

/// Evaluates one live object.
pub fn evaluate(object: &Object) -> Verdict {
    let value = object.value();
    if !value["metadata"]["deletionTimestamp"].is_null() {
        return verdict(Status::Terminating, "Resource scheduled for deletion");
    }
    if let Some(early) = observed_generation(value).or_else(|| standard_conditions(value)) {
        return early;
    }
    let group = object.gvk().group;
    match (group.as_str(), object.kind()) {
        ("apps", "Deployment") => deployment(value),
        ("apps", "StatefulSet") => stateful_set(value),
        ("apps", "DaemonSet") => daemon_set(value),
        ("apps", "ReplicaSet") => replica_set(value),
        ("", "Pod") => pod(value),
        ("", "PersistentVolumeClaim") => volume_claim(value),
        ("", "Service") => service(value),
        ("batch", "Job") => job(value),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(value),
        ("", "ConfigMap" | "Secret") | ("batch", "CronJob") | ("policy", "PodDisruptionBudget") => {
            verdict(Status::Current, "Resource is always ready")
        }
        _ => by_ready_condition(value),
    }
}

fn verdict(status: Status, message: impl Into<String>) -> Verdict {
    Verdict { status, message: message.into() }
}

/// A number below `value`, 0 when absent.
fn number(value: &Value, path: &str) -> i64 {
    value.pointer(path).and_then(Value::as_i64).unwrap_or(0)
}

fn number_or(value: &Value, path: &str, default: i64) -> i64 {
    value.pointer(path).and_then(Value::as_i64).unwrap_or(default)
}

fn condition<'a>(value: &'a Value, kind: &str) -> Option<&'a Value> {
    value.pointer("/status/conditions")?.as_array()?.iter().find(|condition| condition["type"] == kind)
}

fn is_true(condition: Option<&Value>) -> bool {
    condition.is_some_and(|condition| condition["status"] == "True")
}

fn observed_generation(value: &Value) -> Option<Verdict> {
    let observed = value.pointer("/status/observedGeneration")?.as_i64()?;
    let generation = value.pointer("/metadata/generation")?.as_i64()?;
    (observed != generation).then(|| {
        verdict(
            Status::InProgress,
            format!(
                "{} generation is {generation}, but latest observed generation is {observed}",
                value["kind"].as_str().unwrap_or_default()
            ),
        )
    })
}

fn standard_conditions(value: &Value) -> Option<Verdict> {
    for condition in value.pointer("/status/conditions")?.as_array()? {
        let message = condition["message"].as_str().unwrap_or_default();
        match (condition["type"].as_str(), condition["status"].as_str()) {
            (Some("Reconciling"), Some("True")) => return Some(verdict(Status::InProgress, message)),
            (Some("Stalled"), Some("True")) => return Some(verdict(Status::Failed, message)),
            _ => {}
        }
    }
    None
}

fn by_ready_condition(value: &Value) -> Verdict {
    match condition(value, "Ready") {
        Some(ready) if ready["status"] == "True" => verdict(Status::Current, "Resource is Ready"),
        Some(ready) => verdict(Status::InProgress, ready["message"].as_str().unwrap_or_default()),
        None => verdict(Status::Current, "Resource is current"),
    }
}

fn deployment(value: &Value) -> Verdict {
    let progressing = condition(value, "Progressing");
    if progressing.is_some_and(|condition| condition["reason"] == "ProgressDeadlineExceeded") {
        return verdict(Status::Failed, "Progress deadline exceeded");
    }
    let wanted = number_or(value, "/spec/replicas", 1);
    let (total, updated) = (number(value, "/status/replicas"), number(value, "/status/updatedReplicas"));
    let (available, ready) =
        (number(value, "/status/availableReplicas"), number(value, "/status/readyReplicas"));
    if wanted > total {
        return verdict(Status::InProgress, format!("replicas: {total}/{wanted}"));
    }
    if wanted > updated {
        return verdict(Status::InProgress, format!("Updated: {updated}/{wanted}"));
    }
    if total > wanted {
        return verdict(Status::InProgress, format!("Pending termination: {}", total - wanted));
    }
    if updated > available {
        return verdict(Status::InProgress, format!("Available: {available}/{updated}"));
    }
    if wanted > ready {
        return verdict(Status::InProgress, format!("Ready: {ready}/{wanted}"));
    }
    let rolled_out = value.pointer("/spec/progressDeadlineSeconds").is_none()
        || progressing.is_some_and(|condition| {
            condition["status"] == "True" && condition["reason"] == "NewReplicaSetAvailable"
        });
    if !rolled_out {
        return verdict(Status::InProgress, "ReplicaSet not Available");
    }
    if !is_true(condition(value, "Available")) {
        return verdict(Status::InProgress, "Deployment not Available");
    }
    verdict(Status::Current, format!("Deployment is available. Replicas: {total}"))
}

fn stateful_set(value: &Value) -> Verdict {
    if value.pointer("/spec/updateStrategy/type").is_some_and(|kind| kind == "OnDelete") {
        return verdict(Status::Current, "StatefulSet is using the ondelete update strategy");
    }
    let wanted = number_or(value, "/spec/replicas", 1);
    let (total, ready) = (number(value, "/status/replicas"), number(value, "/status/readyReplicas"));
    let updated = number(value, "/status/updatedReplicas");
    if wanted > total {
        return verdict(Status::InProgress, format!("Replicas: {total}/{wanted}"));
    }
    if wanted > ready {
        return verdict(Status::InProgress, format!("Ready: {ready}/{wanted}"));
    }
    if total > wanted {
        return verdict(Status::InProgress, format!("Pending termination: {}", total - wanted));
    }
    if let Some(partition) =
        value.pointer("/spec/updateStrategy/rollingUpdate/partition").and_then(Value::as_i64)
        && partition > 0
    {
        if updated < wanted - partition {
            return verdict(Status::InProgress, format!("updated: {updated}/{}", wanted - partition));
        }
        return verdict(Status::Current, format!("Partition rollout complete. updated: {updated}"));
    }
    if wanted > number(value, "/status/currentReplicas") {
        return verdict(
            Status::InProgress,
            format!("current: {}/{wanted}", number(value, "/status/currentReplicas")),
        );
    }
    if value.pointer("/status/currentRevision") != value.pointer("/status/updateRevision") {
        return verdict(Status::InProgress, "Waiting for updated revision to match current");
    }
    verdict(Status::Current, format!("All replicas scheduled as expected. Replicas: {total}"))
}

fn daemon_set(value: &Value) -> Verdict {
    if value.pointer("/status/observedGeneration").is_none() {
        return verdict(Status::InProgress, "Missing .status.observedGeneration");
    }
    let Some(desired) = value.pointer("/status/desiredNumberScheduled").and_then(Value::as_i64) else {
        return verdict(Status::InProgress, "Missing .status.desiredNumberScheduled");
    };
    for (field, label) in [
        ("/status/currentNumberScheduled", "Current"),
        ("/status/updatedNumberScheduled", "Updated"),
        ("/status/numberAvailable", "Available"),
        ("/status/numberReady", "Ready"),
    ] {
        let count = number(value, field);
        if desired > count {
            return verdict(Status::InProgress, format!("{label}: {count}/{desired}"));
        }
    }
    verdict(Status::Current, format!("All replicas scheduled as expected. Replicas: {desired}"))
}

fn replica_set(value: &Value) -> Verdict {
    if is_true(condition(value, "ReplicaFailure")) {
        return verdict(Status::InProgress, "Replica Failure condition. Check Pods");
    }
    let wanted = number_or(value, "/spec/replicas", 1);
    for (field, label) in [
        ("/status/fullyLabeledReplicas", "Labelled"),
        ("/status/availableReplicas", "Available"),
        ("/status/readyReplicas", "Ready"),
    ] {
        let count = number(value, field);
        if wanted > count {
            return verdict(Status::InProgress, format!("{label}: {count}/{wanted}"));
        }
    }
    let total = number(value, "/status/replicas");
    if total > wanted {
        return verdict(Status::InProgress, format!("Pending termination: {}", total - wanted));
    }
    verdict(Status::Current, format!("ReplicaSet is available. Replicas: {total}"))
}

fn pod(value: &Value) -> Verdict {
    let crash =
        value.pointer("/status/containerStatuses").and_then(Value::as_array).is_some_and(|statuses| {
            statuses.iter().any(|status| status["state"]["waiting"]["reason"] == "CrashLoopBackOff")
        });
    match value.pointer("/status/phase").and_then(Value::as_str) {
        Some("Succeeded") => verdict(Status::Current, "Pod has completed successfully"),
        Some("Failed") => verdict(Status::Current, "Pod has completed, but not successfully"),
        Some("Running") if is_true(condition(value, "Ready")) => verdict(Status::Current, "Pod is Ready"),
        Some("Running") if crash => verdict(Status::Failed, "Containers in CrashLoop state"),
        Some("Running") => verdict(Status::InProgress, "Pod is running but is not Ready"),
        Some(phase) => verdict(Status::InProgress, format!("Pod is in the {phase} phase")),
        None => verdict(Status::InProgress, "Pod phase not available"),
    }
}

fn volume_claim(value: &Value) -> Verdict {
    match value.pointer("/status/phase").and_then(Value::as_str) {
        Some("Bound") => verdict(Status::Current, "PVC is Bound"),
        phase => {
            verdict(Status::InProgress, format!("PVC is not Bound. phase: {}", phase.unwrap_or("unknown")))
        }
    }
}

fn service(value: &Value) -> Verdict {
    let waits = value.pointer("/spec/type").is_some_and(|kind| kind == "LoadBalancer");
    let address = value.pointer("/spec/clusterIP").and_then(Value::as_str).unwrap_or_default();
    if waits && address.is_empty() {
        return verdict(Status::InProgress, "ClusterIP not set. Service type: LoadBalancer");
    }
    verdict(Status::Current, "Service is ready")
}

fn job(value: &Value) -> Verdict {
    if is_true(condition(value, "Failed")) {
        return verdict(Status::Failed, "Job Failed");
    }
    if is_true(condition(value, "Complete")) {
        return verdict(Status::Current, "Job Completed");
    }
    if value.pointer("/spec/suspend").is_some_and(|suspend| suspend == true) {
        return verdict(Status::Current, "Job is suspended");
    }
    verdict(Status::InProgress, "Job in progress")
}

fn definition(value: &Value) -> Verdict {
    if condition(value, "NamesAccepted").is_some_and(|condition| condition["status"] == "False") {
        return verdict(Status::Failed, "CRD names are not accepted");
    }
    if is_true(condition(value, "Established")) {
        return verdict(Status::Current, "CRD is established");
    }
    verdict(Status::InProgress, "Install in progress")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn status(value: Value) -> Status {
        evaluate(&Object::new(value).unwrap()).status
    }

    #[test]
    fn generation_and_standard_conditions_come_first() {
        let base =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "generation": 2}});
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
}
