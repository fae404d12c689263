//! Ownership after a create, an update or a patch that is no apply.

use serde_json::Value;

use super::{
    ManagerId, Managers, Operation, Owned, Write, empty_object, entries, losses, reconcile_all, settle,
    strip_identity, without_managed_fields,
};
use crate::kind::KindSchema;
use crate::structured::Misfit;

/// More updaters than this are folded into one, oldest first.
const MAX_UPDATERS: usize = 10;
const OLD_UPDATERS: &str = "ancient-changes";

/// `new` with the managedFields it has once it replaces `live`.
///
/// Call it with the whole new object, defaulted. A client's own managedFields count unless it writes a subresource:
/// `[{}]` and `[]` forget everybody. When ownership cannot be computed the list is dropped, as the API server does.
pub fn update(kind: &KindSchema, live: Option<&Value>, new: &Value, write: &Write<'_>) -> Value {
    let mut out = without_managed_fields(new);
    let managers = current_managers(live, new, !write.subresource.is_empty());
    if managers.is_empty() && live.is_some_and(has_uid) {
        // Nobody was tracked so far: tracking starts with the first apply.
        return out;
    }
    let live = live.map_or_else(|| empty_object(kind), without_managed_fields);
    let id = ManagerId::of_write(kind, write, Operation::Update);
    if let Ok(mut managers) = update_managers(kind, &live, &out, managers, id, write) {
        cap_updaters(&mut managers);
        entries::write(&mut out, &managers);
    }
    out
}

pub(super) fn update_managers(
    kind: &KindSchema,
    live: &Value,
    new: &Value,
    mut managers: Managers,
    id: ManagerId,
    write: &Write<'_>,
) -> Result<Managers, Vec<Misfit>> {
    reconcile_all(kind, &mut managers)?;
    // The writer's earlier entry counts as another manager's: it keeps what this write does not touch.
    let current = ManagerId { manager: "current-operation\0".to_owned(), ..id.clone() };
    let losses = losses(kind, live, new, &managers, &current, write.subresource)?;
    settle(&mut managers, &losses, &current);
    let set = losses.comparison.modified.union(&losses.comparison.added);
    let set = set.recursive_difference(&kind.reset_fields(write.subresource));
    let api_version = kind.api_version();
    managers.insert(current.clone(), Owned { set, api_version: api_version.clone(), time: None });
    strip_identity(&mut managers, &current);
    if let Some(written) = managers.remove(&current) {
        let earlier = managers.get(&id).map(|owned| owned.set.clone()).unwrap_or_default();
        let set = written.set.union(&earlier);
        managers.insert(id, Owned { set, api_version, time: Some(write.now.to_owned()) });
    }
    Ok(managers)
}

fn has_uid(object: &Value) -> bool {
    !crate::values::metadata_text(object, "uid").is_empty()
}

fn current_managers(live: Option<&Value>, new: &Value, is_subresource: bool) -> Managers {
    let of_live = || live.and_then(|live| entries::read(live).ok()).unwrap_or_default();
    if is_subresource {
        return of_live();
    }
    if is_reset(new) {
        return Managers::new();
    }
    match entries::read(new) {
        Ok(managers) if !managers.is_empty() => managers,
        _ => of_live(),
    }
}

fn is_reset(new: &Value) -> bool {
    let listed = new.pointer("/metadata/managedFields").and_then(Value::as_array);
    match listed.map(Vec::as_slice) {
        Some([]) => true,
        Some([only]) => only.as_object().is_some_and(serde_json::Map::is_empty),
        _ => false,
    }
}

fn cap_updaters(managers: &mut Managers) {
    let mut updaters: Vec<(String, ManagerId)> = managers
        .iter()
        .filter(|(id, _)| id.operation == Operation::Update)
        .map(|(id, owned)| (owned.time.clone().unwrap_or_default(), id.clone()))
        .collect();
    if updaters.len() <= MAX_UPDATERS {
        return;
    }
    updaters.sort();
    let mut count = updaters.len();
    let mut first_of_version = std::collections::BTreeMap::new();
    for (_, id) in updaters {
        if count <= MAX_UPDATERS {
            break;
        }
        let Some(owned) = managers.get(&id).cloned() else {
            continue;
        };
        let Some(first) = first_of_version.get(&owned.api_version).cloned() else {
            first_of_version.insert(owned.api_version.clone(), id);
            continue;
        };
        let bucket = ManagerId {
            manager: OLD_UPDATERS.to_owned(),
            operation: Operation::Update,
            api_version: owned.api_version.clone(),
            subresource: String::new(),
        };
        let old = managers.remove(&bucket).or_else(|| managers.remove(&first));
        let set = old.map(|old| old.set).unwrap_or_default().union(&owned.set);
        managers.remove(&id);
        managers.insert(bucket, Owned { set, api_version: owned.api_version, time: owned.time });
        count -= 1;
    }
}
