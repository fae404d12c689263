//! From client-side to server-side apply: the old manager's fields become ours.

use belay_diff::{FieldPath, Ownership, take_over};
use serde_json::Value;

/// `managedFields` in which what `from` wrote by updates belongs to `to`; `None` when it wrote nothing.
pub(crate) fn migrated_fields(live: &Value, from: &str, to: &str) -> Option<Value> {
    let ownership = Ownership::of(live);
    if !ownership.has(from, "Update") {
        return None;
    }
    let is_old = |owner: &belay_diff::Owner| {
        owner.manager == from && owner.operation == "Update" && owner.subresource.is_empty()
    };
    let paths: Vec<FieldPath> =
        ownership.leaves(live, is_old).into_iter().map(|(path, _owner)| path).collect();
    Some(take_over(live, to, &paths))
}
