//! Whether an object fits its type at all, as server-side apply checks before anything else.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Atom, Misfit, Trail, atom_for, go_text, item_element, scalar_misfit};
use crate::arena::{ListType, MapType, Relationship, TypeId, Types};
use crate::path::PathElement;

/// Check `value`; duplicates in associative lists are an error unless allowed.
pub(crate) fn check(
    types: &Types,
    id: TypeId,
    value: &Value,
    duplicates_allowed: bool,
) -> Result<(), Vec<Misfit>> {
    let mut checker = Checker { types, trail: Trail::default(), duplicates_allowed };
    checker.value(id, value);
    checker.trail.finish()
}

struct Checker<'a> {
    types: &'a Types,
    trail: Trail,
    duplicates_allowed: bool,
}

impl Checker<'_> {
    fn value(&mut self, id: TypeId, value: &Value) {
        match atom_for(self.types, Some(id), Some(value)).0 {
            Atom::Scalar(scalar) => {
                if let Some(detail) = scalar_misfit(scalar, Some(value), "") {
                    self.trail.report(detail);
                }
            }
            Atom::List(list) => self.list(list, value),
            Atom::Map(map) => self.map(map, value),
            Atom::Undeclared => self.trail.report("schema error: invalid atom: inlined"),
        }
    }

    fn map(&mut self, map: &MapType, value: &Value) {
        let fields = match value {
            Value::Object(fields) => fields,
            Value::Null => return,
            other => {
                return self.trail.report(format!("expected map, got &{{{}}}", go_text(other)));
            }
        };
        for (name, value) in fields {
            self.trail.path.push(PathElement::field(name));
            let declared = super::field_type(map, name);
            match declared {
                Some(id) => self.value(id, value),
                None => self.trail.report("field not declared in schema"),
            }
            self.trail.path.pop();
            if declared.is_none() {
                return;
            }
        }
    }

    fn list(&mut self, list: &ListType, value: &Value) {
        let items = match value {
            Value::Array(items) => items,
            Value::Null => return,
            other => {
                return self.trail.report(format!("expected list, got &{{{}}}", go_text(other)));
            }
        };
        let mut seen = BTreeSet::new();
        for (position, item) in items.iter().enumerate() {
            let element = if list.relationship == Relationship::Associative {
                match item_element(self.types, list, item) {
                    Ok(element) => element,
                    Err(detail) => return self.trail.report(format!("element {position}: {detail}")),
                }
            } else {
                PathElement::Index(i64::try_from(position).unwrap_or(i64::MAX))
            };
            if !seen.insert(element.clone()) && !self.duplicates_allowed {
                self.trail.report(format!("duplicate entries for key {element}"));
            }
            self.trail.path.push(element);
            self.value(list.element, item);
            self.trail.path.pop();
        }
    }
}
