//! Conflicts between appliers, in the API server's words.

use std::collections::BTreeMap;
use std::fmt;

use super::{ManagerId, Operation};
use crate::field_set::FieldSet;
use crate::path::FieldPath;

/// One field that another manager owns with another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The other manager.
    pub manager: String,
    /// How it owns the field.
    pub operation: Operation,
    /// The other manager's version; empty for an applier.
    pub api_version: String,
    /// The subresource it wrote through, empty for the resource itself.
    pub subresource: String,
    /// The field: `.spec.replicas`.
    pub field: FieldPath,
}

impl Conflict {
    /// The message of the `FieldManagerConflict` cause: `conflict with "kubectl" using apps/v1`.
    pub fn cause_message(&self) -> String {
        format!("conflict with {}", self.manager_text())
    }

    fn manager_text(&self) -> String {
        let mut text = format!("{:?}", self.manager);
        if !self.subresource.is_empty() {
            text = format!("{text} with subresource {:?}", self.subresource);
        }
        match self.operation {
            Operation::Update => format!("{text} using {}", self.api_version),
            Operation::Apply => text,
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "conflict with {}: {}", self.manager_text(), self.field)
    }
}

/// The whole message of the 409 answer.
pub fn conflict_message(conflicts: &[Conflict]) -> String {
    if let [only] = conflicts {
        return format!("Apply failed with 1 conflict: {only}");
    }
    let mut by_manager: BTreeMap<String, Vec<&Conflict>> = BTreeMap::new();
    for conflict in conflicts {
        by_manager.entry(sort_key(conflict)).or_default().push(conflict);
    }
    let mut lines = Vec::new();
    for group in by_manager.values() {
        lines.extend(group.first().map(|first| format!("conflicts with {}:", first.manager_text())));
        lines.extend(group.iter().map(|conflict| format!("- {}", conflict.field)));
    }
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}

/// The API server sorts managers by their JSON identifier.
fn sort_key(conflict: &Conflict) -> String {
    let mut key =
        format!("{{\"manager\":{:?},\"operation\":{:?}", conflict.manager, conflict.operation.as_str());
    if !conflict.api_version.is_empty() {
        key.push_str(&format!(",\"apiVersion\":{:?}", conflict.api_version));
    }
    if !conflict.subresource.is_empty() {
        key.push_str(&format!(",\"subresource\":{:?}", conflict.subresource));
    }
    key.push('}');
    key
}

pub(super) fn conflicts_of(sets: &BTreeMap<ManagerId, FieldSet>) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    for (id, set) in sets {
        conflicts.extend(set.paths().into_iter().map(|field| Conflict {
            manager: id.manager.clone(),
            operation: id.operation,
            api_version: id.api_version.clone(),
            subresource: id.subresource.clone(),
            field,
        }));
    }
    conflicts
}
