//! An OpenAPI v3 structural schema, built step by step.

use serde_json::{Map, Value, json};

/// One structural schema. Every method takes and returns it, so that a field's rules read as one line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schema(Map<String, Value>);

impl Schema {
    /// A schema that says nothing.
    pub fn any() -> Schema {
        Schema::default()
    }

    /// A schema of one JSON type.
    pub fn of(json_type: &str) -> Schema {
        Schema::any().set("type", json!(json_type))
    }

    /// `type: object` without properties yet.
    pub fn object() -> Schema {
        Schema::of("object")
    }

    /// A list of `items`.
    pub fn array(items: Schema) -> Schema {
        Schema::of("array").set("items", items.into_value())
    }

    /// An object with free keys, each holding `values`.
    pub fn map(values: Schema) -> Schema {
        Schema::object().set("additionalProperties", values.into_value())
    }

    /// A number or a string, as Kubernetes' IntOrString.
    pub fn int_or_string() -> Schema {
        Schema::any()
            .set("anyOf", json!([{"type": "integer"}, {"type": "string"}]))
            .set("x-kubernetes-int-or-string", json!(true))
    }

    /// Sets any keyword.
    pub fn set(mut self, keyword: &str, value: Value) -> Schema {
        self.0.insert(keyword.to_owned(), value);
        self
    }

    /// Drops a keyword that the field's Rust type brought along.
    pub fn without(mut self, keyword: &str) -> Schema {
        self.0.shift_remove(keyword);
        self
    }

    /// Adds a property to an object.
    pub fn property(mut self, name: &str, property: Schema, required: bool) -> Schema {
        let properties = self.0.entry("properties").or_insert_with(|| json!({}));
        if let Some(properties) = properties.as_object_mut() {
            properties.insert(name.to_owned(), property.into_value());
        }
        if required {
            let names = self.0.entry("required").or_insert_with(|| json!([]));
            if let Some(names) = names.as_array_mut() {
                names.push(json!(name));
            }
        }
        self
    }

    /// The description, from the lines of a doc comment; nothing when there are none.
    pub fn describe(self, lines: &[&str]) -> Schema {
        if lines.is_empty() {
            return self;
        }
        let words: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
        self.set("description", json!(words.join(" ")))
    }

    /// The allowed values.
    pub fn one_of(self, values: &[&str]) -> Schema {
        self.set("enum", json!(values))
    }

    /// A regular expression that strings match.
    pub fn pattern(self, pattern: &str) -> Schema {
        self.set("pattern", json!(pattern))
    }

    /// The `format` of a string or number.
    pub fn format(self, format: &str) -> Schema {
        self.set("format", json!(format))
    }

    /// What the API server fills in.
    pub fn default_value(self, value: Value) -> Schema {
        self.set("default", value)
    }

    /// Least value of a number.
    pub fn minimum(self, value: i64) -> Schema {
        self.set("minimum", json!(value))
    }

    /// Least length of a string.
    pub fn min_length(self, length: u64) -> Schema {
        self.set("minLength", json!(length))
    }

    /// Greatest length of a string.
    pub fn max_length(self, length: u64) -> Schema {
        self.set("maxLength", json!(length))
    }

    /// Least number of items.
    pub fn min_items(self, count: u64) -> Schema {
        self.set("minItems", json!(count))
    }

    /// Greatest number of items.
    pub fn max_items(self, count: u64) -> Schema {
        self.set("maxItems", json!(count))
    }

    /// Applies `change` to the schema of the list's items or of the map's values.
    pub fn each(mut self, change: impl FnOnce(Schema) -> Schema) -> Schema {
        for keyword in ["items", "additionalProperties"] {
            if let Some(Value::Object(inner)) = self.0.get(keyword) {
                let changed = change(Schema(inner.clone()));
                self.0.insert(keyword.to_owned(), changed.into_value());
                return self;
            }
        }
        self
    }

    /// Fields beyond the described ones are kept.
    pub fn preserve_unknown_fields(self) -> Schema {
        self.set("x-kubernetes-preserve-unknown-fields", json!(true))
    }

    /// Server-side apply: the list has one owner.
    pub fn atomic_list(self) -> Schema {
        self.set("x-kubernetes-list-type", json!("atomic"))
    }

    /// Server-side apply: items are told apart by `keys`.
    pub fn map_list(self, keys: &[&str]) -> Schema {
        self.set("x-kubernetes-list-type", json!("map")).set("x-kubernetes-list-map-keys", json!(keys))
    }

    /// Server-side apply: the object has one owner.
    pub fn atomic_map(self) -> Schema {
        self.set("x-kubernetes-map-type", json!("atomic"))
    }

    /// A CEL rule with its message.
    pub fn rule(self, rule: &str, message: &str) -> Schema {
        self.push_rule(json!({"message": message, "rule": rule}))
    }

    /// A CEL rule with its message and the reason that the API server reports.
    pub fn rule_with_reason(self, rule: &str, message: &str, reason: &str) -> Schema {
        self.push_rule(json!({"message": message, "reason": reason, "rule": rule}))
    }

    /// The schema as JSON.
    pub fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    fn push_rule(mut self, rule: Value) -> Schema {
        let rules = self.0.entry("x-kubernetes-validations").or_insert_with(|| json!([]));
        if let Some(rules) = rules.as_array_mut() {
            rules.push(rule);
        }
        self
    }
}
