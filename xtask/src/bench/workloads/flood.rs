//! F33 of the faults: all apps go at once, as when what makes them finds nothing any more, and come back.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kube::ResourceExt;
use kube::api::{Api, DynamicObject, ListParams};
use serde_json::json;

use super::leg::{Cost, Leg};
use crate::fleet::{Family, NAMESPACE, Waited};

/// How many objects that are nobody's are beside those of the apps.
const NEIGHBOURS: usize = 100;
/// How often it is asked whether all are gone.
const PAUSE: Duration = Duration::from_millis(500);

impl Leg<'_> {
    /// All apps are deleted at once, and made anew when the last has gone. Their objects go and come with them; those beside
    /// them stay as they are.
    pub(super) async fn come_and_go(&self) -> Result<Vec<(String, Cost)>> {
        self.rest().await?;
        self.cluster.apply_all((0..NEIGHBOURS).map(neighbour).collect(), "somebody").await?;
        let neighbours = self.config_maps().await?;
        let gone = self.delete_all().await?;
        ensure!(self.config_maps().await? == without_apps(&neighbours), "other objects went, or some stayed");
        let back = self.create_anew().await?;
        ensure!(self.config_maps().await? == neighbours, "not all came back as it was");
        Ok(vec![("all go".to_owned(), gone), ("all come back".to_owned(), back)])
    }

    async fn delete_all(&self) -> Result<Cost> {
        let apps = self.cluster.apps(Family::Flux).await?;
        let mark = self.mark().await?;
        self.cluster.delete_apps(Family::Flux, self.arguments.apps).await?;
        let mut waited = Waited::default();
        while is_any(&apps).await? {
            waited.looks += 1;
            ensure!(mark.start.elapsed() < self.patience(), "some apps are still there");
            tokio::time::sleep(PAUSE).await;
        }
        waited.all = mark.start.elapsed();
        self.cost(mark, waited).await
    }

    async fn create_anew(&self) -> Result<Cost> {
        let mark = self.mark().await?;
        self.create_apps().await?;
        let waited = self.wait(&mark).await?;
        self.cost(mark, waited).await
    }

    async fn config_maps(&self) -> Result<BTreeSet<String>> {
        let api = self.cluster.api("v1", "ConfigMap").await?;
        let all = api.list(&ListParams::default()).await.context("the ConfigMaps cannot be listed")?;
        Ok(all.iter().map(ResourceExt::name_any).collect())
    }
}

/// The names of objects that are no app's.
fn without_apps(names: &BTreeSet<String>) -> BTreeSet<String> {
    names.iter().filter(|name| !name.starts_with("app-")).cloned().collect()
}

fn neighbour(number: usize) -> serde_json::Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": format!("neighbour-{number}"), "namespace": NAMESPACE}})
}

async fn is_any(apps: &Api<DynamicObject>) -> Result<bool> {
    Ok(!apps.list_metadata(&ListParams::default().limit(1)).await?.items.is_empty())
}
