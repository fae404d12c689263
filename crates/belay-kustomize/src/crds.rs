//! `crds`: what schemas of custom kinds say of their fields: names of other objects, labels.

mod definition;

use belay_filetree::TreePath;
use serde_json::{Map, Value};

use crate::configuration::{Configuration, NameReference};
use crate::error::{During, Error};
use crate::id::{FieldSpec, Gvk};
use crate::loader::Loader;

/// References to types in types, at most this deep.
const MAX_DEPTH: usize = 64;

/// What all the files together say.
pub(crate) fn load(loader: &Loader<'_>, paths: &[String]) -> Result<Configuration, Error> {
    let mut found = Configuration::default();
    for path in paths {
        let (file, content) = loader.read(path).during(|| format!("loading CRDs '{path}'"))?;
        let types = types_of(&content, &file)?;
        for (name, schema) in &types {
            let mut configuration = Configuration::default();
            if looks_like_a_kind(properties(schema)) {
                let kind = name.rsplit('.').next().unwrap_or(name).to_owned();
                let gvk = Gvk { kind, ..Gvk::default() };
                Reading { types: &types, gvk: &gvk, file: &file }.walk(
                    name,
                    &mut Vec::new(),
                    &mut configuration,
                )?;
            }
            found = found.merge(&configuration)?;
        }
    }
    Ok(found)
}

/// The definitions of a file, which must be JSON where they begin with a brace.
fn types_of(content: &[u8], file: &TreePath) -> Result<Map<String, Value>, Error> {
    let refused =
        |reason: &str| Error::rule(format!("unable to parse open API definition from '{file}': {reason}"));
    let types = match content.first() {
        None => return Err(refused("the file is empty")),
        Some(b'{') => serde_json::from_slice(content).map_err(|error| refused(&error.to_string()))?,
        Some(_) => {
            let malformed = |source| Error::Yaml { file: file.to_string(), source };
            belay_goyaml::to_json(&String::from_utf8_lossy(content)).map_err(malformed)?
        }
    };
    let types = match types {
        Value::Null => Map::new(),
        Value::Object(types) => types,
        _ => return Err(refused("a map of definitions is due")),
    };
    definition::check(&types).map_err(|wrong| refused(&wrong.to_string()))?;
    Ok(types)
}

/// The properties of a type, which stands in a `Schema`.
fn properties(definition: &Value) -> Option<&Value> {
    let schema = field(definition, "Schema")?;
    field(schema, "properties")
}

/// A field by its name in any case, as Go's JSON finds it.
fn field<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let fields = value.as_object()?;
    fields
        .get(name)
        .or_else(|| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

fn looks_like_a_kind(properties: Option<&Value>) -> bool {
    let has = |name: &&str| properties.is_some_and(|properties| properties.get(*name).is_some());
    ["kind", "apiVersion", "metadata"].iter().all(has)
}

struct Reading<'r> {
    types: &'r Map<String, Value>,
    gvk: &'r Gvk,
    file: &'r TreePath,
}

impl Reading<'_> {
    fn place(&self, path: &[String]) -> FieldSpec {
        FieldSpec { kind: self.gvk.kind.clone(), path: path.join("/"), ..FieldSpec::default() }
    }

    fn walk(&self, name: &str, path: &mut Vec<String>, found: &mut Configuration) -> Result<(), Error> {
        if path.len() > MAX_DEPTH {
            return Err(Error::rule(format!("{}: the types refer to each other without end", self.file)));
        }
        let Some(properties) = self.types.get(name).and_then(properties).and_then(Value::as_object) else {
            return Ok(());
        };
        for (name, property) in properties {
            path.push(name.clone());
            self.note(property, path, found);
            if let Some(reference) = property.get("$ref").and_then(Value::as_str) {
                self.walk(reference, path, found)?;
            }
            path.pop();
        }
        Ok(())
    }

    fn note(&self, property: &Value, path: &[String], found: &mut Configuration) {
        let text = |key: &str| property.get(key).and_then(Value::as_str);
        if text("x-kubernetes-annotation").is_some() {
            found.common_annotations.push(self.place(path));
        }
        if text("x-kubernetes-label-selector").is_some() {
            found.common_labels.push(self.place(path));
        }
        if text("x-kubernetes-identity").is_some() {
            found.name_prefix.push(self.place(path));
        }
        let target = (text("x-kubernetes-object-ref-api-version"), text("x-kubernetes-object-ref-kind"));
        if let (Some(version), Some(kind)) = target {
            let name_key = text("x-kubernetes-object-ref-name-key").unwrap_or("name");
            let mut path = path.to_vec();
            path.push(name_key.to_owned());
            let gvk = Gvk { version: version.to_owned(), kind: kind.to_owned(), ..Gvk::default() };
            found.name_reference.push(NameReference::new(gvk, vec![self.place(&path)]));
        }
    }
}
