//! JSON into Lua and back, as gopher-json does it.

use mlua::{Lua, Table};
use serde_json::{Map, Number, Value};

/// How deep a returned table may be nested.
const DEPTH: usize = 200;

/// Why a Lua value is not JSON.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// A function, say.
    #[error("cannot encode {0} to JSON")]
    Kind(&'static str),
    /// Keys that are neither all text nor 1, 2, 3, …
    #[error("cannot encode mixed or invalid key types")]
    Keys,
    /// Numbers with gaps as keys.
    #[error("cannot encode sparse array")]
    Sparse,
    /// A table within itself, or nearly so.
    #[error("cannot encode recursively nested tables to JSON")]
    Nested,
    /// Not a number that JSON knows.
    #[error("json: unsupported value: {0}")]
    Number(f64),
    /// Text that is not UTF-8.
    #[error("cannot encode text that is not UTF-8")]
    Text,
}

/// Nulls are absent in Lua.
pub(crate) fn to_lua(lua: &Lua, value: &Value) -> mlua::Result<mlua::Value> {
    Ok(match value {
        Value::Null => mlua::Value::Nil,
        Value::Bool(value) => mlua::Value::Boolean(*value),
        Value::Number(number) => mlua::Value::Number(number.as_f64().unwrap_or_default()),
        Value::String(text) => mlua::Value::String(lua.create_string(text)?),
        Value::Array(items) => {
            let table = lua.create_table_with_capacity(items.len(), 0)?;
            for item in items.iter().filter(|item| !item.is_null()) {
                table.raw_push(to_lua(lua, item)?)?;
            }
            mlua::Value::Table(table)
        }
        Value::Object(entries) => {
            let table = lua.create_table_with_capacity(0, entries.len())?;
            for (name, item) in entries {
                table.raw_set(name.as_str(), to_lua(lua, item)?)?;
            }
            mlua::Value::Table(table)
        }
    })
}

/// An empty table is an empty array: Lua cannot tell them apart.
pub(crate) fn from_lua(value: &mlua::Value) -> Result<Value, ConvertError> {
    nested(value, 0)
}

fn nested(value: &mlua::Value, depth: usize) -> Result<Value, ConvertError> {
    if depth > DEPTH {
        return Err(ConvertError::Nested);
    }
    Ok(match value {
        mlua::Value::Nil => Value::Null,
        mlua::Value::Boolean(value) => Value::Bool(*value),
        mlua::Value::Integer(value) => Value::from(*value),
        mlua::Value::Number(value) => Value::Number(number(*value)?),
        mlua::Value::String(text) => Value::String(text.to_str().map_err(|_| ConvertError::Text)?.to_owned()),
        mlua::Value::Table(table) => table_to_json(table, depth)?,
        other => return Err(ConvertError::Kind(other.type_name())),
    })
}

fn number(value: f64) -> Result<Number, ConvertError> {
    #[expect(clippy::cast_possible_truncation, reason = "only whole numbers that fit are cast")]
    if value.fract() == 0.0 && value.abs() < 9.0e15 {
        return Ok(Number::from(value as i64));
    }
    Number::from_f64(value).ok_or(ConvertError::Number(value))
}

fn table_to_json(table: &Table, depth: usize) -> Result<Value, ConvertError> {
    let length = table.raw_len();
    let mut entries: Vec<(String, Value)> = Vec::new();
    let mut numbered = 0;
    for pair in table.pairs::<mlua::Value, mlua::Value>() {
        let (key, value) = pair.map_err(|_| ConvertError::Keys)?;
        match key {
            mlua::Value::Integer(_) | mlua::Value::Number(_) => numbered += 1,
            mlua::Value::String(key) => {
                let key = key.to_str().map_err(|_| ConvertError::Text)?.to_owned();
                entries.push((key, nested(&value, depth + 1)?));
            }
            _ => return Err(ConvertError::Keys),
        }
    }
    if numbered == 0 && !entries.is_empty() {
        entries.sort_by(|one, other| one.0.cmp(&other.0));
        return Ok(Value::Object(entries.into_iter().collect::<Map<_, _>>()));
    }
    if !entries.is_empty() {
        return Err(ConvertError::Keys);
    }
    if numbered != length {
        return Err(ConvertError::Sparse);
    }
    let items = table.sequence_values::<mlua::Value>();
    let items = items.map(|item| nested(&item.map_err(|_| ConvertError::Keys)?, depth + 1));
    items.collect::<Result<Vec<_>, _>>().map(Value::Array)
}
