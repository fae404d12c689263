//! The clusters that Kustomizations apply to, and in whose name they do.
//!
//! Watches are ours: one live state per cluster, shared by all that name the same connection. Writes are those of the
//! service account that a Kustomization names.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use belay_cluster::{
    Answers, Connection, KubeconfigError, LiveState, Reach, WorkQueue, impersonate, service_account,
};
use belay_flux_api::{KubeConfigReference, Kustomization, SecretKeyReference};
use belay_manifest::ObjectKey;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::AbortHandle;

use crate::context::{Context, lock};
use crate::controller::owner;
use crate::secret_data::{self, Data, NoSecret};

/// Where a Kustomization's objects are, and who writes them.
pub(crate) struct Place {
    /// What is live there; its requests are those of the account.
    pub(crate) live: LiveState,
    /// Whether the account is another than ours.
    pub(crate) is_impersonated: bool,
    /// Looks at other clusters do not take up workers, and are as many as those.
    _turn: Option<OwnedSemaphorePermit>,
}

/// Why there is no place, in the original's words.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoPlace {
    #[error("unable to read KubeConfig secret '{secret}' error: {reason}")]
    Secret { secret: String, reason: NoSecret },
    #[error("KubeConfig secret '{secret}' does not contain a '{key}' key with a kubeconfig")]
    NoKey { secret: String, key: String },
    #[error("invalid KubeConfig in secret '{secret}'")]
    Kubeconfig {
        secret: String,
        #[source]
        source: KubeconfigError,
    },
    #[error("invalid KubeConfig in secret '{secret}': it is not text")]
    NoText { secret: String },
    #[error("`spec.kubeConfig.configMapRef` is not supported yet")]
    ConfigMap,
    #[error(transparent)]
    Connect(#[from] belay_cluster::ConnectError),
    #[error("the cluster {server} does not answer: {reason}")]
    NoAnswer { server: String, reason: String },
    #[error("no user name can be made of service account {account:?}")]
    Account { account: String },
}

/// The other clusters, as long as somebody uses them.
#[derive(Default)]
pub(crate) struct Clusters {
    known: Mutex<Vec<Known>>,
}

struct Known {
    connection: Connection,
    live: LiveState,
    answers: Answers,
    users: Users,
    tasks: Vec<AbortHandle>,
}

/// The Kustomizations that use a cluster.
type Users = Arc<Mutex<HashSet<ObjectKey>>>;

impl Known {
    fn end(&self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        self.live.close();
    }
}

impl Drop for Clusters {
    fn drop(&mut self) {
        lock(&self.known).iter().for_each(Known::end);
    }
}

impl Clusters {
    /// A cluster by its connection, which is kept for this app and no other cluster with it.
    fn find(&self, app: &ObjectKey, connection: &Connection) -> Option<(LiveState, Answers)> {
        let known = lock(&self.known);
        let found = known.iter().find(|known| known.connection == *connection)?;
        lock(&found.users).insert(app.clone());
        Some((found.live.clone(), found.answers.clone()))
    }

    /// Ends what an app uses, but for one connection. A cluster that nobody uses is followed no more.
    pub(crate) fn leave(&self, app: &ObjectKey, but: Option<&Connection>) {
        lock(&self.known).retain(|known| {
            if but == Some(&known.connection) {
                return true;
            }
            let is_used = {
                let mut users = lock(&known.users);
                users.remove(app);
                !users.is_empty()
            };
            if !is_used {
                known.end();
            }
            is_used
        });
    }
}

/// The account that an app acts as; ours when empty.
pub(crate) fn account<'a>(context: &'a Context, app: &'a Kustomization) -> &'a str {
    match app.spec.service_account_name.as_str() {
        "" => &context.settings.default_service_account,
        name => name,
    }
}

/// Where an app's objects are. Asks for the kubeconfig's Secret when there is one, and else for nothing.
pub(crate) async fn place(context: &Context, key: &ObjectKey, app: &Kustomization) -> Result<Place, NoPlace> {
    let (live, turn) = match &app.spec.kube_config {
        None => {
            context.clusters.leave(key, None);
            (context.live.clone(), None)
        }
        Some(reference) => (elsewhere(context, key, reference).await?, context.turn().await),
    };
    let name = account(context, app);
    if name.is_empty() {
        return Ok(Place { live, is_impersonated: false, _turn: turn });
    }
    let user = service_account(&key.namespace, name);
    let client = impersonate(live.client(), &user)
        .map_err(|_no_header| NoPlace::Account { account: name.to_owned() })?;
    Ok(Place { live: live.with_requests_by(client), is_impersonated: true, _turn: turn })
}

async fn elsewhere(
    context: &Context,
    app: &ObjectKey,
    reference: &KubeConfigReference,
) -> Result<LiveState, NoPlace> {
    let Some(secret) = &reference.secret_ref else { return Err(NoPlace::ConfigMap) };
    let place = format!("{}/{}", app.namespace, secret.name);
    let data = secret_data::read(&context.live, &app.namespace, &secret.name)
        .await
        .map_err(|reason| NoPlace::Secret { secret: place.clone(), reason })?;
    let text = kubeconfig(&data, secret, &place)?;
    let connection = Connection::from_kubeconfig(&text)
        .map_err(|source| NoPlace::Kubeconfig { secret: place.clone(), source })?;
    context.clusters.leave(app, Some(&connection));
    let (live, answers) = match context.clusters.find(app, &connection) {
        Some(found) => found,
        None => connect(context, app, &connection).await?,
    };
    let server = connection.server;
    answers.reached().await.map_err(|reason| NoPlace::NoAnswer { server, reason })?;
    Ok(live)
}

/// The text under the key that is named; else under `value` or `value.yaml`.
fn kubeconfig(data: &Data, secret: &SecretKeyReference, place: &str) -> Result<String, NoPlace> {
    let keys: &[&str] = match secret.key.as_str() {
        "" => &["value", "value.yaml"],
        key => &[key],
    };
    let found = keys.iter().find_map(|key| data.get(*key));
    let missing = || NoPlace::NoKey { secret: place.to_owned(), key: keys[0].to_owned() };
    let bytes = found.ok_or_else(missing)?.0.clone();
    String::from_utf8(bytes).map_err(|_bytes| NoPlace::NoText { secret: place.to_owned() })
}

async fn connect(
    context: &Context,
    app: &ObjectKey,
    connection: &Connection,
) -> Result<(LiveState, Answers), NoPlace> {
    let clients = connection.clients().await?.measured(&context.settings.metrics, &connection.server);
    let live = context.live.of_another(clients, Reach::default());
    let mut clusters = lock(&context.clusters.known);
    if let Some(known) = clusters.iter().find(|known| known.connection == *connection) {
        // Another app was faster.
        lock(&known.users).insert(app.clone());
        return Ok((known.live.clone(), known.answers.clone()));
    }
    let (answers, users) = (Answers::awaited(), Users::default());
    lock(&users).insert(app.clone());
    let (queue, told) = (context.queue.clone(), users.clone());
    let attended = answers.clone().attend(live.clone(), move |_is_there| add_all(&queue, &told));
    let followed = follow(live.clone(), context.queue.clone(), users.clone());
    let tasks = vec![tokio::spawn(attended).abort_handle(), tokio::spawn(followed).abort_handle()];
    let (connection, found) = (connection.clone(), (live.clone(), answers.clone()));
    clusters.push(Known { connection, live, answers, users, tasks });
    Ok(found)
}

fn add_all(queue: &WorkQueue<ObjectKey>, users: &Users) {
    lock(users).iter().for_each(|app| queue.add(app.clone()));
}

/// Has an app looked at when one of its objects changed there.
async fn follow(live: LiveState, queue: WorkQueue<ObjectKey>, users: Users) {
    let mut changes = live.subscribe();
    loop {
        match changes.recv().await {
            Ok(change) => {
                let owners =
                    [&change.before, &change.after].into_iter().flatten().filter_map(|object| owner(object));
                for owner in owners.filter(|owner| lock(&users).contains(owner)) {
                    queue.add(owner);
                }
            }
            Err(RecvError::Lagged(_)) => add_all(&queue, &users),
            Err(RecvError::Closed) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_crd::Described;
    use k8s_openapi::ByteString;
    use serde_json::json;

    #[test]
    fn the_kubeconfig_is_under_the_key_named_or_a_usual_one() {
        let data = |keys: &[&str]| -> Data {
            keys.iter().map(|key| ((*key).to_owned(), ByteString(key.as_bytes().to_vec()))).collect()
        };
        let read = |keys: &[&str], key: &str| {
            let secret = SecretKeyReference::read(json!({"name": "remote", "key": key})).unwrap();
            kubeconfig(&data(keys), &secret, "apps/remote").map_err(|error| error.to_string())
        };
        assert_eq!(read(&["value.yaml", "value"], "").unwrap(), "value");
        assert_eq!(read(&["value.yaml"], "").unwrap(), "value.yaml");
        assert_eq!(read(&["value", "admin"], "admin").unwrap(), "admin");
        assert_eq!(
            read(&["admin"], "").unwrap_err(),
            "KubeConfig secret 'apps/remote' does not contain a 'value' key with a kubeconfig"
        );
        assert!(read(&["value"], "admin").unwrap_err().contains("a 'admin' key"));
    }
}
