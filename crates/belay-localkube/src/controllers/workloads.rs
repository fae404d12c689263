//! The workload simulator: what controllers and nodes would do, on one made-up node.
//!
//! Level-based: each look compares what is wanted with what is there and takes the next step. Pods become ready
//! [`READY_AFTER`] their creation, Jobs complete [`COMPLETE_AFTER`] that; an image `…:broken` never does.

mod cron;
mod endpoints;
mod jobs;
mod pods;
mod replicas;
mod services;
mod sets;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Changes;
use crate::cluster::State;
use crate::object::{items, text, uid};
use crate::store::{ChangeKind, GroupResource};

const READY_AFTER: i64 = 300;
const COMPLETE_AFTER: i64 = 600;
pub(super) const MANAGER: &str = "kube-controller-manager";
pub(super) const NODE: &str = "localkube";

/// Plays the kubelet and the workload controllers.
#[derive(Debug, Default)]
pub(super) struct Simulator {
    /// When each pod was first seen, in milliseconds: objects carry whole seconds only.
    seen: HashMap<String, i64>,
    /// The uids of pods that wait for their moment.
    waiting: HashSet<String>,
    /// How often the pods of each job have failed, and when the next may start.
    failures: HashMap<String, (i64, i64)>,
    /// When the next CronJob is due.
    next_cron: Option<tokio::time::Instant>,
}

/// The uids of objects that need a look: those that changed and those that own them.
pub(super) type Dirty = HashSet<String>;

impl Simulator {
    /// One look; how long to wait for the next if nothing else happens.
    pub(super) fn step(&mut self, state: &mut State, changes: &Changes) -> Option<Duration> {
        let mut dirty = Dirty::new();
        for (_, change) in changes.iter().filter(|(key, _)| concerns(key)) {
            dirty.insert(uid(&change.object).to_owned());
            let owner = crate::object::controller_of(&change.object);
            dirty.extend(owner.map(|owner| text(owner, &["uid"]).to_owned()));
            if change.kind == ChangeKind::Deleted {
                self.seen.remove(uid(&change.object));
                self.failures.remove(uid(&change.object));
            }
        }
        if !dirty.is_empty() {
            services::step(state, &dirty);
            replicas::deployments(state, &dirty);
            replicas::replica_sets(state, &dirty);
            sets::step(state, &dirty);
            endpoints::step(state, &dirty);
        }
        dirty.extend(self.waiting.drain());
        let postponed = jobs::step(state, &mut self.failures, &dirty);
        self.waiting = pods::step(state, &mut self.seen, &dirty);
        self.waiting.extend(postponed);
        let soon = (!self.waiting.is_empty()).then(|| Duration::from_millis(50));
        let now = tokio::time::Instant::now();
        // CronJobs are looked at when a job changed, and when the next is due.
        let concerns_jobs = changes.iter().any(|(key, _)| key.group == "batch");
        if concerns_jobs || self.next_cron.is_some_and(|due| due <= now) {
            self.next_cron = cron::step(state).map(|wait| now + wait);
        }
        let later = self.next_cron.map(|due| due.saturating_duration_since(now));
        soon.into_iter().chain(later).min()
    }
}

fn concerns(key: &GroupResource) -> bool {
    match key.group.as_str() {
        "" => matches!(key.resource.as_str(), "pods" | "services" | "persistentvolumeclaims"),
        "apps" => true,
        "batch" => key.resource == "jobs",
        _ => false,
    }
}

/// The objects of a resource that need a look and are not going away.
pub(super) fn to_see(state: &State, group: &str, resource: &str, dirty: &Dirty) -> Vec<Arc<Value>> {
    let mut objects = changed(state, group, resource, dirty);
    objects.retain(|object| !crate::object::is_being_deleted(object));
    objects
}

/// The objects of a resource that need a look, also those that are going away.
pub(super) fn changed(state: &State, group: &str, resource: &str, dirty: &Dirty) -> Vec<Arc<Value>> {
    let objects = state.store.list(&GroupResource::new(group, resource), "");
    objects.filter(|object| dirty.contains(uid(object))).cloned().collect()
}

/// The pods that an object controls and that are not going away.
pub(super) fn pods_of(state: &State, owner: &Value) -> Vec<Arc<Value>> {
    let pods = state.store.list(&GroupResource::new("", "pods"), crate::object::namespace(owner));
    let own = pods.filter(|pod| {
        crate::object::is_controlled_by(pod, uid(owner)) && !crate::object::is_being_deleted(pod)
    });
    own.cloned().collect()
}

pub(super) fn is_ready(pod: &Value) -> bool {
    items(pod, &["status", "conditions"])
        .iter()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// A pod of a template.
pub(super) fn pod_from(owner: &Value, template: &Value, name: Option<String>) -> Value {
    let mut metadata = json!({
        "labels": template["metadata"]["labels"], "annotations": template["metadata"]["annotations"],
        "ownerReferences": [crate::object::controller_reference(owner)],
    });
    match name {
        Some(name) => metadata["name"] = name.into(),
        None => metadata["generateName"] = format!("{}-", crate::object::name(owner)).into(),
    }
    json!({ "metadata": metadata, "spec": template["spec"] })
}

pub(super) fn create_pod(state: &mut State, owner: &Value, pod: Value) {
    let Some(definition) = state.definition_of("v1", "Pod") else { return };
    let target = crate::request::Target::of(&definition, crate::object::namespace(owner), "");
    if let Err(error) = super::create(state, &target, pod, MANAGER) {
        tracing::debug!(%error, owner = crate::object::name(owner), "a pod was not made");
    }
}

/// Change an object's status as its controller.
pub(super) fn set_status(state: &mut State, object: &Value, edit: impl FnOnce(&mut Value)) {
    let Some(target) = target_of(state, object) else { return };
    super::change(state, &target, "status", MANAGER, edit);
}

pub(super) fn target_of(state: &State, object: &Value) -> Option<crate::request::Target> {
    let definition = state.definition_of(text(object, &["apiVersion"]), text(object, &["kind"]))?;
    let (namespace, name) = (crate::object::namespace(object), crate::object::name(object));
    Some(crate::request::Target::of(&definition, namespace, name))
}

pub(super) fn delete_now(state: &mut State, object: &Value) {
    let Some(target) = target_of(state, object) else { return };
    let options = crate::delete::DeleteOptions::of_propagation(crate::delete::Propagation::Background);
    // Refused means it is gone already.
    let _refused = crate::delete::delete(state, &target, &options);
}

/// Set a condition; its transition time moves with its status only.
pub(super) fn condition(status: &mut Value, kind: &str, holds: bool, reason: &str, message: &str, now: &str) {
    let mut conditions = items(status, &["conditions"]).to_vec();
    let text = if holds { "True" } else { "False" };
    let before = conditions.iter().position(|condition| condition["type"] == kind);
    let since = before.map(|index| &conditions[index]).filter(|condition| condition["status"] == text);
    let since = since.map_or_else(|| Value::from(now), |condition| condition["lastTransitionTime"].clone());
    let mut new = json!({ "type": kind, "status": text, "lastTransitionTime": since });
    if !reason.is_empty() {
        new["reason"] = reason.into();
        new["message"] = message.into();
    }
    match before {
        Some(index) => {
            for (field, value) in new.as_object().into_iter().flatten() {
                conditions[index][field] = value.clone();
            }
        }
        None => conditions.push(new),
    }
    status["conditions"] = conditions.into();
}

pub(super) fn milliseconds(now: Timestamp) -> i64 {
    now.as_millisecond()
}

/// A short name of a pod template, the same for equal ones.
pub(super) fn template_hash(template: &Value) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(template.to_string());
    hex::encode(digest)[..10].to_owned()
}
