//! How a map or list that is copied into a text of YAML is written there: as in the file it comes from, with its
//! comments, quotes and brackets, for as much of it as still is what the file says, and as in the patches that were laid
//! over it.

mod layers;
mod spot;

use belay_goyaml::{EditableContent, EditableNode, ParseOptions, Style, read_editable};
use serde_json::Value;

use self::layers::{Anchors, Written, collect};
use self::spot::Spot;
use crate::field_lookup;
use crate::loader::Loader;
use crate::resource::Resource;
use crate::types::Types;

/// The field as it is to be written.
pub(super) fn of_field(
    resource: &Resource,
    path: &[String],
    value: &Value,
    loader: &Loader<'_>,
) -> EditableNode {
    let first = layers::first(resource, loader).map(|node| (false, node));
    let patches = resource.patches.iter().filter_map(|patch| Some((true, layers::of_patch(patch)?)));
    let roots: Vec<(bool, EditableNode)> = first.into_iter().chain(patches).collect();
    let anchors: Vec<Anchors<'_>> = roots.iter().map(|(_, node)| collect(node)).collect();
    let written = roots.iter().zip(&anchors);
    let written = written.map(|((is_patch, node), anchors)| Written { node, is_patch: *is_patch, anchors });
    let types = resource.types.clone().unwrap_or_else(Types::built_in);
    let root = Spot::root(&resource.object, written.collect(), &types, !resource.patches.is_empty());
    match path.iter().try_fold(root, |spot, part| spot.part(part)) {
        Some(spot) => like(&spot),
        None => fresh(value),
    }
}

/// The value that a field was given after it was copied, as it is to be written.
pub(super) fn again(value: &Value, layout: &EditableNode) -> EditableNode {
    let anchors = Anchors::new();
    like(&Spot::alone(value, Written { node: layout, is_patch: false, anchors: &anchors }))
}

fn marshalled(value: &Value) -> EditableNode {
    let text = belay_goyaml::to_yaml_v3(value, 2);
    let read = read_editable(&text, &ParseOptions::default()).ok().and_then(|document| document.root);
    read.unwrap_or_else(|| EditableNode::from(value))
}

/// The value as transformers put it into an object.
fn fresh(value: &Value) -> EditableNode {
    from_json(value, &[])
}

/// The value as JSON is turned into YAML, which puts these keys into quotes.
fn from_json(value: &Value, quoted: &[String]) -> EditableNode {
    match value {
        Value::Object(fields) => {
            let entry = |(key, value): (&String, _)| {
                let is_quoted = quoted.contains(key);
                let name = if is_quoted { marshalled(&Value::from(key.as_str())) } else { fresh_key(key) };
                (name, from_json(value, quoted))
            };
            EditableNode::mapping(fields.iter().map(entry).collect())
        }
        Value::Array(items) => {
            EditableNode::sequence(items.iter().map(|item| from_json(item, quoted)).collect())
        }
        scalar => marshalled(scalar),
    }
}

/// As kyaml makes keys: nothing tells that they are texts.
fn fresh_key(key: &str) -> EditableNode {
    EditableNode::scalar(key)
}

/// The value, written like the nodes that it was made of, where it is the same. Anchors are gone, and what they stand for
/// is written out.
fn like(spot: &Spot<'_>) -> EditableNode {
    let value = spot.value;
    let node = match value {
        Value::Object(fields) => spot.map().map(|map| {
            let entry = |(key, value): (&String, _)| {
                let (name, spot) = spot.field(key, value);
                (name.unwrap_or_else(|| fresh_key(key)), like(&spot))
            };
            let content = EditableContent::Mapping(fields.iter().map(entry).collect());
            EditableNode { content, ..map }
        }),
        Value::Array(values) if spot.is_merged_list() => spot.newest().map(|_| {
            let items = values.iter().map(|value| like(&spot.element(value)));
            EditableNode::sequence(items.collect())
        }),
        Value::Array(values) => spot.newest().and_then(|list| {
            let count = list.node.items()?.len();
            (count == values.len()).then(|| {
                let items = (0..count).filter_map(|at| Some(like(&spot.item(at)?))).collect();
                with_content(list.node, EditableContent::Sequence(items))
            })
        }),
        scalar => spot.newest().and_then(|newest| {
            let text = newest.node.as_scalar().filter(|text| reads_as(newest.node, text, scalar))?;
            Some(with_content(newest.node, EditableContent::Scalar(text.to_owned())))
        }),
    };
    let Some(node) = node else { return fresh(value) };
    EditableNode { style: spot.style.unwrap_or(node.style), ..node }
}

fn with_content(node: &EditableNode, content: EditableContent) -> EditableNode {
    EditableNode { content, ..without_content(node) }
}

/// All of a node but what it holds.
fn without_content(node: &EditableNode) -> EditableNode {
    EditableNode {
        content: EditableContent::Scalar(String::new()),
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
