//! What is honoured and what is refused by name: a text file per family, read once.
//!
//! ```text
//! # a comment
//! [Application]
//! honoured spec.source.path
//! refused  spec.sources
//! refused  spec.provider except generic, github
//! [annotations Application]
//! refused  argocd.argoproj.io/hydrate
//! named    notifications.argoproj.io/*
//! idle     argocd.argoproj.io/manifest-generate-paths
//! ```
//!
//! A mark on an object or a list counts for everything below it. Fields are honoured or refused; a [`Verdict`] says what
//! else holds for annotations, options and settings.

use indexmap::IndexMap;
use serde_json::Value;

use crate::error::join;
use crate::{Kind, schema_fields};

/// The marks of one family.
#[derive(Debug, Clone)]
pub struct Support {
    sections: IndexMap<String, IndexMap<String, Mark>>,
}

/// What comes of a field, an annotation, an option or a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is acted on.
    Honoured,
    /// Nothing that is there depends on it; the file says why.
    Idle,
    /// A side effect is missing: the object is applied without it, and a warning names it.
    Named,
    /// The object is left unapplied with a condition that names it.
    Refused,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    verdict: Verdict,
    /// Values that change nothing, and so are not refused or named.
    except: Vec<String>,
}

/// Why a file of marks cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SupportError {
    /// A line that is neither a section, a mark nor a comment.
    #[error("line {line} is no `[section]` and no `honoured`, `idle`, `named` or `refused NAME`: {text:?}")]
    Line {
        /// One-based.
        line: usize,
        /// The line.
        text: String,
    },
    /// A name that is marked twice.
    #[error("line {line} marks `{name}` of [{section}] a second time")]
    Twice {
        /// One-based.
        line: usize,
        /// The section.
        section: String,
        /// The name.
        name: String,
    },
}

impl Support {
    /// Reads a file of marks.
    pub fn parse(text: &str) -> Result<Support, SupportError> {
        let mut sections: IndexMap<String, IndexMap<String, Mark>> = IndexMap::new();
        let mut current: Option<String> = None;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                sections.entry(section.to_owned()).or_default();
                current = Some(section.to_owned());
                continue;
            }
            let unreadable = || SupportError::Line { line: index + 1, text: line.to_owned() };
            let section = current.clone().ok_or_else(unreadable)?;
            let (word, name) = line.split_once(char::is_whitespace).ok_or_else(unreadable)?;
            let (name, except) = match name.trim().split_once(" except ") {
                Some((name, except)) => {
                    (name, except.split(',').map(|text| text.trim().to_owned()).collect())
                }
                None => (name.trim(), Vec::new()),
            };
            let verdict = match word {
                "honoured" if except.is_empty() => Verdict::Honoured,
                "idle" if except.is_empty() => Verdict::Idle,
                "named" => Verdict::Named,
                "refused" => Verdict::Refused,
                _ => return Err(unreadable()),
            };
            let mark = Mark { verdict, except };
            let name = name.to_owned();
            if sections.entry(section.clone()).or_default().insert(name.clone(), mark).is_some() {
                return Err(SupportError::Twice { line: index + 1, section, name });
            }
        }
        Ok(Support { sections })
    }

    /// The fields of `object` that are there, hold something else than their zero value or default, and are refused or
    /// not known at all. Looks at everything but metadata and status.
    pub fn refused_fields(&self, kind: &Kind, object: &Value) -> Vec<String> {
        let mut refused = Vec::new();
        let Some(fields) = object.as_object() else {
            return refused;
        };
        for (name, value) in fields {
            if matches!(name.as_str(), "apiVersion" | "kind" | "metadata" | "status") {
                continue;
            }
            let place = Place { marks: self.sections.get(kind.kind), path: name.clone() };
            place.walk(kind.schema["properties"].get(name), value, &mut refused);
        }
        refused
    }

    /// Those of `names` that a section marks as refused, or that belong to the family and are not listed: an unlisted
    /// name counts when it starts with one of `owned_prefixes`.
    pub fn refused_names<'a>(
        &self,
        section: &str,
        names: impl IntoIterator<Item = &'a str>,
        owned_prefixes: &[&str],
    ) -> Vec<String> {
        let refused = |name: &&str| match self.find(section, name) {
            Some(mark) => mark.verdict == Verdict::Refused,
            None => owned_prefixes.iter().any(|prefix| name.starts_with(prefix)),
        };
        names.into_iter().filter(refused).map(str::to_owned).collect()
    }

    /// Those of `names` that a section wants told in a warning.
    pub fn named<'a>(&self, section: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let is_named =
            |name: &&str| self.find(section, name).is_some_and(|mark| mark.verdict == Verdict::Named);
        names.into_iter().filter(is_named).map(str::to_owned).collect()
    }

    /// What comes of a setting that has this value; nothing when the section does not know it.
    pub fn verdict(&self, section: &str, name: &str, value: &str) -> Option<Verdict> {
        let mark = self.find(section, name)?;
        let changes_nothing = mark.except.iter().any(|except| except == value.trim());
        Some(if changes_nothing { Verdict::Idle } else { mark.verdict })
    }

    /// Whether anything of a kind is honoured.
    pub fn is_built(&self, kind: &Kind) -> bool {
        let marks = self.sections.get(kind.kind);
        marks.is_some_and(|marks| marks.values().any(|mark| mark.verdict == Verdict::Honoured))
    }

    /// Every field of a kind that a user writes, with its mark; nothing where there is no mark, or more than one.
    pub fn fields(&self, kind: &Kind) -> Vec<(String, Option<Verdict>)> {
        let one = |field: String| {
            let mut marks = self.covering(kind, &field);
            let verdict = marks.next().map(|(_, mark)| mark.verdict).filter(|_| marks.next().is_none());
            drop(marks);
            (field, verdict)
        };
        kind_fields(kind).into_iter().map(one).collect()
    }

    /// What is wrong with the marks of a kind: fields without a mark, with two, marks without a field, and marks that a
    /// field cannot have.
    pub fn gaps(&self, kind: &Kind) -> Vec<String> {
        let mut gaps = Vec::new();
        for (field, verdict) in self.fields(kind) {
            match verdict {
                Some(Verdict::Honoured | Verdict::Refused) => {}
                Some(_) => gaps.push(format!("{}: {field} is neither honoured nor refused", kind.kind)),
                None => {
                    let count = self.covering(kind, &field).count();
                    gaps.push(format!("{}: {field} has {count} marks", kind.kind));
                }
            }
        }
        let fields = kind_fields(kind);
        for mark in self.sections.get(kind.kind).into_iter().flat_map(IndexMap::keys) {
            if !fields.iter().any(|field| covers(mark, field)) {
                gaps.push(format!("{}: no field {mark}", kind.kind));
            }
        }
        gaps
    }

    /// Every mark as `(section, name, verdict)`, for documentation and tests.
    pub fn marks(&self) -> impl Iterator<Item = (&str, &str, Verdict)> {
        self.sections.iter().flat_map(|(section, marks)| {
            marks.iter().map(move |(name, mark)| (section.as_str(), name.as_str(), mark.verdict))
        })
    }

    fn find(&self, section: &str, name: &str) -> Option<&Mark> {
        find_name(self.sections.get(section)?, name)
    }

    /// The marks that count for a field of a kind.
    fn covering<'a>(&'a self, kind: &Kind, field: &'a str) -> impl Iterator<Item = (&'a String, &'a Mark)> {
        let marks = self.sections.get(kind.kind).into_iter().flatten();
        marks.filter(move |(mark, _)| covers(mark, field))
    }
}

/// Every field that a user writes: all but metadata and status.
fn kind_fields(kind: &Kind) -> Vec<String> {
    let mut fields = Vec::new();
    for (name, property) in kind.schema["properties"].as_object().into_iter().flatten() {
        if !matches!(name.as_str(), "apiVersion" | "kind" | "metadata" | "status") {
            fields.extend(schema_fields(property, name));
        }
    }
    fields
}

/// A name, or a pattern like `CreateNamespace=*` or `accounts.*`.
fn find_name<'a>(marks: &'a IndexMap<String, Mark>, name: &str) -> Option<&'a Mark> {
    if let Some(mark) = marks.get(name) {
        return Some(mark);
    }
    let pattern = |(pattern, _): &(&String, &Mark)| {
        pattern.strip_suffix('*').is_some_and(|start| name.starts_with(start))
    };
    marks.iter().filter(pattern).max_by_key(|(pattern, _)| pattern.len()).map(|(_, mark)| mark)
}

/// Whether a mark counts for a field: the field itself, or something above it.
fn covers(mark: &str, field: &str) -> bool {
    field
        .strip_prefix(mark)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with('['))
}

struct Place<'a> {
    marks: Option<&'a IndexMap<String, Mark>>,
    path: String,
}

impl Place<'_> {
    fn walk(&self, schema: Option<&Value>, value: &Value, refused: &mut Vec<String>) {
        if is_empty_or_default(schema, value) {
            return;
        }
        let mark = self.marks.and_then(|marks| marks.get(&self.path));
        match (mark, value) {
            (Some(mark), _) if mark.verdict != Verdict::Refused => {
                self.walk_inside(schema, value, refused, false);
            }
            (Some(mark), _) if mark.except.iter().any(|except| value == except.as_str()) => {}
            (Some(_), _) => push_once(refused, &self.path),
            (None, Value::Object(_) | Value::Array(_)) => self.walk_inside(schema, value, refused, true),
            (None, _) => push_once(refused, &self.path),
        }
    }

    /// Below an honoured field only unknown fields are refused; `marked_below` says that marks are still to come.
    fn walk_inside(
        &self,
        schema: Option<&Value>,
        value: &Value,
        refused: &mut Vec<String>,
        marked_below: bool,
    ) {
        let known = |name: &str| schema.and_then(|schema| schema["properties"].get(name));
        match value {
            Value::Object(fields) if schema.is_some_and(|schema| schema["properties"].is_object()) => {
                let keeps_unknown = schema.is_some_and(|s| s["x-kubernetes-preserve-unknown-fields"] == true);
                for (name, field) in fields {
                    let place = self.at(&join(&self.path, name));
                    match known(name) {
                        Some(property) if marked_below => place.walk(Some(property), field, refused),
                        Some(property) => place.walk_inside(Some(property), field, refused, false),
                        None if keeps_unknown || is_empty_or_default(None, field) => {}
                        None => push_once(refused, &place.path),
                    }
                }
            }
            Value::Array(items) => {
                let place = self.at(&format!("{}[]", self.path));
                for item in items {
                    let schema = schema.map(|schema| &schema["items"]);
                    if marked_below {
                        place.walk(schema, item, refused);
                    } else {
                        place.walk_inside(schema, item, refused, false);
                    }
                }
            }
            _ if marked_below => push_once(refused, &self.path),
            _ => {}
        }
    }

    fn at(&self, path: &str) -> Place<'_> {
        Place { marks: self.marks, path: path.to_owned() }
    }
}

fn push_once(refused: &mut Vec<String>, path: &str) {
    if !refused.iter().any(|known| known == path) {
        refused.push(path.to_owned());
    }
}

/// Go's zero values, and what the schema says is the default of just this field. A default further down does not count:
/// whoever wrote `verify: {mode: HEAD}` wants something, although HEAD is the default mode.
fn is_empty_or_default(schema: Option<&Value>, value: &Value) -> bool {
    let default = schema.and_then(|schema| schema.get("default"));
    if default == Some(value) {
        return true;
    }
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.values().all(|field| is_empty_or_default(None, field)),
        Value::Array(items) => items.is_empty(),
        _ if default.is_some() => false,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
    }
}
