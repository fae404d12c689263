//! All objects, in memory, with one counter of versions and a window of past changes per resource.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

use crate::object::{name, namespace, set};
use crate::status::ApiError;

/// How far versions jump when a backup is restored.
const BUMP: u64 = 1_000_000;

/// Group and plural of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct GroupResource {
    pub(crate) group: String,
    pub(crate) resource: String,
}

impl GroupResource {
    pub(crate) fn new(group: &str, resource: &str) -> Self {
        Self { group: group.into(), resource: resource.into() }
    }
}

/// Namespace and name; objects are listed in this order.
pub(crate) type ObjectKey = (String, String);
pub(crate) type Items = BTreeMap<ObjectKey, Arc<Value>>;

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// One committed write.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) version: u64,
    pub(crate) kind: ChangeKind,
    pub(crate) object: Arc<Value>,
    pub(crate) previous: Option<Arc<Value>>,
}

/// The objects of one resource.
#[derive(Debug)]
struct Collection {
    items: Items,
    window: VecDeque<Arc<Change>>,
    /// Changes up to this version are no longer in the window.
    compacted: u64,
    latest: watch::Sender<u64>,
}

/// The objects of all resources.
#[derive(Debug)]
pub(crate) struct Store {
    version: u64,
    window: usize,
    collections: BTreeMap<GroupResource, Collection>,
    /// Changes the controllers have not seen yet.
    unseen: Vec<(GroupResource, Arc<Change>)>,
    writes: u64,
}

impl Store {
    pub(crate) fn new(window: usize) -> Self {
        Self {
            version: 1,
            window: window.max(1),
            collections: BTreeMap::new(),
            unseen: Vec::new(),
            writes: 0,
        }
    }

    /// The version of the latest write.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// How many writes were committed.
    pub(crate) fn writes(&self) -> u64 {
        self.writes
    }

    pub(crate) fn get(&self, resource: &GroupResource, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        self.collections.get(resource)?.items.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// The objects of one namespace, or of all for an empty one.
    pub(crate) fn list<'a>(
        &'a self,
        resource: &GroupResource,
        namespace: &'a str,
    ) -> impl Iterator<Item = &'a Arc<Value>> + use<'a> {
        let start = (namespace.to_owned(), String::new());
        let range = self.collections.get(resource).map(|collection| collection.items.range(start..));
        range
            .into_iter()
            .flatten()
            .take_while(move |(key, _)| namespace.is_empty() || key.0 == namespace)
            .map(|(_, object)| object)
    }

    /// Every object with its resource.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&GroupResource, &Arc<Value>)> {
        self.collections.iter().flat_map(|(resource, collection)| {
            collection.items.values().map(move |object| (resource, object))
        })
    }

    /// The collection as it was at `version`.
    pub(crate) fn snapshot(&self, resource: &GroupResource, version: u64) -> Result<Items, ApiError> {
        let Some(collection) = self.collections.get(resource) else { return Ok(Items::new()) };
        if version < collection.compacted {
            return Err(ApiError::expired(format!(
                "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results: too old resource version: {version} ({})",
                collection.compacted
            )));
        }
        let mut items = collection.items.clone();
        for change in collection.window.iter().rev().take_while(|change| change.version > version) {
            let key = key_of(&change.object);
            match &change.previous {
                Some(previous) => items.insert(key, previous.clone()),
                None => items.remove(&key),
            };
        }
        Ok(items)
    }

    /// Changes after `version`, or 410 when they are no longer known.
    pub(crate) fn changes_after(
        &self,
        resource: &GroupResource,
        version: u64,
    ) -> Result<Vec<Arc<Change>>, ApiError> {
        let Some(collection) = self.collections.get(resource) else { return Ok(Vec::new()) };
        if version < collection.compacted {
            let message = format!("too old resource version: {version} ({})", collection.compacted + 1);
            return Err(ApiError::expired(message));
        }
        let first = collection.window.partition_point(|change| change.version <= version);
        Ok(collection.window.range(first..).cloned().collect())
    }

    /// A receiver that changes whenever the resource does.
    pub(crate) fn subscribe(&mut self, resource: &GroupResource) -> watch::Receiver<u64> {
        self.collection(resource).latest.subscribe()
    }

    /// Create or replace; the object gets its resourceVersion here.
    pub(crate) fn put(&mut self, resource: &GroupResource, mut object: Value) -> Arc<Value> {
        let version = self.next_version();
        set(&mut object, &["metadata", "resourceVersion"], version.to_string().into());
        let object = Arc::new(object);
        let previous = self.collection(resource).items.insert(key_of(&object), object.clone());
        let kind = if previous.is_some() { ChangeKind::Modified } else { ChangeKind::Added };
        self.record(resource, Change { version, kind, object: object.clone(), previous });
        object
    }

    /// Remove an object; its last state carries the version of the removal.
    pub(crate) fn remove(
        &mut self,
        resource: &GroupResource,
        namespace: &str,
        name: &str,
    ) -> Option<Arc<Value>> {
        let key = (namespace.to_owned(), name.to_owned());
        let previous = self.collections.get_mut(resource)?.items.remove(&key)?;
        let version = self.next_version();
        let mut last = (*previous).clone();
        set(&mut last, &["metadata", "resourceVersion"], version.to_string().into());
        let object = Arc::new(last);
        let change =
            Change { version, kind: ChangeKind::Deleted, object: object.clone(), previous: Some(previous) };
        self.record(resource, change);
        Some(object)
    }

    /// Forget the past of every resource, so that old watches and continue tokens answer 410.
    pub(crate) fn compact(&mut self) {
        let version = self.version;
        for collection in self.collections.values_mut() {
            collection.window.clear();
            collection.compacted = version;
        }
    }

    /// A resource is served from now on: of what was before nothing is known, and a watch from then is answered with 410.
    pub(crate) fn begin(&mut self, resource: &GroupResource) {
        let version = self.version;
        let collection = self.collection(resource);
        collection.window.clear();
        collection.compacted = version;
    }

    /// What the controllers have not seen yet.
    pub(crate) fn take_unseen(&mut self) -> Vec<(GroupResource, Arc<Change>)> {
        std::mem::take(&mut self.unseen)
    }

    /// Put objects back as they were saved.
    pub(crate) fn restore(&mut self, version: u64, objects: Vec<(GroupResource, Value)>) {
        self.version = version;
        for (resource, object) in objects {
            let object = Arc::new(object);
            let key = key_of(&object);
            let change = Change { version, kind: ChangeKind::Added, object: object.clone(), previous: None };
            let collection = self.collection(&resource);
            collection.compacted = version;
            collection.items.insert(key, object);
            self.unseen.push((resource, Arc::new(change)));
        }
    }

    /// Go back to these objects, under versions that count on from a later one, as a backup of etcd is restored with
    /// `--bump-revision --mark-compacted`: every watch of before is answered with 410.
    pub(crate) fn go_back(&mut self, objects: &[(GroupResource, Arc<Value>)]) {
        self.version += BUMP;
        let version = self.version;
        for collection in self.collections.values_mut() {
            collection.items.clear();
            collection.window.clear();
            collection.compacted = version;
        }
        for (resource, object) in objects {
            let change = Change { version, kind: ChangeKind::Added, object: object.clone(), previous: None };
            self.collection(resource).items.insert(key_of(object), object.clone());
            self.unseen.push((resource.clone(), Arc::new(change)));
        }
        for collection in self.collections.values() {
            collection.latest.send_replace(version);
        }
    }

    fn next_version(&mut self) -> u64 {
        self.version += 1;
        self.writes += 1;
        self.version
    }

    fn record(&mut self, resource: &GroupResource, change: Change) {
        let (window, change) = (self.window, Arc::new(change));
        let collection = self.collection(resource);
        collection.window.push_back(change.clone());
        while collection.window.len() > window {
            collection.compacted = collection.window.pop_front().map_or(0, |oldest| oldest.version);
        }
        collection.latest.send_replace(change.version);
        self.unseen.push((resource.clone(), change));
    }

    fn collection(&mut self, resource: &GroupResource) -> &mut Collection {
        let version = self.version;
        self.collections.entry(resource.clone()).or_insert_with(|| Collection {
            items: Items::new(),
            window: VecDeque::new(),
            compacted: 0,
            latest: watch::Sender::new(version),
        })
    }
}

fn key_of(object: &Value) -> ObjectKey {
    (namespace(object).to_owned(), name(object).to_owned())
}
