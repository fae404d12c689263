//! How the objects of a scenario ended, written down to be compared with another engine's.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use belay_manifest::GroupVersionKind;
use kube::api::{DynamicObject, ListParams};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};

use crate::run::Run;

/// For how long nothing may change before objects count as at rest.
const REST: Duration = Duration::from_secs(3);
/// The longest wait for that.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(500);
/// What tells in its status how it goes.
const APPS: [&str; 4] = ["Application", "GitRepository", "HelmRelease", "Kustomization"];

/// What a scenario's steps have named so far.
#[derive(Default)]
pub(crate) struct Touched {
    objects: Mutex<BTreeSet<Named>>,
    commits: Mutex<Vec<String>>,
}

/// An object of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    version: String,
    kind: String,
    namespace: String,
    name: String,
}

impl Touched {
    /// A step was about this object.
    pub(crate) fn add(&self, kind: &GroupVersionKind, namespace: &str, name: &str) {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner).insert(Named {
            version: kind.api_version(),
            kind: kind.kind.clone(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        });
    }

    /// A commit was made.
    pub(crate) fn committed(&self, id: &str) {
        self.commits.lock().unwrap_or_else(PoisonError::into_inner).push(id.to_owned());
    }
}

impl Run<'_> {
    /// Waits until the objects are at rest, and writes them and their Events to `NAME.json`.
    pub(crate) async fn record(&self, folder: &Path, failure: Option<&anyhow::Error>) -> anyhow::Result<()> {
        let start = Instant::now();
        let mut state = self.state().await?;
        let mut since = Instant::now();
        while since.elapsed() < REST && start.elapsed() < PATIENCE {
            sleep(LOOK).await;
            let now = self.state().await?;
            if now != state {
                since = Instant::now();
                state = now;
            }
        }
        state["failure"] = failure.map(|failure| format!("{failure:#}")).into();
        std::fs::create_dir_all(folder)?;
        let text = self.portable(&serde_json::to_string_pretty(&state)?);
        std::fs::write(folder.join(format!("{}.json", self.name)), text)?;
        Ok(())
    }

    async fn state(&self) -> anyhow::Result<Value> {
        let named = self.touched.objects.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut objects = Map::new();
        let mut events = Map::new();
        for named in named {
            let key = format!("{} {} {}/{}", named.version, named.kind, named.namespace, named.name);
            let kind = GroupVersionKind::new(&named.version, &named.kind);
            // A kind may have gone with its definition.
            let Ok(api) = self.api(&kind, &named.namespace).await else { continue };
            let object = match api.get_opt(&named.name).await {
                // Discovery still told of it.
                Err(kube::Error::Api(status)) if status.code == 404 => None,
                found => found?,
            };
            let object = object.map(serde_json::to_value).transpose()?;
            objects.insert(key.clone(), object.unwrap_or_default());
            events.insert(key, self.events(&named).await?);
        }
        Ok(json!({"objects": objects, "events": events}))
    }

    /// What the apps that the steps named say of themselves, for whoever reads why a step did not hold.
    pub(crate) async fn accounts(&self) -> String {
        let named = self.touched.objects.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut text = String::new();
        for app in named.iter().filter(|named| APPS.contains(&named.kind.as_str())) {
            let kind = GroupVersionKind::new(&app.version, &app.kind);
            let Ok(api) = self.api(&kind, &app.namespace).await else { continue };
            let seen =
                api.get_opt(&app.name).await.map(|seen| seen.map(|seen| seen.data["status"].to_string()));
            let account = match seen {
                Ok(status) => status.unwrap_or_else(|| "is not there".to_owned()),
                Err(error) => error.to_string(),
            };
            text.push_str(&format!("\n  {} {}/{}: {account}", app.kind, app.namespace, app.name));
        }
        text
    }

    async fn events(&self, about: &Named) -> anyhow::Result<Value> {
        let namespace = if about.namespace.is_empty() { "default" } else { &about.namespace };
        let api = self.api(&GroupVersionKind::new("v1", "Event"), namespace).await?;
        let fields = format!("involvedObject.kind={},involvedObject.name={}", about.kind, about.name);
        let seen: Vec<DynamicObject> = api.list(&ListParams::default().fields(&fields)).await?.items;
        Ok(serde_json::to_value(seen)?)
    }

    /// The text with what differs from run to run named by words.
    fn portable(&self, text: &str) -> String {
        let words = ["FOLDER", "SECOND", "REPOSITORY", "CLUSTER"];
        let mut text = self.variables.with_words(text, &words);
        let commits = self.touched.commits.lock().unwrap_or_else(PoisonError::into_inner);
        for (position, commit) in commits.iter().enumerate() {
            text = text.replace(commit, &format!("$COMMIT{}", position + 1));
            // Argo CD shortens them.
            if let Some(short) = commit.get(..7) {
                text = text.replace(short, &format!("$COMMIT{}", position + 1));
            }
        }
        text
    }
}
