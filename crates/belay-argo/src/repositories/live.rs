//! What is known of repositories as of now: Secrets and ConfigMaps of the control plane are watched.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use futures::{StreamExt, pin_mut};
use kube::api::{Api, ApiResource, DynamicObject};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Client, ResourceExt};
use serde_json::Value;
use tokio::sync::watch;

use super::known::KnownRepositories;
use super::secret::RepositorySecret;

const TYPE: &str = "argocd.argoproj.io/secret-type";
const REPOSITORY: &str = "repository";
const TEMPLATE: &str = "repo-creds";
const KNOWN_HOSTS: &str = "argocd-ssh-known-hosts-cm";
const CERTIFICATES: &str = "argocd-tls-certs-cm";

/// What is known of repositories; a handle that can be shared.
#[derive(Debug, Clone)]
pub struct LiveRepositories {
    state: Arc<watch::Sender<State>>,
}

#[derive(Debug, Clone, Default)]
struct State {
    known: Arc<KnownRepositories>,
    secrets_are_read: bool,
    hosts_are_read: bool,
    certificates_are_read: bool,
}

impl Default for LiveRepositories {
    fn default() -> LiveRepositories {
        LiveRepositories { state: Arc::new(watch::channel(State::default()).0) }
    }
}

impl LiveRepositories {
    /// What is known now.
    pub fn now(&self) -> Arc<KnownRepositories> {
        self.state.borrow().known.clone()
    }

    /// Waits until everything was read once.
    pub(crate) async fn are_read(&self) {
        let mut state = self.state.subscribe();
        // The sender lives as long as this handle.
        let _ = state
            .wait_for(|state| state.secrets_are_read && state.hosts_are_read && state.certificates_are_read)
            .await;
    }

    /// Tells of changes.
    pub(crate) fn changes(&self) -> RepositoryChanges {
        let mut state = self.state.subscribe();
        state.mark_unchanged();
        RepositoryChanges { seen: self.now(), state }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        self.state.send_modify(change);
    }
}

/// Changes of what is known, for one reader.
pub(crate) struct RepositoryChanges {
    seen: Arc<KnownRepositories>,
    state: watch::Receiver<State>,
}

impl RepositoryChanges {
    /// The next change: as it was and as it is. Pends for ever when nobody can change anything any more.
    pub(crate) async fn next(&mut self) -> (Arc<KnownRepositories>, Arc<KnownRepositories>) {
        loop {
            if self.state.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            let newest = self.state.borrow_and_update().known.clone();
            if newest != self.seen {
                return (std::mem::replace(&mut self.seen, newest.clone()), newest);
            }
        }
    }
}

/// Keeps what is known as the namespace's objects say, until the future is dropped.
pub(crate) async fn follow(client: Client, namespace: &str, repositories: &LiveRepositories) {
    let secrets = Config::default().labels(&format!("{TYPE} in ({REPOSITORY},{TEMPLATE})"));
    let secrets = each(&client, namespace, "Secret", "secrets", secrets, |found| {
        repositories.change(|state| {
            let known = Arc::make_mut(&mut state.known);
            known.repositories = of_type(found, REPOSITORY);
            known.templates = of_type(found, TEMPLATE);
            state.secrets_are_read = true;
        });
    });
    // Watches know no list of names; a map each costs less than all maps of the namespace.
    let of_name = |name: &str| Config::default().fields(&format!("metadata.name={name}"));
    let hosts = each(&client, namespace, "ConfigMap", "configmaps", of_name(KNOWN_HOSTS), |found| {
        repositories.change(|state| {
            let mut hosts = found.get(KNOWN_HOSTS).map(texts).unwrap_or_default();
            let hosts = hosts.remove("ssh_known_hosts").unwrap_or_default();
            Arc::make_mut(&mut state.known).known_hosts = hosts;
            state.hosts_are_read = true;
        });
    });
    let certificates = each(&client, namespace, "ConfigMap", "configmaps", of_name(CERTIFICATES), |found| {
        repositories.change(|state| {
            let found = found.get(CERTIFICATES).map(texts).unwrap_or_default();
            Arc::make_mut(&mut state.known).certificates = found;
            state.certificates_are_read = true;
        });
    });
    tokio::join!(secrets, hosts, certificates);
}

/// Gives all objects of a kind whenever one of them changed.
async fn each(
    client: &Client,
    namespace: &str,
    kind: &str,
    plural: &str,
    config: Config,
    mut give: impl FnMut(&BTreeMap<String, DynamicObject>),
) {
    let resource = ApiResource {
        group: String::new(),
        version: "v1".to_owned(),
        api_version: "v1".to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    };
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    let stream = watcher(api, config).default_backoff();
    pin_mut!(stream);
    let (mut found, mut listed) = (BTreeMap::new(), BTreeMap::new());
    let mut failure = String::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(Event::Init) => listed = BTreeMap::new(),
            Ok(Event::InitApply(object)) => keep(&mut listed, object),
            Ok(Event::InitDone) => {
                found = std::mem::take(&mut listed);
                give(&found);
            }
            Ok(Event::Apply(object)) => {
                keep(&mut found, object);
                give(&found);
            }
            Ok(Event::Delete(object)) => {
                if let Some(name) = &object.metadata.name {
                    found.remove(name);
                }
                give(&found);
            }
            Err(error) => {
                let error = belay_causes::chain(&error);
                if error != failure {
                    tracing::warn!(namespace, kind, error, "what is known of repositories cannot be watched");
                    failure = error;
                }
            }
        }
    }
}

fn keep(found: &mut BTreeMap<String, DynamicObject>, object: DynamicObject) {
    if let Some(name) = object.metadata.name.clone() {
        found.insert(name, object);
    }
}

fn of_type(found: &BTreeMap<String, DynamicObject>, type_: &str) -> BTreeMap<String, RepositorySecret> {
    let wanted =
        found.iter().filter(|(_, secret)| secret.labels().get(TYPE).is_some_and(|found| found == type_));
    wanted.map(|(name, secret)| (name.clone(), RepositorySecret::read(name, &decoded(secret)))).collect()
}

fn decoded(secret: &DynamicObject) -> BTreeMap<String, Vec<u8>> {
    let engine = base64::engine::general_purpose::STANDARD;
    let data = secret.data["data"].as_object().into_iter().flatten();
    let pairs = data.filter_map(|(key, value)| Some((key.clone(), engine.decode(value.as_str()?).ok()?)));
    pairs.collect()
}

fn texts(map: &DynamicObject) -> BTreeMap<String, String> {
    let data = map.data["data"].as_object().into_iter().flatten();
    data.filter_map(|(key, value)| Some((key.clone(), Value::as_str(value)?.to_owned()))).collect()
}
