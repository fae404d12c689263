//! How a map or list that is copied into a text of YAML is written there: as in the file it comes from, with its
//! comments, quotes and brackets, for as much of it as still is what the file says.

use std::collections::HashMap;

use belay_goyaml::{EditableContent, EditableNode, ParseOptions, Style, read_editable};
use serde_json::Value;

use crate::field_lookup::{self, element_of};
use crate::loader::Loader;
use crate::objects;
use crate::places;
use crate::resource::{Place, Resource};

/// The field as it is to be written.
pub(super) fn of_field(
    resource: &Resource,
    path: &[String],
    value: &Value,
    loader: &Loader<'_>,
) -> EditableNode {
    if resource.is_rewritten {
        return from_json(value);
    }
    let root = resource.place.as_ref().and_then(|place| object_at(place, loader));
    let field = root.as_ref().and_then(|root| path.iter().try_fold(root, |node, part| child(node, part)));
    let mut anchors = Anchors::new();
    root.iter().for_each(|root| collect(root, &mut anchors));
    field.map_or_else(|| fresh(value), |field| like(value, field, &anchors))
}

/// The value that a field was given after it was copied, as it is to be written.
pub(super) fn again(value: &Value, layout: &EditableNode) -> EditableNode {
    like(value, layout, &Anchors::new())
}

/// The value as JSON is turned into YAML; what was added to its maps after that stands behind.
fn from_json(value: &Value) -> EditableNode {
    match value {
        Value::Object(fields) => {
            let neighbours = fields.keys().zip(fields.keys().skip(1));
            let sorted = 1 + neighbours.take_while(|(one, next)| one < next).count();
            let names = fields.keys().take(sorted).map(|key| (key.clone(), Value::Null)).collect();
            let known = marshalled(&Value::Object(names));
            let known = known.entries().unwrap_or_default().iter().map(|(key, _)| {
                let value = key.as_scalar().and_then(|key| fields.get(key));
                (key.clone(), from_json(value.unwrap_or_default()))
            });
            let added = fields.iter().skip(sorted).map(|(key, value)| (fresh_key(key), fresh(value)));
            EditableNode::mapping(known.chain(added).collect())
        }
        Value::Array(items) => EditableNode::sequence(items.iter().map(from_json).collect()),
        scalar => marshalled(scalar),
    }
}

fn marshalled(value: &Value) -> EditableNode {
    let text = belay_goyaml::to_yaml_v3(value, 2);
    let read = read_editable(&text, &ParseOptions::default()).ok().and_then(|document| document.root);
    read.unwrap_or_else(|| EditableNode::from(value))
}

/// The value as transformers put it into an object.
fn fresh(value: &Value) -> EditableNode {
    match value {
        Value::Object(fields) => {
            let entries = fields.iter().map(|(key, value)| (fresh_key(key), fresh(value)));
            EditableNode::mapping(entries.collect())
        }
        Value::Array(items) => EditableNode::sequence(items.iter().map(fresh).collect()),
        scalar => marshalled(scalar),
    }
}

fn fresh_key(key: &str) -> EditableNode {
    EditableNode::scalar(key).with_tag("!!str")
}

fn object_at(place: &Place, loader: &Loader<'_>) -> Option<EditableNode> {
    let content = loader.tree().read(&place.file).ok()?;
    let text = std::str::from_utf8(&content).ok()?.replace("\r\n", "\n");
    let documents = objects::split(&text, &place.file).ok()?;
    let (lines_before, document) = documents.into_iter().rfind(|(lines, _)| *lines < place.line)?;
    let root = read_editable(document, &ParseOptions::default()).ok()?.root?;
    match places::item_at(places::parse(document)?.first()?, place.line - lines_before) {
        None => Some(root),
        Some(item) => root.get("items")?.items()?.get(item).cloned(),
    }
}

fn child<'n>(node: &'n EditableNode, part: &str) -> Option<&'n EditableNode> {
    let Some(items) = node.items() else { return node.get(part) };
    if let Ok(at) = part.parse::<usize>() {
        return items.get(at);
    }
    let (key, wanted) = element_of(part)?.ok()?;
    items.iter().find(|item| item.get(key).and_then(EditableNode::as_scalar) == Some(wanted))
}

type Anchors<'n> = HashMap<&'n str, &'n EditableNode>;

fn collect<'n>(node: &'n EditableNode, anchors: &mut Anchors<'n>) {
    anchors.extend(node.anchor.as_deref().map(|name| (name, node)));
    node.items().into_iter().flatten().for_each(|item| collect(item, anchors));
    for (key, value) in node.entries().into_iter().flatten() {
        collect(key, anchors);
        collect(value, anchors);
    }
}

/// The value, written like a node where it is the same. Anchors are gone, and what they stand for is written out.
fn like(value: &Value, node: &EditableNode, anchors: &Anchors<'_>) -> EditableNode {
    let content = match (value, &node.content) {
        (_, EditableContent::Alias(name)) => match anchors.get(name.as_str()) {
            Some(target) if !matches!(target.content, EditableContent::Alias(_)) => {
                return like(value, target, anchors);
            }
            _ => return fresh(value),
        },
        (Value::Object(fields), EditableContent::Mapping(entries)) => {
            let entry = |(key, value): (&String, &Value)| entry_like(key, value, entries, anchors);
            EditableContent::Mapping(fields.iter().map(entry).collect())
        }
        (Value::Array(values), EditableContent::Sequence(items)) if values.len() == items.len() => {
            let items = values.iter().zip(items).map(|(value, item)| like(value, item, anchors));
            EditableContent::Sequence(items.collect())
        }
        (scalar, EditableContent::Scalar(text)) if reads_as(node, text, scalar) => node.content.clone(),
        _ => return fresh(value),
    };
    with_content(node, content)
}

fn entry_like(
    key: &str,
    value: &Value,
    entries: &[(EditableNode, EditableNode)],
    anchors: &Anchors<'_>,
) -> (EditableNode, EditableNode) {
    match entries.iter().find(|(name, _)| name.as_scalar() == Some(key)) {
        Some((name, node)) => (with_content(name, name.content.clone()), like(value, node, anchors)),
        None => (fresh_key(key), fresh(value)),
    }
}

fn with_content(node: &EditableNode, content: EditableContent) -> EditableNode {
    EditableNode {
        content,
        tag: node.tag.clone(),
        is_tag_written: node.is_tag_written,
        style: node.style,
        anchor: None,
        head_comment: node.head_comment.clone(),
        line_comment: node.line_comment.clone(),
        foot_comment: node.foot_comment.clone(),
    }
}

fn reads_as(node: &EditableNode, text: &str, value: &Value) -> bool {
    match value {
        Value::String(string) if string == text => true,
        Value::Null if text.is_empty() => node.style == Style::Plain,
        _ => node.style == Style::Plain && field_lookup::plain(text) == *value,
    }
}
