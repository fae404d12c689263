//! Reading and writing the list itself.

use serde_json::{Map, Value, json};

use super::{ManagerId, Managers, Owned};
use crate::field_set::{FieldSet, FieldSetError};

/// How a manager came to own its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// By server-side apply.
    Apply,
    /// By any other write.
    Update,
}

impl Operation {
    /// As `managedFields` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// One entry of `metadata.managedFields`.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Who.
    pub manager: String,
    /// How.
    pub operation: Operation,
    /// In which version the fields are named.
    pub api_version: String,
    /// Through which subresource, empty for the resource itself.
    pub subresource: String,
    /// When last.
    pub time: Option<String>,
    /// Which fields.
    pub fields: FieldSet,
}

/// An entry that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// Neither `Apply` nor `Update`.
    #[error("operation must be `Apply` or `Update`")]
    Operation,
    /// No version.
    #[error("apiVersion must not be empty")]
    ApiVersion,
    /// No `fieldsType`.
    #[error("missing fieldsType in managed fields entry {0}")]
    NoFieldsType(usize),
    /// Another `fieldsType` than `FieldsV1`.
    #[error("invalid fieldsType {1:?} in managed fields entry {0}")]
    FieldsType(usize, String),
    /// Fields that cannot be read.
    #[error("error decoding managed fields entry {0}")]
    Fields(usize, #[source] FieldSetError),
}

/// The entries of an object, in its order.
pub fn entries(object: &Value) -> Result<Vec<Entry>, EntryError> {
    let listed = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    listed.into_iter().flatten().enumerate().map(|(position, entry)| parse(position, entry)).collect()
}

fn parse(position: usize, entry: &Value) -> Result<Entry, EntryError> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let operation = match text("operation").as_str() {
        "Apply" => Operation::Apply,
        "Update" => Operation::Update,
        _ => return Err(EntryError::Operation),
    };
    let api_version = text("apiVersion");
    if api_version.is_empty() {
        return Err(EntryError::ApiVersion);
    }
    match text("fieldsType").as_str() {
        "FieldsV1" => {}
        "" => return Err(EntryError::NoFieldsType(position)),
        other => return Err(EntryError::FieldsType(position, other.to_owned())),
    }
    let fields = match entry.get("fieldsV1") {
        Some(fields) if !fields.is_null() => {
            FieldSet::parse(fields).map_err(|error| EntryError::Fields(position, error))?
        }
        _ => FieldSet::new(),
    };
    let time = entry.get("time").and_then(Value::as_str).map(str::to_owned);
    Ok(Entry {
        manager: text("manager"),
        operation,
        api_version,
        subresource: text("subresource"),
        time,
        fields,
    })
}

pub(super) fn read(object: &Value) -> Result<Managers, EntryError> {
    let mut managers = Managers::new();
    for entry in entries(object)? {
        let api_version = match entry.operation {
            Operation::Apply => String::new(),
            Operation::Update => entry.api_version.clone(),
        };
        let id = ManagerId {
            manager: entry.manager,
            operation: entry.operation,
            api_version,
            subresource: entry.subresource,
        };
        managers.insert(id, Owned { set: entry.fields, api_version: entry.api_version, time: entry.time });
    }
    Ok(managers)
}

/// Put the list into the object, sorted as the API server sorts it; an empty one is left out.
pub(super) fn write(object: &mut Value, managers: &Managers) {
    let mut sorted: Vec<(&ManagerId, &Owned)> = managers.iter().collect();
    sorted.sort_by(|(left_id, left), (right_id, right)| {
        let key = |id: &ManagerId, owned: &Owned| {
            (
                id.operation,
                owned.time.clone().unwrap_or_default(),
                id.manager.clone(),
                owned.api_version.clone(),
                id.subresource.clone(),
            )
        };
        key(left_id, left).cmp(&key(right_id, right))
    });
    let listed: Vec<Value> = sorted.into_iter().map(|(id, owned)| entry_value(id, owned)).collect();
    let Some(object) = object.as_object_mut() else {
        return;
    };
    let metadata = object.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    let Some(metadata) = metadata.as_object_mut() else {
        return;
    };
    metadata.shift_remove("managedFields");
    if !listed.is_empty() {
        metadata.insert("managedFields".to_owned(), Value::Array(listed));
    }
}

fn entry_value(id: &ManagerId, owned: &Owned) -> Value {
    let mut entry = Map::new();
    let mut add = |key: &str, text: &str| {
        if !text.is_empty() {
            entry.insert(key.to_owned(), json!(text));
        }
    };
    add("manager", &id.manager);
    add("operation", id.operation.as_str());
    add("apiVersion", &owned.api_version);
    add("time", owned.time.as_deref().unwrap_or_default());
    add("fieldsType", "FieldsV1");
    entry.insert("fieldsV1".to_owned(), owned.set.serialize());
    if !id.subresource.is_empty() {
        entry.insert("subresource".to_owned(), json!(id.subresource));
    }
    Value::Object(entry)
}
