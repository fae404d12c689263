//! What must hold of every write, whenever it is made.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::claims::Claims;
use crate::estate::{App, FLUX_NAMESPACE, Family, Folder, Kind, Manner, Presence, serial};
use crate::hooks::{self, Tries};
use crate::line::{Log, Write};
use crate::remote::Given;
use crate::world::Estate;

/// A stretch of time in which requests are counted, and how many there may be.
const STRETCH: Duration = Duration::from_secs(10);
const MOST_REQUESTS: usize = 1000;
/// How many of the newest commits a controller may still be working on.
const RECENT: usize = 4;

/// Looks at writes as they come.
#[derive(Default)]
pub(crate) struct Watchman {
    seen: usize,
    requests: usize,
    stretch: Option<(Instant, usize)>,
    /// The newest change of each object that was applied, and which way back the object has followed.
    applied: BTreeMap<(String, Kind, String), (u64, u64)>,
    /// How often people went back, in Git or by making an app anew. Each object may follow once, at its own time: what was
    /// taken back may even be applied after that.
    ways_back: u64,
    /// The newest change there was when they did so last.
    taken_back: u64,
    pub(crate) tries: Tries,
    pub(crate) claims: Claims,
    /// What was wrong.
    pub(crate) faults: Vec<String>,
    /// How often something was deleted.
    pub(crate) deletes: u64,
    /// Whether a release failed: what a failed release has made and a later one does not hold stays, as with Helm.
    pub(crate) has_failed_release: bool,
}

impl Watchman {
    /// Content of an older commit may be applied again.
    pub(crate) fn rolled_back(&mut self, newest_change: u64) {
        self.ways_back += 1;
        self.taken_back = newest_change;
    }

    /// A process that has just started asks for much at once.
    pub(crate) fn restarted(&mut self) {
        self.stretch = None;
    }

    pub(crate) fn look(&mut self, log: &Log, estate: &Estate, given: &[Given]) {
        for write in log.writes_since(self.seen) {
            self.seen += 1;
            self.deletion(&write, estate, given);
            self.order(&write, estate);
            self.faults.extend(self.claims.look(&write, estate));
            self.faults.extend(self.tries.look(&write));
            self.note_release(&write);
        }
        for at in log.requests_since(self.requests) {
            self.requests += 1;
            let (since, count) = match self.stretch {
                Some((since, count)) if at.duration_since(since) < STRETCH => (since, count + 1),
                _ => (at, 1),
            };
            self.stretch = Some((since, count));
            if count == MOST_REQUESTS {
                self.faults.push(format!("bounded work: {count} requests within {STRETCH:?}"));
            }
        }
    }

    fn note_release(&mut self, write: &Write) {
        if write.path.contains("/helmreleases/") {
            let text = write.body.to_string();
            self.has_failed_release |=
                ["InstallFailed", "UpgradeFailed"].iter().any(|word| text.contains(word));
        }
    }

    /// Only what an app owned and what left Git is deleted, or what goes with its app.
    fn deletion(&mut self, write: &Write, estate: &Estate, given: &[Given]) {
        if write.method != "DELETE" || !reached(write) {
            return;
        }
        self.faults.extend(estate.storm.deletion(write));
        let Some((app, kind, name)) = object(write, estate) else { return };
        self.deletes += 1;
        let item = (kind, name.clone());
        let what = format!("{} {}/{name}", write.method, app.name);
        if !app.ever.contains(&item) {
            self.faults.push(format!("what is not ours stays: {what} was never the app's"));
            return;
        }
        if app.presence == Presence::Gone {
            return;
        }
        let recent = recent(estate, given);
        let has_left =
            recent.iter().any(|commit| folder(estate, commit, app).is_some_and(|folder| left(folder, &item)));
        if !app.prunes {
            self.faults.push(format!("prune is off: {what}"));
        } else if !has_left {
            self.faults.push(format!("what Git holds stays: {what} is in every commit of late"));
        }
    }

    /// Nothing is applied from a commit older than one that was applied before.
    fn order(&mut self, write: &Write, estate: &Estate) {
        if !puts(write) {
            return;
        }
        let Some((app, kind, name)) = object(write, estate) else { return };
        let Some(serial) = serial(kind, &write.body) else { return };
        self.faults.extend(estate.witness.order(app, serial, write));
        let place = (app.name.to_owned(), kind, name.clone());
        let (newest, followed) = self.applied.entry(place).or_default();
        if serial < *newest && (*newest > self.taken_back || *followed == self.ways_back) {
            let app = app.name;
            self.faults.push(format!("forward only: {app}/{name} got change {serial} after {newest}"));
        } else if serial < *newest {
            (*newest, *followed) = (serial, self.ways_back);
        }
        *newest = serial.max(*newest);
    }
}

/// Whether the API server carried it out, or may have.
fn reached(write: &Write) -> bool {
    matches!(write.code, 0 | 200..300)
}

/// Whether something was made or changed by it, or may have been.
pub(crate) fn puts(write: &Write) -> bool {
    matches!(write.method.as_str(), "POST" | "PATCH" | "PUT") && reached(write)
}

/// The object of an app that a write is about.
pub(crate) fn object<'a>(write: &Write, estate: &'a Estate) -> Option<(&'a App, Kind, String)> {
    let app =
        estate.apps.iter().find(|app| write.path.contains(&format!("/namespaces/{}/", app.namespace())))?;
    let kinds = [Kind::ConfigMap, Kind::Secret, Kind::Deployment, Kind::Widget];
    let (kind, rest) = kinds.iter().find_map(|kind| {
        let rest = write.path.strip_prefix(kind.collection(app.namespace()).as_str())?;
        Some((*kind, rest.trim_start_matches('/').to_owned()))
    })?;
    let name = match write.body.pointer("/metadata/name").and_then(Value::as_str) {
        Some(name) if rest.is_empty() => name.to_owned(),
        _ => rest,
    };
    // Helm keeps its records beside the objects.
    (!name.is_empty() && !name.starts_with("sh.helm.release")).then_some((app, kind, name))
}

/// The commits that a controller may be working on.
fn recent(estate: &Estate, given: &[Given]) -> BTreeSet<String> {
    let mut recent: BTreeSet<String> =
        estate.head.map(|head| estate.commits[head].0.clone()).into_iter().collect();
    for given in given.iter().rev() {
        if recent.len() >= RECENT {
            break;
        }
        recent.insert(given.commit.clone());
    }
    recent
}

pub(crate) fn folder<'a>(estate: &'a Estate, commit: &str, app: &App) -> Option<&'a Folder> {
    let (_, folders) = estate.commits.iter().find(|(id, _)| id == commit)?;
    folders.get(app.name)
}

/// Whether a folder that can be read does not hold an object.
fn left(folder: &Folder, item: &(Kind, String)) -> bool {
    folder.manner == Manner::Sound && !folder.items.contains_key(item)
}

/// Where the resource of an app is.
pub(crate) fn resource_path(app: &App) -> String {
    format!("{}/{}", app.collection(), app.name)
}

/// What must hold in the end: the cluster is as Git says, and everybody says so.
pub(crate) async fn end(world: &crate::world::World) -> Vec<String> {
    let mut faults = Vec::new();
    for app in world.estate.apps.iter().filter(|app| app.name != "ghost") {
        resource(world, app, &mut faults).await;
        objects(world, app, &mut faults).await;
        if app.has_hooks() && app.presence == Presence::Present {
            faults.extend(hooks::faults(&world.people, app).await);
        }
    }
    let head = world.estate.head.map(|head| world.estate.commits[head].0.as_str()).unwrap_or_default();
    faults.extend(world.estate.storm.faults(&world.people, head).await);
    for namespace in ["base", "shop", "attic"] {
        let path = format!("{}/foreign", Kind::ConfigMap.collection(namespace));
        if world.people.get(&path).await.is_null() {
            faults.push(format!("{namespace}: the foreign object is gone"));
        }
    }
    faults
}

async fn objects(world: &crate::world::World, app: &App, faults: &mut Vec<String>) {
    let mut kinds: BTreeSet<Kind> = app.ever.iter().map(|(kind, _)| *kind).collect();
    kinds.extend(app.folder.items.keys().map(|(kind, _)| *kind));
    for kind in kinds {
        let mut live: BTreeMap<String, Value> = BTreeMap::new();
        for object in world.people.list(&kind.collection(app.namespace())).await {
            live.insert(object["metadata"]["name"].as_str().unwrap_or_default().to_owned(), object);
        }
        for (_, name) in app.ever.iter().filter(|(of, _)| *of == kind) {
            let wanted = app.folder.items.get(&(kind, name.clone()));
            let found = live.get(name);
            let is_stray = world.estate.strays.contains(&(app.name.to_owned(), name.clone()))
                || (app.family == Family::HelmRelease && world.watchman.has_failed_release);
            let place = format!("{} {kind:?} {name}", app.name);
            match (app.presence, wanted, found) {
                (Presence::Present, Some(change), Some(object))
                    if serial(kind, object) != Some(*change) || is_changed(kind, object) =>
                {
                    faults.push(format!("{place}: is not as Git says (change {change}): {object}"));
                }
                (Presence::Present, Some(_), None) => faults.push(format!("{place}: is missing")),
                (Presence::Present, None, Some(_)) if app.prunes && !is_stray => {
                    faults.push(format!("{place}: has left Git and is still there"));
                }
                (Presence::Gone, _, Some(_)) if !is_stray && goes(app) => {
                    faults.push(format!("{place}: its app is gone and it is still there"));
                }
                _ => {}
            }
        }
    }
}

/// Whether an app that is deleted takes along what it does not want any more.
fn goes(app: &App) -> bool {
    app.family != Family::Kustomization || app.prunes
}

/// Whether what a hand changed is still changed.
fn is_changed(kind: Kind, object: &Value) -> bool {
    match kind {
        Kind::ConfigMap => object["data"]["note"] != "as written",
        Kind::Deployment => object["spec"]["replicas"] != 1,
        Kind::Secret | Kind::Widget => false,
    }
}

async fn resource(world: &crate::world::World, app: &App, faults: &mut Vec<String>) {
    let resource = world.people.get(&resource_path(app)).await;
    let name = app.name;
    if app.presence != Presence::Present {
        if !resource.is_null() {
            faults.push(format!("{name}: was deleted and is still there"));
        }
        return;
    }
    let text = |path: &str| resource.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let head = world.estate.head.map(|head| world.estate.commits[head].0.as_str()).unwrap_or_default();
    let ready = || {
        let conditions = resource.pointer("/status/conditions").and_then(Value::as_array);
        let ready = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
        ready.map(|ready| format!("{} {}: {}", ready["status"], ready["reason"], ready["message"]))
    };
    match app.family {
        Family::Application => {
            let said =
                (text("/status/sync/status"), text("/status/health/status"), text("/status/sync/revision"));
            // Without prune, what left Git keeps an app out of sync for ever.
            let is_synced = said.0 == "Synced" || !app.prunes;
            if !is_synced || said.1 != "Healthy" || said.2 != head {
                let message = text("/status/operationState/message");
                let conditions = &resource["status"]["conditions"];
                faults
                    .push(format!("{name}: says {said:?}, and {message:?}, {conditions}; Git is at {head}"));
            }
        }
        Family::Kustomization => {
            let applied = text("/status/lastAppliedRevision");
            let is_ready = ready().is_some_and(|ready| ready.starts_with("\"True\""));
            if !applied.ends_with(head) || !is_ready {
                faults.push(format!("{name}: says {:?} at {applied}; Git is at {head}", ready()));
            }
            inventory(app, &resource, faults);
        }
        Family::HelmRelease => {
            if ready().is_none_or(|ready| !ready.starts_with("\"True\"")) {
                faults.push(format!("{name}: says {:?}", ready()));
            }
        }
    }
    let (generation, observed) =
        (&resource["metadata"]["generation"], &resource["status"]["observedGeneration"]);
    if app.family != Family::Application && generation != observed {
        faults.push(format!("{name}: is at generation {generation}, and has observed {observed}"));
    }
}

/// The inventory names what is wanted.
fn inventory(app: &App, resource: &Value, faults: &mut Vec<String>) {
    let entries = resource.pointer("/status/inventory/entries").and_then(Value::as_array);
    let ids: Vec<&str> = entries.into_iter().flatten().filter_map(|entry| entry["id"].as_str()).collect();
    for (_, name) in app.folder.items.keys() {
        let start = format!("{}_{name}_", app.namespace());
        if !ids.iter().any(|id| id.starts_with(&start)) {
            faults.push(format!("{}: its inventory lacks {name}", app.name));
        }
    }
    // The definition of widgets comes with its app.
    let wanted = app.folder.items.len() + usize::from(app.name == "base");
    if ids.len() != wanted {
        faults.push(format!(
            "{}/{}: its inventory names {} objects of {wanted}",
            FLUX_NAMESPACE,
            app.name,
            ids.len()
        ));
    }
}
