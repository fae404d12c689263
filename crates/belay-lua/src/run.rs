//! One run of one script.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use mlua::{HookTriggers, Lua, LuaOptions, MultiValue, VmState};
use serde_json::Value;

use crate::convert::{ConvertError, from_lua, to_lua};
use crate::libraries;

/// Memory that a script may hold.
const MEMORY: usize = 64 << 20;
/// Instructions that a script may take, however quick they are.
const INSTRUCTIONS: u64 = 100_000_000;
/// How long it may take, as in the original.
const TIME: SignedDuration = SignedDuration::from_secs(1);
/// How often the limits are looked at, in instructions.
const STEP: u32 = 10_000;

/// What tells the time.
pub type Clock = fn() -> Timestamp;

/// Which libraries a script sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Libraries {
    /// The language itself, `table` and a harmless `os`.
    Restricted,
    /// Also `string` and `math`. Never `io`, nor what `os` could do outside.
    Open,
}

/// A script, and what it is given besides the object.
#[derive(Debug, Clone, Copy)]
pub struct Script<'a> {
    /// The text.
    pub source: &'a str,
    /// What it may call.
    pub libraries: Libraries,
    /// The table `actionParams`: names and values.
    pub parameters: &'a [(String, String)],
}

/// What a script returned.
#[derive(Debug, Clone, PartialEq)]
pub enum Returned {
    /// Nothing, or `nil`.
    Nothing,
    /// A table. An empty one is an empty array.
    Table(Value),
    /// Something else, by the name of its type.
    Other(&'static str),
}

/// Why a script gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The script is not Lua, or failed.
    #[error("{0}")]
    Script(String),
    /// It took too long.
    #[error("context deadline exceeded")]
    TooLong,
    /// It needed too much memory.
    #[error("the script needs more than {} MiB of memory", MEMORY >> 20)]
    TooMuchMemory,
    /// What it returned is not JSON.
    #[error(transparent)]
    Returned(#[from] ConvertError),
}

/// Runs a script over an object.
pub fn run(script: Script<'_>, object: &Value, clock: Clock) -> Result<Returned, Error> {
    let budget = Arc::new(Budget {
        clock,
        end: clock().saturating_add(TIME).unwrap_or(Timestamp::MAX),
        spent: AtomicU64::new(0),
    });
    let lua = machine(script, object, &budget).map_err(|error| explain(error, &budget))?;
    let chunk = lua.load(script.source).set_name("=<string>").set_mode(mlua::chunk::ChunkMode::Text);
    let answer: MultiValue = chunk.call(()).map_err(|error| explain(error, &budget))?;
    Ok(match answer.into_iter().last() {
        None | Some(mlua::Value::Nil) => Returned::Nothing,
        Some(table @ mlua::Value::Table(_)) => Returned::Table(from_lua(&table)?),
        Some(other) => Returned::Other(other.type_name()),
    })
}

/// What a script may still spend.
pub(crate) struct Budget {
    pub(crate) clock: Clock,
    end: Timestamp,
    spent: AtomicU64,
}

impl Budget {
    fn spend(&self) {
        self.spent.fetch_add(u64::from(STEP), Ordering::Relaxed);
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.spent.load(Ordering::Relaxed) >= INSTRUCTIONS || (self.clock)() > self.end
    }
}

/// A machine of its own for each run: nothing that one script does is seen by another.
fn machine(script: Script<'_>, object: &Value, budget: &Arc<Budget>) -> mlua::Result<Lua> {
    let lua = Lua::new_with(libraries::standard(script.libraries), LuaOptions::default())?;
    lua.set_memory_limit(MEMORY)?;
    libraries::install(&lua, budget)?;
    lua.globals().raw_set("obj", to_lua(&lua, object)?)?;
    let parameters = lua.create_table()?;
    for (name, value) in script.parameters {
        parameters.raw_set(name.as_str(), value.as_str())?;
    }
    lua.globals().raw_set("actionParams", parameters)?;
    let watched = budget.clone();
    lua.set_global_hook(HookTriggers::new().every_nth_instruction(STEP), move |_, _| {
        watched.spend();
        if watched.is_spent() {
            Err(mlua::Error::runtime("context deadline exceeded"))
        } else {
            Ok(VmState::Continue)
        }
    })?;
    Ok(lua)
}

fn explain(error: mlua::Error, budget: &Budget) -> Error {
    if budget.is_spent() {
        return Error::TooLong;
    }
    match &error {
        mlua::Error::MemoryError(_) => Error::TooMuchMemory,
        mlua::Error::CallbackError { cause, .. } => explain(cause.as_ref().clone(), budget),
        mlua::Error::RuntimeError(text) | mlua::Error::SyntaxError { message: text, .. } => {
            let text = text.split("\nstack traceback:").next().unwrap_or_default();
            Error::Script(text.to_owned())
        }
        other => Error::Script(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lua(source: &str, libraries: Libraries) -> Result<Returned, Error> {
        let object = json!({"kind": "Pod", "spec": {"replicas": 3, "none": null, "list": [1, 2]}});
        run(Script { source, libraries, parameters: &[("by".into(), "2".into())] }, &object, Timestamp::now)
    }

    fn value(source: &str) -> Value {
        match lua(source, Libraries::Open) {
            Ok(Returned::Table(value)) => value,
            other => panic!("{source}: {other:?}"),
        }
    }

    fn message(source: &str, libraries: Libraries) -> String {
        lua(source, libraries).map(|_| String::new()).unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn objects_go_in_and_tables_come_out() {
        assert_eq!(value("return obj"), json!({"kind": "Pod", "spec": {"list": [1, 2], "replicas": 3}}));
        assert_eq!(
            value("return {a = obj.spec.replicas / 2, b = {}, c = tostring(3.0)}"),
            json!({"a": 1.5, "b": [], "c": "3"})
        );
        assert_eq!(value("return {tonumber(actionParams.by), unpack({7})}"), json!([2, 7]));
        assert_eq!(lua("return", Libraries::Restricted).unwrap(), Returned::Nothing);
        assert_eq!(lua("return 'a'", Libraries::Restricted).unwrap(), Returned::Other("string"));
        assert_eq!(
            message("return {1, a = 1}", Libraries::Restricted),
            "cannot encode mixed or invalid key types"
        );
        assert_eq!(
            message("local t = {} t.t = t return t", Libraries::Restricted),
            "cannot encode recursively nested tables to JSON"
        );
    }

    #[test]
    fn time_is_utc() {
        let moment = r#"local os = require("os")
            local at = os.time({year = 2024, month = 2, day = 29, hour = 1})
            return {os.date("!%Y-%m-%dT%H:%M:%SZ", at), os.date("*t", at).wday, os.date("%q", at)}"#;
        assert_eq!(value(moment), json!(["2024-02-29T01:00:00Z", 5, "%q"]));
    }

    #[test]
    fn the_outside_is_out_of_reach() {
        for name in [
            "io",
            "os.execute",
            "os.exit",
            "os.getenv",
            "dofile",
            "loadfile",
            "debug",
            "string.dump",
            "package",
        ] {
            let source = format!("if {name} == nil then return {{}} end return 1");
            assert_eq!(lua(&source, Libraries::Open).unwrap(), Returned::Table(json!([])), "{name}");
        }
        assert_eq!(
            message("return ('a'):rep(2)", Libraries::Restricted),
            "<string>:1: attempt to index constant 'a' (a string value)"
        );
        assert!(message("return require('io')", Libraries::Open).contains("module io not found"));
        assert!(message("return load('\\27Lua')()", Libraries::Open).contains("attempt to call a nil value"));
    }

    #[test]
    fn limits_hold_even_against_pcall() {
        for source in [
            "while true do end",
            "while true do pcall(function() while true do end end) end",
            "local function f() return f() end f()",
            "while true do xpcall(function() while true do end end, function() end) end",
        ] {
            assert!(matches!(lua(source, Libraries::Open), Err(Error::TooLong)), "{source}");
        }
        for source in ["return ('x'):rep(1e9)", "local t = {} while true do t[#t + 1] = {} end"] {
            assert!(
                matches!(lua(source, Libraries::Open), Err(Error::TooMuchMemory | Error::TooLong)),
                "{source}"
            );
        }
        let deep = lua("local function f() return 1 + f() end f()", Libraries::Open);
        assert!(deep.is_err());
    }

    #[test]
    fn errors_say_the_line_and_no_stack() {
        assert_eq!(message("\nerror('bad')", Libraries::Restricted), "<string>:2: bad");
        assert!(message("return +", Libraries::Restricted).starts_with("<string>:1: unexpected symbol"));
    }
}
