//! YAML and JSON in templates: `toYaml`, `fromYaml`, `toJson`, `fromJson` and their relatives.
//!
//! The plain forms swallow errors, as Helm's do: writers give nothing, readers give a map or list
//! that holds the text of the error. The `must` forms fail.

use belay_gotemplate::{
    Element, FunctionError, Functions, List, Map, Text, Type, Value, from_json, read_json,
};
use serde_json::Value as Json;

use super::{any_map, error_map};

pub(super) fn register(functions: &mut Functions) {
    type Write = fn(&Value) -> Result<String, String>;
    let writers: [(&str, &str, Write); 3] = [
        ("toYaml", "mustToYaml", to_yaml),
        ("toJson", "mustToJson", to_json),
        ("toYamlPretty", "", to_yaml_pretty),
    ];
    for (plain, must, write) in writers {
        functions.add(plain, [Type::Any], Type::String, move |_, arguments| {
            Ok(Value::string(write(arguments.value(0)?).unwrap_or_default()))
        });
        if !must.is_empty() {
            functions.add(must, [Type::Any], Type::String, move |_, arguments| {
                write(arguments.value(0)?).map(Value::string).map_err(FunctionError::new)
            });
        }
    }
    type Read = fn(&Text) -> Result<Value, String>;
    let readers: [(&str, &str, Read); 2] = [
        ("fromYaml", "fromYamlArray", |text| read_yaml(&text.to_str())),
        ("fromJson", "fromJsonArray", |text| read_json(&text.to_str())),
    ];
    for (to_map, to_list, read) in readers {
        functions.add(to_map, [Type::String], any_map(), move |_, arguments| {
            Ok(Value::Map(as_map(read(arguments.text(0)?), to_map == "fromYaml")))
        });
        functions.add(to_list, [Type::String], Type::List(Element::Any), move |_, arguments| {
            Ok(Value::List(as_list(read(arguments.text(0)?), to_list == "fromYamlArray")))
        });
    }
}

/// The value as a YAML document.
pub(super) fn marshal(value: &Value) -> Result<String, String> {
    let json =
        belay_gotemplate::to_json(value).map_err(|error| format!("error marshaling into JSON: {error}"))?;
    belay_goyaml::marshal(&json).map_err(|error| format!("error converting JSON to YAML: {error}"))
}

fn to_yaml(value: &Value) -> Result<String, String> {
    let yaml = marshal(value)?;
    Ok(yaml.strip_suffix('\n').unwrap_or(&yaml).to_owned())
}

fn to_yaml_pretty(value: &Value) -> Result<String, String> {
    let json = keeping_floats(value, 0)?;
    let yaml = belay_goyaml::to_yaml_v3(&json, 2);
    Ok(yaml.strip_suffix('\n').unwrap_or(&yaml).to_owned())
}

/// Maps within maps deeper than this hold themselves, or were built to exhaust the stack.
const MAX_DEPTH: usize = 1000;

/// The value as data, not by way of JSON: a whole float stays a float.
fn keeping_floats(value: &Value, depth: usize) -> Result<Json, String> {
    if depth > MAX_DEPTH {
        return Err("the value is nested too deeply".to_owned());
    }
    Ok(match value {
        Value::Float(float) => serde_json::Number::from_f64(*float).map_or_else(
            || belay_gotemplate::to_json(value).map_err(|error| error.to_string()),
            |number| Ok(Json::Number(number)),
        )?,
        Value::List(list) => {
            let items = list.items().iter().map(|item| keeping_floats(item, depth + 1));
            Json::Array(items.collect::<Result<_, _>>()?)
        }
        Value::Map(map) => {
            let mut entries = serde_json::Map::new();
            for (key, value) in map.entries() {
                entries.insert(key.to_str().into_owned(), keeping_floats(&value, depth + 1)?);
            }
            Json::Object(entries)
        }
        other => belay_gotemplate::to_json(other).map_err(|error| error.to_string())?,
    })
}

fn to_json(value: &Value) -> Result<String, String> {
    belay_gotemplate::json_text(value, |json| belay_goyaml::to_go_json(json, true))
        .map_err(|error| error.to_string())
}

fn read_yaml(text: &str) -> Result<Value, String> {
    let read =
        belay_goyaml::to_json(text).map_err(|error| format!("error converting YAML to JSON: {error}"))?;
    Ok(from_json(&read))
}

fn wrong_type(found: &Value, wanted: &str, is_yaml: bool) -> String {
    let before = if is_yaml { "error unmarshaling JSON: while decoding JSON: " } else { "" };
    let found = match found {
        Value::Bool(_) => "bool",
        Value::String(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "number",
    };
    format!("{before}json: cannot unmarshal {found} into Go value of type {wanted}")
}

fn as_map(read: Result<Value, String>, is_yaml: bool) -> Map {
    match read {
        Ok(Value::Map(map)) => map,
        Ok(Value::Nil) if is_yaml => Map::new(),
        Ok(Value::Nil) => Map::nil(Element::Any),
        Ok(other) => error_map(&wrong_type(&other, "map[string]interface {}", is_yaml)),
        Err(error) => error_map(&error),
    }
}

fn as_list(read: Result<Value, String>, is_yaml: bool) -> List {
    let error_list = |error: String| List::new(vec![Value::string(error)]);
    match read {
        Ok(Value::List(list)) => list,
        Ok(Value::Nil) if is_yaml => List::new(Vec::new()),
        Ok(Value::Nil) => List::nil(Element::Any),
        Ok(other) => error_list(wrong_type(&other, "[]interface {}", is_yaml)),
        Err(error) => error_list(error),
    }
}
