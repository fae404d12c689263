//! Walks to nodes of a text of YAML by dotted paths, and makes them where it is told to.

use belay_goyaml::{EditableDocument, EditableNode, write_editable};
use regex::Regex;

use crate::field_lookup::{Kind, element_of};

/// Calls `set` for every node that a path leads to, and says how many there are. `None` if a node on
/// the way is of another kind than the path takes it for, or is not to be set.
pub(super) fn visit(
    node: &mut EditableNode,
    path: &[String],
    create: Option<Kind>,
    set: &mut dyn FnMut(&mut EditableNode) -> bool,
) -> Option<usize> {
    Walk { create, set }.step(node, path)
}

struct Walk<'w> {
    create: Option<Kind>,
    set: &'w mut dyn FnMut(&mut EditableNode) -> bool,
}

impl Walk<'_> {
    fn step(&mut self, node: &mut EditableNode, path: &[String]) -> Option<usize> {
        let Some((part, rest)) = path.split_first() else {
            return (self.set)(node).then_some(1);
        };
        if let Ok(at) = part.parse::<usize>() {
            return self.index(node, at, rest);
        }
        if let Some(element) = element_of(part) {
            let (key, pattern) = element.ok()?;
            return self.elements(node, key, pattern, rest);
        }
        if part == "*" {
            return node.items_mut()?.iter_mut().map(|item| self.step(item, rest)).sum();
        }
        self.field(node, part, rest)
    }

    /// What a missing node is made as, for the next part of the path.
    fn made(&self, rest: &[String]) -> Option<EditableNode> {
        let kind = self.create?.for_next(rest.first().map(String::as_str));
        Some(match kind {
            Kind::Scalar => EditableNode::scalar(""),
            Kind::Map => EditableNode::mapping(Vec::new()),
            Kind::List => EditableNode::sequence(Vec::new()),
        })
    }

    fn field(&mut self, node: &mut EditableNode, name: &str, rest: &[String]) -> Option<usize> {
        if node.tag == "!!null" {
            return Some(0);
        }
        node.entries()?;
        if let Some(field) = node.get_mut(name) {
            return self.step(field, rest);
        }
        let Some(made) = self.made(rest) else { return Some(0) };
        let made = node.insert(EditableNode::scalar(name), made)?;
        self.step(made, rest)
    }

    fn index(&mut self, node: &mut EditableNode, at: usize, rest: &[String]) -> Option<usize> {
        let made = self.made(rest);
        let items = node.items_mut()?;
        if at == items.len() {
            items.extend(made);
        }
        self.step(items.get_mut(at)?, rest)
    }

    fn elements(
        &mut self,
        node: &mut EditableNode,
        key: &str,
        pattern: &str,
        rest: &[String],
    ) -> Option<usize> {
        let expression = Regex::new(pattern).ok()?;
        let rest = if key.is_empty() { &[] } else { rest };
        let mut count = 0;
        for item in node.items_mut()? {
            let told_by = if key.is_empty() { Some(&*item) } else { item.get(key) };
            if told_by.and_then(text_of).is_some_and(|text| expression.is_match(&text)) {
                count += self.step(item, rest)?;
            }
        }
        if count > 0 || self.create.is_none() {
            return Some(count);
        }
        let value = EditableNode::scalar(pattern);
        let made = match key {
            "" => value,
            key => EditableNode::mapping(vec![(EditableNode::scalar(key), value)]),
        };
        let made = node.push(made)?;
        self.step(made, rest)
    }
}

/// A node as it is written, quotes and all.
fn text_of(node: &EditableNode) -> Option<String> {
    let document = EditableDocument { root: Some(node.clone()), ..EditableDocument::default() };
    Some(write_editable(&document).ok()?.trim().to_owned())
}
