//! What an object was made of, as it is written: its file, or what JSON made of it, and the patches that were laid over it.

use std::collections::HashMap;

use belay_filetree::TreePath;
use belay_goyaml::{EditableContent, EditableNode, ParseOptions, read_editable};

use super::{fresh_key, from_json};
use crate::loader::Loader;
use crate::objects;
use crate::places;
use crate::resource::{JsonForm, PatchText, Resource};

/// What anchors stand for, in one document.
pub(super) type Anchors<'n> = HashMap<&'n str, &'n EditableNode>;

/// A node, in its document.
#[derive(Clone, Copy)]
pub(super) struct Written<'n> {
    pub(super) node: &'n EditableNode,
    /// Whether the document is a patch.
    pub(super) is_patch: bool,
    pub(super) anchors: &'n Anchors<'n>,
}

impl<'n> Written<'n> {
    /// What an alias stands for.
    pub(super) fn resolved(self) -> Option<Written<'n>> {
        let EditableContent::Alias(name) = &self.node.content else { return Some(self) };
        let target = self.anchors.get(name.as_str())?;
        let is_alias = matches!(target.content, EditableContent::Alias(_));
        (!is_alias).then_some(Written { node: target, ..self })
    }
}

/// The anchors of a document.
pub(super) fn collect(root: &EditableNode) -> Anchors<'_> {
    let mut anchors = Anchors::new();
    collect_into(root, &mut anchors);
    anchors
}

fn collect_into<'n>(node: &'n EditableNode, anchors: &mut Anchors<'n>) {
    anchors.extend(node.anchor.as_deref().map(|name| (name, node)));
    node.items().into_iter().flatten().for_each(|item| collect_into(item, anchors));
    for (key, value) in node.entries().into_iter().flatten() {
        collect_into(key, anchors);
        collect_into(value, anchors);
    }
}

/// The object before any patch.
pub(super) fn first(resource: &Resource, loader: &Loader<'_>) -> Option<EditableNode> {
    match &resource.json {
        Some(JsonForm { object: Some(object), quoted_keys }) => Some(from_json(object, quoted_keys)),
        // Nothing was laid over it since: it still is as JSON left it.
        Some(JsonForm { object: None, quoted_keys }) => Some(from_json(&resource.object, quoted_keys)),
        None => {
            let place = resource.place.as_ref()?;
            let content = loader.tree().read(&place.file).ok()?;
            object_at(&content, &place.file, place.line)
        }
    }
}

/// The patch as it is merged.
pub(super) fn of_patch(patch: &PatchText) -> Option<EditableNode> {
    let mut node = object_at(patch.text.as_bytes(), &TreePath::root(), patch.line)?;
    if patch.has_target {
        ["labels", "annotations"].iter().for_each(|field| settle_texts(&mut node, field));
    }
    Some(node)
}

/// A patch for objects that are selected has its labels and annotations set anew.
fn settle_texts(object: &mut EditableNode, field: &str) {
    let Some(map) = object.get_mut("metadata").and_then(|metadata| metadata.get_mut(field)) else { return };
    let entries = map.entries().unwrap_or_default().iter();
    let texts =
        entries.filter_map(|(key, value)| Some((key.as_scalar()?, value.as_scalar().unwrap_or_default())));
    let fresh = texts.map(|(key, text)| (fresh_key(key), EditableNode::scalar(text).with_tag("!!str")));
    *map = EditableNode::mapping(fresh.collect());
}

fn object_at(content: &[u8], file: &TreePath, line: usize) -> Option<EditableNode> {
    let text = std::str::from_utf8(content).ok()?.replace("\r\n", "\n");
    let documents = objects::split(&text, file).ok()?;
    let (lines_before, document) = documents.into_iter().rfind(|(lines, _)| *lines < line)?;
    let root = read_editable(document, &ParseOptions::default()).ok()?.root?;
    match places::item_at(places::parse(document)?.first()?, line - lines_before) {
        None => Some(root),
        Some(item) => root.get("items")?.items()?.get(item).cloned(),
    }
}
