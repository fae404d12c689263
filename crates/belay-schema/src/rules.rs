//! Validation of built-in kinds, worded as the API server does.
//!
//! Most rules are one field's own: they stand in `data/rules.txt`, by Go type, and hold wherever a struct of that type
//! stands. Rules between fields are functions, chosen by type in [`structs`]; what may not change is in [`updates`].

mod metadata;
mod structs;
mod table;
mod updates;
mod words;

use serde_json::{Map, Value};

use crate::arena::{TypeId, Types};
use crate::errors::FieldError;
use crate::kind::KindSchema;

pub use metadata::metadata_errors;

/// A struct's fields.
type Object = Map<String, Value>;

/// What is wrong with an object of a built-in kind. `old` is the object before an update.
pub(crate) fn check(kind: &KindSchema, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut checker = Checker { errors: Vec::new(), kind, is_update: old.is_some() };
    checker.walk(&kind.types, kind.root, object, "");
    // Workloads are told about their replicas, their selector and their template in this order.
    checker.errors.sort_by_key(|error| {
        let order = ["spec.replicas", "spec.selector", "spec.template"];
        let found = order.iter().position(|start| error.path.starts_with(start));
        if kind.group() == "apps" { found.unwrap_or(order.len()) } else { 0 }
    });
    if let Some(old) = old {
        updates::check(&mut checker, kind, object, old);
    }
    checker.errors
}

/// Collects errors while it walks.
struct Checker<'a> {
    errors: Vec<FieldError>,
    kind: &'a KindSchema,
    is_update: bool,
}

impl Checker<'_> {
    fn walk(&mut self, types: &Types, id: TypeId, value: &Value, path: &str) {
        let declared = types.get(id);
        match value {
            Value::Object(object) => {
                let Some(map) = &declared.map else { return };
                let name = declared.api_name();
                if let Some(name) = name {
                    table::check(self, name, object, path);
                    structs::check(self, name, object, path);
                }
                for (field, value) in object {
                    // Metadata has its own rules, and a status is the controllers' affair.
                    if matches!(field.as_str(), "metadata" | "status") && name.is_some() {
                        continue;
                    }
                    // What a StatefulSet claims cannot change, so it is not looked at again.
                    if self.is_update && field == "volumeClaimTemplates" {
                        continue;
                    }
                    if let Some(declared) = map.fields.get(field) {
                        self.walk(types, declared.type_id, value, &child(path, field));
                    } else if let Some(element) = map.element {
                        self.walk(types, element, value, &format!("{path}[{field}]"));
                    }
                }
            }
            Value::Array(items) => {
                let Some(list) = &declared.list else { return };
                for (index, item) in items.iter().enumerate() {
                    self.walk(types, list.element, item, &format!("{path}[{index}]"));
                }
            }
            _ => {}
        }
    }

    fn required(&mut self, path: impl Into<String>, detail: &str) {
        self.errors.push(FieldError::required(path, detail));
    }

    fn invalid(&mut self, path: impl Into<String>, value: &Value, detail: &str) {
        self.errors.push(FieldError::invalid(path, value, detail));
    }

    fn forbidden(&mut self, path: impl Into<String>, detail: &str) {
        self.errors.push(FieldError::forbidden(path, detail));
    }

    fn duplicate(&mut self, path: impl Into<String>, value: &Value) {
        self.errors.push(FieldError::duplicate(path, value));
    }

    fn unsupported(&mut self, path: impl Into<String>, value: &Value, supported: &[&str]) {
        let supported: Vec<String> = supported.iter().map(|text| (*text).to_owned()).collect();
        self.errors.push(FieldError::not_supported(path, value, &supported));
    }

    /// One error for each complaint about a text.
    fn complaints(&mut self, path: &str, text: &str, complaints: words::Complaints) {
        for said in complaints {
            self.invalid(path, &Value::from(text), &said);
        }
    }

    fn labels(&mut self, labels: &Value, path: &str) {
        for (key, value) in labels.as_object().into_iter().flatten() {
            self.complaints(path, key, words::qualified(key));
            let value = value.as_str().unwrap_or_default();
            self.complaints(path, value, words::label_value(value));
        }
    }
}

fn child(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn text<'v>(object: &'v Object, name: &str) -> &'v str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn number(object: &Object, name: &str) -> Option<i64> {
    object.get(name).and_then(Value::as_i64)
}

/// The value of a field; null when it is not there.
fn field<'v>(object: &'v Object, name: &str) -> &'v Value {
    object.get(name).unwrap_or(&Value::Null)
}

fn items<'v>(object: &'v Object, name: &str) -> &'v [Value] {
    object.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    }
}
