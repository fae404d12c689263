//! The clusters that apps deploy to: the one that Belay runs against, and those of Argo CD's cluster Secrets.
//!
//! Each has a live state of its own, and is attended to by a task of its own: one that is dead or slow costs the others
//! nothing. The Secrets are watched, so that a new token counts at once.

mod cluster;
mod follow;
mod secret;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use belay_apply::Schemas;
use belay_argo_api::ApplicationDestination;
use belay_cluster::{Answers, Clients, LiveState, Reach};
use belay_metrics::Metrics;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::AbortHandle;

use crate::project::{IN_CLUSTER, IN_CLUSTER_NAME};
use secret::Access;

pub(crate) use cluster::Cluster;
pub(crate) use follow::follow;

/// Changes kept for a slow reader; one that falls further behind looks at every app.
const CHANGES: usize = 1024;

/// All clusters, by what apps call them.
#[derive(Clone)]
pub(crate) struct Clusters {
    state: Arc<Mutex<State>>,
    home: LiveState,
    /// Told whenever a cluster comes, goes, is found or lost.
    changes: broadcast::Sender<ClusterChange>,
    are_read: Arc<watch::Sender<bool>>,
    /// Where requests are counted.
    metrics: Metrics,
}

struct State {
    /// The cluster that Belay runs against.
    home: Arc<Cluster>,
    /// The others, by the names of their Secrets.
    known: BTreeMap<String, Known>,
}

/// A cluster that came, went, was found or lost, as apps call it or called it before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClusterChange {
    pub(crate) server: String,
    pub(crate) name: String,
}

/// Why a destination is no cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoCluster {
    /// In the original's words.
    pub(crate) message: String,
    /// Whether there is a Secret for it, which cannot be used.
    pub(crate) has_secret: bool,
}

impl NoCluster {
    fn none(message: String) -> NoCluster {
        NoCluster { message, has_secret: false }
    }

    fn within(self, what: &str) -> NoCluster {
        NoCluster { message: format!("{what}: {}", self.message), ..self }
    }
}

/// What one Secret says.
struct Known {
    server: String,
    name: String,
    /// The cluster; why there is none when the Secret cannot be used.
    cluster: Result<Arc<Cluster>, String>,
    access: Option<Access>,
    tasks: Vec<AbortHandle>,
}

impl Known {
    fn change(&self) -> ClusterChange {
        ClusterChange { server: self.server.clone(), name: self.name.clone() }
    }

    fn end(&self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        if let Ok(cluster) = &self.cluster
            && self.server != IN_CLUSTER
        {
            cluster.live.close();
        }
    }
}

impl Clusters {
    /// The cluster that Belay runs against, and no other.
    pub(crate) fn new(home: LiveState, metrics: Metrics) -> Clusters {
        let cluster = Cluster {
            server: IN_CLUSTER.to_owned(),
            name: IN_CLUSTER_NAME.to_owned(),
            project: String::new(),
            skips: false,
            live: home.clone(),
            schemas: Arc::default(),
            answers: Answers::always(),
        };
        let state = State { home: Arc::new(cluster), known: BTreeMap::new() };
        Clusters {
            state: Arc::new(Mutex::new(state)),
            home,
            changes: broadcast::channel(CHANGES).0,
            are_read: Arc::new(watch::channel(false).0),
            metrics,
        }
    }

    /// The cluster that a destination means; else why there is none, in the original's words.
    pub(crate) fn find(
        &self,
        destination: &ApplicationDestination,
        is_home_enabled: bool,
    ) -> Result<Arc<Cluster>, NoCluster> {
        let (server, name) = (destination.server.as_str(), destination.name.as_str());
        match (server.trim_end_matches('/'), name) {
            ("", "") => Err(NoCluster::none("Destination server missing from app spec".to_owned())),
            (server, "") => self.by_server(server, is_home_enabled).map_err(|fault| {
                fault.within(&format!("error getting cluster by server {:?}", destination.server))
            }),
            ("", name) => {
                let server = self.server_of(name, is_home_enabled).map_err(NoCluster::none)?;
                self.by_server(&server, is_home_enabled)
                    .map_err(|fault| fault.within("error getting cluster by URL"))
            }
            (_, name) => Err(NoCluster::none(format!(
                "application destination can't have both name and server defined: {name} {server}"
            ))),
        }
    }

    /// Waits until the Secrets have been read once.
    pub(crate) async fn are_read(&self) {
        // The sender lives as long as this handle.
        let _ = self.are_read.subscribe().wait_for(|are_read| *are_read).await;
    }

    /// Clusters that come, go, are found or lost from now on.
    pub(crate) fn changes(&self) -> broadcast::Receiver<ClusterChange> {
        self.changes.subscribe()
    }

    /// A live state of no cluster, for apps whose destination is none.
    pub(crate) fn nowhere(&self) -> Cluster {
        let client = self.home.client();
        let clients = Clients { requests: client.clone(), watches: client.clone() };
        Cluster {
            server: String::new(),
            name: String::new(),
            project: String::new(),
            skips: false,
            live: self.home.of_another(clients, Reach::default()),
            schemas: Arc::<Schemas>::default(),
            answers: Answers::always(),
        }
    }

    /// All that can be used, the one that Belay runs against among them.
    pub(crate) fn all(&self) -> Vec<Arc<Cluster>> {
        let state = self.lock();
        let known = state.known.values().filter_map(|known| known.cluster.as_ref().ok().cloned());
        let mut all: Vec<Arc<Cluster>> = known.collect();
        if all.iter().all(|cluster| cluster.server != IN_CLUSTER) {
            all.insert(0, state.home.clone());
        }
        all
    }

    /// The live states of the other clusters.
    pub(crate) fn others(&self) -> Vec<LiveState> {
        let state = self.lock();
        let clusters = state.known.values().filter(|known| known.server != IN_CLUSTER);
        clusters.filter_map(|known| Some(known.cluster.as_ref().ok()?.live.clone())).collect()
    }

    /// The servers of the clusters that are one project's alone, with the namespaces; all when empty.
    pub(crate) fn of_project(&self, project: &str) -> Vec<(String, Vec<String>)> {
        let state = self.lock();
        let clusters = state.known.values().filter_map(|known| known.cluster.as_ref().ok());
        let own = clusters.filter(|cluster| cluster.project == project);
        own.map(|cluster| (cluster.server.clone(), cluster.live.reach().namespaces.clone())).collect()
    }

    fn by_server(&self, server: &str, is_home_enabled: bool) -> Result<Arc<Cluster>, NoCluster> {
        let not_found = |what: &str| {
            NoCluster::none(format!("rpc error: code = NotFound desc = cluster {server:?} {what}"))
        };
        if server == IN_CLUSTER && !is_home_enabled {
            return Err(not_found("is disabled"));
        }
        let state = self.lock();
        match state.known.values().find(|known| known.server == server) {
            Some(known) => {
                known.cluster.clone().map_err(|reason| NoCluster { message: reason, has_secret: true })
            }
            None if server == IN_CLUSTER => Ok(state.home.clone()),
            None => Err(not_found("not found")),
        }
    }

    fn server_of(&self, name: &str, is_home_enabled: bool) -> Result<String, String> {
        let state = self.lock();
        let named = state.known.values().filter(|known| known.name == name);
        let mut servers: Vec<String> = named.map(|known| known.server.clone()).collect();
        if servers.is_empty() && name == IN_CLUSTER_NAME {
            servers.push(IN_CLUSTER.to_owned());
        }
        servers.retain(|server| is_home_enabled || server != IN_CLUSTER);
        match servers.as_slice() {
            [] => Err(format!("there are no clusters with this name: {name}")),
            [server] => Ok(server.clone()),
            servers => Err(format!(
                "there are {} clusters with the same name: [{}]",
                servers.len(),
                servers.join(" ")
            )),
        }
    }

    fn changed(&self, change: ClusterChange) {
        // No subscriber is no fault.
        let _ = self.changes.send(change);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Where live states of clusters are announced, for whoever follows their changes.
pub(crate) type Announcements = mpsc::UnboundedSender<LiveState>;
