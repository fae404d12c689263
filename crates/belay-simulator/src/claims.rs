//! What statuses say was applied, against what was.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tokio::time::Instant;

use crate::bulk::HUGE;
use crate::check::{folder, object, puts, resource_path};
use crate::estate::{App, Family, Kind, Manner, serial};
use crate::line::Write;
use crate::world::Estate;

/// What an Application's status says. What is written is what has changed: the rest was written before.
#[derive(Default)]
struct Said {
    operation: Told,
    comparison: Told,
    health: Option<String>,
}

/// What a status claims.
struct Claim {
    /// That all of this revision was applied.
    revision: String,
    /// And that it has come up.
    is_up: bool,
    at: Instant,
}

/// A result, and the revision that it is about.
#[derive(Default)]
struct Told {
    result: Option<String>,
    revision: Option<String>,
}

impl Told {
    /// Takes in what is written now. Gives the revision if it is said to have come to this result.
    fn hear(&mut self, result: Option<String>, revision: Option<String>, good: &str) -> Option<String> {
        let is_news = result.is_some() || revision.is_some();
        self.result = result.or(self.result.take());
        self.revision = revision.or(self.revision.take());
        self.stands(good).filter(|_| is_news)
    }

    /// The revision that came to this result, as far as is known.
    fn stands(&self, good: &str) -> Option<String> {
        self.revision.clone().filter(|_| self.result.as_deref() == Some(good))
    }
}

/// Looks at claims as they come.
#[derive(Default)]
pub(crate) struct Claims {
    /// Every change of an object that was applied, or may have been, by its app's name.
    applied: BTreeSet<(&'static str, Kind, String, u64)>,
    /// What each Application's status says, where that is known.
    said: BTreeMap<&'static str, Said>,
    /// How often a status said that a revision was applied.
    pub(crate) count: u64,
    /// How often one said that it had come up, too.
    pub(crate) ups: u64,
}

impl Claims {
    /// What the cluster holds is of long ago.
    pub(crate) fn restored(&mut self) {
        self.said.clear();
    }

    /// What is wrong with what a write says.
    pub(crate) fn look(&mut self, write: &Write, estate: &Estate) -> Vec<String> {
        if !puts(write) {
            return Vec::new();
        }
        if let Some((app, kind, name)) = object(write, estate)
            && let Some(change) = serial(kind, &write.body)
        {
            self.applied.insert((app.name, kind, name, change));
        }
        let Some(app) = told_of(write, estate) else { return Vec::new() };
        let claims = match app.family {
            Family::Kustomization => of_kustomization(app, write).into_iter().collect(),
            Family::Application => self.of_application(app, write),
            // A release says which chart it is of, not which commit.
            Family::HelmRelease => Vec::new(),
        };
        self.count += claims.len() as u64;
        self.ups += claims.iter().filter(|claim| claim.is_up).count() as u64;
        claims.iter().flat_map(|claim| self.faults(app, claim, estate)).collect()
    }

    /// The revisions that an Application now says to have applied, or to be equal to, in good health or not.
    fn of_application(&mut self, app: &App, write: &Write) -> Vec<Claim> {
        if write.code == 0 {
            // Nobody knows whether it says so now.
            self.said.remove(app.name);
            return Vec::new();
        }
        let said = self.said.entry(app.name).or_default();
        let [operation, sync] = ["operationState", "sync"].map(|part| &write.body["status"][part]);
        let (phase, applied) = (text(operation, "/phase"), text(operation, "/syncResult/revision"));
        let applied = said.operation.hear(phase, applied, "Succeeded");
        let (status, compared) = (text(sync, "/status"), text(sync, "/revision"));
        let compared = said.comparison.hear(status, compared, "Synced");
        let health = text(&write.body, "/status/health/status");
        let is_told_health = health.is_some();
        said.health = health.or(said.health.take());
        let compared = compared.or_else(|| said.comparison.stands("Synced").filter(|_| is_told_health));
        let is_healthy = said.health.as_deref() == Some("Healthy");
        let claim = |is_up| move |revision| Claim { revision, is_up, at: write.at };
        applied.map(claim(false)).into_iter().chain(compared.map(claim(is_healthy))).collect()
    }

    fn faults(&self, app: &App, claim: &Claim, estate: &Estate) -> Vec<String> {
        let commit = claim.revision.rsplit(':').next().unwrap_or_default();
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
            } else if claim.is_up
                && *kind == Kind::Deployment
                && !estate.rollouts.saw(app.namespace(), name, *change, claim.at)
            {
                faults
                    .push(fault(format!("{commit}, and Deployment {name} of change {change} never came up")));
            }
        }
        faults
    }
}

/// What a Kustomization says to have applied. One that waits says so when it has come up.
fn of_kustomization(app: &App, write: &Write) -> Option<Claim> {
    let revision = text(&write.body, "/status/lastAppliedRevision")?;
    Some(Claim { revision, is_up: app.spec["wait"] == true, at: write.at })
}

/// The app whose resource a write is about.
fn told_of<'a>(write: &Write, estate: &'a Estate) -> Option<&'a App> {
    let path = write.path.strip_suffix("/status").unwrap_or(&write.path);
    estate.apps.iter().find(|app| path == resource_path(app))
}

fn text(value: &Value, path: &str) -> Option<String> {
    value.pointer(path).and_then(Value::as_str).map(str::to_owned)
}
