//! Which app is worked on next: a queue for each destination, so that a cluster that is slow or dead keeps only its own
//! apps waiting.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use belay_cluster::{LiveState, WorkQueue};
use belay_manifest::ObjectKey;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::project::{IN_CLUSTER, IN_CLUSTER_NAME};

/// How soon an app is taken up that is still worked on for its destination of before.
const STILL_BUSY: Duration = Duration::from_millis(200);

/// A queue of apps.
pub(crate) type Lane = WorkQueue<ObjectKey>;

/// The queues of apps, by destination.
#[derive(Clone)]
pub(crate) struct Lanes {
    home: LiveState,
    state: Arc<Mutex<State>>,
}

struct State {
    lanes: HashMap<String, Lane>,
    /// Apps that somebody works on, in whichever lane.
    busy: HashSet<ObjectKey>,
    /// Who works on lanes takes new ones from there.
    opened: Option<mpsc::UnboundedSender<Lane>>,
}

impl Lanes {
    /// No lanes yet. Apps are looked up in `home`.
    pub(crate) fn new(home: LiveState) -> Lanes {
        let state = State { lanes: HashMap::new(), busy: HashSet::new(), opened: None };
        Lanes { home, state: Arc::new(Mutex::new(state)) }
    }

    /// Every lane that is there, and then each new one, for the one who has workers.
    pub(crate) fn news(&self) -> mpsc::UnboundedReceiver<Lane> {
        let (opened, news) = mpsc::unbounded_channel();
        let mut state = self.lock();
        // The other end is right here.
        state.lanes.values().for_each(|lane| drop(opened.send(lane.clone())));
        state.opened = Some(opened);
        news
    }

    /// Makes the app due now.
    pub(crate) fn add(&self, app: ObjectKey) {
        self.lane_of(&app).add(app);
    }

    /// Makes the app due after a while, unless it is due earlier anyway.
    pub(crate) fn add_after(&self, app: ObjectKey, delay: Duration) {
        self.lane_of(&app).add_after(app, delay);
    }

    /// Forgets an app that is waiting.
    pub(crate) fn forget(&self, app: &ObjectKey) {
        self.lock().lanes.values().for_each(|lane| lane.forget(app));
    }

    /// Waits for the next app of a lane. It stays busy until the value is gone.
    pub(crate) async fn next(&self, lane: &Lane) -> Busy {
        loop {
            let app = lane.next().await;
            let is_free = self.lock().busy.insert(app.clone());
            if is_free {
                return Busy { lanes: self.clone(), lane: lane.clone(), app };
            }
            lane.done(&app);
            lane.add_after(app, STILL_BUSY);
        }
    }

    fn lane_of(&self, app: &ObjectKey) -> Lane {
        let destination = destination_of(&self.home, app);
        let mut state = self.lock();
        if let Some(lane) = state.lanes.get(&destination) {
            return lane.clone();
        }
        let lane = Lane::new();
        state.lanes.insert(destination, lane.clone());
        if let Some(opened) = &state.opened {
            // Without workers nothing is to be done.
            let _ = opened.send(lane.clone());
        }
        lane
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// An app that is worked on.
pub(crate) struct Busy {
    lanes: Lanes,
    lane: Lane,
    /// The app.
    pub(crate) app: ObjectKey,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.lanes.lock().busy.remove(&self.app);
        self.lane.done(&self.app);
    }
}

/// By what replicas share apps: each by itself, but those of another cluster together, so that one replica follows it.
pub(crate) fn piece(home: &LiveState, app: &ObjectKey) -> String {
    match destination_of(home, app) {
        here if here.is_empty() => format!("app/{}/{}", app.namespace, app.name),
        elsewhere => format!("cluster/{elsewhere}"),
    }
}

/// Whether an app's destination is the cluster of this URL and name.
pub(crate) fn deploys_to(app: &Value, server: &str, name: &str) -> bool {
    match destination(app) {
        Destination::Home => server == IN_CLUSTER,
        Destination::Named(wanted) => wanted == name,
        Destination::At(wanted) => wanted == server,
    }
}

/// An app's destination as a key; empty for the cluster that Belay runs against.
fn destination_of(home: &LiveState, app: &ObjectKey) -> String {
    match home.get(app).as_ref().map_or(Destination::Home, |app| destination(app.value())) {
        Destination::Home => String::new(),
        Destination::Named(name) => format!("name {name}"),
        Destination::At(server) => server.to_owned(),
    }
}

/// How an app names its destination.
enum Destination<'a> {
    /// The cluster that Belay runs against.
    Home,
    /// By its name.
    Named(&'a str),
    /// By its URL.
    At(&'a str),
}

fn destination(app: &Value) -> Destination<'_> {
    let text = |field: &str| app["spec"]["destination"][field].as_str().unwrap_or_default();
    match (text("server").trim_end_matches('/'), text("name")) {
        (IN_CLUSTER, _) | ("", IN_CLUSTER_NAME | "") => Destination::Home,
        ("", name) => Destination::Named(name),
        (server, _) => Destination::At(server),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_app_deploys_to_the_cluster_that_it_names_in_either_way() {
        let app = |destination: Value| json!({"spec": {"destination": destination}});
        let (server, name) = ("https://one.example:6443", "one");
        assert!(deploys_to(&app(json!({"server": "https://one.example:6443/"})), server, name));
        assert!(deploys_to(&app(json!({"name": "one"})), server, name));
        for other in [json!({"server": "https://two.example"}), json!({"name": "two"}), json!({})] {
            assert!(!deploys_to(&app(other.clone()), server, name), "{other}");
        }
        for home in [json!({"server": IN_CLUSTER}), json!({"name": IN_CLUSTER_NAME}), json!({})] {
            assert!(deploys_to(&app(home.clone()), IN_CLUSTER, "prod"), "{home}");
        }
        assert!(deploys_to(&app(json!({"name": "prod"})), IN_CLUSTER, "prod"));
    }
}
