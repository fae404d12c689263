//! kstatus: the rules by which Flux decides that an object is done.
//!
//! Source: cli-utils' kstatus in Flux's fork, v1.2.3, and Flux's own rule for Jobs (pkg/runtime 0.110). Order of evaluation:
//! being deleted, observed generation, the conditions `Reconciling` and `Stalled`, the rule of the kind, the condition
//! `Ready`, otherwise current. Jobs have their own rule alone.

mod kinds;
mod read;

use std::time::Duration;

use belay_manifest::Object;
use jiff::Timestamp;

use read::{Condition, Conditions, generation_seen};

/// For how long a Pod may find no node before it counts as failed.
pub const SCHEDULE_WINDOW: Duration = Duration::from_secs(15);

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
    /// Its status is not written in the form that the rules read.
    Unknown,
}

/// A status and the sentence that explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What it is.
    pub status: Status,
    /// Why, in kstatus's words.
    pub message: String,
}

/// What a rule says, or what it cannot read, in the words of Go's libraries.
type Judged = Result<Verdict, String>;

/// Evaluates one live object at a certain time.
pub fn evaluate(object: &Object, now: Timestamp) -> Verdict {
    judge(object, now).unwrap_or_else(|message| Verdict { status: Status::Unknown, message })
}

fn judge(object: &Object, now: Timestamp) -> Judged {
    let value = object.value();
    let group = object.gvk().group;
    let kind = (group.as_str(), object.kind());
    if kind == ("batch", "Job") {
        return kinds::job(value);
    }
    if !read::text(value, "/metadata/deletionTimestamp").unwrap_or_default().is_empty() {
        return Ok(verdict(Status::Terminating, "Resource scheduled for deletion"));
    }
    if let Some(behind) = generation_seen(value)? {
        return Ok(verdict(Status::InProgress, behind));
    }
    let conditions = Conditions::of(value)?;
    if let Some(verdict) = conditions.iter().find_map(standard) {
        return Ok(verdict);
    }
    Ok(match kind {
        ("apps" | "extensions", "Deployment") => kinds::deployment(value, &conditions),
        ("apps", "StatefulSet") => kinds::stateful_set(value),
        ("apps" | "extensions", "DaemonSet") => kinds::daemon_set(value),
        ("apps" | "extensions", "ReplicaSet") => kinds::replica_set(value, &conditions),
        ("", "Pod") => kinds::pod(value, &conditions, now)?,
        ("", "PersistentVolumeClaim") => kinds::volume_claim(value),
        ("", "Service") => kinds::service(value),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => kinds::definition(&conditions),
        ("policy", "PodDisruptionBudget") => {
            verdict(Status::Current, "AllowedDisruptions has been computed.")
        }
        ("", "ConfigMap" | "Secret") | ("batch", "CronJob") => {
            verdict(Status::Current, "Resource is always ready")
        }
        _ => by_ready(&conditions),
    })
}

fn verdict(status: Status, message: impl Into<String>) -> Verdict {
    Verdict { status, message: message.into() }
}

/// The conditions that mean the same wherever they are.
fn standard(condition: &Condition<'_>) -> Option<Verdict> {
    match (condition.type_, condition.status) {
        ("Reconciling", "True") => Some(verdict(Status::InProgress, condition.message)),
        ("Stalled", "True") => Some(verdict(Status::Failed, condition.message)),
        _ => None,
    }
}

fn by_ready(conditions: &Conditions<'_>) -> Verdict {
    let said = |condition: &Condition<'_>| match condition.status {
        "True" => Some(verdict(Status::Current, "Resource is Ready")),
        "False" | "Unknown" => Some(verdict(Status::InProgress, condition.message)),
        _ => None,
    };
    let mut ready = conditions.iter().filter(|condition| condition.type_ == "Ready");
    ready.find_map(said).unwrap_or_else(|| verdict(Status::Current, "Resource is current"))
}

/// Whether an object may turn into a failed one by itself, after [`SCHEDULE_WINDOW`] from its creation at the latest.
pub fn may_fail_with_time(verdict: &Verdict) -> bool {
    verdict.status == Status::InProgress && verdict.message == kinds::NOT_SCHEDULED
}

#[cfg(test)]
mod tests;
