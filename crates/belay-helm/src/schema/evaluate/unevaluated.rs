//! What no schema has looked at yet, for `unevaluatedProperties` and `unevaluatedItems`.

use std::collections::BTreeSet;

use super::super::compile::Schema;
use super::super::document::Document;

/// Names or indexes that nothing was applied to; kept only where somebody asks.
#[derive(Default)]
pub(super) struct Unevaluated<'v> {
    names: BTreeSet<&'v str>,
    items: BTreeSet<usize>,
}

impl<'v> Unevaluated<'v> {
    /// What the schema leaves by its own keywords; `is_needed` is whether the one that led to it asks.
    pub(super) fn of(value: &'v Document, schema: &Schema<'_>, is_needed: bool) -> Self {
        match value {
            Document::Object(object)
                if !schema.covers_all_properties()
                    && (is_needed || schema.unevaluated_properties.is_some()) =>
            {
                Self { names: object.keys().map(String::as_str).collect(), ..Self::default() }
            }
            Document::Array(items) if is_needed || schema.unevaluated_items.is_some() => {
                let covered = schema.covered_items().unwrap_or(items.len());
                Self { items: (covered..items.len()).collect(), ..Self::default() }
            }
            _ => Self::default(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.items.is_empty()
    }

    /// Leaves what another schema did not look at either.
    pub(super) fn keep(&mut self, other: &Self) {
        self.names.retain(|name| other.names.contains(name));
        self.items.retain(|index| other.items.contains(index));
    }

    pub(super) fn remove_name(&mut self, name: &str) {
        self.names.remove(name);
    }

    pub(super) fn remove_item(&mut self, index: usize) {
        self.items.remove(&index);
    }

    pub(super) fn take_names(&mut self) -> BTreeSet<&'v str> {
        std::mem::take(&mut self.names)
    }

    pub(super) fn take_items(&mut self) -> BTreeSet<usize> {
        std::mem::take(&mut self.items)
    }
}
