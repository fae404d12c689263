//! Answers the same questions as the Go program in `tests/oracle/goyaml`, so that the two can be
//! compared line by line: `cargo run --example answer < questions.jsonl`.

use std::io::{self, BufRead, Write};

use belay_goyaml::{
    Error, ParseOptions, Resolution, format_float, marshal, to_go_json, to_json, to_json_strict,
    to_json_with, to_yaml_v3,
};
use serde_json::{Value, json};

fn main() -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let question: Value = serde_json::from_str(&line?)?;
        let op = question["op"].as_str().unwrap_or("");
        let text = question["in"].as_str().unwrap_or("");
        let answer = match answer(op, text) {
            Ok(text) => json!({ "out": text }),
            Err(error) => json!({ "out": "", "err": error }),
        };
        writeln!(out, "{answer}")?;
    }
    out.flush()
}

fn answer(op: &str, text: &str) -> Result<String, String> {
    let shown = |error: Error| error.to_string();
    let value = || serde_json::from_str::<Value>(text).map_err(|error| error.to_string());
    match op {
        "json" => to_json(text).map(|value| to_go_json(&value, true)).map_err(shown),
        "json-strict" => to_json_strict(text).map(|value| to_go_json(&value, true)).map_err(shown),
        "json-v3" => {
            let options = ParseOptions { resolution: Resolution::V3, ..ParseOptions::default() };
            to_json_with(text, &options, false)
                .map(|value| to_go_json(&value, true))
                .map_err(|error| error.to_v3_string())
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
