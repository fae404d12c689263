//! What a cluster does by itself, after writes: names of new kinds, garbage, namespaces, workloads.

mod accounts;
pub(crate) mod definitions;
mod garbage;
mod namespaces;
mod protection;
mod workloads;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::cluster::{Cluster, State};
use crate::request::Target;
use crate::status::ApiError;
use crate::store::{Change, GroupResource};
use crate::write::{Options, UnknownFields, Writer, Written};

/// The task of the controllers; it ends with this value.
#[derive(Debug)]
pub(crate) struct Tasks(JoinHandle<()>);

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Changes since the last look.
pub(crate) type Changes = [(GroupResource, Arc<Change>)];

pub(crate) fn spawn(cluster: &Arc<Cluster>, simulate_workloads: bool) -> Tasks {
    if simulate_workloads {
        cluster.with(make_node);
    }
    Tasks(tokio::spawn(run(cluster.clone(), simulate_workloads)))
}

async fn run(cluster: Arc<Cluster>, simulate_workloads: bool) {
    let mut garbage = garbage::Collector::default();
    let mut workloads = workloads::Simulator::default();
    loop {
        let wait = cluster.with(|state| {
            let changes = state.store.take_unseen();
            garbage.step(state, &changes);
            namespaces::step(state, &changes);
            definitions::step(state, &changes);
            accounts::step(state, &changes);
            protection::step(state, &changes);
            if simulate_workloads { workloads.step(state, &changes) } else { None }
        });
        let pause = wait.unwrap_or(Duration::from_secs(3600));
        tokio::select! {
            biased;
            () = cluster.changed.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// What is there before the first request.
pub(crate) fn bootstrap(cluster: &Cluster) {
    cluster.with(|state| {
        for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
            make(state, "v1", "Namespace", "", json!({ "metadata": { "name": name } }));
        }
        let service = json!({
            "metadata": { "name": "kubernetes", "labels": { "component": "apiserver", "provider": "kubernetes" } },
            "spec": { "clusterIP": "10.96.0.1", "ports": [{ "name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443 }] },
        });
        make(state, "v1", "Service", "default", service);
        let admin = json!({ "metadata": { "name": "cluster-admin" }, "rules": [
            { "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] },
            { "nonResourceURLs": ["*"], "verbs": ["*"] },
        ]});
        make(state, "rbac.authorization.k8s.io/v1", "ClusterRole", "", admin);
        for (name, value) in [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)] {
            make(state, "scheduling.k8s.io/v1", "PriorityClass", "", json!({ "metadata": { "name": name }, "value": value }));
        }
    });
}

/// The one node that simulated pods run on.
fn make_node(state: &mut State) {
    let labels = json!({ "kubernetes.io/hostname": "localkube", "kubernetes.io/os": "linux" });
    make(state, "v1", "Node", "", json!({ "metadata": { "name": "localkube", "labels": labels } }));
    let Some(definition) = state.definition_of("v1", "Node") else { return };
    let now = state.clock.seconds();
    let target = Target::of(&definition, "", "localkube");
    change(state, &target, "", "kube-controller-manager", |node| {
        crate::object::remove(node, &["spec", "taints"]);
    });
    change(state, &Target::of(&definition, "", "localkube"), "status", "kubelet", |node| {
        let resources = json!({ "cpu": "8", "memory": "16Gi", "pods": "10000" });
        let status = &mut node["status"];
        status["capacity"] = resources.clone();
        status["allocatable"] = resources;
        status["nodeInfo"]["kubeletVersion"] = "v1.34.4".into();
        status["conditions"] = json!([{ "type": "Ready", "status": "True", "reason": "KubeletReady",
            "message": "kubelet is posting ready status", "lastHeartbeatTime": now, "lastTransitionTime": now }]);
    });
}

/// Create an object if it is not there.
pub(super) fn make(state: &mut State, api_version: &str, kind: &str, namespace: &str, object: Value) {
    let Some(definition) = state.definition_of(api_version, kind) else { return };
    let target = Target::of(&definition, namespace, crate::object::name(&object));
    if state.live(&definition, namespace, &target.name).is_ok() {
        return;
    }
    report(create(state, &target, object, "kube-apiserver"), &target);
}

/// Create as a controller.
pub(crate) fn create(
    state: &mut State,
    target: &Target,
    object: Value,
    manager: &str,
) -> Result<Written, ApiError> {
    let options = options(manager);
    let target = Target { name: String::new(), ..target.clone() };
    Writer { state, target: &target, options: &options }.create(object)
}

/// Change an object as a controller does; nothing is written when nothing changes.
pub(crate) fn change(
    state: &mut State,
    target: &Target,
    subresource: &str,
    manager: &str,
    edit: impl FnOnce(&mut Value),
) {
    let target = Target { subresource: subresource.to_owned(), ..target.clone() };
    let Ok(live) = state.live(&target.definition, &target.namespace, &target.name) else { return };
    let mut object = (*live).clone();
    edit(&mut object);
    if object == *live {
        return;
    }
    object["apiVersion"] = target.api_version().into();
    let options = options(manager);
    report(Writer { state, target: &target, options: &options }.update(object), &target);
}

fn options(manager: &str) -> Options {
    Options { manager: manager.to_owned(), unknown: UnknownFields::Ignore, ..Options::default() }
}

/// A controller's write that fails is tried again with the next change.
fn report(result: Result<Written, ApiError>, target: &Target) {
    if let Err(error) = result {
        tracing::debug!(%error, name = target.name, "a controller's write was refused");
    }
}
