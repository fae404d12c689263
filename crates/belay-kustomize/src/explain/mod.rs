//! Which file gave a field its value, and what changed it on the way.
//!
//! A build that is asked about a field looks at it after every step. One that is not asked does
//! nothing of the kind.

use belay_filetree::{FileTree, TreePath};
use belay_goyaml::{Node, ParseOptions, Resolution};
use serde_json::Value;

use crate::field_lookup;
use crate::options::FieldQuery;
use crate::output::{Build, Built};
use crate::resource::{Place, Resource};
use crate::resources::Resources;

/// One value a field had.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The file that says so.
    pub file: TreePath,
    /// 1-based line; 0 where the file could not be read again.
    pub line: usize,
    /// What made the change: `resource`, or a field of the kustomization and its transformer.
    pub by: String,
    /// The value from then on; `None` where the field was taken away.
    pub value: Option<Value>,
}

/// How a field of an object came to its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// `Kind/name`, with the namespace in front of the name where there is one.
    pub object: String,
    /// Oldest first.
    pub changes: Vec<Change>,
}

/// What an object's field has been so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Trace {
    last: Option<Value>,
    steps: Vec<(Cause, Option<Value>)>,
}

/// What made a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    file: TreePath,
    spot: Spot,
    by: String,
}

/// Where in the file to look for the line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Spot {
    /// The field, in the object that starts at this line.
    Object(usize),
    /// A field of a kustomization and the place in its list.
    Entry(&'static str, usize),
    /// The field, in any object of the file.
    Anywhere,
    /// Nowhere in particular.
    None,
}

impl Cause {
    /// Something done to all objects at the end.
    pub(crate) fn step(by: &str) -> Cause {
        Cause { file: TreePath::root(), spot: Spot::None, by: by.to_owned() }
    }

    pub(crate) fn field(file: &TreePath, field: &'static str, by: &str) -> Cause {
        Cause::entry(file, field, usize::MAX, by)
    }

    pub(crate) fn entry(file: &TreePath, field: &'static str, number: usize, by: &str) -> Cause {
        Cause { file: file.clone(), spot: Spot::Entry(field, number), by: format!("{field} ({by})") }
    }

    pub(crate) fn at(place: &Place, by: &str) -> Cause {
        Cause { file: place.file.clone(), spot: Spot::Object(place.line), by: by.to_owned() }
    }

    /// The same cause, said in another file.
    pub(crate) fn or_in(self, file: Option<TreePath>) -> Cause {
        match file {
            Some(file) => Cause { file, spot: Spot::Anywhere, by: self.by },
            None => self,
        }
    }
}

/// Watches one field of the objects of a kind.
pub(crate) struct Tracer {
    kind: String,
    path: Vec<String>,
}

impl Tracer {
    pub(crate) fn new(query: &FieldQuery) -> Tracer {
        Tracer { kind: query.kind.clone(), path: field_lookup::split(&query.path) }
    }

    fn value(&self, resource: &Resource) -> Option<Value> {
        field_lookup::get(&resource.object, &self.path).ok().flatten().cloned()
    }

    /// Begins with an object that was just read.
    pub(crate) fn start(&self, resource: &mut Resource) {
        let place = resource.place.clone();
        let cause = place.map_or_else(|| Cause::step("resource"), |place| Cause::at(&place, "resource"));
        self.look(resource, &cause);
    }

    /// Records what a step changed.
    pub(crate) fn note(&self, resources: &mut Resources, cause: &Cause) {
        for at in 0..resources.len() {
            self.look(resources.content_mut(at), cause);
        }
    }

    fn look(&self, resource: &mut Resource, cause: &Cause) {
        if resource.kind() != self.kind && resource.trace.is_none() {
            return;
        }
        let value = self.value(resource);
        let trace = resource.trace.get_or_insert_default();
        if trace.last != value {
            trace.steps.push((cause.clone(), value.clone()));
            trace.last = value;
        }
    }
}

impl Build {
    /// How the field that [`BuildOptions::explain`](crate::BuildOptions::explain) names came to its
    /// value, for every object that it means. The tree is read again for the lines.
    pub fn explain(&self, query: &FieldQuery, tree: &dyn FileTree) -> Vec<Explanation> {
        let path = field_lookup::split(&query.path);
        let means = |built: &&Built| {
            let name = built.object.get("metadata").and_then(|metadata| metadata.get("name"));
            let kind = built.object.get("kind").and_then(Value::as_str);
            kind == Some(&query.kind) && name.and_then(Value::as_str) == Some(&query.name)
        };
        let explain = |built: &Built| Explanation {
            object: name_of(&built.object),
            changes: built
                .trace
                .iter()
                .flat_map(|trace| &trace.steps)
                .map(|step| change(step, &path, tree))
                .collect(),
        };
        self.objects.iter().filter(means).map(explain).collect()
    }
}

fn name_of(object: &Value) -> String {
    let metadata =
        |field: &str| object.get("metadata").and_then(|metadata| metadata.get(field)).and_then(Value::as_str);
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
    let name = metadata("name").unwrap_or_default();
    match metadata("namespace") {
        Some(namespace) => format!("{kind}/{namespace}/{name}"),
        None => format!("{kind}/{name}"),
    }
}

fn change((cause, value): &(Cause, Option<Value>), path: &[String], tree: &dyn FileTree) -> Change {
    let line = line_of(cause, path, tree).unwrap_or_default();
    Change { file: cause.file.clone(), line, by: cause.by.clone(), value: value.clone() }
}

fn line_of(cause: &Cause, path: &[String], tree: &dyn FileTree) -> Option<usize> {
    if cause.spot == Spot::None {
        return None;
    }
    let content = tree.read(&cause.file).ok()?;
    let options = ParseOptions { resolution: Resolution::V3, ..ParseOptions::default() };
    let documents = belay_goyaml::parse(std::str::from_utf8(&content).ok()?, &options).ok()?;
    match &cause.spot {
        Spot::None => None,
        Spot::Object(line) => {
            let own = documents.iter().find_map(|document| object_at(&document.root, *line));
            own.and_then(|node| place_in(node, path)).or(Some(*line))
        }
        Spot::Anywhere => {
            let found = documents.iter().find_map(|document| place_in(&document.root, path));
            found.or_else(|| documents.first().map(|document| document.root.line))
        }
        Spot::Entry(field, number) => {
            let root = &documents.first()?.root;
            entry_line(root, field, *number).or_else(|| match *field {
                "labels" => entry_line(root, "commonLabels", 0),
                _ => None,
            })
        }
    }
}

fn entry_line(root: &Node, field: &str, number: usize) -> Option<usize> {
    let (key, value) = root.entries()?.iter().find(|(key, _)| key.as_str() == Some(field))?;
    match value.items() {
        Some(items) if number < items.len() => Some(items[number].line),
        Some(_) if number != usize::MAX => None,
        _ => Some(key.line),
    }
}

/// The object that starts at a line: the document, or an item of a list.
fn object_at(root: &Node, line: usize) -> Option<&Node> {
    if root.line == line {
        return Some(root);
    }
    root.get("items").and_then(Node::items)?.iter().find(|item| item.line == line)
}

/// The line of a field in an object.
fn place_in(object: &Node, path: &[String]) -> Option<usize> {
    let mut node = object;
    let mut line = node.line;
    for part in path {
        if let Some(entries) = node.entries() {
            let (key, value) = entries.iter().find(|(key, _)| key.as_str() == Some(part))?;
            (node, line) = (value, key.line);
        } else {
            node = item_of(node.items()?, part)?;
            line = node.line;
        }
    }
    Some(line)
}

fn item_of<'n>(items: &'n [Node], part: &str) -> Option<&'n Node> {
    if let Ok(at) = part.parse::<usize>() {
        return items.get(at);
    }
    let (key, wanted) = part.strip_prefix('[')?.strip_suffix(']')?.split_once('=')?;
    items.iter().find(|item| item.get(key).and_then(Node::as_str) == Some(wanted))
}
