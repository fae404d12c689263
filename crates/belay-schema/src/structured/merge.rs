//! The merge of an applied configuration into a live object: its fields win, associative lists merge by item.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Atom, Misfit, Sides, Trail, atom_for, entries, field_type, item_element, items, scalar_misfit};
use crate::arena::{ListType, MapType, Relationship, Scalar, TypeId, Types};
use crate::path::PathElement;

/// `live` with the fields of `applied` put over it.
pub(crate) fn merge(types: &Types, id: TypeId, live: &Value, applied: &Value) -> Result<Value, Vec<Misfit>> {
    let mut merger = Merger { types, trail: Trail::default() };
    let merged = merger.value(Some(id), Some(live), Some(applied));
    merger.trail.finish()?;
    Ok(merged.unwrap_or(Value::Null))
}

struct Merger<'a> {
    types: &'a Types,
    trail: Trail,
}

impl Merger<'_> {
    fn value(&mut self, id: Option<TypeId>, left: Option<&Value>, right: Option<&Value>) -> Option<Value> {
        if left.is_none() && right.is_none() {
            self.trail.report("at least one of lhs and rhs must be provided");
            return None;
        }
        let (left_atom, left_sides): (Atom<'_>, Sides) = atom_for(self.types, id, left);
        let (right_atom, right_sides) = atom_for(self.types, id, right);
        if right.is_none() {
            return self.atom(left_atom, left, right);
        }
        if left.is_some() && left_sides != right_sides {
            // Only its errors count: the applied side decides the outcome.
            self.atom(left_atom, left, right);
        }
        self.atom(right_atom, left, right)
    }

    fn atom(&mut self, atom: Atom<'_>, left: Option<&Value>, right: Option<&Value>) -> Option<Value> {
        match atom {
            Atom::Map(map) => self.map(map, left, right),
            Atom::Scalar(scalar) => self.scalar(scalar, left, right),
            Atom::List(list) => self.list(list, left, right),
            Atom::Undeclared => {
                self.trail.report("schema error: invalid atom: inlined");
                None
            }
        }
    }

    fn scalar(&mut self, scalar: Scalar, left: Option<&Value>, right: Option<&Value>) -> Option<Value> {
        let misfits = (scalar_misfit(scalar, left, "lhs: "), scalar_misfit(scalar, right, "rhs: "));
        if let (Some(left), Some(right)) = misfits {
            self.trail.report(left);
            self.trail.report(right);
            return None;
        }
        right.or(left).cloned()
    }

    fn map(&mut self, map: &MapType, left: Option<&Value>, right: Option<&Value>) -> Option<Value> {
        let (left_map, right_map) = (entries(left), entries(right));
        let both_empty = left_map.is_none_or(Map::is_empty) && right_map.is_none_or(Map::is_empty);
        if map.relationship == Relationship::Atomic || both_empty {
            return right.or(left).cloned();
        }
        let empty = Map::new();
        let (left_map, right_map) = (left_map.unwrap_or(&empty), right_map.unwrap_or(&empty));
        let mut out = Map::new();
        let added = right_map.keys().filter(|key| !left_map.contains_key(*key));
        for key in left_map.keys().chain(added) {
            self.trail.path.push(PathElement::field(key));
            let merged = self.value(field_type(map, key), left_map.get(key), right_map.get(key));
            self.trail.path.pop();
            if let Some(merged) = merged {
                out.insert(key.clone(), merged);
            }
        }
        (!out.is_empty()).then_some(Value::Object(out))
    }

    fn list(&mut self, list: &ListType, left: Option<&Value>, right: Option<&Value>) -> Option<Value> {
        let (left_items, right_items) = (items(left), items(right));
        let both_empty = left_items.is_none_or(Vec::is_empty) && right_items.is_none_or(Vec::is_empty);
        if list.relationship == Relationship::Atomic || both_empty {
            return right.or(left).cloned();
        }
        let empty = Vec::new();
        let before = self.trail.misfits.len();
        let right_index = self.index(list, right_items.unwrap_or(&empty), false);
        let left_index = self.index(list, left_items.unwrap_or(&empty), true);
        if self.trail.misfits.len() > before {
            return None;
        }
        let out = self.merge_items(list, &left_index, &right_index);
        // The original drops what goes wrong inside items.
        self.trail.misfits.truncate(before);
        (!out.is_empty()).then_some(Value::Array(out))
    }

    fn merge_items(&mut self, list: &ListType, left: &Index<'_>, right: &Index<'_>) -> Vec<Value> {
        let mut shared = right.order.iter().map(|(element, _)| element).filter(|element| left.has(element));
        let mut next_shared = shared.next();
        let mut merged_right: BTreeSet<&PathElement> = BTreeSet::new();
        let mut out = Vec::new();
        let (mut l, mut r) = (0, 0);
        while l < left.order.len() || r < right.order.len() {
            if let (Some((left_element, _)), Some((right_element, _))) =
                (left.order.get(l), right.order.get(r))
            {
                if left_element == right_element {
                    merged_right.insert(right_element);
                    out.extend(self.item(
                        list,
                        left_element,
                        left.get(left_element),
                        right.get(left_element),
                    ));
                    l += 1;
                    r += 1;
                    next_shared = shared.next();
                    continue;
                }
                if right.has(left_element) && next_shared.is_some_and(|shared| shared != left_element) {
                    l += 1;
                    continue;
                }
            }
            if let Some((left_element, left_item)) = left.order.get(l) {
                if !right.has(left_element) {
                    out.extend(self.item(list, left_element, Some(left_item), None));
                    l += 1;
                    continue;
                }
                if merged_right.contains(left_element) {
                    l += 1;
                }
            }
            if let Some((right_element, _)) = right.order.get(r) {
                merged_right.insert(right_element);
                out.extend(self.item(list, right_element, left.get(right_element), right.get(right_element)));
                r += 1;
                if next_shared == Some(right_element) {
                    next_shared = shared.next();
                }
            }
        }
        out
    }

    fn item(
        &mut self,
        list: &ListType,
        element: &PathElement,
        left: Option<&Value>,
        right: Option<&Value>,
    ) -> Option<Value> {
        self.trail.path.push(element.clone());
        let merged = self.value(Some(list.element), left, right);
        self.trail.path.pop();
        merged
    }

    fn index<'v>(&mut self, list: &ListType, items: &'v [Value], duplicates_allowed: bool) -> Index<'v> {
        let mut index = Index::default();
        for (position, item) in items.iter().enumerate() {
            let element = match item_element(self.types, list, item) {
                Ok(element) => element,
                Err(detail) => {
                    self.trail.report(format!("element {position}: {detail}"));
                    continue;
                }
            };
            let seen = index.by_element.contains_key(&element);
            if seen && !duplicates_allowed {
                self.trail.report(format!("duplicate entries for key {element}"));
                continue;
            }
            // Duplicated items merge with nothing.
            index.by_element.insert(element.clone(), (!seen).then_some(item));
            index.order.push((element, item));
        }
        index
    }
}

/// The items of one side by path element, and in order.
#[derive(Default)]
struct Index<'v> {
    order: Vec<(PathElement, &'v Value)>,
    by_element: BTreeMap<PathElement, Option<&'v Value>>,
}

impl<'v> Index<'v> {
    fn has(&self, element: &PathElement) -> bool {
        self.by_element.contains_key(element)
    }

    fn get(&self, element: &PathElement) -> Option<&'v Value> {
        self.by_element.get(element).copied().flatten()
    }
}
