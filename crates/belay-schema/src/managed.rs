//! `metadata.managedFields`: who owns which field, kept through updates and server-side apply.

mod apply;
mod conflict;
mod entries;
mod predict;
mod scale;
mod update;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::field_set::FieldSet;
use crate::kind::KindSchema;
use crate::structured::{Comparison, compare, reconcile};

pub use apply::{ApplyError, apply};
pub use conflict::{Conflict, conflict_message};
pub use entries::{Entry, EntryError, Operation, entries};
pub use predict::predict;
pub use scale::{parent_entries, scale_entries};
pub use update::update;

/// One write request.
#[derive(Debug, Clone, Copy)]
pub struct Write<'a> {
    /// The field manager; empty becomes `unknown`.
    pub manager: &'a str,
    /// The time of the request, RFC 3339 in UTC with seconds.
    pub now: &'a str,
    /// Empty for the resource itself, else `status`, `scale`, …
    pub subresource: &'a str,
}

/// Whether a write changes nothing but times in managedFields: the API server then keeps the live object as it is,
/// without a new resourceVersion.
pub fn same_but_for_times(live: &Value, new: &Value) -> bool {
    let without_times = |object: &Value| {
        let mut object = object.clone();
        let listed = object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut);
        for entry in listed.into_iter().flatten().filter_map(Value::as_object_mut) {
            entry.shift_remove("time");
        }
        object
    };
    crate::values::equal(&without_times(live), &without_times(new))
}

/// A manager without its fields: what makes it one manager or two.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ManagerId {
    pub(crate) manager: String,
    pub(crate) operation: Operation,
    /// Empty for `Apply`: an applier keeps its entry when it changes the version.
    pub(crate) api_version: String,
    pub(crate) subresource: String,
}

/// The fields of one manager, in the version it wrote.
#[derive(Debug, Clone)]
pub(crate) struct Owned {
    pub(crate) set: FieldSet,
    pub(crate) api_version: String,
    pub(crate) time: Option<String>,
}

pub(crate) type Managers = BTreeMap<ManagerId, Owned>;

impl ManagerId {
    fn of_write(kind: &KindSchema, write: &Write<'_>, operation: Operation) -> Self {
        let manager = if write.manager.is_empty() { "unknown" } else { write.manager };
        let api_version = match operation {
            Operation::Apply => String::new(),
            Operation::Update => kind.api_version(),
        };
        Self {
            manager: manager.to_owned(),
            operation,
            api_version,
            subresource: write.subresource.to_owned(),
        }
    }
}

/// What other managers would lose by a change from `live` to `new`.
struct Losses {
    /// Fields of theirs that change: conflicts unless forced.
    conflicts: BTreeMap<ManagerId, FieldSet>,
    comparison: Comparison,
}

fn losses(
    kind: &KindSchema,
    live: &Value,
    new: &Value,
    managers: &Managers,
    writer: &ManagerId,
    subresource: &str,
) -> Result<Losses, Vec<crate::structured::Misfit>> {
    let mut comparison = compare(&kind.types, kind.root, live, new)?;
    let reset = kind.reset_fields(subresource);
    for set in [&mut comparison.removed, &mut comparison.modified, &mut comparison.added] {
        *set = set.recursive_difference(&reset);
    }
    let changed = comparison.modified.union(&comparison.added);
    let mut conflicts = BTreeMap::new();
    for (id, owned) in managers.iter().filter(|(id, _)| *id != writer) {
        let lost = owned.set.intersection(&changed);
        if !lost.is_empty() {
            conflicts.insert(id.clone(), lost);
        }
    }
    Ok(Losses { conflicts, comparison })
}

/// Take from other managers what they lost; managers left with nothing go.
fn settle(managers: &mut Managers, losses: &Losses, writer: &ManagerId) {
    for (id, owned) in managers.iter_mut().filter(|(id, _)| *id != writer) {
        if let Some(lost) = losses.conflicts.get(id) {
            owned.set = owned.set.difference(lost);
        }
        owned.set = owned.set.difference(&losses.comparison.removed);
    }
    managers.retain(|_, owned| !owned.set.is_empty());
}

/// Field sets written under an older schema, as the current one has them.
fn reconcile_all(kind: &KindSchema, managers: &mut Managers) -> Result<(), Vec<crate::structured::Misfit>> {
    for owned in managers.values_mut() {
        owned.set = reconcile(&kind.types, kind.root, &owned.set)?;
    }
    Ok(())
}

/// Nobody owns an object's identity.
fn strip_identity(managers: &mut Managers, writer: &ManagerId) {
    let Some(owned) = managers.get_mut(writer) else {
        return;
    };
    owned.set = owned.set.difference(&identity_fields());
    if owned.set.is_empty() {
        managers.remove(writer);
    }
}

fn identity_fields() -> FieldSet {
    let mut paths: Vec<Vec<&str>> = vec![vec!["apiVersion"], vec!["kind"], vec!["metadata"]];
    let names = [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    ];
    paths.extend(names.map(|name| vec!["metadata", name]));
    FieldSet::of(paths.iter().map(|path| crate::path::FieldPath::of_fields(path)))
}

/// The object without its managedFields, as the merge sees it.
fn without_managed_fields(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("managedFields");
    }
    object
}

/// An object of the kind with nothing in it.
fn empty_object(kind: &KindSchema) -> Value {
    let mut empty = serde_json::json!({ "apiVersion": kind.api_version(), "kind": kind.kind() });
    if kind.custom.is_none() {
        crate::encoding::encode(kind, &mut empty);
    }
    empty
}
