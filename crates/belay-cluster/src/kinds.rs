//! Which kinds the API server knows: discovery, kept and asked again when a kind is missing.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use belay_manifest::GroupVersionKind;
use kube::Client;
use kube::api::{Api, DynamicObject};
use kube::core::discovery::v2::{APIGroupDiscovery, APIResourceDiscovery, APIVersionDiscovery};
use kube::core::{ApiResource, DynamicResourceScope};
use kube::discovery::verbs;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use crate::plain::PlainObject;

/// Least time between two discoveries that a missing kind asks for.
const REFRESH_PAUSE: Duration = Duration::from_secs(1);

/// Whether objects of a kind live in namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In a namespace.
    Namespaced,
    /// In the cluster.
    Cluster,
}

/// A kind as the API server serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Group, version, kind and plural, for the client.
    pub api: ApiResource,
    /// Where its objects live.
    pub scope: Scope,
    /// Whether it can be listed and watched.
    pub watchable: bool,
}

impl Resource {
    /// Where requests about its objects go. Without a namespace: those of all namespaces.
    pub fn objects(&self, client: &Client, namespace: &str) -> Api<DynamicObject> {
        self.requests(client, namespace)
    }

    /// The same, where their fields are wanted as they come.
    pub fn plain(&self, client: &Client, namespace: &str) -> Api<PlainObject> {
        self.requests(client, namespace)
    }

    fn requests<K>(&self, client: &Client, namespace: &str) -> Api<K>
    where
        K: kube::Resource<DynamicType = ApiResource, Scope = DynamicResourceScope>,
    {
        match self.scope {
            Scope::Namespaced if !namespace.is_empty() => {
                Api::namespaced_with(client.clone(), namespace, &self.api)
            }
            Scope::Namespaced | Scope::Cluster => Api::all_with(client.clone(), &self.api),
        }
    }
}

/// Why a kind is not known.
#[derive(Debug, thiserror::Error)]
pub enum KindError {
    /// The API server does not serve it.
    #[error("the cluster does not know kind {kind}")]
    Unknown {
        /// Group, version and kind.
        kind: GroupVersionKind,
    },
    /// Whoever serves the group does not answer the API server, which cannot tell whether there is such a kind.
    #[error("the cluster cannot tell whether it knows kind {kind}: its API group does not answer")]
    Unreached {
        /// Group, version and kind.
        kind: GroupVersionKind,
    },
    /// Discovery failed.
    #[error("the cluster's kinds cannot be listed")]
    Discovery {
        /// What the client said.
        #[source]
        source: kube::Error,
    },
}

/// The kinds of one cluster.
#[derive(Clone)]
pub struct Kinds {
    client: Client,
    table: Arc<RwLock<Table>>,
    version: Arc<RwLock<Option<String>>>,
    last: Arc<Mutex<Option<Instant>>>,
}

/// What discovery told.
#[derive(Default)]
struct Table {
    kinds: HashMap<GroupVersionKind, Resource>,
    /// Groups and versions whose servers did not answer the API server. Of them it may tell nothing, or what was.
    unreached: HashSet<(String, String)>,
}

impl Kinds {
    /// Nothing known yet; the first look-up asks.
    pub fn new(client: Client) -> Kinds {
        Kinds { client, table: Arc::default(), version: Arc::default(), last: Arc::default() }
    }

    /// The kind, if it is known already. Asks nothing.
    pub fn known(&self, kind: &GroupVersionKind) -> Option<Resource> {
        self.table().kinds.get(kind).cloned()
    }

    /// Any served version of the kind, if it is known already. Asks nothing.
    pub fn known_in_any_version(&self, group: &str, kind: &str) -> Option<Resource> {
        self.table()
            .kinds
            .iter()
            .find(|(key, _)| key.group == group && key.kind == kind)
            .map(|(_, resource)| resource.clone())
    }

    /// The kind of a resource's plural name, if it is known. Asks nothing.
    pub fn kind_of(&self, group: &str, plural: &str) -> Option<String> {
        let table = self.table();
        let mut found = table.kinds.iter();
        found
            .find(|(kind, resource)| kind.group == group && resource.api.plural == plural)
            .map(|(kind, _)| kind.kind.clone())
    }

    /// Every kind that can be watched and that is known already, in one of its versions, in order. Asks nothing.
    pub fn watchable(&self) -> Vec<(GroupVersionKind, Resource)> {
        let table = self.table();
        let mut found = BTreeMap::new();
        for (kind, resource) in table.kinds.iter().filter(|(_, resource)| resource.watchable) {
            let versions: &mut BTreeMap<_, _> = found.entry((&kind.group, &kind.kind)).or_default();
            versions.insert(&kind.version, (kind, resource));
        }
        let first = found.into_values().filter_map(|versions| versions.into_values().next());
        first.map(|(kind, resource)| (kind.clone(), resource.clone())).collect()
    }

    /// Whether every group of the API server has told of its kinds. Asks nothing.
    pub fn is_complete(&self) -> bool {
        let table = self.table();
        !table.kinds.is_empty() && table.unreached.is_empty()
    }

    /// Every `group/version` and `group/version/Kind` that is known, sorted: what charts may ask for.
    pub fn api_versions(&self) -> Vec<String> {
        let mut versions: Vec<String> = self
            .table()
            .kinds
            .keys()
            .flat_map(|kind| [kind.api_version(), format!("{}/{}", kind.api_version(), kind.kind)])
            .collect();
        versions.sort();
        versions.dedup();
        versions
    }

    /// The cluster's version, such as `v1.34.4`, as of the first discovery.
    pub fn version(&self) -> Option<String> {
        self.version.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Asks the cluster for its version: whether it answers at all.
    pub async fn ask_version(&self) -> Result<String, KindError> {
        let info = self.client.apiserver_version().await.map_err(|source| KindError::Discovery { source })?;
        *self.version.write().unwrap_or_else(|poisoned| poisoned.into_inner()) =
            Some(info.git_version.clone());
        Ok(info.git_version)
    }

    /// The kind; asks the API server again if it is not known.
    pub async fn find(&self, kind: &GroupVersionKind) -> Result<Resource, KindError> {
        if let Some(resource) = self.known(kind) {
            return Ok(resource);
        }
        self.refresh(REFRESH_PAUSE).await?;
        self.known(kind).ok_or_else(|| match self.is_unreached(kind) {
            true => KindError::Unreached { kind: kind.clone() },
            false => KindError::Unknown { kind: kind.clone() },
        })
    }

    /// Whether the API server cannot tell what there is of the kind's group and version.
    pub(crate) fn is_unreached(&self, kind: &GroupVersionKind) -> bool {
        self.table().unreached.contains(&(kind.group.clone(), kind.version.clone()))
    }

    fn table(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the API server for its kinds, `pause` after it was last asked at the earliest. Who waits
    /// for a turn while another asks is content with that answer.
    pub async fn refresh(&self, pause: Duration) -> Result<(), KindError> {
        let began = Instant::now();
        let mut last = self.last.lock().await;
        if let Some(asked) = *last {
            if asked > began {
                return Ok(());
            }
            sleep_until(asked + pause).await;
        }
        // The answer is as old as its question.
        let asked = Instant::now();
        let failed = |source| KindError::Discovery { source };
        let mut groups = self.client.list_api_groups_aggregated().await.map_err(failed)?.items;
        groups.extend(self.client.list_core_api_versions_aggregated().await.map_err(failed)?.items);
        let found = Table::of(&groups, &self.table());
        if self.version().is_none()
            && let Err(error) = self.ask_version().await
        {
            tracing::debug!(%error, "the cluster does not tell its version");
        }
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = found;
        *last = Some(asked);
        Ok(())
    }
}

impl Table {
    /// What these groups serve. Of those that do not answer, what was known stays: their objects are still there.
    fn of(groups: &[APIGroupDiscovery], before: &Table) -> Table {
        let mut table = Table::default();
        for group in groups {
            let name =
                group.metadata.as_ref().and_then(|metadata| metadata.name.as_deref()).unwrap_or_default();
            for found in &group.versions {
                table.take(name, found);
            }
        }
        for (kind, resource) in &before.kinds {
            if table.unreached.contains(&(kind.group.clone(), kind.version.clone())) {
                table.kinds.entry(kind.clone()).or_insert_with(|| resource.clone());
            }
        }
        table
    }

    fn take(&mut self, group: &str, found: &APIVersionDiscovery) {
        let version = found.version.as_deref().unwrap_or_default();
        if found.freshness.as_deref() == Some("Stale") {
            self.unreached.insert((group.to_owned(), version.to_owned()));
        }
        for (kind, resource) in found.resources.iter().filter_map(|found| resource(group, version, found)) {
            self.kinds.insert(kind, resource);
        }
    }
}

fn resource(
    group: &str,
    version: &str,
    found: &APIResourceDiscovery,
) -> Option<(GroupVersionKind, Resource)> {
    let kind = GroupVersionKind {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: found.response_kind.as_ref()?.kind.clone()?,
    };
    let api = ApiResource {
        group: kind.group.clone(),
        version: kind.version.clone(),
        api_version: kind.api_version(),
        kind: kind.kind.clone(),
        plural: found.resource.clone()?,
    };
    let scope = match found.scope.as_deref() {
        Some("Namespaced") => Scope::Namespaced,
        _ => Scope::Cluster,
    };
    let does = |verb: &str| found.verbs.iter().any(|known| known == verb);
    Some((kind, Resource { api, scope, watchable: does(verbs::LIST) && does(verbs::WATCH) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn table(metrics: Value, before: &Table) -> Table {
        let read = |value: Value| serde_json::from_value::<APIGroupDiscovery>(value).expect("a group");
        let nodes = json!({
            "resource": "nodes", "scope": "Cluster", "verbs": ["get", "list", "watch"],
            "responseKind": {"group": "", "version": "v1", "kind": "Node"},
        });
        let core = json!({"metadata": {}, "versions": [{"version": "v1", "freshness": "Current", "resources": [nodes]}]});
        let metrics = json!({"metadata": {"name": "metrics.k8s.io"}, "versions": [metrics]});
        Table::of(&[read(metrics), read(core)], before)
    }

    fn pods() -> GroupVersionKind {
        GroupVersionKind::new("metrics.k8s.io/v1", "PodMetrics")
    }

    #[test]
    fn what_a_group_that_does_not_answer_had_is_still_there() {
        let metrics = json!({
            "resource": "pods", "scope": "Namespaced", "verbs": ["get", "list"],
            "responseKind": {"group": "", "version": "", "kind": "PodMetrics"},
        });
        let before = table(
            json!({"version": "v1", "freshness": "Current", "resources": [metrics]}),
            &Table::default(),
        );
        assert_eq!(before.kinds[&pods()].scope, Scope::Namespaced);
        assert!(!before.kinds[&pods()].watchable && before.kinds.len() == 2);
        let silent = table(json!({"version": "v1", "freshness": "Stale", "resources": []}), &before);
        assert_eq!(silent.kinds[&pods()], before.kinds[&pods()]);
        let gone = table(json!({"version": "v1", "freshness": "Current", "resources": []}), &silent);
        assert!(!gone.kinds.contains_key(&pods()) && gone.kinds.len() == 1);
    }

    #[tokio::test]
    async fn of_a_group_that_does_not_answer_nothing_is_known_not_to_be_there() {
        let nobody = tower::service_fn(|_request: http::Request<kube::client::Body>| {
            futures::future::pending::<Result<http::Response<kube::client::Body>, tower::BoxError>>()
        });
        let kinds = Kinds::new(Client::new(nobody, "default"));
        *kinds.table.write().unwrap() =
            table(json!({"version": "v1", "freshness": "Stale", "resources": []}), &Table::default());
        assert!(kinds.is_unreached(&pods()));
        assert!(!kinds.is_unreached(&GroupVersionKind::new("v1", "Nothing")));
    }
}
