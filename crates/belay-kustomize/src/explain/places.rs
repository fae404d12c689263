//! Objects and fields in what a file was parsed into.

use belay_goyaml::Node;

/// The object that starts at a line: the document, or an item of a list.
pub(crate) fn object_at(root: &Node, line: usize) -> Option<&Node> {
    if root.line == line {
        return Some(root);
    }
    root.get("items").and_then(Node::items)?.iter().find(|item| item.line == line)
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
