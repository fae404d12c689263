//! The settings as of now: the two ConfigMaps are watched.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use belay_cluster::{EventRecorder, Severity};
use belay_manifest::Object;
use futures::{StreamExt, pin_mut};
use kube::api::{Api, ApiResource, DynamicObject};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Client, ResourceExt};
use serde_json::Value;
use tokio::sync::watch;

use super::marks::notice_of_unread;
use super::{CONFIG_MAP, Data, Notice, PARAMETERS, Settings, SettingsError, UNREAD, Weight};

/// The settings of an installation as of now; a handle that can be shared.
#[derive(Debug, Clone)]
pub struct LiveSettings {
    state: Arc<watch::Sender<State>>,
}

#[derive(Debug, Clone, Default)]
struct State {
    /// The last good settings; nothing when there were none yet.
    good: Option<Arc<Settings>>,
    /// What is wrong with the newest ones.
    problem: Option<Arc<SettingsError>>,
}

impl Default for LiveSettings {
    fn default() -> LiveSettings {
        LiveSettings { state: Arc::new(watch::channel(State::default()).0) }
    }
}

impl LiveSettings {
    /// The last good settings; those of an installation that sets nothing when there were none yet.
    pub fn now(&self) -> Arc<Settings> {
        self.state.borrow().good.clone().unwrap_or_default()
    }

    /// The last good settings; what is wrong when there were none yet. What is not known for sure nobody acts on.
    pub fn checked(&self) -> Result<Arc<Settings>, Arc<SettingsError>> {
        let state = self.state.borrow();
        match (&state.good, &state.problem) {
            (Some(good), _) => Ok(good.clone()),
            (None, Some(problem)) => Err(problem.clone()),
            (None, None) => Ok(Arc::default()),
        }
    }

    /// What is wrong with the newest settings, while older ones are in force.
    pub fn problem(&self) -> Option<Arc<SettingsError>> {
        self.state.borrow().problem.clone()
    }

    /// Waits until the ConfigMaps have been read, or found absent.
    pub async fn are_read(&self) {
        let mut state = self.state.subscribe();
        // The sender lives as long as this handle.
        let _ = state.wait_for(|state| state.good.is_some() || state.problem.is_some()).await;
    }

    /// Tells of changes: each value is seen once more when it is another.
    pub(crate) fn changes(&self) -> Changes {
        Changes { seen: self.now(), state: self.state.subscribe() }
    }

    /// Sets what is in force. Gives whether that is something else than before.
    pub(crate) fn set(&self, read: Result<Settings, SettingsError>) -> bool {
        self.state.send_if_modified(|state| {
            let before = (state.good.clone(), state.problem.clone());
            match read {
                Ok(settings) => {
                    if state.good.as_deref() != Some(&settings) {
                        state.good = Some(Arc::new(settings));
                    }
                    state.problem = None;
                }
                Err(problem) => state.problem = Some(Arc::new(problem)),
            }
            before.0 != state.good || before.1 != state.problem
        })
    }
}

/// Changes of the settings, for one reader.
pub(crate) struct Changes {
    seen: Arc<Settings>,
    state: watch::Receiver<State>,
}

impl Changes {
    /// The next change: settings as they were and as they are. Pends for ever when nobody can change them any more.
    pub(crate) async fn next(&mut self) -> (Arc<Settings>, Arc<Settings>) {
        if self.state.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        let newest = self.state.borrow_and_update().good.clone().unwrap_or_default();
        (std::mem::replace(&mut self.seen, newest.clone()), newest)
    }
}

/// Keeps the settings as the two ConfigMaps of a namespace say, until the future is dropped. What is wrong with them goes
/// to the log, and becomes an Event where there is a recorder.
pub(crate) async fn follow(
    client: Client,
    namespace: &str,
    settings: &LiveSettings,
    events: Option<&EventRecorder>,
) {
    let api: Api<DynamicObject> = Api::namespaced_with(client, namespace, &config_maps());
    let stream = watcher(api, Config::default()).default_backoff();
    pin_mut!(stream);
    let mut reader = Reader { settings, events, found: BTreeMap::new(), said: BTreeSet::new() };
    let mut listed = BTreeMap::new();
    let mut failure = String::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(Event::Init) => listed.clear(),
            Ok(Event::InitApply(map)) => drop(ours(map).map(|map| listed.insert(map.name().to_owned(), map))),
            Ok(Event::InitDone) => {
                reader.found.append(&mut listed);
                reader.read().await;
            }
            Ok(Event::Apply(map)) => {
                if let Some(map) = ours(map) {
                    reader.found.insert(map.name().to_owned(), map);
                    reader.read().await;
                }
            }
            // A map that is taken away, and be it for a moment, is no reason to treat every app otherwise.
            Ok(Event::Delete(map)) => {
                if let Some(map) = ours(map) {
                    tracing::warn!(name = map.name(), "the settings are gone; the last ones stay in force");
                }
            }
            Err(error) => {
                let error = belay_causes::chain(&error);
                if error != failure {
                    tracing::warn!(namespace, error, "the settings cannot be watched, trying again");
                    failure = error;
                }
            }
        }
    }
}

fn config_maps() -> ApiResource {
    ApiResource {
        group: String::new(),
        version: "v1".to_owned(),
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        plural: "configmaps".to_owned(),
    }
}

/// The map as an object, if it is one of Argo CD's that something is said of.
fn ours(map: DynamicObject) -> Option<Object> {
    let name = map.name_any();
    if !UNREAD.iter().chain(&[CONFIG_MAP, PARAMETERS]).any(|known| *known == name) {
        return None;
    }
    let mut value = serde_json::to_value(map).ok()?;
    let fields = value.as_object_mut()?;
    fields.insert("apiVersion".to_owned(), Value::from("v1"));
    fields.insert("kind".to_owned(), Value::from("ConfigMap"));
    Object::new(value).ok()
}

struct Reader<'a> {
    settings: &'a LiveSettings,
    events: Option<&'a EventRecorder>,
    /// The maps by their names.
    found: BTreeMap<String, Object>,
    /// What was said of them already.
    said: BTreeSet<Notice>,
}

impl Reader<'_> {
    async fn read(&mut self) {
        let data = |name: &str| -> Data { self.found.get(name).map(data_of).unwrap_or_default() };
        match Settings::parse(&data(CONFIG_MAP), &data(PARAMETERS)) {
            Ok(parsed) => {
                if self.settings.set(Ok(parsed.settings)) {
                    tracing::info!("settings read");
                }
                let unread = UNREAD.iter().filter_map(|name| notice_of_unread(name, &data(name)));
                let notices: BTreeSet<Notice> = parsed.notices.into_iter().chain(unread).collect();
                for notice in notices.difference(&self.said.clone()) {
                    self.say(notice).await;
                }
                self.said = notices;
            }
            Err(error) => {
                let message = format!("{error}; the last good settings stay in force");
                let about = error.config_map;
                if self.settings.set(Err(error)) {
                    tracing::warn!("{message}");
                    self.record(about, "InvalidSettings", &message).await;
                }
            }
        }
    }

    async fn say(&self, notice: &Notice) {
        match notice.weight {
            Weight::Idle => tracing::debug!("{}", notice.message),
            Weight::Behaviour => {
                tracing::warn!("{}", notice.message);
                let about = notice.message.split(':').next().unwrap_or_default();
                self.record(about, "SettingNotSupported", &notice.message).await;
            }
        }
    }

    async fn record(&self, about: &str, reason: &str, message: &str) {
        if let (Some(about), Some(events)) = (self.found.get(about), self.events) {
            events.record(about, Severity::Warning, reason, message, &BTreeMap::new()).await;
        }
    }
}

fn data_of(map: &Object) -> Data {
    let data = map.value().get("data").and_then(Value::as_object);
    let texts =
        data.into_iter().flatten().filter_map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned())));
    texts.collect()
}
