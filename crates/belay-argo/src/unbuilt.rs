//! Argo CD's kinds that nobody works on yet: what their statuses say.

use belay_argo_api::{KINDS, support};
use belay_cluster::{NOT_SUPPORTED, Unbuilt};
use belay_manifest::Object;
use jiff::Timestamp;
use serde_json::{Value, json};

/// The condition by which an ApplicationSet tells of a problem.
const ERROR: &str = "ErrorOccurred";

/// The kinds of which `fields.txt` honours nothing.
pub(crate) fn kinds() -> Vec<Unbuilt> {
    Unbuilt::of(KINDS, support(), status)
}

/// As an ApplicationSet says that something is wrong with it.
fn status(mut status: Value, _object: &Object, message: &str, now: Timestamp) -> Value {
    let known = status["conditions"].as_array().cloned().unwrap_or_default();
    let says_so = |condition: &&Value| {
        condition["type"] == ERROR && condition["status"] == "True" && condition["message"] == message
    };
    let condition = known.iter().find(says_so).cloned().unwrap_or_else(|| {
        json!({
            "type": ERROR, "status": "True", "reason": NOT_SUPPORTED, "message": message,
            "lastTransitionTime": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        })
    });
    let others = known.into_iter().filter(|condition| condition["type"] != ERROR);
    status["conditions"] = others.chain([condition]).collect();
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_set_says_so_once() {
        let kinds = kinds();
        assert_eq!(kinds.iter().map(|one| one.kind.kind.as_str()).collect::<Vec<_>>(), ["ApplicationSet"]);
        let set = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "metadata": {"name": "a"}});
        let set = Object::new(set).expect("an ApplicationSet");
        let told = status(json!({}), &set, "no", "2026-01-01T00:00:00.5Z".parse().expect("a time"));
        assert_eq!(
            told,
            json!({"conditions": [{"type": "ErrorOccurred", "status": "True", "reason": "NotSupported",
                "message": "no", "lastTransitionTime": "2026-01-01T00:00:00Z"}]})
        );
        assert_eq!(status(told.clone(), &set, "no", "2026-01-02T00:00:00Z".parse().expect("a time")), told);
    }
}
