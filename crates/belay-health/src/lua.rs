//! Health that Lua decides: users' overrides, and the few kinds of ours that a table cannot say.

use belay_lua::{Libraries, Returned, Script};
use jiff::Timestamp;
use serde_json::Value;

use crate::argo::{Health, Override, Status};

/// What a script says that returned no status that exists.
const INVALID: &str = "Lua returned an invalid health status";

/// Runs a script over an object. No verdict is no health; a script that fails is a verdict, too.
pub(crate) fn evaluate(own: Override<'_>, object: &Value) -> Option<Health> {
    let libraries = if own.open_libraries { Libraries::Open } else { Libraries::Restricted };
    let script = Script { source: own.script, libraries, parameters: &[] };
    let unknown = |message: String| Some(Health { status: Status::Unknown, message });
    match belay_lua::run(script, object, own.clock) {
        Ok(Returned::Nothing) => None,
        Ok(Returned::Table(Value::Array(_))) => None,
        Ok(Returned::Table(verdict)) => match verdict["status"].as_str().and_then(Status::from_name) {
            Some(status) => {
                Some(Health { status, message: verdict["message"].as_str().unwrap_or_default().to_owned() })
            }
            None => unknown(INVALID.to_owned()),
        },
        Ok(Returned::Other(kind)) => unknown(format!("expect table output from Lua script, not {kind}")),
        Err(error) => unknown(error.to_string()),
    }
}

/// A script of ours: it asks for no time.
pub(crate) fn built_in(script: &str, object: &Value) -> Option<Health> {
    evaluate(Override { script, open_libraries: true, clock: || Timestamp::UNIX_EPOCH }, object)
}

#[cfg(test)]
mod tests {
    use belay_manifest::Object;
    use serde_json::json;

    use super::*;
    use crate::argo::evaluate_with;

    fn judge(script: &str, open_libraries: bool) -> Option<Health> {
        let object = json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"},
            "status": {"ready": 1, "state": "Up"}});
        let own = Override { script, open_libraries, clock: Timestamp::now };
        evaluate_with(&Object::new(object).unwrap(), Some(own))
    }

    fn said(script: &str, open_libraries: bool) -> String {
        let health = judge(script, open_libraries).expect("a verdict");
        format!("{}: {}", health.status.as_str(), health.message)
    }

    #[test]
    fn scripts_of_the_installation_decide() {
        let script = "hs = {} if obj.status.ready > 0 then hs.status = 'Healthy' hs.message = 'is ' .. obj.status.state end return hs";
        assert_eq!(said(script, false), "Healthy: is Up");
        assert_eq!(judge("return nil", false), None);
        assert_eq!(judge("return {}", false), None);
    }

    #[test]
    fn what_is_no_verdict_is_unknown() {
        let invalid = "Unknown: Lua returned an invalid health status";
        assert_eq!(said("return {status = 'Fine'}", false), invalid);
        assert_eq!(said("return {message = 'a'}", false), invalid);
        assert_eq!(
            said("return 'Healthy'", false),
            "Unknown: expect table output from Lua script, not string"
        );
        assert_eq!(said("while true do end", false), "Unknown: context deadline exceeded");
    }

    #[test]
    fn libraries_are_opened_on_demand() {
        let script = "return {status = 'Healthy', message = string.upper(obj.status.state)}";
        assert_eq!(said(script, true), "Healthy: UP");
        assert!(said(script, false).starts_with("Unknown: <string>:1: attempt to index global 'string'"));
    }

    #[test]
    fn what_is_deleted_is_pending_whatever_a_script_says() {
        let mut object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "deletionTimestamp": "2026-01-01T00:00:00Z"}});
        let own =
            Override { script: "return {status = 'Healthy'}", open_libraries: false, clock: Timestamp::now };
        let judge = |object: &Value| evaluate_with(&Object::new(object.clone()).unwrap(), Some(own)).unwrap();
        assert_eq!(judge(&object).message, "Pending deletion");
        // A hook is held until its sync has seen how it ended.
        object["metadata"]["finalizers"] = json!(["argocd.argoproj.io/hook-finalizer"]);
        assert_eq!(judge(&object).status, Status::Healthy);
    }
}
