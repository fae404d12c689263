//! Defaults, flow and types of values: `default`, `ternary`, `fail`, `typeOf`, `kindIs`.

use super::convert::{deep_equal, is_empty};
use crate::function::{FunctionError, Functions};
use crate::value::Type::{Any, Bool, String as Str};
use crate::value::Value;

pub(super) fn register(functions: &mut Functions) {
    functions.add_variadic("default", [Any, Any], Any, |_, arguments| {
        let given = arguments.rest(1).first().filter(|given| !is_empty(given));
        Ok(given.unwrap_or(arguments.value(0)?).clone())
    });
    functions.add("empty", [Any], Bool, |_, arguments| Ok(is_empty(arguments.value(0)?).into()));
    functions.add_variadic("coalesce", [Any], Any, |_, arguments| {
        Ok(arguments.all().iter().find(|value| !is_empty(value)).cloned().unwrap_or_default())
    });
    functions
        .add_variadic("all", [Any], Bool, |_, arguments| Ok((!arguments.all().iter().any(is_empty)).into()));
    functions
        .add_variadic("any", [Any], Bool, |_, arguments| Ok((!arguments.all().iter().all(is_empty)).into()));
    functions.add("ternary", [Any, Any, Bool], Any, |_, arguments| {
        Ok(arguments.value(if arguments.bool(2)? { 0 } else { 1 })?.clone())
    });
    functions.add("fail", [Str], Str, |_, arguments| Err(FunctionError::new(arguments.text(0)?.to_string())));
    functions.add("hello", [], Str, |_, _| Ok(Value::string("Hello!")));
    functions.add("typeOf", [Any], Str, |_, arguments| Ok(Value::string(arguments.value(0)?.type_name())));
    functions.add("typeIs", [Str, Any], Bool, |_, arguments| {
        Ok((arguments.text(0)?.to_str() == arguments.value(1)?.type_name()).into())
    });
    functions.add("typeIsLike", [Str, Any], Bool, |_, arguments| {
        let (wanted, name) = (arguments.text(0)?.to_str(), arguments.value(1)?.type_name());
        Ok((wanted == name || format!("*{wanted}") == name).into())
    });
    functions.add("kindOf", [Any], Str, |_, arguments| Ok(Value::string(arguments.value(0)?.kind().name())));
    functions.add("kindIs", [Str, Any], Bool, |_, arguments| {
        Ok((arguments.text(0)?.to_str() == arguments.value(1)?.kind().name()).into())
    });
    functions.add("deepEqual", [Any, Any], Bool, |_, arguments| {
        Ok(deep_equal(arguments.value(0)?, arguments.value(1)?).into())
    });
}
