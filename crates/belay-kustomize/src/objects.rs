//! Objects out of a text: several documents, lists taken apart, rules of form checked.

use std::collections::VecDeque;

use belay_filetree::TreePath;
use belay_goyaml::{Node, ParseOptions, Resolution, Style, parse};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::resource::{KeptEnd, Place, Resource, Step, Written, scalar_text};

/// Reads every object of a text. `file` names it in errors and in the objects' places.
pub(crate) fn read(text: &[u8], file: &TreePath) -> Result<Vec<Resource>, Error> {
    let text =
        std::str::from_utf8(text).map_err(|_| Error::rule(format!("{file}: the file is not UTF-8 text")))?;
    let text = text.replace("\r\n", "\n");
    let mut queue = documents(&text, file)?;
    let mut resources = Vec::new();
    while let Some(resource) = queue.pop_front() {
        if resource.is_deleted() && !is_scalar_or_list(&resource.object) {
            continue;
        }
        check_form(&resource, file)?;
        if !resource.kind().ends_with("List") {
            resources.push(resource);
            continue;
        }
        match resource.object.get("items") {
            None => resources.push(resource),
            Some(Value::Null) => {}
            Some(Value::Array(items)) => {
                let place = resource.place.clone();
                queue.extend(items.iter().filter(|item| !is_empty(item)).map(|item| placed(item, &place)));
            }
            Some(_) => {
                return Err(Error::rule(format!("{file}: expected array in {}/items", resource.kind())));
            }
        }
    }
    Ok(resources)
}

fn placed(item: &Value, place: &Option<Place>) -> Resource {
    let mut resource = Resource::new(item.clone());
    resource.place = place.clone();
    resource
}

fn is_scalar_or_list(value: &Value) -> bool {
    match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(_) | Value::Null => false,
        _ => true,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn check_form(resource: &Resource, file: &TreePath) -> Result<(), Error> {
    let line = resource.place.as_ref().map_or(0, |place| place.line);
    if resource.kind().is_empty() {
        return Err(Error::rule(format!("{file}: missing kind in the object at line {line}")));
    }
    if resource.name().is_empty() && !resource.kind().ends_with("List") {
        let kind = resource.kind();
        return Err(Error::rule(format!("{file}: missing metadata.name in the {kind} at line {line}")));
    }
    Ok(())
}

/// The documents of a text. A text that is one `List` stands for its items.
fn documents(text: &str, file: &TreePath) -> Result<VecDeque<Resource>, Error> {
    let chunks = split(text, file)?;
    let only = chunks.len() == 1;
    let options = ParseOptions { resolution: Resolution::V3, ..ParseOptions::default() };
    let mut found = VecDeque::new();
    for (first_line, chunk) in chunks {
        let malformed = |source| Error::Yaml { file: file.to_string(), source };
        let Some(document) = parse(chunk, &options).map_err(malformed)?.into_iter().next() else { continue };
        let object = object_of(&document.root, chunk).map_err(malformed)?;
        let place_of = |node: &Node| Place { file: file.clone(), line: first_line + node.line.max(1) };
        let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
        let is_list = only && (kind == "List" || kind == "ResourceList");
        let items = match object.get("items") {
            Some(Value::Array(items)) => Some(items.as_slice()),
            // The original looks for items in anything, and finds none in a scalar.
            Some(Value::String(_) | Value::Number(_) | Value::Bool(_)) => Some(&[][..]),
            _ => None,
        };
        if let Some(items) = items.filter(|_| is_list) {
            let nodes = document.root.get("items").and_then(Node::items).unwrap_or_default();
            let items = nodes.iter().zip(items).filter(|(_, item)| !is_empty(item));
            found.extend(items.map(|(node, item)| resource_of(node, item.clone(), place_of(node))));
            continue;
        }
        let mut resource = resource_of(&document.root, object, place_of(&document.root));
        resource.end = end_of(&document.root, chunk);
        found.push_back(resource);
    }
    Ok(found)
}

/// An object and what is only seen in its text.
fn resource_of(node: &Node, mut object: Value, place: Place) -> Resource {
    let reread_annotations = keep_annotations(node, &mut object);
    let mut resource = Resource::new(object);
    note_texts(node, &resource.object, None, &mut (&mut resource.bare_nulls, &mut resource.written));
    resource.place = Some(place);
    resource.reread_annotations = reread_annotations;
    resource
}

/// Parts of the text between lines that start with `---`, with the number of lines before each.
pub(crate) fn split<'t>(text: &'t str, file: &TreePath) -> Result<Vec<(usize, &'t str)>, Error> {
    let mut chunks = Vec::new();
    let (mut start, mut search) = (0, 0);
    let mut line = 0;
    while let Some(found) = text[search..].find("\n---") {
        let separator = search + found;
        let Some(length) = text[separator + 1..].find('\n') else { break };
        let end = separator + 1 + length + 1;
        let rest = text[separator + 4..end].trim();
        if !rest.is_empty() && !rest.starts_with('#') {
            let text = text[separator..end].trim();
            return Err(Error::rule(format!("{file}: invalid document separator: {text}")));
        }
        // The line break before the separator belongs to the document, as literal blocks may need it.
        chunks.push((line, &text[start..=separator]));
        line += text[start..end].matches('\n').count();
        (start, search) = (end, end);
    }
    chunks.push((line, &text[start..]));
    Ok(chunks)
}

/// The document as JSON, after the detour that the original takes: it writes every text and reads it again.
fn object_of(root: &Node, text: &str) -> Result<Value, belay_goyaml::Error> {
    let mut object = root.to_json(Resolution::V3, true)?;
    if text.contains('>') {
        refold(root, &mut object);
    }
    Ok(object)
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// The text that ends the document with empty lines of its own, if a comment follows.
fn end_of(node: &Node, text: &str) -> Option<KeptEnd> {
    if !text.contains('+') || !text.trim_end().lines().next_back().is_some_and(is_comment) {
        return None;
    }
    let mut last = node.resolved();
    while let Some(inner) = last
        .entries()
        .and_then(|entries| entries.last().map(|(_, value)| value))
        .or_else(|| last.items().and_then(<[Node]>::last))
    {
        last = inner.resolved();
    }
    let more = match last.style {
        Style::Literal => "\n",
        Style::Folded => "\n\n",
        _ => return None,
    };
    let text =
        last.as_str().filter(|text| text.ends_with("\n\n") && !text.trim_end().lines().any(is_comment))?;
    Some(KeptEnd { text: text.to_owned(), more })
}

/// Annotations are texts, so they keep the very text they are written with; those that JSON would say
/// otherwise are told apart.
fn keep_annotations(node: &Node, object: &mut Value) -> Vec<(String, String)> {
    let written =
        node.get("metadata").and_then(|metadata| metadata.get("annotations")).and_then(Node::entries);
    let annotations = object.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations"));
    let mut reread = Vec::new();
    if let (Some(written), Some(Value::Object(annotations))) = (written, annotations) {
        keep_texts(written, annotations, &mut reread);
    }
    reread
}

/// The original writes every object out and reads it again, and its writer puts an empty line more
/// into folded texts that have indented lines.
fn refold(node: &Node, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, child) in node.entries().unwrap_or_default() {
                if let Some(field) = key.as_str().and_then(|key| fields.get_mut(key)) {
                    refold(child, field);
                }
            }
        }
        Value::Array(items) => {
            for (child, item) in node.items().unwrap_or_default().iter().zip(items) {
                refold(child, item);
            }
        }
        Value::String(text) if node.resolved().style == Style::Folded => {
            if let Some(changed) = refolded(text) {
                *text = changed;
            }
        }
        _ => {}
    }
}

/// A folded text as it is read again after it was written; `None` where it is the same, or quoted.
fn refolded(text: &str) -> Option<String> {
    if !text.trim_end_matches('\n').contains('\n') || text.ends_with(' ') || text.contains(" \n") {
        return None;
    }
    let starts_blank = text.trim_start_matches('\n').starts_with([' ', '\t']);
    let hint = if text.starts_with([' ', '\n']) { "2" } else { "" };
    let chomp = match text.trim_end_matches('\n').len() {
        length if length == text.len() => "-",
        length if length + 1 == text.len() => "",
        _ => "+",
    };
    let mut written = format!(">{hint}{chomp}\n");
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches('\n');
        if content.is_empty() {
            written.push('\n');
            continue;
        }
        let leading_blank = content.starts_with([' ', '\t']);
        written.push_str("  ");
        written.push_str(content);
        if line.ends_with('\n') {
            written.push_str(if leading_blank || starts_blank { "\n" } else { "\n\n" });
        }
    }
    let options = ParseOptions { resolution: Resolution::V3, ..ParseOptions::default() };
    match belay_goyaml::to_json_with(&written, &options, true) {
        Ok(Value::String(read)) => Some(read),
        _ => None,
    }
}

fn keep_texts(
    written: &[(Node, Node)],
    annotations: &mut Map<String, Value>,
    reread: &mut Vec<(String, String)>,
) {
    for (key, value) in written {
        let (Some(key), Some(text)) = (key.as_str(), value.as_str()) else { continue };
        let Some(annotation) = annotations.get_mut(key) else { continue };
        let json = match annotation {
            Value::Number(_) | Value::Bool(_) => belay_goyaml::to_go_json(annotation, true),
            // A date was read as a time.
            Value::String(read) if value.resolved().style == Style::Plain => std::mem::take(read),
            Value::String(_) => continue,
            _ => text.to_owned(),
        };
        *annotation = Value::from(text);
        reread.extend((json != text).then(|| (key.to_owned(), json)));
    }
}

/// Where a node stands: the last step, and those before it.
struct Trail<'n> {
    step: TrailStep<'n>,
    before: Option<&'n Trail<'n>>,
}

#[derive(Clone, Copy)]
enum TrailStep<'n> {
    Key(&'n str),
    Index(usize),
}

impl Trail<'_> {
    fn path(&self) -> Vec<Step> {
        let mut path = self.before.map(Trail::path).unwrap_or_default();
        path.push(match self.step {
            TrailStep::Key(key) => Step::Key(key.to_owned()),
            TrailStep::Index(at) => Step::Index(at),
        });
        path
    }
}

/// Whether a text without quotes is a time, written as JSON says it.
fn is_time(text: &str) -> bool {
    text.ends_with('Z')
        && text.starts_with(|first: char| first.is_ascii_digit())
        && !belay_goyaml::is_text_unquoted(text, Resolution::V3)
}

/// Where nulls are written as nothing at all, and what is written otherwise than JSON says it.
type Texts<'r> = (&'r mut Vec<Vec<Step>>, &'r mut Vec<Written>);

fn note_texts(node: &Node, value: &Value, before: Option<&Trail<'_>>, found: &mut Texts<'_>) {
    for (key, child) in node.entries().unwrap_or_default() {
        let Some(key) = key.as_str() else { continue };
        let trail = Trail { step: TrailStep::Key(key), before };
        if let Some(value) = value.get(key) {
            note_text(child, value, &trail, found);
        }
    }
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    for (at, (item, value)) in node.items().unwrap_or_default().iter().zip(items).enumerate() {
        note_text(item, value, &Trail { step: TrailStep::Index(at), before }, found);
    }
}

fn note_text(node: &Node, value: &Value, trail: &Trail<'_>, (nulls, written): &mut Texts<'_>) {
    let plain = |node: &Node| node.resolved().style == Style::Plain;
    match (value, node.as_str()) {
        (Value::Object(_) | Value::Array(_), _) => {
            note_texts(node, value, Some(trail), &mut (nulls, written))
        }
        (_, Some("")) if plain(node) && matches!(trail.step, TrailStep::Key(_)) => nulls.push(trail.path()),
        (Value::Number(_) | Value::Bool(_), Some(text)) if scalar_text(value) != text => {
            written.push(Written { path: trail.path(), text: text.to_owned(), value: value.clone() });
        }
        (Value::String(read), Some(text)) if plain(node) && (read != text || is_time(text)) => {
            written.push(Written { path: trail.path(), text: text.to_owned(), value: value.clone() });
        }
        _ => {}
    }
}
