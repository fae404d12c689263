//! Answers the questions of `tests/oracle/goyaml`.

use belay_goyaml::{
    EditableContent, EditableNode, Error, ParseOptions, Resolution, format_float, marshal, read_editable,
    to_go_json, to_json, to_json_strict, to_json_with, to_yaml_v3, write_editable,
};
use serde_json::Value;

/// The answer, or the text of the error.
pub(crate) fn answer(op: &str, text: &str) -> Result<String, String> {
    let shown = |error: Error| error.to_string();
    let json = |value: Value| to_go_json(&value, true);
    let value = || serde_json::from_str::<Value>(text).map_err(|error| error.to_string());
    match op {
        "json" => to_json(text).map(json).map_err(shown),
        "json-strict" => to_json_strict(text).map(json).map_err(shown),
        "json-v3" => {
            let options = ParseOptions { resolution: Resolution::V3, ..ParseOptions::default() };
            to_json_with(text, &options, false).map(json).map_err(|error| error.to_v3_string())
        }
        "yaml" => marshal(&value()?).map_err(shown),
        "yaml-v3-2" => Ok(to_yaml_v3(&value()?, 2)),
        "yaml-v3-4" => Ok(to_yaml_v3(&value()?, 4)),
        "gojson" => Ok(to_go_json(&value()?, true)),
        "gojson-raw" => Ok(to_go_json(&value()?, false)),
        "node-round-trip" => edited(text, &[]),
        "node-edit" => {
            let question = value()?;
            let edits = question["edits"].as_array().map(Vec::as_slice).unwrap_or_default();
            edited(question["text"].as_str().unwrap_or_default(), edits)
        }
        "float" => Ok(format_float(text.parse().map_err(|error| format!("{error}"))?)),
        _ => Err(format!("unknown op {op:?}")),
    }
}

/// The text after its nodes were edited in turn.
fn edited(text: &str, edits: &[Value]) -> Result<String, String> {
    let shown = |error: Error| error.to_string();
    let mut document = read_editable(text, &ParseOptions::default()).map_err(shown)?;
    for edit in edits {
        if let Some(root) = &mut document.root {
            apply(edit, root)?;
        }
    }
    write_editable(&document).map_err(shown)
}

fn apply(edit: &Value, root: &mut EditableNode) -> Result<(), String> {
    let path = edit["path"].as_array().map(Vec::as_slice).unwrap_or_default();
    let target = find(root, path).ok_or("nothing at the path")?;
    let field = |name: &str| edit[name].as_str().unwrap_or_default();
    let value = match edit["node"].as_str() {
        None => EditableNode::scalar(field("value")).with_tag(field("tag")),
        Some(text) => {
            let read = read_editable(text, &ParseOptions::default()).map_err(|error| error.to_string())?;
            read.root.ok_or("the node is empty")?
        }
    };
    let (pushes, key) = (edit["push"] == true, edit["key"].as_str());
    match (&target.content, key) {
        (EditableContent::Sequence(_), _) if pushes => drop(target.push(value)),
        (EditableContent::Mapping(_), Some(key)) => drop(target.insert(EditableNode::scalar(key), value)),
        _ if pushes || key.is_some() => return Err("another kind of node at the path".to_owned()),
        (EditableContent::Scalar(_), _) if edit["node"].is_null() => {
            target.set_scalar(field("value"));
        }
        _ => *target = value,
    }
    Ok(())
}

fn find<'n>(root: &'n mut EditableNode, path: &[Value]) -> Option<&'n mut EditableNode> {
    path.iter().try_fold(root, |node, part| match part {
        Value::String(key) => node.get_mut(key),
        part => node.items_mut()?.get_mut(usize::try_from(part.as_u64()?).ok()?),
    })
}
