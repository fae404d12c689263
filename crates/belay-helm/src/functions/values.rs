//! The methods of Helm's `common.Values`: of `.Values`, and of all that templates see.

use belay_gotemplate::{FunctionError, Functions, Map, Type, Value};

use super::{any_map, text};
use crate::engine::VALUES_TYPE;
use crate::quote::quote;

pub(super) fn register(functions: &mut Functions) {
    let named = Type::Named(VALUES_TYPE);
    functions.add_method(VALUES_TYPE, "AsMap", [], any_map(), |_, arguments| {
        let map = arguments.map(0)?;
        Ok(Value::Map(if map.is_empty() { Map::new() } else { map.unnamed() }))
    });
    functions.add_method(VALUES_TYPE, "Table", [Type::String], named, |_, arguments| {
        table(arguments.map(0)?, &arguments.text(1)?.to_str()).map(Value::Map)
    });
    functions.add_method(VALUES_TYPE, "PathValue", [Type::String], Type::Any, |_, arguments| {
        path_value(arguments.map(0)?, &arguments.text(1)?.to_str())
    });
    functions.add_method(VALUES_TYPE, "YAML", [], Type::String, |_, arguments| {
        text::marshal(arguments.value(0)?).map(Value::string).map_err(FunctionError::new)
    });
    // Templates have nothing to write to.
    functions.add_method(VALUES_TYPE, "Encode", [Type::Named("io.Writer")], Type::Any, |_, _| {
        Err(FunctionError::new("`Encode` of values is not supported"))
    });
}

/// The map that a path of keys leads to.
fn table(values: Map, path: &str) -> Result<Map, FunctionError> {
    let mut table = values;
    for key in path.split('.') {
        table = match table.get(key) {
            Some(Value::Map(inner)) => inner,
            _ => return Err(FunctionError::new(format!("{} is not a table", quote(key)))),
        };
    }
    Ok(table.named(VALUES_TYPE))
}

/// What a path of keys leads to, if it is no map.
fn path_value(values: Map, path: &str) -> Result<Value, FunctionError> {
    if path.is_empty() {
        return Err(FunctionError::new("YAML path cannot be empty"));
    }
    let (tables, key) = path.rsplit_once('.').map_or((None, path), |(tables, key)| (Some(tables), key));
    let none = || FunctionError::new(format!("{} is not a value", quote(key)));
    let table = tables.map_or(Ok(values.clone()), |tables| table(values, tables)).map_err(|_| none())?;
    match table.get(key) {
        Some(Value::Map(inner)) if inner.type_name().is_none() => Err(none()),
        found => found.ok_or_else(none),
    }
}
