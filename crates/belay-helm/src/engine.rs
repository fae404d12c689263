//! The templates of a chart and its subcharts, executed as Helm executes them.

use std::collections::{BTreeMap, BTreeSet};

use belay_gotemplate::{
    Error as TemplateError, Map, Options, Provenance, TemplateSet, Value, with_stand_ins,
};
use bytes::Bytes;

use crate::dependencies::table;
use crate::graph::{ChartId, Graph};
use crate::objects::{self, chart_map};

/// The Go type of values in templates.
pub(crate) const VALUES_TYPE: &str = "common.Values";

/// Marks the text of `fail` and `required` within an error, so that only it is shown.
pub(crate) const WARNING_START: &str = "HELM_ERR_START";
/// The end of that text.
pub(crate) const WARNING_END: &str = "HELM_ERR_END";

/// Why templates cannot be rendered, in Helm's words.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A file is not a template.
    #[error("parse error at ({location}): {message}")]
    Parse {
        /// The file, the line, perhaps the column.
        location: String,
        /// What is wrong.
        message: String,
    },
    /// `fail` or `required` gave up.
    #[error("execution error at ({location}): {message}")]
    Gave {
        /// The file, the line, the column.
        location: String,
        /// What the chart says.
        message: String,
    },
    /// A template cannot be executed.
    #[error("{text}")]
    Execute {
        /// Where and why, with the chain of templates.
        text: String,
    },
}

/// A template, and what it sees.
struct Renderable {
    text: Bytes,
    data: Map,
    base_path: String,
}

/// What the templates gave.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// The rendered files by their paths.
    pub(crate) texts: BTreeMap<String, String>,
    /// Paths of those that are not UTF-8: characters stand in for their bytes.
    pub(crate) stand_ins: BTreeSet<String>,
    /// Where each file's text came from, if that was asked for.
    pub(crate) provenance: BTreeMap<String, Provenance>,
}

/// Renders every template that is not a partial, into an empty set. `top` holds `Release`, `Capabilities`, `Values`.
pub(crate) fn render(
    graph: &Graph,
    top: &Map,
    mut set: TemplateSet,
    options: &Options,
    traced: bool,
) -> Result<Files, EngineError> {
    let mut templates = BTreeMap::new();
    collect(graph, Graph::ROOT, top, &mut templates);
    let paths = render_order(templates.keys());
    for path in &paths {
        set.parse_bytes(path, &templates[*path].text).map_err(|error| parse_error(path, &error))?;
    }
    let mut files = Files::default();
    for path in &paths {
        if path.rsplit('/').next().is_some_and(|base| base.starts_with('_')) {
            continue;
        }
        let template = &templates[*path];
        let about = Map::new().named(VALUES_TYPE);
        about.insert("Name", path.as_str());
        about.insert("BasePath", template.base_path.as_str());
        template.data.insert("Template", about);
        let data = Value::Map(template.data.clone().named(VALUES_TYPE));
        let failed = |error| execution_error(path, error);
        let output = if traced {
            let (output, mut provenance) = set.execute_traced(path, data, options).map_err(failed)?;
            provenance.remove(&no_value_ranges(&String::from_utf8_lossy(&output)));
            files.provenance.insert((*path).clone(), provenance);
            output
        } else {
            set.execute_bytes(path, data, options).map_err(failed)?
        };
        let output = match String::from_utf8(output) {
            Ok(output) => output,
            Err(error) => {
                files.stand_ins.insert((*path).clone());
                with_stand_ins(error.as_bytes())
                    .ok_or_else(|| failed(TemplateError::NotText { name: (*path).clone() }))?
            }
        };
        files.texts.insert((*path).clone(), without_no_value(output));
    }
    Ok(files)
}

/// The bytes that [`without_no_value`] takes out.
fn no_value_ranges(text: &str) -> Vec<std::ops::Range<usize>> {
    text.match_indices(NO_VALUE).map(|(start, found)| start..start + found.len()).collect()
}

const NO_VALUE: &str = "<no value>";

/// Go prints `<no value>` for what is missing; Helm takes it out.
pub(crate) fn without_no_value(text: String) -> String {
    if text.contains(NO_VALUE) { text.replace(NO_VALUE, "") } else { text }
}

/// Deeper paths first, and backwards by name: definitions of parents come last and win.
fn render_order<'t>(paths: impl Iterator<Item = &'t String>) -> Vec<&'t String> {
    let mut paths: Vec<&String> = paths.collect();
    paths.sort_by_key(|path| std::cmp::Reverse((path.matches('/').count(), *path)));
    paths
}

/// Gathers the templates of a chart and its subcharts, each with the values of its scope.
fn collect(graph: &Graph, chart: ChartId, parent: &Map, templates: &mut BTreeMap<String, Renderable>) -> Map {
    let metadata = graph.metadata(chart).borrow().clone();
    let is_root = graph.is_root(chart);
    let subcharts = Map::new();
    let scope = Map::new();
    scope.insert("Chart", chart_map(&metadata, is_root));
    scope.insert("Files", Value::host(objects::Files::of(graph.chart(chart))));
    scope.insert("Release", parent.get("Release").unwrap_or_default());
    scope.insert("Capabilities", parent.get("Capabilities").unwrap_or_default());
    scope.insert("Subcharts", subcharts.clone());
    let values = if is_root {
        parent.get("Values").and_then(|values| values.as_map().cloned())
    } else {
        table(parent, &format!("Values.{}", metadata.name))
    };
    scope.insert("Values", values.unwrap_or_default().named(VALUES_TYPE));
    for subchart in graph.dependencies(chart) {
        let inner = collect(graph, *subchart, &scope, templates);
        subcharts.insert(graph.name(*subchart), inner);
    }
    let path = graph.full_path(chart);
    for file in &graph.chart(chart).templates {
        let base = file.name.rsplit('/').next().unwrap_or(&file.name);
        if metadata.is_library() && !base.starts_with('_') {
            continue;
        }
        let template = Renderable {
            text: file.data.clone(),
            data: scope.clone(),
            base_path: format!("{path}/templates"),
        };
        templates.insert(format!("{path}/{}", file.name), template);
    }
    scope
}

fn parse_error(path: &str, error: &TemplateError) -> EngineError {
    let text = error.to_string();
    let tokens: Vec<&str> = text.split(": ").collect();
    match tokens.as_slice() {
        [_, location, .., message] => {
            EngineError::Parse { location: (*location).to_owned(), message: (*message).to_owned() }
        }
        [_, location] => {
            EngineError::Parse { location: (*location).to_owned(), message: (*location).to_owned() }
        }
        _ => EngineError::Execute { text: format!("parse error in ({path}): {text}") },
    }
}

fn execution_error(path: &str, error: TemplateError) -> EngineError {
    let text = error.to_string();
    let mut tokens = text.splitn(3, ": ");
    let (Some(_), Some(location), Some(rest)) = (tokens.next(), tokens.next(), tokens.next()) else {
        return EngineError::Execute { text: format!("execution error in ({path}): {text}") };
    };
    if let Some(message) = warning(rest) {
        return EngineError::Gave { location: location.to_owned(), message: message.to_owned() };
    }
    let text = chain_text(&error).unwrap_or(text);
    EngineError::Execute { text }
}

/// The text between the first mark and the last.
fn warning(text: &str) -> Option<&str> {
    let start = text.find(WARNING_START)? + WARNING_START.len();
    let end = text.rfind(WARNING_END)?;
    text.get(start..end)
}

/// The chain of templates, each with its place and what failed there, innermost last. Nothing if a
/// function in the chain failed on its own: Helm then shows the text as it is.
fn chain_text(error: &TemplateError) -> Option<String> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    let mut texts = Vec::new();
    let mut current = Some(error);
    while let Some(error) = current {
        texts.push(error.to_string());
        current = match error {
            TemplateError::Execute { cause: Some(cause), .. } => {
                let nested = cause.nested().filter(|nested| nested.to_string() == cause.to_string());
                Some(nested?)
            }
            _ => None,
        };
    }
    for text in &texts {
        let step = Step::parse(text)?;
        if steps.last() != Some(&step) {
            steps.push(step);
        }
    }
    let text: String = steps.iter().map(Step::to_text).collect();
    Some(text.trim().to_owned())
}

/// One error of the chain, taken apart.
#[derive(PartialEq, Eq)]
struct Step<'t> {
    location: &'t str,
    executing: String,
    message: &'t str,
}

impl<'t> Step<'t> {
    fn parse(text: &'t str) -> Option<Step<'t>> {
        let rest = text.strip_prefix("template: ")?;
        if rest.starts_with("no template ") {
            return Some(Step { location: "", executing: String::new(), message: text });
        }
        Step::executing(rest).or_else(|| Step::simple(rest))
    }

    /// `FILE:LINE:COL: executing "NAME" at <EXPRESSION>: MESSAGE`
    fn executing(rest: &'t str) -> Option<Step<'t>> {
        let (location, after) = rest.split_once(": executing ")?;
        let (function, after) = after.strip_prefix('"')?.split_once('"')?;
        let (expression, message) = after.strip_prefix(" at <")?.split_once(">: ")?;
        let executing = format!("executing \"{function}\" at <{expression}>:");
        Some(Step { location, executing, message: before_next(message) })
    }

    /// `FILE:LINE: MESSAGE`
    fn simple(rest: &'t str) -> Option<Step<'t>> {
        let (location, message) = rest.rsplit_once(": ")?;
        Some(Step { location, executing: String::new(), message: before_next(message) })
    }

    fn to_text(&self) -> String {
        let mut text = String::new();
        if !self.location.is_empty() {
            text.push_str(&format!("{}\n  ", self.location));
        }
        if !self.executing.is_empty() {
            text.push_str(&format!("{}\n    ", self.executing));
        }
        if !self.message.is_empty() {
            text.push_str(&format!("{}\n", self.message));
        }
        text
    }
}

/// The message without that of the error behind it.
fn before_next(message: &str) -> &str {
    message.split(" template:").next().unwrap_or(message)
}
