//! Git as the world has it: repositories of commits in memory, with faults; and what one process knows of them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use belay_filetree::MemoryTree;
use belay_source::{
    Access, Checkout, CheckoutError, FetchLimits, Repositories, Request, Revision, SignedObjects,
};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

/// How long a fetch takes.
const LATENCY: Duration = Duration::from_millis(80);
/// When a fetch that hangs is given up.
const DEADLINE: Duration = Duration::from_secs(60);
/// How long a failure counts as an answer.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// What goes wrong with a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FetchFault {
    /// The server answers no more.
    Hang,
    /// The server's answer is no pack.
    Garbage,
    /// The login is rejected.
    Rejected,
}

/// All servers.
#[derive(Clone)]
pub(crate) struct Remote(Arc<Mutex<Servers>>);

struct Servers {
    repositories: BTreeMap<String, Repository>,
    random: StdRng,
    /// How likely each fault is.
    faults: Vec<(FetchFault, f64)>,
    /// Every fault that struck.
    struck: Vec<FetchFault>,
    /// Every tree that was given to a controller: when, from where, which commit.
    given: Vec<Given>,
}

/// A commit that a controller was given.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) commit: String,
}

#[derive(Default)]
struct Repository {
    commits: HashMap<String, Checkout>,
    /// Branches with their commits.
    branches: BTreeMap<String, String>,
    /// Nobody ever answers.
    is_dead: bool,
}

impl Remote {
    pub(crate) fn new(seed: u64) -> Remote {
        let servers = Servers {
            repositories: BTreeMap::new(),
            random: StdRng::seed_from_u64(seed),
            faults: Vec::new(),
            struck: Vec::new(),
            given: Vec::new(),
        };
        Remote(Arc::new(Mutex::new(servers)))
    }

    /// A server that never answers.
    pub(crate) fn add_dead(&self, url: &str) {
        self.lock().repositories.entry(url.to_owned()).or_default().is_dead = true;
    }

    /// Stores a commit, and gives its id.
    pub(crate) fn commit(&self, url: &str, number: usize, tree: MemoryTree, date: i64) -> String {
        let id = hex::encode(Sha256::digest(format!("{url} {number}")))[..40].to_owned();
        let checkout = Checkout {
            commit: id.clone(),
            reference: String::new(),
            tree: Arc::new(tree),
            subject: format!("Change number {number}"),
            author: "Ada <ada@example.com>".to_owned(),
            date,
            signed: SignedObjects::default(),
        };
        self.lock().repositories.entry(url.to_owned()).or_default().commits.insert(id.clone(), checkout);
        id
    }

    /// Moves a branch, whether forward or not; `None` deletes it.
    pub(crate) fn set_branch(&self, url: &str, branch: &str, commit: Option<&str>) {
        let mut servers = self.lock();
        let repository = servers.repositories.entry(url.to_owned()).or_default();
        match commit {
            Some(commit) => drop(repository.branches.insert(branch.to_owned(), commit.to_owned())),
            None => drop(repository.branches.remove(branch)),
        }
    }

    /// From now on fetches have these faults.
    pub(crate) fn set_faults(&self, faults: Vec<(FetchFault, f64)>) {
        self.lock().faults = faults;
    }

    pub(crate) fn struck(&self) -> Vec<FetchFault> {
        self.lock().struck.clone()
    }

    pub(crate) fn given(&self) -> Vec<Given> {
        self.lock().given.clone()
    }

    /// One fetch: the branches as they are now.
    async fn fetch(&self, url: &str, deadline: Duration) -> Result<BTreeMap<String, String>, CheckoutError> {
        let failed = |message: &str, transient| CheckoutError {
            message: format!("repository {url}: {message}"),
            transient,
        };
        tokio::time::sleep(LATENCY).await;
        let fault = {
            let mut servers = self.lock();
            if servers.repositories.get(url).is_none_or(|repository| repository.is_dead) {
                Some(FetchFault::Hang)
            } else {
                let drawn: f64 = servers.random.random();
                let mut sum = 0.0;
                let fault = servers.faults.iter().find(|(_, chance)| {
                    sum += chance;
                    drawn < sum
                });
                let fault = fault.map(|(fault, _)| *fault);
                servers.struck.extend(fault);
                fault
            }
        };
        match fault {
            Some(FetchFault::Hang) => {
                tokio::time::sleep(deadline).await;
                Err(failed(&format!("no answer within {} s", deadline.as_secs_f32()), true))
            }
            Some(FetchFault::Garbage) => Err(failed("the pack is damaged", true)),
            Some(FetchFault::Rejected) => Err(failed("authentication failed", true)),
            None => {
                let servers = self.lock();
                let repository = servers.repositories.get(url);
                Ok(repository.map(|repository| repository.branches.clone()).unwrap_or_default())
            }
        }
    }

    fn give(&self, url: &str, commit: &str) -> Option<Checkout> {
        let mut servers = self.lock();
        let checkout = servers.repositories.get(url)?.commits.get(commit)?.clone();
        servers.given.push(Given { commit: commit.to_owned() });
        Some(checkout)
    }

    fn lock(&self) -> MutexGuard<'_, Servers> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The repositories as one process knows them; it asks the remote as seldom as the real one does.
pub(crate) struct Mirrors {
    remote: Remote,
    mirrors: Mutex<HashMap<String, Arc<Mirror>>>,
}

#[derive(Default)]
struct Mirror {
    state: tokio::sync::Mutex<Known>,
    asked: Mutex<Option<Instant>>,
    failed: Mutex<Option<(Instant, CheckoutError)>>,
}

#[derive(Default)]
struct Known {
    branches: Option<BTreeMap<String, String>>,
    commits: HashSet<String>,
}

impl Mirrors {
    pub(crate) fn new(remote: Remote) -> Mirrors {
        Mirrors { remote, mirrors: Mutex::default() }
    }

    async fn get(
        &self,
        url: &str,
        revision: &str,
        max_age: Duration,
        deadline: Duration,
    ) -> Result<Checkout, CheckoutError> {
        let mirror = lock(&self.mirrors).entry(url.to_owned()).or_default().clone();
        let mut known = mirror.state.lock().await;
        let is_known = known.commits.contains(revision);
        let is_fresh = lock(&mirror.asked).is_some_and(|asked| asked.elapsed() < max_age);
        let mut found = match &known.branches {
            _ if is_known => Some((revision.to_owned(), String::new())),
            Some(branches) if is_fresh => resolve(branches, revision),
            _ => None,
        };
        if found.is_none() {
            let branches = self.asked(&mirror, url, max_age, deadline).await?;
            found = resolve(&branches, revision);
            known.commits.extend(branches.values().cloned());
            known.branches = Some(branches);
        }
        let checkout = found.and_then(|(commit, reference)| {
            known.commits.insert(commit.clone());
            Some(Checkout { reference, ..self.remote.give(url, &commit)? })
        });
        checkout.ok_or_else(|| {
            *lock(&mirror.asked) = None;
            let message = format!("repository {url}: unable to resolve '{revision}' to a commit SHA");
            CheckoutError { message, transient: false }
        })
    }

    async fn asked(
        &self,
        mirror: &Mirror,
        url: &str,
        max_age: Duration,
        deadline: Duration,
    ) -> Result<BTreeMap<String, String>, CheckoutError> {
        if let Some((when, error)) = lock(&mirror.failed).as_ref()
            && when.elapsed() < max_age.min(AFTER_FAILURE)
        {
            return Err(error.clone());
        }
        let result = self.remote.fetch(url, deadline).await;
        let now = Instant::now();
        *lock(&mirror.asked) = result.is_ok().then_some(now);
        *lock(&mirror.failed) = result.as_ref().err().map(|error| (now, error.clone()));
        result
    }
}

/// The commit of a revision, and the branch it was found by.
fn resolve(branches: &BTreeMap<String, String>, revision: &str) -> Option<(String, String)> {
    let name = match revision {
        "" | "HEAD" => "main",
        _ => revision.strip_prefix("refs/heads/").unwrap_or(revision),
    };
    let commit = branches.get(name)?;
    Some((commit.clone(), format!("refs/heads/{name}")))
}

impl Repositories for Mirrors {
    fn checkout<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Checkout, CheckoutError>> {
        let revision = match &request.revision {
            Revision::Name(text) | Revision::Version(text) | Revision::Target { text, .. } => text,
        };
        let deadline = request.timeout.map_or(DEADLINE, |timeout| timeout.whole);
        self.get(&request.url, revision, request.max_age, deadline).boxed()
    }

    fn file<'a>(
        &'a self,
        url: &'a str,
        _: &'a Access,
        _: FetchLimits,
    ) -> BoxFuture<'a, Result<Vec<u8>, CheckoutError>> {
        let message = format!("failed to fetch {url} : this world has no files by URL");
        std::future::ready(Err(CheckoutError { message, transient: false })).boxed()
    }

    fn forget(&self, url: &str) {
        if let Some(mirror) = lock(&self.mirrors).get(url) {
            *lock(&mirror.asked) = None;
            *lock(&mirror.failed) = None;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
