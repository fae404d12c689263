//! Deployments that came up, whatever Belay saw of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::time::Instant;

use crate::administrator::Administrator;
use crate::estate::{Kind, serial};

/// Sees Deployments come up. What it has seen outlives them.
#[derive(Clone, Default)]
pub(crate) struct Rollouts(Arc<Mutex<BTreeMap<Rollout, Instant>>>);

/// A namespace, the name of a Deployment in it, and the change that it is of.
type Rollout = (String, String, u64);

impl Rollouts {
    /// Looks on from now on.
    pub(crate) fn attend(&self, people: &Administrator) {
        let (seen, people) = (self.clone(), people.clone());
        tokio::spawn(async move {
            people.follow("/apis/apps/v1/deployments", move |deployment, _| seen.note(deployment)).await;
        });
    }

    fn note(&self, deployment: &Value) {
        let text = |field: &str| deployment["metadata"][field].as_str().unwrap_or_default().to_owned();
        if let (true, Some(change)) = (is_up(deployment), serial(Kind::Deployment, deployment)) {
            let mut ups = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            ups.entry((text("namespace"), text("name"), change)).or_insert_with(Instant::now);
        }
    }

    /// Whether a Deployment of this change had come up by then.
    pub(crate) fn saw(&self, namespace: &str, name: &str, change: u64, by: Instant) -> bool {
        let ups = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        ups.get(&(namespace.to_owned(), name.to_owned(), change)).is_some_and(|at| *at <= by)
    }
}

/// Whether all pods are of what it says now, and there.
fn is_up(deployment: &Value) -> bool {
    let status = |field: &str| deployment["status"][field].as_i64().unwrap_or_default();
    let wanted = deployment["spec"]["replicas"].as_i64().unwrap_or(1);
    deployment["metadata"]["generation"].as_i64().is_some_and(|now| status("observedGeneration") >= now)
        && status("updatedReplicas") >= wanted
        && status("availableReplicas") >= wanted
}
