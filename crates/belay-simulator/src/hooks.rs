//! Jobs that run before and after an app's objects are applied, and what befalls them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::administrator::Administrator;
use crate::estate::{App, Family, Manner};
use crate::line::Write;

/// The apps whose folders hold hooks.
pub(crate) const HOOKED: [&str; 2] = ["tasks", "parcel"];

/// What befalls the Job that runs before the objects, while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// Its pod is evicted, and it has no other try.
    Evicted,
    /// Somebody deletes it.
    Deleted,
    /// The process that waits for it is killed.
    Forgotten,
    /// It never ends.
    Endless,
}

/// The hooks of an app, as files of its folder. They carry the number of the folder's newest change.
pub(crate) fn manifests(app: &App) -> Vec<(&'static str, Value)> {
    let newest = app.folder.items.values().max().copied().unwrap_or_default();
    let is_release = app.family == Family::HelmRelease;
    let (hook, policy) = if is_release {
        ("helm.sh/hook", "helm.sh/hook-delete-policy")
    } else {
        ("argocd.argoproj.io/hook", "argocd.argoproj.io/hook-delete-policy")
    };
    let (before, gone) = if is_release {
        ("pre-install,pre-upgrade", "before-hook-creation,hook-succeeded,hook-failed")
    } else {
        ("PreSync", "HookSucceeded,HookFailed")
    };
    let after = if is_release { "post-install,post-upgrade" } else { "PostSync" };
    // With Helm a hook that was left by a process that died is known by its name alone.
    let name = if is_release { "prepare".to_owned() } else { format!("prepare-{newest}") };
    let image = if app.folder.manner == Manner::Stuck { "broken" } else { "1" };
    vec![
        ("prepare", job(&name, newest, image, &json!({hook: before, policy: gone}))),
        ("conclude", job("conclude", newest, "1", &json!({hook: after}))),
    ]
}

fn job(name: &str, serial: u64, image: &str, annotations: &Value) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": name, "annotations": annotations, "labels": {"serial": serial.to_string()}},
        "spec": {"backoffLimit": 0, "template": {"spec": {
            "restartPolicy": "Never",
            "containers": [{"name": "main", "image": format!("registry.example.com/main:{image}")}],
        }}},
    })
}

fn collection(app: &str) -> String {
    format!("/apis/batch/v1/namespaces/{app}/jobs")
}

fn pods(app: &str) -> String {
    format!("/api/v1/namespaces/{app}/pods")
}

fn is_first(job: &Value) -> bool {
    job["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("prepare"))
}

fn has(job: &Value, condition: &str) -> bool {
    let mut conditions = job["status"]["conditions"].as_array().into_iter().flatten();
    conditions.any(|known| known["type"] == condition && known["status"] == "True")
}

/// The Job before the objects, if it runs now: its path and that of its pod.
pub(crate) async fn running(people: &Administrator, app: &str) -> Option<(String, String)> {
    let jobs = people.list(&collection(app)).await;
    let is_over = |job: &Value| has(job, "Complete") || has(job, "Failed");
    let job = jobs.iter().find(|job| is_first(job) && !is_over(job))?;
    let pods_there = people.list(&pods(app)).await;
    let pod = pods_there.iter().find(|pod| {
        let owner = &pod["metadata"]["ownerReferences"][0]["uid"];
        *owner == job["metadata"]["uid"] && pod["status"]["phase"] != "Failed"
    })?;
    let path = |collection: String, object: &Value| {
        Some(format!("{collection}/{}", object["metadata"]["name"].as_str()?))
    };
    Some((path(collection(app), job)?, path(pods(app), pod)?))
}

/// Takes a pod from its node.
pub(crate) async fn evict(people: &Administrator, pod: &str) {
    let status =
        json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."});
    people.merge(&format!("{pod}/status"), &json!({"status": status})).await;
}

/// What is wrong with an app's hooks in the end.
pub(crate) async fn faults(people: &Administrator, app: &App) -> Vec<String> {
    let newest = app.folder.items.values().max().copied().unwrap_or_default();
    let jobs = people.list(&collection(app.name)).await;
    let mut faults = Vec::new();
    for job in jobs.iter().filter(|job| is_first(job)) {
        faults.push(format!("{}: by its policy a hook is gone when it ends: {job}", app.name));
    }
    let last = jobs.iter().find(|job| job["metadata"]["name"] == "conclude");
    let serial = last.map(|job| job["metadata"]["labels"]["serial"].clone());
    if serial != Some(newest.to_string().into()) || !last.is_some_and(|job| has(job, "Complete")) {
        faults.push(format!("{}: the hook after change {newest} is {last:?}", app.name));
    }
    faults
}

/// Sees hooks end. What it has seen outlives them.
#[derive(Clone, Default)]
pub(crate) struct Witness(Arc<Mutex<BTreeMap<(String, u64), Instant>>>);

impl Witness {
    /// Looks on from now on.
    pub(crate) fn attend(&self, people: &Administrator) {
        for app in HOOKED {
            let (seen, people) = (self.clone(), people.clone());
            tokio::spawn(async move {
                people.follow(&collection(app), move |job, is_gone| seen.note(app, job, is_gone)).await;
            });
        }
    }

    fn note(&self, app: &str, job: &Value, is_gone: bool) {
        // With Helm a hook that is gone is one that has ended.
        let has_ended = has(job, "Complete") || (is_gone && app == "parcel");
        let serial = job["metadata"]["labels"]["serial"].as_str().and_then(|text| text.parse().ok());
        if let (true, true, Some(serial)) = (is_first(job), has_ended, serial) {
            let mut ends = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            ends.entry((app.to_owned(), serial)).or_insert_with(Instant::now);
        }
    }

    /// Whether a hook of this change or of a later one had ended by then.
    fn saw(&self, app: &str, serial: u64, by: Instant) -> bool {
        let ends = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        ends.iter().any(|((of, number), at)| of == app && *number >= serial && *at <= by)
    }

    /// Nothing of a change is applied before the hook of that change has ended.
    pub(crate) fn order(&self, app: &App, serial: u64, write: &Write) -> Option<String> {
        if !HOOKED.contains(&app.name) || self.saw(app.name, serial, write.at) {
            return None;
        }
        Some(format!("order: {} of change {serial}, whose hook has not ended", write.path))
    }
}

/// Counts how often each hook of the Application is made in one try of one operation.
#[derive(Default)]
pub(crate) struct Tries {
    /// When the operation began, and which try it is.
    current: (Value, Value),
    made: BTreeMap<String, u64>,
    /// How often somebody took each away: nothing tells then that it was made, if that could not be noted.
    taken: BTreeMap<String, u64>,
}

impl Tries {
    /// Somebody takes a hook away.
    pub(crate) fn take(&mut self, path: &str) {
        let name = path.rsplit('/').next().unwrap_or_default();
        *self.taken.entry(name.to_owned()).or_default() += 1;
    }

    /// The cluster is as it was some time ago, when hooks that were made since may not have been made yet.
    pub(crate) fn forget(&mut self) {
        self.made.clear();
    }

    /// A hook is made once in each try.
    pub(crate) fn look(&mut self, write: &Write) -> Option<String> {
        if write.path.contains("/applications/tasks") && matches!(write.code, 0 | 200..300) {
            self.note(&write.body["status"]["operationState"], write.code != 0);
        }
        if write.code != 201 || !write.path.starts_with(&collection("tasks")) {
            return None;
        }
        let name = write.body["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let times = self.made.entry(name.clone()).or_default();
        *times += 1;
        let taken = self.taken.get(&name).copied().unwrap_or_default();
        (*times > 1 + taken).then(|| format!("a hook runs once: {name} in try {:?}", self.current))
    }

    /// Only what changes is written: a state that says when it began, or which try it is, begins one. Without an answer
    /// (`is_taken`) it may not have come to that, and is written again then.
    fn note(&mut self, state: &Value, is_taken: bool) {
        let mut current = self.current.clone();
        if !state["startedAt"].is_null() {
            current.0 = state["startedAt"].clone();
        }
        if let Some(count) = state.get("retryCount") {
            current.1 = count.clone();
        }
        let begins = !state["startedAt"].is_null() || state.get("retryCount").is_some();
        if current != self.current || (begins && is_taken) {
            self.current = current;
            self.made.clear();
        }
    }
}
