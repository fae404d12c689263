//! Dropping fields that the schema does not know.

use serde_json::{Map, Value};

use crate::encoding::encode_metadata;
use crate::kind::KindSchema;

/// Drop unknown fields in place. Built-in kinds are brought into the API server's form altogether.
pub fn prune(kind: &KindSchema, object: &mut Value) {
    let Some(custom) = &kind.custom else {
        crate::encoding::encode(kind, object);
        return;
    };
    if let (Some(schema), false) = (&custom.schema, custom.preserve_unknown) {
        prune_value(schema, object, Place::Root, &mut Unpruned);
    }
    encode_metadata(kind, object);
}

/// A custom resource as the API server reads it from a request that holds the whole object.
pub(crate) fn read_custom(kind: &KindSchema, object: &mut Value) {
    prune(kind, object);
    if let Some(custom) = &kind.custom
        && let (Some(schema), false) = (&custom.schema, custom.preserve_unknown)
    {
        prune_nulls(Some(schema), object);
    }
}

/// What a custom resource lost by an apply may leave nulls behind, which count as absent; where something was applied they
/// stay, to be judged, unless the schema says nothing of their type.
pub(crate) fn drop_left_nulls(kind: &KindSchema, applied: &Value, object: &mut Value) {
    let schema = kind.custom.as_ref().and_then(|custom| custom.schema.as_ref());
    if let Some(schema) = schema {
        drop_nulls_but(schema, Some(applied), object);
    }
}

fn drop_nulls_but(schema: &Value, applied: Option<&Value>, value: &mut Value) {
    let (Some(fields), Some(properties)) = (value.as_object_mut(), schema["properties"].as_object()) else {
        return;
    };
    for (name, declared) in properties {
        let given = applied.and_then(|applied| applied.get(name));
        let is_nullable = declared["nullable"] == true || !declared["default"].is_null();
        let is_judged = match given {
            None => false,
            Some(given) => given.is_null() || !declared["type"].is_null(),
        };
        match fields.get_mut(name) {
            Some(Value::Null) if !is_judged && !is_nullable => {
                fields.shift_remove(name);
            }
            Some(value) => drop_nulls_but(declared, given, value),
            None => {}
        }
    }
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

/// Nulls that are not allowed and have no default count as absent.
fn prune_nulls(schema: Option<&Value>, value: &mut Value) {
    match value {
        Value::Object(object) => {
            let names: Vec<String> = object.keys().cloned().collect();
            for name in names {
                let declared = schema.and_then(|schema| {
                    let property = schema.get("properties").and_then(|properties| properties.get(&name));
                    property.or_else(|| {
                        schema.get("additionalProperties").filter(|additional| additional.is_object())
                    })
                });
                let is_dropped = declared.is_some_and(|declared| {
                    let is_nullable = declared.get("nullable") == Some(&Value::Bool(true));
                    !is_nullable && declared.get("default").is_none_or(Value::is_null)
                });
                match object.get_mut(&name) {
                    Some(Value::Null) if is_dropped => {
                        object.shift_remove(&name);
                    }
                    Some(value) => prune_nulls(declared, value),
                    None => {}
                }
            }
        }
        Value::Array(items) => {
            let element = schema.and_then(|schema| schema.get("items"));
            items.iter_mut().for_each(|item| prune_nulls(element, item));
        }
        _ => {}
    }
}
