//! The order of a sync's tasks: phase, wave, kind, name; and what others need comes before them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use belay_manifest::{Object, argo_kind_rank};
use serde_json::Value;

use super::hook::Phase;
use super::settings::Settings;
use super::task::Task;

/// The wave of an object; Helm's weight when Argo CD's annotation is none.
pub fn wave(object: &Object) -> i64 {
    let number = |annotation| object.annotation(annotation).and_then(|text| text.parse().ok());
    number("argocd.argoproj.io/sync-wave").or_else(|| number("helm.sh/hook-weight")).unwrap_or(0)
}

/// Puts the tasks in order.
pub(super) fn arrange(tasks: &mut Vec<Task>, settings: &Settings) {
    reverse_prunes(tasks);
    postpone_prunes(tasks, settings);
    tasks.sort_by_cached_key(|task| {
        (task.phase, task.wave, argo_kind_rank(&task.key.kind), task.key.name.clone(), task.key.clone())
    });
    pull_forward(tasks, namespace_name, |object| namespace_of(object, settings));
    pull_forward(tasks, defined_kind, |object| {
        let kind = object.gvk();
        Some(format!("{}/{}", kind.group, kind.kind))
    });
}

/// What was made last goes first: the waves of the prunes change places with each other.
fn reverse_prunes(tasks: &mut [Task]) {
    let waves: BTreeSet<i64> = tasks.iter().filter(|task| task.is_prune()).map(|task| task.wave).collect();
    let mirrored: BTreeMap<i64, i64> = waves.iter().copied().zip(waves.iter().rev().copied()).collect();
    for task in tasks.iter_mut().filter(|task| task.is_prune()) {
        task.wave = mirrored.get(&task.wave).copied().unwrap_or(task.wave);
    }
}

/// Prunes that wait for everything else get a wave of their own.
fn postpone_prunes(tasks: &mut [Task], settings: &Settings) {
    let in_sync = tasks.iter().filter(|task| task.phase == Phase::Sync).map(|task| task.wave);
    let last = in_sync.fold(0, i64::max).saturating_add(1);
    for task in tasks.iter_mut().filter(|task| task.is_prune()) {
        if task.live.as_deref().is_some_and(|live| settings.prunes_last(live)) {
            task.wave = last;
        }
    }
}

/// Moves what others need before the first that needs it, into that one's phase and wave.
fn pull_forward(
    tasks: &mut Vec<Task>,
    provides: impl Fn(&Object) -> Option<String>,
    needs: impl Fn(&Object) -> Option<String>,
) {
    let mut first: HashMap<String, usize> = HashMap::new();
    for place in 0..tasks.len() {
        let Some(target) = tasks[place].target.clone() else { continue };
        if let Some(name) = provides(&target) {
            let Some(&before) = first.get(&name) else { continue };
            let mut task = tasks.remove(place);
            task.phase = tasks[before].phase;
            task.wave = tasks[before].wave;
            tasks.insert(before, task);
            first.values_mut().filter(|place| **place >= before).for_each(|place| *place += 1);
        } else if let Some(name) = needs(&target) {
            first.entry(name).or_insert(place);
        }
    }
}

fn namespace_name(object: &Object) -> Option<String> {
    (object.kind() == "Namespace" && object.api_version() == "v1").then(|| object.name().to_owned())
}

fn namespace_of(object: &Object, settings: &Settings) -> Option<String> {
    let own = object.namespace();
    let namespace = if own.is_empty() { settings.namespace.as_str() } else { own };
    (!namespace.is_empty()).then(|| namespace.to_owned())
}

fn defined_kind(object: &Object) -> Option<String> {
    if object.kind() != "CustomResourceDefinition" {
        return None;
    }
    let text = |path: &str| object.value().pointer(path).and_then(Value::as_str);
    Some(format!("{}/{}", text("/spec/group")?, text("/spec/names/kind")?))
}

/// The order in which an app's objects are deleted with it: last waves first, then last kinds.
pub fn deletion_rank(object: &Object) -> (Reverse<i64>, Reverse<usize>) {
    (Reverse(wave(object)), Reverse(argo_kind_rank(object.kind())))
}
