//! What is live in the cluster, from watches.
//!
//! A kind is watched from the moment somebody needs it. Objects that belong to an app are kept
//! whole; of all others only what the resource tree shows: metadata, status and the few spec
//! fields that health needs. The watch owns the picture; an apply's answer is learnt at once, so
//! that the next look does not see the past.

mod current;
mod definitions;
mod doubts;
mod kept;
mod picture;
mod reassign;
#[cfg(test)]
mod tests;
mod wanted;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use belay_manifest::{GroupVersionKind, Object, ObjectKey};
use futures::{StreamExt, pin_mut};
use kube::core::ApiResource;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Client, ResourceExt};
use serde_json::Value;
use tokio::sync::{broadcast, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use crate::connect::Clients;
use crate::kinds::{KindError, Kinds, Resource, Scope};
use crate::plain::PlainObject;
use crate::replicas::Gate;

use self::definitions::follow_kinds;
use self::doubts::Doubts;
pub use self::doubts::UnderWay;
use self::kept::Kept;
use self::picture::Picture;

/// How long the first list of a kind may take before a look at it fails.
const FIRST_LIST: Duration = Duration::from_secs(30);
/// How soon a kind that could not be listed is tried again by those who cannot do without.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// Changes kept for a slow reader; one that falls further behind looks at everything again.
const CHANGES: usize = 16 * 1024;

/// An object changed, appeared (`before` is `None`) or went (`after` is `None`).
#[derive(Debug, Clone)]
pub struct Change {
    /// Which object.
    pub key: ObjectKey,
    /// As it was.
    pub before: Option<Arc<Object>>,
    /// As it is.
    pub after: Option<Arc<Object>>,
}

/// Why the live state of a kind is not known.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LiveError {
    /// The cluster does not know the kind.
    #[error("the cluster does not know kind {kind}")]
    UnknownKind {
        /// The kind.
        kind: GroupVersionKind,
    },
    /// The kind cannot be listed, or the list failed.
    #[error("the live objects of kind {kind} are not known: {reason}")]
    NotListed {
        /// The kind.
        kind: GroupVersionKind,
        /// What the API server said.
        reason: String,
    },
    /// The answer to a write was lost, and asking for the object failed.
    #[error("what became of the last write of {key} is not known: {reason}")]
    LostAnswer {
        /// The object.
        key: ObjectKey,
        /// What the API server said.
        reason: String,
    },
}

/// Progress of one kind's watch.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Listing {
    Pending(Option<String>),
    Complete,
    /// There was a complete list; since then the watch has failed and told nothing, or lists anew.
    Interrupted,
    /// The API server does not serve the kind, or not any more; the watch was given up.
    Unserved(String),
}

impl Listing {
    fn has_listed(&self) -> bool {
        matches!(self, Listing::Complete | Listing::Interrupted)
    }

    /// Goes from one state to another, if it is in the one.
    fn passes(&mut self, from: Listing, to: Listing) -> bool {
        let does = *self == from;
        if does {
            *self = to;
        }
        does
    }
}

/// The live objects of one cluster.
#[derive(Clone)]
pub struct LiveState {
    client: Client,
    gate: Gate,
    watching: Client,
    kinds: Kinds,
    reach: Reach,
    tasks: Arc<Mutex<Vec<AbortHandle>>>,
    troubles: Arc<watch::Sender<u64>>,
    belonging: Arc<dyn Fn(&Object) -> Belonging + Send + Sync>,
    picture: Arc<RwLock<Picture>>,
    doubts: Arc<Mutex<Doubts>>,
    watches: Arc<RwLock<Watches>>,
    changes: broadcast::Sender<Change>,
}

/// Whose an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Belonging {
    /// An app's: kept whole, found by [`LiveState::of_app`].
    App(String),
    /// Nobody's, but read by us: kept whole.
    Whole,
    /// Nobody's: kept trimmed.
    Nobody,
}

impl Belonging {
    /// Of what two families say, what keeps more.
    #[must_use]
    pub fn or(self, other: Belonging) -> Belonging {
        match (self, other) {
            (Belonging::App(app), _) | (_, Belonging::App(app)) => Belonging::App(app),
            (Belonging::Whole, _) | (_, Belonging::Whole) => Belonging::Whole,
            (Belonging::Nobody, Belonging::Nobody) => Belonging::Nobody,
        }
    }
}

/// The progress of each watched kind's watches, by group and kind.
type Watches = HashMap<(String, String), Vec<watch::Receiver<Listing>>>;

/// What of a cluster is watched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// The namespaces; all when empty.
    pub namespaces: Vec<String>,
    /// Whether objects outside of namespaces are watched although namespaces are named.
    pub cluster_resources: bool,
}

impl Reach {
    /// Whether an object of this namespace, or of none, is within.
    pub fn holds(&self, namespace: &str) -> bool {
        self.namespaces.is_empty()
            || if namespace.is_empty() {
                self.cluster_resources
            } else {
                self.namespaces.iter().any(|known| known == namespace)
            }
    }

    /// Where a kind is watched: everywhere, in some namespaces, or nowhere.
    pub(crate) fn places(&self, scope: Scope) -> Vec<Option<String>> {
        match scope {
            _ if self.namespaces.is_empty() => vec![None],
            Scope::Cluster if self.cluster_resources => vec![None],
            Scope::Cluster => Vec::new(),
            Scope::Namespaced => self.namespaces.iter().cloned().map(Some).collect(),
        }
    }
}

impl LiveState {
    /// Nothing is watched yet. `belonging` tells whose an object is.
    pub fn new(
        client: Client,
        kinds: Kinds,
        belonging: impl Fn(&Object) -> Belonging + Send + Sync + 'static,
    ) -> LiveState {
        LiveState {
            watching: client.clone(),
            client,
            gate: Gate::always(),
            kinds,
            reach: Reach::default(),
            tasks: Arc::default(),
            troubles: Arc::new(watch::channel(0).0),
            belonging: Arc::new(belonging),
            picture: Arc::default(),
            doubts: Arc::default(),
            watches: Arc::default(),
            changes: broadcast::channel(CHANGES).0,
        }
    }

    /// Nothing is watched yet, in another cluster; whose an object is is told as here.
    pub fn of_another(&self, clients: Clients, reach: Reach) -> LiveState {
        LiveState {
            kinds: Kinds::new(clients.requests.clone()),
            client: self.gate.guard(&clients.requests),
            gate: self.gate.clone(),
            watching: clients.watches,
            reach,
            tasks: Arc::default(),
            troubles: Arc::new(watch::channel(0).0),
            belonging: self.belonging.clone(),
            picture: Arc::default(),
            doubts: Arc::default(),
            watches: Arc::default(),
            changes: broadcast::channel(CHANGES).0,
        }
    }

    /// The same picture by the same watches, with another client for requests.
    #[must_use]
    pub fn with_requests_by(&self, client: Client) -> LiveState {
        LiveState { client, ..self.clone() }
    }

    /// The same picture by the same watches, whose writes pass a gate, as do those to other clusters from here.
    #[must_use]
    pub fn with_writes_through(&self, gate: &Gate) -> LiveState {
        LiveState { client: gate.guard(&self.client), gate: gate.clone(), ..self.clone() }
    }

    /// What of the cluster is watched.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Ends every watch. What was seen stays, and is never news again.
    pub fn close(&self) {
        let mut tasks = self.tasks.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        tasks.drain(..).for_each(|task| task.abort());
    }

    /// Changes whenever a watch fails.
    pub fn troubles(&self) -> watch::Receiver<u64> {
        self.troubles.subscribe()
    }

    /// The cluster's kinds.
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// The client of this cluster.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Changes from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Watches the kind, if that is not done yet, and waits for its first list.
    pub async fn ensure(&self, kind: &GroupVersionKind) -> Result<(), LiveError> {
        let resource = self.kinds.find(kind).await.map_err(|error| match error {
            KindError::Unknown { kind } => LiveError::UnknownKind { kind },
            other => LiveError::NotListed { kind: kind.clone(), reason: chain(&other) },
        })?;
        if !resource.watchable {
            let reason = "it can be neither listed nor watched".to_owned();
            return Err(LiveError::NotListed { kind: kind.clone(), reason });
        }
        let deadline = Instant::now() + FIRST_LIST;
        for mut listing in self.watch_of(&resource) {
            let wait = listing.wait_for(|listing| !matches!(listing, Listing::Pending(_)));
            // Whatever ends the wait, the listing says what is known.
            let _ = timeout_at(deadline, wait).await;
            let seen = listing.borrow().clone();
            let reason = match seen {
                Listing::Complete | Listing::Interrupted => continue,
                Listing::Unserved(reason) => return Err(self.unserved(kind, reason).await),
                Listing::Pending(Some(reason)) => reason,
                Listing::Pending(None) => format!("the list did not end within {} s", FIRST_LIST.as_secs()),
            };
            return Err(LiveError::NotListed { kind: kind.clone(), reason });
        }
        Ok(())
    }

    /// Begins to watch kinds that will be asked for, and waits for nothing.
    pub fn begin<'a>(&self, kinds: impl Iterator<Item = &'a GroupVersionKind>) {
        for kind in kinds {
            if let Some(resource) = self.kinds.known(kind).filter(|resource| resource.watchable) {
                self.watch_of(&resource);
            }
        }
    }

    /// Whether a kind is watched; its first list may still be under way.
    pub fn is_watched(&self, kind: &GroupVersionKind) -> bool {
        let watches = self.watches.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        watches.contains_key(&(kind.group.clone(), kind.kind.clone()))
    }

    /// Whether a kind's first list has ended, so that all of its objects are known. Asks nothing.
    pub fn is_listed(&self, kind: &GroupVersionKind) -> bool {
        let watches = self.watches.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let listings = watches.get(&(kind.group.clone(), kind.kind.clone()));
        listings.is_some_and(|listings| listings.iter().all(|listing| listing.borrow().has_listed()))
    }

    /// Why a kind that was known is not served: its definition may have gone, which the next discovery tells.
    async fn unserved(&self, kind: &GroupVersionKind, reason: String) -> LiveError {
        match self.kinds.refresh(AFTER_FAILURE).await {
            Ok(()) if self.kinds.known(kind).is_none() && !self.kinds.is_unreached(kind) => {
                LiveError::UnknownKind { kind: kind.clone() }
            }
            Ok(()) | Err(_) => LiveError::NotListed { kind: kind.clone(), reason },
        }
    }

    /// Gives a watch up: who needs the kind opens another.
    fn give_up(&self, api: &ApiResource, listing: &watch::Sender<Listing>) {
        let mut watches = self.watches.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        let place = (api.group.clone(), api.kind.clone());
        let own = listing.subscribe();
        if watches.get(&place).is_some_and(|known| known.iter().any(|known| known.same_channel(&own))) {
            watches.remove(&place);
        }
    }

    /// Like [`ensure`](LiveState::ensure), as often as it takes: an API server in trouble is no reason to give up.
    pub async fn ensure_in_the_end(&self, kind: &GroupVersionKind) -> Result<(), LiveError> {
        loop {
            match self.ensure(kind).await {
                Err(LiveError::NotListed { reason, .. }) => {
                    tracing::warn!(%kind, reason, "not watched yet, trying again");
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
                done => return done,
            }
        }
    }

    /// An object, if it is live and its kind is watched.
    pub fn get(&self, key: &ObjectKey) -> Option<Arc<Object>> {
        let kept = self.read().get(key).cloned();
        kept.map(|kept| kept.open())
    }

    /// Whether an object is live and its kind is watched.
    pub fn has(&self, key: &ObjectKey) -> bool {
        self.read().get(key).is_some()
    }

    /// How many objects, of how many kinds, are held.
    pub fn counts(&self) -> (usize, usize) {
        self.read().counts()
    }

    /// All watched objects of a namespace.
    pub fn in_namespace(&self, namespace: &str) -> Vec<Arc<Object>> {
        let kept = self.read().in_namespace(namespace);
        opened(kept)
    }

    /// All watched objects of a kind.
    pub fn of_kind(&self, group: &str, kind: &str) -> Vec<Arc<Object>> {
        let kept = self.read().of_kind(group, kind);
        opened(kept)
    }

    /// All watched objects that belong to an app.
    pub fn of_app(&self, app: &str) -> Vec<Arc<Object>> {
        let kept = self.read().of_app(app);
        opened(kept)
    }

    /// The watched objects whose owner references name this uid.
    pub fn children(&self, uid: &str) -> Vec<Arc<Object>> {
        let kept = self.read().of_owner(uid);
        opened(kept)
    }

    /// Takes in the API server's answer to a write of ours, ahead of the watch.
    pub fn learn(&self, object: Object) {
        self.write().learnt.insert(object.key());
        self.put(object);
    }

    /// Takes in that an object has gone, ahead of the watch.
    pub fn learn_gone(&self, key: &ObjectKey) {
        self.take_as(key, true);
    }

    fn watch_of(&self, resource: &Resource) -> Vec<watch::Receiver<Listing>> {
        let api = &resource.api;
        let place = (api.group.clone(), api.kind.clone());
        let mut watches = self.watches.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(listings) = watches.get(&place) {
            return listings.clone();
        }
        let mut listings = Vec::new();
        let mut tasks = self.tasks.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if tasks.is_empty() {
            let following = follow_kinds(self.watching.clone(), self.kinds.clone());
            tasks.push(tokio::spawn(following).abort_handle());
        }
        for namespace in self.reach.places(resource.scope) {
            let (sender, receiver) = watch::channel(Listing::Pending(None));
            tasks
                .push(tokio::spawn(follow(self.clone(), resource.clone(), namespace, sender)).abort_handle());
            listings.push(receiver);
        }
        watches.insert(place, listings.clone());
        listings
    }

    /// From now on a list of the kind tells what there is, but for what is written meanwhile.
    fn begin_list(&self, api: &ApiResource, namespace: Option<&str>) {
        let is_of_list = |key: &ObjectKey| {
            key.group == api.group
                && key.kind == api.kind
                && namespace.is_none_or(|namespace| key.namespace == namespace)
        };
        let mut picture = self.write();
        picture.learnt.retain(|key| !is_of_list(key));
        picture.buried.retain(|key, _| !is_of_list(key));
    }

    /// Puts an object of a list. It counts although its version is lower than the one that is known: the cluster's store
    /// may have been put back to an earlier day.
    fn put_listed(&self, object: Object) {
        self.put_as(object, true);
    }

    /// Puts an object, unless an even newer one is there. Tells subscribers of a change.
    fn put(&self, object: Object) {
        self.put_as(object, false);
    }

    fn put_as(&self, object: Object, is_listed: bool) {
        let key = object.key();
        let version = object.resource_version().to_owned();
        let (object, app, is_wanted) = match (self.belonging)(&object) {
            Belonging::App(app) => (object, Some(app), false),
            Belonging::Whole => (object, None, false),
            Belonging::Nobody if self.read().wanted.contains(&key) => (object, None, true),
            Belonging::Nobody => (trimmed(object), None, false),
        };
        let is_read_all_the_time = app.is_none() && !is_wanted && !is_trimmed(&object);
        let object = Arc::new(object);
        let kept = if is_read_all_the_time { Kept::Open(object.clone()) } else { Kept::packed(&object) };
        let before = {
            let mut picture = self.write();
            let known = picture.get(&key);
            let is_whole_now = |known: &Kept| {
                (app.is_some() || is_wanted)
                    && known.is_trimmed()
                    && !is_newer(known.resource_version(), &version)
            };
            let is_told = is_listed && !picture.learnt.contains(&key);
            let is_news = |known: &Kept| {
                is_newer(&version, known.resource_version())
                    || is_whole_now(known)
                    || (is_told && version != known.resource_version())
            };
            let is_buried = picture.buried.get(&key).is_some_and(|uid| uid == object.uid());
            if is_buried || known.is_some_and(|known| !is_news(known)) {
                return;
            }
            picture.put(&key, kept, owners(&object), app)
        };
        let before = before.map(|before| before.open());
        // No subscriber is no fault.
        let _ = self.changes.send(Change { key, before, after: Some(object) });
    }

    /// Takes an object away because its watch tells so, unless a later one of its name is known by the answer to a write.
    fn take_deleted(&self, deleted: &Object) {
        let key = deleted.key();
        let is_of_the_past = |known: &Kept| is_newer(known.resource_version(), deleted.resource_version());
        let is_known_better = self.read().get(&key).is_some_and(is_of_the_past);
        if !is_known_better {
            self.take(&key);
        }
        // Nothing of before follows in a watch.
        let mut picture = self.write();
        if picture.buried.get(&key).is_some_and(|uid| uid == deleted.uid()) {
            picture.buried.remove(&key);
        }
    }

    fn take(&self, key: &ObjectKey) {
        self.take_as(key, false);
    }

    /// Takes an object away, and buries it if its watch has not told yet.
    fn take_as(&self, key: &ObjectKey, is_buried: bool) {
        let before = {
            let mut picture = self.write();
            let Some(before) = picture.take(key) else { return };
            let before = before.open();
            picture.disown(key, owners(&before));
            if is_buried {
                picture.buried.insert(key.clone(), before.uid().to_owned());
            }
            before
        };
        let _ = self.changes.send(Change { key: key.clone(), before: Some(before), after: None });
    }

    /// After a full list: what was there and is not in the list has gone, but for what was written meanwhile.
    fn retain(&self, api: &ApiResource, namespace: Option<&str>, listed: &BTreeSet<ObjectKey>) {
        let gone: Vec<Arc<ObjectKey>> = {
            let picture = self.read();
            let is_of_list = |key: &ObjectKey| namespace.is_none_or(|namespace| key.namespace == namespace);
            let is_gone = |key: &&Arc<ObjectKey>| {
                is_of_list(key) && !listed.contains(&***key) && !picture.learnt.contains(&***key)
            };
            picture.keys_of_kind(&api.group, &api.kind).filter(is_gone).cloned().collect()
        };
        gone.iter().for_each(|key| self.take(key));
    }

    fn read(&self) -> RwLockReadGuard<'_, Picture> {
        self.picture.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn write(&self) -> RwLockWriteGuard<'_, Picture> {
        self.picture.write().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Follows one kind, everywhere or in one namespace, until the live state is closed.
async fn follow(
    state: LiveState,
    resource: Resource,
    namespace: Option<String>,
    listing: watch::Sender<Listing>,
) {
    let objects = resource.plain(&state.watching, namespace.as_deref().unwrap_or_default());
    let api = resource.api;
    // Lists are consistent reads: no API server that lags behind another one answers them from its past.
    let stream = watcher(objects, Config::default()).default_backoff();
    pin_mut!(stream);
    let mut listed = BTreeSet::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(Event::Init) => {
                listing.send_if_modified(|listing| listing.passes(Listing::Complete, Listing::Interrupted));
                listed.clear();
                state.begin_list(&api, namespace.as_deref());
            }
            Ok(Event::InitApply(object)) => {
                if let Some(object) = as_object(object, &api) {
                    listed.insert(object.key());
                    state.put_listed(object);
                }
            }
            Ok(Event::InitDone) => {
                state.retain(&api, namespace.as_deref(), &listed);
                listed.clear();
                listing.send_replace(Listing::Complete);
            }
            Ok(Event::Apply(object)) => {
                listing.send_if_modified(|listing| listing.passes(Listing::Interrupted, Listing::Complete));
                if let Some(object) = as_object(object, &api) {
                    state.put(object);
                }
            }
            Ok(Event::Delete(object)) => {
                listing.send_if_modified(|listing| listing.passes(Listing::Interrupted, Listing::Complete));
                if let Some(object) = as_object(object, &api) {
                    state.take_deleted(&object);
                }
            }
            Err(error) => {
                state.troubles.send_modify(|count| *count += 1);
                if listing.borrow().has_listed() {
                    listing.send_replace(Listing::Interrupted);
                    tracing::debug!(kind = %api.kind, error = %chain(&error), "watch failed, trying again");
                    continue;
                }
                if is_unserved(&error) {
                    tracing::info!(kind = %api.kind, error = %chain(&error), "not served, not watched");
                    state.give_up(&api, &listing);
                    listing.send_replace(Listing::Unserved(chain(&error)));
                    return;
                }
                tracing::debug!(kind = %api.kind, error = %chain(&error), "not listed, trying again");
                listing.send_replace(Listing::Pending(Some(chain(&error))));
            }
        }
    }
}

/// Whether the API server says that there is no such kind.
fn is_unserved(error: &kube::runtime::watcher::Error) -> bool {
    use kube::runtime::watcher::Error;
    matches!(error, Error::InitialListFailed(kube::Error::Api(status)) if status.code == 404)
}

fn as_object(object: PlainObject, api: &ApiResource) -> Option<Object> {
    let name = object.name_any();
    let mut value = object.into_value();
    // Lists leave the type out of their items.
    let fields = value.as_object_mut()?;
    fields.insert("apiVersion".to_owned(), Value::from(api.api_version.clone()));
    fields.insert("kind".to_owned(), Value::from(api.kind.clone()));
    Object::new(value)
        .inspect_err(
            |error| tracing::warn!(kind = %api.kind, name, %error, "passing over a malformed object"),
        )
        .ok()
}

fn owners(object: &Object) -> Vec<String> {
    let references = object.value().pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let references = references.into_iter().flatten();
    references.filter_map(|reference| Some(reference["uid"].as_str()?.to_owned())).collect()
}

/// Whether a version is later than the one that is known. Resource versions of one kind count up.
fn is_newer(version: &str, known: &str) -> bool {
    match (version.parse::<u64>(), known.parse::<u64>()) {
        (Ok(new), Ok(old)) => new > old,
        _ => true,
    }
}

fn opened(kept: Vec<Kept>) -> Vec<Arc<Object>> {
    kept.iter().map(Kept::open).collect()
}

/// Whether an object was kept trimmed: the API server knows the managers of every whole one.
pub fn is_trimmed(object: &Object) -> bool {
    object.value().pointer("/metadata/managedFields").is_none()
}

/// What the resource tree needs of an object that belongs to no app.
fn trimmed(mut object: Object) -> Object {
    let kind = object.kind().to_owned();
    if let Some(fields) = object.value_mut().as_object_mut() {
        if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
            if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
                annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
            }
        }
        let needed: &[&str] = match kind.as_str() {
            "ConfigMap" | "Secret" => &["apiVersion", "kind", "metadata", "type"],
            _ => &["apiVersion", "kind", "metadata", "spec", "status"],
        };
        fields.retain(|name, _| needed.contains(&name.as_str()));
    }
    object
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
