//! Fields that are unknown or written twice: what `fieldValidation=Strict` refuses and `Warn` reports.

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::arena::{TypeId, Types};
use crate::kind::KindSchema;
use crate::prune::{Observer, Place, Step, prune_value};

/// `unknown field "spec.foo"` for each field the kind does not have, in the API server's order.
pub fn unknown_fields(kind: &KindSchema, object: &Value) -> Vec<String> {
    let mut collector = Collector::default();
    match &kind.custom {
        None => builtin(&kind.types, kind.root, object, &mut collector),
        Some(custom) => {
            if let (Some(schema), false) = (&custom.schema, custom.preserve_unknown) {
                prune_value(schema, &mut object.clone(), Place::Root, &mut collector);
            }
            metadata(kind, object, &mut collector);
        }
    }
    let mut paths = collector.found;
    if kind.is_custom() {
        paths.sort();
    }
    paths.into_iter().map(|path| format!("unknown field {path:?}")).collect()
}

fn metadata(kind: &KindSchema, object: &Value, collector: &mut Collector) {
    let field = kind.types.get(kind.root).map.as_ref().and_then(|map| map.fields.get("metadata"));
    if let (Some(field), Some(metadata)) = (field, object.get("metadata")) {
        collector.enter(Step::Field("metadata"));
        builtin(&kind.types, field.type_id, metadata, collector);
        collector.leave();
    }
}

fn builtin(types: &Types, id: TypeId, value: &Value, collector: &mut Collector) {
    let declared = types.get(id);
    match value {
        Value::Object(object) => {
            let Some(map) = &declared.map else { return };
            for (name, value) in object {
                let field = map.fields.get(name).map(|field| field.type_id).or(map.element);
                match field {
                    None => collector.pruned(name),
                    Some(id) => {
                        collector.enter(Step::Field(name));
                        builtin(types, id, value, collector);
                        collector.leave();
                    }
                }
            }
        }
        Value::Array(items) => {
            let Some(list) = &declared.list else { return };
            for (position, item) in items.iter().enumerate() {
                collector.enter(Step::Item(position));
                builtin(types, list.element, item, collector);
                collector.leave();
            }
        }
        _ => {}
    }
}

#[derive(Default)]
struct Collector {
    path: Vec<String>,
    found: Vec<String>,
}

impl Observer for Collector {
    fn enter(&mut self, step: Step<'_>) {
        match step {
            Step::Field(name) => self.path.push(name.to_owned()),
            Step::Item(position) => self.path.push(format!("[{position}]")),
        }
    }

    fn leave(&mut self) {
        self.path.pop();
    }

    fn pruned(&mut self, name: &str) {
        self.path.push(name.to_owned());
        self.found.push(dotted(&self.path));
        self.path.pop();
    }
}

fn dotted(path: &[String]) -> String {
    let mut text = String::new();
    for step in path {
        if !text.is_empty() && !step.starts_with('[') {
            text.push('.');
        }
        text.push_str(step);
    }
    text
}

/// `duplicate field "spec.foo"` for each field written twice in a JSON text.
pub fn duplicate_fields(json: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let seed = Scan { path: Vec::new(), found: &mut found };
    // A text that is no JSON is reported by who parses it.
    let _ = seed.deserialize(&mut deserializer);
    let mut seen = HashSet::new();
    found.retain(|path: &String| seen.insert(path.clone()));
    found.into_iter().map(|path| format!("duplicate field {path:?}")).collect()
}

struct Scan<'a> {
    path: Vec<String>,
    found: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Scan<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scan<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let mut path = self.path.clone();
            path.push(key.clone());
            if !seen.insert(key) {
                self.found.push(dotted(&path));
            }
            map.next_value_seed(Scan { path, found: self.found })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut position = 0;
        loop {
            let mut path = self.path.clone();
            path.push(format!("[{position}]"));
            if seq.next_element_seed(Scan { path, found: self.found })?.is_none() {
                return Ok(());
            }
            position += 1;
        }
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }
}
