//! The rows of all apps, kept current from the changes of the live state.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use belay_cluster::Change;
use belay_health::argo;
use belay_manifest::{GroupVersionKind, Object, ObjectKey};
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep_until};

use super::{Sight, argo as argo_app, differences, flux, tree};
use crate::app::{AppKind, AppRef, AppSummary, Health, Sync};

/// Changes are gathered for this long before rows are made anew.
const GATHER: Duration = Duration::from_millis(100);
/// Changes kept for a slow stream; one that falls further behind starts anew.
const CHANGES: usize = 4096;
/// Owners of owners of owners.
const DEEPEST: usize = 8;

/// The rows, and which apps use which object.
pub(crate) struct Index {
    sight: Sight,
    kinds: Vec<AppKind>,
    state: RwLock<State>,
    watched: Mutex<BTreeSet<(String, String)>>,
    changes: broadcast::Sender<AppRef>,
}

#[derive(Default)]
struct State {
    rows: BTreeMap<AppRef, Row>,
    users: HashMap<ObjectKey, BTreeSet<AppRef>>,
}

struct Row {
    summary: Arc<AppSummary>,
    uses: Vec<ObjectKey>,
}

/// Which app a live object is, if it is one.
pub(crate) fn app_of(key: &ObjectKey) -> Option<AppRef> {
    let kinds = [AppKind::Application, AppKind::Kustomization, AppKind::HelmRelease];
    let kind =
        kinds.into_iter().find(|kind| kind.group_and_kind() == (key.group.as_str(), key.kind.as_str()))?;
    Some(AppRef { kind, namespace: key.namespace.clone(), name: key.name.clone() })
}

impl Index {
    pub(crate) fn new(sight: Sight, kinds: Vec<AppKind>) -> Index {
        Index {
            sight,
            kinds,
            state: RwLock::default(),
            watched: Mutex::default(),
            changes: broadcast::channel(CHANGES).0,
        }
    }

    pub(crate) fn rows(&self) -> Vec<Arc<AppSummary>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.rows.values().map(|row| row.summary.clone()).collect()
    }

    pub(crate) fn row(&self, app: &AppRef) -> Option<Arc<AppSummary>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.rows.get(app).map(|row| row.summary.clone())
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<AppRef> {
        self.changes.subscribe()
    }

    /// Follows the live state for as long as it lives.
    pub(crate) async fn follow(self: Arc<Index>, mut changes: broadcast::Receiver<Change>) {
        let mut dirty = self.all_apps();
        loop {
            for app in std::mem::take(&mut dirty) {
                self.renew(&app);
                // A large cluster must not hold a worker thread for all its apps at once.
                tokio::task::yield_now().await;
            }
            let Some(mut found) = self.next_dirty(changes.recv().await) else {
                return;
            };
            let due = Instant::now() + GATHER;
            loop {
                tokio::select! {
                    () = sleep_until(due) => break,
                    change = changes.recv() => match self.next_dirty(change) {
                        Some(more) => found.extend(more),
                        None => return,
                    },
                }
            }
            dirty = found;
        }
    }

    /// The apps that a change is about; all of them when changes were missed. `None` at the end.
    fn next_dirty(&self, change: Result<Change, broadcast::error::RecvError>) -> Option<BTreeSet<AppRef>> {
        match change {
            Ok(change) => Some(self.affected(&change)),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(self.all_apps()),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    fn all_apps(&self) -> BTreeSet<AppRef> {
        let live = self.kinds.iter().flat_map(|kind| {
            let (group, name) = kind.group_and_kind();
            self.sight.live.of_kind(group, name)
        });
        let mut apps: BTreeSet<AppRef> = live.filter_map(|object| app_of(&object.key())).collect();
        apps.extend(self.rows().iter().map(|row| row.app.clone()));
        apps
    }

    fn affected(&self, change: &Change) -> BTreeSet<AppRef> {
        let mut apps = BTreeSet::new();
        apps.extend(app_of(&change.key).filter(|app| self.kinds.contains(&app.kind)));
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let mut key = change.key.clone();
        let mut object = change.after.clone().or_else(|| change.before.clone());
        for _ in 0..DEEPEST {
            if let Some(users) = state.users.get(&key) {
                apps.extend(users.iter().cloned());
                break;
            }
            let Some(owner) = object.as_deref().and_then(owner) else {
                break;
            };
            object = self.sight.live.get(&owner);
            key = owner;
        }
        apps
    }

    fn renew(&self, app: &AppRef) {
        let row = self.sight.live.get(&app.key()).map(|object| self.row_of(app, &object));
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let before = match row {
            Some(row) => {
                for key in &row.uses {
                    state.users.entry(key.clone()).or_default().insert(app.clone());
                }
                let now: BTreeSet<ObjectKey> = row.uses.iter().cloned().collect();
                let before = state.rows.insert(app.clone(), row);
                before.map(|row| row.uses.into_iter().filter(|key| !now.contains(key)).collect())
            }
            None => state.rows.remove(app).map(|row| row.uses),
        };
        for key in before.unwrap_or_default() {
            if let Some(users) = state.users.get_mut(&key) {
                users.remove(app);
                if users.is_empty() {
                    state.users.remove(&key);
                }
            }
        }
        drop(state);
        self.watch_used(app);
        // No open page is no fault.
        let _ = self.changes.send(app.clone());
    }

    /// Watches the kinds that an app manages: without controllers for it, nobody else does, and
    /// all its objects would look missing.
    fn watch_used(&self, app: &AppRef) {
        let uses = {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            state.rows.get(app).map(|row| row.uses.clone()).unwrap_or_default()
        };
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        for key in uses {
            let kind = (key.group, key.kind);
            if watched.contains(&kind) {
                continue;
            }
            let Some(resource) = self.sight.live.kinds().known_in_any_version(&kind.0, &kind.1) else {
                continue;
            };
            let found = GroupVersionKind::new(&resource.api.api_version, &kind.1);
            watched.insert(kind);
            let live = self.sight.live.clone();
            tokio::spawn(async move {
                if let Err(error) = live.ensure(&found).await {
                    tracing::debug!(kind = %found, %error, "an app's objects cannot be shown");
                }
            });
        }
    }

    fn row_of(&self, app: &AppRef, object: &Object) -> Row {
        let mut uses: Vec<ObjectKey> = managed(app.kind, object).into_iter().map(|(key, _)| key).collect();
        let mut summary = own_summary(&self.sight, app.kind, object);
        let found = uses.iter().flat_map(|key| differences::of_object(&self.sight, app, key));
        summary.drift = found.filter(|difference| differences::is_drift(app.kind, difference)).count();
        if app.kind != AppKind::Application {
            summary.health = worse(summary.health, self.health_of(&uses));
            if summary.drift > 0 && summary.sync == Sync::Synced {
                summary.sync = Sync::OutOfSync;
            }
            uses.extend(flux::source_key(app.kind, object));
        }
        Row { summary: Arc::new(summary), uses }
    }

    /// The health of a Flux app's objects, by Argo CD's rules: one word means one thing.
    fn health_of(&self, keys: &[ObjectKey]) -> Health {
        let one = |key: &ObjectKey| match self.sight.live.get(key) {
            Some(object) => argo::evaluate(&object).map(|health| health.status),
            // Its kind may not be watched; that says nothing about the object.
            None => None,
        };
        argo::aggregate(keys.iter().map(one)).into()
    }
}

/// The row as the app's resource and its source tell it; its objects are not looked at.
pub(crate) fn own_summary(sight: &Sight, kind: AppKind, object: &Object) -> AppSummary {
    match kind {
        AppKind::Application => argo_app::summary(&*sight.desired, object),
        kind => {
            let source = flux::source_key(kind, object).and_then(|key| sight.live.get(&key));
            flux::summary(&*sight.desired, kind, object, source.as_deref())
        }
    }
}

/// What is suspended says so, whatever its objects do; otherwise the worse of both.
fn worse(own: Health, objects: Health) -> Health {
    if own == Health::Suspended { own } else { own.max(objects) }
}

/// The objects that an app manages, with their state.
pub(crate) fn managed(kind: AppKind, object: &Object) -> Vec<(ObjectKey, Sync)> {
    match kind {
        AppKind::Application => argo_app::managed(object),
        _ => flux::managed(object).into_iter().map(|key| (key, Sync::Synced)).collect(),
    }
}

/// The first owner that an object names.
fn owner(object: &Object) -> Option<ObjectKey> {
    let reference = object.value().pointer("/metadata/ownerReferences/0")?;
    let text = |name: &str| reference[name].as_str();
    Some(ObjectKey {
        group: GroupVersionKind::new(text("apiVersion")?, "").group,
        kind: text("kind")?.to_owned(),
        namespace: object.namespace().to_owned(),
        name: text("name")?.to_owned(),
    })
}

/// The node of the app's own resource.
pub(crate) fn root_node(object: &Object, summary: &AppSummary) -> crate::detail::TreeNode {
    let mut root = tree::node(&object.key(), Some(object), Some(summary.sync));
    root.health = Some(summary.health);
    root
}
