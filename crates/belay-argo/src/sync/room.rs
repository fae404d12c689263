//! What an app has room for. The API server stores no object larger than 1.5 MiB, and an operation on thousands of objects
//! has a result for each, beside the line of each in the status.

use std::collections::HashSet;
use std::io;

use belay_argo_api::{OperationPhase, OperationState, ResourceResult, ResultCode};
use belay_crd::{Described, Time};
use serde::Serialize;
use serde_json::Value;

use super::operation::is_completed;
use super::results::merge;

/// The largest app that is written, in bytes of JSON. etcd takes 1.5 MiB with everything around it, and the API server
/// adds who wrote which field.
const ROOM: usize = 1_400_000;

/// The results of one try of an operation that its app has no room for.
#[derive(Default)]
pub(crate) struct Overflow {
    /// When the operation began, and which try it is.
    of: (Time, Option<i64>),
    results: Vec<ResourceResult>,
}

impl Overflow {
    /// What belongs to this state; nothing when it is of another operation or another try.
    pub(crate) fn of(&self, state: &OperationState) -> Vec<ResourceResult> {
        if self.of == identity(state) { self.results.clone() } else { Vec::new() }
    }
}

fn identity(state: &OperationState) -> (Time, Option<i64>) {
    (state.started_at.clone(), state.retry_count)
}

/// Brings back what an app had no room for.
pub(super) fn complete(state: &mut OperationState, overflow: Vec<ResourceResult>) {
    if let Some(result) = &mut state.sync_result {
        merge(&mut result.resources, overflow.into_iter());
    }
}

/// Takes as many results away as it needs for the app to be stored: first of what went well, from the end. Hooks stay,
/// and a result of each kind: by them, whoever goes on with the operation knows what is done and what to watch. `others` is
/// how large the app is but for the state, in bytes. Gives what is to be kept in mind until the operation is over.
pub(crate) fn fit(state: &mut OperationState, others: usize) -> Overflow {
    let mut excess = (others + size(&state.write())).saturating_sub(ROOM);
    let identity = identity(state);
    let is_over = is_completed(&state.phase);
    let Some(result) = state.sync_result.as_mut().filter(|_| excess > 0) else { return Overflow::default() };
    let mut kinds = HashSet::new();
    let is_first: Vec<bool> =
        result.resources.iter().map(|one| kinds.insert((one.group.clone(), one.kind.clone()))).collect();
    let mut leaves = vec![false; is_first.len()];
    for went_well in [true, false] {
        for (place, one) in result.resources.iter().enumerate().rev() {
            if excess > 0 && !is_first[place] && one.hook_type.is_empty() && is_well(one) == went_well {
                leaves[place] = true;
                // A comma goes with each.
                excess = excess.saturating_sub(size(&one.write()) + 1);
            }
        }
    }
    let mut results = Vec::new();
    let mut leaves = leaves.into_iter();
    result.resources.retain(|one| {
        let stays = !leaves.next().unwrap_or_default();
        if !stays && !is_over {
            results.push(one.clone());
        }
        stays
    });
    Overflow { of: identity, results }
}

fn is_well(result: &ResourceResult) -> bool {
    let has_failed = matches!(result.hook_phase, OperationPhase::Failed | OperationPhase::Error);
    result.status != ResultCode::SyncFailed && !has_failed
}

/// How large a value is as JSON, in bytes.
pub(crate) fn size(value: &Value) -> usize {
    struct Counted(usize);

    impl io::Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mut counted = Counted(0);
    // A value whose keys are all texts can be written, and counting does not fail.
    let _ = value.serialize(&mut serde_json::Serializer::new(&mut counted));
    counted.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn state(phase: &str, resources: Vec<Value>) -> OperationState {
        OperationState::read(json!({
            "operation": {"sync": {}}, "phase": phase, "startedAt": "2026-01-01T00:00:00Z",
            "syncResult": {"revision": "r", "resources": resources},
        }))
        .unwrap()
    }

    fn result(kind: &str, name: &str, status: &str, hook: &str) -> Value {
        json!({"kind": kind, "name": name, "namespace": "n", "version": "v1", "group": "", "status": status,
            "syncPhase": "Sync", "hookPhase": "Running", "hookType": hook, "message": "m".repeat(1000)})
    }

    fn many() -> Vec<Value> {
        let mut all = vec![result("Secret", "secret", "Synced", ""), result("Job", "hook", "Synced", "Sync")];
        all.extend((0..2000).map(|number| {
            let status = if number % 2 == 0 { "Synced" } else { "SyncFailed" };
            result("ConfigMap", &format!("c{number}"), status, "")
        }));
        all.push(result("Job", "late-hook", "Synced", "Sync"));
        all
    }

    fn names(state: &OperationState) -> Vec<String> {
        state.sync_result.as_ref().unwrap().resources.iter().map(|one| one.name.clone()).collect()
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        let small = state("Running", vec![result("ConfigMap", "c", "Synced", "")]);
        let mut fitted = small.clone();
        assert!(fit(&mut fitted, 1000).results.is_empty());
        assert_eq!(fitted, small);
    }

    #[test]
    fn what_went_well_leaves_first_and_comes_back() {
        let whole = state("Running", many());
        let mut fitted = whole.clone();
        let overflow = fit(&mut fitted, 100_000);
        assert!(size(&fitted.write()) + 100_000 <= ROOM);
        let kept = names(&fitted);
        assert!(
            ["secret", "hook", "late-hook", "c0", "c1", "c1999"]
                .iter()
                .all(|name| kept.contains(&(*name).to_owned()))
        );
        assert!(!kept.contains(&"c1998".to_owned()));
        let known = overflow.of(&fitted);
        complete(&mut fitted, known);
        let (mut all, mut before) = (names(&fitted), names(&whole));
        all.sort();
        before.sort();
        assert_eq!(all, before);
    }

    #[test]
    fn failures_leave_when_nothing_else_is_left_and_hooks_never_do() {
        let mut fitted = state("Running", many());
        let overflow = fit(&mut fitted, ROOM - 500_000);
        assert!(size(&fitted.write()) <= 500_000);
        let kept = names(&fitted);
        assert!(
            ["secret", "hook", "late-hook", "c0", "c1"].iter().all(|name| kept.contains(&(*name).to_owned()))
        );
        assert!(!kept.contains(&"c2".to_owned()) && !kept.contains(&"c1999".to_owned()));
        assert!(overflow.results.iter().any(|one| one.status == ResultCode::SyncFailed));
    }

    #[test]
    fn nothing_is_kept_in_mind_of_what_is_over_or_of_another_try() {
        let mut over = state("Succeeded", many());
        assert!(fit(&mut over, ROOM).results.is_empty());
        let mut running = state("Running", many());
        let overflow = fit(&mut running, ROOM);
        running.retry_count = Some(1);
        assert!(overflow.of(&running).is_empty());
    }
}
