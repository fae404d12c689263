//! A set of fields of one object, and its form in `managedFields` (FieldsV1).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::arena::{TypeId, Types};
use crate::path::{FieldPath, PathElement};

/// Deeper sets are refused: nobody writes them, and reading them must not exhaust the stack.
const MAX_DEPTH: usize = 256;

/// A FieldsV1 value that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FieldSetError {
    /// A key is none of `f:`, `k:`, `v:`, `i:` or its content is not JSON.
    #[error("field set key {key:?}: {detail}")]
    Key {
        /// The key as found.
        key: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A value below a key is not an object.
    #[error("field set holds {0} where an object is expected")]
    NotAnObject(String),
    /// Nested too deeply.
    #[error("field set is nested deeper than {MAX_DEPTH}")]
    TooDeep,
}

/// Fields of one object. A field can be a member, have members below it, or both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSet {
    members: BTreeSet<PathElement>,
    children: BTreeMap<PathElement, FieldSet>,
}

impl FieldSet {
    /// The set with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// The set of these paths.
    pub fn of(paths: impl IntoIterator<Item = FieldPath>) -> Self {
        let mut set = Self::new();
        paths.into_iter().for_each(|path| set.insert(&path.0));
        set
    }

    /// Read FieldsV1. Keys of an unknown sort are skipped, as the API server does.
    pub fn parse(fields: &Value) -> Result<Self, FieldSetError> {
        Ok(parse_level(fields, 0)?.0.unwrap_or_default())
    }

    /// FieldsV1, sorted as the API server writes it.
    pub fn serialize(&self) -> Value {
        self.serialize_level(false)
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(Self::is_empty)
    }

    /// Whether exactly this field is in it.
    pub fn has(&self, path: &[PathElement]) -> bool {
        match path {
            [] => false,
            [last] => self.members.contains(last),
            [first, rest @ ..] => self.children.get(first).is_some_and(|child| child.has(rest)),
        }
    }

    /// Whether this field of the object's root, or of the set's level, is a member.
    pub(crate) fn has_element(&self, element: &PathElement) -> bool {
        self.members.contains(element)
    }

    /// Whether this top-level field is a member.
    pub(crate) fn is_whole(&self, name: &str) -> bool {
        self.members.contains(&PathElement::field(name))
    }

    /// Add one field. The empty path (the whole object) is owned by nobody.
    pub fn insert(&mut self, path: &[PathElement]) {
        match path {
            [] => {}
            [last] => {
                self.members.insert(last.clone());
            }
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    /// What is below `element`, if anything.
    pub fn below(&self, element: &PathElement) -> Option<&Self> {
        self.children.get(element)
    }

    /// Every member at this level.
    pub fn members(&self) -> impl Iterator<Item = &PathElement> {
        self.members.iter()
    }

    pub(crate) fn children(&self) -> impl Iterator<Item = (&PathElement, &Self)> {
        self.children.iter()
    }

    /// Every field, parents before their children, in the API server's order.
    pub fn paths(&self) -> Vec<FieldPath> {
        let mut paths = Vec::new();
        self.collect_paths(&mut Vec::new(), &mut paths);
        paths
    }

    fn collect_paths(&self, prefix: &mut Vec<PathElement>, into: &mut Vec<FieldPath>) {
        for member in &self.members {
            prefix.push(member.clone());
            into.push(FieldPath(prefix.clone()));
            prefix.pop();
        }
        for (element, child) in &self.children {
            prefix.push(element.clone());
            child.collect_paths(prefix, into);
            prefix.pop();
        }
    }

    /// Fields of either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut out = self.clone();
        out.add(other);
        out
    }

    fn add(&mut self, other: &Self) {
        self.members.extend(other.members.iter().cloned());
        for (element, child) in &other.children {
            self.children.entry(element.clone()).or_default().add(child);
        }
    }

    /// Fields of both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let members = self.members.intersection(&other.members).cloned().collect();
        let children = self.children.iter().filter_map(|(element, child)| {
            let shared = child.intersection(other.children.get(element)?);
            (!shared.is_empty()).then(|| (element.clone(), shared))
        });
        Self { members, children: children.collect() }
    }

    /// Fields of this set that are not in `other`; children of a removed field stay.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let members = self.members.difference(&other.members).cloned().collect();
        let children = self.children.iter().filter_map(|(element, child)| {
            let rest = match other.children.get(element) {
                Some(removed) => child.difference(removed),
                None => child.clone(),
            };
            (!rest.is_empty()).then(|| (element.clone(), rest))
        });
        Self { members, children: children.collect() }
    }

    /// Fields of this set that are neither in `other` nor below a field of it.
    #[must_use]
    pub fn recursive_difference(&self, other: &Self) -> Self {
        let members = self.members.difference(&other.members).cloned().collect();
        let children = self.children.iter().filter(|(element, _)| !other.members.contains(*element));
        let children = children.filter_map(|(element, child)| {
            let rest = match other.children.get(element) {
                Some(removed) => child.recursive_difference(removed),
                None => child.clone(),
            };
            (!rest.is_empty()).then(|| (element.clone(), rest))
        });
        Self { members, children: children.collect() }
    }

    /// This set, and every named struct field on the way to one of its fields.
    pub(crate) fn with_named_parents(&self, types: &Types, type_id: Option<TypeId>) -> Self {
        let map = type_id.and_then(|id| types.get(id).map.as_ref());
        let list = type_id.and_then(|id| types.get(id).list.as_ref());
        let mut members = self.members.clone();
        let mut children = BTreeMap::new();
        for (element, child) in &self.children {
            let child_type = match element {
                PathElement::Field(name) => {
                    let field = map.and_then(|map| map.fields.get(name));
                    if field.is_some() {
                        members.insert(element.clone());
                    }
                    field.map(|field| field.type_id).or_else(|| map.and_then(|map| map.element))
                }
                PathElement::Key(_) => list.map(|list| list.element),
                _ => None,
            };
            children.insert(element.clone(), child.with_named_parents(types, child_type));
        }
        Self { members, children }
    }

    fn serialize_level(&self, include_self: bool) -> Value {
        let mut out = Map::new();
        if include_self && !(self.members.is_empty() && self.children.is_empty()) {
            out.insert(".".to_owned(), Value::Object(Map::new()));
        }
        let elements: BTreeSet<&PathElement> = self.members.iter().chain(self.children.keys()).collect();
        for element in elements {
            let value = match self.children.get(element) {
                Some(child) => child.serialize_level(self.members.contains(element)),
                None => Value::Object(Map::new()),
            };
            out.insert(element.serialize(), value);
        }
        Value::Object(out)
    }
}

/// The set below a key, and whether the key itself is a member.
fn parse_level(fields: &Value, depth: usize) -> Result<(Option<FieldSet>, bool), FieldSetError> {
    if depth > MAX_DEPTH {
        return Err(FieldSetError::TooDeep);
    }
    let Value::Object(fields) = fields else {
        return Err(FieldSetError::NotAnObject(fields.to_string()));
    };
    let mut set: Option<FieldSet> = None;
    let mut is_member = false;
    for (key, value) in fields {
        if key == "." {
            is_member = true;
            continue;
        }
        let parsed = PathElement::parse(key);
        let parsed = parsed.map_err(|detail| FieldSetError::Key { key: key.clone(), detail })?;
        let Some(element) = parsed else { continue };
        let (below, element_is_member) = parse_level(value, depth + 1)?;
        let set = set.get_or_insert_default();
        if element_is_member {
            set.members.insert(element.clone());
        }
        if let Some(below) = below {
            set.children.insert(element, below);
        }
    }
    is_member |= set.is_none();
    Ok((set, is_member))
}
