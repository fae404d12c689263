//! Paths to fields, as people write them: `spec.template.spec.containers[name=web].image`.

use std::fmt;

use serde_json::Value;

/// One step down an object.
#[derive(Debug, Clone, PartialEq)]
pub enum Segment {
    /// A field of a map.
    Field(String),
    /// The item of a list whose key fields have these values.
    Keyed(Vec<(String, Value)>),
    /// The item of a set that has this value.
    Value(Value),
    /// The item at this place of a list.
    Index(usize),
}

/// The way from an object's root to a field.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FieldPath(pub Vec<Segment>);

impl FieldPath {
    /// This path and one step more.
    pub fn child(&self, segment: Segment) -> FieldPath {
        let mut segments = self.0.clone();
        segments.push(segment);
        FieldPath(segments)
    }

    /// Whether the path starts with these field names.
    pub fn starts_with(&self, fields: &[&str]) -> bool {
        self.0.len() >= fields.len()
            && fields
                .iter()
                .zip(&self.0)
                .all(|(field, segment)| matches!(segment, Segment::Field(name) if name == field))
    }

    /// Whether a field of this name lies on the path.
    pub fn passes(&self, field: &str) -> bool {
        self.0.iter().any(|segment| matches!(segment, Segment::Field(name) if name == field))
    }

    /// The value at this path of an object.
    pub fn find<'a>(&self, object: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(object, |value, segment| step(value, segment))
    }
}

/// One step down a value.
pub(crate) fn step<'a>(value: &'a Value, segment: &Segment) -> Option<&'a Value> {
    match segment {
        Segment::Field(name) => value.get(name),
        Segment::Index(index) => value.get(index),
        Segment::Value(wanted) => value.as_array()?.iter().find(|item| *item == wanted),
        Segment::Keyed(keys) => value.as_array()?.iter().find(|item| has_keys(item, keys)),
    }
}

/// Whether an item of a keyed list has these key fields. A key that the item leaves out matches:
/// it will be defaulted (a port's protocol, say).
pub(crate) fn has_keys(item: &Value, keys: &[(String, Value)]) -> bool {
    item.is_object()
        && keys.iter().all(|(name, value)| item.get(name).is_none_or(|own| own == value))
        && keys.iter().any(|(name, _)| item.get(name).is_some())
}

impl fmt::Display for FieldPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Field(name) if name.contains(['.', '/', '[']) => write!(formatter, "[{name:?}]")?,
                Segment::Field(name) if position == 0 => formatter.write_str(name)?,
                Segment::Field(name) => write!(formatter, ".{name}")?,
                Segment::Index(index) => write!(formatter, "[{index}]")?,
                Segment::Value(value) => write!(formatter, "[={value}]")?,
                Segment::Keyed(keys) => {
                    let keys: Vec<String> =
                        keys.iter().map(|(name, value)| format!("{name}={}", plain(value))).collect();
                    write!(formatter, "[{}]", keys.join(","))?;
                }
            }
        }
        Ok(())
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
