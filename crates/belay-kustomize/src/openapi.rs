//! `openapi.path`: a document that says what kustomize is to know of kinds, in place of what it ships.

use belay_filetree::TreePath;
use serde_json::{Map, Value};

use crate::error::{During, Error};
use crate::loader::Loader;
use crate::types::{FieldType, Type, Types};

/// Which kinds a definition, or a path, is about.
const KINDS: &str = "x-kubernetes-group-version-kind";
/// References to definitions that are references, at most this many.
const MOST_REFERENCES: usize = 64;
/// Types within each other, without names of their own.
const MOST_DEPTH: usize = 128;

/// Reads the document, JSON or YAML.
pub(crate) fn load(loader: &Loader<'_>, path: &str) -> Result<Types, Error> {
    let (file, content) = loader.read(path).during(|| format!("loading the OpenAPI document '{path}'"))?;
    read(&content, &file)
}

fn read(content: &[u8], file: &TreePath) -> Result<Types, Error> {
    let text = String::from_utf8_lossy(content);
    let malformed = |source| Error::Yaml { file: file.to_string(), source };
    let Value::Object(document) = belay_goyaml::to_json(&text).map_err(malformed)? else {
        return Err(Error::rule(format!("invalid schema file: '{file}' is not a map")));
    };
    let mut types = Types::default();
    if let Some(Value::Object(definitions)) = document.get("definitions") {
        let mut reading = Reading { definitions, types: &mut types };
        for (name, definition) in definitions {
            reading.add_definition(name, definition).during(|| format!("reading '{name}' of '{file}'"))?;
        }
    }
    if let Some(Value::Object(paths)) = document.get("paths") {
        paths.iter().for_each(|(path, operations)| add_scope(path, operations, &mut types));
    }
    Ok(types)
}

/// A path of objects in a namespace counts, whatever other paths the kind has.
fn add_scope(path: &str, operations: &Value, types: &mut Types) {
    let Some(kind) = operations.get("get").and_then(|get| get.get(KINDS)).and_then(api_version_and_kind)
    else {
        return;
    };
    if path.contains("namespaces/{namespace}") {
        types.scopes.insert(kind, false);
    } else {
        types.scopes.entry(kind).or_insert(true);
    }
}

fn api_version_and_kind(named: &Value) -> Option<(String, String)> {
    let text = |field: &str| named.get(field).map_or(Some(""), Value::as_str);
    let (group, version, kind) = (text("group")?, text("version")?, text("kind")?);
    let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Some((api_version, kind.to_owned()))
}

struct Reading<'d, 't> {
    definitions: &'d Map<String, Value>,
    types: &'t mut Types,
}

impl<'d> Reading<'d, '_> {
    fn add_definition(&mut self, name: &str, definition: &'d Value) -> Result<(), Error> {
        for kind in definition.get(KINDS).and_then(Value::as_array).into_iter().flatten() {
            if let Some((api_version, kind)) = api_version_and_kind(kind) {
                self.types.add_kind(&api_version, &kind, name);
            }
        }
        self.add_type(name.to_owned(), definition, 0)
    }

    fn add_type(&mut self, name: String, schema: &'d Value, depth: usize) -> Result<(), Error> {
        if depth > MOST_DEPTH {
            return Err(Error::rule(format!("more than {MOST_DEPTH} types in each other")));
        }
        let mut described = Type { is_complete: true, ..Type::default() };
        for (field, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if let Some(known) = self.field_type(&format!("{name}/{field}"), schema, depth)? {
                described.fields.insert(field.clone(), known);
            }
        }
        if let Some(others) = schema.get("additionalProperties").filter(|others| others.is_object()) {
            described.others = self.field_type(&format!("{name}/*"), others, depth)?;
        }
        self.types.add_type(name, described);
        Ok(())
    }

    /// The type of a field; nothing where a reference leads nowhere. `place` names a type that has no name.
    fn field_type(
        &mut self,
        place: &str,
        schema: &'d Value,
        depth: usize,
    ) -> Result<Option<FieldType>, Error> {
        let Some((name, schema)) = self.resolved(schema) else { return Ok(None) };
        if schema.get("x-kubernetes-patch-strategy").and_then(Value::as_str) == Some("merge") {
            let element = match schema.get("items") {
                Some(items) if is_array(schema) => self.element(&format!("{place}[]"), items, depth)?,
                _ => None,
            };
            return Ok(Some(FieldType::List { keys: merge_keys(schema)?, element }));
        }
        if let Some(name) = name {
            return Ok(Some(FieldType::Named(name.to_owned())));
        }
        if schema.get("properties").is_none() && schema.get("additionalProperties").is_none() {
            return Ok(Some(FieldType::Plain));
        }
        self.add_type(place.to_owned(), schema, depth + 1)?;
        Ok(Some(FieldType::Named(place.to_owned())))
    }

    fn element(&mut self, place: &str, items: &'d Value, depth: usize) -> Result<Option<String>, Error> {
        Ok(match self.field_type(place, items, depth)? {
            Some(FieldType::Named(name)) => Some(name),
            _ => None,
        })
    }

    /// Where references lead, and the name of the last one.
    fn resolved(&self, schema: &'d Value) -> Option<(Option<&'d str>, &'d Value)> {
        let (mut name, mut schema) = (None, schema);
        for _ in 0..MOST_REFERENCES {
            let Some(reference) = schema.get("$ref").and_then(Value::as_str).filter(|to| !to.is_empty())
            else {
                return Some((name, schema));
            };
            let to = reference.strip_prefix("#/definitions/")?;
            schema = self.definitions.get(to)?;
            name = Some(to);
        }
        None
    }
}

fn is_array(schema: &Value) -> bool {
    match schema.get("type") {
        Some(Value::String(only)) => only == "array",
        Some(Value::Array(all)) => matches!(&all[..], [Value::String(only)] if only == "array"),
        _ => false,
    }
}

/// What tells elements apart: several fields, one, or nothing but their values.
fn merge_keys(schema: &Value) -> Result<Vec<String>, Error> {
    let text = |key: &Value| {
        key.as_str()
            .map(str::to_owned)
            .ok_or_else(|| Error::rule(format!("a merge key that is no text: {key}")))
    };
    match (schema.get("x-kubernetes-list-map-keys"), schema.get("x-kubernetes-patch-merge-key")) {
        (Some(Value::Array(keys)), _) => keys.iter().map(text).collect(),
        (Some(other), _) => Err(Error::rule(format!("merge keys that are no list: {other}"))),
        (None, Some(key)) => Ok(vec![text(key)?]),
        (None, None) => Ok(Vec::new()),
    }
}
