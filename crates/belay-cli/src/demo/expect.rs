//! Waiting for the cluster to be as a step of the tour says.

use std::time::Duration;

use anyhow::{Context, bail};
use belay_manifest::GroupVersionKind;
use belay_server::{AppSummary, Health, Sync};
use kube::api::{Api, DynamicObject};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::Demo;

/// How long a step may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long what follows from a step's last change may take.
const SETTLES: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(5);
/// How much of an object an error shows, in characters.
const SHOWN: usize = 2000;

impl Demo {
    /// Waits until `VERSION KIND [NAMESPACE/]NAME` holds these fields; a null means that the field is
    /// absent, a list that each of its items is found.
    pub(super) async fn expect(&self, place: &str, wanted: &Value) -> anyhow::Result<Value> {
        let (api, name) = self.place(place).await?;
        let began = Instant::now();
        loop {
            let seen = api.get_opt(&name).await?.map(serde_json::to_value).transpose()?;
            if let Some(seen) = seen.as_ref().filter(|seen| holds(seen, wanted)) {
                return Ok(seen.clone());
            }
            if began.elapsed() > PATIENCE {
                bail!("{place}: expected {wanted}, seen {}", shown(seen));
            }
            sleep(POLL).await;
        }
    }

    /// Waits until the object is gone.
    pub(super) async fn expect_gone(&self, place: &str) -> anyhow::Result<()> {
        let (api, name) = self.place(place).await?;
        let began = Instant::now();
        while api.get_opt(&name).await?.is_some() {
            if began.elapsed() > PATIENCE {
                bail!("{place}: expected it to go, and it is still there");
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Waits a little for the list of apps to catch up with the cluster.
    pub(super) async fn settled(&self) {
        let began = Instant::now();
        let is_settled = |app: &AppSummary| app.sync == Sync::Synced && app.health == Health::Healthy;
        while began.elapsed() < SETTLES && !self.apps().iter().all(|app| is_settled(app)) {
            sleep(POLL).await;
        }
    }

    /// Waits until an Application is Synced at the tip of its repository, and Healthy.
    pub(super) async fn expect_synced(&self, app: &str) -> anyhow::Result<()> {
        let head = self.argo_repository.head()?.unwrap_or_default();
        let wanted = json!({"status": {
            "sync": {"status": "Synced", "revision": head}, "health": {"status": "Healthy"},
        }});
        self.expect(&application(app), &wanted).await.map(|_| ())
    }

    /// Waits until a Flux object is Ready.
    pub(super) async fn expect_ready(&self, place: &str) -> anyhow::Result<()> {
        let ready = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
        self.expect(place, &ready).await.map(|_| ())
    }

    async fn place(&self, place: &str) -> anyhow::Result<(Api<DynamicObject>, String)> {
        let words: Vec<&str> = place.split(' ').collect();
        let [version, kind, object] = words.as_slice() else {
            bail!("{place:?} is not VERSION KIND NAME");
        };
        let (namespace, name) = object.split_once('/').unwrap_or(("", object));
        let api = self.api(&GroupVersionKind::new(version, kind), namespace).await;
        Ok((api.with_context(|| place.to_owned())?, name.to_owned()))
    }
}

/// Where an Application is.
pub(super) fn application(name: &str) -> String {
    format!("argoproj.io/v1alpha1 Application argocd/{name}")
}

/// Where a Flux Kustomization is.
pub(super) fn kustomization(name: &str) -> String {
    format!("kustomize.toolkit.fluxcd.io/v1 Kustomization flux-system/{name}")
}

fn shown(seen: Option<Value>) -> String {
    seen.map_or("nothing".to_owned(), |seen| {
        // Who owns which field is long, and hardly ever the answer.
        let mut seen = seen;
        if let Some(metadata) = seen.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
        seen.to_string().chars().take(SHOWN).collect()
    })
}

fn holds(seen: &Value, wanted: &Value) -> bool {
    match (seen, wanted) {
        (Value::Object(seen), Value::Object(wanted)) => {
            wanted.iter().all(|(name, value)| holds(seen.get(name).unwrap_or(&Value::Null), value))
        }
        (Value::Array(seen), Value::Array(wanted)) => {
            wanted.iter().all(|item| seen.iter().any(|candidate| holds(candidate, item)))
        }
        (seen, wanted) => seen == wanted,
    }
}
