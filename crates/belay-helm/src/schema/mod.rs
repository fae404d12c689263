//! `values.schema.json`: whether values fit, and if not, why, in Helm's words.
//!
//! ```text
//! text ── document::read ── Document ── Compiler ── Schemas ── Evaluator ── reasons
//!                                          │
//!                          Library: ids, anchors, references, metaschemas
//! ```
//!
//! Helm uses santhosh-tekuri/jsonschema v6. What that library decides at random, as it keeps properties in maps
//! without an order, comes by name here.

mod address;
mod compile;
mod document;
mod draft;
mod evaluate;
mod fault;
mod format;
mod ip;
mod library;
mod metaschemas;
mod number;
mod places;
mod reason;
mod types;
mod words;

#[cfg(test)]
mod tests;

use belay_gotemplate::{Map, Value};
use belay_goyaml::ParseOptions;

use self::compile::Compiler;
use self::document::{Document, Unreadable};
use self::evaluate::{Catalog, Evaluator};
use self::fault::Fault;
use self::library::FILE;
use self::metaschemas::Metaschemas;
use crate::graph::{ChartId, Graph};
use belay_gotemplate::go_json_error;

/// Values that do not fit the schemas of a chart or its subcharts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("values don't meet the specifications of the schema(s) in the following chart(s):\n{details}")]
pub struct SchemaError {
    /// Chart by chart, what does not fit.
    pub details: String,
}

/// How deep schemas may nest everywhere; where there is the stack for deeper documents, as deep as these.
const USUAL_DEPTH: usize = 1_000;
/// Enough for as many schemas within each other as are applied, for each level that a schema may nest.
const STACK_PER_LEVEL: usize = 64 << 10;

fn max_depth() -> usize {
    belay_goyaml::depth_of_thread().max(USUAL_DEPTH)
}

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
    let values = belay_gotemplate::to_json(&Value::Map(values.clone())).map_err(|error| error.to_string())?;
    let max_depth = max_depth();
    let stack = STACK_PER_LEVEL * max_depth;
    stacker::maybe_grow(stack, stack, || {
        let schema = document::read(&text, max_depth).map_err(|reason| match reason {
            Unreadable::TooDeep(bracket) if max_depth == ParseOptions::DEPTH_CEILING => {
                format!("invalid character '{bracket}' exceeded max depth")
            }
            Unreadable::TooDeep(_) => format!("the schema is nested more than {max_depth} deep"),
            Unreadable::NotJson => read_error(schema),
        })?;
        match reasons(&schema, &Document::from(&values)) {
            Ok(None) => Ok(()),
            Ok(Some(reasons)) => Err(reasons),
            Err(fault) => Err(fault.to_string()),
        }
    })
}

/// What does not fit, one a line. Helm cuts off the headline.
fn reasons(schema: &Document, values: &Document) -> Result<Option<String>, Fault> {
    let mut compiler = Compiler::new(Some(schema), Some(Metaschemas::get()?));
    let top = compiler.compile(FILE)?;
    let schemas = compiler.finish();
    let catalog = Catalog::new(&schemas);
    let Some(text) = Evaluator::new(&catalog, None).explain(top, None, values)? else { return Ok(None) };
    let text = text.split_once('\n').map_or(&*text, |(_, reasons)| reasons);
    Ok(Some(format!("{text}\n")))
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
