//! Which schemas led to the one that is applied.

use super::super::address::escape;
use super::super::compile::SchemaId;
use super::Catalog;
use crate::quote::quote;

/// A schema that is applied, within the one that led to it.
#[derive(Clone, Copy)]
pub(super) struct Scope<'p> {
    schema: SchemaId,
    /// The keyword of the reference that led here, if it was one.
    keyword: &'static str,
    /// The same for those that are applied to the same value.
    value: usize,
    parent: Option<&'p Scope<'p>>,
}

impl<'p> Scope<'p> {
    pub(super) fn top(schema: SchemaId) -> Self {
        Self { schema, keyword: "", value: 0, parent: None }
    }

    pub(super) fn same(&'p self, schema: SchemaId, keyword: &'static str) -> Self {
        Self { schema, keyword, value: self.value, parent: Some(self) }
    }

    pub(super) fn below(&'p self, schema: SchemaId) -> Self {
        Self { schema, keyword: "", value: self.value + 1, parent: Some(self) }
    }

    fn outwards(&'p self) -> impl Iterator<Item = &'p Scope<'p>> {
        std::iter::successors(Some(self), |scope| scope.parent)
    }

    /// What there is to say if the schema is being applied to the same value already.
    pub(super) fn cycle(&self, schema: SchemaId, catalog: &Catalog<'_, '_>) -> Option<String> {
        let mut of_value = self.outwards().skip(1).take_while(|scope| scope.value == self.value);
        let earlier = of_value.find(|scope| scope.schema == self.schema)?;
        let (here, there) = (self.keywords(catalog), earlier.keywords(catalog));
        let location = quote(&catalog.location(schema));
        Some(format!("both {here} and {there} resolve to {location} causing reference cycle"))
    }

    /// The keywords that led here.
    fn keywords(&self, catalog: &Catalog<'_, '_>) -> String {
        let mut steps = Vec::new();
        for (scope, parent) in self.outwards().filter_map(|scope| Some((scope, scope.parent?))) {
            let step = match scope.keyword {
                "" => {
                    let (location, above) = (catalog.location(scope.schema), catalog.location(parent.schema));
                    location.get(above.len()..).unwrap_or_default().to_owned()
                }
                keyword => format!("/{}", escape(keyword)),
            };
            steps.push(step);
        }
        steps.into_iter().rev().collect()
    }

    /// The outermost schema in a resource with `$recursiveAnchor`.
    pub(super) fn outermost_recursive(&self, catalog: &Catalog<'_, '_>) -> Option<SchemaId> {
        let is_recursive =
            |scope: &&Scope<'_>| catalog.get(catalog.get(scope.schema).resource).is_recursive_anchor;
        self.outwards().filter(is_recursive).last().map(|scope| scope.schema)
    }

    /// The schema that the outermost resource with such an anchor means by it.
    pub(super) fn outermost_dynamic(&self, anchor: &str, catalog: &Catalog<'_, '_>) -> Option<SchemaId> {
        let meant = |scope: &Scope<'_>| {
            catalog.get(catalog.get(scope.schema).resource).dynamic_anchors.get(anchor).copied()
        };
        self.outwards().filter_map(meant).last()
    }
}
