//! Which file gave a field its value, and what changed it on the way.
//!
//! A build that is asked about a field looks at it after every step. One that is not asked does
//! nothing of the kind.

mod cause;
mod lines;
mod tracer;

use belay_filetree::{FileTree, TreePath};
use serde_json::Value;

pub(crate) use self::cause::{Cause, Elsewhere, Part};
pub(crate) use self::tracer::{Followed, Release, Trace, Tracer};
use crate::field_lookup;
use crate::options::FieldQuery;
use crate::output::{Build, Built};

/// One value a field had.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The URL of the repository or the file, if that is not of the tree that is built.
    pub elsewhere: Option<String>,
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
        let explain = |built: &Built| {
            let steps = built.trace.iter().flat_map(|trace| trace.steps());
            let change = |(cause, value): &(Cause, Option<Value>)| {
                let tree = cause.elsewhere.as_ref().map_or(tree, |elsewhere| elsewhere.tree.as_ref());
                let lines = lines::Lines { tree, path: &path, object: &built.object };
                let (file, line) = lines.of(cause).unwrap_or_else(|| (cause.file.clone(), 0));
                let elsewhere = cause.elsewhere.as_ref().map(|elsewhere| elsewhere.name.clone());
                Change { elsewhere, file, line, by: cause.by.clone(), value: value.clone() }
            };
            Explanation { object: name_of(&built.object), changes: steps.map(change).collect() }
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
