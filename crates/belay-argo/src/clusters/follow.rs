//! The cluster Secrets as of now: watched, and turned into clusters.

use std::collections::BTreeSet;
use std::sync::Arc;

use belay_cluster::Answers;
use futures::{StreamExt, pin_mut};
use k8s_openapi::api::core::v1::Secret as KubernetesSecret;
use kube::api::Api;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Client, ResourceExt};

use super::cluster::Cluster;
use super::secret::{self, ClusterSecret};
use super::{Announcements, Clusters, Known};
use crate::project::IN_CLUSTER;

const CLUSTER_SECRETS: &str = "argocd.argoproj.io/secret-type=cluster";

/// Keeps the clusters as the Secrets of a namespace say, until the future is dropped. The live state of a new one is
/// announced.
pub(crate) async fn follow(
    client: Client,
    namespace: &str,
    clusters: &Clusters,
    announcements: &Announcements,
    allowed_commands: &[String],
) {
    let api: Api<KubernetesSecret> = Api::namespaced(client, namespace);
    let stream = watcher(api, Config::default().labels(CLUSTER_SECRETS)).default_backoff();
    pin_mut!(stream);
    let _ends = Ends(clusters);
    let mut listed = BTreeSet::new();
    let mut failure = String::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(Event::Init) => listed.clear(),
            Ok(Event::InitApply(secret)) => {
                listed.insert(secret.name_any());
                put(clusters, &secret, announcements, allowed_commands).await;
            }
            Ok(Event::InitDone) => {
                let mut gone: Vec<String> = clusters.lock().known.keys().cloned().collect();
                gone.retain(|name| !listed.contains(name));
                gone.iter().for_each(|name| take(clusters, name));
                clusters.are_read.send_replace(true);
            }
            Ok(Event::Apply(secret)) => put(clusters, &secret, announcements, allowed_commands).await,
            Ok(Event::Delete(secret)) => take(clusters, &secret.name_any()),
            Err(error) => {
                let error = belay_causes::chain(&error);
                if error != failure {
                    tracing::warn!(
                        namespace,
                        error,
                        "the Secrets of clusters cannot be watched, trying again"
                    );
                    failure = error;
                }
            }
        }
    }
}

/// Ends every watch of other clusters when nobody follows their Secrets any more.
struct Ends<'a>(&'a Clusters);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.lock().known.values().for_each(Known::end);
    }
}

fn take(clusters: &Clusters, name: &str) {
    let known = clusters.lock().known.remove(name);
    if let Some(known) = known {
        known.end();
        clusters.changed(known.change());
    }
}

async fn put(
    clusters: &Clusters,
    secret: &KubernetesSecret,
    announcements: &Announcements,
    allowed_commands: &[String],
) {
    let name = secret.name_any();
    let made = match secret::read(secret, allowed_commands) {
        Err(error) => Err(error.to_string()),
        Ok(read) if keep(clusters, &name, &read) => return,
        Ok(read) => make(clusters, &read).await.map(|cluster| (read, cluster)),
    };
    let mut known = Known {
        server: secret::server(secret),
        name: secret::name(secret),
        cluster: Err(String::new()),
        access: None,
        tasks: Vec::new(),
    };
    match made {
        Err(reason) => {
            tracing::warn!(secret = name, reason, "a cluster's Secret cannot be used");
            known.cluster = Err(reason);
        }
        Ok((read, cluster)) => {
            let cluster = Arc::new(cluster);
            if known.server != IN_CLUSTER {
                let (clusters, change) = (clusters.clone(), known.change());
                let attended = cluster.clone().attend(move || clusters.changed(change.clone()));
                known.tasks.push(tokio::spawn(attended).abort_handle());
                // Nobody follows any more when the controller has ended.
                let _ = announcements.send(cluster.live.clone());
            }
            known.access = Some(read.access);
            known.cluster = Ok(cluster);
        }
    }
    let change = known.change();
    let before = clusters.lock().known.insert(name, known);
    if let Some(before) = before {
        before.end();
        clusters.changed(before.change());
    }
    clusters.changed(change);
}

/// Keeps the live state of a cluster that is reached as before; tells whether it is.
fn keep(clusters: &Clusters, name: &str, read: &ClusterSecret) -> bool {
    let mut changes = Vec::new();
    {
        let mut state = clusters.lock();
        let Some(known) = state.known.get_mut(name) else { return false };
        if known.access.as_ref() != Some(&read.access) {
            return false;
        }
        let Ok(cluster) = &known.cluster else { return false };
        if cluster.name != read.name || cluster.project != read.project || cluster.skips != read.skips {
            changes.push(known.change());
            known.cluster = Ok(Arc::new(described(read, cluster)));
            known.name.clone_from(&read.name);
            changes.push(known.change());
        }
    }
    changes.into_iter().for_each(|change| clusters.changed(change));
    true
}

/// The cluster as a Secret describes it now.
fn described(read: &ClusterSecret, cluster: &Cluster) -> Cluster {
    Cluster {
        server: cluster.server.clone(),
        name: read.name.clone(),
        project: read.project.clone(),
        skips: read.skips,
        live: cluster.live.clone(),
        schemas: cluster.schemas.clone(),
        answers: cluster.answers.clone(),
    }
}

async fn make(clusters: &Clusters, read: &ClusterSecret) -> Result<Cluster, String> {
    let connection = &read.access.connection;
    let home = clusters.lock().home.clone();
    if connection.server == IN_CLUSTER {
        let has_login = !connection.token.expose().is_empty() || !connection.username.is_empty();
        if has_login || !read.access.reach.namespaces.is_empty() {
            return Err(format!("credentials and namespaces of {IN_CLUSTER} are not supported yet"));
        }
        return Ok(described(read, &home));
    }
    let clients = connection.clients().await.map_err(|error| belay_causes::chain(&error))?;
    let clients = clients.measured(&clusters.metrics, &connection.server);
    let blank = Cluster {
        server: connection.server.clone(),
        name: String::new(),
        project: String::new(),
        skips: false,
        live: home.live.of_another(clients, read.access.reach.clone()),
        schemas: Arc::default(),
        answers: Answers::awaited(),
    };
    Ok(described(read, &blank))
}
