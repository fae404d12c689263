//! Objects of kinds that nobody works on yet are told so, unless another controller works on them.
//!
//! Guarantees: a status that anybody else has written is left alone; a status is written only as it was when that was
//! made sure of; whoever runs beside us is given time to speak first.

use std::collections::HashMap;
use std::time::Duration;

use belay_crd::{Kind, Subresources, Support};
use belay_manifest::{GroupVersionKind, Object, ObjectKey};
use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use crate::events::{EventRecorder, Severity};
use crate::live::LiveState;
use crate::queue::WorkQueue;
use crate::replicas::Share;

/// The manager of these statuses: that of no original, so that theirs can be told from ours.
const MANAGER: &str = "belay";
/// The reason of conditions and Events about what is not built yet.
pub const NOT_SUPPORTED: &str = "NotSupported";
/// How long another controller is given to speak first.
const OTHERS_FIRST: Duration = Duration::from_secs(5);
/// How soon the API server is asked again for kinds that it does not know when Belay starts: its definitions may have been
/// applied a moment ago.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// How often it is looked later for definitions that have been added; no request is needed for that.
const DEFINITIONS: Duration = Duration::from_secs(30);

/// A kind that nobody works on yet.
#[derive(Debug, Clone)]
pub struct Unbuilt {
    /// The kind.
    pub kind: GroupVersionKind,
    /// The status that says so; nothing for a kind without one, whose objects get an Event alone.
    pub status: Option<StatusOf>,
}

impl Unbuilt {
    /// Those of a family's kinds of which nothing is honoured.
    pub fn of(kinds: &[&Kind], support: &Support, status: StatusOf) -> Vec<Unbuilt> {
        let one = |kind: &&Kind| Unbuilt {
            kind: GroupVersionKind::new(&kind.api_version(), kind.kind),
            status: (kind.subresources == Subresources::Status).then_some(status),
        };
        kinds.iter().filter(|kind| !support.is_built(kind)).map(one).collect()
    }

    /// Whether the object's status says so already.
    fn is_told(&self, object: &Object, message: &str) -> bool {
        self.status_of(object, message).is_some_and(|status| object.value().get("status") == Some(&status))
    }

    /// The status that says so.
    fn status_of(&self, object: &Object, message: &str) -> Option<Value> {
        let known = object.value().get("status").filter(|status| status.is_object());
        let known = known.cloned().unwrap_or_else(|| json!({}));
        self.status.map(|status| status(known, object, message, crate::now()))
    }
}

/// Adds to an object's status, which may be empty, that the object is not supported, by the message to give.
pub type StatusOf = fn(Value, &Object, &str, Timestamp) -> Value;

/// Who tells.
pub struct Teller<'a> {
    /// The cluster.
    pub live: &'a LiveState,
    /// What of the work is ours.
    pub share: &'a Share,
    /// Whose Events they are.
    pub events: &'a EventRecorder,
    /// Whether objects of a namespace are anybody's business here.
    pub is_ours: &'a (dyn Fn(&str) -> bool + Send + Sync),
}

impl Teller<'_> {
    /// Tells every object of these kinds, until the future is dropped.
    pub async fn run(&self, kinds: &[Unbuilt]) {
        let queue = WorkQueue::new();
        let watch = async {
            let mut pause = FIRST_PAUSE;
            loop {
                self.watch(kinds, pause < DEFINITIONS).await;
                tokio::time::sleep(pause).await;
                pause = DEFINITIONS.min(pause * 2);
            }
        };
        tokio::select! {
            () = watch => {}
            () = self.take_in(kinds, &queue) => {}
            () = self.work(kinds, &queue) => {}
        }
    }

    /// Watches those of the kinds that are served. `asks` says whether the API server is asked for those that are not known.
    async fn watch(&self, kinds: &[Unbuilt], asks: bool) {
        let is_known = |unbuilt: &Unbuilt| self.live.kinds().known(&unbuilt.kind).is_some();
        if asks
            && !kinds.iter().all(is_known)
            && let Err(error) = self.live.kinds().refresh(FIRST_PAUSE).await
        {
            tracing::debug!(%error, "kinds are not known");
        }
        for unbuilt in kinds {
            if is_known(unbuilt)
                && let Err(error) = self.live.ensure(&unbuilt.kind).await
            {
                tracing::debug!(kind = %unbuilt.kind, %error, "not watched");
            }
        }
    }

    async fn take_in(&self, kinds: &[Unbuilt], queue: &WorkQueue<ObjectKey>) {
        let mut changes = self.live.subscribe();
        let mut share = self.share.changes();
        let add_all = || {
            let objects = kinds.iter().flat_map(|one| self.live.of_kind(&one.kind.group, &one.kind.kind));
            objects.for_each(|object| queue.add_after(object.key(), OTHERS_FIRST));
        };
        add_all();
        loop {
            tokio::select! {
                () = share.next() => add_all(),
                change = changes.recv() => match change {
                    Ok(change) if change.after.is_none() => queue.forget(&change.key),
                    Ok(change) if unbuilt_of(kinds, &change.key).is_some() => {
                        queue.add_after(change.key, OTHERS_FIRST);
                    }
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => add_all(),
                    Err(RecvError::Closed) => std::future::pending().await,
                },
            }
        }
    }

    async fn work(&self, kinds: &[Unbuilt], queue: &WorkQueue<ObjectKey>) {
        // Of objects without a status: which life and generation was told of.
        let mut told = HashMap::new();
        loop {
            let key = queue.next().await;
            if let Some(unbuilt) = unbuilt_of(kinds, &key)
                && self.share.holds(&key.to_string())
                && (self.is_ours)(&key.namespace)
            {
                self.tell(unbuilt, &key, &mut told).await;
            }
            queue.done(&key);
        }
    }

    async fn tell(&self, unbuilt: &Unbuilt, key: &ObjectKey, told: &mut HashMap<ObjectKey, (String, Value)>) {
        let message = format!("`{}` is not supported yet", key.kind);
        let Some(known) = self.live.get(key) else {
            told.remove(key);
            return;
        };
        if is_worked_on(&known) || unbuilt.is_told(&known, &message) {
            return;
        }
        let Some(object) = self.newest(unbuilt, key).await else { return };
        let is_news = match unbuilt.status_of(&object, &message) {
            Some(status) => self.write(unbuilt, &object, &status).await,
            None => {
                let state = (object.uid().to_owned(), object.value()["metadata"]["generation"].clone());
                told.insert(key.clone(), state.clone()) != Some(state)
            }
        };
        if is_news {
            tracing::warn!(object = %key, "{message}");
            let annotations = std::collections::BTreeMap::new();
            self.events.record(&object, Severity::Warning, NOT_SUPPORTED, &message, &annotations).await;
        }
    }

    /// The object as the API server has it: what a watch told may be too old to go by. Nothing when it is being deleted,
    /// or when somebody else works on it.
    async fn newest(&self, unbuilt: &Unbuilt, key: &ObjectKey) -> Option<Object> {
        let resource = self.live.kinds().known(&unbuilt.kind)?;
        let found = resource.objects(self.live.client(), &key.namespace).get_opt(&key.name).await;
        let mut value = serde_json::to_value(found.ok()??).ok()?;
        value["apiVersion"] = Value::from(resource.api.api_version);
        value["kind"] = Value::from(resource.api.kind);
        let object = Object::new(value).ok()?;
        let is_going = !object.value()["metadata"]["deletionTimestamp"].is_null();
        (!is_going && !is_worked_on(&object)).then_some(object)
    }

    /// Writes the status. Gives whether it was written.
    async fn write(&self, unbuilt: &Unbuilt, object: &Object, status: &Value) -> bool {
        let Some(resource) = self.live.kinds().known(&unbuilt.kind) else { return false };
        let version = &object.value()["metadata"]["resourceVersion"];
        let patch = json!({"metadata": {"resourceVersion": version}, "status": status});
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        let api = resource.objects(self.live.client(), object.namespace());
        let answer = api.patch_status(object.name(), &params, &Patch::Merge(&patch)).await;
        match &answer {
            // Whoever wrote in between brings another look.
            Err(kube::Error::Api(status)) if [404, 409].contains(&status.code) => {}
            Err(error) => tracing::warn!(object = %object.key(), %error, "not written"),
            Ok(_) => {}
        }
        answer.is_ok()
    }
}

fn unbuilt_of<'a>(kinds: &'a [Unbuilt], key: &ObjectKey) -> Option<&'a Unbuilt> {
    kinds.iter().find(|one| one.kind.group == key.group && one.kind.kind == key.kind)
}

/// Whether anybody but us has written the object's status.
fn is_worked_on(object: &Object) -> bool {
    let writers = object.value().pointer("/metadata/managedFields").and_then(Value::as_array);
    let mut writers = writers
        .into_iter()
        .flatten()
        .filter(|entry| entry["subresource"] == "status" || entry.pointer("/fieldsV1/f:status").is_some());
    writers.any(|entry| entry["manager"] != MANAGER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written_by(entries: Value) -> Object {
        let metadata = json!({"name": "a", "managedFields": entries});
        let object =
            json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "Bucket", "metadata": metadata});
        Object::new(object).expect("an object")
    }

    #[test]
    fn a_status_that_others_write_is_left_alone() {
        let spec = json!({"manager": "kubectl", "fieldsV1": {"f:spec": {}}});
        let ours = json!({"manager": "belay", "subresource": "status", "fieldsV1": {"f:status": {}}});
        let theirs = json!({"manager": "gotk-source-controller", "subresource": "status"});
        let whole = json!({"manager": "argocd-server", "fieldsV1": {"f:spec": {}, "f:status": {}}});
        assert!(!is_worked_on(&written_by(json!([spec]))));
        assert!(!is_worked_on(&written_by(json!([spec, ours]))));
        assert!(is_worked_on(&written_by(json!([spec, ours, theirs]))));
        assert!(is_worked_on(&written_by(json!([whole]))));
    }
}
