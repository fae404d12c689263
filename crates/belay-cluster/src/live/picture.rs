//! The objects that are known, and whose they are.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use belay_manifest::ObjectKey;

use super::kept::Kept;

/// Objects by key. Keys are shared by all that name them.
#[derive(Default)]
pub(super) struct Picture {
    objects: BTreeMap<Arc<ObjectKey>, Entry>,
    /// By the uid of an owner.
    owned: HashMap<String, BTreeSet<Arc<ObjectKey>>>,
    by_app: HashMap<Arc<str>, BTreeSet<Arc<ObjectKey>>>,
    /// What was learnt from answers to writes since the list of its kind began.
    pub(super) learnt: HashSet<ObjectKey>,
    /// The uids of what the API server said has gone, since the list of its kind began and until the watch says so, too:
    /// what these still tell of it is of the past.
    pub(super) buried: HashMap<ObjectKey, String>,
    /// What belongs to nobody and is kept whole, because an app wants it.
    pub(super) wanted: HashSet<ObjectKey>,
}

struct Entry {
    kept: Kept,
    app: Option<Arc<str>>,
}

impl Picture {
    pub(super) fn get(&self, key: &ObjectKey) -> Option<&Kept> {
        self.objects.get(key).map(|entry| &entry.kept)
    }

    /// How many objects, of how many kinds.
    pub(super) fn counts(&self) -> (usize, usize) {
        let kinds: BTreeSet<(&str, &str)> =
            self.objects.keys().map(|key| (key.group.as_str(), key.kind.as_str())).collect();
        (self.objects.len(), kinds.len())
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &Arc<ObjectKey>> {
        self.objects.keys()
    }

    pub(super) fn keys_of_kind(&self, group: &str, kind: &str) -> impl Iterator<Item = &Arc<ObjectKey>> {
        self.entries_of_kind(group, kind).map(|(key, _)| key)
    }

    pub(super) fn of_kind(&self, group: &str, kind: &str) -> Vec<Kept> {
        self.entries_of_kind(group, kind).map(|(_, entry)| entry.kept.clone()).collect()
    }

    /// Keys are sorted by group and kind first.
    fn entries_of_kind(&self, group: &str, kind: &str) -> impl Iterator<Item = (&Arc<ObjectKey>, &Entry)> {
        let first = ObjectKey {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: String::new(),
            name: String::new(),
        };
        let of_kind = self.objects.range::<ObjectKey, _>(&first..);
        of_kind.take_while(move |(key, _)| key.group == first.group && key.kind == first.kind)
    }

    pub(super) fn in_namespace(&self, namespace: &str) -> Vec<Kept> {
        let within = self.objects.iter().filter(|(key, _)| key.namespace == namespace);
        within.map(|(_, entry)| entry.kept.clone()).collect()
    }

    pub(super) fn of_app(&self, app: &str) -> Vec<Kept> {
        self.named(self.by_app.get(app))
    }

    /// Objects whose owner references name this uid.
    pub(super) fn of_owner(&self, uid: &str) -> Vec<Kept> {
        self.named(self.owned.get(uid))
    }

    fn named(&self, keys: Option<&BTreeSet<Arc<ObjectKey>>>) -> Vec<Kept> {
        keys.into_iter().flatten().filter_map(|key| self.get(key).cloned()).collect()
    }

    /// Puts an object in its place. Gives what was there.
    pub(super) fn put(
        &mut self,
        key: &ObjectKey,
        kept: Kept,
        owners: Vec<String>,
        app: Option<String>,
    ) -> Option<Kept> {
        let shared = self.objects.get_key_value(key).map(|(key, _)| key.clone());
        let shared = shared.unwrap_or_else(|| Arc::new(key.clone()));
        for owner in owners {
            self.owned.entry(owner).or_default().insert(shared.clone());
        }
        let before = match self.objects.get_mut(key) {
            Some(entry) => Some(std::mem::replace(&mut entry.kept, kept)),
            None => {
                self.objects.insert(shared, Entry { kept, app: None });
                None
            }
        };
        self.assign(key, app);
        before
    }

    /// Moves an object to the app it belongs to now.
    pub(super) fn assign(&mut self, key: &ObjectKey, app: Option<String>) {
        let Some((shared, _)) = self.objects.get_key_value(key) else { return };
        let shared = shared.clone();
        let Some(entry) = self.objects.get_mut(key).filter(|entry| entry.app.as_deref() != app.as_deref())
        else {
            return;
        };
        let app: Option<Arc<str>> = app.map(|app| match self.by_app.get_key_value(app.as_str()) {
            Some((known, _)) => known.clone(),
            None => app.into(),
        });
        let old = std::mem::replace(&mut entry.app, app.clone());
        if let Some(old) = old {
            leave(&mut self.by_app, &old, key);
        }
        if let Some(app) = app {
            self.by_app.entry(app).or_default().insert(shared);
        }
    }

    /// Takes an object away; gives it. It is still to be disowned.
    pub(super) fn take(&mut self, key: &ObjectKey) -> Option<Kept> {
        self.learnt.remove(key);
        self.wanted.remove(key);
        self.assign(key, None);
        self.objects.remove(key).map(|entry| entry.kept)
    }

    /// Its owners have lost an object.
    pub(super) fn disown(&mut self, key: &ObjectKey, owners: Vec<String>) {
        owners.iter().for_each(|owner| leave(&mut self.owned, owner, key));
    }
}

/// Takes a key out of a set, and an empty set away.
fn leave<N: Borrow<str> + Hash + Eq>(
    sets: &mut HashMap<N, BTreeSet<Arc<ObjectKey>>>,
    name: &str,
    key: &ObjectKey,
) {
    if let Some(keys) = sets.get_mut(name) {
        keys.remove(key);
        if keys.is_empty() {
            sets.remove(name);
        }
    }
}
