//! Generated objects meet those of their name: they are added, merged or put in their place.

use serde_json::Value;

use crate::error::Error;
use crate::explain::Trace;
use crate::generators::sources::base64_lines;
use crate::resource::{Behavior, Resource};
use crate::resources::Resources;

/// Adds a generated object, or lays it over the one of its name, as its behavior says.
pub(crate) fn absorb(resources: &mut Resources, mut resource: Resource) -> Result<(), Error> {
    let id = resource.id();
    let matches = resources.by_any_id(&id);
    let behavior = resource.behavior;
    let at = match (&matches[..], behavior) {
        ([], Behavior::Merge | Behavior::Replace) => {
            return Err(Error::rule(format!("id {id} does not exist; cannot merge or replace")));
        }
        ([], _) => return resources.append(resource),
        ([at], Behavior::Merge | Behavior::Replace) => *at,
        ([_], _) => {
            let behavior = behavior.as_str();
            return Err(Error::rule(format!(
                "id {id} exists; can not use behavior: '{behavior}', behavior must be merge or replace"
            )));
        }
        _ => return Err(Error::rule(format!("found multiple objects that could accept merge of {id}"))),
    };
    let old = resources.get(at).clone();
    if behavior == Behavior::Merge {
        merge_texts(&mut resource, "data", normalized_data(&old));
        merge_texts(&mut resource, "binaryData", old.texts(old.object.get("binaryData")));
    }
    take_identity(&mut resource, &old)?;
    resources.list_mut()[at] = resource;
    Ok(())
}

/// Gives a generated object the names, labels and history of the one it replaces.
fn take_identity(resource: &mut Resource, old: &Resource) -> Result<(), Error> {
    for field in ["labels", "annotations"] {
        let mut merged = old.metadata_map(field);
        for (key, value) in resource.metadata_map(field) {
            match merged.iter_mut().find(|(present, _)| *present == key) {
                Some(entry) => entry.1 = value,
                None => merged.push((key, value)),
            }
        }
        resource.set_metadata_map(field, merged)?;
    }
    resource.set_name(&old.name())?;
    resource.set_namespace(&old.namespace())?;
    resource.previous.clone_from(&old.previous);
    resource.prefixes.clone_from(&old.prefixes);
    resource.suffixes.clone_from(&old.suffixes);
    resource.variables.clone_from(&old.variables);
    resource.origin = match resource.behavior {
        Behavior::Merge => old.origin.clone().or(resource.origin.take()),
        _ => resource.origin.take().or_else(|| old.origin.clone()),
    };
    resource.behavior = old.behavior;
    resource.needs_hash &= old.needs_hash;
    resource.place = old.place.clone().or(resource.place.take());
    resource.transformations.clone_from(&old.transformations);
    resource.trace = Trace::continued(old.trace.as_deref(), resource.trace.take());
    Ok(())
}

/// The data of an object that is merged into; a secret's `stringData` counts as data.
fn normalized_data(old: &Resource) -> Vec<(String, String)> {
    let mut data = old.texts(old.object.get("data"));
    if old.kind() == "Secret" && old.api_version() == "v1" {
        for (key, text) in old.texts(old.object.get("stringData")) {
            data.retain(|(present, _)| *present != key);
            data.push((key, base64_lines(text.as_bytes())));
        }
    }
    data
}

/// Lays an object's own texts over others'.
fn merge_texts(resource: &mut Resource, field: &str, mut merged: Vec<(String, String)>) {
    for (key, value) in resource.texts(resource.object.get(field)) {
        merged.retain(|(present, _)| *present != key);
        merged.push((key, value));
    }
    let Some(fields) = resource.object.as_object_mut() else { return };
    if merged.is_empty() {
        fields.shift_remove(field);
        return;
    }
    let map = merged.into_iter().map(|(key, value)| (key, Value::from(value))).collect();
    fields.insert(field.to_owned(), Value::Object(map));
}
