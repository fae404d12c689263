//! Which fields one object adds to, changes in and removes from another.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Atom, Misfit, Trail, atom_for, entries, field_type, item_element, items, scalar_misfit};
use crate::arena::{ListType, MapType, Relationship, Scalar, TypeId, Types};
use crate::field_set::FieldSet;
use crate::path::PathElement;
use crate::values::equal;

/// The difference of two objects of one type.
#[derive(Debug, Clone, Default)]
pub(crate) struct Comparison {
    pub(crate) removed: FieldSet,
    pub(crate) modified: FieldSet,
    pub(crate) added: FieldSet,
}

/// What `right` changes in `left`.
pub(crate) fn compare(
    types: &Types,
    id: TypeId,
    left: &Value,
    right: &Value,
) -> Result<Comparison, Vec<Misfit>> {
    let mut comparer = Comparer { types, trail: Trail::default(), found: Comparison::default() };
    comparer.value(Some(id), Some(left), Some(right));
    comparer.trail.finish()?;
    Ok(comparer.found)
}

struct Comparer<'a> {
    types: &'a Types,
    trail: Trail,
    found: Comparison,
}

impl Comparer<'_> {
    fn value(&mut self, id: Option<TypeId>, left: Option<&Value>, right: Option<&Value>) {
        let (left_atom, left_sides) = atom_for(self.types, id, left);
        let (right_atom, right_sides) = atom_for(self.types, id, right);
        let was_leaf = if right.is_none() {
            self.atom(left_atom, left, right)
        } else {
            if left.is_some() && left_sides != right_sides {
                self.atom(left_atom, left, right);
            }
            self.atom(right_atom, left, right)
        };
        if was_leaf {
            return;
        }
        if left.is_none() {
            self.found.added.insert(&self.trail.path);
        } else if right.is_none() {
            self.found.removed.insert(&self.trail.path);
        }
    }

    /// Whether the value was compared as a whole.
    fn atom(&mut self, atom: Atom<'_>, left: Option<&Value>, right: Option<&Value>) -> bool {
        match atom {
            Atom::Map(map) => self.map(map, left, right),
            Atom::Scalar(scalar) => self.scalar(scalar, left, right),
            Atom::List(list) => self.list(list, left, right),
            Atom::Undeclared => {
                self.trail.report("schema error: invalid atom: inlined");
                false
            }
        }
    }

    fn leaf(&mut self, left: Option<&Value>, right: Option<&Value>) -> bool {
        let path = &self.trail.path;
        match (left, right) {
            (None, _) => self.found.added.insert(path),
            (_, None) => self.found.removed.insert(path),
            (Some(left), Some(right)) if !equal(left, right) => self.found.modified.insert(path),
            _ => {}
        }
        true
    }

    fn scalar(&mut self, scalar: Scalar, left: Option<&Value>, right: Option<&Value>) -> bool {
        let misfits = (scalar_misfit(scalar, left, "lhs: "), scalar_misfit(scalar, right, "rhs: "));
        if let (Some(left), Some(right)) = misfits {
            self.trail.report(left);
            self.trail.report(right);
            return false;
        }
        self.leaf(left, right)
    }

    fn map(&mut self, map: &MapType, left: Option<&Value>, right: Option<&Value>) -> bool {
        let (left_map, right_map) = (entries(left), entries(right));
        let both_empty = left_map.is_none_or(Map::is_empty) && right_map.is_none_or(Map::is_empty);
        if map.relationship == Relationship::Atomic || both_empty {
            return self.leaf(left, right);
        }
        let empty = Map::new();
        let (left_map, right_map) = (left_map.unwrap_or(&empty), right_map.unwrap_or(&empty));
        let added = right_map.keys().filter(|key| !left_map.contains_key(*key));
        for key in left_map.keys().chain(added) {
            self.descend(
                PathElement::field(key),
                field_type(map, key),
                left_map.get(key),
                right_map.get(key),
            );
        }
        false
    }

    fn list(&mut self, list: &ListType, left: Option<&Value>, right: Option<&Value>) -> bool {
        let (left_items, right_items) = (items(left), items(right));
        let both_empty = left_items.is_none_or(Vec::is_empty) && right_items.is_none_or(Vec::is_empty);
        if list.relationship == Relationship::Atomic || both_empty {
            return self.leaf(left, right);
        }
        let left_items = self.group(list, left_items);
        let right_items = self.group(list, right_items);
        let elements: BTreeSet<&PathElement> = left_items.keys().chain(right_items.keys()).collect();
        for element in elements {
            let side =
                |items: &BTreeMap<PathElement, Vec<Value>>| items.get(element).cloned().unwrap_or_default();
            self.same_element(list, element, &side(&left_items), &side(&right_items));
        }
        false
    }

    /// Items that share one path element; more than one of them are duplicates, and then compared as a whole.
    fn same_element(&mut self, list: &ListType, element: &PathElement, left: &[Value], right: &[Value]) {
        let id = Some(list.element);
        let mut path = self.trail.path.clone();
        path.push(element.clone());
        match (left.len(), right.len()) {
            (0..=1, 0..=1) => self.descend(element.clone(), id, left.first(), right.first()),
            (2.., 2..) => {
                let same = left.len() == right.len()
                    && left.iter().zip(right).all(|(left, right)| equal(left, right));
                if !same {
                    self.found.modified.insert(&path);
                }
            }
            (2.., _) => {
                if let Some(right) = right.first() {
                    self.descend(element.clone(), id, None, Some(right));
                }
                self.found.removed.insert(&path);
            }
            _ => {
                if let Some(left) = left.first() {
                    self.descend(element.clone(), id, Some(left), None);
                }
                self.found.added.insert(&path);
            }
        }
    }

    fn group(&mut self, list: &ListType, items: Option<&Vec<Value>>) -> BTreeMap<PathElement, Vec<Value>> {
        let mut groups: BTreeMap<PathElement, Vec<Value>> = BTreeMap::new();
        for (position, item) in items.into_iter().flatten().enumerate() {
            match item_element(self.types, list, item) {
                Ok(element) => groups.entry(element).or_default().push(item.clone()),
                Err(detail) => self.trail.report(format!("element {position}: {detail}")),
            }
        }
        groups
    }

    fn descend(
        &mut self,
        element: PathElement,
        id: Option<TypeId>,
        left: Option<&Value>,
        right: Option<&Value>,
    ) {
        self.trail.path.push(element);
        self.value(id, left, right);
        self.trail.path.pop();
    }
}
