//! From desired and live objects to the ordered tasks of a sync.

use std::collections::HashMap;
use std::sync::Arc;

use belay_manifest::{Object, ObjectKey};
use serde_json::Value;

use super::hook::{HOOK_FINALIZER, HOOK_MARK, Phase, hook_phases, is_hook, is_skipped};
use super::order::arrange;
use super::settings::Settings;
use super::task::{Reason, Task, TaskResult};

const TRACKING_ID: &str = "argocd.argoproj.io/tracking-id";

/// An object on both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The object.
    pub key: ObjectKey,
    /// As it should be; `None` when it left Git.
    pub target: Option<Arc<Object>>,
    /// As it is; `None` when it is not there.
    pub live: Option<Arc<Object>>,
}

/// The tasks of a sync, in order, each with what has come of it so far.
///
/// `hooks` are the hooks that Git says; `live` finds a live object; `namespace` is the destination's, when it has to be
/// made or kept; `results` is what the app's status holds of this sync.
pub fn tasks(
    pairs: &[Pair],
    hooks: &[Arc<Object>],
    namespace: Option<Arc<Object>>,
    live: &dyn Fn(&ObjectKey) -> Option<Arc<Object>>,
    results: &HashMap<(ObjectKey, Phase), TaskResult>,
    settings: &Settings,
) -> Vec<Task> {
    let mut tasks: Vec<Task> = pairs.iter().filter_map(task_of).collect();
    if !settings.skip_hooks {
        tasks.extend(hooks.iter().flat_map(|hook| hook_tasks(hook, live, settings)));
    }
    if let Some(namespace) = namespace {
        let key = namespace.key();
        let found = live(&key);
        tasks.push(Task::new(key, Phase::PreSync, Reason::Namespace, Some(namespace), found));
    }
    arrange(&mut tasks, settings);
    for task in &mut tasks {
        if let Some(result) = results.get(&(task.key.clone(), task.phase)) {
            task.result = result.clone();
        }
    }
    tasks
}

fn task_of(pair: &Pair) -> Option<Task> {
    let object = pair.target.as_deref().or(pair.live.as_deref())?;
    // A live hook whose sync is over is nobody's business.
    if is_hook(object) || is_skipped(object) {
        return None;
    }
    let reason = if pair.target.is_some() { Reason::Desired } else { Reason::LeftGit };
    Some(Task::new(pair.key.clone(), Phase::Sync, reason, pair.target.clone(), pair.live.clone()))
}

fn hook_tasks(
    hook: &Arc<Object>,
    live: &dyn Fn(&ObjectKey) -> Option<Arc<Object>>,
    settings: &Settings,
) -> Vec<Task> {
    let mut tasks = Vec::new();
    for phase in hook_phases(hook) {
        let target = named_hook(hook, phase, settings);
        let key = target.key();
        let found = live(&key);
        tasks.push(Task::new(key, phase, Reason::Hook, Some(Arc::new(target)), found));
    }
    tasks
}

/// The hook with a name, if it has to be made up, and with what keeps it until the sync has seen its end.
fn named_hook(hook: &Object, phase: Phase, settings: &Settings) -> Object {
    let mut target = hook.clone();
    let Some(metadata) = target.value_mut().get_mut("metadata").and_then(Value::as_object_mut) else {
        return target;
    };
    if metadata.get("name").and_then(Value::as_str).is_none_or(str::is_empty) {
        let generate_name = metadata.get("generateName").and_then(Value::as_str).unwrap_or_default();
        let revision: String = match settings.revision.len() {
            0..8 => settings.revision.clone(),
            _ => settings.revision.chars().take(7).collect(),
        };
        let name = format!("{revision}-{}-{}", phase.as_str(), settings.started).to_lowercase();
        let name = format!("{generate_name}{name}");
        // The mark of the app names the object itself.
        if let Some(Value::String(mark)) =
            metadata.get_mut("annotations").and_then(|all| all.get_mut(TRACKING_ID))
            && mark.ends_with('/')
        {
            mark.push_str(&name);
        }
        metadata.insert("name".to_owned(), Value::from(name));
    }
    let finalizers = metadata.entry("finalizers").or_insert_with(|| Value::Array(Vec::new()));
    if let Some(finalizers) = finalizers.as_array_mut()
        && !finalizers.iter().any(|name| name == HOOK_FINALIZER)
    {
        finalizers.push(Value::from(HOOK_FINALIZER));
    }
    if let Some(mark) = &settings.hook_mark
        && let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut)
    {
        annotations.insert(HOOK_MARK.to_owned(), Value::from(mark.as_str()));
    }
    target
}
