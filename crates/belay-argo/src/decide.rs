//! Whether to sync now: the app's own policy, when nobody asked for an operation.

use std::time::Duration;

use belay_argo_api::{
    Application, Operation, OperationInitiator, OperationPhase, RetryStrategy, SyncOperation,
    SyncOperationResource, SyncOperationResult,
};
use belay_plan::sync::option;
use jiff::Timestamp;

use crate::compare::{Compared, Comparison, Standing};
use crate::settings::HealPace;
use crate::sources::{Sources, revision_list};
use crate::sync::operation::since;

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
    /// Sync.
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
    /// Git beside the cluster.
    pub comparison: &'a Comparison,
    /// The app's sources.
    pub sources: &'a Sources,
    /// The revision of each that was rendered.
    pub revisions: &'a [String],
    /// Whether that revision changed what this app renders from, since the last sync.
    pub revision_has_changes: bool,
    /// How soon a repair follows another one.
    pub heal_pace: HealPace,
    /// Now.
    pub now: Timestamp,
}

impl Situation<'_> {
    /// What a sync could do something about: an object that asks to stay is left.
    fn differing(&self) -> impl Iterator<Item = &Compared> {
        let stays = |object: &Compared| {
            object.requires_pruning() && option(object.object(), "Prune") == Some("false")
        };
        let differs = move |object: &&Compared| object.standing == Standing::OutOfSync && !stays(object);
        self.comparison.objects.iter().filter(differs)
    }

    /// Whether nothing differs but objects that left Git.
    fn only_prunes(&self) -> bool {
        self.differing().all(Compared::requires_pruning)
    }

    /// Whether everything that is there would be deleted and nothing applied.
    fn wipes_out(&self) -> bool {
        let objects = &self.comparison.objects;
        !objects.is_empty() && objects.iter().all(Compared::requires_pruning)
    }
}

/// Decides.
pub(crate) fn decide(situation: &Situation<'_>) -> Decision {
    let policy = policy(situation.app);
    if !policy.automated || situation.comparison.is_in_sync() {
        return Decision::Rest(None);
    }
    if situation.differing().next().is_none() || (!policy.prune && situation.only_prunes()) {
        return Decision::Rest(None);
    }
    let decision = match last_attempt(situation) {
        None => Decision::Sync(Box::new(automated_operation(situation, None))),
        Some(attempt) if attempt.phase == OperationPhase::Succeeded => heal(situation, &policy, &attempt),
        Some(attempt) => {
            let message = format!("Failed last sync attempt to [{}]: {}", attempt.revisions, attempt.message);
            Decision::Rest(Some(message))
        }
    };
    unless_wiped_out(situation, &policy, decision)
}

/// Decides whether newer revisions take the place of an operation that is on its way. They do also where nothing
/// differs: what is live may be theirs already, and the operation would put older things back.
pub(crate) fn supersede(situation: &Situation<'_>) -> Decision {
    let policy = policy(situation.app);
    if !policy.automated {
        return Decision::Rest(None);
    }
    let decision = Decision::Sync(Box::new(automated_operation(situation, None)));
    unless_wiped_out(situation, &policy, decision)
}

fn unless_wiped_out(situation: &Situation<'_>, policy: &Policy, decision: Decision) -> Decision {
    if matches!(decision, Decision::Sync(_)) && policy.prune && !policy.allow_empty && situation.wipes_out() {
        let revision = situation.revisions.join(" ");
        return Decision::Rest(Some(format!(
            "Skipping sync attempt to [{revision}]: auto-sync will wipe out all resources"
        )));
    }
    decision
}

/// Why a difference is left, where nothing went wrong.
pub(crate) fn resting(situation: &Situation<'_>) -> &'static str {
    let policy = policy(situation.app);
    if !policy.automated {
        "automated sync is off"
    } else if situation.differing().next().is_none() {
        "what differs is to stay"
    } else if !policy.prune && situation.only_prunes() {
        "prune is off"
    } else {
        "self-heal is off"
    }
}

/// Whether an automated operation is a repair of what others changed.
pub(crate) fn is_heal(operation: &Operation) -> bool {
    operation.sync.as_ref().is_some_and(|sync| sync.auto_heal_attempts_count.is_some())
}

struct Attempt {
    phase: OperationPhase,
    message: String,
    revisions: String,
    finished: Option<Timestamp>,
    heals: i64,
}

/// The last operation, if it was for the same files and source.
fn last_attempt(situation: &Situation<'_>) -> Option<Attempt> {
    let state = situation.app.status.operation_state.as_ref()?;
    let result = state.sync_result.as_ref();
    // One that ended before anything was applied is not tried again by itself, unless it asked for other revisions.
    let sync = state.operation.sync.as_ref();
    let asked = sync.map(|sync| revision_list(&sync.revision, &sync.revisions)).unwrap_or_default();
    let is_other = !asked.is_empty() && asked != situation.revisions;
    let is_of = |result: &SyncOperationResult| Sources::of_result(result).as_ref() == Some(situation.sources);
    let same = match result {
        Some(result) => !situation.revision_has_changes && is_of(result),
        None => !is_other,
    };
    same.then(|| Attempt {
        phase: state.phase.clone(),
        message: state.message.clone(),
        revisions: result
            .map(|result| revision_list(&result.revision, &result.revisions).join(" "))
            .unwrap_or_default(),
        finished: state.finished_at.get(),
        heals: state.operation.sync.as_ref().and_then(|sync| sync.auto_heal_attempts_count).unwrap_or(0),
    })
}

fn heal(situation: &Situation<'_>, policy: &Policy, attempt: &Attempt) -> Decision {
    if !policy.self_heal {
        return Decision::Rest(None);
    }
    let quiet = attempt.finished.map_or(Duration::MAX, |finished| since(finished, situation.now));
    let heals = if quiet >= HEAL_QUIET { 0 } else { attempt.heals };
    let pause = situation.heal_pace.pause(u64::try_from(heals).unwrap_or(0));
    if quiet < pause {
        return Decision::Wait(pause - quiet);
    }
    Decision::Sync(Box::new(automated_operation(situation, Some(heals + 1))))
}

/// A sync of everything, or, as a heal, of what differs.
fn automated_operation(situation: &Situation<'_>, heals: Option<i64>) -> Operation {
    let app = situation.app;
    let is_many = situation.sources.is_many();
    let sync_policy = app.spec.sync_policy.as_ref();
    let retry = sync_policy.and_then(|policy| policy.retry.clone());
    let resources = situation.differing().map(|object| SyncOperationResource {
        group: object.key.group.clone(),
        kind: object.key.kind.clone(),
        name: object.key.name.clone(),
        namespace: object.key.namespace.clone(),
        ..SyncOperationResource::default()
    });
    Operation {
        initiated_by: Some(OperationInitiator { automated: true, ..OperationInitiator::default() }),
        retry: Some(
            retry.unwrap_or_else(|| RetryStrategy {
                limit: Some(AUTOMATED_RETRIES),
                ..RetryStrategy::default()
            }),
        ),
        sync: Some(SyncOperation {
            source: situation.sources.one(),
            sources: situation.sources.many(),
            revision: if is_many { String::new() } else { situation.revisions.join("") },
            revisions: if is_many { situation.revisions.to_vec() } else { Vec::new() },
            prune: policy(app).prune,
            sync_options: sync_policy.map(|policy| policy.sync_options.clone()).unwrap_or_default(),
            auto_heal_attempts_count: heals,
            resources: if heals.is_some() { resources.collect() } else { Vec::new() },
            ..SyncOperation::default()
        }),
        ..Operation::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_manifest::Object;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn app(changes: impl FnOnce(&mut Value)) -> Application {
        let mut value = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "a"},
            "spec": {"project": "default", "source": {"repoURL": "u", "path": "p"}, "destination": {"server": "s"},
                "syncPolicy": {"automated": {"prune": true, "selfHeal": true}}}});
        changes(&mut value);
        serde_json::from_value(value).unwrap()
    }

    fn finished(phase: &str, heals: i64) -> Value {
        json!({"phase": phase, "message": "boom", "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:00Z",
            "operation": {"sync": {"autoHealAttemptsCount": heals}},
            "syncResult": {"revision": "r1", "source": {"repoURL": "u", "path": "p"}}})
    }

    /// An object that Git names and the cluster lacks, or the other way round.
    fn comparison(left_git: bool) -> Comparison {
        let object =
            Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}})).unwrap();
        let key = object.key();
        let object = Some(Arc::new(object));
        let (target, live) = if left_git { (None, object) } else { (object, None) };
        let compared = Compared {
            key,
            target,
            live,
            differences: Arc::default(),
            standing: Standing::OutOfSync,
            is_permitted: true,
            live_health: None,
        };
        Comparison { objects: vec![compared], ..Comparison::default() }
    }

    fn run(app: &Application, comparison: &Comparison, seconds: i64) -> Decision {
        run_at(app, comparison, seconds, app.status.operation_state.is_none())
    }

    fn run_at(
        app: &Application,
        comparison: &Comparison,
        seconds: i64,
        revision_has_changes: bool,
    ) -> Decision {
        let now =
            "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(seconds);
        let (sources, revisions) = (Sources::of_app(app).unwrap(), ["r1".to_owned()]);
        decide(&Situation {
            app,
            sources: &sources,
            comparison,
            revisions: &revisions,
            revision_has_changes,
            heal_pace: HealPace::default(),
            now,
        })
    }

    #[test]
    fn a_new_revision_is_synced_once() {
        assert!(matches!(run(&app(|_| {}), &comparison(false), 0), Decision::Sync(_)));
        let manual = app(|app| app["spec"]["syncPolicy"] = json!({}));
        assert_eq!(run(&manual, &comparison(false), 0), Decision::Rest(None));
        let disabled = app(|app| app["spec"]["syncPolicy"]["automated"]["enabled"] = json!(false));
        assert_eq!(run(&disabled, &comparison(false), 0), Decision::Rest(None));
        assert_eq!(run(&app(|_| {}), &Comparison::default(), 0), Decision::Rest(None));
    }

    #[test]
    fn newer_revisions_take_over_also_where_nothing_differs_any_more() {
        let superseded = |app: &Application, comparison: &Comparison| {
            let (sources, revisions) = (Sources::of_app(app).unwrap(), ["r2".to_owned()]);
            let now = "2026-01-01T00:00:00Z".parse().unwrap();
            supersede(&Situation {
                app,
                sources: &sources,
                comparison,
                revisions: &revisions,
                revision_has_changes: true,
                heal_pace: HealPace::default(),
                now,
            })
        };
        let app_of =
            |automated: Value| app(|app| app["spec"]["syncPolicy"] = json!({"automated": automated}));
        let Decision::Sync(operation) = superseded(&app_of(json!({})), &Comparison::default()) else {
            panic!("synced")
        };
        assert_eq!(operation.sync.unwrap().revision, "r2");
        assert_eq!(superseded(&app_of(Value::Null), &Comparison::default()), Decision::Rest(None));
        assert!(matches!(
            superseded(&app_of(json!({"prune": true})), &comparison(true)),
            Decision::Rest(Some(_))
        ));
    }

    #[test]
    fn drift_is_healed_at_once_then_ever_slower_and_not_at_all_without_self_heal() {
        let healed =
            |heals| app(move |app| app["status"] = json!({"operationState": finished("Succeeded", heals)}));
        let Decision::Sync(operation) = run(&healed(0), &comparison(false), 1) else { panic!("healed") };
        let sync = operation.sync.unwrap();
        assert_eq!((sync.auto_heal_attempts_count, sync.resources.len()), (Some(1), 1));
        assert_eq!(run(&healed(1), &comparison(false), 1), Decision::Wait(Duration::from_secs(1)));
        assert_eq!(run(&healed(2), &comparison(false), 1), Decision::Wait(Duration::from_secs(5)));
        assert!(matches!(run(&healed(2), &comparison(false), 6), Decision::Sync(_)));
        let off = app(|app| {
            app["status"] = json!({"operationState": finished("Succeeded", 0)});
            app["spec"]["syncPolicy"]["automated"]["selfHeal"] = json!(false);
        });
        assert_eq!(run_at(&off, &comparison(false), 999, false), Decision::Rest(None));
        assert!(matches!(run_at(&off, &comparison(false), 999, true), Decision::Sync(_)));
    }

    #[test]
    fn a_failed_sync_is_shown_until_something_changes() {
        let failed = app(|app| app["status"] = json!({"operationState": finished("Failed", 0)}));
        assert_eq!(
            run(&failed, &comparison(false), 999),
            Decision::Rest(Some("Failed last sync attempt to [r1]: boom".into()))
        );
        assert!(matches!(run_at(&failed, &comparison(false), 999, true), Decision::Sync(_)));
    }

    #[test]
    fn a_sync_whose_commit_was_gone_does_not_hold_up_that_of_another() {
        let failed_at = |revision: &str| {
            app(|app| {
                let mut state = finished("Error", 0);
                state["syncResult"] = Value::Null;
                state["operation"]["sync"]["revision"] = revision.into();
                app["status"] = json!({"operationState": state});
            })
        };
        assert!(matches!(run(&failed_at("r0"), &comparison(false), 999), Decision::Sync(_)));
        for revision in ["r1", ""] {
            assert!(
                matches!(run(&failed_at(revision), &comparison(false), 999), Decision::Rest(Some(_))),
                "{revision}"
            );
        }
    }

    #[test]
    fn nothing_wipes_an_app_out_by_accident() {
        assert_eq!(
            run(&app(|_| {}), &comparison(true), 0),
            Decision::Rest(Some(
                "Skipping sync attempt to [r1]: auto-sync will wipe out all resources".into()
            ))
        );
        let allowed = app(|app| app["spec"]["syncPolicy"]["automated"]["allowEmpty"] = json!(true));
        assert!(matches!(run(&allowed, &comparison(true), 0), Decision::Sync(_)));
        let unpruned = app(|app| app["spec"]["syncPolicy"]["automated"]["prune"] = json!(false));
        assert_eq!(run(&unpruned, &comparison(true), 0), Decision::Rest(None));
    }
}
