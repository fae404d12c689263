//! Nodes of the composer to nodes that can be changed.

use super::{EditableContent, EditableDocument, EditableNode};
use crate::composer::parse_first_with_comments;
use crate::error::Error;
use crate::node::{Content, Node, NodeComments, ParseOptions, Resolution, Style};
use crate::resolve::{resolve_plain, short_tag};

/// Reads the first document of `text` as yaml.v3's `Unmarshal` reads it into a `yaml.Node`.
///
/// Of the options only the limits count; errors print as yaml.v3's do.
pub fn read_editable(text: &str, options: &ParseOptions) -> Result<EditableDocument, Error> {
    let options = ParseOptions { resolution: Resolution::V3, comments: false, ..options.clone() };
    let read = parse_first_with_comments(text, &options).map_err(Error::into_v3)?;
    let Some((document, comments)) = read else { return Ok(EditableDocument::default()) };
    Ok(EditableDocument {
        root: Some(editable(&document.root)),
        head_comment: comments.head,
        foot_comment: comments.foot,
    })
}

fn editable(node: &Node) -> EditableNode {
    let content = match &node.content {
        Content::Scalar(text) => EditableContent::Scalar(text.to_string()),
        Content::Alias(alias) => EditableContent::Alias(alias.name.to_string()),
        Content::Sequence(items) => EditableContent::Sequence(items.iter().map(editable).collect()),
        Content::Mapping(entries) => {
            let entries = entries.iter().map(|(key, value)| (editable(key), editable(value)));
            EditableContent::Mapping(entries.collect())
        }
    };
    let (tag, is_tag_written) = tag(node);
    let attached = node.properties.as_ref().and_then(|properties| properties.comments.as_deref());
    let NodeComments { head, line, foot } = attached.cloned().unwrap_or_default();
    let mut editable = EditableNode {
        content,
        tag,
        is_tag_written,
        style: node.style,
        anchor: node.anchor().map(str::to_owned),
        head_comment: head,
        line_comment: line,
        foot_comment: foot,
    };
    move_foots_to_keys(&mut editable);
    editable
}

/// The short tag, and whether it is written. A lone `!` counts as none.
fn tag(node: &Node) -> (String, bool) {
    if let Some(tag) = node.tag().filter(|tag| !tag.is_empty() && *tag != "!") {
        return (short_tag(tag), true);
    }
    let found = match &node.content {
        Content::Alias(_) => "",
        Content::Sequence(_) => "!!seq",
        Content::Mapping(_) => "!!map",
        Content::Scalar(_) if node.style != Style::Plain => "!!str",
        Content::Scalar(text) if text == "<<" => "!!merge",
        Content::Scalar(text) => resolve_plain(text, Resolution::V3).short_tag(),
    };
    (found.to_owned(), false)
}

/// The foot of a value, of the key below in a block, and of the whole block at its end are that of
/// the key they stand under.
fn move_foots_to_keys(node: &mut EditableNode) {
    let EditableContent::Mapping(entries) = &mut node.content else { return };
    let is_block = node.style == Style::Block;
    for at in 0..entries.len() {
        if is_block && at > 0 && !entries[at].0.foot_comment.is_empty() {
            entries[at - 1].0.foot_comment = std::mem::take(&mut entries[at].0.foot_comment);
        }
        let (key, value) = &mut entries[at];
        if key.foot_comment.is_empty() {
            key.foot_comment = std::mem::take(&mut value.foot_comment);
        }
    }
    if let Some((key, _)) = entries.last_mut().filter(|_| is_block && !node.foot_comment.is_empty()) {
        key.foot_comment = std::mem::take(&mut node.foot_comment);
    }
}
