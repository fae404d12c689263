//! The one place where an Application's status is made. Steps return results; nothing else writes.

use std::collections::BTreeSet;

use belay_apply::{Done, Outcome};
use belay_argo_api::{
    Application, ApplicationCondition, ApplicationStatus, ApplicationSummary, ComparedTo, HealthStatus,
    Operation, OperationPhase, OperationState, ResourceResult, ResourceStatus, ResultCode, RevisionHistory,
    SyncOperationResult, SyncStatus, SyncStatusCode,
};
use belay_crd::Time;
use belay_health::argo::{self, Health, Status};
use belay_manifest::Object;
use belay_plan::{Action, KeptReason, Plan, Step};
use belay_render::SourceType;
use jiff::Timestamp;
use serde_json::Value;

use crate::prepare::is_extraneous;

/// Condition types, as `status.conditions[].type` has them.
pub(crate) mod condition {
    /// The spec cannot be carried out.
    pub(crate) const INVALID_SPEC: &str = "InvalidSpecError";
    /// The target state is not known.
    pub(crate) const COMPARISON: &str = "ComparisonError";
    /// A sync failed and is not tried again.
    pub(crate) const SYNC: &str = "SyncError";
    /// An object is rendered twice.
    pub(crate) const REPEATED: &str = "RepeatedResourceWarning";
    /// An object is another app's, too.
    pub(crate) const SHARED: &str = "SharedResourceWarning";
}

/// What one reconcile found out and did.
pub(crate) enum Found<'a> {
    /// The spec cannot be carried out, or the target state is not known. What is live stays.
    Fault {
        /// `InvalidSpecError` or `ComparisonError`.
        condition: &'static str,
        /// Why, with object, file and line.
        message: String,
    },
    /// Desired and live were compared.
    Compared(Box<Compared<'a>>),
}

/// A comparison, and the operation that followed, if any.
pub(crate) struct Compared<'a> {
    /// The commit.
    pub revision: String,
    /// Which tool rendered.
    pub source_type: SourceType,
    /// The plan as the cluster is now, after any operation.
    pub plan: &'a Plan,
    /// Warnings of the render, by condition type.
    pub warnings: Vec<(&'static str, String)>,
    /// Why no sync is tried any more.
    pub sync_error: Option<String>,
    /// What was carried out.
    pub operation: Option<Carried>,
}

/// An operation that was carried out.
pub(crate) struct Carried {
    /// As it was asked for.
    pub operation: Operation,
    /// When it began.
    pub started: Timestamp,
    /// What came of each step.
    pub outcomes: Vec<Outcome>,
    /// Which of the steps were what, before the operation.
    pub plan: Plan,
    /// Set when it ended before any step: why.
    pub refused: Option<String>,
}

/// The status that follows from `found`.
pub(crate) fn status(
    app: &Application,
    found: &Found<'_>,
    controller_namespace: &str,
    now: Timestamp,
) -> ApplicationStatus {
    let mut status = app.status.clone();
    status.controller_namespace = controller_namespace.to_owned();
    status.resource_health_source = String::new();
    match found {
        Found::Fault { condition, message } => {
            set_conditions(
                &mut status,
                &[condition::INVALID_SPEC, condition::COMPARISON],
                vec![(*condition, message.clone())],
                now,
            );
            let compared_to = status.sync.as_ref().and_then(|sync| sync.compared_to.clone());
            let revision = status.sync.as_ref().map(|sync| sync.revision.clone()).unwrap_or_default();
            status.sync = Some(SyncStatus {
                status: SyncStatusCode::Unknown,
                compared_to: compared_to.or_else(|| Some(compared(app))),
                revision,
                ..SyncStatus::default()
            });
            if *condition == condition::INVALID_SPEC || status.health.is_none() {
                set_health(&mut status, Status::Unknown, now);
            }
        }
        Found::Compared(found) => compared_status(app, &mut status, found, now),
    }
    status.reconciled_at = Time::from(now);
    status
}

fn compared(app: &Application) -> ComparedTo {
    ComparedTo {
        destination: app.spec.destination.clone(),
        source: app.spec.source.clone(),
        ignore_differences: app.spec.ignore_differences.clone(),
        ..ComparedTo::default()
    }
}

fn compared_status(app: &Application, status: &mut ApplicationStatus, found: &Compared<'_>, now: Timestamp) {
    let mut conditions = found.warnings.clone();
    conditions.extend(found.sync_error.clone().map(|message| (condition::SYNC, message)));
    let evaluated = [
        condition::INVALID_SPEC,
        condition::COMPARISON,
        condition::SYNC,
        condition::REPEATED,
        condition::SHARED,
    ];
    set_conditions(status, &evaluated, conditions, now);
    let healths: Vec<Option<Health>> = found.plan.steps.iter().map(step_health).collect();
    status.resources =
        found.plan.steps.iter().zip(&healths).map(|(step, health)| resource(step, health.as_ref())).collect();
    let in_sync = found.plan.steps.iter().all(is_in_sync);
    status.sync = Some(SyncStatus {
        status: if in_sync { SyncStatusCode::Synced } else { SyncStatusCode::OutOfSync },
        revision: found.revision.clone(),
        compared_to: Some(compared(app)),
        ..SyncStatus::default()
    });
    status.source_type = found.source_type.as_str().to_owned();
    status.summary = Some(summary(found.plan));
    let counted = found.plan.steps.iter().zip(&healths).filter(|(step, _)| counts_for_health(step));
    set_health(
        status,
        argo::aggregate(counted.map(|(_, health)| health.as_ref().map(|health| health.status))),
        now,
    );
    if let Some(carried) = &found.operation {
        carried_status(app, status, found, carried, now);
    }
}

/// Whether a step leaves the app in sync. What was left in place on purpose does not.
pub(crate) fn is_in_sync(step: &Step) -> bool {
    match &step.action {
        Action::Nothing | Action::Ignore => true,
        Action::Create | Action::Apply { .. } => false,
        Action::Prune { .. } | Action::Keep(_) => step.live.as_ref().is_some_and(is_extraneous),
    }
}

fn step_health(step: &Step) -> Option<Health> {
    match (&step.live, &step.desired) {
        (Some(live), _) => argo::evaluate(live),
        (None, Some(_)) => Some(Health { status: Status::Missing, message: String::new() }),
        (None, None) => None,
    }
}

fn counts_for_health(step: &Step) -> bool {
    let object = step.live.as_ref().or(step.desired.as_ref().map(|desired| &desired.object));
    object.is_none_or(|object| object.annotation("argocd.argoproj.io/ignore-healthcheck") != Some("true"))
}

fn resource(step: &Step, health: Option<&Health>) -> ResourceStatus {
    let version =
        step.desired.as_ref().map(|desired| desired.object.gvk()).or(step.live.as_ref().map(Object::gvk));
    ResourceStatus {
        group: step.key.group.clone(),
        version: version.map(|kind| kind.version).unwrap_or_default(),
        kind: step.key.kind.clone(),
        namespace: step.key.namespace.clone(),
        name: step.key.name.clone(),
        status: if is_in_sync(step) { SyncStatusCode::Synced } else { SyncStatusCode::OutOfSync },
        health: health.map(|health| HealthStatus {
            status: health.status.as_str().parse_code(),
            message: health.message.clone(),
            ..HealthStatus::default()
        }),
        requires_pruning: step.desired.is_none(),
        ..ResourceStatus::default()
    }
}

/// The API's word for a health.
trait ParseCode {
    fn parse_code(&self) -> belay_argo_api::HealthStatusCode;
}

impl ParseCode for str {
    fn parse_code(&self) -> belay_argo_api::HealthStatusCode {
        belay_crd::Described::read(Value::from(self)).unwrap_or_default()
    }
}

fn set_health(status: &mut ApplicationStatus, health: Status, now: Timestamp) {
    let code = health.as_str().parse_code();
    let same = status.health.as_ref().is_some_and(|known| known.status == code);
    if !same {
        status.health = Some(HealthStatus {
            status: code,
            last_transition_time: Time::from(now),
            ..HealthStatus::default()
        });
    }
}

/// Replaces the conditions of the evaluated types. One with the same text keeps its time.
fn set_conditions(
    status: &mut ApplicationStatus,
    evaluated: &[&str],
    found: Vec<(&'static str, String)>,
    now: Timestamp,
) {
    let known = std::mem::take(&mut status.conditions);
    let (replaced, kept): (Vec<_>, Vec<_>) =
        known.into_iter().partition(|condition| evaluated.contains(&condition.type_.as_str()));
    status.conditions = kept;
    for (kind, message) in found {
        let same = replaced.iter().find(|condition| condition.type_ == kind && condition.message == message);
        let time = same.map_or_else(|| Time::from(now), |condition| condition.last_transition_time.clone());
        status.conditions.push(ApplicationCondition {
            type_: kind.to_owned(),
            message,
            last_transition_time: time,
            ..ApplicationCondition::default()
        });
    }
    status.conditions.sort_by(|one, other| (&one.type_, &one.message).cmp(&(&other.type_, &other.message)));
}

/// The images of all pod templates, and whether the app holds Applications.
fn summary(plan: &Plan) -> ApplicationSummary {
    let mut images = BTreeSet::new();
    let mut is_app_of_apps = false;
    for step in &plan.steps {
        let Some(desired) = &step.desired else { continue };
        is_app_of_apps |= step.key.kind == "Application" && step.key.group == "argoproj.io";
        for path in ["/spec/template/spec", "/spec", "/spec/jobTemplate/spec/template/spec"] {
            for list in ["initContainers", "containers"] {
                let containers = desired.object.value().pointer(path).and_then(|spec| spec[list].as_array());
                let found =
                    containers.into_iter().flatten().filter_map(|container| container["image"].as_str());
                images.extend(found.map(str::to_owned));
            }
        }
    }
    ApplicationSummary {
        images: images.into_iter().collect(),
        is_app_of_apps,
        ..ApplicationSummary::default()
    }
}

fn carried_status(
    app: &Application,
    status: &mut ApplicationStatus,
    found: &Compared<'_>,
    carried: &Carried,
    now: Timestamp,
) {
    let failure = carried.outcomes.iter().find_map(|outcome| outcome.result.as_ref().err());
    let dry_run = carried.operation.sync.as_ref().is_some_and(|sync| sync.dry_run);
    let (phase, message) = match (&carried.refused, failure) {
        (Some(reason), _) => (OperationPhase::Error, reason.clone()),
        (None, Some(error)) => (
            OperationPhase::Failed,
            format!("one or more objects failed to apply, reason: {}", error.chain()),
        ),
        (None, None) => (OperationPhase::Succeeded, "successfully synced (all tasks run)".to_owned()),
    };
    let succeeded = phase == OperationPhase::Succeeded;
    let tried_before = app.status.operation_state.as_ref().filter(|state| {
        state.phase != OperationPhase::Succeeded
            && state.sync_result.as_ref().is_some_and(|result| result.revision == found.revision)
    });
    let retries =
        if succeeded { 0 } else { tried_before.map_or(0, |state| state.retry_count.unwrap_or(0) + 1) };
    status.operation_state = Some(OperationState {
        operation: carried.operation.clone(),
        phase,
        message,
        started_at: Time::from(carried.started),
        finished_at: Time::from(now),
        retry_count: (retries > 0).then_some(retries),
        sync_result: Some(SyncOperationResult {
            resources: carried
                .plan
                .steps
                .iter()
                .zip(&carried.outcomes)
                .map(|(step, outcome)| result(step, outcome))
                .collect(),
            revision: found.revision.clone(),
            source: app.spec.source.clone(),
            managed_namespace_metadata: app
                .spec
                .sync_policy
                .as_ref()
                .and_then(|policy| policy.managed_namespace_metadata.clone()),
            ..SyncOperationResult::default()
        }),
        ..OperationState::default()
    });
    let selective = carried.operation.sync.as_ref().is_some_and(|sync| !sync.resources.is_empty());
    let heals = carried.operation.sync.as_ref().and_then(|sync| sync.auto_heal_attempts_count).unwrap_or(0);
    if succeeded && !dry_run && !selective && heals == 0 {
        append_history(app, status, found, carried, now);
    }
}

fn result(step: &Step, outcome: &Outcome) -> ResourceResult {
    let (code, message) = match &outcome.result {
        Ok(Done::Created) => (ResultCode::Synced, format!("{} created", described(step))),
        Ok(Done::Configured) => (ResultCode::Synced, format!("{} configured", described(step))),
        Ok(Done::Unchanged | Done::Ignored) => (ResultCode::Synced, format!("{} unchanged", described(step))),
        Ok(Done::Pruned) => (ResultCode::Pruned, "pruned".to_owned()),
        Ok(Done::Kept(KeptReason::PruneNotRequested)) => {
            (ResultCode::PruneSkipped, "ignored (requires pruning)".to_owned())
        }
        Ok(Done::Kept(KeptReason::PruneDisabled)) => {
            (ResultCode::PruneSkipped, "ignored (no prune)".to_owned())
        }
        Err(error) => (ResultCode::SyncFailed, error.chain()),
    };
    let version =
        step.desired.as_ref().map(|desired| desired.object.gvk()).or(step.live.as_ref().map(Object::gvk));
    ResourceResult {
        group: step.key.group.clone(),
        version: version.map(|kind| kind.version).unwrap_or_default(),
        kind: step.key.kind.clone(),
        namespace: step.key.namespace.clone(),
        name: step.key.name.clone(),
        status: code,
        message,
        sync_phase: "Sync".to_owned(),
        ..ResourceResult::default()
    }
}

/// `deployment.apps/web`, as kubectl prints an object.
fn described(step: &Step) -> String {
    let kind = step.key.kind.to_lowercase();
    if step.key.group.is_empty() {
        format!("{kind}/{}", step.key.name)
    } else {
        format!("{kind}.{}/{}", step.key.group, step.key.name)
    }
}

fn append_history(
    app: &Application,
    status: &mut ApplicationStatus,
    found: &Compared<'_>,
    carried: &Carried,
    now: Timestamp,
) {
    let limit = app.spec.revision_history_limit.unwrap_or(10);
    let id = status.history.last().map_or(0, |entry| entry.id + 1);
    status.history.push(RevisionHistory {
        id,
        revision: found.revision.clone(),
        source: app.spec.source.clone(),
        deploy_started_at: Time::from(carried.started),
        deployed_at: Time::from(now),
        initiated_by: carried.operation.initiated_by.clone(),
        ..RevisionHistory::default()
    });
    let keep = usize::try_from(limit).unwrap_or(0);
    if status.history.len() > keep {
        let surplus = status.history.len() - keep;
        status.history.drain(..surplus);
    }
}
