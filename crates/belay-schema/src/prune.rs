//! Dropping fields that the schema does not know.

use serde_json::{Map, Value};

use crate::builtin::OBJECT_META;
use crate::kind::KindSchema;
use crate::registry::Registry;

/// Drop unknown fields in place. Built-in kinds are brought into the API server's form altogether.
pub fn prune(kind: &KindSchema, object: &mut Value) {
    let Some(custom) = &kind.custom else {
        crate::encoding::encode(kind, object);
        return;
    };
    if let (Some(schema), false) = (&custom.schema, custom.preserve_unknown) {
        prune_value(schema, object, Place::Root, &mut Unpruned);
    }
    prune_metadata(object);
}

/// Told of every field that goes.
pub(crate) trait Observer {
    fn enter(&mut self, step: Step<'_>);
    fn leave(&mut self);
    fn pruned(&mut self, name: &str);
}

/// One step down.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step<'a> {
    Field(&'a str),
    Item(usize),
}

struct Unpruned;

impl Observer for Unpruned {
    fn enter(&mut self, _: Step<'_>) {}
    fn leave(&mut self) {}
    fn pruned(&mut self, _: &str) {}
}

/// Where a value stands: resources have fields that schemas leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Root,
    Inside,
}

pub(crate) fn prune_value(schema: &Value, value: &mut Value, place: Place, observer: &mut dyn Observer) {
    let is_true = |key: &str| schema.get(key) == Some(&Value::Bool(true));
    let is_resource = place == Place::Root || is_true("x-kubernetes-embedded-resource");
    match value {
        Value::Object(object) => {
            prune_object(
                schema,
                object,
                is_resource,
                is_true("x-kubernetes-preserve-unknown-fields"),
                observer,
            );
        }
        Value::Array(items) => {
            let Some(element) = schema.get("items") else {
                if !is_true("x-kubernetes-preserve-unknown-fields") {
                    items
                        .iter_mut()
                        .enumerate()
                        .for_each(|(position, item)| prune_unknown(item, position, observer));
                }
                return;
            };
            for (position, item) in items.iter_mut().enumerate() {
                observer.enter(Step::Item(position));
                prune_value(element, item, Place::Inside, observer);
                observer.leave();
            }
        }
        _ => {}
    }
}

/// A list without a schema for its items keeps nothing inside them.
fn prune_unknown(item: &mut Value, position: usize, observer: &mut dyn Observer) {
    observer.enter(Step::Item(position));
    prune_value(&Value::Null, item, Place::Inside, observer);
    observer.leave();
}

fn prune_object(
    schema: &Value,
    object: &mut Map<String, Value>,
    is_resource: bool,
    keeps_unknown: bool,
    observer: &mut dyn Observer,
) {
    let properties = schema.get("properties").and_then(Value::as_object);
    let additional = schema.get("additionalProperties");
    let names: Vec<String> = object.keys().cloned().collect();
    for name in names {
        if is_resource && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
            continue;
        }
        let declared = properties.and_then(|properties| properties.get(&name));
        let declared = declared.or_else(|| additional.filter(|additional| additional.is_object()));
        let allowed = keeps_unknown || additional == Some(&Value::Bool(true));
        match (declared, object.get_mut(&name)) {
            (Some(declared), Some(value)) => {
                observer.enter(Step::Field(&name));
                prune_value(declared, value, Place::Inside, observer);
                observer.leave();
            }
            (None, Some(_)) if !allowed => {
                object.shift_remove(&name);
                observer.pruned(&name);
            }
            _ => {}
        }
    }
}

/// `metadata` is the API server's own, whatever the schema says.
fn prune_metadata(object: &mut Value) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    let facts = Registry::builtin().facts();
    let known = facts
        .definitions
        .get(OBJECT_META)
        .and_then(|meta| meta.get("properties"))
        .and_then(Value::as_object);
    let Some(known) = known else { return };
    metadata.retain(|name, value| known.contains_key(name) && !value.is_null());
}
