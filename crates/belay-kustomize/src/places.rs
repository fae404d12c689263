//! Objects and fields in the files they come from, which are parsed again where somebody asks.

use belay_filetree::{FileTree, TreePath};
use belay_goyaml::{Document, Node, ParseOptions, Resolution};

/// The documents of a file, if it can be read.
pub(crate) fn documents(tree: &dyn FileTree, file: &TreePath) -> Option<Vec<Document>> {
    let content = tree.read(file).ok()?;
    parse(std::str::from_utf8(&content).ok()?)
}

pub(crate) fn parse(text: &str) -> Option<Vec<Document>> {
    let options = ParseOptions { resolution: Resolution::V3, ..ParseOptions::default() };
    belay_goyaml::parse(text, &options).ok()
}

/// The object that starts at a line: a document, or an item of a list.
pub(crate) fn object_at(documents: &[Document], line: usize) -> Option<&Node> {
    documents.iter().find_map(|document| {
        let root = &document.root;
        if root.line == line { Some(root) } else { items(root).iter().find(|item| item.line == line) }
    })
}

/// Which item of a document's list starts at a line, if the document itself starts elsewhere.
pub(crate) fn item_at(document: &Document, line: usize) -> Option<usize> {
    let root = &document.root;
    items(root).iter().position(|item| item.line == line).filter(|_| root.line != line)
}

fn items(list: &Node) -> &[Node] {
    list.get("items").and_then(Node::items).unwrap_or_default()
}

/// A field of an object, and the line it begins at.
pub(crate) fn node_at<'n>(object: &'n Node, path: &[String]) -> Option<(&'n Node, usize)> {
    let mut node = object;
    let mut line = node.line;
    for part in path {
        if let Some(entries) = node.entries() {
            let (key, value) = entries.iter().find(|(key, _)| key.as_str() == Some(part))?;
            (node, line) = (value, key.line);
        } else {
            node = item_of(node.items()?, part)?;
            line = node.line;
        }
    }
    Some((node, line))
}

fn item_of<'n>(items: &'n [Node], part: &str) -> Option<&'n Node> {
    if let Ok(at) = part.parse::<usize>() {
        return items.get(at);
    }
    let (key, wanted) = element(part)?;
    items.iter().find(|item| item.get(key).and_then(Node::as_str) == Some(wanted))
}

/// `[key=value]`
fn element(part: &str) -> Option<(&str, &str)> {
    part.strip_prefix('[')?.strip_suffix(']')?.split_once('=')
}
