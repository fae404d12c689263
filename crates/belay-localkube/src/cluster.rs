//! The one owner of everything stored, and the wake-up for those who react to it.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::Notify;

use crate::admission::Inside;
use crate::clock::Clock;
use crate::object::{finalizers, is_being_deleted, items, name, namespace, text};
use crate::random::Random;
use crate::resources::{Definition, Resources, split_api_version};
use crate::service::Settings;
use crate::status::ApiError;
use crate::store::{GroupResource, Store};
use crate::tokens::Identity;

/// How many changes of one resource a watch can go back.
const WINDOW: usize = 10_000;

/// What requests and controllers share.
#[derive(Debug)]
pub(crate) struct Cluster {
    state: Mutex<State>,
    /// Woken when something was written.
    pub(crate) changed: Notify,
    /// Webhooks that are asked without a connection.
    pub(crate) inside: Inside,
}

/// What is known and stored.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) resources: Arc<Resources>,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) identity: Identity,
}

impl Cluster {
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut random = Random::new(settings.seed);
        let state = State {
            store: Store::new(WINDOW),
            resources: Arc::new(Resources::builtin().clone()),
            clock: settings.clock.clone(),
            identity: Identity::new(random.key()),
            random,
        };
        Self { state: Mutex::new(state), changed: Notify::new(), inside: Inside::default() }
    }

    /// Look at the state or change it; never held across an await.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.store.writes();
        let result = work(&mut state);
        if state.store.writes() != before {
            self.changed.notify_one();
        }
        result
    }
}

impl State {
    /// The stored object.
    pub(crate) fn live(
        &self,
        definition: &Definition,
        namespace: &str,
        name: &str,
    ) -> Result<Arc<Value>, ApiError> {
        let stored = self.store.get(&definition.storage(), namespace, name);
        stored.cloned().ok_or_else(|| ApiError::not_found(&definition.group, &definition.resource, name))
    }

    /// Store an object; one that is to be deleted and is held by nothing any more goes.
    pub(crate) fn commit(&mut self, definition: &Definition, object: Value) -> Arc<Value> {
        if is_being_deleted(&object) && !is_held(definition, &object) {
            let (space, name) = (namespace(&object).to_owned(), name(&object).to_owned());
            // Watchers and the collector see the state it leaves in.
            self.store.put(&definition.storage(), object.clone());
            return self.remove(definition, &space, &name).unwrap_or_else(|| Arc::new(object));
        }
        let stored = self.store.put(&definition.storage(), object);
        if is_definition(definition) { self.establish(definition, stored) } else { stored }
    }

    /// Give a CustomResourceDefinition its status and serve its kind.
    fn establish(&mut self, definition: &Definition, stored: Arc<Value>) -> Arc<Value> {
        let stored = match crate::controllers::definitions::with_status(self, &stored) {
            Some(with_status) => self.store.put(&definition.storage(), with_status),
            None => stored,
        };
        self.serve_definition(&stored);
        stored
    }

    /// Serve the kind a CustomResourceDefinition declares, once it is established.
    pub(crate) fn serve_definition(&mut self, crd: &Arc<Value>) {
        let established =
            |condition: &Value| condition["type"] == "Established" && condition["status"] == "True";
        if !items(crd, &["status", "conditions"]).iter().any(established) {
            return;
        }
        let served =
            self.resources.get(text(crd, &["spec", "group"]), text(crd, &["spec", "names", "plural"]));
        let is_current =
            served.and_then(|served| served.crd.as_ref()).is_some_and(|old| old["spec"] == crd["spec"]);
        let is_new = served.is_none();
        if !is_current {
            Arc::make_mut(&mut self.resources).set_custom(crd);
        }
        if is_new {
            let (group, plural) = (text(crd, &["spec", "group"]), text(crd, &["spec", "names", "plural"]));
            self.store.begin(&GroupResource::new(group, plural));
        }
    }

    /// Go back to what was stored once, and serve the kinds of then.
    pub(crate) fn go_back(&mut self, objects: &[(GroupResource, Arc<Value>)]) {
        let definitions = GroupResource::new("apiextensions.k8s.io", "customresourcedefinitions");
        for crd in self.store.list(&definitions, "").cloned().collect::<Vec<_>>() {
            let (group, plural) = (text(&crd, &["spec", "group"]), text(&crd, &["spec", "names", "plural"]));
            Arc::make_mut(&mut self.resources).remove_custom(group, plural);
        }
        self.store.go_back(objects);
        for crd in self.store.list(&definitions, "").cloned().collect::<Vec<_>>() {
            self.serve_definition(&crd);
        }
    }

    /// Take an object away.
    pub(crate) fn remove(
        &mut self,
        definition: &Definition,
        namespace: &str,
        name: &str,
    ) -> Option<Arc<Value>> {
        let removed = self.store.remove(&definition.storage(), namespace, name)?;
        if is_definition(definition) {
            let (group, plural) =
                (text(&removed, &["spec", "group"]), text(&removed, &["spec", "names", "plural"]));
            Arc::make_mut(&mut self.resources).remove_custom(group, plural);
        }
        Some(removed)
    }

    pub(crate) fn definition(&self, key: &GroupResource) -> Option<Arc<Definition>> {
        self.resources.get(&key.group, &key.resource).cloned()
    }

    pub(crate) fn definition_of(&self, api_version: &str, kind: &str) -> Option<Arc<Definition>> {
        self.resources.by_kind(split_api_version(api_version).0, kind).cloned()
    }
}

fn is_definition(definition: &Definition) -> bool {
    definition.group == "apiextensions.k8s.io" && definition.kind == "CustomResourceDefinition"
}

/// Whether something keeps an object that is to be deleted: finalizers, a namespace's content, a pod's grace.
pub(crate) fn is_held(definition: &Definition, object: &Value) -> bool {
    let is_core = |kind: &str| definition.group.is_empty() && definition.kind == kind;
    !finalizers(object).is_empty()
        || (is_core("Namespace") && !items(object, &["spec", "finalizers"]).is_empty())
        || (is_core("Pod") && object["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(0) > 0)
}
