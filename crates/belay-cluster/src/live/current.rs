//! For what is done once and not looked at again: no picture of before a watch that is broken.

use std::collections::BTreeSet;

use belay_manifest::{GroupVersionKind, Object, ObjectKey};
use kube::api::{Api, ListParams};

use super::{Listing, LiveError, LiveState, as_object, chain};
use crate::kinds::Resource;
use crate::plain::PlainObject;

/// Objects of one page of a list.
const PAGE: u32 = 500;

impl LiveState {
    /// Like [`ensure`](LiveState::ensure), and lists the kind anew if its watch is interrupted: what has changed meanwhile
    /// would be taken for what it was, and not be written.
    pub async fn ensure_current(&self, kind: &GroupVersionKind) -> Result<(), LiveError> {
        self.ensure(kind).await?;
        let Some(resource) = self.kinds.known(kind).filter(|resource| self.is_interrupted(resource)) else {
            return Ok(());
        };
        for namespace in self.reach.places(resource.scope) {
            match self.list_anew(&resource, namespace.as_deref()).await {
                Ok(()) => {}
                // Its definition has gone, and its objects with it.
                Err(kube::Error::Api(status)) if status.code == 404 => {
                    self.retain(&resource.api, namespace.as_deref(), &BTreeSet::new());
                    return Err(LiveError::UnknownKind { kind: kind.clone() });
                }
                Err(error) => {
                    return Err(LiveError::NotListed { kind: kind.clone(), reason: chain(&error) });
                }
            }
        }
        Ok(())
    }

    /// Watches several kinds. Those whose definition has gone have no objects any more, and are no error.
    pub async fn ensure_each(
        &self,
        kinds: impl IntoIterator<Item = GroupVersionKind>,
    ) -> Result<(), LiveError> {
        for kind in kinds {
            or_without_objects(self.ensure(&kind).await)?;
        }
        Ok(())
    }

    /// Makes several kinds current, as [`ensure_each`](LiveState::ensure_each) watches them.
    pub async fn ensure_each_current(
        &self,
        kinds: impl IntoIterator<Item = GroupVersionKind>,
    ) -> Result<(), LiveError> {
        for kind in kinds {
            or_without_objects(self.ensure_current(&kind).await)?;
        }
        Ok(())
    }

    /// Whether a resource still is the one that was looked at, but for its status. The API server is asked if its watch is
    /// interrupted; what it says is news like any other.
    pub async fn still_stands(&self, object: &Object) -> Result<bool, LiveError> {
        let (key, kind) = (object.key(), object.gvk());
        if let Some(resource) = self.kinds.known(&kind).filter(|resource| self.is_interrupted(resource)) {
            self.ask_for(&key, &resource)
                .await
                .map_err(|error| LiveError::NotListed { kind, reason: chain(&error) })?;
        }
        Ok(self.get(&key).is_some_and(|newest| stands_for(&newest, object)))
    }

    fn is_interrupted(&self, resource: &Resource) -> bool {
        self.watch_of(resource).iter().any(|known| *known.borrow() == Listing::Interrupted)
    }

    /// Asks the API server for one object, and takes in what it says.
    pub(super) async fn ask_for(&self, key: &ObjectKey, resource: &Resource) -> Result<(), kube::Error> {
        {
            let mut picture = self.write();
            picture.learnt.remove(key);
            picture.buried.remove(key);
        }
        let api = resource.plain(&self.client, &key.namespace);
        let answer = api.get_opt(&key.name).await?;
        match answer.and_then(|object| as_object(object, &resource.api)) {
            Some(newest) => self.put_listed(newest),
            None => self.learn_gone(key),
        }
        Ok(())
    }

    async fn list_anew(&self, resource: &Resource, namespace: Option<&str>) -> Result<(), kube::Error> {
        let api = resource.plain(&self.watching, namespace.unwrap_or_default());
        self.begin_list(&resource.api, namespace);
        let mut objects = Vec::new();
        for_each(&api, resource, |object| objects.push(object)).await?;
        let listed: BTreeSet<_> = objects.iter().map(Object::key).collect();
        objects.into_iter().for_each(|object| self.put_listed(object));
        self.retain(&resource.api, namespace, &listed);
        Ok(())
    }
}

fn or_without_objects(watched: Result<(), LiveError>) -> Result<(), LiveError> {
    match watched {
        Err(LiveError::UnknownKind { .. }) => Ok(()),
        watched => watched,
    }
}

/// Whether the newest state asks for what another one asked for, and is held by the same finalizers at least.
fn stands_for(newest: &Object, object: &Object) -> bool {
    let asks = |object: &Object| {
        let metadata = &object.value()["metadata"];
        ["uid", "generation", "deletionTimestamp"].map(|field| metadata[field].clone())
    };
    asks(newest) == asks(object) && object.finalizers().all(|name| newest.finalizers().any(|one| one == name))
}

/// Lists a kind, page by page.
pub(super) async fn for_each(
    api: &Api<PlainObject>,
    resource: &Resource,
    mut take: impl FnMut(Object),
) -> Result<(), kube::Error> {
    let mut parameters = ListParams::default().limit(PAGE);
    loop {
        let list = api.list(&parameters).await?;
        list.items.into_iter().filter_map(|object| as_object(object, &resource.api)).for_each(&mut take);
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters = parameters.continue_token(&token),
            None => return Ok(()),
        }
    }
}
