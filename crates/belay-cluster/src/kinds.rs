//! Which kinds the API server knows: discovery, kept and asked again when a kind is missing.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use belay_manifest::GroupVersionKind;
use kube::Client;
use kube::api::{Api, DynamicObject};
use kube::core::ApiResource;
use kube::discovery::{Discovery, Scope as KubeScope, verbs};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

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
    known: Arc<RwLock<HashMap<GroupVersionKind, Resource>>>,
    version: Arc<RwLock<Option<String>>>,
    last: Arc<Mutex<Option<Instant>>>,
}

impl Kinds {
    /// Nothing known yet; the first look-up asks.
    pub fn new(client: Client) -> Kinds {
        Kinds { client, known: Arc::default(), version: Arc::default(), last: Arc::default() }
    }

    /// The kind, if it is known already. Asks nothing.
    pub fn known(&self, kind: &GroupVersionKind) -> Option<Resource> {
        self.known.read().unwrap_or_else(|poisoned| poisoned.into_inner()).get(kind).cloned()
    }

    /// Any served version of the kind, if it is known already. Asks nothing.
    pub fn known_in_any_version(&self, group: &str, kind: &str) -> Option<Resource> {
        let known = self.known.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        known
            .iter()
            .find(|(key, _)| key.group == group && key.kind == kind)
            .map(|(_, resource)| resource.clone())
    }

    /// The kind of a resource's plural name, if it is known. Asks nothing.
    pub fn kind_of(&self, group: &str, plural: &str) -> Option<String> {
        let known = self.known.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut found =
            known.iter().filter(|(kind, resource)| kind.group == group && resource.api.plural == plural);
        found.next().map(|(kind, _)| kind.kind.clone())
    }

    /// Every kind that can be watched and that is known already, in one of its versions. Asks nothing.
    pub fn watchable(&self) -> Vec<(GroupVersionKind, Resource)> {
        let known = self.known.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut found = HashMap::new();
        for (kind, resource) in known.iter().filter(|(_, resource)| resource.watchable) {
            found.entry((&kind.group, &kind.kind)).or_insert((kind, resource));
        }
        found.into_values().map(|(kind, resource)| (kind.clone(), resource.clone())).collect()
    }

    /// Every `group/version` and `group/version/Kind` that is known, sorted: what charts may ask for.
    pub fn api_versions(&self) -> Vec<String> {
        let known = self.known.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut versions: Vec<String> = known
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
        self.known(kind).ok_or_else(|| KindError::Unknown { kind: kind.clone() })
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
        let discovery = Discovery::new(self.client.clone())
            .run_aggregated()
            .await
            .map_err(|source| KindError::Discovery { source })?;
        let mut found = HashMap::new();
        for group in discovery.groups() {
            for version in group.versions() {
                for (api, capabilities) in group.versioned_resources(version) {
                    let kind = GroupVersionKind {
                        group: api.group.clone(),
                        version: api.version.clone(),
                        kind: api.kind.clone(),
                    };
                    let scope = match capabilities.scope {
                        KubeScope::Cluster => Scope::Cluster,
                        KubeScope::Namespaced => Scope::Namespaced,
                    };
                    let watchable = capabilities.supports_operation(verbs::LIST)
                        && capabilities.supports_operation(verbs::WATCH);
                    found.insert(kind, Resource { api, scope, watchable });
                }
            }
        }
        if self.version().is_none()
            && let Err(error) = self.ask_version().await
        {
            tracing::debug!(%error, "the cluster does not tell its version");
        }
        *self.known.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = found;
        *last = Some(asked);
        Ok(())
    }
}
