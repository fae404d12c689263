//! What statuses say was applied, against what was.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::bulk::HUGE;
use crate::check::{folder, object, reached};
use crate::estate::{App, Family, Kind, Manner, serial};
use crate::line::Write;
use crate::world::Estate;

/// Looks at claims as they come.
#[derive(Default)]
pub(crate) struct Claims {
    /// Every change of an object that was applied, or may have been, by its app's name.
    applied: BTreeSet<(&'static str, Kind, String, u64)>,
    /// What each Application's status says of its comparison: the result and the revision.
    compared: BTreeMap<&'static str, (String, String)>,
    /// How often a status said that a revision was applied.
    pub(crate) count: u64,
}

impl Claims {
    /// What the cluster holds is of long ago.
    pub(crate) fn restored(&mut self) {
        self.compared.clear();
    }

    /// What is wrong with what a write says.
    pub(crate) fn look(&mut self, write: &Write, estate: &Estate) -> Vec<String> {
        if !matches!(write.method.as_str(), "POST" | "PATCH" | "PUT") || !reached(write) {
            return Vec::new();
        }
        if let Some((app, kind, name)) = object(write, estate)
            && let Some(change) = change(kind, &write.body)
        {
            self.applied.insert((app.name, kind, name, change));
        }
        let Some(app) = told_of(write, estate) else { return Vec::new() };
        let commits = match app.family {
            Family::Kustomization => text(&write.body, "/status/lastAppliedRevision").into_iter().collect(),
            Family::Application => self.of_application(app, &write.body),
            // A release says which chart it is of, not which commit.
            Family::HelmRelease => Vec::new(),
        };
        self.count += commits.len() as u64;
        commits.iter().flat_map(|revision| self.faults(app, revision, estate)).collect()
    }

    /// The revisions that an Application now says to have applied, or to be equal to.
    fn of_application(&mut self, app: &App, body: &Value) -> Vec<String> {
        let mut claims = Vec::new();
        let operation = &body["status"]["operationState"];
        if operation["phase"] == "Succeeded" {
            claims.extend(text(operation, "/syncResult/revision"));
        }
        let sync = &body["status"]["sync"];
        let (status, revision) = self.compared.entry(app.name).or_default();
        let said = [text(sync, "/status"), text(sync, "/revision")];
        let is_news = said.iter().any(Option::is_some);
        let [said_status, said_revision] = said;
        said_status.into_iter().for_each(|said| *status = said);
        said_revision.into_iter().for_each(|said| *revision = said);
        if is_news && status == "Synced" && !revision.is_empty() {
            claims.push(revision.clone());
        }
        claims
    }

    fn faults(&self, app: &App, revision: &str, estate: &Estate) -> Vec<String> {
        let commit = revision.rsplit(':').next().unwrap_or_default();
        let Some(folder) = folder(estate, commit, app) else { return Vec::new() };
        let fault = |what: String| format!("no false claims: {} says it has applied {what}", app.name);
        match folder.manner {
            Manner::Broken | Manner::Missing => {
                return vec![fault(format!("a folder that is {:?}", folder.manner))];
            }
            Manner::Empty => return Vec::new(),
            Manner::Sound | Manner::Stuck => {}
        }
        let mut faults = Vec::new();
        for ((kind, name), change) in &folder.items {
            if name == HUGE {
                faults.push(fault("what no cluster takes".to_owned()));
            } else if !self.applied.contains(&(app.name, *kind, name.clone(), *change)) {
                faults.push(fault(format!("{commit}, and change {change} of {kind:?} {name} never was")));
            }
        }
        faults
    }
}

/// The app whose resource a write is about.
fn told_of<'a>(write: &Write, estate: &'a Estate) -> Option<&'a App> {
    let path = write.path.strip_suffix("/status").unwrap_or(&write.path);
    estate.apps.iter().find(|app| path == crate::check::resource_path(app))
}

/// The number of the change that a write is of. Secrets are written in plain, or as the cluster keeps them.
fn change(kind: Kind, body: &Value) -> Option<u64> {
    let plain = body.pointer("/stringData/serial").and_then(Value::as_str);
    serial(kind, body).or_else(|| plain?.parse().ok())
}

fn text(value: &Value, path: &str) -> Option<String> {
    value.pointer(path).and_then(Value::as_str).map(str::to_owned)
}
