//! Lists. The `must` forms fail where the others panic; a template sees the same error of both.

use super::convert::{deep_equal, int64, is_empty, items, items_or, nil_dereference, text, texts};
use crate::function::{FunctionError, Functions};
use crate::value::Type::{Any, Bool, Int, String as Str};
use crate::value::{Element, List, Type, Value};

const LIST: Type = Type::List(Element::Any);
const LISTS: Type = Type::List(Element::AnyList);
const STRINGS: Type = Type::List(Element::String);

pub(super) fn register(functions: &mut Functions) {
    functions.add_variadic("list", [Any], LIST, |_, arguments| Ok(Value::list(arguments.all().to_vec())));
    functions.alias("tuple", "list");
    functions.add("append", [Any, Any], LIST, |_, arguments| {
        let mut list = items_or(arguments.value(0)?, "Cannot push on type")?;
        list.push(arguments.value(1)?.clone());
        Ok(Value::list(list))
    });
    functions.add("prepend", [Any, Any], LIST, |_, arguments| {
        let mut list = items_or(arguments.value(0)?, "Cannot prepend on type")?;
        list.insert(0, arguments.value(1)?.clone());
        Ok(Value::list(list))
    });
    functions.add("first", [Any], Any, |_, arguments| {
        let list = items_or(arguments.value(0)?, "Cannot find first on type")?;
        Ok(list.first().cloned().unwrap_or_default())
    });
    functions.add("last", [Any], Any, |_, arguments| {
        let list = items_or(arguments.value(0)?, "Cannot find last on type")?;
        Ok(list.last().cloned().unwrap_or_default())
    });
    functions.add("rest", [Any], LIST, |_, arguments| {
        let list = items_or(arguments.value(0)?, "Cannot find rest on type")?;
        Ok(list.split_first().map_or_else(nil_list, |(_, rest)| Value::list(rest.to_vec())))
    });
    functions.add("initial", [Any], LIST, |_, arguments| {
        let list = items_or(arguments.value(0)?, "Cannot find initial on type")?;
        Ok(list.split_last().map_or_else(nil_list, |(_, initial)| Value::list(initial.to_vec())))
    });
    functions.add("reverse", [Any], LIST, |_, arguments| {
        let mut list = items_or(arguments.value(0)?, "Cannot find reverse on type")?;
        list.reverse();
        Ok(Value::list(list))
    });
    functions.add("compact", [Any], LIST, |_, arguments| {
        let mut list = items_or(arguments.value(0)?, "Cannot compact on type")?;
        list.retain(|item| !is_empty(item));
        Ok(Value::list(list))
    });
    functions.add("uniq", [Any], LIST, |call, arguments| {
        let list = items_or(arguments.value(0)?, "Cannot find uniq on type")?;
        let mut unique: Vec<Value> = Vec::new();
        for item in list {
            call.charge_steps(unique.len() as u64)?;
            if !contains(&unique, &item) {
                unique.push(item);
            }
        }
        Ok(Value::list(unique))
    });
    functions.add_variadic("without", [Any, Any], LIST, |_, arguments| {
        let mut list = items_or(arguments.value(0)?, "Cannot find without on type")?;
        list.retain(|item| !contains(arguments.rest(1), item));
        Ok(Value::list(list))
    });
    functions.add("has", [Any, Any], Bool, |_, arguments| {
        let haystack = arguments.value(1)?;
        if haystack.is_nil() {
            return Ok(false.into());
        }
        Ok(contains(&items_or(haystack, "Cannot find has on type")?, arguments.value(0)?).into())
    });
    functions
        .add_variadic("slice", [Any, Any], Any, |_, arguments| slice(arguments.value(0)?, arguments.rest(1)));
    functions.add("chunk", [Int, Any], LISTS, |_, arguments| chunk(arguments.int(0)?, arguments.value(1)?));
    for name in [
        "Append", "Prepend", "First", "Last", "Rest", "Initial", "Reverse", "Compact", "Uniq", "Without",
        "Has", "Slice", "Chunk",
    ] {
        functions.alias(&format!("must{name}"), &name.to_lowercase());
    }
    functions.alias("push", "append");
    functions.alias("mustPush", "append");
    functions.add_variadic("concat", [Any], Any, |call, arguments| {
        let mut all = Vec::new();
        for list in arguments.all() {
            if list.is_nil() {
                return Err(nil_dereference());
            }
            let kind = list.kind().name();
            let failure = || FunctionError::new(format!("Cannot concat type {kind} as list"));
            let mut items = items(list).ok_or_else(failure)?;
            call.charge_steps(items.len() as u64)?;
            all.append(&mut items);
        }
        Ok(if all.is_empty() { nil_list() } else { Value::list(all) })
    });
    functions.add("sortAlpha", [Any], STRINGS, |_, arguments| {
        let value = arguments.value(0)?;
        let mut texts = if items(value).is_some() { texts(value) } else { vec![text(value)] };
        texts.sort();
        Ok(List::strings(texts).into())
    });
    functions.add("toStrings", [Any], STRINGS, |_, arguments| {
        Ok(List::strings(texts(arguments.value(0)?)).into())
    });
    functions.add("join", [Str, Any], Str, |call, arguments| {
        let separator = arguments.text(0)?;
        let texts = texts(arguments.value(1)?);
        call.charge_bytes(texts.iter().map(|text| text.len() + separator.len()).sum())?;
        let parts: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
        Ok(Value::string(parts.join(separator.as_bytes())))
    });
}

fn nil_list() -> Value {
    Value::List(List::nil(Element::Any))
}

fn contains(list: &[Value], wanted: &Value) -> bool {
    list.iter().any(|item| deep_equal(wanted, item))
}

fn slice(list: &Value, indices: &[Value]) -> Result<Value, FunctionError> {
    let items = items_or(list, "list should be type of slice or array but")?;
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let start = indices.first().map_or(0, int64);
    let end = indices.get(1).map_or(items.len() as i64, int64);
    match (usize::try_from(start), usize::try_from(end)) {
        (Ok(from), Ok(to)) if from <= to && to <= items.len() => Ok(match list {
            Value::List(typed) => Value::List(List::of(typed.element(), items[from..to].to_vec())),
            Value::Bytes(bytes) => Value::Bytes(bytes[from..to].into()),
            _ => Value::list(items[from..to].to_vec()),
        }),
        _ => Err("reflect.Value.Slice: slice index out of bounds".into()),
    }
}

fn chunk(size: i64, list: &Value) -> Result<Value, FunctionError> {
    let items = items_or(list, "Cannot chunk type")?;
    let out_of_range = || FunctionError::new("runtime error: makeslice: len out of range");
    // Go counts the chunks with floats, and a size below zero comes out of it as it may.
    let count = ((items.len() as f64 - 1.0) / size as f64).floor() + 1.0;
    let chunks: Vec<Value> = match usize::try_from(size) {
        Ok(size) if size > 0 => items.chunks(size).map(|chunk| Value::list(chunk.to_vec())).collect(),
        Err(_) if count == 0.0 => Vec::new(),
        Err(_) if count == 1.0 && items.len() == 1 && size != -1 => vec![Value::list(items)],
        _ => return Err(out_of_range()),
    };
    Ok(List::of(Element::AnyList, chunks).into())
}
