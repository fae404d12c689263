//! Flux's kinds that nobody works on yet: what their statuses say.

use belay_cluster::{NOT_SUPPORTED, Unbuilt};
use belay_crd::Described;
use belay_flux_api::{Condition, ConditionStatus, KINDS, set_condition, support};
use belay_manifest::Object;
use jiff::Timestamp;
use serde_json::Value;

/// The kinds of which `fields.txt` honours nothing.
pub(crate) fn kinds() -> Vec<Unbuilt> {
    Unbuilt::of(KINDS, support(), status)
}

/// Not ready, and no try will change that.
fn status(status: Value, object: &Object, message: &str, now: Timestamp) -> Value {
    refused(status, object, (NOT_SUPPORTED, message), now)
}

/// A status that says, by a reason and a message, that only a change of the object helps; all else in it stays.
pub(crate) fn refused(
    mut status: Value,
    object: &Object,
    (reason, message): (&str, &str),
    now: Timestamp,
) -> Value {
    let generation = object.value()["metadata"]["generation"].as_i64().unwrap_or_default();
    let mut conditions: Vec<Condition> = Described::read(status["conditions"].take()).unwrap_or_default();
    for (type_, is) in [("Ready", ConditionStatus::False), ("Stalled", ConditionStatus::True)] {
        let condition = Condition::new(type_, is, reason, message, generation);
        set_condition(&mut conditions, condition, now);
    }
    status["conditions"] = conditions.write();
    status["observedGeneration"] = Value::from(generation);
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_built_says_so_once() {
        let kinds = kinds();
        let find = |name: &str| kinds.iter().find(|one| one.kind.kind == name);
        assert!(find("Kustomization").is_none() && find("HelmChart").is_none());
        assert!(find("Alert").is_some_and(|alert| alert.status.is_none()));
        let receiver = json!({"apiVersion": "notification.toolkit.fluxcd.io/v1", "kind": "Receiver",
            "metadata": {"name": "a", "generation": 2}});
        let receiver = Object::new(receiver).expect("a Receiver");
        let told = status(
            json!({"webhookPath": "/hook/x"}),
            &receiver,
            "no",
            "2026-01-01T00:00:00Z".parse().expect("a time"),
        );
        let condition = |type_: &str, is: &str| {
            json!({"type": type_, "status": is, "reason": "NotSupported", "message": "no", "observedGeneration": 2,
                "lastTransitionTime": "2026-01-01T00:00:00Z"})
        };
        assert_eq!(
            told,
            json!({"webhookPath": "/hook/x", "observedGeneration": 2,
                "conditions": [condition("Ready", "False"), condition("Stalled", "True")]})
        );
        assert_eq!(
            status(told.clone(), &receiver, "no", "2026-01-02T00:00:00Z".parse().expect("a time")),
            told
        );
    }
}
