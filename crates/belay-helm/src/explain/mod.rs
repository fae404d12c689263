//! Where a field of a rendered object came from: template, line and calls, and who set the values it was made of.

mod setter;
mod target;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use belay_gotemplate::{Origin, Path, Place, Provenance};
use belay_goyaml::{Node, ParseOptions};

use crate::graph::{ChartId, Graph};
use crate::render::Rendered;

pub use setter::{Layer, Setter};
pub use target::{FieldStep, Target, TargetError};

/// What [`Rendered::explain`] looks things up in.
#[derive(Debug, Clone)]
pub struct Traced {
    files: BTreeMap<String, String>,
    provenance: BTreeMap<String, Provenance>,
    charts: Vec<ChartScope>,
}

/// A chart of the tree, as its templates see it.
#[derive(Debug, Clone)]
struct ChartScope {
    /// `app/charts/db`
    path: String,
    /// `values.yaml`
    values: Option<String>,
}

impl Traced {
    pub(crate) fn of(
        graph: &Graph,
        files: BTreeMap<String, String>,
        provenance: BTreeMap<String, Provenance>,
    ) -> Traced {
        let mut charts = Vec::new();
        collect(graph, Graph::ROOT, &mut charts);
        Traced { files, provenance, charts }
    }
}

fn collect(graph: &Graph, chart: ChartId, charts: &mut Vec<ChartScope>) {
    let values = graph.chart(chart).raw_file("values.yaml").map(|file| file.text().into_owned());
    charts.push(ChartScope { path: graph.full_path(chart), values });
    for subchart in graph.dependencies(chart) {
        collect(graph, *subchart, charts);
    }
}

/// Where a field came from.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The field that was asked for.
    pub target: Target,
    /// The field's text.
    pub text: String,
    /// What wrote it, piece by piece.
    pub pieces: Vec<Piece>,
}

/// A piece of a field that one place wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The template and line, outermost first; the last one wrote it.
    pub places: Vec<Place>,
    /// Text of the template itself.
    pub is_literal: bool,
    /// The data it was made of.
    pub reads: Vec<Read>,
    /// The data that decided whether it is there, innermost first.
    pub conditions: Vec<Read>,
}

/// Data that a template read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The path as the template's chart sees it: `.Values.replicas`.
    pub path: String,
    /// Who set it.
    pub setter: Setter,
}

/// Why a field cannot be explained.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// The render was not traced.
    #[error("the render was not traced")]
    NotTraced,
    /// The chart gives no such object.
    #[error("no {kind}/{name} is rendered")]
    NoObject {
        /// The kind.
        kind: String,
        /// The name.
        name: String,
    },
    /// The object has no such field.
    #[error("{kind}/{name} has no field {field}")]
    NoField {
        /// The kind.
        kind: String,
        /// The name.
        name: String,
        /// The field.
        field: String,
    },
}

impl Rendered {
    /// Where the field came from. `layers` are the values the user gave, in Helm's order.
    pub fn explain(&self, target: &Target, layers: &[Layer]) -> Result<Explanation, ExplainError> {
        let traced = self.traced.as_ref().ok_or(ExplainError::NotTraced)?;
        let no_object = || ExplainError::NoObject { kind: target.kind.clone(), name: target.name.clone() };
        let (source, text) = self.document(target).ok_or_else(no_object)?;
        let span = field_span(text, &target.field).ok_or_else(|| ExplainError::NoField {
            kind: target.kind.clone(),
            name: target.name.clone(),
            field: target.field_text(),
        })?;
        let file = traced.files.get(source).ok_or_else(no_object)?;
        let provenance = traced.provenance.get(source).ok_or_else(no_object)?;
        let start = file.find(text).unwrap_or(0);
        let range = start + span.start..start + span.end;
        let scope = Scope { traced, layers, file: source, target };
        let origins = provenance.explain(file.as_bytes(), range);
        let pieces = origins.iter().map(|origin| scope.piece(origin)).collect();
        Ok(Explanation { target: target.clone(), text: text[span].to_owned(), pieces })
    }

    /// The template and the text of the object.
    fn document(&self, target: &Target) -> Option<(&str, &str)> {
        let fits = |kind: &str, name: &str| kind.eq_ignore_ascii_case(&target.kind) && name == target.name;
        let manifest = self.manifests.iter().find(|manifest| fits(&manifest.kind, &manifest.name));
        let hook = || self.hooks.iter().find(|hook| fits(&hook.kind, &hook.name));
        manifest
            .map(|manifest| (manifest.source.as_str(), manifest.text.as_str()))
            .or_else(|| hook().map(|hook| (hook.path.as_str(), hook.manifest.as_str())))
    }
}

/// The bytes of the field's value; of its key, where the value is nothing.
fn field_span(text: &str, field: &[FieldStep]) -> Option<Range<usize>> {
    let documents = belay_goyaml::parse(text, &ParseOptions::default()).ok()?;
    let mut node = &documents.first()?.root;
    let mut key = node.value_span();
    for step in field {
        let (next, place) = child(node, step)?;
        (node, key) = (next, place);
    }
    let span = node.value_span();
    Some(if span.is_empty() { key } else { span })
}

fn child<'n>(node: &'n Node, step: &FieldStep) -> Option<(&'n Node, Range<usize>)> {
    match step {
        FieldStep::Key(key) => {
            let fits = |entry: &&(Node, Node)| entry.0.as_str() == Some(key);
            let (key, value) = node.entries()?.iter().rev().find(fits)?;
            Some((value, key.span()))
        }
        FieldStep::Index(index) => node.items()?.get(*index).map(|item| (item, item.span())),
    }
}

/// What paths in an origin refer to.
struct Scope<'a> {
    traced: &'a Traced,
    layers: &'a [Layer],
    /// The template that was executed.
    file: &'a str,
    target: &'a Target,
}

impl Scope<'_> {
    fn piece(&self, origin: &Origin) -> Piece {
        let reads = |paths: &[Path], field| paths.iter().map(|path| self.read(path, field)).collect();
        Piece {
            places: origin.places.clone(),
            is_literal: origin.is_literal,
            reads: reads(&origin.reads, self.target.field.as_slice()),
            conditions: reads(&origin.conditions, &[]),
        }
    }

    fn read(&self, path: &Path, field: &[FieldStep]) -> Read {
        let below = self.file.rsplit_once("/templates/").map_or(self.file, |(chart, _)| chart);
        let (path_shown, setter) = setter::find(&self.traced.charts, self.layers, below, path, field);
        Read { path: path_shown, setter }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{} = {}", self.target, self.text.lines().next().unwrap_or_default())?;
        for piece in &self.pieces {
            let Some((last, outer)) = piece.places.split_last() else { continue };
            let kind = if piece.is_literal { "text of " } else { "" };
            writeln!(formatter, "  {kind}{}:{}{}", last.file, last.line, name_of(last))?;
            for place in outer.iter().rev() {
                writeln!(formatter, "    called from {}:{}{}", place.file, place.line, name_of(place))?;
            }
            for read in &piece.reads {
                writeln!(formatter, "    {}: {}", read.path, read.setter)?;
            }
            for read in &piece.conditions {
                writeln!(formatter, "    if {}: {}", read.path, read.setter)?;
            }
        }
        Ok(())
    }
}

/// The definition's name, where it is not the file's.
fn name_of(place: &Place) -> String {
    if place.template == place.file { String::new() } else { format!(" ({})", place.template) }
}
