//! `spec.wait`: whether all that was applied is done, and for how long that is waited for.

use std::time::Duration;

use belay_crd::{GoDuration, format_go_duration};
use belay_flux_api::KustomizationSpec;
use belay_health::kstatus::{SCHEDULE_WINDOW, Status, Verdict, evaluate, may_fail_with_time};
use belay_manifest::{Object, ObjectKey};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::health_checks::HealthChecks;
use crate::inventory::shown;

/// Least time that is waited, whatever the spec says.
const LEAST: Duration = Duration::from_secs(30);

/// What a Kustomization waits for, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// The revision, generation and request that were applied.
    pub(crate) applied: (String, i64, String),
    /// When the wait began.
    pub(crate) since: Timestamp,
    /// The pass that waits; nothing when it has ended.
    pub(crate) pass: Option<Pass>,
}

/// The looks from an apply to the end of the wait that follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pass {
    /// When its first look began.
    pub(crate) began: Instant,
    /// Whether it has written something.
    pub(crate) has_written: bool,
}

/// How far the applied objects are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Health {
    /// All are as their specs say.
    Healthy,
    /// Some are on their way; time is left.
    Waiting {
        /// How much; less where an object may fail before that.
        left: Duration,
    },
    /// Some will not get there, or not in time.
    Failed(String),
}

/// `spec.timeout`; without it half a minute less than the interval. In any case half a minute.
pub(crate) fn timeout(spec: &KustomizationSpec) -> Duration {
    let usual = || spec.interval.get().unwrap_or_default().saturating_sub(LEAST);
    spec.timeout.get().unwrap_or_else(usual).max(LEAST)
}

/// When a wait is judged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: Timestamp,
    /// How long has been waited.
    pub(crate) waited: Duration,
    /// How long is waited at most.
    pub(crate) limit: Duration,
}

fn verdict(key: &ObjectKey, object: &Object, checks: &HealthChecks, now: Timestamp) -> Verdict {
    match checks.status(key, object) {
        None => evaluate(object, now),
        Some(Ok(status)) => Verdict { status, message: String::new() },
        Some(Err(error)) => Verdict { status: Status::Unknown, message: error },
    }
}

/// A status as the original names it; one that is unknown, with the cause.
fn said(verdict: &Verdict) -> String {
    match verdict.status {
        Status::Unknown => format!("status: 'Unknown': {}", verdict.message),
        status => format!("status: '{status:?}'"),
    }
}

/// Judges the objects as they are now.
pub(crate) fn judge<'a>(
    objects: impl IntoIterator<Item = (&'a ObjectKey, Option<&'a Object>)>,
    checks: &HealthChecks,
    moment: Moment,
) -> Health {
    let (mut failed, mut waiting) = (Vec::new(), Vec::new());
    let mut longest = Duration::MAX;
    for (key, object) in objects {
        let Some(object) = object else {
            waiting.push(format!("{} status: 'NotFound'", shown(key)));
            continue;
        };
        let verdict = verdict(key, object, checks, moment.now);
        match verdict.status {
            Status::Current => {}
            Status::Failed => failed.push(format!("{} {}", shown(key), said(&verdict))),
            _ => waiting.push(format!("{} {}", shown(key), said(&verdict))),
        }
        if may_fail_with_time(&verdict) {
            longest = SCHEDULE_WINDOW;
        }
    }
    if !failed.is_empty() {
        let failed = failed.join(", ");
        return Health::Failed(format!("failed early due to stalled resources: [{failed}]"));
    }
    if waiting.is_empty() {
        return Health::Healthy;
    }
    match moment.limit.checked_sub(moment.waited) {
        Some(left) if !left.is_zero() => Health::Waiting { left: left.min(longest) },
        _ => Health::Failed(format!("timeout waiting for: [{}]", waiting.join(", "))),
    }
}

/// A duration for people: whole milliseconds at most.
pub(crate) fn rounded(duration: Duration) -> String {
    format_go_duration(Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
}

/// The duration of a field, or another one.
pub(crate) fn or(field: &GoDuration, otherwise: Duration) -> Duration {
    field.get().filter(|duration| !duration.is_zero()).unwrap_or(otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_crd::Described;
    use serde_json::json;

    fn deployment(ready: i64) -> Object {
        Object::new(json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "prod", "generation": 1}, "spec": {"replicas": 1},
            "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": ready,
                "availableReplicas": ready, "conditions": [
                    {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
                    {"type": "Available", "status": "True"}]}}))
        .unwrap()
    }

    fn run(object: Option<&Object>, waited: u64) -> Health {
        let key = deployment(1).key();
        let moment = Moment {
            now: Timestamp::UNIX_EPOCH,
            waited: Duration::from_secs(waited),
            limit: Duration::from_secs(60),
        };
        judge([(&key, object)], &HealthChecks::default(), moment)
    }

    #[test]
    fn objects_are_waited_for_until_the_time_is_over() {
        assert_eq!(run(Some(&deployment(1)), 0), Health::Healthy);
        assert_eq!(run(Some(&deployment(0)), 10), Health::Waiting { left: Duration::from_secs(50) });
        let late = "timeout waiting for: [Deployment/prod/web status: 'InProgress']";
        assert_eq!(run(Some(&deployment(0)), 60), Health::Failed(late.to_owned()));
        assert!(matches!(run(None, 61), Health::Failed(_)));
    }

    #[test]
    fn a_pod_without_a_node_is_looked_at_before_the_time_is_over() {
        let pod = json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "a", "namespace": "prod", "creationTimestamp": "1970-01-01T00:00:00Z"},
            "status": {"phase": "Pending",
                "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}});
        let pod = Object::new(pod).unwrap();
        assert_eq!(run(Some(&pod), 10), Health::Waiting { left: SCHEDULE_WINDOW });
    }

    #[test]
    fn what_cannot_be_read_is_waited_for() {
        let odd = json!({"apiVersion": "example.com/v1", "kind": "Widget",
            "metadata": {"name": "a", "namespace": "prod"}, "status": {"conditions": "many"}});
        let odd = Object::new(odd).unwrap();
        let Health::Failed(message) = run(Some(&odd), 60) else { panic!("too early") };
        assert!(message.ends_with("status: 'Unknown': cannot restore slice from string]"), "{message}");
    }

    #[test]
    fn the_timeout_follows_the_interval() {
        let spec = |value| KustomizationSpec::read(value).unwrap();
        assert_eq!(timeout(&spec(json!({"interval": "10m"}))), Duration::from_secs(570));
        assert_eq!(timeout(&spec(json!({"interval": "10s"}))), Duration::from_secs(30));
        assert_eq!(timeout(&spec(json!({"interval": "10s", "timeout": "2m"}))), Duration::from_secs(120));
        assert_eq!(timeout(&spec(json!({"interval": "10m", "timeout": "2s"}))), Duration::from_secs(30));
    }
}
