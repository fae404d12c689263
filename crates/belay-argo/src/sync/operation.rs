//! The state of an operation: how it begins, waits for a retry, and ends.

use std::time::Duration;

use crate::sources::{Sources, revision_list};
use belay_argo_api::{
    Application, ApplicationSource, Operation, OperationPhase, OperationState, RetryStrategy, SyncOperation,
    SyncOperationResult,
};
use belay_crd::Time;
use jiff::Timestamp;

/// Whether an app has something to carry out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Current {
    /// No.
    Nothing,
    /// Somebody asked for this.
    Asked(Box<Operation>),
    /// This is on its way.
    Running(Box<OperationState>),
}

/// What the app's status and `operation` say.
pub(crate) fn current(app: &Application) -> Current {
    let state = app.status.operation_state.as_ref();
    match (state.filter(|state| !is_completed(&state.phase)), &app.operation) {
        (Some(state), _) => Current::Running(Box::new(state.clone())),
        (None, Some(operation)) => Current::Asked(Box::new(operation.clone())),
        (None, None) => Current::Nothing,
    }
}

/// Whether what is recorded is another operation than the one at hand. Times count seconds: two operations of the same one
/// differ in what they do. That of a retry may have changed, which looks its revision up anew.
pub(crate) fn is_another(known: &OperationState, state: &OperationState) -> bool {
    let is_first_try = state.retry_count.unwrap_or(0) == 0;
    known.started_at != state.started_at || (is_first_try && known.operation != state.operation)
}

/// Whether a phase is an end.
pub(crate) fn is_completed(phase: &OperationPhase) -> bool {
    !matches!(phase, OperationPhase::Running | OperationPhase::Terminating) && !phase.is_unset()
}

/// An operation that begins now.
pub(crate) fn start(operation: Operation, now: Timestamp) -> OperationState {
    OperationState {
        operation,
        phase: OperationPhase::Running,
        started_at: Time::from(now),
        ..OperationState::default()
    }
}

/// What is to be done with a state before its sync goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resume {
    /// Go on.
    Go,
    /// Nothing for this long.
    Wait(Duration),
}

/// A failed try that waits for its retry has an end and yet runs. When its time has come, it begins anew.
pub(crate) fn resume(state: &mut OperationState, now: Timestamp) -> Resume {
    let Some(finished) = state.finished_at.get().filter(|_| state.phase == OperationPhase::Running) else {
        return Resume::Go;
    };
    let retries = state.retry_count.unwrap_or(0);
    let pause = retry(state).pause(u32::try_from(retries).unwrap_or(u32::MAX));
    let waited = since(finished, now);
    if waited < pause {
        return Resume::Wait(pause - waited);
    }
    let mut with = "";
    if retry(state).refresh == Some(true)
        && let Some(sync) = &mut state.operation.sync
    {
        with = " with latest revisions";
        sync.revision.clear();
        sync.revisions.clear();
    }
    state.message = format!("Retrying operation{with}. Attempt #{retries}");
    state.finished_at = Time::default();
    state.sync_result = None;
    Resume::Go
}

/// Ends a try: a failed one is tried again if its strategy says so.
pub(crate) fn conclude(state: &mut OperationState, was_terminating: bool, now: Timestamp) {
    let retries = state.retry_count.unwrap_or(0);
    let strategy = retry(state);
    let limit = strategy.limit.unwrap_or(0);
    let failed = matches!(state.phase, OperationPhase::Failed | OperationPhase::Error);
    if failed && !was_terminating && (retries < limit || limit < 0) {
        let pause = strategy.pause(u32::try_from(retries).unwrap_or(u32::MAX));
        let at = now + jiff::SignedDuration::try_from(pause).unwrap_or_default();
        state.message =
            format!("{}. Retrying attempt #{} at {}.", state.message, retries + 1, at.strftime("%-I:%M%p"));
        state.phase = OperationPhase::Running;
        state.retry_count = Some(retries + 1);
        state.finished_at = Time::from(now);
    } else if failed && retries > 0 {
        state.message = format!("{} (retried {retries} times).", state.message);
    }
    if is_completed(&state.phase) {
        state.finished_at = Time::from(now);
    }
}

/// How long until a state wants another look by itself.
pub(crate) fn retry_in(state: &OperationState, now: Timestamp) -> Option<Duration> {
    let finished = state.finished_at.get().filter(|_| state.phase == OperationPhase::Running)?;
    let retries = u32::try_from(state.retry_count.unwrap_or(0)).unwrap_or(u32::MAX);
    Some(retry(state).pause(retries).saturating_sub(since(finished, now)))
}

/// Whether a state waits for the time of its retry.
pub(crate) fn waits_for_retry(state: &OperationState, now: Timestamp) -> bool {
    retry_in(state, now).is_some_and(|pause| !pause.is_zero())
}

fn retry(state: &OperationState) -> RetryStrategy {
    state.operation.retry.clone().unwrap_or_default()
}

/// How long ago something was. What is still to come by a clock that was put back is long ago: nobody knows how long, and
/// nothing is to wait until that clock has caught up.
pub(crate) fn since(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or(Duration::MAX)
}

/// Whether an operation has begun at a certain revision.
pub(crate) fn has_revision(state: &OperationState) -> bool {
    let is_found =
        |result: &SyncOperationResult| !revision_list(&result.revision, &result.revisions).is_empty();
    state.sync_result.as_ref().is_some_and(is_found)
}

/// The sources of an operation: its result's, its own, else the app's.
pub(crate) fn sources(state: &OperationState, of_app: &Sources) -> Sources {
    let of_result = state.sync_result.as_ref().and_then(Sources::of_result);
    let of_operation = || state.operation.sync.as_ref().and_then(Sources::of_operation);
    of_result.or_else(of_operation).unwrap_or_else(|| of_app.clone())
}

/// The revisions of an operation: those that it has begun at, else those it asks for; they may be none.
pub(crate) fn revisions(state: &OperationState) -> Vec<String> {
    let of_result =
        state.sync_result.as_ref().map(|result| revision_list(&result.revision, &result.revisions));
    let sync = sync_of(state);
    let asked = || revision_list(&sync.revision, &sync.revisions);
    of_result.filter(|found| !found.is_empty()).unwrap_or_else(asked)
}

/// Whether newer revisions may take the place of a running operation: nobody asked for it, and none of its hooks is
/// at work. One that has not begun yet has to be of other revisions: they may not be there any more.
pub(crate) fn may_be_superseded(state: &OperationState, newer: &[String]) -> bool {
    let is_automated = state.operation.initiated_by.as_ref().is_some_and(|by| by.automated);
    let resources = state.sync_result.as_ref().map(|result| result.resources.as_slice()).unwrap_or_default();
    let has_running_hook = resources
        .iter()
        .any(|resource| !resource.hook_type.is_empty() && resource.hook_phase == OperationPhase::Running);
    let sync = sync_of(state);
    let asked = revision_list(&sync.revision, &sync.revisions);
    let is_other = has_revision(state) || (!asked.is_empty() && asked != newer);
    is_automated && is_other && state.phase == OperationPhase::Running && !has_running_hook
}

/// The sync that an operation asks for.
pub(crate) fn sync_of(state: &OperationState) -> SyncOperation {
    state.operation.sync.clone().unwrap_or_default()
}

/// The result of a state, made when there is none yet. The revisions are the commits that were found, so that a sync that
/// goes on later means the same.
pub(crate) fn result<'a>(
    state: &'a mut OperationState,
    sources: &Sources,
    revisions: &[String],
) -> &'a mut SyncOperationResult {
    let result = state.sync_result.get_or_insert_with(SyncOperationResult::default);
    if sources.is_many() {
        result.source = Some(ApplicationSource::default());
        result.sources = sources.many();
        result.revisions = revisions.to_vec();
    } else {
        result.source = sources.one();
        result.revision = revisions.first().cloned().unwrap_or_default();
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn state(limit: i64, retries: i64) -> OperationState {
        let operation =
            serde_json::from_value(json!({"retry": {"limit": limit}, "sync": {"revision": "r"}})).unwrap();
        let mut state = start(operation, "2026-01-01T00:00:00Z".parse().unwrap());
        state.phase = OperationPhase::Failed;
        state.message = "boom".to_owned();
        state.retry_count = (retries > 0).then_some(retries);
        state
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_767_225_600 + second).unwrap()
    }

    #[test]
    fn a_failed_try_waits_and_begins_anew() {
        let mut state = state(2, 0);
        conclude(&mut state, false, at(0));
        assert_eq!(state.phase, OperationPhase::Running);
        assert_eq!(state.message, "boom. Retrying attempt #1 at 12:00AM.");
        assert_eq!(resume(&mut state, at(4)), Resume::Wait(Duration::from_secs(6)));
        assert_eq!(resume(&mut state.clone(), at(-1000)), Resume::Go, "the clock was put back");
        assert_eq!(resume(&mut state, at(10)), Resume::Go);
        assert_eq!(state.message, "Retrying operation. Attempt #1");
        assert!(state.finished_at.is_unset());
    }

    #[test]
    fn the_last_try_says_how_many_there_were() {
        let mut last = state(2, 2);
        conclude(&mut last, false, at(0));
        assert_eq!((last.phase, last.message.as_str()), (OperationPhase::Failed, "boom (retried 2 times)."));
        let mut terminated = state(2, 0);
        conclude(&mut terminated, true, at(0));
        assert_eq!(terminated.phase, OperationPhase::Failed);
    }

    #[test]
    fn a_refreshing_retry_takes_the_newest_revision() {
        let mut state = state(5, 0);
        state.operation.retry.as_mut().unwrap().refresh = Some(true);
        conclude(&mut state, false, at(0));
        assert_eq!(resume(&mut state, at(99)), Resume::Go);
        assert_eq!(state.operation.sync.unwrap().revision, "");
        assert_eq!(state.message, "Retrying operation with latest revisions. Attempt #1");
    }
}
