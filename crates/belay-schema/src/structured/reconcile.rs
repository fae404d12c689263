//! Field sets that were recorded under an older schema: parts that have since become atomic are owned as a whole.

use super::{Atom, Misfit, Trail, atom_for};
use crate::arena::{ListType, MapType, Relationship, TypeId, Types};
use crate::field_set::FieldSet;
use crate::path::PathElement;

/// `set` as the current schema has it.
pub(crate) fn reconcile(types: &Types, id: TypeId, set: &FieldSet) -> Result<FieldSet, Vec<Misfit>> {
    let mut walker = Walker { types, trail: Trail::default(), atomic: FieldSet::new() };
    walker.value(Some(id), Some(set), false);
    walker.trail.finish()?;
    if walker.atomic.is_empty() {
        return Ok(set.clone());
    }
    Ok(set.recursive_difference(&walker.atomic).union(&walker.atomic))
}

struct Walker<'a> {
    types: &'a Types,
    trail: Trail,
    /// Paths that are owned as a whole now.
    atomic: FieldSet,
}

impl Walker<'_> {
    fn value(&mut self, id: Option<TypeId>, set: Option<&FieldSet>, is_atomic: bool) {
        match atom_for(self.types, id, None).0 {
            Atom::Scalar(_) => {}
            Atom::List(list) => self.list(list, set, is_atomic),
            Atom::Map(map) => self.map(map, set, is_atomic),
            Atom::Undeclared => self.trail.report("schema error: invalid atom: inlined"),
        }
    }

    fn list(&mut self, list: &ListType, set: Option<&FieldSet>, is_atomic: bool) {
        if !is_atomic && list.relationship == Relationship::Atomic {
            self.atomic.insert(&self.trail.path);
            return;
        }
        self.children(set, |_| Some(list.element));
    }

    fn map(&mut self, map: &MapType, set: Option<&FieldSet>, is_atomic: bool) {
        if map.fields.is_empty() && map.element == Some(Types::DEDUCED) {
            return;
        }
        if !is_atomic && map.relationship == Relationship::Atomic {
            if set.is_some_and(|set| !set.is_empty()) {
                self.atomic.insert(&self.trail.path);
            }
            return;
        }
        self.children(set, |element| match element {
            PathElement::Field(name) => super::field_type(map, name),
            _ => map.element,
        });
    }

    fn children(&mut self, set: Option<&FieldSet>, type_of: impl Fn(&PathElement) -> Option<TypeId>) {
        let Some(set) = set else { return };
        let only_below =
            set.children().map(|(element, _)| element).filter(|element| !set.has_element(element));
        for (element, is_member) in
            only_below.map(|element| (element, false)).chain(set.members().map(|e| (e, true)))
        {
            // Fields that the schema no longer has are left alone.
            let Some(id) = type_of(element) else { continue };
            let below = set.below(element);
            self.trail.path.push(element.clone());
            self.value(Some(id), below, is_member && below.is_none());
            self.trail.path.pop();
        }
    }
}
