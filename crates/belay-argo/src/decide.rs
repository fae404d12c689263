//! Whether to sync now: an operation that somebody asked for, or the app's own policy.

use std::time::Duration;

use belay_argo_api::{
    Application, Backoff, Operation, OperationInitiator, OperationPhase, RetryStrategy, SyncOperation,
};
use belay_plan::{Action, Plan};
use jiff::Timestamp;

/// Back-off of self-heal: `2s × 3^attempt`, at most 300 s (`controller.self.heal.backoff.*`).
const HEAL_FIRST: Duration = Duration::from_secs(2);
const HEAL_FACTOR: u32 = 3;
const HEAL_CAP: Duration = Duration::from_secs(300);
/// After this long without a heal, the next one is a first one again.
const HEAL_QUIET: Duration = Duration::from_secs(600);
/// Retries of an automated sync that names none.
const AUTOMATED_RETRIES: i64 = 5;

/// What to do about an app's differences.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decision {
    /// Nothing; with the `SyncError` condition to show, if any.
    Rest(Option<String>),
    /// Look again after this time.
    Wait(Duration),
    /// Carry the plan out.
    Sync(Box<Operation>),
}

/// An app's automated policy, as meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Sync without being asked.
    pub automated: bool,
    /// Delete what left Git.
    pub prune: bool,
    /// Undo what others change.
    pub self_heal: bool,
    /// Let the last object go.
    pub allow_empty: bool,
}

/// Reads `spec.syncPolicy.automated`. `enabled` missing means yes.
pub(crate) fn policy(app: &Application) -> Policy {
    let automated = app.spec.sync_policy.as_ref().and_then(|policy| policy.automated.as_ref());
    let Some(automated) = automated.filter(|automated| automated.enabled.unwrap_or(true)) else {
        return Policy { automated: false, prune: false, self_heal: false, allow_empty: false };
    };
    Policy {
        automated: true,
        prune: automated.prune.unwrap_or(false),
        self_heal: automated.self_heal.unwrap_or(false),
        allow_empty: automated.allow_empty.unwrap_or(false),
    }
}

/// What is known when the decision is made.
pub(crate) struct Situation<'a> {
    /// The app, with its last status.
    pub app: &'a Application,
    /// What a sync would do, with pruning as the policy says.
    pub plan: &'a Plan,
    /// The revision that was rendered.
    pub revision: &'a str,
    /// Whether that revision changed what this app renders from, since the last sync.
    pub revision_has_changes: bool,
    /// Now.
    pub now: Timestamp,
}

/// Decides. An operation in `app.operation` comes first.
pub(crate) fn decide(situation: &Situation<'_>) -> Decision {
    if let Some(operation) = &situation.app.operation {
        return Decision::Sync(Box::new(operation.clone()));
    }
    let policy = policy(situation.app);
    if !policy.automated || !situation.plan.has_work() {
        return Decision::Rest(None);
    }
    if policy.prune && !policy.allow_empty && situation.plan.wipes_out() {
        return Decision::Rest(Some("auto-sync will wipe out all resources".to_owned()));
    }
    match last_attempt(situation) {
        None => Decision::Sync(Box::new(automated_operation(situation, 0))),
        Some(attempt) if attempt.phase == OperationPhase::Succeeded => heal(situation, &policy, &attempt),
        Some(attempt) => retry(situation, &attempt),
    }
}

struct Attempt {
    phase: OperationPhase,
    message: String,
    finished: Option<Timestamp>,
    heals: i64,
    retries: i64,
}

/// The last operation, if it was for the same files and source.
fn last_attempt(situation: &Situation<'_>) -> Option<Attempt> {
    let state = situation.app.status.operation_state.as_ref()?;
    let result = state.sync_result.as_ref()?;
    let same = !situation.revision_has_changes && result.source == situation.app.spec.source;
    same.then(|| Attempt {
        phase: state.phase.clone(),
        message: state.message.clone(),
        finished: state.finished_at.get(),
        heals: state.operation.sync.as_ref().and_then(|sync| sync.auto_heal_attempts_count).unwrap_or(0),
        retries: state.retry_count.unwrap_or(0),
    })
}

fn heal(situation: &Situation<'_>, policy: &Policy, attempt: &Attempt) -> Decision {
    let only_prunes = situation.plan.steps.iter().all(|step| {
        matches!(step.action, Action::Prune { .. } | Action::Nothing | Action::Ignore | Action::Keep(_))
    });
    let may_heal = policy.self_heal || (policy.prune && only_prunes);
    if !may_heal {
        return Decision::Rest(None);
    }
    let quiet = since(attempt.finished, situation.now);
    let heals = if quiet >= HEAL_QUIET { 0 } else { attempt.heals };
    if heals > 0 {
        let exponent = u32::try_from(heals - 1).unwrap_or(u32::MAX).min(8);
        let pause = (HEAL_FIRST * HEAL_FACTOR.pow(exponent)).min(HEAL_CAP);
        if quiet < pause {
            return Decision::Wait(pause - quiet);
        }
    }
    Decision::Sync(Box::new(automated_operation(situation, heals + 1)))
}

fn retry(situation: &Situation<'_>, attempt: &Attempt) -> Decision {
    let strategy = retry_strategy(situation.app);
    let limit = strategy.limit.unwrap_or(AUTOMATED_RETRIES);
    if limit >= 0 && attempt.retries >= limit {
        let message = format!("Failed last sync attempt to [{}]: {}", situation.revision, attempt.message);
        return Decision::Rest(Some(message));
    }
    let pause = retry_pause(strategy.backoff.as_ref(), attempt.retries);
    let waited = since(attempt.finished, situation.now);
    if waited < pause {
        return Decision::Wait(pause - waited);
    }
    Decision::Sync(Box::new(automated_operation(situation, attempt.heals)))
}

/// `duration × factor^retries`, at most `maxDuration`; defaults 5 s, 2 and 3 m.
pub(crate) fn retry_pause(backoff: Option<&Backoff>, retries: i64) -> Duration {
    let first = backoff.and_then(|backoff| backoff.duration.get()).unwrap_or(Duration::from_secs(5));
    let most = backoff.and_then(|backoff| backoff.max_duration.get()).unwrap_or(Duration::from_secs(180));
    let factor = backoff.and_then(|backoff| backoff.factor).unwrap_or(2).clamp(1, 1000) as f64;
    let seconds = first.as_secs_f64() * factor.powi(i32::try_from(retries).unwrap_or(i32::MAX));
    if seconds.is_finite() && seconds < most.as_secs_f64() { Duration::from_secs_f64(seconds) } else { most }
}

fn since(then: Option<Timestamp>, now: Timestamp) -> Duration {
    let Some(then) = then else { return Duration::MAX };
    Duration::try_from(now.duration_since(then)).unwrap_or(Duration::ZERO)
}

/// The app's retry strategy; an automated sync without one retries five times.
pub(crate) fn retry_strategy(app: &Application) -> RetryStrategy {
    let given = app.spec.sync_policy.as_ref().and_then(|policy| policy.retry.clone());
    given.unwrap_or_else(|| RetryStrategy { limit: Some(AUTOMATED_RETRIES), ..RetryStrategy::default() })
}

fn automated_operation(situation: &Situation<'_>, heals: i64) -> Operation {
    let policy = policy(situation.app);
    let options = situation.app.spec.sync_policy.as_ref().map(|policy| policy.sync_options.clone());
    Operation {
        initiated_by: Some(OperationInitiator { automated: true, ..OperationInitiator::default() }),
        retry: Some(retry_strategy(situation.app)),
        sync: Some(SyncOperation {
            revision: situation.revision.to_owned(),
            prune: policy.prune,
            sync_options: options.unwrap_or_default(),
            auto_heal_attempts_count: (heals > 0).then_some(heals),
            ..SyncOperation::default()
        }),
        ..Operation::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_manifest::{Object, ObjectKey};
    use belay_plan::Step;
    use serde_json::{Value, json};

    fn app(changes: impl FnOnce(&mut Value)) -> Application {
        let mut value = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "a"},
            "spec": {"project": "default", "source": {"repoURL": "u", "path": "p"}, "destination": {"server": "s"},
                "syncPolicy": {"automated": {"prune": true, "selfHeal": true}}}});
        changes(&mut value);
        serde_json::from_value(value).unwrap()
    }

    fn finished(phase: &str, heals: i64, retries: i64) -> Value {
        json!({"phase": phase, "message": "boom", "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:00Z",
            "retryCount": retries, "operation": {"sync": {"autoHealAttemptsCount": heals}},
            "syncResult": {"revision": "r1", "source": {"repoURL": "u", "path": "p"}}})
    }

    fn plan(action: Action) -> Plan {
        let object =
            Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}})).unwrap();
        let key: ObjectKey = object.key();
        let desired = match action {
            Action::Prune { .. } => None,
            _ => Some(belay_plan::Desired {
                object,
                origin: Default::default(),
                treatment: Default::default(),
            }),
        };
        Plan { steps: vec![Step { key, action, desired, live: None, stage: 0 }] }
    }

    fn run(app: &Application, plan: &Plan, seconds: i64) -> Decision {
        run_at(app, plan, seconds, app.status.operation_state.is_none())
    }

    fn run_at(app: &Application, plan: &Plan, seconds: i64, revision_has_changes: bool) -> Decision {
        let now =
            "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(seconds);
        decide(&Situation { app, plan, revision: "r1", revision_has_changes, now })
    }

    #[test]
    fn a_new_revision_is_synced_once() {
        assert!(matches!(run(&app(|_| {}), &plan(Action::Create), 0), Decision::Sync(_)));
        let manual = app(|app| app["spec"]["syncPolicy"] = json!({}));
        assert_eq!(run(&manual, &plan(Action::Create), 0), Decision::Rest(None));
        let disabled = app(|app| app["spec"]["syncPolicy"]["automated"]["enabled"] = json!(false));
        assert_eq!(run(&disabled, &plan(Action::Create), 0), Decision::Rest(None));
    }

    #[test]
    fn drift_is_healed_at_once_then_ever_slower_and_not_at_all_without_self_heal() {
        let healed = |heals| {
            app(move |app| app["status"] = json!({"operationState": finished("Succeeded", heals, 0)}))
        };
        assert!(matches!(run(&healed(0), &plan(Action::Create), 1), Decision::Sync(_)));
        assert_eq!(run(&healed(1), &plan(Action::Create), 1), Decision::Wait(Duration::from_secs(1)));
        assert_eq!(run(&healed(2), &plan(Action::Create), 1), Decision::Wait(Duration::from_secs(5)));
        assert!(matches!(run(&healed(2), &plan(Action::Create), 6), Decision::Sync(_)));
        let off = app(|app| {
            app["status"] = json!({"operationState": finished("Succeeded", 0, 0)});
            app["spec"]["syncPolicy"]["automated"]["selfHeal"] = json!(false);
        });
        assert_eq!(run_at(&off, &plan(Action::Create), 999, false), Decision::Rest(None));
        assert!(matches!(run_at(&off, &plan(Action::Create), 999, true), Decision::Sync(_)));
    }

    #[test]
    fn a_failed_sync_is_retried_five_times_and_then_shown() {
        let failed = |retries| {
            app(move |app| app["status"] = json!({"operationState": finished("Failed", 0, retries)}))
        };
        assert_eq!(run(&failed(1), &plan(Action::Create), 4), Decision::Wait(Duration::from_secs(6)));
        assert!(matches!(run(&failed(1), &plan(Action::Create), 10), Decision::Sync(_)));
        assert_eq!(
            run(&failed(5), &plan(Action::Create), 999),
            Decision::Rest(Some("Failed last sync attempt to [r1]: boom".into()))
        );
    }

    #[test]
    fn nothing_wipes_an_app_out_by_accident() {
        let prune = Action::Prune { uid: "u".into() };
        assert_eq!(
            run(&app(|_| {}), &plan(prune.clone()), 0),
            Decision::Rest(Some("auto-sync will wipe out all resources".into()))
        );
        let allowed = app(|app| app["spec"]["syncPolicy"]["automated"]["allowEmpty"] = json!(true));
        assert!(matches!(run(&allowed, &plan(prune), 0), Decision::Sync(_)));
    }
}
