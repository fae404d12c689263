//! Finds the lines that causes mean, in files that are read again.

use belay_filetree::{FileTree, TreePath};
use belay_goyaml::{Document, Node, Style};
use serde_json::Value;

use super::cause::{Cause, Spot};
use crate::field_lookup;
use crate::generators::sources;
use crate::places::{documents, node_at, object_at, parse};

/// Fields of old, whose entries follow those of the fields of today.
const OF_OLD: [(&str, &str); 3] =
    [("labels", "commonLabels"), ("images", "imageTags"), ("helmCharts", "helmChartInflationGenerator")];

/// What lines are looked for with.
pub(super) struct Lines<'l> {
    pub(super) tree: &'l dyn FileTree,
    /// The field.
    pub(super) path: &'l [String],
    /// The object as it is in the end.
    pub(super) object: &'l Value,
}

impl Lines<'_> {
    /// The file and the line.
    pub(super) fn of(&self, cause: &Cause) -> Option<(TreePath, usize)> {
        match cause.spot {
            Spot::None => return None,
            Spot::Line(line) => return Some((cause.file.clone(), line)),
            _ => {}
        }
        let documents = documents(self.tree, &cause.file)?;
        let root = &documents.first()?.root;
        let line = match &cause.spot {
            Spot::None | Spot::Line(_) => return None,
            Spot::Object(line) => {
                let own = object_at(&documents, *line);
                if let Some(found) = own.and_then(|own| self.generator_source(own, cause)) {
                    return Some(found);
                }
                own.and_then(|node| place_in(node, self.path)).unwrap_or(*line)
            }
            Spot::Anywhere => self.anywhere(&documents).unwrap_or(root.line),
            Spot::Item(number) => root.items().and_then(|items| items.get(*number)).unwrap_or(root).line,
            Spot::Text(field, number, line) => {
                let text = entry(root, field, *number).and_then(text_of)?;
                self.in_text(text, Some(*line)).unwrap_or(text.line)
            }
            Spot::Entry(field, number) => return self.of_entry(root, field, *number, cause),
            Spot::Inline(asking, path) => inline_line(&documents, asking, path)?,
        };
        Some((cause.file.clone(), line))
    }

    fn of_entry(&self, root: &Node, field: &str, number: usize, cause: &Cause) -> Option<(TreePath, usize)> {
        let here = |line| Some((cause.file.clone(), line));
        let Some(own) = entry(root, field, number) else {
            return here(key_line(root, field)?);
        };
        if matches!(field, "configMapGenerator" | "secretGenerator") {
            let source = self.generator_source(own, cause);
            let from_options = || root.get("generatorOptions").and_then(|options| self.option_line(options));
            return source.or_else(|| here(from_options().unwrap_or(own.line)));
        }
        let inline = text_of(own).and_then(|text| self.in_text(text, None));
        here(inline.unwrap_or(own.line))
    }

    /// The field in any object or operation.
    fn anywhere(&self, documents: &[Document]) -> Option<usize> {
        let mut roots = documents.iter().map(|document| &document.root);
        roots.find_map(|root| place_in(root, self.path).or_else(|| self.operation_line(root)))
    }

    /// The last operation of a JSON patch that touches the field.
    fn operation_line(&self, root: &Node) -> Option<usize> {
        let path: Vec<String> = field_lookup::steps(self.object, self.path).map(|(name, _)| name).collect();
        let touches = |operation: &&Node| {
            let pointer = operation.get("path").and_then(Node::as_str).unwrap_or_default();
            let parts = pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"));
            parts.zip(&path).all(|(part, own)| part == *own || part == "-" || own.starts_with('['))
        };
        root.items()?.iter().rfind(touches).map(|operation| operation.line)
    }

    /// The line of the field in a text that holds objects or a JSON patch.
    fn in_text(&self, text: &Node, object: Option<usize>) -> Option<usize> {
        let documents = parse(text.as_str()?)?;
        let line = match object {
            Some(line) => {
                let own = object_at(&documents, line);
                own.and_then(|own| place_in(own, self.path)).unwrap_or(line)
            }
            None => self.anywhere(&documents)?,
        };
        // Only the lines of a literal text are lines of its file.
        Some(if text.style == Style::Literal { text.line + line } else { text.line })
    }

    /// What gave a generated object a key: a literal, a file, or a line of an environment file.
    fn generator_source(&self, arguments: &Node, cause: &Cause) -> Option<(TreePath, usize)> {
        let here = |line: usize| (cause.file.clone(), line);
        let [field, key] = self.path else {
            return arguments.get("options").and_then(|options| self.option_line(options)).map(here);
        };
        if !matches!(field.as_str(), "data" | "binaryData") {
            return None;
        }
        let folder = cause.file.parent()?;
        let listed = |field: &str| arguments.get(field).and_then(Node::items).unwrap_or_default();
        for literal in listed("literals") {
            if literal.as_str()?.split_once('=').is_some_and(|(name, _)| name == key) {
                return Some(here(literal.line));
            }
        }
        for source in listed("files") {
            let (name, reference) = sources::file_source(source.as_str()?).ok()?;
            if name == key {
                return Some((folder.join(reference).ok()?, 1));
            }
        }
        for source in listed("envs").iter().chain(arguments.get("env")) {
            let file = folder.join(source.as_str()?).ok()?;
            let content = self.tree.read(&file).ok()?;
            if let Some(line) = sources::environment_line(&content, key) {
                return Some((file, line));
            }
        }
        None
    }

    /// Labels and annotations that a generator gives.
    fn option_line(&self, options: &Node) -> Option<usize> {
        match self.path {
            [metadata, rest @ ..] if metadata == "metadata" => place_in(options, rest),
            path => place_in(options, path),
        }
    }
}

fn field_of<'n>(root: &'n Node, field: &str) -> Option<(&'n Node, &'n Node)> {
    let mut entries = root.entries()?.iter();
    let found = entries.find(|(key, _)| key.as_str().is_some_and(|key| key.eq_ignore_ascii_case(field)));
    found.map(|(key, value)| (key, value))
}

/// An entry of a kustomization's list.
fn entry<'n>(root: &'n Node, field: &str, number: usize) -> Option<&'n Node> {
    let items = |field: &str| field_of(root, field).and_then(|(_, value)| value.items());
    let today = items(field).unwrap_or_default();
    let old = || OF_OLD.iter().find(|(today, _)| *today == field).and_then(|(_, old)| items(old));
    today.get(number).or_else(|| old()?.get(number - today.len()))
}

/// Where a field begins that is no list, by its name of today or of old.
fn key_line(root: &Node, field: &str) -> Option<usize> {
    let old = OF_OLD.iter().find(|(today, _)| *today == field).map(|(_, old)| *old);
    let found = match old.and_then(|old| field_of(root, old)) {
        Some(found) => Some(found),
        None => field_of(root, field),
    };
    found.map(|(key, _)| key.line)
}

/// The patch in an entry: the entry itself, or its `patch`.
fn text_of(entry: &Node) -> Option<&Node> {
    if entry.as_str().is_some() { Some(entry) } else { entry.get("patch") }
}

/// The line of a value that stands in what asks for a chart.
fn inline_line(documents: &[Document], asking: &Spot, path: &[String]) -> Option<usize> {
    let asks = match asking {
        Spot::Entry(field, number) => entry(&documents.first()?.root, field, *number)?,
        Spot::Object(line) => object_at(documents, *line)?,
        _ => return None,
    };
    place_in(asks.get("valuesInline").or_else(|| asks.get("valuesLocal"))?, path)
}

/// The line of a field in an object.
fn place_in(object: &Node, path: &[String]) -> Option<usize> {
    node_at(object, path).map(|(_, line)| line)
}
