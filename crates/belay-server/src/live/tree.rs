//! The resource tree: managed objects, and what they own by owner references.

use std::collections::BTreeSet;
use std::sync::Arc;

use belay_health::{argo, kstatus};
use belay_manifest::{Object, ObjectKey};
use serde_json::Value;

use super::Sight;
use super::argo::{items, text};
use crate::app::{Health, Sync};
use crate::detail::{Edge, Tree, TreeNode};
use crate::shown;

/// Most objects of a tree.
const MOST_NODES: usize = 5_000;
/// Owners of owners of owners.
const DEEPEST: usize = 8;

/// The tree below an app's resource.
pub(crate) fn build(sight: &Sight, root: TreeNode, managed: Vec<(ObjectKey, Sync)>) -> Tree {
    let mut growing = Growing { sight, tree: Tree::default(), seen: BTreeSet::new() };
    let root_id = root.id.clone();
    growing.seen.insert(root_id.clone());
    growing.tree.nodes.push(root);
    let mut roots = Vec::new();
    for (key, sync) in managed {
        let live = sight.live.get(&key);
        if growing.add(&root_id, node(&key, live.as_deref(), Some(sync))) {
            roots.extend(live);
        }
    }
    for object in roots {
        growing.children(&object, DEEPEST);
    }
    growing.tree
}

struct Growing<'a> {
    sight: &'a Sight,
    tree: Tree,
    seen: BTreeSet<String>,
}

impl Growing<'_> {
    fn add(&mut self, owner: &str, node: TreeNode) -> bool {
        if !self.seen.insert(node.id.clone()) {
            return false;
        }
        if self.tree.nodes.len() >= MOST_NODES {
            self.tree.left_out += 1;
            return false;
        }
        self.tree.edges.push(Edge { from: owner.to_owned(), to: node.id.clone() });
        self.tree.nodes.push(node);
        true
    }

    fn children(&mut self, owner: &Object, depth: usize) {
        if depth == 0 || owner.uid().is_empty() {
            return;
        }
        let owner_id = id(&owner.key());
        let children: Vec<Arc<Object>> = self.sight.live.children(owner.uid());
        for child in children {
            if is_old_replica_set(&child) {
                self.tree.folded += 1;
            } else if self.add(&owner_id, node(&child.key(), Some(&child), None)) {
                self.children(&child, depth - 1);
            }
        }
    }
}

/// The node of an object, live or missing. `sync` is given for what Git names.
pub(crate) fn node(key: &ObjectKey, live: Option<&Object>, sync: Option<Sync>) -> TreeNode {
    let (health, message) = match live {
        Some(live) => health(live).map_or((None, String::new()), |(health, message)| (Some(health), message)),
        None => (Some(Health::Missing), "it is not in the cluster".to_owned()),
    };
    TreeNode {
        id: id(key),
        object: key.clone(),
        managed: sync.is_some(),
        sync,
        health,
        message,
        created: live.map(|live| text(live.value(), "/metadata/creationTimestamp")).unwrap_or_default(),
        info: live.map(info).unwrap_or_default(),
    }
}

/// `Deployment.apps/default/web`.
pub(crate) fn id(key: &ObjectKey) -> String {
    format!("{}/{}/{}", key.kind_and_group(), key.namespace, key.name)
}

/// Argo CD's rules; Flux's own kinds, which these do not know, by kstatus.
pub(crate) fn health(object: &Object) -> Option<(Health, String)> {
    if let Some(health) = argo::evaluate(object) {
        return Some((health.status.into(), shown::text(&health.message)));
    }
    if !object.gvk().group.ends_with(".fluxcd.io") {
        return None;
    }
    let verdict = kstatus::evaluate(object, belay_cluster::now());
    let health = match verdict.status {
        kstatus::Status::Current => Health::Healthy,
        kstatus::Status::InProgress | kstatus::Status::Terminating => Health::Progressing,
        kstatus::Status::Failed => Health::Degraded,
        kstatus::Status::Unknown => Health::Unknown,
    };
    Some((health, shown::text(&verdict.message)))
}

/// A ReplicaSet of an earlier revision: kept for rollbacks, of no interest here.
fn is_old_replica_set(object: &Object) -> bool {
    let count = |pointer: &str| object.value().pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
    object.kind() == "ReplicaSet" && count("/spec/replicas") == 0 && count("/status/replicas") == 0
}

fn info(object: &Object) -> Vec<String> {
    let value = object.value();
    let number = |pointer: &str| value.pointer(pointer).and_then(Value::as_i64);
    match object.kind() {
        "Deployment" | "StatefulSet" | "ReplicaSet" => {
            let ready = number("/status/readyReplicas").unwrap_or(0);
            let mut info = vec![format!("{ready}/{} ready", number("/spec/replicas").unwrap_or(1))];
            info.extend(images(value, "/spec/template/spec/containers"));
            info
        }
        "DaemonSet" => {
            let wanted = number("/status/desiredNumberScheduled").unwrap_or(0);
            vec![format!("{}/{wanted} ready", number("/status/numberReady").unwrap_or(0))]
        }
        "Pod" => {
            let ready =
                items(value, "/status/containerStatuses").filter(|status| status["ready"] == true).count();
            let all = items(value, "/spec/containers").count();
            let mut info = vec![format!("{ready}/{all} ready"), text(value, "/status/phase")];
            let restarts: i64 = items(value, "/status/containerStatuses")
                .filter_map(|status| status["restartCount"].as_i64())
                .sum();
            if restarts > 0 {
                info.push(format!("{restarts} restarts"));
            }
            info
        }
        "Service" => vec![text(value, "/spec/type")].into_iter().filter(|kind| !kind.is_empty()).collect(),
        "Job" => vec![format!("{} succeeded", number("/status/succeeded").unwrap_or(0))],
        _ => Vec::new(),
    }
}

fn images(value: &Value, pointer: &str) -> Vec<String> {
    let images = items(value, pointer).filter_map(|container| container["image"].as_str());
    images.map(|image| image.rsplit('/').next().unwrap_or(image).to_owned()).collect()
}
