//! Objects that are kept and seldom read.

use crate::object::Object;

/// An object as text, a fifth of what the tree of its fields takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedObject(Box<[u8]>);

impl PackedObject {
    /// The text of an object.
    pub fn new(object: &Object) -> PackedObject {
        PackedObject(object.value().to_string().into_bytes().into_boxed_slice())
    }

    /// The object, read anew: fields and numbers are as they were, in their order.
    ///
    /// # Panics
    /// Never: what was written from an object is one.
    pub fn open(&self) -> Object {
        let mut reader = serde_json::Deserializer::from_slice(&self.0);
        // It was as deep before, too.
        reader.disable_recursion_limit();
        let value =
            serde::Deserialize::deserialize(&mut reader).expect("the text was written from an object");
        Object::new(value).expect("the text was written from an object")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_read_is_what_was_kept() {
        let numbers = json!([1, -1, 1.5, 1e300, u64::MAX, 0.1, null]);
        let mut deep = json!({});
        for _ in 0..1000 {
            deep = json!([deep]);
        }
        let value = json!({"kind": "Thing", "apiVersion": "example.com/v1", "metadata": {"name": "a"},
            "spec": {"z": numbers, "a": "\u{0}ü", "deep": deep}});
        let object = Object::new(value).expect("an object");
        let opened = PackedObject::new(&object).open();
        assert_eq!(opened, object);
        assert_eq!(opened.value().to_string(), object.value().to_string(), "fields stay in their order");
    }
}
