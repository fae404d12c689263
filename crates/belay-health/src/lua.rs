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
