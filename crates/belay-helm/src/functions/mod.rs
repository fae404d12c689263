//! The functions Helm adds to those of sprig, a file per family.

mod duration;
mod text;
mod toml;
mod values;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use belay_gotemplate::{
    Call, Element, FunctionError, Functions, Map, Text, Type, Value, from_json, go_quote,
};

use crate::engine::{WARNING_END, WARNING_START, without_no_value};

/// Where `lookup` looks.
pub trait Lookup: Send + Sync {
    /// The object of that name, or the list of all of them if `name` is empty; an empty object if
    /// there is none. An error is its text.
    fn lookup(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<serde_json::Value, String>;
}

/// The address of a host by its name, or why there is none.
pub type HostResolver = Arc<dyn Fn(&str) -> Result<String, String> + Send + Sync>;

/// How often a template may include itself through others.
const MAX_INCLUDES: usize = 1000;

pub(crate) fn any_map() -> Type {
    Type::Map(Element::Any)
}

/// What Helm's forgiving readers return for a text they cannot read.
pub(crate) fn error_map(message: &str) -> Map {
    [("Error", message)].into_iter().collect()
}

/// The functions of a Helm template.
pub(crate) fn of_helm(lookup: Option<Arc<dyn Lookup>>, resolve_host: Option<HostResolver>) -> Functions {
    let mut functions = without_state().clone();
    register_templates(&mut functions);
    if let Some(resolve) = resolve_host {
        functions.add("getHostByName", [Type::String], Type::String, move |_, arguments| {
            let address = resolve(&arguments.text(0)?.to_str());
            address.map(|address| Value::string(&address)).map_err(FunctionError::new)
        });
    }
    functions.add("lookup", [Type::String; 4], any_map(), move |_, arguments| {
        let Some(lookup) = &lookup else { return Ok(Value::Map(Map::new())) };
        let text = |index| arguments.text(index).map(Text::to_str);
        let found = lookup.lookup(&text(0)?, &text(1)?, &text(2)?, &text(3)?);
        found.map(|found| from_json(&found)).map_err(FunctionError::new)
    });
    functions
}

/// Those that no render has for itself, made once.
fn without_state() -> &'static Functions {
    static FUNCTIONS: OnceLock<Functions> = OnceLock::new();
    FUNCTIONS.get_or_init(|| {
        let mut functions = belay_gotemplate::sprig();
        functions.remove("env");
        functions.remove("expandenv");
        text::register(&mut functions);
        toml::register(&mut functions);
        duration::register(&mut functions);
        values::register(&mut functions);
        register_flow(&mut functions);
        functions.add("getHostByName", [Type::String], Type::String, |_, _| Ok(Value::string("")));
        functions
    })
}

/// The functions of a template under the linter: what a chart refuses passes.
pub(crate) fn of_linter() -> Functions {
    let mut functions = of_helm(None, None);
    functions.add("required", [Type::String, Type::Any], Type::Any, |_, arguments| {
        let value = arguments.value(1)?;
        Ok(if value.is_nil() { Value::string("") } else { value.clone() })
    });
    functions.add("fail", [Type::String], Type::String, |_, _| Ok(Value::string("")));
    functions
}

fn register_flow(functions: &mut Functions) {
    functions.add("required", [Type::String, Type::Any], Type::Any, |_, arguments| {
        let value = arguments.value(1)?;
        let is_missing = value.is_nil() || value.as_text().is_some_and(|text| text.is_empty());
        if is_missing { Err(warning(arguments.text(0)?)) } else { Ok(value.clone()) }
    });
    functions.add("fail", [Type::String], Type::String, |_, arguments| Err(warning(arguments.text(0)?)));
}

/// An error of which only the chart's own text is shown.
fn warning(message: &Text) -> FunctionError {
    FunctionError::new(format!("{WARNING_START}{message}{WARNING_END}"))
}

fn register_templates(functions: &mut Functions) {
    let open: Mutex<HashMap<String, usize>> = Mutex::default();
    functions.add("include", [Type::String, Type::Any], Type::String, move |call, arguments| {
        let name = arguments.text(0)?.to_str().into_owned();
        let count = |change: fn(&mut usize)| {
            let mut open = open.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let count = open.entry(name.clone()).or_default();
            change(count);
            *count
        };
        if count(|_| ()) > MAX_INCLUDES {
            return Err(FunctionError::new(format!(
                "rendering template has a nested reference name: {name}: unable to execute template"
            )));
        }
        count(|count| *count += 1);
        let output = call.execute(&name, arguments.value(1)?.clone());
        count(|count| *count -= 1);
        Ok(Value::String(output?))
    });
    functions.add("tpl", [Type::String, Type::Any], Type::String, |call, arguments| {
        execute_text(call, arguments.text(0)?, arguments.value(1)?.clone())
    });
}

/// `tpl`: the text sees every template of the set, and what it defines is seen by nobody else.
fn execute_text(call: &mut Call<'_>, text: &Text, data: Value) -> Result<Value, FunctionError> {
    let mut set = call.templates().clone();
    let parsed = set
        .parse_only_bytes("gotpl", text)
        .map_err(|error| FunctionError::new(format!("cannot parse template {}: {error}", go_quote(text))))?;
    if set.contains("gotpl") {
        // Within another `tpl` an empty text would leave that one's template in place.
        set.parse("gotpl", "{{ \"\" }}")?;
    }
    set.add(&parsed);
    let output = call.execute_in(set, "gotpl", data).map_err(|error| {
        FunctionError::new(format!("error during tpl function execution for {}: {error}", go_quote(text)))
    })?;
    Ok(match std::str::from_utf8(&output) {
        Ok(output) => Value::string(without_no_value(output.to_owned())),
        Err(_) => Value::String(output),
    })
}
