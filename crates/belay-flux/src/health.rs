//! `spec.wait`: whether all that was applied is done, and for how long that is waited for.

use std::time::Duration;

use belay_crd::{GoDuration, format_go_duration};
use belay_flux_api::KustomizationSpec;
use belay_health::kstatus::{Status, evaluate};
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
        /// How much.
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

/// One object's status, or why it is not known.
fn status_of(key: &ObjectKey, object: Option<&Object>, checks: &HealthChecks) -> Result<Status, String> {
    let Some(object) = object else { return Err("status: 'NotFound'".to_owned()) };
    match checks.status(key, object) {
        None => Ok(evaluate(object).status),
        Some(asked) => asked.map_err(|error| format!("status: 'Unknown': {error}")),
    }
}

/// Judges the objects as they are now. `waited` is how long they have been waited for.
pub(crate) fn judge<'a>(
    objects: impl IntoIterator<Item = (&'a ObjectKey, Option<&'a Object>)>,
    checks: &HealthChecks,
    waited: Duration,
    limit: Duration,
) -> Health {
    let (mut failed, mut waiting) = (Vec::new(), Vec::new());
    for (key, object) in objects {
        match status_of(key, object, checks) {
            Ok(Status::Current) => {}
            Ok(Status::Failed) => failed.push(format!("{} status: 'Failed'", shown(key))),
            Ok(Status::InProgress) => waiting.push(format!("{} status: 'InProgress'", shown(key))),
            Ok(Status::Terminating) => waiting.push(format!("{} status: 'Terminating'", shown(key))),
            Err(unknown) => waiting.push(format!("{} {unknown}", shown(key))),
        }
    }
    if !failed.is_empty() {
        let failed = failed.join(", ");
        return Health::Failed(format!("failed early due to stalled resources: [{failed}]"));
    }
    if waiting.is_empty() {
        return Health::Healthy;
    }
    match limit.checked_sub(waited) {
        Some(left) if !left.is_zero() => Health::Waiting { left },
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
        judge(
            [(&key, object)],
            &HealthChecks::default(),
            Duration::from_secs(waited),
            Duration::from_secs(60),
        )
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
    fn the_timeout_follows_the_interval() {
        let spec = |value| KustomizationSpec::read(value).unwrap();
        assert_eq!(timeout(&spec(json!({"interval": "10m"}))), Duration::from_secs(570));
        assert_eq!(timeout(&spec(json!({"interval": "10s"}))), Duration::from_secs(30));
        assert_eq!(timeout(&spec(json!({"interval": "10s", "timeout": "2m"}))), Duration::from_secs(120));
        assert_eq!(timeout(&spec(json!({"interval": "10m", "timeout": "2s"}))), Duration::from_secs(30));
    }
}
