//! Objects that hold other types than their kind has: what their statuses say. No API server takes one in, but what was
//! stored under an earlier definition, or beside the API, stays as it is.
//!
//! Guarantees: nothing is applied or pruned for such an object; of its status only the conditions, the generation and
//! the answer to a request are written; it is told of once; a change of the object brings the next look.

use std::collections::BTreeMap;

use belay_cluster::Severity;
use belay_crd::{Described, FieldError};
use belay_flux_api::{Condition, ConditionStatus, find_condition, remove_condition};
use belay_ledger::{Decision, Entry, Rule, Trigger};
use belay_manifest::Object;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::context::{Context, HELM_GROUP, KUSTOMIZE_GROUP, SOURCE_GROUP};
use crate::unbuilt::refused;
use crate::{helm_release, report, repository, write};

/// The reason of a spec that its kind's rules do not allow.
const REASON: &str = "ValidationFailed";

/// Reads an object as its kind. Where that cannot be, its status and an Event say why.
pub(crate) async fn read<T: Described>(context: &Context, object: &Object) -> Option<T> {
    match T::read(object.value().clone()) {
        Ok(read) => Some(read),
        Err(error) => {
            leave::<T>(context, object, &error).await;
            None
        }
    }
}

/// Leaves an object as it is, and says why.
async fn leave<T: Described>(context: &Context, object: &Object, error: &FieldError) {
    let (key, metadata) = (object.key(), &object.value()["metadata"]);
    let is_suspended = object.value()["spec"]["suspend"] == true;
    let is_going = !metadata["deletionTimestamp"].is_null();
    // Nothing of a source is left behind, and what is suspended is not cleaned up after.
    if is_going && (is_suspended || key.group == SOURCE_GROUP) {
        write::finalizer(context, object, manager(&key.group), false).await;
        return;
    }
    if is_suspended {
        return;
    }
    let message = error.to_string();
    context.note_failure(&key);
    note(context, object, &message);
    let is_news = !is_told(&object.value()["status"], &message);
    let status = status(object, &message, belay_cluster::now());
    write::status(context, object, manager(&key.group), &status).await;
    let told = Some((object.uid().to_owned(), message.clone()));
    if is_news && !context.recall(&key, |memory| memory.unreadable == told) {
        tracing::warn!(object = %key, message, "cannot be read");
        context.event(object, Severity::Warning, REASON, &message, &BTreeMap::new()).await;
    }
    context.remember(&key, |memory| memory.unreadable = told);
    // What could not be read may have been the conditions, which are others now.
    if context.live.get(&key).is_some_and(|now| T::read(now.value().clone()).is_ok()) {
        context.queue.add(key);
    }
}

/// Who writes the statuses of a group's kinds.
fn manager(group: &str) -> &'static str {
    match group {
        KUSTOMIZE_GROUP => report::MANAGER,
        HELM_GROUP => helm_release::MANAGER,
        _ => repository::MANAGER,
    }
}

fn conditions(status: &Value) -> Vec<Condition> {
    Described::read(status["conditions"].clone()).unwrap_or_default()
}

fn is_told(status: &Value, message: &str) -> bool {
    find_condition(&conditions(status), "Ready").is_some_and(|ready| {
        ready.status == ConditionStatus::False && ready.reason == REASON && ready.message == message
    })
}

/// The status with a word about what cannot be read; all else in it stays.
fn status(object: &Object, message: &str, now: Timestamp) -> Value {
    let known = object.value().get("status").filter(|status| status.is_object());
    let mut status = refused(known.cloned().unwrap_or_else(|| json!({})), object, (REASON, message), now);
    let mut conditions = conditions(&status);
    remove_condition(&mut conditions, "Reconciling");
    status["conditions"] = conditions.write();
    if let Some(token) = object.annotation(write::REQUESTED_AT) {
        status["lastHandledReconcileAt"] = Value::from(token);
    }
    status
}

/// Notes of an app that it was left as it is.
fn note(context: &Context, object: &Object, message: &str) {
    let family = match object.gvk().group.as_str() {
        KUSTOMIZE_GROUP => "ks",
        HELM_GROUP => "hr",
        _ => return,
    };
    context.settings.ledger.record(Entry {
        time: belay_cluster::now(),
        app: format!("{family}/{}/{}", object.namespace(), object.name()),
        revision: String::new(),
        trigger: Trigger::Look,
        decision: Decision::Leave { rule: Rule::Failure, message: message.to_owned() },
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_flux_api::{GitRepository, HelmChart, HelmRelease, Kustomization};

    fn stored(spec: Value, status: Value) -> Object {
        let metadata = json!({"name": "web", "namespace": "prod", "generation": 3,
            "annotations": {"reconcile.fluxcd.io/requestedAt": "token"}});
        let value = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": metadata, "spec": spec, "status": status});
        Object::new(value).expect("an object")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn fault<T: Described>(spec: Value) -> String {
        let read = T::read(stored(spec, Value::Null).value().clone());
        read.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn bad_m4_the_field_is_named_and_its_value_is_not() {
        assert_eq!(
            fault::<Kustomization>(json!({"prune": "canary"})),
            "spec.prune: expected a boolean, found a string"
        );
        assert_eq!(
            fault::<Kustomization>(json!({"postBuild": {"substitute": {"password": ["canary"]}}})),
            "spec.postBuild.substitute.password: expected a string, found a list"
        );
        assert_eq!(
            fault::<HelmRelease>(json!({"install": {"remediation": {"retries": 1.5}}})),
            "spec.install.remediation.retries: expected an integer, found a number"
        );
        assert_eq!(
            fault::<HelmChart>(json!({"valuesFiles": "a"})),
            "spec.valuesFiles: expected a list, found a string"
        );
        assert_eq!(fault::<GitRepository>(json!([])), "spec: expected an object, found a list");
        // `null` is what a field has that is not there.
        assert_eq!(fault::<GitRepository>(json!({"ref": null, "interval": null})), "");
    }

    #[test]
    fn bad_m4_a_status_says_so_once_and_loses_nothing() {
        let ready = json!({"type": "Ready", "status": "True", "reason": "ReconciliationSucceeded", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z"});
        let retrying = json!({"type": "Reconciling", "status": "True", "reason": "ProgressingWithRetry",
            "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"});
        let inventory = json!({"entries": [{"id": "prod_settings__ConfigMap", "v": "v1"}]});
        let known = json!({"conditions": [ready, retrying], "inventory": inventory, "observedGeneration": 2});
        let message = "spec.prune: expected a boolean, found a string";
        let object = stored(json!({"prune": "yes"}), known);
        assert!(!is_told(&object.value()["status"], message));
        let told = status(&object, message, at("2026-01-02T00:00:00Z"));
        let condition = |type_: &str, is: &str| {
            json!({"type": type_, "status": is, "reason": REASON, "message": message, "observedGeneration": 3,
                "lastTransitionTime": "2026-01-02T00:00:00Z"})
        };
        assert_eq!(
            told,
            json!({"conditions": [condition("Ready", "False"), condition("Stalled", "True")],
                "inventory": inventory, "observedGeneration": 3, "lastHandledReconcileAt": "token"})
        );
        assert!(is_told(&told, message));
        let object = stored(json!({"prune": "yes"}), told.clone());
        assert_eq!(status(&object, message, at("2026-01-03T00:00:00Z")), told);
    }

    #[test]
    fn bad_m4_a_status_that_is_no_status_is_replaced() {
        for known in [json!("done"), json!([1]), Value::Null, json!({"conditions": "all good"})] {
            let told = status(&stored(json!({}), known), "no", at("2026-01-02T00:00:00Z"));
            assert!(is_told(&told, "no"), "{told}");
        }
    }
}
