//! From OpenAPI schemas to types: the recorded definitions of the built-in kinds, and custom resources' schemas.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::arena::{
    Encoding, Field, GoSort, ListType, MapType, Patch, Relationship, Scalar, Special, Type, TypeId, Types,
};

/// The definition every object's `metadata` has.
pub(crate) const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// Builds types from schemas that may refer to recorded definitions.
pub(crate) struct Converter<'a> {
    definitions: &'a Map<String, Value>,
    encoding: &'a Map<String, Value>,
    types: Types,
    named: HashMap<String, TypeId>,
}

impl<'a> Converter<'a> {
    pub(crate) fn new(definitions: &'a Map<String, Value>, encoding: &'a Map<String, Value>) -> Self {
        Self { definitions, encoding, types: Types::default(), named: HashMap::new() }
    }

    pub(crate) fn get(&self, id: TypeId) -> &Type {
        self.types.get(id)
    }

    pub(crate) fn add(&mut self, added: Type) -> TypeId {
        self.types.add(added)
    }

    pub(crate) fn finish(self) -> Types {
        self.types
    }

    /// The type of a recorded definition; what is not recorded is untyped.
    pub(crate) fn named(&mut self, name: &str) -> TypeId {
        if let Some(id) = self.named.get(name) {
            return *id;
        }
        let Some(definition) = self.definitions.get(name) else {
            return Types::DEDUCED;
        };
        let id = self.types.reserve();
        self.named.insert(name.to_owned(), id);
        let mut converted = self.convert(definition, Some(name), false);
        converted.special = special_definition(name).unwrap_or(converted.special);
        match converted.special {
            Special::Quantity => (converted.list, converted.map) = (None, None),
            // Untyped, and owned as a whole.
            Special::Raw if name.ends_with(".RawExtension") => {
                converted = self.types.get(Types::UNTYPED).clone()
            }
            _ => {}
        }
        if converted.special == Special::Quantity {
            converted.scalar = Some(Scalar::Untyped);
        }
        converted.definition = Some(name.to_owned());
        self.types.set(id, converted);
        id
    }

    /// The root type of a custom resource, its metadata and type fields those of every object.
    pub(crate) fn custom_resource(&mut self, schema: Option<&Value>) -> TypeId {
        let meta = self.named(OBJECT_META);
        let Some(schema) = schema else {
            let untyped = self.types.get(Types::DEDUCED).map.clone();
            return self.types.add(Type { map: untyped, ..Type::default() });
        };
        let mut root = self.convert(schema, None, false);
        if let Some(map) = &mut root.map {
            let text = self.types.add(Type {
                scalar: Some(Scalar::String),
                special: Special::None,
                ..Type::default()
            });
            for (name, type_id) in [("metadata", meta), ("apiVersion", text), ("kind", text)] {
                map.fields.insert(name.to_owned(), plain_field(type_id));
            }
        }
        self.types.add(root)
    }

    fn reference(&mut self, schema: &Value, preserve_unknown: bool) -> TypeId {
        let Some(name) = reference_name(schema) else {
            let mut converted = self.convert(schema, None, preserve_unknown);
            if schema.get("x-kubernetes-embedded-resource") == Some(&Value::Bool(true)) {
                self.add_embedded_fields(&mut converted);
            }
            return self.types.add(converted);
        };
        let id = self.named(name);
        match schema.get("x-kubernetes-map-type").and_then(Value::as_str) {
            Some(text) => self.with_relationship(id, map_relationship(text)),
            None => id,
        }
    }

    fn add_embedded_fields(&mut self, converted: &mut Type) {
        let meta = self.named(OBJECT_META);
        let text = self.types.add(Type { scalar: Some(Scalar::String), ..Type::default() });
        let Some(map) = &mut converted.map else { return };
        for (name, type_id) in [("apiVersion", text), ("kind", text), ("metadata", meta)] {
            map.fields.insert(name.to_owned(), plain_field(type_id));
        }
    }

    /// A field may own as a whole what its type would own piece by piece.
    fn with_relationship(&mut self, id: TypeId, relationship: Relationship) -> TypeId {
        let mut overridden = self.types.get(id).clone();
        match (&mut overridden.map, &mut overridden.list) {
            (Some(map), _) => map.relationship = relationship,
            (_, Some(list)) => list.relationship = relationship,
            _ => return id,
        }
        self.types.add(overridden)
    }

    fn convert(&mut self, schema: &Value, name: Option<&str>, preserve_unknown: bool) -> Type {
        let preserve_unknown = preserve_unknown
            || schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
        let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
        let scalar = |scalar, special| Type { scalar: Some(scalar), special, ..Type::default() };
        match schema.get("type").and_then(Value::as_str).unwrap_or_default() {
            "object" => Type { map: Some(self.map(schema, name, preserve_unknown)), ..Type::default() },
            "array" => Type { list: Some(self.list(schema, preserve_unknown)), ..Type::default() },
            "integer" => Type { long: format == "int64", ..scalar(Scalar::Number, Special::Integer) },
            "number" => scalar(Scalar::Number, Special::Float),
            "boolean" => scalar(Scalar::Boolean, Special::None),
            "string" => match format {
                "" => scalar(Scalar::String, Special::None),
                "byte" => scalar(Scalar::String, Special::Bytes),
                "date-time" => scalar(Scalar::Untyped, Special::Time),
                "int-or-string" => scalar(Scalar::Untyped, Special::IntOrString),
                _ => scalar(Scalar::Untyped, Special::None),
            },
            _ => Type {
                scalar: Some(Scalar::Untyped),
                list: Some(self.list(schema, preserve_unknown)),
                map: Some(self.map(schema, name, preserve_unknown)),
                special: Special::Raw,
                ..Type::default()
            },
        }
    }

    fn map(&mut self, schema: &Value, name: Option<&str>, preserve_unknown: bool) -> MapType {
        let mut fields = IndexMap::new();
        let encodings = name.and_then(|name| self.encoding.get(name));
        for (field_name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let code = encodings.and_then(|codes| codes.get(field_name)).and_then(Value::as_str);
            let field = Field {
                type_id: self.reference(field, preserve_unknown),
                default: field.get("default").filter(|default| !default.is_null()).cloned(),
                encoding: code.and_then(encoding_of),
                patch: patch_of(field),
            };
            fields.insert(field_name.clone(), field);
        }
        let element = match schema.get("additionalProperties") {
            None if preserve_unknown || fields.is_empty() => Some(Types::DEDUCED),
            None | Some(Value::Bool(false)) => None,
            Some(Value::Bool(true)) => Some(Types::DEDUCED),
            Some(element) => Some(self.reference(element, preserve_unknown)),
        };
        let relationship = schema.get("x-kubernetes-map-type").and_then(Value::as_str);
        MapType {
            fields,
            element,
            relationship: relationship.map_or(Relationship::Separable, map_relationship),
        }
    }

    fn list(&mut self, schema: &Value, preserve_unknown: bool) -> ListType {
        let element = match schema.get("items") {
            Some(items) => self.reference(items, preserve_unknown),
            None => Types::UNTYPED,
        };
        let (relationship, keys) = list_relationship(schema);
        ListType { element, relationship, keys }
    }
}

fn plain_field(type_id: TypeId) -> Field {
    Field { type_id, default: None, encoding: None, patch: Patch::default() }
}

fn reference_name(schema: &Value) -> Option<&str> {
    let direct = schema.get("$ref").and_then(Value::as_str);
    direct.or_else(|| match schema.get("allOf")?.as_array()?.as_slice() {
        [only] => only.get("$ref")?.as_str(),
        _ => None,
    })
}

fn map_relationship(text: &str) -> Relationship {
    if text == "atomic" { Relationship::Atomic } else { Relationship::Separable }
}

/// Lists are atomic unless they say otherwise, by list type or (older kinds) by patch strategy.
fn list_relationship(schema: &Value) -> (Relationship, Vec<String>) {
    let text = |key: &str| schema.get(key).and_then(Value::as_str);
    match text("x-kubernetes-list-type") {
        Some("set") => return (Relationship::Associative, Vec::new()),
        Some("map") => {
            let keys =
                schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array).into_iter().flatten();
            return (Relationship::Associative, keys.filter_map(Value::as_str).map(str::to_owned).collect());
        }
        Some(_) => return (Relationship::Atomic, Vec::new()),
        None => {}
    }
    match text("x-kubernetes-patch-strategy") {
        Some("merge" | "merge,retainKeys") => {
            let key = text("x-kubernetes-patch-merge-key").map(str::to_owned);
            (Relationship::Associative, key.into_iter().collect())
        }
        _ => (Relationship::Atomic, Vec::new()),
    }
}

fn patch_of(schema: &Value) -> Patch {
    let text = |key: &str| schema.get(key).and_then(Value::as_str);
    let strategies: Vec<&str> = text("x-kubernetes-patch-strategy").unwrap_or_default().split(',').collect();
    Patch {
        merge: strategies.contains(&"merge"),
        retain_keys: strategies.contains(&"retainKeys"),
        replace: strategies.contains(&"replace"),
        merge_key: text("x-kubernetes-patch-merge-key").map(str::to_owned),
    }
}

fn special_definition(name: &str) -> Option<Special> {
    Some(match name.rsplit('.').next()? {
        "Quantity" => Special::Quantity,
        "IntOrString" => Special::IntOrString,
        "Time" => Special::Time,
        "MicroTime" => Special::MicroTime,
        "RawExtension"
        | "JSON"
        | "FieldsV1"
        | "JSONSchemaPropsOrArray"
        | "JSONSchemaPropsOrBool"
        | "JSONSchemaPropsOrStringArray" => Special::Raw,
        _ => return None,
    })
}

fn encoding_of(code: &str) -> Option<Encoding> {
    let sort = match code.chars().next()? {
        'b' => GoSort::Bool,
        'n' => GoSort::Number,
        's' => GoSort::String,
        'l' => GoSort::List,
        'm' => GoSort::Map,
        'y' => GoSort::Bytes,
        'p' => GoSort::Pointer,
        'o' => GoSort::Struct,
        't' => GoSort::Time,
        'd' => GoSort::Duration,
        'q' => GoSort::Quantity,
        'i' => GoSort::IntOrString,
        _ => GoSort::Raw,
    };
    let omit_zero_struct = code.ends_with('0');
    Some(Encoding { sort, omit: omit_zero_struct || code.ends_with('?'), omit_zero_struct })
}
