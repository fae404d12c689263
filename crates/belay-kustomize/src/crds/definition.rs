//! Whether a document holds OpenAPI definitions: the fields that Go's types of them have must be of these types.

use serde_json::{Map, Value};

use super::field;

/// What a field of a schema may hold. Null is the same as nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Text,
    Flag,
    Number,
    Whole,
    List,
    Texts,
    TextOrTexts,
    Schema,
    Schemas,
    SchemasByName,
    SchemaOrFlag,
    SchemaOrSchemas,
    Dependencies,
    Documentation,
}

/// A field that holds something else than is due there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The way to it, its last step first.
    path: Vec<String>,
    due: Type,
}

impl Wrong {
    fn within(mut self, step: impl Into<String>) -> Wrong {
        self.path.push(step.into());
        self
    }
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path: Vec<&str> = self.path.iter().rev().map(String::as_str).collect();
        write!(formatter, "{}: {} is due here", path.join("."), self.due.description())
    }
}

/// Checks the schema of every definition.
pub(super) fn check(definitions: &Map<String, Value>) -> Result<(), Wrong> {
    for (name, definition) in definitions {
        let checked = match definition {
            Value::Null => Ok(()),
            Value::Object(_) => check_definition(definition),
            _ => Err(Type::Schema.wrong()),
        };
        checked.map_err(|wrong| wrong.within(name))?;
    }
    Ok(())
}

fn check_definition(definition: &Value) -> Result<(), Wrong> {
    let checked = field(definition, "Schema").map_or(Ok(()), |schema| Type::Schema.check(schema));
    checked.map_err(|wrong| wrong.within("Schema"))?;
    // A scalar counts as a text here.
    let is_scalars = |list: &Vec<Value>| !list.iter().any(|item| item.is_array() || item.is_object());
    match field(definition, "Dependencies") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Array(list)) if is_scalars(list) => Ok(()),
        Some(_) => Err(Type::Texts.wrong().within("Dependencies")),
    }
}

impl Type {
    /// The type of a schema's field; whatever has none here may hold anything.
    fn of_field(name: &str) -> Option<Type> {
        Some(match name {
            "id" | "description" | "format" | "title" | "pattern" | "discriminator" => Type::Text,
            "nullable" | "exclusiveMaximum" | "exclusiveMinimum" | "uniqueItems" | "readOnly" => Type::Flag,
            "maximum" | "minimum" | "multipleOf" => Type::Number,
            "maxLength" | "minLength" | "maxItems" | "minItems" | "maxProperties" | "minProperties" => {
                Type::Whole
            }
            "enum" => Type::List,
            "required" => Type::Texts,
            "type" => Type::TextOrTexts,
            "not" => Type::Schema,
            "allOf" | "oneOf" | "anyOf" => Type::Schemas,
            "properties" | "patternProperties" | "definitions" => Type::SchemasByName,
            "additionalProperties" | "additionalItems" => Type::SchemaOrFlag,
            "items" => Type::SchemaOrSchemas,
            "dependencies" => Type::Dependencies,
            "externalDocs" => Type::Documentation,
            _ => return None,
        })
    }

    fn description(self) -> &'static str {
        match self {
            Type::Text => "a text",
            Type::Flag => "true or false",
            Type::Number => "a number",
            Type::Whole => "a whole number",
            Type::List => "a list",
            Type::Texts => "a list of texts",
            Type::TextOrTexts => "a text or a list of texts",
            Type::Schema => "a map",
            Type::Schemas => "a list of schemas",
            Type::SchemasByName => "a map of schemas",
            Type::SchemaOrFlag => "a schema, true or false",
            Type::SchemaOrSchemas => "a schema or a list of schemas",
            Type::Dependencies | Type::Documentation => "a map",
        }
    }

    fn wrong(self) -> Wrong {
        Wrong { path: Vec::new(), due: self }
    }

    fn check(self, value: &Value) -> Result<(), Wrong> {
        let fits = match (self, value) {
            (_, Value::Null) => true,
            (Type::Text | Type::TextOrTexts, Value::String(_)) => true,
            (Type::Flag | Type::SchemaOrFlag, Value::Bool(_)) => true,
            (Type::Number, Value::Number(_)) => true,
            (Type::Whole, Value::Number(number)) => number.is_i64(),
            (Type::List, Value::Array(_)) => true,
            (Type::Texts | Type::TextOrTexts, Value::Array(items)) => return each(items, Type::Text),
            (Type::Schemas | Type::SchemaOrSchemas, Value::Array(items)) => return each(items, Type::Schema),
            (Type::SchemasByName, Value::Object(fields)) => return every(fields, |_| Some(Type::Schema)),
            (Type::Schema | Type::SchemaOrFlag | Type::SchemaOrSchemas, Value::Object(fields)) => {
                return every(fields, Type::of_field);
            }
            (Type::Documentation, Value::Object(fields)) => {
                return every(fields, |name| ["description", "url"].contains(&name).then_some(Type::Text));
            }
            (Type::Dependencies, Value::Object(fields)) => {
                return fields.iter().try_for_each(|(name, value)| {
                    let due = if value.is_array() { Type::Texts } else { Type::Schema };
                    let is_read = value.is_array() || value.is_object();
                    let checked = if is_read { due.check(value) } else { Ok(()) };
                    checked.map_err(|wrong| wrong.within(name))
                });
            }
            _ => false,
        };
        if fits { Ok(()) } else { Err(self.wrong()) }
    }
}

fn each(items: &[Value], due: Type) -> Result<(), Wrong> {
    let mut items = items.iter().enumerate();
    items.try_for_each(|(at, item)| due.check(item).map_err(|wrong| wrong.within(at.to_string())))
}

fn every(fields: &Map<String, Value>, due: impl Fn(&str) -> Option<Type>) -> Result<(), Wrong> {
    fields.iter().try_for_each(|(name, value)| {
        let checked = due(name).map_or(Ok(()), |due| due.check(value));
        checked.map_err(|wrong| wrong.within(name))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(definitions: &Value) -> Option<String> {
        check(definitions.as_object().unwrap()).err().map(|wrong| wrong.to_string())
    }

    #[test]
    fn a_field_of_another_type_is_named() {
        let found = json!({"a": {"schema": {"properties": {"b": {"items": {"maxItems": 1.5}}}}}});
        let problem_at = "a.Schema.properties.b.items.maxItems: a whole number is due here";
        assert_eq!(problem(&found).unwrap(), problem_at);
        let custom_resource = json!({"apiVersion": "apiextensions.k8s.io/v1"});
        assert_eq!(problem(&custom_resource).unwrap(), "apiVersion: a map is due here");
    }

    #[test]
    fn what_is_not_known_may_be_anything() {
        let found = json!({"a": {"Schema": {"x-kubernetes-anything": 1, "default": [], "type": null,
            "additionalProperties": {"type": ["a"]}, "dependencies": {"b": "c"}}}, "b": null});
        assert_eq!(problem(&found), None);
    }
}
