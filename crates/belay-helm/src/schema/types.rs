//! The types of JSON that a schema asks for.

use super::document::Document;

/// The names, in the order in which messages tell them.
const NAMES: [&str; 7] = ["null", "boolean", "number", "integer", "string", "array", "object"];

/// A set of types; an empty one asks for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Types(u8);

impl Types {
    /// What `type` asks for: one type or several. Names that are none are passed over.
    pub(super) fn wanted(value: &Document) -> Self {
        let one = value.as_str().into_iter();
        let several = value.as_array().into_iter().flatten().filter_map(Document::as_str);
        one.chain(several).map(Self::named).fold(Self::default(), |all, one| Self(all.0 | one.0))
    }

    fn named(name: &str) -> Self {
        Self(NAMES.iter().position(|known| *known == name).map_or(0, |bit| 1 << bit))
    }

    /// The type of a value.
    pub(super) fn name_of(value: &Document) -> &'static str {
        match value {
            Document::Null => "null",
            Document::Bool(_) => "boolean",
            Document::Number(_) => "number",
            Document::String(_) => "string",
            Document::Array(_) => "array",
            Document::Object(_) => "object",
        }
    }

    pub(super) fn allow(self, value: &Document) -> bool {
        let has = |name: &str| self.0 & Self::named(name).0 != 0;
        let is_integer = || value.as_number().is_some_and(|number| number.is_integer());
        self.0 == 0 || has(Self::name_of(value)) || (has("integer") && is_integer())
    }

    pub(super) fn names(self) -> String {
        let names = NAMES.into_iter().filter(|name| self.0 & Self::named(name).0 != 0);
        names.collect::<Vec<_>>().join(" or ")
    }
}
