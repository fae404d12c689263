//! A kustomization file in the layout that `kustomize edit` writes: the fields in the order of the
//! file, the comments above their fields, new fields behind.

use serde_json::{Map, Value};

use crate::error::Error;

/// The fields in the order in which new ones are added.
const ORDER: [&str; 33] = [
    "apiVersion",
    "kind",
    "metadata",
    "sortOptions",
    "resources",
    "bases",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "crds",
    "commonLabels",
    "labels",
    "commonAnnotations",
    "patchesStrategicMerge",
    "patchesJson6902",
    "patches",
    "configMapGenerator",
    "secretGenerator",
    "helmCharts",
    "helmChartInflationGenerator",
    "helmGlobals",
    "generatorOptions",
    "vars",
    "images",
    "replacements",
    "replicas",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "components",
    "openapi",
    "buildMetadata",
];

/// Maps whose entries are the user's own: an empty text in them says something.
const FREE: [&str; 8] = [
    "commonLabels",
    "commonAnnotations",
    "pairs",
    "labels",
    "annotations",
    "valuesInline",
    "valuesLocal",
    "openapi",
];

/// Fields that are written even where they are empty.
const KEPT: [&str; 5] = ["count", "orderFirst", "orderLast", "objref", "fieldref"];

/// A field of the file and what stands above it.
struct Part {
    field: &'static str,
    comments: String,
}

/// Writes fields in the layout of the file they were read from.
pub(super) fn write(text: &str, fields: &Map<String, Value>) -> Result<String, Error> {
    let parts = parts(text);
    let mut written = String::new();
    for part in &parts {
        written.push_str(&part.comments);
        written.push_str(&field_text(part.field, fields)?);
    }
    let is_new = |field: &&&str| parts.iter().all(|part| part.field != **field);
    for field in ORDER.iter().filter(is_new) {
        written.push_str(&field_text(field, fields)?);
    }
    Ok(written)
}

/// The name a field has, whatever its case in the file.
pub(super) fn canonical(name: &str) -> Option<&'static str> {
    ORDER.iter().copied().find(|field| field.eq_ignore_ascii_case(name))
}

/// Comments within a field move above it; those behind the last one are lost, as in the original.
fn parts(text: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut comments = String::new();
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        let content = line.trim_end_matches('\n').trim_start_matches(' ');
        if content.is_empty() || content.starts_with('#') {
            comments.push_str(line);
            continue;
        }
        let named = line.split_once(':').and_then(|(name, _)| canonical(name));
        match (named, parts.last_mut()) {
            (Some(field), _) => parts.push(Part { field, comments: std::mem::take(&mut comments) }),
            (None, Some(last)) => last.comments.push_str(&std::mem::take(&mut comments)),
            (None, None) => {}
        }
    }
    parts
}

fn field_text(field: &str, fields: &Map<String, Value>) -> Result<String, Error> {
    let Some(value) = fields.get(field) else { return Ok(String::new()) };
    let value = if FREE.contains(&field) && value.is_object() { value.clone() } else { pruned(value) };
    if says_nothing(&value) && field != "metadata" {
        return Ok(String::new());
    }
    let alone = Value::Object(Map::from_iter([(field.to_owned(), value)]));
    belay_goyaml::marshal(&alone).map_err(|source| Error::Yaml { file: field.to_owned(), source })
}

/// Without the fields that Go leaves out because they are empty.
fn pruned(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().map(|(name, value)| {
                let free = FREE.contains(&name.as_str()) && value.is_object();
                (name.clone(), if free { value.clone() } else { pruned(value) })
            });
            let says =
                |(name, value): &(String, Value)| KEPT.contains(&name.as_str()) || !says_nothing(value);
            Value::Object(kept.filter(says).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(pruned).collect()),
        scalar => scalar.clone(),
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Number(number) => number.as_i64() == Some(0),
        Value::Bool(true) => false,
    }
}
