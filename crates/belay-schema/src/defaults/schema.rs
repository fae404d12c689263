//! Defaults of a structural schema.

use serde_json::Value;

/// Fill in `default`s; nulls that are not allowed count as absent where there is a default.
pub(super) fn default_value(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(object) => {
            let properties = schema.get("properties").and_then(Value::as_object);
            for (name, property) in properties.into_iter().flatten() {
                let Some(default) = property.get("default").filter(|default| !default.is_null()) else {
                    continue;
                };
                let is_nullable = property.get("nullable") == Some(&Value::Bool(true));
                let is_missing = match object.get(name) {
                    None => true,
                    Some(value) => value.is_null() && !is_nullable,
                };
                if is_missing {
                    object.insert(name.clone(), default.clone());
                }
            }
            let element = schema.get("additionalProperties").filter(|element| element.is_object());
            for (name, value) in object.iter_mut() {
                let declared = properties.and_then(|properties| properties.get(name)).or(element);
                let Some(declared) = declared else { continue };
                if value.is_null() {
                    default_null(declared, value);
                }
                default_value(declared, value);
            }
        }
        Value::Array(items) => {
            let Some(element) = schema.get("items") else {
                return;
            };
            for item in items {
                if item.is_null() {
                    default_null(element, item);
                }
                default_value(element, item);
            }
        }
        _ => {}
    }
}

fn default_null(schema: &Value, value: &mut Value) {
    if schema.get("nullable") == Some(&Value::Bool(true)) {
        return;
    }
    if let Some(default) = schema.get("default").filter(|default| !default.is_null()) {
        *value = default.clone();
    }
}
