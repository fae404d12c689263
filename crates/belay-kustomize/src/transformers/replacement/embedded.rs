//! Replacements within a field that is itself a text of JSON or YAML.

use belay_goyaml::{EditableDocument, EditableNode, ParseOptions, read_editable, write_editable};
use serde_json::Value;

use super::{Field, Source, nodes, parted, set, with_part};
use crate::error::Error;
use crate::field_lookup;
use crate::kustomization::FieldOptions;

/// Replaces within such a field, and tells whether one stands on the path.
pub(super) fn copy(
    source: &Source,
    object: &mut Value,
    names: &[String],
    options: Option<&FieldOptions>,
) -> Result<bool, Error> {
    for length in 1..names.len() {
        let Ok(Some(Value::String(text))) = field_lookup::get(object, &names[..length]) else { continue };
        let below = &names[length..];
        let changed = if text.trim_start().starts_with(['{', '[']) {
            let Ok(data) = belay_goyaml::to_json(text) else { continue };
            in_json(text, data, source, below, options)?
        } else {
            let Ok(document) = read_editable(text, &ParseOptions::default()) else { continue };
            in_yaml(document, source, below, options)
        };
        let Some(changed) = changed else { return Ok(false) };
        let write = &mut |field: &mut Value, _: bool| {
            *field = Value::from(changed.as_str());
            Ok(())
        };
        field_lookup::visit(object, &names[..length], None, write)?;
        return Ok(true);
    }
    Ok(false)
}

/// The text of JSON with the value in it; as it is if the value does not fit. `None` if the path leads nowhere.
fn in_json(
    text: &str,
    mut data: Value,
    source: &Source,
    names: &[String],
    options: Option<&FieldOptions>,
) -> Result<Option<String>, Error> {
    let mut fits = true;
    let set = &mut |field: &mut Value, fresh: bool| {
        let field_was = if fresh { Field::Made } else { Field::Present(None) };
        fits &= set(field, source, options, field_was)?.is_none();
        Ok(())
    };
    match field_lookup::visit(&mut data, names, source.creates(options), set) {
        Ok(found) if found > 0 => {}
        _ => return Ok(None),
    }
    Ok(Some(if fits { json_like(text, data) } else { text.to_owned() }))
}

/// The text of YAML with the value in it: comments, quotes and tags stay. `None` if the path leads nowhere.
fn in_yaml(
    mut document: EditableDocument,
    source: &Source,
    names: &[String],
    options: Option<&FieldOptions>,
) -> Option<String> {
    let parted = parted(options);
    let set = &mut |node: &mut EditableNode| match (node.as_scalar(), parted) {
        (Some(present), Some(options)) => node.set_scalar(with_part(present, &source.text, options)),
        (Some(_), None) => node.set_scalar(source.text.clone()),
        (None, _) => {
            *node = source.layout.clone().unwrap_or_else(|| EditableNode::from(&source.value));
            parted.is_none()
        }
    };
    let root = document.root.as_mut()?;
    let found = nodes::visit(root, names, source.creates(options), set)?;
    let written = (found > 0).then(|| write_editable(&document).ok()).flatten()?;
    Some(written.trim().to_owned())
}

/// JSON in the layout the text had.
fn json_like(text: &str, mut data: Value) -> String {
    data.sort_all_objects();
    let wide = text.contains('\n') && text.contains("  ");
    if wide {
        belay_goyaml::to_go_json_indent(&data, true, "  ")
    } else {
        belay_goyaml::to_go_json(&data, true)
    }
}
