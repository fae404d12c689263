//! Argo CD's health: its built-in rules, its messages, and how an app's health follows.
//!
//! Source: the health package of gitops-engine as of Argo CD 3.6, kind by kind.

use belay_manifest::Object;
use serde_json::Value;

use crate::{lua, rules};

/// What keeps a hook until its sync has seen how it ended.
const HOOK_FINALIZER: &str = "argocd.argoproj.io/hook-finalizer";

/// Health of an object or an app, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It works.
    Healthy,
    /// It is paused on purpose.
    Suspended,
    /// It is on its way.
    Progressing,
    /// It is not in the cluster.
    Missing,
    /// It does not work.
    Degraded,
    /// It cannot be told.
    Unknown,
}

impl Status {
    /// The word in `status.health.status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Healthy => "Healthy",
            Status::Suspended => "Suspended",
            Status::Progressing => "Progressing",
            Status::Missing => "Missing",
            Status::Degraded => "Degraded",
            Status::Unknown => "Unknown",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Status> {
        [
            Status::Healthy,
            Status::Suspended,
            Status::Progressing,
            Status::Missing,
            Status::Degraded,
            Status::Unknown,
        ]
        .into_iter()
        .find(|status| status.as_str() == name)
    }
}

/// A status and the sentence that explains it, which may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// What it is.
    pub status: Status,
    /// Why.
    pub message: String,
}

/// A script of the installation's own, which comes before every other rule.
#[derive(Debug, Clone, Copy)]
pub struct Override<'a> {
    /// Its text.
    pub script: &'a str,
    /// Whether it gets all of Lua's harmless libraries.
    pub open_libraries: bool,
    /// The time it may ask for, and by which its second is measured.
    pub clock: belay_lua::Clock,
}

/// Evaluates one live object. `None`: kinds of this sort have no health and do not count.
pub fn evaluate(object: &Object) -> Option<Health> {
    evaluate_with(object, None)
}

/// Evaluates one live object, for whose kind the installation may have a rule of its own.
pub fn evaluate_with(object: &Object, own: Option<Override<'_>>) -> Option<Health> {
    let value = object.value();
    if !value["metadata"]["deletionTimestamp"].is_null() && !is_held_as_hook(value) {
        return Some(health(Status::Progressing, "Pending deletion"));
    }
    match own {
        Some(own) => lua::evaluate(own, value),
        None => built_in(object),
    }
}

/// Whether a sync still looks at a hook that is on its way out.
fn is_held_as_hook(value: &Value) -> bool {
    let finalizers = value["metadata"]["finalizers"].as_array();
    finalizers.is_some_and(|all| all.iter().any(|name| name == HOOK_FINALIZER))
}

fn built_in(object: &Object) -> Option<Health> {
    let value = object.value();
    let group = object.gvk().group;
    match (group.as_str(), object.kind()) {
        ("apps", "Deployment") => Some(deployment(value)),
        ("apps", "StatefulSet") => Some(stateful_set(value)),
        ("apps", "DaemonSet") => Some(daemon_set(value)),
        ("apps", "ReplicaSet") => Some(replica_set(value)),
        ("", "Pod") => Some(pod(object)),
        ("", "Service") => Some(service(value)),
        ("", "PersistentVolumeClaim") => Some(volume_claim(value)),
        ("extensions" | "networking.k8s.io", "Ingress") => Some(ingress(value)),
        ("batch", "Job") => Some(job(value)),
        ("autoscaling", "HorizontalPodAutoscaler") => Some(autoscaler(value)),
        ("apiregistration.k8s.io", "APIService") => Some(api_service(value)),
        _ => rules::evaluate(object),
    }
}

/// The health of an app: the worst of its objects. Objects that are missing count only when none
/// exists at all. An app without objects is healthy.
pub fn aggregate(objects: impl IntoIterator<Item = Option<Status>>) -> Status {
    let mut worst = Status::Healthy;
    let (mut seen, mut missing) = (0, 0);
    for status in objects {
        seen += 1;
        match status {
            Some(Status::Missing) => missing += 1,
            Some(status) => worst = worst.max(status),
            None => {}
        }
    }
    if seen > 0 && seen == missing { Status::Missing } else { worst }
}

fn health(status: Status, message: impl Into<String>) -> Health {
    Health { status, message: message.into() }
}

fn number(value: &Value, path: &str) -> i64 {
    value.pointer(path).and_then(Value::as_i64).unwrap_or(0)
}

fn number_or(value: &Value, path: &str, default: i64) -> i64 {
    value.pointer(path).and_then(Value::as_i64).unwrap_or(default)
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn conditions(value: &Value) -> &[Value] {
    value.pointer("/status/conditions").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn is_observed(value: &Value) -> bool {
    number(value, "/metadata/generation") <= number(value, "/status/observedGeneration")
}

fn deployment(value: &Value) -> Health {
    if value.pointer("/spec/paused").is_some_and(|paused| paused == true) {
        return health(Status::Suspended, "Deployment is paused");
    }
    if !is_observed(value) {
        return health(
            Status::Progressing,
            "Waiting for rollout to finish: observed deployment generation less than desired generation",
        );
    }
    let name = text(value, "/metadata/name");
    let late = conditions(value).iter().any(|condition| {
        condition["type"] == "Progressing" && condition["reason"] == "ProgressDeadlineExceeded"
    });
    if late {
        return health(Status::Degraded, format!("Deployment \"{name}\" exceeded its progress deadline"));
    }
    let wanted = number_or(value, "/spec/replicas", 1);
    let (updated, total) = (number(value, "/status/updatedReplicas"), number(value, "/status/replicas"));
    let available = number(value, "/status/availableReplicas");
    if updated < wanted {
        return health(
            Status::Progressing,
            format!(
                "Waiting for rollout to finish: {updated} out of {wanted} new replicas have been updated..."
            ),
        );
    }
    if total > updated {
        return health(
            Status::Progressing,
            format!(
                "Waiting for rollout to finish: {} old replicas are pending termination...",
                total - updated
            ),
        );
    }
    if available < updated {
        return health(
            Status::Progressing,
            format!(
                "Waiting for rollout to finish: {available} of {updated} updated replicas are available..."
            ),
        );
    }
    health(Status::Healthy, "")
}

fn stateful_set(value: &Value) -> Health {
    if number(value, "/status/observedGeneration") == 0 || !is_observed(value) {
        return health(Status::Progressing, "Waiting for statefulset spec update to be observed...");
    }
    let wanted = number_or(value, "/spec/replicas", 1);
    let (ready, updated) = (number(value, "/status/readyReplicas"), number(value, "/status/updatedReplicas"));
    if ready < wanted {
        return health(Status::Progressing, format!("Waiting for {} pods to be ready...", wanted - ready));
    }
    let strategy = text(value, "/spec/updateStrategy/type");
    let partition = value.pointer("/spec/updateStrategy/rollingUpdate/partition").and_then(Value::as_i64);
    if let (true, Some(partition)) = (strategy == "RollingUpdate" || strategy.is_empty(), partition) {
        if updated < wanted - partition {
            return health(
                Status::Progressing,
                format!(
                    "Waiting for partitioned roll out to finish: {updated} out of {} new pods have been updated...",
                    wanted - partition
                ),
            );
        }
        return health(
            Status::Healthy,
            format!("partitioned roll out complete: {updated} new pods have been updated..."),
        );
    }
    if strategy == "OnDelete" {
        return health(Status::Healthy, format!("statefulset has {ready} ready pods"));
    }
    let (current, update) = (text(value, "/status/currentRevision"), text(value, "/status/updateRevision"));
    if current != update {
        return health(
            Status::Progressing,
            format!(
                "waiting for statefulset rolling update to complete {updated} pods at revision {update}..."
            ),
        );
    }
    health(
        Status::Healthy,
        format!(
            "statefulset rolling update complete {} pods at revision {current}...",
            number(value, "/status/currentReplicas")
        ),
    )
}

fn daemon_set(value: &Value) -> Health {
    if !is_observed(value) {
        return health(
            Status::Progressing,
            "Waiting for rollout to finish: observed daemon set generation less than desired generation",
        );
    }
    let name = text(value, "/metadata/name");
    let desired = number(value, "/status/desiredNumberScheduled");
    if text(value, "/spec/updateStrategy/type") == "OnDelete" {
        return health(
            Status::Healthy,
            format!(
                "daemon set {} out of {desired} new pods have been updated",
                number(value, "/status/updatedNumberScheduled")
            ),
        );
    }
    let updated = number(value, "/status/updatedNumberScheduled");
    if updated < desired {
        return health(
            Status::Progressing,
            format!(
                "Waiting for daemon set \"{name}\" rollout to finish: {updated} out of {desired} new pods have been updated..."
            ),
        );
    }
    let available = number(value, "/status/numberAvailable");
    if available < desired {
        return health(
            Status::Progressing,
            format!(
                "Waiting for daemon set \"{name}\" rollout to finish: {available} of {desired} updated pods are available..."
            ),
        );
    }
    health(Status::Healthy, "")
}

fn replica_set(value: &Value) -> Health {
    if !is_observed(value) {
        return health(
            Status::Progressing,
            "Waiting for rollout to finish: observed replica set generation less than desired generation",
        );
    }
    let failure = conditions(value)
        .iter()
        .find(|condition| condition["type"] == "ReplicaFailure" && condition["status"] == "True");
    if let Some(failure) = failure {
        return health(Status::Degraded, failure["message"].as_str().unwrap_or_default());
    }
    let (available, wanted) =
        (number(value, "/status/availableReplicas"), number_or(value, "/spec/replicas", 1));
    if available < wanted {
        return health(
            Status::Progressing,
            format!(
                "Waiting for rollout to finish: {available} out of {wanted} new replicas are available..."
            ),
        );
    }
    health(Status::Healthy, "")
}

fn container_statuses<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    value.pointer(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn pod(object: &Object) -> Health {
    let value = object.value();
    let policy = text(value, "/spec/restartPolicy");
    let is_hook =
        ["argocd.argoproj.io/hook", "helm.sh/hook"].iter().any(|name| object.annotation(name).is_some());
    let ignores = object.annotation("argocd.argoproj.io/ignore-restart-policy") == Some("true") && !is_hook;
    if policy == "Always" || policy.is_empty() || ignores {
        let messages: Vec<&str> = container_statuses(value, "/status/containerStatuses")
            .iter()
            .filter(|status| is_failing_reason(text(status, "/state/waiting/reason")))
            .map(|status| text(status, "/state/waiting/message"))
            .collect();
        if !messages.is_empty() {
            return health(Status::Degraded, messages.join(", "));
        }
    }
    match text(value, "/status/phase") {
        "Pending" => health(Status::Progressing, text(value, "/status/message")),
        "Succeeded" => health(Status::Healthy, text(value, "/status/message")),
        "Failed" => health(Status::Degraded, failed_pod_message(value)),
        "Running" if matches!(policy, "OnFailure" | "Never") => {
            health(Status::Progressing, text(value, "/status/message"))
        }
        "Running" => running_pod(value),
        _ => health(Status::Unknown, text(value, "/status/message")),
    }
}

fn is_failing_reason(reason: &str) -> bool {
    reason.starts_with("Err") || reason.ends_with("Error") || reason.ends_with("BackOff")
}

fn running_pod(value: &Value) -> Health {
    let ready = conditions(value)
        .iter()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    if ready {
        return health(Status::Healthy, text(value, "/status/message"));
    }
    let restarted = container_statuses(value, "/status/containerStatuses")
        .iter()
        .find(|status| status.pointer("/lastState/terminated").is_some_and(|state| !state.is_null()));
    match restarted {
        Some(_) => health(Status::Degraded, text(value, "/status/message")),
        None => health(Status::Progressing, text(value, "/status/message")),
    }
}

fn failed_pod_message(value: &Value) -> String {
    let own = text(value, "/status/message");
    if !own.is_empty() {
        return own.to_owned();
    }
    let containers = container_statuses(value, "/status/initContainerStatuses")
        .iter()
        .chain(container_statuses(value, "/status/containerStatuses"));
    for container in containers {
        let Some(terminated) = container.pointer("/state/terminated").filter(|state| !state.is_null()) else {
            continue;
        };
        if let Some(message) = terminated["message"].as_str().filter(|message| !message.is_empty()) {
            return message.to_owned();
        }
        if terminated["reason"] == "OOMKilled" {
            return "OOMKilled".to_owned();
        }
        let code = number(terminated, "/exitCode");
        if code != 0 {
            return format!("container {:?} failed with exit code {code}", text(container, "/name"));
        }
    }
    String::new()
}

fn service(value: &Value) -> Health {
    let waits = text(value, "/spec/type") == "LoadBalancer";
    if waits && container_statuses(value, "/status/loadBalancer/ingress").is_empty() {
        return health(Status::Progressing, "");
    }
    health(Status::Healthy, "")
}

fn ingress(value: &Value) -> Health {
    if container_statuses(value, "/status/loadBalancer/ingress").is_empty() {
        return health(Status::Progressing, "");
    }
    health(Status::Healthy, "")
}

fn volume_claim(value: &Value) -> Health {
    match text(value, "/status/phase") {
        "Lost" => health(Status::Degraded, ""),
        "Pending" => health(Status::Progressing, ""),
        "Bound" => health(Status::Healthy, ""),
        _ => health(Status::Unknown, ""),
    }
}

fn job(value: &Value) -> Health {
    let (mut failed, mut suspended, mut complete) = (None, false, false);
    for condition in conditions(value) {
        let message = condition["message"].as_str().unwrap_or_default();
        match condition["type"].as_str() {
            Some("Failed") => failed = Some(message),
            // Upstream counts a Suspended condition of any status as the end of the job; kept.
            Some("Suspended") => {
                complete = true;
                suspended = condition["status"] == "True";
            }
            Some("Complete") => complete = true,
            _ => {}
        }
    }
    match (failed, complete, suspended) {
        (Some(message), _, _) => health(Status::Degraded, message),
        (None, true, true) => health(Status::Suspended, ""),
        (None, true, false) => health(Status::Healthy, ""),
        (None, false, _) => health(Status::Progressing, ""),
    }
}

/// Reasons by which the autoscaler says that it cannot do its work.
const AUTOSCALER_FAULTS: &[&str] =
    &["FailedGetScale", "FailedUpdateScale", "FailedGetResourceMetric", "InvalidSelector"];
const AUTOSCALER_WORKS: &[&str] = &["AbleToScale", "ScalingLimited"];

fn autoscaler(value: &Value) -> Health {
    for condition in conditions(value) {
        if AUTOSCALER_FAULTS.contains(&condition["reason"].as_str().unwrap_or_default()) {
            return health(Status::Degraded, condition["message"].as_str().unwrap_or_default());
        }
        let works = AUTOSCALER_WORKS.contains(&condition["type"].as_str().unwrap_or_default());
        if works && condition["status"] == "True" {
            return health(Status::Healthy, condition["message"].as_str().unwrap_or_default());
        }
    }
    health(Status::Progressing, "Waiting to Autoscale")
}

fn api_service(value: &Value) -> Health {
    for condition in conditions(value) {
        if condition["type"] != "Available" {
            continue;
        }
        let (reason, message) = (
            condition["reason"].as_str().unwrap_or_default(),
            condition["message"].as_str().unwrap_or_default(),
        );
        let status = if condition["status"] == "True" { Status::Healthy } else { Status::Progressing };
        return health(status, format!("{reason}: {message}"));
    }
    health(Status::Progressing, "Waiting to be processed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn evaluate_value(value: Value) -> Option<Health> {
        evaluate(&Object::new(value).unwrap())
    }

    #[test]
    fn an_app_is_as_healthy_as_its_worst_object() {
        use Status::*;
        assert_eq!(aggregate([]), Healthy);
        assert_eq!(aggregate([Some(Healthy), None, Some(Progressing)]), Progressing);
        assert_eq!(aggregate([Some(Missing), Some(Healthy)]), Healthy);
        assert_eq!(aggregate([Some(Missing), Some(Missing)]), Missing);
        assert_eq!(aggregate([Some(Degraded), Some(Suspended)]), Degraded);
    }

    #[test]
    fn a_crashing_container_degrades_its_pod() {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},
            "spec": {"restartPolicy": "Always"},
            "status": {"phase": "Running", "containerStatuses": [
                {"name": "c", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}}]}});
        assert_eq!(evaluate_value(pod), Some(health(Status::Degraded, "back-off")));
    }

    #[test]
    fn a_rollout_is_followed_to_its_end() {
        let deployment = |status: Value| {
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "generation": 1},
                "spec": {"replicas": 2}, "status": status})
        };
        let half = deployment(json!({"observedGeneration": 1, "replicas": 2, "updatedReplicas": 1}));
        assert_eq!(
            evaluate_value(half).unwrap().message,
            "Waiting for rollout to finish: 1 out of 2 new replicas have been updated..."
        );
        let done = deployment(
            json!({"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}),
        );
        assert_eq!(evaluate_value(done).unwrap().status, Status::Healthy);
        assert_eq!(evaluate_value(deployment(json!({}))).unwrap().status, Status::Progressing);
    }

    #[test]
    fn kinds_without_a_rule_have_no_health() {
        assert_eq!(
            evaluate_value(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})),
            None
        );
    }

    #[test]
    fn a_job_fails_degraded_and_ends_healthy() {
        let job = |kind: &str| {
            json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"},
                "status": {"conditions": [{"type": kind, "status": "True", "message": "m"}]}})
        };
        assert_eq!(evaluate_value(job("Failed")), Some(health(Status::Degraded, "m")));
        assert_eq!(evaluate_value(job("Complete")), Some(health(Status::Healthy, "")));
        assert_eq!(evaluate_value(job("Suspended")), Some(health(Status::Suspended, "")));
    }
}
