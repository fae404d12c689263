//! Chart repositories over HTTP: their indices and archives.

use std::collections::HashMap;
use std::io::Read;
use std::time::Duration;

use belay_helm::RepositoryIndex;
use reqwest::Url;
use reqwest::blocking::Client;

use crate::failure::Original;

const PATIENCE: Duration = Duration::from_secs(60);
/// The largest index or archive; Helm's own limit for charts.
const LIMIT: u64 = 100 << 20;

/// Repositories, each index read once.
pub(super) struct Repositories {
    client: Client,
    username: String,
    password: String,
    indices: HashMap<String, RepositoryIndex>,
}

impl Repositories {
    pub(super) fn new(username: &str, password: &str) -> Result<Repositories, Original> {
        let client = Client::builder().timeout(PATIENCE).user_agent("belay").build();
        let client = client.map_err(|error| Original::of(&error))?;
        let (username, password) = (username.to_owned(), password.to_owned());
        Ok(Repositories { client, username, password, indices: HashMap::new() })
    }

    /// Reads the repository's index.
    pub(super) fn refresh(&mut self, repository: &str) -> Result<(), Original> {
        let address = format!("{}/index.yaml", repository.trim_end_matches('/'));
        let text = String::from_utf8_lossy(&self.get(&address, repository)?).into_owned();
        let index = RepositoryIndex::parse(&text).map_err(|error| Original::of(&error))?;
        self.indices.insert(repository.to_owned(), index);
        Ok(())
    }

    fn index(&mut self, repository: &str) -> Result<&RepositoryIndex, Original> {
        if !self.indices.contains_key(repository) {
            let failed = |error| {
                let text = "is not a valid chart repository or cannot be reached";
                Original::new(format!("looks like {repository:?} {text}: {error}"))
            };
            self.refresh(repository).map_err(failed)?;
        }
        Ok(&self.indices[repository])
    }

    /// The newest version of the chart in the range.
    pub(super) fn version(
        &mut self,
        repository: &str,
        chart: &str,
        range: &str,
    ) -> Result<Option<String>, Original> {
        let index = self.index(repository)?;
        if !index.has(chart) {
            return Err(Original::new(format!("{chart} chart not found in repo {repository}")));
        }
        Ok(index.find(chart, range).map(|found| found.version.clone()))
    }

    /// The archive of that version, and its name.
    pub(super) fn download(
        &mut self,
        repository: &str,
        chart: &str,
        version: &str,
    ) -> Result<(String, Vec<u8>), Original> {
        let not_found = || {
            Original::new(format!(
                "chart {chart} not found in {repository}: chart {chart:?} version {version:?} not found in \
                 {repository} repository"
            ))
        };
        let found = self.index(repository)?.find(chart, version).ok_or_else(not_found)?;
        let reference = found.urls.first().cloned().unwrap_or_default();
        let address = resolve(repository, &reference)?;
        let name = address.path_segments().and_then(Iterator::last).unwrap_or_default().to_owned();
        // The name becomes a file's: it must not lead out of `charts/`.
        if name.is_empty() || name.contains(['\\', '\0']) || name.starts_with('.') {
            return Err(Original::new(format!("could not download {address}: it names no file")));
        }
        let failed = |error| Original::new(format!("could not download {address}: {error}"));
        let archive = self.get(address.as_str(), repository).map_err(failed)?;
        Ok((name, archive))
    }

    /// Asks for the address. The password goes to the repository's own host only.
    fn get(&self, address: &str, repository: &str) -> Result<Vec<u8>, Original> {
        let url = Url::parse(address)
            .map_err(|error| Original::new(format!("failed to parse {address} as URL: {error}")))?;
        let own = Url::parse(repository).is_ok_and(|repository| repository.origin() == url.origin());
        let mut request = self.client.get(url);
        if own && !self.username.is_empty() {
            request = request.basic_auth(&self.username, Some(&self.password));
        }
        let response = request.send().map_err(|error| Original::of(&error.without_url()))?;
        let status = response.status();
        if !status.is_success() {
            return Err(Original::new(format!("failed to fetch {address} : {status}")));
        }
        let mut content = Vec::new();
        response.take(LIMIT + 1).read_to_end(&mut content).map_err(|error| Original::of(&error))?;
        if content.len() as u64 > LIMIT {
            return Err(Original::new(format!("{address} is larger than {LIMIT} bytes")));
        }
        Ok(content)
    }
}

/// An address from the repository's.
fn resolve(repository: &str, reference: &str) -> Result<Url, Original> {
    let failed = |error| Original::new(format!("failed to parse {reference} as URL: {error}"));
    let base = Url::parse(&format!("{}/", repository.trim_end_matches('/'))).map_err(failed)?;
    let address = base.join(reference).map_err(failed)?;
    if matches!(address.scheme(), "http" | "https") {
        return Ok(address);
    }
    Err(Original::new(format!("{address}: only http and https addresses are fetched")))
}
