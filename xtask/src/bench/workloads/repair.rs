//! W7: somebody changes objects by hand, ten times a second; how long until each is as it was, and who else was written.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use futures::stream::{BoxStream, SelectAll};
use futures::{StreamExt, TryStreamExt};
use kube::ResourceExt;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams, WatchEvent, WatchParams};
use serde_json::{Value, json};

use super::Workload;
use super::leg::{Cost, Leg};
use crate::fleet;

/// From one edit to the next.
const PACE: Duration = Duration::from_millis(100);
/// How long the last edits may stand.
const STAND: Duration = Duration::from_secs(120);
/// How long it is watched afterwards that nothing else is written.
const AFTERWARDS: Duration = Duration::from_secs(5);
/// How often one field may be edited: whoever insists is left alone after five times.
const MOST_EDITS: usize = 4;
/// The kinds of an app's objects in their order, and what is edited of each.
const KINDS: [(&str, &str, Option<&str>); 4] = [
    ("v1", "ServiceAccount", None),
    ("v1", "Service", Some("/spec/selector/app")),
    ("v1", "ConfigMap", Some("/data/app")),
    ("apps/v1", "Deployment", Some("/spec/replicas")),
];

/// A kind's place in [`KINDS`], and a name.
type Key = (usize, String);

/// What becomes of edits.
#[derive(Default)]
struct Watched {
    open: HashMap<Key, Edit>,
    latencies: Vec<f64>,
    /// Writes to objects that nobody edited, or that were as they had been already.
    false_repairs: u64,
}

struct Edit {
    original: Value,
    answered: Option<Instant>,
    repaired: Option<Instant>,
}

impl Watched {
    fn sent(&mut self, key: Key, original: Value) {
        self.open.insert(key, Edit { original, answered: None, repaired: None });
    }

    fn answered(&mut self, key: &Key, when: Instant) {
        if let Some(edit) = self.open.get_mut(key) {
            edit.answered = Some(when);
        }
        self.close(key);
    }

    /// An object was written, and the field has this value now.
    fn written(&mut self, key: &Key, value: Option<&Value>, when: Instant) {
        match self.open.get_mut(key) {
            Some(edit) if value == Some(&edit.original) => edit.repaired = edit.repaired.or(Some(when)),
            // The edit itself.
            Some(_) => {}
            None => self.false_repairs += 1,
        }
        self.close(key);
    }

    /// The answer and the watch are two connections, either of which may be first.
    fn close(&mut self, key: &Key) {
        if let Some(Edit { answered: Some(answered), repaired: Some(repaired), .. }) = self.open.get(key) {
            self.latencies.push(repaired.saturating_duration_since(*answered).as_secs_f64());
            self.open.remove(key);
        }
    }
}

impl Leg<'_> {
    pub(super) async fn repair(&mut self) -> Result<Cost> {
        let (apps, edits) = (self.arguments.apps, self.arguments.repeats(Workload::W7));
        ensure!(edits <= apps * 3 * MOST_EDITS, "{apps} apps are too few for {edits} edits");
        self.rest().await?;
        let digest = self.cluster.digest().await?;
        let mut events = self.watch_all().await?;
        let mark = self.mark().await?;
        let watched = RefCell::new(Watched::default());
        tokio::select! {
            followed = follow(&mut events, &watched) => followed?,
            edited = self.edit_in_time(edits, &watched) => edited?,
        }
        let watched = watched.into_inner();
        let mut cost = self.cost_of_each(mark, watched.latencies).await?;
        // The edits themselves are ours.
        cost.requests.take("PATCH", edits as u64);
        cost.findings.insert("false repairs".to_owned(), watched.false_repairs as f64);
        ensure!(cost.digest == digest, "something is not as it was");
        Ok(cost)
    }

    /// Edits objects all over the apps, and waits until they are repaired, and a moment longer.
    async fn edit_in_time(&self, edits: usize, watched: &RefCell<Watched>) -> Result<()> {
        let editable: Vec<(usize, &str)> =
            (0..KINDS.len()).filter_map(|kind| Some((kind, KINDS[kind].2?))).collect();
        let mut due = tokio::time::Instant::now();
        for turn in 0..edits {
            tokio::time::sleep_until(due).await;
            due += PACE;
            let (kind, pointer) = editable[turn % editable.len()];
            self.edit(scattered(turn / editable.len(), self.arguments.apps), kind, pointer, watched).await?;
        }
        let repaired = async {
            while !watched.borrow().open.is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(STAND, repaired).await.is_err() {
            bail!("{} edits are not undone", watched.borrow().open.len());
        }
        tokio::time::sleep(AFTERWARDS).await;
        Ok(())
    }

    async fn edit(&self, app: usize, kind: usize, pointer: &str, watched: &RefCell<Watched>) -> Result<()> {
        let key = (kind, fleet::name(app));
        ensure!(!watched.borrow().open.contains_key(&key), "{key:?} is edited and not repaired yet");
        let original = fleet::objects(app)[kind].pointer(pointer).cloned().context("no such field")?;
        let other = if original.is_number() { json!(1) } else { json!("edited-by-hand") };
        let patch =
            pointer.rsplit('/').filter(|name| !name.is_empty()).fold(other, |at, name| json!({name: at}));
        let api = self.cluster.api(KINDS[kind].0, KINDS[kind].1).await?;
        watched.borrow_mut().sent(key.clone(), original);
        let params = PatchParams { field_manager: Some("somebody".to_owned()), ..PatchParams::default() };
        api.patch(&key.1, &params, &Patch::Merge(patch)).await?;
        watched.borrow_mut().answered(&key, Instant::now());
        Ok(())
    }

    /// What becomes of all apps' objects from now on.
    async fn watch_all(&self) -> Result<SelectAll<BoxStream<'static, Result<(usize, DynamicObject)>>>> {
        let mut all = SelectAll::new();
        for (kind, (version, name, _)) in KINDS.into_iter().enumerate() {
            let api = self.cluster.api(version, name).await?;
            let now = api.list(&ListParams::default().limit(1)).await?.metadata.resource_version;
            let params = WatchParams::default().timeout(290);
            let events = api.watch(&params, &now.unwrap_or_default()).await?;
            let changed = move |event| std::future::ready(changed(kind, event));
            let changes = events.map_err(anyhow::Error::from).try_filter_map(changed);
            all.push(changes.boxed());
        }
        Ok(all)
    }
}

/// The object that an event of a kind's watch is about.
fn changed(kind: usize, event: WatchEvent<DynamicObject>) -> Result<Option<(usize, DynamicObject)>> {
    match event {
        WatchEvent::Added(object) | WatchEvent::Modified(object) | WatchEvent::Deleted(object) => {
            Ok(Some((kind, object)))
        }
        WatchEvent::Bookmark(_) => Ok(None),
        WatchEvent::Error(error) => bail!("a watch ends: {}", error.message),
    }
}

async fn follow(
    events: &mut SelectAll<BoxStream<'static, Result<(usize, DynamicObject)>>>,
    watched: &RefCell<Watched>,
) -> Result<()> {
    while let Some(event) = events.next().await {
        let (kind, object) = event?;
        let key = (kind, object.name_any());
        let value = KINDS[kind].2.and_then(|pointer| object.data.pointer(pointer));
        watched.borrow_mut().written(&key, value, Instant::now());
    }
    bail!("the watches have ended")
}

/// Numbers below `count`, each once in `count` turns, in no obvious order.
fn scattered(turn: usize, count: usize) -> usize {
    /// A prime that no number of apps is a multiple of.
    const STEP: usize = 1_000_003;
    turn * STEP % count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_is_timed_from_its_answer_and_writes_without_one_are_false() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let key = |name: &str| (2, name.to_owned());
        let mut watched = Watched::default();
        watched.sent(key("a"), json!("1"));
        watched.written(&key("a"), Some(&json!("edited")), at(2));
        watched.answered(&key("a"), at(3));
        watched.written(&key("a"), Some(&json!("1")), at(10));
        watched.sent(key("b"), json!("2"));
        watched.written(&key("b"), Some(&json!("2")), at(20));
        assert_eq!((watched.open.len(), watched.false_repairs), (1, 0), "not answered yet");
        watched.answered(&key("b"), at(21));
        assert_eq!(watched.latencies, [0.007, 0.0]);
        watched.written(&key("a"), Some(&json!("1")), at(30));
        watched.written(&key("c"), Some(&json!("3")), at(30));
        assert_eq!((watched.open.len(), watched.false_repairs), (0, 2));
    }

    #[test]
    fn every_app_has_its_turn() {
        for count in [1, 20, 1000] {
            let mut seen: Vec<usize> = (0..count).map(|turn| scattered(turn, count)).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..count).collect::<Vec<_>>());
        }
    }
}
