//! What a person asks of an app: said beforehand, then patched into the app's resource, where the
//! controllers find it.

use belay_manifest::{Object, ObjectKey};
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

use super::argo::{items, text};
use super::{Sight, differences, flux, index};
use crate::action::{Accepted, ActError, Action, Preview};
use crate::app::{AppKind, AppRef};

/// The name under which a person's wishes are written.
const FIELD_MANAGER: &str = "belay";
/// The annotation that makes Flux look again.
pub(crate) const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";
/// The annotation that makes Argo CD look again.
pub(crate) const REFRESH: &str = "argocd.argoproj.io/refresh";
/// Steps of a preview that are spelt out.
const MOST_STEPS: usize = 200;

/// What the action would do.
pub(crate) fn preview(sight: &Sight, app: &AppRef, action: &Action) -> Result<Preview, ActError> {
    let resource = resource(sight, app)?;
    let mut preview = match action {
        Action::Sync { prune, .. } => sync_preview(sight, app, &resource, *prune),
        Action::Refresh => Preview {
            effect: "Reads the source and compares again. Changes nothing by itself.".to_owned(),
            ..Preview::default()
        },
        Action::Suspend { suspend } => suspend_preview(app.kind, *suspend),
    };
    preview.refused = refusal(app, &resource, action).unwrap_or_default();
    Ok(preview)
}

/// Patches the wish into the app's resource.
pub(crate) async fn act(sight: &Sight, app: &AppRef, action: &Action) -> Result<Accepted, ActError> {
    let resource = resource(sight, app)?;
    if let Some(reason) = refusal(app, &resource, action) {
        return Err(ActError::Refused(reason));
    }
    let patches = patches(app, &resource, action);
    for (key, patch) in &patches {
        write(sight, key, patch).await.map_err(|source| ActError::Write { app: app.to_string(), source })?;
    }
    Ok(Accepted { message: accepted(app, action) })
}

/// A merge patch of one resource.
pub(crate) async fn write(sight: &Sight, key: &ObjectKey, patch: &Value) -> Result<(), kube::Error> {
    let Some(kind) = sight.live.kinds().known_in_any_version(&key.group, &key.kind) else {
        return Err(kube::Error::Service(
            format!("the cluster does not know kind {}", key.kind_and_group()).into(),
        ));
    };
    let api: Api<DynamicObject> =
        Api::namespaced_with(sight.live.client().clone(), &key.namespace, &kind.api);
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    api.patch(&key.name, &params, &Patch::Merge(patch)).await.map(|_| ())
}

fn resource(sight: &Sight, app: &AppRef) -> Result<std::sync::Arc<Object>, ActError> {
    sight.live.get(&app.key()).ok_or_else(|| ActError::NotFound(app.to_string()))
}

/// Why the action makes no sense for this app now.
fn refusal(app: &AppRef, resource: &Object, action: &Action) -> Option<String> {
    let value = resource.value();
    let is_argo = app.kind == AppKind::Application;
    let suspended = value.pointer("/spec/suspend").and_then(Value::as_bool) == Some(true);
    match action {
        Action::Sync { .. } if is_argo && is_busy(value) => {
            Some("an operation is in progress already".to_owned())
        }
        Action::Sync { dry_run: true, .. } if !is_argo => {
            Some("a dry run of Flux's resources is not supported yet".to_owned())
        }
        Action::Sync { .. } if suspended => Some("it is suspended; resume it first".to_owned()),
        Action::Suspend { .. } if is_argo && !has_automation(value) => {
            Some("it is never synced without being asked, so there is nothing to suspend".to_owned())
        }
        _ => None,
    }
}

fn is_busy(value: &Value) -> bool {
    value.get("operation").is_some_and(|operation| !operation.is_null())
        || matches!(text(value, "/status/operationState/phase").as_str(), "Running" | "Terminating")
}

fn has_automation(value: &Value) -> bool {
    value.pointer("/spec/syncPolicy/automated").is_some_and(Value::is_object)
}

/// The patches, in order. Flux's source comes first, so that what it fetches is applied.
fn patches(app: &AppRef, resource: &Object, action: &Action) -> Vec<(ObjectKey, Value)> {
    let key = resource.key();
    match (app.kind, action) {
        (AppKind::Application, Action::Sync { prune, dry_run }) => {
            let options = resource.value().pointer("/spec/syncPolicy/syncOptions");
            let mut sync = json!({"prune": prune, "dryRun": dry_run});
            if let Some(options) = options.filter(|options| options.is_array()) {
                sync["syncOptions"] = options.clone();
            }
            vec![(key, json!({"operation": {"initiatedBy": {"username": FIELD_MANAGER}, "sync": sync}}))]
        }
        (AppKind::Application, Action::Refresh) => vec![(key, annotated(REFRESH, "normal"))],
        // Without the field, automation is on: so resuming leaves no trace.
        (AppKind::Application, Action::Suspend { suspend }) => {
            let enabled = if *suspend { json!(false) } else { Value::Null };
            vec![(key, json!({"spec": {"syncPolicy": {"automated": {"enabled": enabled}}}}))]
        }
        (kind, Action::Sync { .. } | Action::Refresh) => {
            let now = jiff::Timestamp::now().to_string();
            let source = flux::source_key(kind, resource).filter(|source| source.group == flux::SOURCE_GROUP);
            let both = source.into_iter().chain([key]);
            both.map(|key| (key, annotated(REQUESTED_AT, &now))).collect()
        }
        (_, Action::Suspend { suspend }) => vec![(key, json!({"spec": {"suspend": suspend}}))],
    }
}

pub(crate) fn annotated(name: &str, value: &str) -> Value {
    json!({"metadata": {"annotations": {name: value}}})
}

fn accepted(app: &AppRef, action: &Action) -> String {
    let done = match action {
        Action::Sync { dry_run: true, .. } => "dry run asked for",
        Action::Sync { .. } => "sync asked for",
        Action::Refresh => "refresh asked for",
        Action::Suspend { suspend: true } => "suspended",
        Action::Suspend { suspend: false } => "resumed",
    };
    format!("{app}: {done}")
}

fn suspend_preview(kind: AppKind, suspend: bool) -> Preview {
    let (effect, field) = match (kind, suspend) {
        (AppKind::Application, true) => (
            "Stops syncing by itself; what is live stays. A sync can still be asked for.",
            "sets spec.syncPolicy.automated.enabled to false",
        ),
        (AppKind::Application, false) => (
            "Syncs by itself again; what was changed meanwhile is undone if self-heal is on.",
            "removes spec.syncPolicy.automated.enabled",
        ),
        (_, true) => {
            ("Leaves the app alone: nothing is applied, healed or pruned.", "sets spec.suspend to true")
        }
        (_, false) => ("Takes the app up again and reconciles it at once.", "sets spec.suspend to false"),
    };
    Preview { effect: effect.to_owned(), steps: vec![field.to_owned()], ..Preview::default() }
}

fn sync_preview(sight: &Sight, app: &AppRef, resource: &Object, prune: bool) -> Preview {
    let mut found = Found::default();
    for (key, sync) in index::managed(app.kind, resource) {
        let differences = differences::of_object(sight, app, &key);
        for difference in &differences {
            let side = |value: &Option<Value>| value.as_ref().map_or("nothing".to_owned(), short);
            found.fields += 1;
            found.steps.push(format!(
                "{key}: {} {} → {}",
                difference.path,
                side(&difference.live),
                side(&difference.desired)
            ));
        }
        let out_of_sync = sync == crate::app::Sync::OutOfSync;
        if !differences.is_empty() || (out_of_sync && !is_to_prune(resource, &key)) {
            found.objects += 1;
            if differences.is_empty() {
                found.steps.push(format!("{key}: apply"));
            }
        }
    }
    let deletes = to_prune(resource);
    if prune {
        found.steps.extend(deletes.iter().map(|key| format!("{key}: delete")));
    } else if !deletes.is_empty() {
        found.steps.push(format!("{} that Git no longer names: kept", counted(deletes.len(), "object")));
    }
    let deleted = if prune { deletes.len() } else { 0 };
    let hidden = found.steps.len().saturating_sub(MOST_STEPS);
    found.steps.truncate(MOST_STEPS);
    if hidden > 0 {
        found.steps.push(format!("and {hidden} more"));
    }
    let effect = if found.objects == 0 && deleted == 0 {
        "Reads the source and applies it; nothing differs now.".to_owned()
    } else {
        let (objects, fields) = (counted(found.objects, "object"), counted(found.fields, "field"));
        format!("Applies {objects}, sets {fields}, deletes {}.", counted(deleted, "object"))
    };
    Preview {
        effect,
        steps: found.steps,
        destructive: deleted > 0 || found.fields > 0,
        refused: String::new(),
    }
}

/// `1 field`, `2 fields`.
pub(crate) fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

#[derive(Default)]
struct Found {
    objects: usize,
    fields: usize,
    steps: Vec<String>,
}

fn to_prune(resource: &Object) -> Vec<ObjectKey> {
    let entries =
        items(resource.value(), "/status/resources").filter(|entry| entry["requiresPruning"] == true);
    let one = |entry: &Value| ObjectKey {
        group: text(entry, "/group"),
        kind: text(entry, "/kind"),
        namespace: text(entry, "/namespace"),
        name: text(entry, "/name"),
    };
    entries.map(one).collect()
}

fn is_to_prune(resource: &Object, key: &ObjectKey) -> bool {
    to_prune(resource).contains(key)
}

/// A value in one short line.
fn short(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.chars().count() <= 60 {
        return text;
    }
    text.chars().take(59).chain(['…']).collect()
}
