//! Answers the questions of `tests/oracle/goyaml`.

use belay_goyaml::{
    Error, ParseOptions, Resolution, format_float, marshal, to_go_json, to_json, to_json_strict,
    to_json_with, to_yaml_v3,
};
use serde_json::Value;

/// The answer, or the text of the error.
pub(crate) fn answer(op: &str, text: &str) -> Result<String, String> {
    let shown = |error: Error| error.to_string();
    let json = |value: Value| to_go_json(&value, true);
    let value = || serde_json::from_str::<Value>(text).map_err(|error| error.to_string());
    match op {
        "json" => to_json(text).map(json).map_err(shown),
        "json-strict" => to_json_strict(text).map(json).map_err(shown),
        "json-v3" => {
            let options = ParseOptions { resolution: Resolution::V3, ..ParseOptions::default() };
            to_json_with(text, &options, false).map(json).map_err(|error| error.to_v3_string())
        }
        "yaml" => marshal(&value()?).map_err(shown),
        "yaml-v3-2" => Ok(to_yaml_v3(&value()?, 2)),
        "yaml-v3-4" => Ok(to_yaml_v3(&value()?, 4)),
        "gojson" => Ok(to_go_json(&value()?, true)),
        "gojson-raw" => Ok(to_go_json(&value()?, false)),
        "float" => Ok(format_float(text.parse().map_err(|error| format!("{error}"))?)),
        _ => Err(format!("unknown op {op:?}")),
    }
}
