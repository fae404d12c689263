//! What is done about an app: what it asks for, or what its policy says, within the project's windows.

use std::sync::Arc;
use std::time::Duration;

use belay_argo_api::{Application, OperationPhase, OperationState};
use belay_diff::Ignored;
use belay_ledger::Rule;
use belay_manifest::Object;
use jiff::Timestamp;

use crate::compare::{Comparison, compare, try_applies};
use crate::context::Context;
use crate::decide::{Decision, Situation, decide, is_heal, resting, supersede};
use crate::desired::{self, Asked, Desired, Purpose};
use crate::evidence::Evidence;
use crate::fault::Fault;
use crate::project::{Asking, Bounds, Windows};
use crate::sources::Sources;
use crate::status::condition;
use crate::sync::{self, Scene, compare_settings, counts_webhooks};
use crate::tracking::Target;
use crate::{events, project};

/// How soon a fault that may pass is looked at again.
pub(crate) const AFTER_FAULT: Duration = Duration::from_secs(10);
/// What an operation says that a sync window holds back.
const BLOCKED: &str = "Sync operation blocked by sync window";
/// How soon a field is looked at again that somebody else sets each time it is healed.
const WHILE_CONTESTED: Duration = Duration::from_secs(5 * 60);

/// What is to be done without being asked.
#[derive(Default)]
pub(crate) struct Choice {
    /// What to begin.
    pub operation: Option<OperationState>,
    /// Why nothing is begun, for the app's conditions.
    pub error: Option<String>,
    /// When to look again.
    pub wait: Option<Duration>,
}

/// One app, and how it is compared.
pub(crate) struct View<'a> {
    pub context: &'a Context,
    pub object: &'a Object,
    pub app: &'a Application,
    pub sources: &'a Sources,
    pub target: &'a Target,
    pub ignored: &'a Arc<Ignored>,
    pub bounds: &'a Bounds,
    pub windows: &'a Windows,
}

impl View<'_> {
    /// Asks the API server what applies would come to, if the app counts what webhooks change.
    pub(crate) async fn try_applies(&self, desired: &Desired) -> Result<(), Fault> {
        let settings = compare_settings(self.app, self.object, &self.target.system);
        let counts = counts_webhooks(self.object, &self.target.system);
        try_applies(self.context, &self.object.key(), &desired.prepared, &settings, counts).await
    }

    pub(crate) fn compare(&self, desired: &Desired) -> Comparison {
        let settings = compare_settings(self.app, self.object, &self.target.system);
        let key = self.object.key();
        compare(self.context, &key, &desired.prepared, self.target, &settings, self.ignored, self.bounds)
    }

    /// Whether to sync without being asked, and what is told otherwise.
    pub(crate) async fn choose(
        &self,
        evidence: &Evidence<'_>,
        comparison: &Comparison,
        is_running: bool,
    ) -> Choice {
        let (context, now) = (self.context, evidence.now);
        if comparison.is_in_sync() && !is_running {
            evidence.settled();
        }
        let leave = |rule, message: &str| {
            if !comparison.is_in_sync() {
                evidence.left(rule, message);
            }
        };
        if !self.may_sync_by_itself(now) {
            leave(Rule::Window, "the project's sync windows hold automated syncs back");
            let (error, wait) = (known_sync_error(self.app), self.windows.until_change(now));
            return Choice { operation: None, error, wait };
        }
        let situation = Situation {
            app: self.app,
            sources: self.sources,
            comparison,
            revisions: evidence.revisions,
            revision_has_changes: evidence.changes.is_some(),
            heal_pace: self.target.system.parameters.heal_pace,
            now,
        };
        let decision = if is_running { supersede(&situation) } else { decide(&situation) };
        match decision {
            Decision::Rest(error) => {
                let (rule, message) = match &error {
                    Some(error) => (Rule::Failure, error.as_str()),
                    None => (Rule::Policy, resting(&situation)),
                };
                leave(rule, message);
                Choice { error, ..Choice::default() }
            }
            Decision::Wait(pause) => {
                leave(Rule::Backoff, "the last repair was a moment ago");
                Choice { wait: Some(pause), ..Choice::default() }
            }
            Decision::Sync(operation) => {
                let is_heal = is_heal(&operation);
                if let Some(contest) = evidence.contest().filter(|_| is_heal) {
                    let message = contest.to_string();
                    leave(Rule::Contest, &message);
                    return Choice { operation: None, error: Some(message), wait: Some(WHILE_CONTESTED) };
                }
                evidence.synced(is_heal);
                events::started(context, self.object, evidence.revisions).await;
                Choice { operation: Some(sync::start(*operation, now)), ..Choice::default() }
            }
        }
    }

    /// Whether the sync windows leave an automated sync to the app's policy.
    fn may_sync_by_itself(&self, now: Timestamp) -> bool {
        let asking = Asking { is_manual: false, started: None };
        let permitted = self.windows.permit(asking, now);
        permitted
            .inspect_err(|error| tracing::info!(app = %self.object.key(), %error, "not synced"))
            .unwrap_or(false)
    }

    /// Whether the sync windows hold an operation back, which it then says. One that is to end is let through.
    fn is_held_back(&self, state: &mut OperationState, now: Timestamp) -> bool {
        if state.phase != OperationPhase::Running || sync::operation::waits_for_retry(state, now) {
            return false;
        }
        let automated = state.operation.initiated_by.as_ref().is_some_and(|by| by.automated);
        let asking = Asking { is_manual: !automated, started: state.started_at.get() };
        state.message = match self.windows.permit(asking, now) {
            Ok(true) => return false,
            Ok(false) => BLOCKED.to_owned(),
            Err(error) => format!("{BLOCKED}: {error}"),
        };
        true
    }

    /// When a running operation is ended, if that is not its own doing.
    pub(crate) fn time_left(&self, state: &OperationState, now: Timestamp) -> Option<Duration> {
        let timeout = self.target.system.parameters.sync_timeout?;
        let started = state.started_at.get().filter(|_| state.phase == OperationPhase::Running)?;
        Some(timeout.saturating_sub(sync::operation::since(started, now)))
    }

    fn is_overdue(&self, state: &OperationState, now: Timestamp) -> bool {
        self.time_left(state, now).is_some_and(|left| left.is_zero())
    }

    /// Carries the operation on; what it says about revision and source comes before what the spec says.
    pub(crate) async fn carry_out(
        &self,
        state: &mut OperationState,
        desired: Option<&Arc<Desired>>,
        now: Timestamp,
    ) -> Option<Duration> {
        if let Some(reason) = project::refused_operation(&sync::operation::sync_of(state)) {
            return sync::refuse(state, reason, now);
        }
        let ended_by = self.is_overdue(state, now).then(|| sync::overdue(state));
        if self.is_held_back(state, now) {
            return self.windows.until_change(now);
        }
        let wanted = match self.wanted_by(state, desired).await {
            Ok(wanted) => wanted,
            Err(fault) => return sync::fail(state, &fault, now),
        };
        // A sync that has ended is not looked at again unless the policy says so.
        if let Err(fault) = desired::watch_current(self.context, &wanted.prepared).await {
            state.message = fault.message;
            return Some(AFTER_FAULT);
        }
        let acting = match self.acting() {
            Ok(acting) => acting,
            Err(reason) => return sync::refuse(state, reason, now),
        };
        let scene = Scene {
            context: acting.as_ref().unwrap_or(self.context),
            object: self.object,
            app: self.app,
            target: self.target,
            prepared: &wanted.prepared,
            ignored: self.ignored,
            sources: &sync::operation::sources(state, self.sources),
            revisions: &wanted.revisions(),
            bounds: self.bounds,
            ended_by,
        };
        sync::go_on(&scene, state, now).await
    }

    /// The context in which a sync writes, when that is a service account's.
    fn acting(&self) -> Result<Option<Context>, String> {
        let Some(user) = project::account(&self.target.system, self.bounds, self.app)
            .map_err(|reason| format!("failed to derive service account to impersonate: {reason}"))?
        else {
            if self.target.system.impersonation_enabled && self.target.system.impersonation_enforced {
                return Err(format!(
                    "no matching service account found for destination server {} and namespace {}",
                    self.bounds.cluster.server, self.app.spec.destination.namespace
                ));
            }
            return Ok(None);
        };
        let acting = self.context.acting_as(&user);
        acting
            .map(Some)
            .ok_or_else(|| format!("failed to derive service account to impersonate: {user:?} is no name"))
    }

    async fn wanted_by(
        &self,
        state: &OperationState,
        desired: Option<&Arc<Desired>>,
    ) -> Result<Arc<Desired>, Fault> {
        let local = sync::operation::sync_of(state).manifests;
        if !local.is_empty() {
            return desired::local(self.context, self.target, &local).await;
        }
        let sources = sync::operation::sources(state, self.sources);
        // An operation may name sources of its own; the project's word holds for them, too.
        if let Some(refusal) = project::refused_repositories(self.bounds, &sources).into_iter().next() {
            return Err(Fault::spec(refusal));
        }
        let revisions = sync::operation::revisions(state);
        let is_same = |desired: &&Arc<Desired>| {
            let known = desired.revisions();
            let is_of = |(wanted, known): (&String, &String)| wanted.is_empty() || wanted == known;
            sources == *self.sources
                && (revisions.len() != known.len() || revisions.iter().zip(&known).all(is_of))
        };
        if let Some(desired) = desired.filter(is_same) {
            return Ok(desired.clone());
        }
        let asked = Asked {
            object: self.object,
            app: self.app,
            sources: &sources,
            revisions: sources.revisions(&revisions),
            target: self.target,
            purpose: Purpose::Operation,
        };
        desired::read(self.context, &asked).await
    }
}

/// Why no sync was tried when the app was looked at last.
fn known_sync_error(app: &Application) -> Option<String> {
    let known = app.status.conditions.iter().find(|known| known.type_ == condition::SYNC);
    known.map(|known| known.message.clone())
}
