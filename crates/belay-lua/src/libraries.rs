//! What scripts may call.

use std::sync::Arc;

use mlua::{Lua, StdLib, Table};

use crate::run::{Budget, Libraries};
use crate::time;

/// What is taken away, and what Lua 5.1 had and 5.2 has not. A spent budget goes through every `pcall`.
const PRELUDE: &str = r#"
local is_spent, os = ...
local pcall, xpcall, load, error, pack = pcall, xpcall, load, error, table.pack
local unpack_table = table.unpack
dofile, loadfile, collectgarbage = nil, nil, nil
print = function() end
unpack = unpack_table
table.getn = function(list) return #list end
table.maxn = function(list)
  local most = 0
  for key in pairs(list) do
    if type(key) == "number" and key > most then most = key end
  end
  return most
end
local function passed(results)
  if is_spent() then error("context deadline exceeded", 0) end
  return unpack_table(results, 1, results.n)
end
_G.pcall = function(...) return passed(pack(pcall(...))) end
_G.xpcall = function(...) return passed(pack(xpcall(...))) end
_G.load = function(chunk, name, _, ...) return load(chunk, name, "t", ...) end
loadstring = function(text, name) return load(text, name, "t") end
_G.os = os
local loaded = { os = os, table = table, string = string, math = math, _G = _G }
require = function(name)
  local library = loaded[name]
  if library == nil then error("module " .. tostring(name) .. " not found", 2) end
  return library
end
"#;

/// The parts of the standard library that are opened.
pub(crate) fn standard(libraries: Libraries) -> StdLib {
    match libraries {
        Libraries::Restricted => StdLib::TABLE,
        Libraries::Open => StdLib::TABLE | StdLib::STRING | StdLib::MATH,
    }
}

/// Puts the rest into the globals.
pub(crate) fn install(lua: &Lua, budget: &Arc<Budget>) -> mlua::Result<()> {
    let watched = budget.clone();
    let is_spent = lua.create_function(move |_, ()| Ok(watched.is_spent()))?;
    let os = os(lua, budget)?;
    lua.load(PRELUDE).set_name("=prelude").call::<()>((is_spent, os))?;
    if let Ok(string) = lua.globals().raw_get::<Table>("string") {
        string.raw_set("dump", mlua::Value::Nil)?;
    }
    Ok(())
}

/// The harmless part of `os`.
fn os(lua: &Lua, budget: &Arc<Budget>) -> mlua::Result<Table> {
    let os = lua.create_table()?;
    let clock = budget.clock;
    os.raw_set(
        "time",
        lua.create_function(move |_, parts: Option<Table>| time::time(clock, parts.as_ref()))?,
    )?;
    let date =
        move |lua: &Lua, (format, at): (Option<String>, Option<f64>)| time::date(lua, clock, format, at);
    os.raw_set("date", lua.create_function(date)?)?;
    Ok(os)
}
