//! Default values: a custom resource's from its schema, a built-in kind's from its types as the API server sets them.

mod builtin;
mod pods;
mod schema;

use serde_json::Value;

use crate::arena::{MapType, TypeId, Types};
use crate::kind::KindSchema;

/// Fill in defaults, in place. Built-in kinds are expected decoded, custom resources pruned.
pub fn default_object(kind: &KindSchema, object: &mut Value) {
    match &kind.custom {
        Some(custom) => {
            if let Some(schema) = &custom.schema {
                schema::default_value(schema, object);
            }
        }
        None => default_builtin(kind, object),
    }
}

fn default_builtin(kind: &KindSchema, object: &mut Value) {
    walk(&kind.types, kind.root, object);
    // What the defaults added takes the form of everything else.
    crate::encoding::encode(kind, object);
}

/// Parents first, as the API server does.
fn walk(types: &Types, id: TypeId, value: &mut Value) {
    let declared = types.get(id);
    match value {
        Value::Object(object) => {
            let Some(map) = &declared.map else { return };
            if let Some(name) = declared.api_name() {
                builtin::default_struct(name, object);
            }
            add_declared_defaults(map, object);
            for (name, value) in object.iter_mut() {
                let field = map.fields.get(name).map(|field| field.type_id).or(map.element);
                if let Some(id) = field {
                    walk(types, id, value);
                }
            }
        }
        Value::Array(items) => {
            let Some(list) = &declared.list else { return };
            items.iter_mut().for_each(|item| walk(types, list.element, item));
        }
        _ => {}
    }
}

/// Defaults that the recorded schema tells. Zero values are Go's encoding, not defaults, except behind a pointer.
fn add_declared_defaults(map: &MapType, object: &mut serde_json::Map<String, Value>) {
    use crate::arena::GoSort;
    for (name, field) in &map.fields {
        let Some(default) = &field.default else { continue };
        let behind_pointer = field.encoding.is_some_and(|encoding| encoding.sort == GoSort::Pointer);
        let is_zero = matches!(default, Value::Object(map) if map.is_empty())
            || (!behind_pointer
                && (default == "" || default == &Value::Bool(false) || default.as_f64() == Some(0.0)));
        let is_set =
            object.get(name).is_some_and(|value| !value.is_null() && (behind_pointer || value != ""));
        if !is_zero && !is_set {
            object.insert(name.clone(), default.clone());
        }
    }
}
