//! Server-side apply.

use std::collections::BTreeMap;

use serde_json::Value;

use super::update::update_managers;
use super::{
    Conflict, EntryError, ManagerId, Managers, Operation, Owned, Write, conflict_message, empty_object,
    entries, losses, reconcile_all, settle, strip_identity, without_managed_fields,
};
use crate::field_set::FieldSet;
use crate::kind::KindSchema;
use crate::structured::{self, Misfit, compare, field_set_of, merge, misfits_text, remove};
use crate::values::{equal, metadata_text};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Annotations may not take more bytes than this together.
const MAX_ANNOTATIONS: usize = 256 * 1024;

/// An apply that the API server refuses.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Other managers own fields with other values (409).
    #[error("{}", conflict_message(.0))]
    Conflict(Vec<Conflict>),
    /// The request itself is wrong (400).
    #[error("{0}")]
    BadRequest(String),
    /// The applied object does not fit the kind (500, as the API server answers).
    #[error("{0}")]
    Misfit(String),
    /// The live object's managedFields cannot be read.
    #[error("failed to decode managed fields")]
    Entries(#[from] EntryError),
}

/// The object after `applied` is applied to `live` (`None`: it is created), with its managedFields.
///
/// The result is decoded and defaulted for built-in kinds; a custom resource is to be pruned and defaulted next.
/// It equals `live` when nothing changes.
pub fn apply(
    kind: &KindSchema,
    live: Option<&Value>,
    applied: &Value,
    write: &Write<'_>,
    force: bool,
) -> Result<Value, ApplyError> {
    check_request(kind, applied)?;
    let live_object = live.map_or_else(|| empty_object(kind), without_managed_fields);
    let mut managers = match live {
        Some(live) => entries::read(live)?,
        None => Managers::new(),
    };
    if managers.is_empty() {
        managers = before_first_apply(kind, &live_object, write)?;
    }
    let request = Request { kind, live: &live_object, applied, write };
    let mut outcome = request.run(managers.clone(), force);
    if write.manager == "kubectl"
        && let Err(ApplyError::Conflict(conflicts)) = outcome
    {
        outcome = request.retry_over_last_applied(managers, conflicts);
    }
    let (mut object, managers) = outcome?;
    if let Some(reason) = crate::conversion::unconvertible(kind, &object) {
        return Err(ApplyError::Misfit(reason));
    }
    if write.manager == "kubectl" {
        keep_last_applied(&mut object, applied);
    }
    entries::write(&mut object, &managers);
    Ok(object)
}

fn check_request(kind: &KindSchema, applied: &Value) -> Result<(), ApplyError> {
    let text = |key: &str| applied.get(key).and_then(Value::as_str).unwrap_or_default();
    if text("apiVersion") != kind.api_version() || text("kind") != kind.kind() {
        let (group, version) = text("apiVersion").split_once('/').unwrap_or(("", text("apiVersion")));
        let separator = if group.is_empty() { "/" } else { "" };
        let slash = if group.is_empty() { "" } else { "/" };
        return Err(ApplyError::BadRequest(format!(
            "invalid object type: {group}{slash}{separator}{version}, Kind={}",
            text("kind")
        )));
    }
    match applied.pointer("/metadata/managedFields") {
        None | Some(Value::Null) => Ok(()),
        Some(_) => Err(ApplyError::BadRequest("metadata.managedFields must be nil".to_owned())),
    }
}

/// An object that nobody applied to yet is owned by one updater, so that the first apply conflicts with it.
fn before_first_apply(kind: &KindSchema, live: &Value, write: &Write<'_>) -> Result<Managers, ApplyError> {
    if metadata_text(live, "uid").is_empty() {
        return Ok(Managers::new());
    }
    let first = Write { manager: "before-first-apply", ..*write };
    let id = ManagerId::of_write(kind, &first, Operation::Update);
    // One misfit of a list is enough, and found before anything is compared.
    structured::check(&kind.types, kind.root, live, true)
        .and_then(|()| update_managers(kind, &empty_object(kind), live, Managers::new(), id, &first))
        .map_err(|misfits| {
            let (space, name) = (metadata_text(live, "namespace"), metadata_text(live, "name"));
            let core = if kind.group.is_empty() { "/" } else { "" };
            let doing = format!(
                "failed to create manager for existing fields: failed to convert new object ({space}/{name}; {core}{}, Kind={}) to smd typed",
                kind.api_version(),
                kind.kind()
            );
            plain_misfit(&doing, &misfits)
        })
}

struct Request<'a> {
    kind: &'a KindSchema,
    live: &'a Value,
    applied: &'a Value,
    write: &'a Write<'a>,
}

impl Request<'_> {
    fn run(&self, mut managers: Managers, force: bool) -> Result<(Value, Managers), ApplyError> {
        let kind = self.kind;
        structured::check(&kind.types, kind.root, self.applied, false)
            .map_err(|misfits| self.misfit("failed to create typed patch object", self.applied, &misfits))?;
        structured::check(&kind.types, kind.root, self.live, true)
            .map_err(|misfits| self.misfit("failed to create typed live object", self.live, &misfits))?;
        let id = ManagerId::of_write(kind, self.write, Operation::Apply);
        let merged = self.merge_and_prune(&mut managers, &id)?;
        let found = losses(kind, self.live, &merged, &managers, &id, self.write.subresource)
            .map_err(|misfits| plain_misfit("failed to compare objects", &misfits))?;
        if !force && !found.conflicts.is_empty() {
            return Err(ApplyError::Conflict(super::conflict::conflicts_of(&found.conflicts)));
        }
        settle(&mut managers, &found, &id);
        strip_identity(&mut managers, &id);
        if equal(&merged, self.live) {
            return Ok((self.live.clone(), managers));
        }
        if let Some(owned) = managers.get_mut(&id) {
            owned.time = Some(self.write.now.to_owned());
        }
        let mut object = merged;
        if kind.custom.is_none() {
            crate::encoding::decode_detail(kind, &object).map_err(|detail| self.unconvertible(&detail))?;
            crate::encoding::encode(kind, &mut object);
        }
        crate::defaults::default_object(kind, &mut object);
        Ok((object, managers))
    }

    /// The merged object without what this manager applied before and applies no more.
    fn merge_and_prune(&self, managers: &mut Managers, id: &ManagerId) -> Result<Value, ApplyError> {
        let kind = self.kind;
        reconcile_all(kind, managers)
            .map_err(|misfits| plain_misfit("errors reconciling field set with schema", &misfits))?;
        let merged = merge(&kind.types, kind.root, self.live, self.applied)
            .map_err(|misfits| plain_misfit("failed to merge config", &misfits))?;
        let set = field_set_of(&kind.types, kind.root, self.applied)
            .map_err(|misfits| plain_misfit("failed to get field set", &misfits))?;
        let set = set.recursive_difference(&kind.reset_fields(self.write.subresource));
        let before = managers.get(id).cloned();
        // The time moves only when the object changes.
        let time = before.as_ref().and_then(|before| before.time.clone());
        managers.insert(id.clone(), Owned { set, api_version: kind.api_version(), time });
        match &before {
            Some(before) if !before.set.is_empty() => self.prune(&merged, managers, &before.set),
            _ => Ok(merged),
        }
    }

    /// Remove what was applied before, then put back what somebody owns or what the removal was not meant for.
    fn prune(&self, merged: &Value, managers: &Managers, last: &FieldSet) -> Result<Value, ApplyError> {
        let (types, root) = (&self.kind.types, self.kind.root);
        let members = |set: &FieldSet| set.with_named_parents(types, Some(root));
        let set_of = |value: &Value| {
            field_set_of(types, root, value)
                .map_err(|misfits| plain_misfit("failed to prune fields", &misfits))
        };
        let last = members(last);
        let merged_set = members(&set_of(merged)?);
        let mut pruned = remove(types, root, merged, &last);
        let mut by_version: BTreeMap<&str, FieldSet> = BTreeMap::new();
        for owned in managers.values() {
            let set = by_version.entry(&owned.api_version).or_default();
            *set = set.union(&owned.set);
        }
        for owned in by_version.values() {
            let kept = members(&set_of(&pruned)?).union(&members(owned));
            pruned = remove(types, root, merged, &merged_set.difference(&kept));
        }
        let pruned_set = members(&set_of(&pruned)?);
        Ok(remove(types, root, merged, &merged_set.difference(&pruned_set).intersection(&last)))
    }

    /// `kubectl apply --server-side` may take over what its own client-side apply set before.
    fn retry_over_last_applied(
        &self,
        managers: Managers,
        conflicts: Vec<Conflict>,
    ) -> Result<(Value, Managers), ApplyError> {
        let Some(allowed) = self.fields_of_last_applied() else {
            return Err(ApplyError::Conflict(conflicts));
        };
        let left: Vec<Conflict> =
            conflicts.into_iter().filter(|conflict| !allowed.has(&conflict.field.0)).collect();
        if left.is_empty() { self.run(managers, true) } else { Err(ApplyError::Conflict(left)) }
    }

    /// The fields of the last-applied annotation that still have its value.
    fn fields_of_last_applied(&self) -> Option<FieldSet> {
        let annotation = self.live.pointer("/metadata/annotations")?.get(LAST_APPLIED)?.as_str()?;
        let last: Value = serde_json::from_str(annotation).ok()?;
        if last.get("apiVersion").and_then(Value::as_str) != Some(self.kind.api_version().as_str()) {
            return None;
        }
        let (types, root) = (&self.kind.types, self.kind.root);
        structured::check(types, root, &last, false).ok()?;
        let set = field_set_of(types, root, &last).ok()?;
        let changed = compare(types, root, &last, self.live).ok()?;
        Some(set.difference(&changed.modified).difference(&changed.added).difference(&changed.removed))
    }

    fn unconvertible(&self, detail: &str) -> ApplyError {
        let around = if detail.starts_with("illegal base64") { "error decoding from json: " } else { "" };
        let what = self.described(self.applied);
        let version = self.group_version();
        let kind = self.kind.kind();
        ApplyError::Misfit(format!(
            "failed to convert new object ({what}) to proper version: unable to convert unstructured object to {version}, Kind={kind}: {around}{detail}"
        ))
    }

    fn group_version(&self) -> String {
        let core = if self.kind.group.is_empty() { "/" } else { "" };
        format!("{core}{}", self.kind.api_version())
    }

    /// `NAMESPACE/NAME; GROUP/VERSION, Kind=KIND`.
    fn described(&self, object: &Value) -> String {
        let (namespace, name) = (metadata_text(object, "namespace"), metadata_text(object, "name"));
        format!("{namespace}/{name}; {}, Kind={}", self.group_version(), self.kind.kind())
    }

    fn misfit(&self, doing: &str, object: &Value, misfits: &[Misfit]) -> ApplyError {
        let text = format!("{doing} ({}): {}", self.described(object), misfits_text(misfits));
        ApplyError::Misfit(text)
    }
}

fn plain_misfit(doing: &str, misfits: &[Misfit]) -> ApplyError {
    ApplyError::Misfit(format!("{doing}: {}", misfits_text(misfits)))
}

/// An object that carries the annotation keeps it true, so that client-side apply can be used again.
fn keep_last_applied(object: &mut Value, applied: &Value) {
    let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) else {
        return;
    };
    if annotations.get(LAST_APPLIED).and_then(Value::as_str).is_none_or(str::is_empty) {
        return;
    }
    let mut applied = applied.clone();
    if let Some(own) = applied.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        own.shift_remove(LAST_APPLIED);
    }
    applied.sort_all_objects();
    let text = format!("{}\n", crate::values::go_json(&applied));
    annotations.insert(LAST_APPLIED.to_owned(), Value::String(text));
    let size: usize =
        annotations.iter().map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
    if size > MAX_ANNOTATIONS {
        annotations.shift_remove(LAST_APPLIED);
    }
}
