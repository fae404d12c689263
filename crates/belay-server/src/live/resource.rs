//! One object of an app: both sides, their differences, who writes to it, and its Events.

use belay_diff::Ownership;
use belay_manifest::{Object, ObjectKey, mask_secret_values};
use kube::api::{Api, DynamicObject, ListParams};
use kube::core::ApiResource;
use serde_json::Value;

use super::argo::{items, text};
use super::{Sight, differences, index, tree};
use crate::app::{AppRef, Sync};
use crate::detail::{Event, Manager, Reason, ResourceDetail};
use crate::shown;

/// Most Events that a page shows.
const MOST_EVENTS: u32 = 100;

/// `None`: the object is neither managed by the app nor owned by what it manages.
pub(crate) async fn detail(sight: &Sight, app: &AppRef, key: &ObjectKey) -> Option<ResourceDetail> {
    let resource = sight.live.get(&app.key())?;
    let managed = index::managed(app.kind, &resource).into_iter().find(|(managed, _)| managed == key);
    let mut node = tree::node(key, sight.live.get(key).as_deref(), managed.map(|(_, sync)| sync));
    if !node.managed && *key != resource.key() && !is_below(sight, app, &resource, key) {
        return None;
    }
    let live = whole(sight, key).await;
    let desired = sight.desired.desired(app, key);
    let differences = match (&desired, &live) {
        (Some(desired), Some(live)) => differences::between(sight, app.kind, key, desired, live),
        _ => Vec::new(),
    };
    if node.managed && !differences.is_empty() {
        node.sync = Some(Sync::OutOfSync);
    }
    let managers = live.as_ref().map(managers).unwrap_or_default();
    let owners = live.as_ref().map(owners).unwrap_or_default();
    let events = events(sight, key, live.as_ref()).await;
    let hidden = sight.desired.hidden_annotations();
    Some(ResourceDetail {
        node,
        desired: desired.as_ref().map(|object| shown(object, &hidden)),
        live: live.as_ref().map(|object| shown(object, &hidden)),
        differences,
        managers,
        owners,
        events,
        why: why(sight, app, key),
    })
}

/// What the app's past says of the object: others' changes of it, and what was decided then.
fn why(sight: &Sight, app: &AppRef, key: &ObjectKey) -> Vec<Reason> {
    let past = sight.desired.past(app).into_iter().rev();
    past.filter(|entry| entry.trigger.is_about(key)).map(Reason::from).collect()
}

/// Only what belongs to the app is shown on its pages.
fn is_below(sight: &Sight, app: &AppRef, resource: &Object, key: &ObjectKey) -> bool {
    let Some(row) = super::engine::row(sight, app, resource) else {
        return false;
    };
    let tree = tree::build(sight, row, index::managed(app.kind, resource));
    tree.nodes.iter().any(|node| node.object == *key)
}

/// The live object with all its fields. Of objects that no app holds, the watch keeps a part only.
async fn whole(sight: &Sight, key: &ObjectKey) -> Option<Object> {
    let known = sight.live.get(key)?;
    if known.value().pointer("/metadata/managedFields").is_some() {
        return Some((*known).clone());
    }
    let resource = sight.live.kinds().find(&known.gvk()).await.ok()?;
    let api = resource.objects(sight.live.client(), &key.namespace);
    let asked = api.get(&key.name).await.ok().and_then(|object| serde_json::to_value(object).ok());
    // What the watch keeps is better than nothing.
    Some(asked.and_then(|value| Object::new(value).ok()).unwrap_or_else(|| (*known).clone()))
}

/// As people should see it: Secrets with their `hidden` annotations and passwords masked, without the bookkeeping of
/// field managers.
fn shown(object: &Object, hidden: &[String]) -> Value {
    let mut value = mask_secret_values(object, hidden).into_value();
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    shown::value(value)
}

fn managers(object: &Object) -> Vec<Manager> {
    // The root is on every manager's way.
    let ownership = Ownership::of(object.value());
    let owners = ownership.owners(&belay_diff::FieldPath::default());
    let one = |owner: &belay_diff::Owner| Manager {
        name: owner.manager.clone(),
        operation: owner.operation.clone(),
        subresource: owner.subresource.clone(),
        time: owner.time.clone(),
    };
    owners.into_iter().map(one).collect()
}

fn owners(object: &Object) -> Vec<ObjectKey> {
    let one = |reference: &Value| ObjectKey {
        group: belay_manifest::GroupVersionKind::new(&text(reference, "/apiVersion"), "").group,
        kind: text(reference, "/kind"),
        namespace: object.namespace().to_owned(),
        name: text(reference, "/name"),
    };
    items(object.value(), "/metadata/ownerReferences").map(one).collect()
}

/// Asked for only when a person looks: nobody needs all Events of a cluster in memory.
async fn events(sight: &Sight, key: &ObjectKey, live: Option<&Object>) -> Vec<Event> {
    let namespace = if key.namespace.is_empty() { "default" } else { &key.namespace };
    let resource = ApiResource {
        group: String::new(),
        version: "v1".to_owned(),
        api_version: "v1".to_owned(),
        kind: "Event".to_owned(),
        plural: "events".to_owned(),
    };
    let api: Api<DynamicObject> = Api::namespaced_with(sight.live.client().clone(), namespace, &resource);
    let wanted = format!("involvedObject.name={},involvedObject.kind={}", key.name, key.kind);
    let listed = match api.list(&ListParams::default().fields(&wanted).limit(MOST_EVENTS)).await {
        Ok(listed) => listed,
        Err(error) => {
            tracing::debug!(object = %key, %error, "events not listed");
            return Vec::new();
        }
    };
    let uid = live.map(Object::uid).unwrap_or_default();
    let values = listed.items.into_iter().filter_map(|event| serde_json::to_value(event).ok());
    // An Event of an earlier object of that name is another story.
    let values = values.filter(|event| {
        let about = text(event, "/involvedObject/uid");
        uid.is_empty() || about.is_empty() || about == uid
    });
    let mut events: Vec<Event> = values.map(|event| event_of(&event)).collect();
    events.sort_by(|one, other| other.time.cmp(&one.time));
    events
}

fn event_of(event: &Value) -> Event {
    let first = |pointers: &[&str]| {
        let texts = pointers.iter().map(|pointer| text(event, pointer));
        texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
    };
    Event {
        kind: text(event, "/type"),
        reason: text(event, "/reason"),
        message: shown::text(&text(event, "/message")),
        source: first(&["/source/component", "/reportingComponent"]),
        count: event["count"].as_i64().unwrap_or(1),
        time: first(&[
            "/lastTimestamp",
            "/series/lastObservedTime",
            "/eventTime",
            "/metadata/creationTimestamp",
        ]),
    }
}
