//! Deployments make ReplicaSets, ReplicaSets make Pods.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Dirty, MANAGER, condition, create_pod, delete_now, is_ready, pod_from, pods_of, set_status, target_of,
    template_hash, to_see,
};
use crate::cluster::State;
use crate::object::{
    generation, is_being_deleted, is_controlled_by, name, namespace, number, set, text, uid,
};
use crate::request::Target;
use crate::store::GroupResource;

const HASH: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";

pub(super) fn deployments(state: &mut State, dirty: &Dirty) {
    for deployment in to_see(state, "apps", "deployments", dirty) {
        roll_out(state, &deployment);
    }
}

fn own_sets(state: &State, deployment: &Value) -> Vec<Arc<Value>> {
    let sets = state.store.list(&GroupResource::new("apps", "replicasets"), namespace(deployment));
    let own = sets.filter(|set| is_controlled_by(set, uid(deployment)) && !is_being_deleted(set));
    own.cloned().collect()
}

fn roll_out(state: &mut State, deployment: &Value) {
    let hash = template_hash(&deployment["spec"]["template"]);
    let sets = own_sets(state, deployment);
    let wanted = replicas(deployment);
    let Some(current) = sets.iter().find(|set| text(set, &["metadata", "labels", HASH]) == hash) else {
        if deployment["spec"]["paused"] != true {
            new_set(state, deployment, &hash, wanted, sets.len());
        }
        return;
    };
    scale(state, current, wanted);
    // Old pods stay until the new ones are ready, unless the strategy is to replace them.
    let recreate = text(deployment, &["spec", "strategy", "type"]) == "Recreate";
    let old: Vec<&Arc<Value>> = sets.iter().filter(|set| uid(set) != uid(current)).collect();
    if recreate || number(current, &["status", "readyReplicas"]).unwrap_or(0) >= wanted {
        old.iter().for_each(|set| scale(state, set, 0));
    }
    report(state, deployment, current, &old);
}

fn replicas(object: &Value) -> i64 {
    number(object, &["spec", "replicas"]).unwrap_or(1)
}

fn new_set(state: &mut State, deployment: &Value, hash: &str, wanted: i64, before: usize) {
    let mut template = deployment["spec"]["template"].clone();
    set(&mut template, &["metadata", "labels", HASH], hash.into());
    let mut selector = deployment["spec"]["selector"].clone();
    set(&mut selector, &["matchLabels", HASH], hash.into());
    let revision = (before + 1).to_string();
    let object = json!({
        "metadata": {
            "name": format!("{}-{hash}", name(deployment)), "labels": template["metadata"]["labels"],
            "annotations": { REVISION: revision },
            "ownerReferences": [crate::object::controller_reference(deployment)],
        },
        "spec": { "replicas": wanted, "selector": selector, "template": template },
    });
    let Some(definition) = state.definition_of("apps/v1", "ReplicaSet") else { return };
    let target = Target::of(&definition, namespace(deployment), "");
    if let Err(error) = super::super::create(state, &target, object, MANAGER) {
        tracing::debug!(%error, deployment = name(deployment), "a replica set was not made");
    }
    if let Some(target) = target_of(state, deployment) {
        super::super::change(state, &target, "", MANAGER, |object| {
            set(object, &["metadata", "annotations", REVISION], revision.into());
        });
    }
}

fn scale(state: &mut State, replica_set: &Value, wanted: i64) {
    if replicas(replica_set) == wanted {
        return;
    }
    if let Some(target) = target_of(state, replica_set) {
        super::super::change(state, &target, "", MANAGER, |object| {
            set(object, &["spec", "replicas"], wanted.into())
        });
    }
}

fn report(state: &mut State, deployment: &Value, current: &Value, old: &[&Arc<Value>]) {
    let count = |set: &Value, field: &str| number(set, &["status", field]).unwrap_or(0);
    let sum = |field: &str| count(current, field) + old.iter().map(|set| count(set, field)).sum::<i64>();
    let (total, ready, updated) = (sum("replicas"), sum("readyReplicas"), count(current, "replicas"));
    let wanted = replicas(deployment);
    let complete = updated >= wanted && total == updated && ready >= wanted;
    let set_name = name(current).to_owned();
    let now = state.clock.seconds();
    let observed = generation(deployment);
    let allowed = allowed_unavailable(deployment, wanted);
    set_status(state, deployment, |object| {
        let status = &mut object["status"];
        status["observedGeneration"] = observed.into();
        for (field, value) in [
            ("replicas", total),
            ("updatedReplicas", updated),
            ("readyReplicas", ready),
            ("availableReplicas", ready),
            ("unavailableReplicas", (wanted - ready).max(0)),
        ] {
            put_count(status, field, value);
        }
        if ready >= wanted - allowed {
            condition(
                status,
                "Available",
                true,
                "MinimumReplicasAvailable",
                "Deployment has minimum availability.",
                &now,
            );
        } else {
            let message = "Deployment does not have minimum availability.";
            condition(status, "Available", false, "MinimumReplicasUnavailable", message, &now);
        }
        let (reason, message) = if complete {
            ("NewReplicaSetAvailable", format!("ReplicaSet \"{set_name}\" has successfully progressed."))
        } else {
            ("ReplicaSetUpdated", format!("ReplicaSet \"{set_name}\" is progressing."))
        };
        condition(status, "Progressing", true, reason, &message, &now);
    });
}

/// A count of zero is left out, as the API writes it.
pub(super) fn put_count(status: &mut Value, field: &str, value: i64) {
    if value == 0 {
        crate::object::remove(status, &[field]);
    } else {
        status[field] = value.into();
    }
}

fn allowed_unavailable(deployment: &Value, wanted: i64) -> i64 {
    match &deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] {
        Value::Number(number) => number.as_i64().unwrap_or(0),
        Value::String(text) => text.trim_end_matches('%').parse::<i64>().unwrap_or(0) * wanted / 100,
        _ => 0,
    }
}

pub(super) fn replica_sets(state: &mut State, dirty: &Dirty) {
    for replica_set in to_see(state, "apps", "replicasets", dirty) {
        let pods = pods_of(state, &replica_set);
        let wanted = usize::try_from(replicas(&replica_set)).unwrap_or(0);
        for _ in pods.len()..wanted {
            create_pod(state, &replica_set, pod_from(&replica_set, &replica_set["spec"]["template"], None));
        }
        // Those that are not ready go first.
        let mut extra: Vec<&Arc<Value>> = pods.iter().collect();
        extra.sort_by_key(|pod| is_ready(pod));
        for pod in extra.iter().take(pods.len().saturating_sub(wanted)) {
            delete_now(state, pod);
        }
        let pods = pods_of(state, &replica_set);
        let (total, ready) = (count(pods.len()), count(pods.iter().filter(|pod| is_ready(pod)).count()));
        let observed = generation(&replica_set);
        set_status(state, &replica_set, |object| {
            let status = &mut object["status"];
            status["replicas"] = total.into();
            status["observedGeneration"] = observed.into();
            for (field, value) in
                [("fullyLabeledReplicas", total), ("readyReplicas", ready), ("availableReplicas", ready)]
            {
                put_count(status, field, value);
            }
        });
    }
}

pub(super) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
