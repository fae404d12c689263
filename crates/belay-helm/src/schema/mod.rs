//! `values.schema.json`: whether values fit, and if not, why, in Helm's words.
//!
//! The `jsonschema` crate decides; [`explain`] then finds the reasons in the order and form of the
//! library Helm uses.

mod contains;
mod explain;
mod format;

use belay_gotemplate::{Map, Value};
use jsonschema::{PatternOptions, Retrieve, Uri, ValidationOptions};
use serde_json::Value as Json;

use crate::graph::{ChartId, Graph};
use belay_gotemplate::go_json_error;

/// Values that do not fit the schemas of a chart or its subcharts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("values don't meet the specifications of the schema(s) in the following chart(s):\n{details}")]
pub struct SchemaError {
    /// Chart by chart, what does not fit.
    pub details: String,
}

/// Schemas nested deeper than this were built to exhaust the stack.
const MAX_DEPTH: usize = 128;

/// Checks the values against the schemas of the chart and its subcharts.
pub(crate) fn validate(graph: &Graph, values: &Map) -> Result<(), SchemaError> {
    let mut details = String::new();
    validate_chart(graph, Graph::ROOT, values, &mut details);
    if details.is_empty() { Ok(()) } else { Err(SchemaError { details }) }
}

fn validate_chart(graph: &Graph, chart: ChartId, values: &Map, details: &mut String) {
    if let Some(schema) = &graph.chart(chart).schema
        && let Err(reason) = validate_one(schema, values)
    {
        details.push_str(&format!("{}:\n{reason}", graph.name(chart)));
    }
    for subchart in graph.dependencies(chart) {
        let name = graph.name(*subchart);
        match values.get(&name) {
            None | Some(Value::Nil) => {}
            Some(Value::Map(table)) => validate_chart(graph, *subchart, &table, details),
            Some(other) => details.push_str(&format!(
                "{name}:\ninvalid type for values: expected object (map), got {}\n",
                other.type_name()
            )),
        }
    }
}

/// Checks the values against one schema; an error lists what does not fit.
pub(crate) fn validate_one(schema: &[u8], values: &Map) -> Result<(), String> {
    // Go's decoder takes bytes that are not UTF-8 for U+FFFD.
    let text = String::from_utf8_lossy(schema);
    let schema: Json = serde_json::from_str(&text).map_err(|_| read_error(schema))?;
    if depth(&schema) > MAX_DEPTH {
        return Err(format!("the schema is nested more than {MAX_DEPTH} deep"));
    }
    let values = belay_gotemplate::to_json(&Value::Map(values.clone())).map_err(|error| error.to_string())?;
    if schema.get("$ref").is_some_and(|reference| reference == "#") {
        return Err(format!("- at '': both /$ref and  resolve to {FILE:?} causing reference cycle\n"));
    }
    let validator = options().build(&schema).map_err(|error| unusable(&error.to_string()))?;
    if validator.is_valid(&values) {
        return Ok(());
    }
    let reasons = explain::explain(&schema, &values);
    if !reasons.is_empty() {
        return Err(reasons);
    }
    let reasons: Vec<String> = validator
        .iter_errors(&values)
        .map(|error| format!("- at '{}': {error}\n", error.instance_path()))
        .collect();
    Err(reasons.concat())
}

/// How the library that Helm uses takes schemas.
fn options() -> ValidationOptions<'static> {
    let options = jsonschema::options()
        .with_pattern_options(PatternOptions::regex())
        .with_retriever(NoRetriever)
        .without_content_encoding_support("base64")
        .without_content_media_type_support("application/json");
    format::FORMATS.into_iter().fold(options, |options, (name, check)| {
        options.with_format(name, move |text: &str| check(text).is_ok())
    })
}

const FILE: &str = "file:///values.schema.json#";

/// Why a schema cannot be used, in Helm's words as far as they can be told.
fn unusable(reason: &str) -> String {
    if let Some(pointer) =
        reason.strip_prefix("Pointer '").and_then(|rest| rest.strip_suffix("' does not exist"))
    {
        return format!("json-pointer in \"{FILE}{pointer}\" not found");
    }
    if reason.starts_with("Resource ") {
        return format!("failing loading: {reason}");
    }
    format!("\"{FILE}\" is not valid against metaschema: {reason}")
}

/// What Go's decoder says of a text that is not JSON.
fn read_error(schema: &[u8]) -> String {
    let text = String::from_utf8_lossy(schema);
    if text.trim().is_empty() {
        return "EOF".to_owned();
    }
    match go_json_error(&text).as_str() {
        "unexpected end of JSON input" => "unexpected EOF".to_owned(),
        trailing if trailing.ends_with("after top-level value") => {
            "invalid character after top-level value".to_owned()
        }
        other => other.to_owned(),
    }
}

fn depth(value: &Json) -> usize {
    match value {
        Json::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Json::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Schemas elsewhere are not fetched; those named by `urn:` allow everything, as in Helm.
struct NoRetriever;

impl Retrieve for NoRetriever {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Json, Box<dyn std::error::Error + Send + Sync>> {
        if uri.as_str().starts_with("urn:") {
            return Ok(Json::Bool(true));
        }
        Err(format!("references to other documents are not supported: {uri}").into())
    }
}
