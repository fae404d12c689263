//! Repositories, files and charts that kustomizations name by URL.

use std::fmt;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use belay_filetree::FileTree;
use belay_helm::RepositoryIndex;
use belay_kustomize::{RemoteChart, RemoteRepository, Remotes};
use belay_source::{GitLimits, GitStore, Repositories, Request, Revision, with_submodules};
use reqwest::Url;
use reqwest::blocking::Client;

use crate::failure::Original;
use crate::written::private_folder;

const PATIENCE: Duration = Duration::from_secs(27);
/// The largest file, index or chart.
const LIMIT: u64 = 100 << 20;

/// Fetches over the network. Repositories are mirrored in the user's cache for the next build.
pub(super) struct Fetcher {
    mirrors: PathBuf,
    /// Goes with the process.
    _own: Option<tempfile::TempDir>,
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Fetcher").finish_non_exhaustive()
    }
}

impl Fetcher {
    pub(super) fn new() -> Result<Fetcher, Original> {
        let variable =
            |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Fetcher::of(variable("XDG_CACHE_HOME"), variable("HOME"))
    }

    /// A folder that everybody knows in one that everybody may write to could be made by somebody else, with commits of
    /// their own: who has no home gets a new one each time.
    fn of(cache: Option<PathBuf>, home: Option<PathBuf>) -> Result<Fetcher, Original> {
        let below = |cache: PathBuf| cache.join("belay").join("kustomize");
        if let Some(cache) = cache.or_else(|| home.map(|home| home.join(".cache"))) {
            return Ok(Fetcher { mirrors: below(cache), _own: None });
        }
        let own = private_folder("belay-")
            .map_err(|error| Original::failed("mkdir", &std::env::temp_dir(), &error))?;
        Ok(Fetcher { mirrors: own.path().join("mirrors"), _own: Some(own) })
    }
}

impl Remotes for Fetcher {
    fn repository(&self, repository: &RemoteRepository) -> Result<Arc<dyn FileTree>, String> {
        let store =
            GitStore::new(&self.mirrors, GitLimits { fetch: repository.timeout, ..GitLimits::default() });
        let runtime = crate::commands::runtime().map_err(|error| error.to_string())?;
        let request = Request::new(&repository.url, Revision::name(&repository.reference));
        let checkout = runtime.block_on(store.checkout(&request)).map_err(|error| error.to_string())?;
        if !repository.submodules {
            return Ok(checkout.tree);
        }
        let whole = runtime.block_on(with_submodules(&store, &request, checkout.tree));
        whole.map_err(|error| belay_causes::chain(&error))
    }

    fn file(&self, url: &str) -> Result<Option<Vec<u8>>, String> {
        get(url)
    }

    fn chart(&self, chart: &RemoteChart) -> Result<Vec<u8>, String> {
        let repository = chart.repository.trim_end_matches('/');
        if !repository.starts_with("http://") && !repository.starts_with("https://") {
            return Err(format!("charts of {repository} are not supported yet: only http and https are"));
        }
        let address = format!("{repository}/index.yaml");
        let index = get(&address)?.ok_or_else(|| format!("{address} is not there"))?;
        let index = RepositoryIndex::parse(&String::from_utf8_lossy(&index));
        let index = index.map_err(|error| format!("{address}: {error}"))?;
        let range = if chart.version.is_empty() && chart.devel { ">0.0.0-0" } else { &chart.version };
        let missing = || format!("chart {} {range} is not in {repository}", chart.name);
        let found = index.find(&chart.name, range).ok_or_else(missing)?;
        let reference = found.urls.first().ok_or_else(missing)?;
        let base = Url::parse(&format!("{repository}/")).map_err(|error| format!("{repository}: {error}"))?;
        let archive = base.join(reference).map_err(|error| format!("{reference}: {error}"))?;
        get(archive.as_str())?.ok_or_else(|| format!("{archive} is not there"))
    }
}

/// The body of a good answer; `None` for any other.
fn get(address: &str) -> Result<Option<Vec<u8>>, String> {
    let client = Client::builder().timeout(PATIENCE).user_agent("belay").build();
    let client = client.map_err(|error| error.to_string())?;
    let response = client.get(address).send().map_err(|error| belay_causes::chain(&error.without_url()))?;
    if !response.status().is_success() {
        return Ok(None);
    }
    let mut content = Vec::new();
    response.take(LIMIT + 1).read_to_end(&mut content).map_err(|error| error.to_string())?;
    if content.len() as u64 > LIMIT {
        return Err(format!("{address} is larger than {LIMIT} bytes"));
    }
    Ok(Some(content))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    #[test]
    fn bad_p8_who_has_no_home_shares_no_folder() {
        let place = |path: &str| Some(PathBuf::from(path));
        let known = |cache, home| Fetcher::of(cache, home).unwrap().mirrors;
        assert_eq!(known(place("/cache"), place("/home/ada")), Path::new("/cache/belay/kustomize"));
        assert_eq!(known(None, place("/home/ada")), Path::new("/home/ada/.cache/belay/kustomize"));
        let (one, other) = (Fetcher::of(None, None).unwrap(), Fetcher::of(None, None).unwrap());
        assert_ne!(one.mirrors, other.mirrors);
        let folder = one.mirrors.parent().unwrap();
        assert_eq!(std::fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
