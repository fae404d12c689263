//! Hooks of a release: created in order of their weights, waited for, deleted as their policies say.

use std::sync::Arc;
use std::time::Duration;

use belay_helm::record::{HookRun, Release};
use belay_manifest::{GroupVersionKind, Limits, Manifest, Object, ObjectKey};
use belay_plan::{Plan, Step};
use serde_json::Value;

use super::Look;
use super::objects::{WaitFor, apply_step};
use super::storage::Storage;
use super::{MANAGER, content};
use belay_causes::chain;

const BEFORE_CREATION: &str = "before-hook-creation";
const SUCCEEDED: &str = "hook-succeeded";
const FAILED: &str = "hook-failed";

/// Runs the hooks of one event. How each went is noted in the record.
pub(crate) async fn run(
    look: &mut Look<'_>,
    storage: &Storage,
    record: &mut Release,
    event: &str,
    timeout: Duration,
) -> Result<(), String> {
    let order = order(record, event);
    for (done, hook) in order.iter().enumerate() {
        if let Err(error) = one(look, storage, record, *hook, timeout).await {
            delete_by_policy(look, record, *hook, FAILED, timeout).await?;
            for earlier in &order[..done] {
                delete_by_policy(look, record, *earlier, SUCCEEDED, timeout).await?;
            }
            return Err(error);
        }
    }
    for hook in order.iter().rev() {
        delete_by_policy(look, record, *hook, SUCCEEDED, timeout).await?;
    }
    Ok(())
}

/// The hooks of an event, by weight, then by name.
fn order(record: &Release, event: &str) -> Vec<usize> {
    let mut order: Vec<usize> = (0..record.hooks.len())
        .filter(|position| record.hooks[*position].events.iter().any(|known| known == event))
        .collect();
    order.sort_by_key(|position| (record.hooks[*position].weight, record.hooks[*position].name.clone()));
    order
}

async fn one(
    look: &mut Look<'_>,
    storage: &Storage,
    record: &mut Release,
    hook: usize,
    timeout: Duration,
) -> Result<(), String> {
    if record.hooks[hook].delete_policies.is_empty() {
        record.hooks[hook].delete_policies.push(BEFORE_CREATION.to_owned());
    }
    delete_by_policy(look, record, hook, BEFORE_CREATION, timeout).await?;
    let objects = objects(look, &record.hooks[hook].manifest).await?;
    record.hooks[hook].last_run = HookRun {
        started_at: Some(belay_cluster::now().to_string()),
        phase: "Running".to_owned(),
        ..HookRun::default()
    };
    storage.update(record).await.map_err(|error| chain(&error))?;
    let result = create_and_wait(look, &objects, timeout).await;
    let run = &mut record.hooks[hook].last_run;
    run.completed_at = Some(belay_cluster::now().to_string());
    run.phase = if result.is_ok() { "Succeeded" } else { "Failed" }.to_owned();
    result.map_err(|error| format!("hook {}: {error}", record.hooks[hook].path))
}

async fn create_and_wait(look: &mut Look<'_>, objects: &[Object], timeout: Duration) -> Result<(), String> {
    look.watch(objects).await?;
    let plan = creation(look, objects);
    look.carry_out(&plan).await?;
    let keys: Vec<ObjectKey> = objects.iter().map(Object::key).collect();
    look.wait(WaitFor::Run, &keys, timeout).await
}

fn creation(look: &Look<'_>, objects: &[Object]) -> Plan {
    let step = |object: &Object| apply_step(object.clone(), look.live(&object.key()), MANAGER);
    Plan { steps: objects.iter().map(step).collect() }
}

/// How far a hook's object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    Running,
    Done,
    Failed,
}

/// Jobs and Pods run; anything else is done once it is there.
pub(crate) fn progress(object: &Object) -> Run {
    let has_condition = |type_: &str| {
        let conditions = object.value().pointer("/status/conditions").and_then(Value::as_array);
        let mut conditions = conditions.into_iter().flatten();
        conditions.any(|condition| condition["type"] == type_ && condition["status"] == "True")
    };
    match (object.gvk().group.as_str(), object.kind()) {
        ("batch", "Job") if has_condition("Complete") => Run::Done,
        ("batch", "Job") if has_condition("Failed") => Run::Failed,
        ("batch", "Job") => Run::Running,
        ("", "Pod") => match object.value().pointer("/status/phase").and_then(Value::as_str) {
            Some("Succeeded") => Run::Done,
            Some("Failed") => Run::Failed,
            _ => Run::Running,
        },
        _ => Run::Done,
    }
}

/// Deletes a hook's objects when its policies say so, and waits until they are gone. Definitions stay.
async fn delete_by_policy(
    look: &mut Look<'_>,
    record: &Release,
    hook: usize,
    policy: &str,
    timeout: Duration,
) -> Result<(), String> {
    let hook = &record.hooks[hook];
    let applies = hook.delete_policies.iter().any(|known| known == policy);
    if !applies || hook.kind == "CustomResourceDefinition" {
        return Ok(());
    }
    let objects = objects(look, &hook.manifest).await?;
    look.watch(&objects).await?;
    let live: Vec<Arc<Object>> = objects.iter().filter_map(|object| look.live(&object.key())).collect();
    look.carry_out(&Plan { steps: live.iter().map(Step::prune).collect() }).await?;
    let keys: Vec<ObjectKey> = live.iter().map(|live| live.key()).collect();
    look.wait(WaitFor::Gone, &keys, timeout).await
}

/// The objects of a hook, in their namespaces.
async fn objects(look: &Look<'_>, manifest: &str) -> Result<Vec<Object>, String> {
    let parsed = belay_manifest::parse("hook", manifest.as_bytes(), &Limits::default())
        .map_err(|error| chain(&error))?;
    look.learn_kinds(parsed.iter().map(|manifest| manifest.object.gvk()).collect()).await;
    place(look, parsed)
}

fn place(look: &Look<'_>, parsed: Vec<Manifest>) -> Result<Vec<Object>, String> {
    let scope = |kind: &GroupVersionKind| look.scope(kind);
    let placed = parsed.into_iter().map(|manifest| {
        content::in_namespace(manifest.object, &look.target, &scope).map_err(|error| error.to_string())
    });
    placed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_helm::record::HookRecord;
    use serde_json::json;

    #[test]
    fn hooks_of_an_event_run_by_weight_and_name() {
        let hook = |name: &str, weight: i64, event: &str| HookRecord {
            name: name.to_owned(),
            weight,
            events: vec![event.to_owned()],
            ..HookRecord::default()
        };
        let record = Release {
            hooks: vec![
                hook("late", 5, "pre-install"),
                hook("b", 0, "pre-install"),
                hook("other", -9, "post-install"),
                hook("a", 0, "pre-install"),
                hook("first", -1, "pre-install"),
            ],
            ..Release::default()
        };
        assert_eq!(order(&record, "pre-install"), [4, 3, 1, 0]);
    }

    #[test]
    fn jobs_and_pods_are_waited_for() {
        let object = |api: &str, kind: &str, status: Value| {
            Object::new(json!({"apiVersion": api, "kind": kind, "metadata": {"name": "a"}, "status": status}))
                .unwrap()
        };
        let condition = |type_: &str| json!({"conditions": [{"type": type_, "status": "True"}]});
        assert_eq!(progress(&object("batch/v1", "Job", json!({}))), Run::Running);
        assert_eq!(progress(&object("batch/v1", "Job", condition("Complete"))), Run::Done);
        assert_eq!(progress(&object("batch/v1", "Job", condition("Failed"))), Run::Failed);
        assert_eq!(progress(&object("v1", "Pod", json!({"phase": "Succeeded"}))), Run::Done);
        assert_eq!(progress(&object("v1", "ConfigMap", json!({}))), Run::Done);
    }
}
