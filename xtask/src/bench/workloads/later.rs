//! What is measured once the apps are installed: latencies, restarts, idleness.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use belay_testkit::Change;
use futures::StreamExt;
use futures::stream::BoxStream;
use kube::ResourceExt;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams, WatchEvent, WatchParams};
use serde_json::{Value, json};

use super::Workload;
use super::leg::{Cost, Engine, Leg};
use super::requests::Requests;
use crate::fleet::{self, Waited};

/// What somebody puts into ConfigMaps by hand.
const EDITED: &str = "edited meanwhile";
/// The ConfigMap among an app's objects.
const CONFIG_MAP: usize = 2;

impl Leg<'_> {
    /// W2: a commit that changes nothing; done when all apps report it.
    pub(super) async fn commit_nothing(&mut self) -> Result<Cost> {
        self.rest().await?;
        self.commit_readme("Nothing that an app reads.\n")?;
        let mark = self.mark().await?;
        if self.engine == Engine::Floor {
            self.write_statuses().await?;
            let waited = Waited { all: mark.start.elapsed(), ..Waited::default() };
            return self.cost(mark, waited).await;
        }
        self.cluster.announce().await?;
        let waited = self.wait(&mark).await?;
        self.cost(mark, waited).await
    }

    /// W3: one line of one app is changed, again and again; how long until the cluster has it.
    pub(super) async fn change_lines(&mut self) -> Result<Cost> {
        self.rest().await?;
        self.time_lines("line").await
    }

    /// The same, whatever else goes on; the lines say so.
    pub(super) async fn time_lines(&mut self, word: &str) -> Result<Cost> {
        let api = self.cluster.api("v1", "ConfigMap").await?;
        let mark = self.mark().await?;
        let mut latencies = Vec::new();
        for turn in 0..self.arguments.repeats(Workload::W3) {
            let app = turn % self.arguments.apps;
            let value = format!("{word} {turn}");
            let mut changes = Changes::of_app(&api, app).await?;
            self.commit_line(app, &value)?;
            let start = Instant::now();
            self.push().await?;
            changes
                .wait_for(one(app), self.patience(), |found| found == value)
                .await
                .with_context(|| format!("turn {turn}"))?;
            latencies.push(start.elapsed().as_secs_f64());
            tokio::time::sleep(Duration::from_millis(self.arguments.pause)).await;
        }
        self.cost_of_each(mark, latencies).await
    }

    /// W6: from the start of the engine's process until it has seen every app, with many objects beside them that are
    /// nobody's: until what was edited meanwhile, here and there among all apps, is as it was.
    pub(super) async fn start_cold(&mut self) -> Result<Cost> {
        self.rest().await?;
        self.stop_engine()?;
        let foreign = (0..self.arguments.foreign).map(|number| {
            json!({"apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": format!("foreign-{number}"), "namespace": "default"},
                "data": {"text": "x".repeat(1000)}})
        });
        self.cluster.apply_all(foreign.collect(), "somebody").await?;
        let api = self.cluster.api("v1", "ConfigMap").await?;
        let mut changes = Changes::from_now(&api, WatchParams::default()).await?;
        let mut edited = HashSet::new();
        let (apps, edits) =
            (self.arguments.apps, self.arguments.repeats(Workload::W6).min(self.arguments.apps));
        for turn in 1..=edits {
            let app = turn * apps / edits - 1;
            edit(&api, app, EDITED).await?;
            edited.insert(fleet::name(app));
        }
        let requests = Requests::so_far(&self.cluster.client).await?;
        let start = Instant::now();
        self.start_engine().await?;
        let mut mark = self.clocks().await?;
        (mark.start, mark.requests, mark.engine_cpu) = (start, requests, 0.0);
        changes.wait_for(edited, self.patience(), |found| found != EDITED).await?;
        let waited = Waited { all: mark.start.elapsed(), ..Waited::default() };
        // The lists of the start are over, and what they took is given back if it ever is.
        self.rest().await?;
        self.cost(mark, waited).await
    }

    /// Commits another line of an app's ConfigMap.
    pub(super) fn commit_line(&mut self, app: usize, value: &str) -> Result<()> {
        let mut object = fleet::objects(app)[CONFIG_MAP].clone();
        object["data"]["app"] = json!(value);
        self.commit(&Change::write(&format!("apps/{app}/configmap.yaml"), object.to_string()))
    }

    /// W12: what it costs to have nothing to do.
    pub(super) async fn idle(&self) -> Result<Cost> {
        self.rest().await?;
        let mark = self.mark().await?;
        tokio::time::sleep(Duration::from_secs(60 * self.arguments.minutes)).await;
        let waited = Waited { all: mark.start.elapsed(), ..Waited::default() };
        self.cost(mark, waited).await
    }
}

/// Somebody changes an app's ConfigMap by hand.
async fn edit(api: &Api<DynamicObject>, app: usize, value: &str) -> Result<()> {
    let params = PatchParams { field_manager: Some("somebody".to_owned()), ..PatchParams::default() };
    api.patch(&fleet::name(app), &params, &Patch::Merge(&json!({"data": {"app": value}}))).await?;
    Ok(())
}

/// The name of one app's ConfigMap.
pub(super) fn one(app: usize) -> HashSet<String> {
    HashSet::from([fleet::name(app)])
}

/// What becomes of ConfigMaps from a moment on. A watch that the API server ends begins anew, with what there is by then:
/// rivals take minutes.
pub(super) struct Changes<'a> {
    api: &'a Api<DynamicObject>,
    params: WatchParams,
    listed: Vec<DynamicObject>,
    events: BoxStream<'static, kube::Result<WatchEvent<DynamicObject>>>,
}

impl<'a> Changes<'a> {
    /// Those of one app, from now on.
    pub(super) async fn of_app(api: &'a Api<DynamicObject>, app: usize) -> Result<Changes<'a>> {
        let its_own = format!("metadata.name={}", fleet::name(app));
        Changes::from_now(api, WatchParams::default().fields(&its_own)).await
    }

    /// An object's own version may be of a past that nobody remembers; that of a list is now.
    async fn from_now(api: &'a Api<DynamicObject>, params: WatchParams) -> Result<Changes<'a>> {
        let now = api.list(&ListParams::default().limit(1)).await?.metadata.resource_version;
        let events = api.watch(&params, &now.unwrap_or_default()).await?.boxed();
        Ok(Changes { api, params, listed: Vec::new(), events })
    }

    /// Waits until the ConfigMaps of these names say so, having said something else or not.
    pub(super) async fn wait_for(
        &mut self,
        mut names: HashSet<String>,
        patience: Duration,
        is_it: impl Fn(&str) -> bool,
    ) -> Result<()> {
        let seen = async {
            while !names.is_empty() {
                let object = self.next().await?;
                if object.data.pointer("/data/app").and_then(Value::as_str).is_some_and(&is_it) {
                    names.remove(&object.name_any());
                }
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(patience, seen).await.context("it does not show")?
    }

    /// The next object that was changed, or may have been.
    async fn next(&mut self) -> Result<DynamicObject> {
        loop {
            if let Some(object) = self.listed.pop() {
                return Ok(object);
            }
            match self.events.next().await.transpose()? {
                Some(WatchEvent::Modified(object)) => return Ok(object),
                Some(WatchEvent::Error(status)) => bail!("the watch has failed: {}", status.message),
                Some(_) => {}
                None => self.begin_anew().await?,
            }
        }
    }

    async fn begin_anew(&mut self) -> Result<()> {
        let these =
            ListParams { field_selector: self.params.field_selector.clone(), ..ListParams::default() };
        let list = self.api.list(&these).await?;
        let version = list.metadata.resource_version.unwrap_or_default();
        self.listed = list.items;
        self.events = self.api.watch(&self.params, &version).await?.boxed();
        Ok(())
    }
}
