//! Who set which field: `metadata.managedFields`, read.

use serde_json::{Map, Value};

use crate::path::{FieldPath, Segment, step};

/// Who owns a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The field manager's name.
    pub manager: String,
    /// `Apply` or `Update`.
    pub operation: String,
    /// When it last changed a field (RFC 3339), empty if the server did not say.
    pub time: String,
    /// The subresource it wrote through, mostly empty.
    pub subresource: String,
}

/// The entries of an object's `managedFields`.
#[derive(Debug, Clone, Default)]
pub struct Ownership<'a> {
    entries: Vec<(Owner, &'a Map<String, Value>)>,
}

impl<'a> Ownership<'a> {
    /// Reads `metadata.managedFields` of a live object.
    pub fn of(live: &'a Value) -> Ownership<'a> {
        let entries = live.pointer("/metadata/managedFields").and_then(Value::as_array);
        let entries = entries.into_iter().flatten().filter_map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            let owner = Owner {
                manager: text("manager"),
                operation: text("operation"),
                time: text("time"),
                subresource: text("subresource"),
            };
            Some((owner, entry.get("fieldsV1")?.as_object()?))
        });
        Ownership { entries: entries.collect() }
    }

    /// Whether nobody is noted.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether a manager has an entry of this operation.
    pub fn has(&self, manager: &str, operation: &str) -> bool {
        self.entries.iter().any(|(owner, _)| owner.manager == manager && owner.operation == operation)
    }

    /// The owners of a field, the one that changed something last first.
    pub fn owners(&self, path: &FieldPath) -> Vec<&Owner> {
        let mut owners: Vec<&Owner> =
            self.entries.iter().filter(|(_, fields)| owns(fields, &path.0)).map(|(owner, _)| owner).collect();
        owners.sort_by(|one, other| other.time.cmp(&one.time));
        owners
    }

    /// How the list at this path merges: the names of its key fields, if any manager's entry shows
    /// keyed items there.
    pub fn list_keys(&self, path: &FieldPath) -> Option<Vec<String>> {
        self.entries.iter().find_map(|(_, fields)| {
            let below = descend(fields, &path.0)?;
            below
                .keys()
                .find_map(|name| parse_keys(name))
                .map(|keys| keys.into_iter().map(|(name, _)| name).collect())
        })
    }

    /// The leaves below each entry that passes `wanted`, as paths into the live object. Items and
    /// fields that the live object does not have any more are left out.
    pub fn leaves(&self, live: &Value, wanted: impl Fn(&Owner) -> bool) -> Vec<(FieldPath, Owner)> {
        let mut leaves = Vec::new();
        for (owner, fields) in &self.entries {
            if wanted(owner) {
                collect_leaves(fields, live, &FieldPath::default(), owner, &mut leaves);
            }
        }
        leaves
    }
}

fn collect_leaves(
    fields: &Map<String, Value>,
    live: &Value,
    path: &FieldPath,
    owner: &Owner,
    leaves: &mut Vec<(FieldPath, Owner)>,
) {
    for (name, below) in fields {
        let Some(segment) = parse_segment(name) else {
            continue;
        };
        let Some(value) = step(live, &segment) else {
            continue;
        };
        let path = path.child(segment);
        match below.as_object() {
            Some(below) if below.keys().any(|name| name != ".") => {
                // A list item that this manager itself put there is one leaf: it comes and goes whole.
                if below.contains_key(".") && matches!(path.0.last(), Some(Segment::Keyed(_))) {
                    leaves.push((path.clone(), owner.clone()));
                }
                collect_leaves(below, value, &path, owner, leaves);
            }
            _ => leaves.push((path, owner.clone())),
        }
    }
}

fn descend<'a>(fields: &'a Map<String, Value>, path: &[Segment]) -> Option<&'a Map<String, Value>> {
    path.iter().try_fold(fields, |fields, segment| child(fields, segment)?.as_object())
}

fn owns(fields: &Map<String, Value>, path: &[Segment]) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return true;
    };
    match child(fields, first).and_then(Value::as_object) {
        // An owner of a whole atomic value owns all below it.
        Some(below) if below.is_empty() => true,
        Some(below) => owns(below, rest),
        None => false,
    }
}

fn child<'a>(fields: &'a Map<String, Value>, segment: &Segment) -> Option<&'a Value> {
    match segment {
        Segment::Field(name) => fields.get(&format!("f:{name}")),
        other => fields
            .iter()
            .find(|(name, _)| parse_segment(name).as_ref() == Some(other))
            .map(|(_, below)| below),
    }
}

/// `f:name`, `k:{"name":"web"}`, `v:"x"` or `i:0`; nothing for `.`.
pub(crate) fn parse_segment(text: &str) -> Option<Segment> {
    let (kind, rest) = text.split_once(':')?;
    match kind {
        "f" => Some(Segment::Field(rest.to_owned())),
        "k" => parse_keys(text).map(Segment::Keyed),
        "v" => serde_json::from_str(rest).ok().map(Segment::Value),
        "i" => rest.parse().ok().map(Segment::Index),
        _ => None,
    }
}

fn parse_keys(text: &str) -> Option<Vec<(String, Value)>> {
    let keys: Map<String, Value> = serde_json::from_str(text.strip_prefix("k:")?).ok()?;
    let mut keys: Vec<(String, Value)> = keys.into_iter().collect();
    keys.sort_by(|one, other| one.0.cmp(&other.0));
    Some(keys)
}
