//! Git repositories: one bare mirror per URL and access, fetched incrementally, read without a checkout.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use belay_metrics::Metrics;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::objs::Kind as ObjectKind;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use crate::access::Access;
use crate::address::{Address, without_login};
use crate::budget::{Budget, TransportError};
use crate::download::{FetchLimits, Redirects, download};
use crate::fetch::{FetchError, fetch};
use crate::few_packs;
use crate::objects::Objects;
use crate::repositories::{Checkout, CheckoutError, Repositories, Request, normalised_url};
use crate::revision::{Found, RevisionError, find};
use crate::signature::SignedObjects;
use crate::snapshot::{Snapshot, verify};

/// Bounds on the use of a remote.
#[derive(Debug, Clone, Copy)]
pub struct GitLimits {
    /// Most time for one fetch, from the first byte to the last.
    pub fetch: Duration,
    /// Most bytes that one fetch brings.
    pub bytes: u64,
    /// Most references that a server names.
    pub references: usize,
    /// Most objects in one pack.
    pub objects: u32,
    /// Largest object, unpacked, in bytes.
    pub object: u64,
    /// Most bytes of objects that are held at a time while others, which differ from them, are unpacked.
    pub unpacking: u64,
}

impl GitLimits {
    /// More than any repository of configuration needs.
    pub const DEFAULT: GitLimits = GitLimits {
        fetch: Duration::from_secs(60),
        bytes: 1024 * MEBIBYTE,
        references: 200_000,
        objects: 5_000_000,
        object: 256 * MEBIBYTE,
        unpacking: 2048 * MEBIBYTE,
    };
}

impl Default for GitLimits {
    fn default() -> GitLimits {
        GitLimits::DEFAULT
    }
}

/// Git repositories over `http(s)` and SSH, mirrored below a cache folder, and over `file`, read in place.
pub struct GitStore {
    folder: PathBuf,
    limits: GitLimits,
    mirrors: Mutex<HashMap<String, Arc<Mirror>>>,
    metrics: Metrics,
}

/// One URL and access. The lock makes fetches of it wait for each other.
struct Mirror {
    address: Address,
    /// The URL as it may be shown.
    shown: String,
    path: PathBuf,
    access: Access,
    state: AsyncMutex<State>,
    asked: Mutex<Asked>,
    failed: Mutex<Option<(Instant, CheckoutError)>>,
    /// Held by who merges its packs.
    merging: Mutex<()>,
}

/// When the remote was asked last, if what it said still counts.
#[derive(Default)]
struct Asked {
    last: Option<Instant>,
    /// How often that was forgotten: what a remote was asked before it had news does not count when it answers after.
    forgotten: u64,
}

#[derive(Default)]
struct State {
    repository: Option<gix::ThreadSafeRepository>,
    snapshots: HashMap<ObjectId, Checkout>,
    /// What the snapshots read from, those that are kept no more included.
    objects: Option<Arc<Objects>>,
}

impl State {
    /// What a fetch has opened anew.
    fn reopen(&mut self, repository: &gix::ThreadSafeRepository) {
        self.repository = Some(repository.clone());
        if let Some(objects) = &self.objects {
            objects.reopen(repository);
        }
    }

    fn objects(&mut self, repository: &gix::ThreadSafeRepository) -> &Arc<Objects> {
        self.objects.get_or_insert_with(|| Arc::new(Objects::of(repository)))
    }
}

const MEBIBYTE: u64 = 1024 * 1024;
/// How long a failure counts as an answer. What failed is not at hand any more until it is asked again.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// Snapshots kept per mirror; older ones are read again when asked for.
const SNAPSHOTS: usize = 8;
/// How much later than its budget a fetch is given up, in case it does not notice.
const GRACE: Duration = Duration::from_millis(200);

impl GitStore {
    /// Mirrors go below `folder`, which is made when it is not there, for its owner alone.
    pub fn new(folder: impl Into<PathBuf>, limits: GitLimits) -> GitStore {
        GitStore { folder: folder.into(), limits, mirrors: Mutex::default(), metrics: Metrics::new() }
    }

    /// Counts what is asked of Git servers there.
    pub fn with_metrics(self, metrics: Metrics) -> GitStore {
        GitStore { metrics, ..self }
    }

    fn mirror(&self, url: &str, access: &Access) -> Result<Arc<Mirror>, CheckoutError> {
        let (address, own_login) = Address::parse(url).map_err(|error| CheckoutError {
            message: format!("repository {:?}: {error}", without_login(url)),
            transient: false,
        })?;
        let mut access = access.clone();
        access.login = access.login.or(own_login);
        let shown = address.text();
        let mut digest = Sha256::new_with_prefix(&shown);
        digest.update(access.scope());
        let name = hex::encode(digest.finalize());
        let mut mirrors = lock(&self.mirrors);
        let mirror = mirrors.entry(name.clone()).or_insert_with(|| {
            Arc::new(Mirror {
                address,
                shown,
                path: self.folder.join(name),
                access,
                state: AsyncMutex::default(),
                asked: Mutex::default(),
                failed: Mutex::default(),
                merging: Mutex::default(),
            })
        });
        Ok(mirror.clone())
    }

    async fn get(&self, request: &Request) -> Result<Checkout, CheckoutError> {
        let Request { url, revision, access, max_age, .. } = request;
        let mirror = self.mirror(url, access)?;
        revision.check().map_err(|error| mirror.unresolved(&error))?;
        // Who waits for another's fetch waits no longer than for one's own.
        let patience = request.timeout.unwrap_or(self.limits.fetch.into()).whole;
        let mut state = tokio::time::timeout(patience, mirror.state.lock())
            .await
            .map_err(|_late| mirror.fault(&TransportError::TooLate(patience).to_string(), true))?;
        let fresh = lock(&mirror.asked).last.is_some_and(|asked| asked.elapsed() < *max_age);
        let known_commit = revision.commit().is_some_and(|id| {
            state.repository.as_ref().is_some_and(|known| known.to_thread_local().has_object(id))
        });
        let at_hand = state.repository.as_ref().filter(|_| known_commit || fresh);
        let at_hand = at_hand.and_then(|known| Some((known.clone(), find(known, revision).ok()?)));
        let (repository, found) = match at_hand {
            Some(known) => known,
            // What is at hand may be older than the revision.
            None => {
                let repository = self.asked(&mirror, request).await?;
                state.reopen(&repository);
                keep_few_packs(mirror.clone());
                let found = find(&repository, revision).map_err(|error| {
                    lock(&mirror.asked).last = None;
                    mirror.unresolved(&error)
                })?;
                (repository, found)
            }
        };
        let (commit, reference) = &found;
        if let Some(known) = state.snapshots.get(commit) {
            let tag = tag_object(&repository, reference);
            let signed = SignedObjects { tag, ..known.signed.clone() };
            return Ok(Checkout { reference: reference.clone(), signed, ..known.clone() });
        }
        let commit = *commit;
        let checkout = open(&repository, found, state.objects(&repository))
            .map_err(|error| mirror.fault(&error, false))?;
        if state.snapshots.len() >= SNAPSHOTS {
            state.snapshots.clear();
        }
        state.snapshots.insert(commit, checkout.clone());
        Ok(checkout)
    }

    /// Asks the remote, and notes how that went. Who would be content with an answer as old as the
    /// last failure gets that failure.
    async fn asked(
        &self,
        mirror: &Arc<Mirror>,
        request: &Request,
    ) -> Result<gix::ThreadSafeRepository, CheckoutError> {
        if let Some((when, error)) = lock(&mirror.failed).as_ref()
            && when.elapsed() < request.max_age.min(AFTER_FAILURE)
        {
            return Err(error.clone());
        }
        let began = Instant::now();
        let forgotten = lock(&mirror.asked).forgotten;
        let result = self.fetch(mirror, request).await;
        let now = Instant::now();
        let revision = request.revision.reference().unwrap_or_default();
        self.metrics.git_request(&mirror.shown, revision, now.duration_since(began), result.is_ok());
        {
            let mut asked = lock(&mirror.asked);
            asked.last = (result.is_ok() && asked.forgotten == forgotten).then_some(now);
        }
        *lock(&mirror.failed) = result.as_ref().err().map(|error| (now, error.clone()));
        result
    }

    /// Fetches in a thread of its own, which ends when the budget does.
    async fn fetch(
        &self,
        mirror: &Arc<Mirror>,
        request: &Request,
    ) -> Result<gix::ThreadSafeRepository, CheckoutError> {
        let timeout = request.timeout.unwrap_or(self.limits.fetch.into());
        let budget = Budget::new(timeout, self.limits);
        let wanted = request.revision.reference().map(str::to_owned);
        let work = {
            let (mirror, budget) = (mirror.clone(), budget.clone());
            tokio::task::spawn_blocking(move || {
                fetch(&mirror.address, &mirror.access, &mirror.path, wanted.as_deref(), &budget)
            })
        };
        match tokio::time::timeout(timeout.whole + GRACE, work).await {
            Ok(Ok(result)) => result.map_err(|error| {
                let is_final = matches!(&error, FetchError::Transport { source } if !source.is_transient());
                mirror.fault(&belay_causes::chain(&error), !is_final)
            }),
            Ok(Err(_panicked)) => Err(mirror.fault("the fetch ended unexpectedly", true)),
            Err(_late) => {
                let late: TransportError = budget.late();
                Err(mirror.fault(&late.to_string(), true))
            }
        }
    }
}

impl Repositories for GitStore {
    fn checkout<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Checkout, CheckoutError>> {
        self.get(request).boxed()
    }

    fn file<'a>(
        &'a self,
        url: &'a str,
        access: &'a Access,
        limits: FetchLimits,
    ) -> BoxFuture<'a, Result<Vec<u8>, CheckoutError>> {
        let (place, access) = (url.to_owned(), access.clone());
        let work = move || download(&place, &access, Redirects::ToServers, limits);
        let fault = |reason: &str, transient| CheckoutError {
            message: format!("failed to fetch {} : {reason}", without_login(url)),
            transient,
        };
        async move {
            match tokio::task::spawn_blocking(work).await {
                Ok(found) => found.map_err(|error| fault(&error.to_string(), error.is_transient())),
                Err(_panicked) => Err(fault("the fetch ended unexpectedly", true)),
            }
        }
        .boxed()
    }

    fn forget(&self, url: &str) {
        // As mirrors name theirs: without a login.
        let shown = Address::parse(url).map(|(address, _)| address.text());
        let wanted = normalised_url(shown.as_deref().unwrap_or(url));
        for mirror in lock(&self.mirrors).values() {
            if normalised_url(&mirror.shown) == wanted {
                let mut asked = lock(&mirror.asked);
                *asked = Asked { last: None, forgotten: asked.forgotten.wrapping_add(1) };
                drop(asked);
                *lock(&mirror.failed) = None;
            }
        }
    }
}

/// Merges the packs of a mirror beside the work, if there are many. Without that it is slow, but not wrong.
fn keep_few_packs(mirror: Arc<Mirror>) {
    if matches!(mirror.address, Address::File(_)) {
        return;
    }
    tokio::task::spawn_blocking(move || {
        let Ok(_alone) = mirror.merging.try_lock() else { return };
        match few_packs::merge(&mirror.path) {
            Ok(0) => {}
            Ok(packs) => tracing::debug!(repository = mirror.shown, packs, "merged"),
            Err(error) => {
                let error = belay_causes::chain(&error);
                tracing::warn!(repository = mirror.shown, error, "packs stay as many as they are");
            }
        }
    });
}

impl Mirror {
    fn fault(&self, message: &str, transient: bool) -> CheckoutError {
        CheckoutError { message: format!("repository {}: {message}", self.shown), transient }
    }

    fn unresolved(&self, error: &RevisionError) -> CheckoutError {
        self.fault(&belay_causes::chain(error), false)
    }
}

fn open(
    repository: &gix::ThreadSafeRepository,
    (id, reference): Found,
    objects: &Arc<Objects>,
) -> Result<Checkout, String> {
    let local = repository.to_thread_local();
    let commit = local.find_commit(id).map_err(|error| belay_causes::chain(&error))?;
    verify(id, ObjectKind::Commit, &commit.data).map_err(|error| error.to_string())?;
    let root = commit.tree_id().map_err(|error| belay_causes::chain(&error))?.detach();
    let author = commit.author().map_err(|error| belay_causes::chain(&error))?;
    let seconds = author.time().map(|time| time.seconds).unwrap_or_default();
    let subject = commit.message_raw_sloppy().lines().next().unwrap_or_default().to_str_lossy().into_owned();
    let signed =
        SignedObjects { commit: Bytes::from(commit.data.clone()), tag: tag_object(repository, &reference) };
    Ok(Checkout {
        signed,
        commit: id.to_string(),
        reference,
        tree: Arc::new(Snapshot::new(root, objects.clone())),
        subject,
        author: format!("{} <{}>", author.name, author.email),
        date: seconds,
    })
}

/// The annotated tag that a reference names, and its id.
fn tag_object(repository: &gix::ThreadSafeRepository, reference: &str) -> Option<(String, Bytes)> {
    if !reference.starts_with("refs/tags/") {
        return None;
    }
    let local = repository.to_thread_local();
    let target = local.find_reference(reference).ok()?.target().try_id()?.to_owned();
    let object = local.find_object(target).ok()?;
    let is_sound = object.kind == ObjectKind::Tag && verify(target, ObjectKind::Tag, &object.data).is_ok();
    is_sound.then(|| (target.to_string(), Bytes::from(object.data.clone())))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Login;

    #[test]
    fn bad_p8_nobody_is_given_the_mirror_of_another_login() {
        let store = GitStore::new("mirrors", GitLimits::default());
        let place = |url: &str, login: Option<Login>| {
            let access = Access { login, ..Access::default() };
            store.mirror(url, &access).unwrap().path.clone()
        };
        let login = |name: &str, password: &str| Some(Login::basic(name, password));
        let url = "https://git.example.com/a.git";
        let all = [
            place(url, None),
            place(url, login("ada", "one")),
            place(url, login("ada", "two")),
            place(url, login("adao", "ne")),
            place("https://git.example.com/../a.git", login("ada", "one")),
            place("https://git.example.com/b.git", login("ada", "one")),
        ];
        assert_eq!(place("https://ada:one@git.example.com/a.git", None), all[1], "the same login");
        for (number, path) in all.iter().enumerate() {
            let name = path.strip_prefix("mirrors").unwrap().to_str().unwrap();
            assert!(name.len() == 64 && name.chars().all(|letter| letter.is_ascii_hexdigit()), "{name}");
            // An address that is the same in other words is the same.
            let is_again = number == 4;
            assert_eq!(all[..number].contains(path), is_again, "{number}");
        }
    }
}
