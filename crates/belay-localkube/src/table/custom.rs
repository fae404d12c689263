//! Cells of custom resources, by the columns' JSON paths.

use jiff::Timestamp;
use serde_json::Value;

use crate::resources::Column;

pub(super) fn cells(columns: &[Column], object: &Value, now: Timestamp) -> Vec<Value> {
    columns.iter().map(|column| cell(column, object, now)).collect()
}

fn cell(column: &Column, object: &Value, now: Timestamp) -> Value {
    let path = column.json_path.as_deref().unwrap_or_default();
    let Some(found) = find(object, path) else { return Value::Null };
    match (column.kind.as_str(), found) {
        (_, Value::Null) => Value::Null,
        ("date", Value::String(time)) => super::age(time, now).into(),
        ("string", Value::String(text)) => text.as_str().into(),
        ("string", other) => other.to_string().into(),
        (_, other) => other.clone(),
    }
}

/// `.status.conditions[?(@.type=="Ready")].status`, `.spec.a.b`, `.spec.list[0]`, `.metadata.labels.a\.b`.
fn find<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    let mut value = object;
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let end = inside.find(']')?;
            value = element(value, &inside[..end])?;
            rest = &inside[end + 1..];
        } else {
            rest = rest.strip_prefix('.').unwrap_or(rest);
            let (name, after) = field_name(rest);
            if name.is_empty() && after == rest {
                return None;
            }
            value = value.get(&name)?;
            rest = after;
        }
    }
    Some(value)
}

/// A field's name up to the next unescaped dot or bracket, and what follows.
fn field_name(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut escaped = false;
    for (index, character) in text.char_indices() {
        match character {
            '\\' if !escaped => escaped = true,
            '.' | '[' if !escaped => return (name, &text[index..]),
            other => {
                name.push(other);
                escaped = false;
            }
        }
    }
    (name, "")
}

fn element<'a>(list: &'a Value, selector: &str) -> Option<&'a Value> {
    if let Ok(index) = selector.parse::<usize>() {
        return list.get(index);
    }
    if let Some(name) = selector.strip_prefix('\'').and_then(|name| name.strip_suffix('\'')) {
        return list.get(name);
    }
    let filter = selector.strip_prefix("?(@.")?.strip_suffix(')')?;
    let (field, wanted) = filter.split_once("==")?;
    let wanted = wanted.trim().trim_matches(|quote| quote == '"' || quote == '\'');
    list.as_array()?.iter().find(|item| match &item[field.trim()] {
        Value::String(text) => text == wanted,
        other => serde_json::from_str(wanted).is_ok_and(|wanted: Value| *other == wanted),
    })
}

#[cfg(test)]
mod tests {
    use super::find;
    use serde_json::json;

    #[test]
    fn paths_find_fields_filters_and_indexes() {
        let object = json!({"a": {"b.c": 1}, "l": [{"type": "Ready", "status": "True"}, {"type": "X", "status": "False"}]});
        for (path, expected) in [
            (".a.b\\.c", Some(json!(1))),
            (".l[?(@.type==\"X\")].status", Some(json!("False"))),
            (".l[?(@.type=='Ready')].status", Some(json!("True"))),
            (".l[1].type", Some(json!("X"))),
            (".l[?(@.type==\"Gone\")].status", None),
            (".gone", None),
            ("..", None),
        ] {
            assert_eq!(find(&object, path).cloned(), expected, "{path}");
        }
    }
}
