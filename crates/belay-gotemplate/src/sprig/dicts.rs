//! Dictionaries. `set`, `unset`, `merge` and `mergeOverwrite` change the map they are given.

use super::convert::{is_empty, text};
use crate::descent::descend;
use crate::function::{Arguments, Call, FunctionError, Functions};
use crate::value::Type::{Any, Bool, String as Str};
use crate::value::{Element, List, Map, Text, Type, Value};

const MAP: Type = Type::Map(Element::Any);
const LIST: Type = Type::List(Element::Any);
const STRINGS: Type = Type::List(Element::String);

pub(super) fn register(functions: &mut Functions) {
    functions.add_variadic("dict", [Any], MAP, |_, arguments| {
        let map = Map::new();
        for pair in arguments.all().chunks(2) {
            map.insert(text(&pair[0]), pair.get(1).cloned().unwrap_or_else(|| Value::string("")));
        }
        Ok(map.into())
    });
    functions.add("get", [MAP, Str], Any, |call, arguments| {
        call.note_read(&arguments.map(0)?, arguments.text(1)?);
        Ok(arguments.map(0)?.get(&**arguments.text(1)?).unwrap_or_else(|| Value::string("")))
    });
    functions.add("set", [MAP, Str, Any], MAP, |_, arguments| {
        let map = arguments.map(0)?;
        if map.is_nil() {
            return Err("assignment to entry in nil map".into());
        }
        map.insert(arguments.text(1)?.clone(), arguments.value(2)?.clone());
        Ok(map.unnamed().into())
    });
    functions.add("unset", [MAP, Str], MAP, |_, arguments| {
        let map = arguments.map(0)?;
        map.remove(&**arguments.text(1)?);
        Ok(map.unnamed().into())
    });
    functions.add("hasKey", [MAP, Str], Bool, |call, arguments| {
        call.note_read(&arguments.map(0)?, arguments.text(1)?);
        Ok(arguments.map(0)?.contains(&**arguments.text(1)?).into())
    });
    functions.add_variadic("pluck", [Str, MAP], LIST, |_, arguments| {
        let key = arguments.text(0)?;
        let mut found = Vec::new();
        for index in 1..arguments.len() {
            found.extend(arguments.map(index)?.get(&**key));
        }
        Ok(Value::list(found))
    });
    functions.add_variadic("keys", [MAP], STRINGS, |_, arguments| {
        let mut keys = Vec::new();
        for index in 0..arguments.len() {
            keys.extend(arguments.map(index)?.entries().into_iter().map(|(key, _)| key));
        }
        Ok(List::strings(keys).into())
    });
    functions.add("values", [MAP], LIST, |_, arguments| {
        Ok(Value::list(arguments.map(0)?.entries().into_iter().map(|(_, value)| value).collect()))
    });
    functions.add_variadic("pick", [MAP, Str], MAP, |_, arguments| {
        let map = arguments.map(0)?;
        let picked = Map::new();
        for index in 1..arguments.len() {
            let key = arguments.text(index)?;
            if let Some(value) = map.get(&**key) {
                picked.insert(key.clone(), value);
            }
        }
        Ok(picked.into())
    });
    functions.add_variadic("omit", [MAP, Str], MAP, |_, arguments| {
        let omitted: Vec<&Text> = arguments.rest(1).iter().filter_map(Value::as_text).collect();
        let kept = arguments.map(0)?.entries().into_iter().filter(|(key, _)| !omitted.contains(&key));
        Ok(kept.collect::<Map>().into())
    });
    functions.add_variadic("merge", [MAP, MAP], Any, |call, arguments| merge_all(call, arguments, false));
    functions.alias("mustMerge", "merge");
    functions
        .add_variadic("mergeOverwrite", [MAP, MAP], Any, |call, arguments| merge_all(call, arguments, true));
    functions.alias("mustMergeOverwrite", "mergeOverwrite");
    functions.add_variadic("dig", [Any], Any, |call, arguments| dig(call, arguments.all()));
    functions.add("deepCopy", [Any], Any, |_, arguments| match arguments.value(0)? {
        Value::Nil => Err("reflect: call of reflect.Value.Type on zero Value".into()),
        value => Ok(deep_copy(value)),
    });
    functions.alias("mustDeepCopy", "deepCopy");
}

fn merge_all(call: &mut Call<'_>, arguments: Arguments<'_>, overwrite: bool) -> Result<Value, FunctionError> {
    let mut target = arguments.map(0)?;
    for index in 1..arguments.len() {
        let source = arguments.map(index)?;
        call.charge_steps(source.len() as u64)?;
        if target.is_nil() && !source.is_nil() {
            target = Map::new();
        }
        merge(&target, &source, overwrite);
    }
    Ok(target.unnamed().into())
}

/// mergo's rules: maps merge key by key and are not copied; other values are taken where the target
/// has none or an empty one, or always when overwriting.
fn merge(target: &Map, source: &Map, overwrite: bool) {
    if target.is_same(source) {
        return;
    }
    for (key, value) in source.entries() {
        let present = target.get(&*key);
        if let (Some(Value::Map(inner)), Value::Map(other)) = (&present, &value)
            && !inner.is_nil()
        {
            descend(|| merge(inner, other, overwrite), || ());
            continue;
        }
        let is_vacant = present.as_ref().is_none_or(is_empty);
        let take = overwrite || (is_vacant && !value.is_nil());
        if take {
            target.insert(key, value);
        }
    }
}

fn dig(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, FunctionError> {
    let too_few = "dig needs at least three arguments";
    let [path @ .., default, start] = arguments else {
        return Err(too_few.into());
    };
    let (last, first) = path.split_last().ok_or(too_few)?;
    let mut map = as_plain_map(start)?;
    if let Some(wrong) = path.iter().find(|key| key.as_text().is_none()) {
        return Err(conversion(wrong, "string"));
    }
    for key in first.iter().filter_map(Value::as_text) {
        call.note_read(&map, key);
        match map.get(&**key) {
            None => return Ok(default.clone()),
            Some(step) => map = as_plain_map(&step)?,
        }
    }
    let found = last.as_text().and_then(|key| {
        call.note_read(&map, key);
        map.get(&**key)
    });
    Ok(found.unwrap_or_else(|| default.clone()))
}

/// Go's type assertion does not look through named types.
fn as_plain_map(value: &Value) -> Result<Map, FunctionError> {
    match value {
        Value::Map(map) if map.type_name().is_none() && map.element() == Element::Any => Ok(map.clone()),
        other => Err(conversion(other, "map[string]interface {}")),
    }
}

fn conversion(value: &Value, wanted: &str) -> FunctionError {
    let is = if value.is_nil() { "nil".into() } else { value.type_name() };
    FunctionError::new(format!("interface conversion: interface {{}} is {is}, not {wanted}"))
}

/// Maps and lists anew, all the way down.
fn deep_copy(value: &Value) -> Value {
    match value {
        Value::Map(map) if !map.is_nil() => descend(|| copy_of_map(map), Value::default),
        Value::List(list) if !list.is_nil() => {
            let copy = || List::of(list.element(), list.items().iter().map(deep_copy).collect()).into();
            descend(copy, Value::default)
        }
        other => other.clone(),
    }
}

fn copy_of_map(map: &Map) -> Value {
    let copy = Map::of(map.element());
    for (key, value) in map.entries() {
        copy.insert(key, deep_copy(&value));
    }
    Value::Map(match map.type_name() {
        Some(name) => copy.named(name),
        None => copy,
    })
}
