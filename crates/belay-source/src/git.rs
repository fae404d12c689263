//! Git repositories: one bare mirror per URL and login, fetched incrementally, read without a checkout.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use futures::FutureExt;
use futures::future::BoxFuture;
use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::credentials::helper::Action;
use gix::credentials::protocol::Outcome;
use gix::remote::Direction;
use gix::sec::identity::Account;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;
use url::Url;

use crate::repositories::{Checkout, CheckoutError, Login, Repositories, normalised_url};
use crate::snapshot::Snapshot;

/// Bounds on the use of a remote.
#[derive(Debug, Clone, Copy)]
pub struct GitLimits {
    /// Most time for one fetch, from the first byte to the last.
    pub fetch: Duration,
}

impl Default for GitLimits {
    fn default() -> GitLimits {
        GitLimits { fetch: Duration::from_secs(60) }
    }
}

/// Git repositories over `http(s)`, mirrored below a cache folder, and over `file`, read in place.
pub struct GitStore {
    folder: PathBuf,
    limits: GitLimits,
    mirrors: Mutex<HashMap<String, Arc<Mirror>>>,
}

/// One URL and login. The lock makes fetches of it wait for each other.
struct Mirror {
    url: String,
    shown_url: String,
    path: PathBuf,
    login: Option<Login>,
    state: AsyncMutex<State>,
    asked: Mutex<Option<Instant>>,
    failed: Mutex<Option<(Instant, CheckoutError)>>,
}

#[derive(Default)]
struct State {
    repository: Option<gix::ThreadSafeRepository>,
    snapshots: HashMap<ObjectId, Checkout>,
}

/// How long a failure counts as an answer. What failed is not at hand any more until it is asked again.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// Snapshots kept per mirror; older ones are read again when asked for.
const SNAPSHOTS: usize = 8;

impl GitStore {
    /// Mirrors go below `folder`, which is made when it is not there, for its owner alone.
    pub fn new(folder: impl Into<PathBuf>, limits: GitLimits) -> GitStore {
        GitStore { folder: folder.into(), limits, mirrors: Mutex::default() }
    }

    fn mirror(&self, url: &str, login: Option<&Login>) -> Result<Arc<Mirror>, CheckoutError> {
        let (clean, shown, own_login) = checked_url(url)?;
        let login = login.cloned().or(own_login);
        let scope =
            login.as_ref().map(|login| format!("{}\0{}", login.username, login.password)).unwrap_or_default();
        let name = hex::encode(Sha256::digest(format!("{clean}\0{scope}")));
        let mut mirrors = lock(&self.mirrors);
        let mirror = mirrors.entry(name.clone()).or_insert_with(|| {
            Arc::new(Mirror {
                url: clean,
                shown_url: shown,
                path: self.folder.join(name),
                login,
                state: AsyncMutex::default(),
                asked: Mutex::default(),
                failed: Mutex::default(),
            })
        });
        Ok(mirror.clone())
    }

    async fn get(
        &self,
        url: &str,
        revision: &str,
        login: Option<&Login>,
        max_age: Duration,
    ) -> Result<Checkout, CheckoutError> {
        check_revision(revision)?;
        let mirror = self.mirror(url, login)?;
        let mut state = mirror.state.lock().await;
        let fresh = lock(&mirror.asked).is_some_and(|asked| asked.elapsed() < max_age);
        let known_commit = is_full_id(revision)
            && state.repository.as_ref().is_some_and(|repository| has(repository, revision));
        let at_hand = known_commit || (fresh && state.repository.is_some());
        let mut found = state.repository.as_ref().filter(|_| at_hand).and_then(|known| find(known, revision));
        if found.is_none() {
            // What is at hand may be older than the revision.
            let repository = self.asked(&mirror, revision, max_age).await?;
            found = find(&repository, revision);
            state.repository = Some(repository);
        }
        let Some((commit, reference)) = found else {
            *lock(&mirror.asked) = None;
            return Err(final_fault(&mirror, &format!("unable to resolve '{revision}' to a commit SHA")));
        };
        let repository =
            state.repository.clone().ok_or_else(|| final_fault(&mirror, "it was never fetched"))?;
        if let Some(known) = state.snapshots.get(&commit) {
            return Ok(Checkout { reference, ..known.clone() });
        }
        let checkout =
            open(&repository, commit, reference).map_err(|message| final_fault(&mirror, &message))?;
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
        revision: &str,
        max_age: Duration,
    ) -> Result<gix::ThreadSafeRepository, CheckoutError> {
        if let Some((when, error)) = lock(&mirror.failed).as_ref()
            && when.elapsed() < max_age.min(AFTER_FAILURE)
        {
            return Err(error.clone());
        }
        let result = self.fetch(mirror, revision).await;
        let now = Instant::now();
        *lock(&mirror.asked) = result.is_ok().then_some(now);
        *lock(&mirror.failed) = result.as_ref().err().map(|error| (now, error.clone()));
        result
    }

    /// Fetches in a thread of its own. When the time is over the caller goes on; the thread ends
    /// at its next sign of life.
    async fn fetch(
        &self,
        mirror: &Arc<Mirror>,
        revision: &str,
    ) -> Result<gix::ThreadSafeRepository, CheckoutError> {
        let stop = Arc::new(AtomicBool::new(false));
        let work = {
            let (mirror, stop, revision) = (mirror.clone(), stop.clone(), revision.to_owned());
            tokio::task::spawn_blocking(move || fetch(&mirror, &revision, &stop))
        };
        match tokio::time::timeout(self.limits.fetch, work).await {
            Ok(Ok(result)) => result.map_err(|message| passing_fault(mirror, &message)),
            Ok(Err(_panicked)) => Err(passing_fault(mirror, "the fetch ended unexpectedly")),
            Err(_late) => {
                stop.store(true, Ordering::Relaxed);
                let message = format!("no answer within {} s", self.limits.fetch.as_secs_f32());
                Err(passing_fault(mirror, &message))
            }
        }
    }
}

impl Repositories for GitStore {
    fn checkout<'a>(
        &'a self,
        url: &'a str,
        revision: &'a str,
        login: Option<&'a Login>,
        max_age: Duration,
    ) -> BoxFuture<'a, Result<Checkout, CheckoutError>> {
        self.get(url, revision, login, max_age).boxed()
    }

    fn forget(&self, url: &str) {
        let wanted = normalised_url(url);
        for mirror in lock(&self.mirrors).values() {
            if normalised_url(&mirror.shown_url) == wanted {
                *lock(&mirror.asked) = None;
                *lock(&mirror.failed) = None;
            }
        }
    }
}

/// The URL without its login, the URL as it may be shown, and the login that it held.
fn checked_url(url: &str) -> Result<(String, String, Option<Login>), CheckoutError> {
    let refused = |reason: &str| CheckoutError {
        message: format!("repository {:?}: {reason}", without_login(url)),
        transient: false,
    };
    if url.chars().any(char::is_control) {
        return Err(refused("the URL holds control characters"));
    }
    let mut parsed =
        Url::parse(url).map_err(|_no_url| refused("is not a URL of the form https://host/path"))?;
    match parsed.scheme() {
        "http" | "https" | "file" => {}
        "ssh" | "git" => return Err(refused("SSH is not supported yet")),
        _ => return Err(refused("the scheme must be https, http or file")),
    }
    let login = (!parsed.username().is_empty() || parsed.password().is_some()).then(|| Login {
        username: parsed.username().to_owned(),
        password: parsed.password().unwrap_or_default().to_owned(),
    });
    // Neither can fail for the schemes above that have a host; `file` has no login to take away.
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    Ok((parsed.to_string(), parsed.to_string(), login))
}

/// The text of a URL with whatever stands before an `@` of its host taken away.
fn without_login(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            format!("{scheme}://{host}/{path}")
        }
        None => url.rsplit_once('@').map_or(url, |(_, rest)| rest).to_owned(),
    }
}

fn check_revision(revision: &str) -> Result<(), CheckoutError> {
    let bad = revision.starts_with('-')
        || revision.contains("..")
        || revision
            .chars()
            .any(|letter| letter.is_control() || matches!(letter, ' ' | '~' | '^' | ':' | '?' | '[' | '\\'));
    if !bad {
        return Ok(());
    }
    let message = format!("revision {revision:?} is not the name of a branch, tag or commit");
    Err(CheckoutError { message, transient: false })
}

fn final_fault(mirror: &Mirror, message: &str) -> CheckoutError {
    CheckoutError { message: format!("repository {}: {message}", mirror.shown_url), transient: false }
}

fn passing_fault(mirror: &Mirror, message: &str) -> CheckoutError {
    CheckoutError { message: format!("repository {}: {message}", mirror.shown_url), transient: true }
}

fn fetch(mirror: &Mirror, revision: &str, stop: &AtomicBool) -> Result<gix::ThreadSafeRepository, String> {
    if let Some(path) = local_path(&mirror.url) {
        return open_local(&path);
    }
    let repository = open_or_create(mirror)?;
    let mut specs = vec![
        "+refs/heads/*:refs/heads/*".to_owned(),
        "+refs/tags/*:refs/tags/*".to_owned(),
        "+HEAD:refs/belay/HEAD".to_owned(),
    ];
    if revision.starts_with("refs/")
        && !revision.starts_with("refs/heads/")
        && !revision.starts_with("refs/tags/")
    {
        specs.push(format!("+{revision}:{revision}"));
    }
    let remote = repository
        .remote_at(mirror.url.as_str())
        .map_err(|error| belay_causes::chain(&error))?
        .with_fetch_tags(gix::remote::fetch::Tags::None)
        .with_refspecs(specs.iter().map(String::as_str), Direction::Fetch)
        .map_err(|error| belay_causes::chain(&error))?;
    let connection = remote.connect(Direction::Fetch).map_err(|error| belay_causes::chain(&error))?;
    let prepared = connection
        .with_credentials(|action| answer(mirror, action))
        .prepare_fetch(gix::progress::Discard, gix::remote::ref_map::Options::default())
        .map_err(|error| belay_causes::chain(&error))?;
    let advertised: Vec<Vec<u8>> =
        prepared.ref_map().remote_refs.iter().map(|reference| reference.unpack().0.to_vec()).collect();
    prepared
        .with_write_packed_refs_only(false)
        .receive(gix::progress::Discard, stop)
        .map_err(|error| belay_causes::chain(&error))?;
    drop_gone(&repository, &advertised)?;
    Ok(repository.into_sync())
}

/// The folder that a `file` URL names.
fn local_path(url: &str) -> Option<PathBuf> {
    let url = Url::parse(url).ok().filter(|url| url.scheme() == "file")?;
    url.to_file_path().ok()
}

/// A repository on this machine is read where it is: fetching from it would start a `git` program.
fn open_local(path: &Path) -> Result<gix::ThreadSafeRepository, String> {
    let repository =
        gix::open_opts(path, gix::open::Options::isolated()).map_err(|error| belay_causes::chain(&error))?;
    Ok(repository.into_sync())
}

/// Why a server that asks for a login gets none.
#[derive(Debug, thiserror::Error)]
enum NoLogin {
    #[error("authentication required")]
    Unknown,
    #[error("authentication failed: the server rejects the login")]
    Rejected,
    #[error("{host} asks for a login, and the login is for another server")]
    Elsewhere { host: String },
}

/// Gives the login to the server it is meant for. Without this the client would run the credential
/// programs of the machine, and ask at the terminal.
fn answer(mirror: &Mirror, action: Action) -> Result<Option<Outcome>, gix::Error> {
    let Action::Get(context) = action else { return Ok(None) };
    let Some(login) = &mirror.login else { return Err(gix::Error::from_error(NoLogin::Unknown)) };
    let asking = context.url.as_ref().map(|url| url.to_str_lossy().into_owned()).unwrap_or_default();
    if !same_server(&asking, &mirror.url) {
        let host = Url::parse(&asking).ok().and_then(|url| url.host_str().map(str::to_owned));
        return Err(gix::Error::from_error(NoLogin::Elsewhere { host: host.unwrap_or(asking) }));
    }
    if at_once(&mirror.url) {
        return Err(gix::Error::from_error(NoLogin::Rejected));
    }
    let (username, password) = (login.username.clone(), login.password.clone());
    let identity = Account { username, password, oauth_refresh_token: None };
    Ok(Some(Outcome { identity, next: context.into() }))
}

/// Whether the login goes with the first request. Over https it waits until the server asks for it,
/// so that redirects can be followed. Over http the client would then refuse to send it, but there are
/// such servers inside of clusters.
fn at_once(url: &str) -> bool {
    url.starts_with("http://")
}

/// Whether two URLs have scheme, host and port in common.
fn same_server(one: &str, other: &str) -> bool {
    match (Url::parse(one), Url::parse(other)) {
        (Ok(one), Ok(other)) => one.origin().is_tuple() && one.origin() == other.origin(),
        _ => false,
    }
}

/// A branch or tag that the remote has no more goes here, too.
fn drop_gone(repository: &gix::Repository, advertised: &[Vec<u8>]) -> Result<(), String> {
    let references = repository.references().map_err(|error| belay_causes::chain(&error))?;
    for prefix in ["refs/heads/", "refs/tags/"] {
        let local = references.prefixed(prefix).map_err(|error| belay_causes::chain(&error))?;
        for reference in local.flatten() {
            let name = reference.name().as_bstr().to_vec();
            if !advertised.contains(&name) {
                reference.delete().map_err(|error| belay_causes::chain(&error))?;
            }
        }
    }
    Ok(())
}

fn open_or_create(mirror: &Mirror) -> Result<gix::Repository, String> {
    if !mirror.path.join("HEAD").is_file() {
        private_folder(&mirror.path).map_err(|error| format!("the cache folder cannot be made: {error}"))?;
        gix::init_bare(&mirror.path).map_err(|error| belay_causes::chain(&error))?;
    }
    let mut settings = vec!["gitoxide.http.connectTimeout=10000".to_owned()];
    if let Some(login) = mirror.login.as_ref().filter(|_| at_once(&mirror.url)) {
        let pair = base64::engine::general_purpose::STANDARD
            .encode(format!("{}:{}", login.username, login.password));
        settings.push(format!("http.extraHeader=Authorization: Basic {pair}"));
    }
    let options = gix::open::Options::isolated().config_overrides(settings);
    gix::open_opts(&mirror.path, options).map_err(|error| belay_causes::chain(&error))
}

#[cfg(unix)]
fn private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn private_folder(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)
}

fn is_full_id(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn has(repository: &gix::ThreadSafeRepository, id: &str) -> bool {
    ObjectId::from_hex(id.as_bytes()).is_ok_and(|id| repository.to_thread_local().has_object(id))
}

/// The commit that a revision means, and the full name of the branch or tag that said so.
/// Order: full commit id, `HEAD`, branch, tag, full reference, abbreviated commit id.
fn find(repository: &gix::ThreadSafeRepository, revision: &str) -> Option<(ObjectId, String)> {
    let repository = repository.to_thread_local();
    if is_full_id(revision) {
        let id = ObjectId::from_hex(revision.as_bytes()).ok()?;
        return repository.find_commit(id).is_ok().then_some((id, String::new()));
    }
    let names = match revision {
        // A mirror has a HEAD of its own, which says nothing; a repository read in place has only that.
        "" | "HEAD" => vec!["refs/belay/HEAD".to_owned(), "HEAD".to_owned()],
        full if full.starts_with("refs/") => vec![full.to_owned()],
        short => vec![format!("refs/heads/{short}"), format!("refs/tags/{short}")],
    };
    for name in names {
        let Ok(mut reference) = repository.find_reference(name.as_str()) else { continue };
        let id = reference.peel_to_id().ok()?.detach();
        return Some((id, name));
    }
    let short = revision.len() >= 7 && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = short.then(|| repository.rev_parse_single(revision).ok()).flatten()?.detach();
    repository.find_commit(id).is_ok().then_some((id, String::new()))
}

fn open(repository: &gix::ThreadSafeRepository, id: ObjectId, reference: String) -> Result<Checkout, String> {
    let local = repository.to_thread_local();
    let commit = local.find_commit(id).map_err(|error| belay_causes::chain(&error))?;
    let root = commit.tree_id().map_err(|error| belay_causes::chain(&error))?.detach();
    let author = commit.author().map_err(|error| belay_causes::chain(&error))?;
    let seconds = author.time().map(|time| time.seconds).unwrap_or_default();
    let subject = commit.message_raw_sloppy().lines().next().unwrap_or_default().to_str_lossy().into_owned();
    Ok(Checkout {
        commit: id.to_string(),
        reference,
        tree: Arc::new(Snapshot::new(repository, root)),
        subject,
        author: format!("{} <{}>", author.name, author.email),
        date: seconds,
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mirror(login: Option<Login>) -> Mirror {
        let url = "https://git.example.org/app".to_owned();
        let (state, asked) = (AsyncMutex::default(), Mutex::default());
        let failed = Mutex::default();
        Mirror { shown_url: url.clone(), url, path: PathBuf::new(), login, state, asked, failed }
    }

    #[test]
    fn the_login_goes_to_its_own_server_alone() {
        let login = Login { username: "ada".to_owned(), password: "s3cr3t".to_owned() };
        let mirror = mirror(Some(login));
        let ask = |url: &str| answer(&mirror, Action::get_for_url(url));
        let found = ask("https://git.example.org/app.git").unwrap().unwrap();
        assert_eq!((found.identity.username.as_str(), found.identity.password.as_str()), ("ada", "s3cr3t"));
        for url in [
            "https://evil.example.org/app",
            "http://git.example.org/app",
            "https://git.example.org:8443/app",
            "",
        ] {
            let error = ask(url).unwrap_err();
            assert!(
                belay_causes::chain(&error).contains("the login is for another server"),
                "{url}: {}",
                belay_causes::chain(&error)
            );
        }
    }

    #[test]
    fn without_a_login_nobody_is_asked() {
        let error = answer(&mirror(None), Action::get_for_url("https://git.example.org/app")).unwrap_err();
        assert!(belay_causes::chain(&error).contains("authentication required"));
    }

    #[test]
    fn shown_urls_hold_no_login() {
        let (clean, shown, login) = checked_url("https://ada:s3cr3t@git.example.org/app").unwrap();
        assert_eq!(
            (clean.as_str(), shown.as_str()),
            ("https://git.example.org/app", "https://git.example.org/app")
        );
        assert_eq!(login.unwrap().password, "s3cr3t");
        for url in
            ["https://ada:s3cr3t@", "ssh://ada:s3cr3t@host/x", "ftp://ada:s3cr3t@host/x", "ada:s3cr3t@host:x"]
        {
            let error = checked_url(url).unwrap_err();
            assert!(!error.message.contains("s3cr3t"), "{error}");
        }
    }
}
