//! Results in the words of `status.operationState.syncResult.resources`, and back.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use belay_apply::{ApplyError, Performed, Written};
use belay_argo_api::{OperationPhase, ResourceResult, ResultCode};
use belay_manifest::{Object, ObjectKey};
use belay_plan::sync::{Code, Phase, Reason, Stand, Task, TaskResult};

/// Results by object and phase.
pub(crate) type Results = HashMap<(ObjectKey, Phase), TaskResult>;

/// What the status holds, of an app that deploys to this namespace.
pub(crate) fn read(resources: &[ResourceResult], namespace: &str) -> Results {
    let mut results = Results::new();
    for resource in resources {
        let Some(phase) = Phase::parse(&resource.sync_phase) else { continue };
        let result = TaskResult {
            code: code(&resource.status),
            stand: stand(&resource.hook_phase),
            message: resource.message.clone(),
        };
        let key = key(resource);
        if key.namespace == namespace {
            // It may be that of an object of the cluster, which has no namespace of its own.
            let of_cluster = ObjectKey { namespace: String::new(), ..key.clone() };
            results.entry((of_cluster, phase)).or_insert_with(|| result.clone());
        }
        results.insert((key, phase), result);
    }
    results
}

fn key(resource: &ResourceResult) -> ObjectKey {
    ObjectKey {
        group: resource.group.clone(),
        kind: resource.kind.clone(),
        namespace: resource.namespace.clone(),
        name: resource.name.clone(),
    }
}

fn code(status: &ResultCode) -> Option<Code> {
    match status {
        ResultCode::Synced => Some(Code::Synced),
        ResultCode::SyncFailed => Some(Code::SyncFailed),
        ResultCode::Pruned => Some(Code::Pruned),
        ResultCode::PruneSkipped => Some(Code::PruneSkipped),
        ResultCode::Other(_) => None,
    }
}

fn stand(phase: &OperationPhase) -> Option<Stand> {
    match phase {
        OperationPhase::Running | OperationPhase::Terminating => Some(Stand::Running),
        OperationPhase::Succeeded => Some(Stand::Succeeded),
        OperationPhase::Failed => Some(Stand::Failed),
        OperationPhase::Error => Some(Stand::Error),
        OperationPhase::Other(_) => None,
    }
}

/// Brings the results of the tasks of an app that deploys to this namespace into the list. What is there stays in its
/// place; new ones follow.
pub(crate) fn write(tasks: &[Task], namespace: &str, resources: &mut Vec<ResourceResult>) {
    let told = tasks.iter().filter(|task| task.result != TaskResult::default());
    merge(resources, told.map(|task| resource(task, namespace)));
}

/// Brings results into a list: each in the place of the one of its object and phase, else at the end.
pub(super) fn merge(resources: &mut Vec<ResourceResult>, results: impl Iterator<Item = ResourceResult>) {
    let identity = |result: &ResourceResult| (key(result), result.sync_phase.clone());
    let mut places: HashMap<_, usize> = resources.iter().map(identity).zip(0..).collect();
    for result in results {
        match places.entry(identity(&result)) {
            Entry::Occupied(place) => resources[*place.get()] = result,
            Entry::Vacant(place) => {
                place.insert(resources.len());
                resources.push(result);
            }
        }
    }
}

fn resource(task: &Task, namespace: &str) -> ResourceResult {
    let object = task.object();
    // As Argo CD has it, what is written has the app's namespace here if it has none, also an object of the cluster; but
    // not that namespace itself.
    let is_told = task.target.is_some() && task.reason != Reason::Namespace;
    let namespace = if task.key.namespace.is_empty() && is_told { namespace } else { &task.key.namespace };
    ResourceResult {
        group: task.key.group.clone(),
        version: object.gvk().version,
        kind: task.key.kind.clone(),
        namespace: namespace.to_owned(),
        name: task.key.name.clone(),
        status: match task.result.code {
            Some(Code::Synced) => ResultCode::Synced,
            Some(Code::SyncFailed) => ResultCode::SyncFailed,
            Some(Code::Pruned) => ResultCode::Pruned,
            Some(Code::PruneSkipped) => ResultCode::PruneSkipped,
            None => ResultCode::default(),
        },
        message: task.result.message.clone(),
        hook_phase: match task.result.stand {
            Some(Stand::Running) => OperationPhase::Running,
            Some(Stand::Succeeded) => OperationPhase::Succeeded,
            Some(Stand::Failed) => OperationPhase::Failed,
            Some(Stand::Error) => OperationPhase::Error,
            None => OperationPhase::default(),
        },
        hook_type: if task.is_hook() { task.phase.as_str().to_owned() } else { String::new() },
        sync_phase: task.phase.as_str().to_owned(),
        images: images(object),
        ..ResourceResult::default()
    }
}

/// The images of an object's containers, as Argo CD names them here: without those that only begin a pod.
fn images(object: &Object) -> Vec<String> {
    let paths = [
        "/spec/containers",
        "/spec/template/spec/containers",
        "/spec/jobTemplate/spec/template/spec/containers",
    ];
    let containers = paths.iter().find_map(|path| object.value().pointer(path)?.as_array());
    let images = containers.into_iter().flatten().filter_map(|container| container["image"].as_str());
    images.map(str::to_owned).collect()
}

/// What somebody reads of a task that was just worked on.
pub(crate) struct Outcome {
    pub(crate) code: Option<Code>,
    pub(crate) stand: Stand,
    pub(crate) message: String,
}

/// The result of an action; `None` when it says nothing about the task yet.
pub(crate) fn outcome(task: &Task, done: Result<Performed, ApplyError>) -> Option<Outcome> {
    let of = |code, stand, message: String| Some(Outcome { code: Some(code), stand, message });
    match done {
        Ok(Performed::Released | Performed::HookGoing | Performed::HookGone) => None,
        Ok(Performed::Pruned) => of(Code::Pruned, Stand::Succeeded, "pruned".to_owned()),
        Ok(Performed::Spared) => of(
            Code::PruneSkipped,
            Stand::Succeeded,
            "ignored (another object of this name has been made since)".to_owned(),
        ),
        Ok(Performed::Kept(reason)) => of(Code::PruneSkipped, Stand::Succeeded, reason.to_owned()),
        Ok(Performed::Written(written)) => {
            of(Code::Synced, Stand::Running, applied_message(task, written.how))
        }
        Err(error) => of(Code::SyncFailed, Stand::Failed, advised(error.reason())),
    }
}

/// `deployment.apps/web configured`, as kubectl says it.
pub(crate) fn applied_message(task: &Task, written: Written) -> String {
    let word = written.word();
    if written == Written::Updated {
        return format!("{}/{} updated", task.key.kind, task.key.name);
    }
    let name = described(&task.key);
    let is_role = task.key.group == "rbac.authorization.k8s.io";
    // Roles and bindings are reconciled first, in the original's way to apply them.
    let reconciled =
        is_role && matches!(written, Written::Created | Written::Configured | Written::Unchanged);
    if reconciled { format!("{name} reconciled. {name} {word}") } else { format!("{name} {word}") }
}

/// `deployment.apps/web`, as kubectl prints an object.
fn described(key: &ObjectKey) -> String {
    let kind = key.kind.to_lowercase();
    if key.group.is_empty() {
        format!("{kind}/{}", key.name)
    } else {
        format!("{kind}.{}/{}", key.group, key.name)
    }
}

/// The original's advice for objects that are too large to be recorded in their annotation.
fn advised(message: String) -> String {
    if message.contains("metadata.annotations: Too long: must have at most 262144 bytes") {
        return format!(
            "{message} \n -Additional Info: This error usually means that you are trying to add a large resource on client side. Consider using Server-side apply or syncing with replace enabled. Note: Syncing with Replace enabled is potentially destructive as it may cause resource deletion and re-creation."
        );
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_object_of_the_cluster_is_known_by_the_namespace_of_its_app() {
        let role = json!({"group": "g", "kind": "ClusterRole", "name": "a", "namespace": "n", "version": "v1",
            "syncPhase": "Sync", "status": "Synced"});
        let told: Vec<ResourceResult> = serde_json::from_value(json!([role])).unwrap();
        let key = |namespace: &str| ObjectKey { namespace: namespace.to_owned(), ..key(&told[0]) };
        let results = read(&told, "n");
        for namespace in ["", "n"] {
            assert_eq!(results[&(key(namespace), Phase::Sync)].code, Some(Code::Synced), "{namespace:?}");
        }
        assert!(!read(&told, "other").contains_key(&(key(""), Phase::Sync)));
    }

    #[test]
    fn images_are_those_of_containers_that_stay() {
        let pod = json!({"initContainers": [{"image": "init:1"}], "containers": [{"image": "b:1"}, {"image": "a:1"}, {}]});
        let of = |spec: serde_json::Value| {
            let object = json!({"apiVersion": "v1", "kind": "Any", "metadata": {"name": "x"}, "spec": spec});
            images(&Object::new(object).unwrap())
        };
        assert_eq!(of(pod.clone()), ["b:1", "a:1"]);
        assert_eq!(of(json!({"template": {"spec": pod}})), ["b:1", "a:1"]);
        assert_eq!(of(json!({"jobTemplate": {"spec": {"template": {"spec": pod}}}})), ["b:1", "a:1"]);
        assert!(of(json!({"data": 1})).is_empty());
    }
}
