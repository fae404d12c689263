//! The hash at the end of generated names, so that new content is a new object.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::Transformer;
use crate::error::Error;
use crate::resource::Resource;
use crate::resources::Resources;

pub(crate) struct Hash;

impl Transformer for Hash {
    fn transform(&self, resources: &mut Resources) -> Result<(), Error> {
        if !resources.iter().any(|resource| resource.needs_hash) {
            return Ok(());
        }
        for resource in resources.list_mut().iter_mut().filter(|resource| resource.needs_hash) {
            let mut typed = resource.clone();
            typed.settle_types();
            let hash = hash_of(&typed);
            resource.remember_names();
            let name = format!("{}-{hash}", resource.name());
            resource.set_name(&name)?;
        }
        Ok(())
    }
}

/// Ten letters that tell a config map's or secret's data from any other's.
fn hash_of(resource: &Resource) -> String {
    let object = &resource.object;
    let field = |name: &str| object.get(name).cloned().unwrap_or_else(|| Value::from(""));
    let mut encoded = Map::new();
    // In the order of the alphabet, as Go writes maps.
    let binary = object.get("binaryData").filter(|data| data.is_object() && resource.kind() == "ConfigMap");
    if let Some(data) = binary {
        encoded.insert("binaryData".to_owned(), sorted(data));
    }
    encoded.insert("data".to_owned(), sorted(&field("data")));
    encoded.insert("kind".to_owned(), Value::from(resource.kind()));
    // The original looks the name up in a way that never finds it, so it does not count.
    encoded.insert("name".to_owned(), Value::from(""));
    if resource.kind() == "Secret" {
        if let Some(data @ Value::Object(_)) = object.get("stringData") {
            encoded.insert("stringData".to_owned(), sorted(data));
        }
        encoded.insert("type".to_owned(), field("type"));
    }
    let text = belay_goyaml::to_go_json(&Value::Object(encoded), true);
    hex::encode(Sha256::digest(text.as_bytes())).chars().take(10).map(friendly).collect()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut entries: Vec<_> =
                fields.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
            entries.sort_by(|one, two| one.0.cmp(&two.0));
            Value::Object(entries.into_iter().collect())
        }
        other => other.clone(),
    }
}

/// Spares names that read like words or numbers.
fn friendly(letter: char) -> char {
    match letter {
        '0' => 'g',
        '1' => 'h',
        '3' => 'k',
        'a' => 'm',
        'e' => 't',
        other => other,
    }
}
