//! The fields that an applied configuration sets: what its manager owns afterwards.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Atom, Misfit, Trail, atom_for, entries, item_element, items};
use crate::arena::{ListType, MapType, Relationship, TypeId, Types};
use crate::field_set::FieldSet;
use crate::path::PathElement;

/// The field set of `value`.
pub(crate) fn field_set_of(types: &Types, id: TypeId, value: &Value) -> Result<FieldSet, Vec<Misfit>> {
    let mut collector = Collector { types, trail: Trail::default(), set: FieldSet::new() };
    collector.value(Some(id), value);
    collector.trail.finish()?;
    Ok(collector.set)
}

struct Collector<'a> {
    types: &'a Types,
    trail: Trail,
    set: FieldSet,
}

impl Collector<'_> {
    fn value(&mut self, id: Option<TypeId>, value: &Value) {
        match atom_for(self.types, id, Some(value)).0 {
            Atom::Scalar(_) => self.set.insert(&self.trail.path),
            Atom::List(list) => self.list(list, value),
            Atom::Map(map) => self.map(map, value),
            Atom::Undeclared => self.trail.report("schema error: invalid atom: inlined"),
        }
    }

    fn map(&mut self, map: &MapType, value: &Value) {
        if map.relationship == Relationship::Atomic {
            self.set.insert(&self.trail.path);
            return;
        }
        for (key, value) in entries(Some(value)).into_iter().flatten() {
            self.trail.path.push(PathElement::field(key));
            let declared = map.fields.get(key);
            self.value(declared.map(|field| field.type_id).or(map.element), value);
            let is_empty = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
            if is_empty || declared.is_none() {
                self.set.insert(&self.trail.path);
            }
            self.trail.path.pop();
        }
    }

    fn list(&mut self, list: &ListType, value: &Value) {
        if list.relationship == Relationship::Atomic {
            self.set.insert(&self.trail.path);
            return;
        }
        let items = items(Some(value)).into_iter().flatten();
        let items: Vec<_> =
            items.filter_map(|item| Some((item_element(self.types, list, item).ok()?, item))).collect();
        let mut counts: BTreeMap<&PathElement, usize> = BTreeMap::new();
        for (element, _) in &items {
            *counts.entry(element).or_default() += 1;
        }
        for (element, item) in &items {
            self.trail.path.push(element.clone());
            if counts[element] == 1 {
                self.value(Some(list.element), item);
            }
            self.set.insert(&self.trail.path);
            self.trail.path.pop();
        }
    }
}
