//! The one place where a Kustomization's status is made.

use std::time::Duration;

use belay_flux_api::{
    Condition, ConditionStatus, Kustomization, KustomizationStatus, find_condition, remove_condition,
    set_condition,
};
use belay_ledger::Trigger;
use indexmap::IndexMap;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::health::{rounded, timeout};
use crate::history::{self, Reconciled};
use crate::inventory;
use crate::post_build::Secrets;
use crate::reconcile::Objects;
use crate::write::REQUESTED_AT;

/// What a look is at, in Flux's words.
pub(crate) const BUILD: &str = "Building manifests";
pub(crate) const APPLY: &str = "Detecting drift";
const HEALTH_CHECKS: &str = "Running health checks";

/// The reason of what is under way.
const PROGRESSING: &str = "Progressing";

/// Why a look ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The condition's reason.
    pub(crate) reason: &'static str,
    /// Why, for people.
    pub(crate) message: String,
    /// Whether only a change of the object can mend it.
    pub(crate) is_final: bool,
    /// When to look again, unless after the retry interval.
    pub(crate) again: Option<Duration>,
}

impl Fault {
    /// A fault that is tried again.
    pub(crate) fn retry(reason: &'static str, message: impl Into<String>) -> Fault {
        Fault { reason, message: message.into(), is_final: false, again: None }
    }

    /// A fault that no retry can mend.
    pub(crate) fn stalled(reason: &'static str, message: impl Into<String>) -> Fault {
        Fault { is_final: true, ..Fault::retry(reason, message) }
    }
}

/// What a look came to, when it went to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Result {
    /// The source is being fetched; the status stays.
    NotYet,
    /// All is applied, and healthy where that was asked for.
    Applied {
        /// How long was waited for health.
        waited: Option<Duration>,
    },
    /// All is applied, and not healthy yet.
    Waiting {
        /// Time left.
        left: Duration,
        /// Whether the pass takes long enough to be told of.
        is_long: bool,
    },
}

/// What a look is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Doing {
    /// In Flux's words.
    pub(crate) what: &'static str,
    /// The revision that it is done for.
    pub(crate) revision: String,
}

/// What was found and done on the way.
pub(crate) struct Found {
    /// When the look began.
    pub(crate) started: Instant,
    /// When the next one is.
    pub(crate) next: Duration,
    /// The revision that the source has.
    pub(crate) source: Option<String>,
    /// The revision that the source was made from, if it says so.
    pub(crate) origin: String,
    /// Values that no message shows.
    pub(crate) secrets: Secrets,
    /// The digest of what was built.
    pub(crate) digest: Option<String>,
    /// The revision that was tried.
    pub(crate) revision: Option<String>,
    /// The inventory from now on.
    pub(crate) inventory: Option<Objects>,
    /// What was written, for people.
    pub(crate) changes: Vec<String>,
    /// Whether an earlier look of the same pass wrote something.
    pub(crate) has_written_before: bool,
    /// What is being done, once the revision is known.
    pub(crate) doing: watch::Sender<Option<Doing>>,
    /// What caused the look to matter.
    pub(crate) trigger: Option<Trigger>,
    /// Whether somebody changes back each time what is corrected.
    pub(crate) is_contested: bool,
}

impl Found {
    pub(crate) fn new(started: Instant) -> Found {
        Found {
            started,
            next: Duration::ZERO,
            source: None,
            origin: String::new(),
            secrets: Secrets::default(),
            digest: None,
            revision: None,
            inventory: None,
            changes: Vec::new(),
            has_written_before: false,
            doing: watch::Sender::new(None),
            trigger: None,
            is_contested: false,
        }
    }

    /// Notes what is done next.
    pub(crate) fn begin(&self, what: &'static str, revision: &str) {
        self.doing.send_replace(Some(Doing { what, revision: revision.to_owned() }));
    }

    /// Whether this pass wrote something.
    pub(crate) fn has_written(&self) -> bool {
        self.has_written_before || !self.changes.is_empty()
    }
}

/// The status after a look.
pub(crate) fn status(
    app: &Kustomization,
    found: &Found,
    result: &std::result::Result<Result, Fault>,
    now: Timestamp,
) -> KustomizationStatus {
    let mut status = app.status.clone();
    // What is ready within the second is told of once.
    if matches!(result, Ok(Result::NotYet | Result::Waiting { is_long: false, .. })) {
        return status;
    }
    let is_fetched = !matches!(result, Err(fault) if fault.reason == "ArtifactFailed");
    if let Some(revision) = found.revision.as_ref().filter(|_| is_fetched) {
        status.last_attempted_revision.clone_from(revision);
    }
    if let Some(objects) = &found.inventory {
        status.inventory = Some(inventory::write(objects));
    }
    let revision = found.revision.as_deref().unwrap_or_default();
    match result {
        Ok(Result::NotYet) => return status,
        Ok(Result::Waiting { .. }) => {
            waiting(&mut status, app, revision, now);
            return status;
        }
        Ok(Result::Applied { waited }) => {
            applied(&mut status, app, revision, *waited, now);
            status.last_applied_origin_revision.clone_from(&found.origin);
        }
        Err(fault) => failed(&mut status, app, found, fault, now),
    }
    if let Some(token) = app.metadata.annotation(REQUESTED_AT) {
        token.clone_into(&mut status.last_handled_reconcile_at);
    }
    if let Some(reconciled) = reconciled(found, result)
        && (status != app.status || found.has_written() || !history::is_newest(&status.history, &reconciled))
    {
        history::upsert(&mut status.history, reconciled, now);
    }
    status
}

/// The status of a look that lasts; nothing when it says so already.
pub(crate) fn under_way(app: &Kustomization, doing: &Doing, now: Timestamp) -> Option<KustomizationStatus> {
    let is_told = |known: &Condition| {
        known.status == ConditionStatus::True
            && known.reason == PROGRESSING
            && known.observed_generation == Some(app.metadata.generation)
    };
    if find_condition(&app.status.conditions, "Reconciling").is_some_and(is_told) {
        return None;
    }
    let mut status = app.status.clone();
    progressing(&mut status, app, &progress(app, doing.what, &doing.revision), now);
    Some(status)
}

/// What goes into the history. A look that finds everything as it was is not counted: it writes nothing.
fn reconciled(found: &Found, result: &std::result::Result<Result, Fault>) -> Option<Reconciled> {
    let (status, waited) = match result {
        Ok(Result::Applied { waited }) => ("ReconciliationSucceeded", waited.unwrap_or_default()),
        Ok(Result::NotYet | Result::Waiting { .. }) => return None,
        Err(fault) => match fault.reason {
            "ReconciliationFailed" | "PruneFailed" | "HealthCheckFailed" => (fault.reason, Duration::ZERO),
            _ => return None,
        },
    };
    let mut metadata = IndexMap::from([("revision".to_owned(), found.revision.clone()?)]);
    if !found.origin.is_empty() {
        metadata.insert("originRevision".to_owned(), found.origin.clone());
    }
    let took = found.started.elapsed() + waited;
    Some(Reconciled { digest: found.digest.clone()?, status, metadata, took })
}

fn set(
    status: &mut KustomizationStatus,
    app: &Kustomization,
    type_: &str,
    is: ConditionStatus,
    (reason, message): (&str, &str),
    now: Timestamp,
) {
    let condition = Condition::new(type_, is, reason, message, app.metadata.generation);
    set_condition(&mut status.conditions, condition, now);
}

fn waiting(status: &mut KustomizationStatus, app: &Kustomization, revision: &str, now: Timestamp) {
    let message = progress(app, HEALTH_CHECKS, revision);
    progressing(status, app, &message, now);
    set(status, app, "Healthy", ConditionStatus::Unknown, (PROGRESSING, &message), now);
}

fn progressing(status: &mut KustomizationStatus, app: &Kustomization, message: &str, now: Timestamp) {
    let ready = (PROGRESSING, "Reconciliation in progress");
    set(status, app, "Ready", ConditionStatus::Unknown, ready, now);
    set(status, app, "Reconciling", ConditionStatus::True, (PROGRESSING, message), now);
    remove_condition(&mut status.conditions, "Stalled");
}

fn applied(
    status: &mut KustomizationStatus,
    app: &Kustomization,
    revision: &str,
    waited: Option<Duration>,
    now: Timestamp,
) {
    let message = format!("Applied revision: {revision}");
    set(status, app, "Ready", ConditionStatus::True, ("ReconciliationSucceeded", &message), now);
    remove_condition(&mut status.conditions, "Reconciling");
    remove_condition(&mut status.conditions, "Stalled");
    let known = find_condition(&status.conditions, "Healthy").is_some_and(|healthy| {
        healthy.status == ConditionStatus::True
            && healthy.observed_generation == Some(app.metadata.generation)
            && status.last_applied_revision == revision
    });
    match waited {
        // The time it took belongs to the first check of a revision.
        Some(_) if known => {}
        Some(waited) => {
            let message = format!("Health check passed in {}", rounded(waited));
            set(status, app, "Healthy", ConditionStatus::True, ("Succeeded", &message), now);
        }
        None => remove_condition(&mut status.conditions, "Healthy"),
    }
    revision.clone_into(&mut status.last_applied_revision);
    status.observed_generation = Some(app.metadata.generation);
}

fn failed(
    status: &mut KustomizationStatus,
    app: &Kustomization,
    found: &Found,
    fault: &Fault,
    now: Timestamp,
) {
    let why = (fault.reason, fault.message.as_str());
    set(status, app, "Ready", ConditionStatus::False, why, now);
    if fault.reason == "HealthCheckFailed" {
        set(status, app, "Healthy", ConditionStatus::False, why, now);
    }
    if fault.is_final {
        set(status, app, "Stalled", ConditionStatus::True, why, now);
        remove_condition(&mut status.conditions, "Reconciling");
        status.observed_generation = Some(app.metadata.generation);
    } else {
        remove_condition(&mut status.conditions, "Stalled");
        if let Some(message) = tried(app, found, fault) {
            let why = ("ProgressingWithRetry", message.as_str());
            set(status, app, "Reconciling", ConditionStatus::True, why, now);
        }
    }
}

/// What was being done when it failed, in Flux's words; nothing when it did not begin.
fn tried(app: &Kustomization, found: &Found, fault: &Fault) -> Option<String> {
    let doing = match fault.reason {
        "ArtifactFailed" => "Fetching manifests",
        "BuildFailed" => BUILD,
        "HealthCheckFailed" => HEALTH_CHECKS,
        _ => APPLY,
    };
    Some(progress(app, doing, found.revision.as_ref()?))
}

fn progress(app: &Kustomization, doing: &str, revision: &str) -> String {
    format!("{doing} for revision {revision} with a timeout of {}", rounded(timeout(&app.spec)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_crd::{Described, GoDuration};
    use belay_flux_api::is_true;
    use belay_manifest::{GroupVersionKind, ObjectKey};
    use serde_json::{Value, json};

    const REVISION: &str = "main@sha1:abc";

    fn app(status: Value) -> Kustomization {
        Kustomization::read(json!({"metadata": {"name": "web", "namespace": "prod", "generation": 3,
            "annotations": {"reconcile.fluxcd.io/requestedAt": "token"}}, "status": status}))
        .unwrap()
    }

    fn found() -> Found {
        let key = ObjectKey {
            group: String::new(),
            kind: "ConfigMap".into(),
            namespace: "prod".into(),
            name: "settings".into(),
        };
        Found {
            revision: Some(REVISION.to_owned()),
            inventory: Some(Objects::from([(key, GroupVersionKind::new("v1", "ConfigMap"))])),
            digest: Some("sha256:1".to_owned()),
            ..Found::new(Instant::now())
        }
    }

    fn run(
        app: &Kustomization,
        found: &Found,
        result: std::result::Result<Result, Fault>,
    ) -> KustomizationStatus {
        status(app, found, &result, "2026-01-01T00:00:00Z".parse().unwrap())
    }

    #[test]
    fn an_apply_is_told_in_flux_words() {
        let status = run(&app(json!({})), &found(), Ok(Result::Applied { waited: None }));
        assert_eq!(status.conditions.len(), 1);
        assert_eq!(status.conditions[0].message, "Applied revision: main@sha1:abc");
        assert_eq!(status.conditions[0].reason, "ReconciliationSucceeded");
        assert_eq!(status.inventory.unwrap().entries[0].id, "prod_settings__ConfigMap");
        assert_eq!(
            (status.last_applied_revision.as_str(), status.last_attempted_revision.as_str()),
            (REVISION, REVISION)
        );
        assert_eq!(
            (status.observed_generation, status.last_handled_reconcile_at.as_str()),
            (Some(3), "token")
        );
    }

    #[test]
    fn waiting_for_health_neither_applies_nor_answers_the_request() {
        let (left, limit) = (Duration::from_secs(1), Duration::from_secs(60));
        let soon = run(&app(json!({})), &found(), Ok(Result::Waiting { left, is_long: false }));
        assert_eq!(soon, KustomizationStatus::default(), "what may be over within a second is not told of");
        let app = |status: Value| {
            let mut app = app(status);
            app.spec.timeout = GoDuration::from(limit);
            app
        };
        let status = run(&app(json!({})), &found(), Ok(Result::Waiting { left, is_long: true }));
        assert_eq!(status.conditions[0].message, "Reconciliation in progress");
        assert_eq!(
            find_condition(&status.conditions, "Reconciling").unwrap().message,
            "Running health checks for revision main@sha1:abc with a timeout of 1m0s"
        );
        assert_eq!(status.last_applied_revision, "");
        assert_eq!(status.last_handled_reconcile_at, "");
        let healthy = run(&app(status.write()), &found(), Ok(Result::Applied { waited: Some(left) }));
        let message = find_condition(&healthy.conditions, "Healthy").unwrap().message.clone();
        assert_eq!(message, "Health check passed in 1s");
        assert_eq!(healthy.history[0].last_reconciled_status, "ReconciliationSucceeded");
        let again = run(&app(healthy.write()), &found(), Ok(Result::Applied { waited: Some(limit) }));
        assert_eq!(again, healthy, "a look that finds nothing new writes nothing");
    }

    #[test]
    fn a_look_that_lasts_says_so_once() {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let ready = run(&app(json!({})), &found(), Ok(Result::Applied { waited: None }));
        let doing = Doing { what: BUILD, revision: "main@sha1:def".to_owned() };
        let told = under_way(&app(ready.write()), &doing, now).unwrap();
        assert_eq!(
            find_condition(&told.conditions, "Reconciling").unwrap().message,
            "Building manifests for revision main@sha1:def with a timeout of 30s"
        );
        assert_eq!(told.conditions[0].status, ConditionStatus::Unknown);
        assert_eq!(told.inventory, ready.inventory);
        assert_eq!(told.last_applied_revision, REVISION);
        assert_eq!(under_way(&app(told.write()), &Doing { what: APPLY, ..doing.clone() }, now), None);
        // What failed before, and is tried again, is under way now.
        let failed = run(&app(json!({})), &found(), Err(Fault::retry("BuildFailed", "line 3")));
        assert!(under_way(&app(failed.write()), &doing, now).is_some());
        let ended = run(&app(told.write()), &found(), Ok(Result::Applied { waited: None }));
        assert!(!is_true(&ended.conditions, "Reconciling") && is_true(&ended.conditions, "Ready"));
    }

    #[test]
    fn a_failure_keeps_what_was_applied() {
        let ready = run(&app(json!({})), &found(), Ok(Result::Applied { waited: None }));
        let broken = Found { revision: Some("main@sha1:def".to_owned()), ..Found::new(Instant::now()) };
        let failed = run(&app(ready.write()), &broken, Err(Fault::retry("BuildFailed", "line 3")));
        assert_eq!(failed.inventory, ready.inventory);
        assert_eq!(failed.last_applied_revision, REVISION);
        assert_eq!(failed.last_attempted_revision, "main@sha1:def");
        assert!(is_true(&failed.conditions, "Reconciling") && !is_true(&failed.conditions, "Ready"));
        assert_eq!(
            find_condition(&failed.conditions, "Reconciling").unwrap().message,
            "Building manifests for revision main@sha1:def with a timeout of 30s"
        );
        let stalled = run(&app(failed.write()), &broken, Err(Fault::stalled("NotSupported", "x")));
        assert!(is_true(&stalled.conditions, "Stalled") && !is_true(&stalled.conditions, "Reconciling"));
    }
}
