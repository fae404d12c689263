//! Settings out of JSON values as Go's `encoding/json` fills its structs: the case of a field's name
//! does not count, and null is the same as nothing.

use serde::Deserializer;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer, Visitor};
use serde_json::{Map, Value};

type Failure = serde_json::Error;

/// Reads a value strictly.
pub(crate) fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    T::deserialize(Lenient(value)).map_err(|error| error.to_string())
}

struct Lenient(Value);

/// Gives fields the names the struct knows them by.
fn renamed(fields: Map<String, Value>, known: &[&str]) -> Map<String, Value> {
    let name_of = |field: &str| {
        let same = |known: &&&str| known.eq_ignore_ascii_case(field);
        match known.contains(&field) {
            true => None,
            false => known.iter().find(same).map(|known| (*known).to_owned()),
        }
    };
    fields.into_iter().map(|(name, value)| (name_of(&name).unwrap_or(name), value)).collect()
}

impl<'de> IntoDeserializer<'de, Failure> for Lenient {
    type Deserializer = Lenient;

    fn into_deserializer(self) -> Lenient {
        self
    }
}

impl Lenient {
    /// This value, or what an absent one counts as.
    fn or(self, nothing: Value) -> Lenient {
        if self.0.is_null() { Lenient(nothing) } else { self }
    }
}

/// A null is read as the empty value of what is due in its place.
macro_rules! null_as {
    ($($method:ident => $nothing:expr,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
            self.or($nothing).deserialize_any(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Lenient {
    type Error = Failure;

    null_as! {
        deserialize_bool => Value::Bool(false),
        deserialize_i64 => Value::from(0),
        deserialize_str => Value::from(""),
        deserialize_string => Value::from(""),
        deserialize_seq => Value::Array(Vec::new()),
        deserialize_map => Value::Object(Map::new()),
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(Lenient))),
            Value::Object(fields) => visitor.visit_map(MapDeserializer::new(
                fields.into_iter().map(|(name, value)| (name, Lenient(value))),
            )),
            scalar => scalar.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            value => visitor.visit_some(Lenient(value)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        match self.0 {
            Value::Object(found) => Lenient(Value::Object(renamed(found, fields))).deserialize_any(visitor),
            other => Lenient(other).or(Value::Object(Map::new())).deserialize_any(visitor),
        }
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct
        newtype_struct tuple tuple_struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::kustomization::Kustomization;

    #[test]
    fn the_case_of_fields_does_not_count_but_that_of_keys_does() {
        let value = json!({"NamePrefix": "a-", "commonlabels": {"Kind": "x"}, "resources": null,
            "vars": [{"name": "v", "objRef": {"APIVERSION": "v1"}}]});
        let kustomization: Kustomization = super::from_value(value).unwrap();
        assert_eq!(kustomization.name_prefix, "a-");
        assert_eq!(kustomization.common_labels["Kind"], "x");
        assert_eq!(kustomization.vars[0].objref.api_version, "v1");
        assert!(super::from_value::<Kustomization>(json!({"prefix": "a"})).is_err());
    }
}
