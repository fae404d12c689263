//! Types that know their own schema, and the macro that writes them.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::{FieldError, Schema};

/// A type that reads itself from JSON, writes itself, and describes itself as a schema.
///
/// Zero values and absence are one thing, as in Go: an empty string is not written, `null` reads as the zero value.
/// Where the originals tell "unset" from zero, the field is an `Option`.
pub trait Described: Sized + Default {
    /// The schema of this type.
    fn schema() -> Schema;
    /// Reads it; the error names the path below this value.
    fn read(value: Value) -> Result<Self, FieldError>;
    /// Writes it.
    fn write(&self) -> Value;
    /// Whether an optional field of this value is left out.
    fn is_absent(&self) -> bool;
}

fn expected(kind: &str, value: &Value) -> FieldError {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    FieldError::new("", format!("expected {kind}, found {found}"))
}

impl Described for String {
    fn schema() -> Schema {
        Schema::of("string")
    }
    fn read(value: Value) -> Result<Self, FieldError> {
        match value {
            Value::String(text) => Ok(text),
            other => Err(expected("a string", &other)),
        }
    }
    fn write(&self) -> Value {
        Value::String(self.clone())
    }
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl Described for bool {
    fn schema() -> Schema {
        Schema::of("boolean")
    }
    fn read(value: Value) -> Result<Self, FieldError> {
        value.as_bool().ok_or_else(|| expected("a boolean", &value))
    }
    fn write(&self) -> Value {
        Value::Bool(*self)
    }
    fn is_absent(&self) -> bool {
        !self
    }
}

impl Described for i64 {
    fn schema() -> Schema {
        Schema::of("integer").format("int64")
    }
    fn read(value: Value) -> Result<Self, FieldError> {
        value.as_i64().ok_or_else(|| expected("an integer", &value))
    }
    fn write(&self) -> Value {
        json!(self)
    }
    fn is_absent(&self) -> bool {
        *self == 0
    }
}

/// Any JSON, kept as it is.
impl Described for Value {
    fn schema() -> Schema {
        Schema::any().preserve_unknown_fields()
    }
    fn read(value: Value) -> Result<Self, FieldError> {
        Ok(value)
    }
    fn write(&self) -> Value {
        self.clone()
    }
    fn is_absent(&self) -> bool {
        self.is_null()
    }
}

impl<T: Described> Described for Option<T> {
    fn schema() -> Schema {
        T::schema()
    }
    fn read(value: Value) -> Result<Self, FieldError> {
        match value {
            Value::Null => Ok(None),
            value => T::read(value).map(Some),
        }
    }
    fn write(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::write)
    }
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Described> Described for Vec<T> {
    fn schema() -> Schema {
        Schema::array(T::schema())
    }
    fn read(value: Value) -> Result<Self, FieldError> {
        let Value::Array(items) = value else {
            return Err(expected("a list", &value));
        };
        let mut list = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            list.push(T::read(item).map_err(|error| error.below(&format!("[{index}]")))?);
        }
        Ok(list)
    }
    fn write(&self) -> Value {
        Value::Array(self.iter().map(T::write).collect())
    }
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T: Described> Described for IndexMap<String, T> {
    fn schema() -> Schema {
        Schema::map(T::schema())
    }
    fn read(value: Value) -> Result<Self, FieldError> {
        let Value::Object(entries) = value else {
            return Err(expected("an object", &value));
        };
        let mut map = IndexMap::with_capacity(entries.len());
        for (key, entry) in entries {
            let entry = read_or_default(entry).map_err(|error| error.below(&key))?;
            map.insert(key, entry);
        }
        Ok(map)
    }
    fn write(&self) -> Value {
        Value::Object(self.iter().map(|(key, entry)| (key.clone(), entry.write())).collect())
    }
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

/// Takes the field `name` out of `map`; absent and `null` give the zero value. For [`described!`](crate::described).
pub fn take_field<T: Described>(map: &mut Map<String, Value>, name: &str) -> Result<T, FieldError> {
    match map.shift_remove(name) {
        None => Ok(T::default()),
        Some(value) => read_or_default(value).map_err(|error| error.below(name)),
    }
}

/// The object's fields, or an error for any other JSON. For [`described!`](crate::described).
pub fn take_object(value: Value) -> Result<Map<String, Value>, FieldError> {
    match value {
        Value::Object(map) => Ok(map),
        other => Err(expected("an object", &other)),
    }
}

fn read_or_default<T: Described>(value: Value) -> Result<T, FieldError> {
    match value {
        Value::Null => Ok(T::default()),
        value => T::read(value),
    }
}

/// Declares structs with their JSON names, rules and descriptions in one place.
///
/// ```
/// belay_crd::described! {
///     /// Where to look.
///     pub struct Reference {
///         /// Name of the object.
///         name "name" (required): String => { .min_length(1) };
///         namespace "namespace": String;
///     } with { .atomic_map() }
/// }
/// let reference: Reference = serde_json::from_str(r#"{"name": "a", "newer": 1}"#)?;
/// assert_eq!(reference.name, "a");
/// assert_eq!(serde_json::to_string(&reference)?, r#"{"name":"a","newer":1}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// The doc comments become the schema's descriptions. Fields that the struct does not know are kept in `extra`.
#[macro_export]
macro_rules! described {
    ($(
        $(#[doc = $doc:literal])*
        pub struct $name:ident {
            $(
                $(#[doc = $field_doc:literal])*
                $field:ident $json:literal $(($marker:ident))? : $type:ty $(=> { $($option:tt)* })? ;
            )*
        } $(with { $($rule:tt)* })?
    )*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct $name {
            $(
                #[doc = concat!("`", $json, "`.")]
                $(#[doc = $field_doc])*
                pub $field: $type,
            )*
            /// Fields that this version does not know, kept for the round trip.
            pub extra: $crate::json::Map<String, $crate::json::Value>,
        }

        impl $crate::Described for $name {
            fn schema() -> $crate::Schema {
                $crate::Schema::object()
                    .describe(&[$($doc),*])
                    $(.property(
                        $json,
                        <$type as $crate::Described>::schema() $($($option)*)? .describe(&[$($field_doc),*]),
                        $crate::described!(@required $($marker)?),
                    ))*
                    $($($rule)*)?
            }

            fn read(value: $crate::json::Value) -> Result<Self, $crate::FieldError> {
                #[allow(unused_mut, reason = "a struct may have no fields yet")]
                let mut fields = $crate::take_object(value)?;
                Ok(Self {
                    $($field: $crate::take_field(&mut fields, $json)?,)*
                    extra: fields,
                })
            }

            fn write(&self) -> $crate::json::Value {
                let mut fields = $crate::json::Map::new();
                $(
                    if $crate::described!(@required $($marker)?) || !$crate::Described::is_absent(&self.$field) {
                        fields.insert($json.to_owned(), $crate::Described::write(&self.$field));
                    }
                )*
                for (name, value) in &self.extra {
                    fields.insert(name.clone(), value.clone());
                }
                $crate::json::Value::Object(fields)
            }

            fn is_absent(&self) -> bool {
                self.extra.is_empty() $(&& $crate::Described::is_absent(&self.$field))*
            }
        }

        $crate::described!(@serde $name);
    )*};
    (@required) => { false };
    (@required required) => { true };
    (@serde $name:ident) => {
        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::serde::Serialize::serialize(&$crate::Described::write(self), serializer)
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = <$crate::json::Value as $crate::serde::Deserialize>::deserialize(deserializer)?;
                $crate::Described::read(value).map_err($crate::serde::de::Error::custom)
            }
        }
    };
}

/// Declares a string with known values; an unknown one is kept and reported by validation, never a failure to read.
#[macro_export]
macro_rules! open_enum {
    ($(
        $(#[doc = $doc:literal])*
        pub enum $name:ident { $($variant:ident = $text:literal),* $(,)? }
    )*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $(
                #[doc = concat!("`", $text, "`.")]
                $variant,
            )*
            /// Anything else; the empty text when the field is absent.
            Other(String),
        }

        impl $name {
            /// Every known value.
            pub const KNOWN: &'static [&'static str] = &[$($text),*];

            /// The value as written.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }

            /// Whether the field was left out.
            pub fn is_unset(&self) -> bool {
                self.as_str().is_empty()
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::Other(String::new())
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl $crate::Described for $name {
            fn schema() -> $crate::Schema {
                <String as $crate::Described>::schema()
            }
            fn read(value: $crate::json::Value) -> Result<Self, $crate::FieldError> {
                let text = <String as $crate::Described>::read(value)?;
                Ok(Self::from(text.as_str()))
            }
            fn write(&self) -> $crate::json::Value {
                $crate::json::Value::from(self.as_str())
            }
            fn is_absent(&self) -> bool {
                self.is_unset()
            }
        }

        $crate::described!(@serde $name);
    )*};
}
