//! Places in documents, known by number: a pointer as text would be as long as the document is deep.

use std::collections::HashMap;

use super::address::escape;
use super::document::Document;

/// A place in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PlaceId(usize);

struct Place<'d> {
    parent: Option<PlaceId>,
    /// The name or index below the parent.
    token: Box<str>,
    document: usize,
    value: &'d Document,
    children: HashMap<Box<str>, PlaceId>,
}

/// All places that were looked at.
#[derive(Default)]
pub(super) struct Places<'d>(Vec<Place<'d>>);

impl<'d> Places<'d> {
    /// The top of a document, which is known by its number.
    pub(super) fn add_root(&mut self, document: usize, value: &'d Document) -> PlaceId {
        self.add(Place { parent: None, token: "".into(), document, value, children: HashMap::new() })
    }

    fn add(&mut self, place: Place<'d>) -> PlaceId {
        self.0.push(place);
        PlaceId(self.0.len() - 1)
    }

    /// The place below another, if the document has one. An index may be written as Go reads numbers (`+1`, `01`), and
    /// is another place then.
    pub(super) fn child(&mut self, parent: PlaceId, token: &str) -> Option<PlaceId> {
        let above = &self.0[parent.0];
        if let Some(child) = above.children.get(token) {
            return Some(*child);
        }
        let value = match above.value {
            Document::Object(entries) => entries.get(token),
            Document::Array(items) => token.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        }?;
        let document = above.document;
        let place =
            Place { parent: Some(parent), token: token.into(), document, value, children: HashMap::new() };
        let child = self.add(place);
        self.0[parent.0].children.insert(token.into(), child);
        Some(child)
    }

    /// The place below another, if it was looked at.
    pub(super) fn known_child(&self, parent: PlaceId, token: &str) -> Option<PlaceId> {
        self.0[parent.0].children.get(token).copied()
    }

    pub(super) fn parent(&self, place: PlaceId) -> Option<PlaceId> {
        self.0[place.0].parent
    }

    pub(super) fn document(&self, place: PlaceId) -> usize {
        self.0[place.0].document
    }

    pub(super) fn value(&self, place: PlaceId) -> &'d Document {
        self.0[place.0].value
    }

    /// The JSON pointer, not encoded for a URL.
    pub(super) fn pointer(&self, place: PlaceId) -> String {
        let mut tokens = Vec::new();
        let mut at = place;
        while let Some(parent) = self.parent(at) {
            tokens.push(escape(&self.0[at.0].token));
            at = parent;
        }
        tokens.iter().rev().flat_map(|token| ["/", token]).collect()
    }
}
