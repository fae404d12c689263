//! A field of an object, with the nodes that it was made of. What a merge keeps of them: `merge2` and `FieldSetter` of kyaml.

use belay_goyaml::{EditableNode, Resolution, Style, is_text_unquoted};
use serde_json::Value;

use super::layers::Written;
use super::{fresh_key, without_content};
use crate::field_lookup::element_of;
use crate::resource::scalar_text;
use crate::strategic_merge::{self, DIRECTIVE};
use crate::types::{Schema, Types};

/// What stands in one place of the object.
pub(super) struct Spot<'n> {
    pub(super) value: &'n Value,
    /// How it is written where, oldest first.
    written: Vec<Written<'n>>,
    /// How the field was written when it was made: what is laid over it is written so too.
    pub(super) style: Option<Style>,
    schema: Schema<'n>,
    /// Whether a merge came by.
    is_merged: bool,
}

impl<'n> Spot<'n> {
    pub(super) fn root(
        value: &'n Value,
        written: Vec<Written<'n>>,
        types: &'n Types,
        is_merged: bool,
    ) -> Spot<'n> {
        let schema = strategic_merge::known(Schema::Unknown(types), [Some(value), None]);
        Spot { value, written, style: None, schema, is_merged }
    }

    pub(super) fn alone(value: &'n Value, written: Written<'n>) -> Spot<'n> {
        Spot { value, written: vec![written], style: None, schema: Schema::Plain, is_merged: false }
    }

    pub(super) fn newest(&self) -> Option<Written<'n>> {
        self.written.last().copied()
    }

    /// Whether it is a list whose elements were merged one by one.
    pub(super) fn is_merged_list(&self) -> bool {
        self.is_merged && matches!(self.schema, Schema::List { .. })
    }

    /// The map as it was first written, without its entries, and with the comments of those laid over it.
    pub(super) fn map(&self) -> Option<EditableNode> {
        let mut maps =
            self.written.iter().map(|written| written.node).filter(|node| node.entries().is_some());
        let first = maps.next()?;
        let mut map = without_content(first);
        let mut is_empty = first.entries().is_some_and(<[_]>::is_empty);
        for over in maps {
            if is_empty {
                map.style = over.style;
            }
            is_empty &= over.entries().is_some_and(<[_]>::is_empty);
            for (comment, other) in [
                (&mut map.head_comment, &over.head_comment),
                (&mut map.line_comment, &over.line_comment),
                (&mut map.foot_comment, &over.foot_comment),
            ] {
                if !other.is_empty() {
                    comment.clone_from(other);
                }
            }
        }
        Some(map)
    }

    /// A field of the map, and its key as it is written.
    pub(super) fn field(&self, key: &str, value: &'n Value) -> (Option<EditableNode>, Spot<'n>) {
        let mut name = None;
        let mut spot = self.inside(value, self.schema.field(key), self.is_merged);
        for (at, map) in self.written.iter().enumerate() {
            let entries = map.node.entries().unwrap_or_default();
            let Some((written_key, node)) = entries.iter().find(|(name, _)| name.as_scalar() == Some(key))
            else {
                continue;
            };
            if !spot.lay(Written { node, ..*map }, at > 0) {
                name = None;
                continue;
            }
            // A list that is merged when it is added is made anew.
            let is_remade = at > 0 && spot.is_merged_list();
            let style = spot.newest().map_or(node.style, |newest| newest.node.style);
            spot.style.get_or_insert(if is_remade { Style::Block } else { style });
            name.get_or_insert_with(|| match at {
                0 => super::with_content(written_key, written_key.content.clone()),
                // What a patch adds to a map comes without the comments at its key.
                _ if is_remade => fresh_key(key),
                _ => EditableNode { style: written_key.style, ..fresh_key(key) },
            });
        }
        if spot.is_put_into_quotes() {
            spot.style = Some(Style::DoubleQuoted);
        }
        spot.schema = strategic_merge::known(spot.schema, [Some(value), None]);
        (name, spot)
    }

    /// Whether a merge put the field's first text into quotes, because it was something else in YAML 1.1. One that another
    /// takes the place of at once stays without.
    fn is_put_into_quotes(&self) -> bool {
        let Some(first) = self.written.first().filter(|first| first.is_patch || self.written.len() == 1)
        else {
            return false;
        };
        let text =
            first.node.as_scalar().filter(|_| first.node.style == Style::Plain && first.node.tag == "!!str");
        self.is_merged && text.is_some_and(|text| !is_text_unquoted(text, Resolution::V2))
    }

    /// Adds what a layer says of this place; false if it takes away what was there.
    fn lay(&mut self, written: Written<'n>, is_patch: bool) -> bool {
        let Some(written) = written.resolved() else { return true };
        let directive = directive(written.node);
        let is_nothing = is_patch && written.node.tag == "!!null";
        if is_nothing || directive == Some("delete") {
            self.written.clear();
            self.style = None;
            return false;
        }
        if directive == Some("replace") {
            self.written.clear();
        }
        self.written.push(written);
        true
    }

    /// An item of a list that is as the newest layer has it.
    pub(super) fn item(&self, at: usize) -> Option<Spot<'n>> {
        let value = self.value.get(at)?;
        let list = self.newest()?;
        let mut spot = self.inside(value, Schema::Plain, false);
        spot.lay(Written { node: list.node.items()?.get(at)?, ..list }, false);
        Some(spot)
    }

    /// An element of a list whose elements are merged.
    pub(super) fn element(&self, value: &'n Value) -> Spot<'n> {
        let mut spot = self.inside(value, self.schema.element(), true);
        let keys = if let Schema::List { keys, .. } = self.schema { keys } else { &[] };
        for list in &self.written {
            let mut items = list.node.items().unwrap_or_default().iter();
            let Some(node) = items.find(|node| is_same(node, value, keys)) else { continue };
            // The original finds the replaced element again, and keeps it.
            let is_void = !spot.written.is_empty() && directive(node) == Some("replace");
            if !is_void {
                spot.lay(Written { node, ..*list }, false);
            }
        }
        spot
    }

    fn inside(&self, value: &'n Value, schema: Schema<'n>, is_merged: bool) -> Spot<'n> {
        Spot { value, written: Vec::new(), style: None, schema, is_merged }
    }

    /// The field that a part of a path leads to.
    pub(super) fn part(self, part: &str) -> Option<Spot<'n>> {
        let Value::Array(items) = self.value else {
            return Some(self.field(part, self.value.get(part)?).1);
        };
        let at = match part.parse::<usize>() {
            Ok(at) => at,
            Err(_) => {
                let (key, wanted) = element_of(part)?.ok()?;
                items.iter().position(|item| item.get(key).map(scalar_text).as_deref() == Some(wanted))?
            }
        };
        if self.is_merged_list() { Some(self.element(items.get(at)?)) } else { self.item(at) }
    }
}

fn directive(node: &EditableNode) -> Option<&str> {
    node.get(DIRECTIVE)?.as_scalar()
}

/// Whether a node is this element, by what tells elements apart. What one of them leaves out does not tell.
fn is_same(node: &EditableNode, value: &Value, keys: &[String]) -> bool {
    if keys.is_empty() {
        return node.as_scalar() == Some(&scalar_text(value));
    }
    let pairs =
        keys.iter().filter_map(|key| Some((node.get(key)?.as_scalar()?, scalar_text(value.get(key)?))));
    let pairs: Vec<_> = pairs.collect();
    !pairs.is_empty() && pairs.iter().all(|(one, two)| one == two)
}
