//! Chart repositories over HTTP: their indices and archives.

use std::collections::HashMap;

use belay_helm::{RepositoryIndex, repository_name};
use belay_source::{SecretText, archive_name, chart_address};
use reqwest::Url;

use super::http::Access;
use super::locate::not_reached;
use super::repositories_file::{self, NamedRepository};
use super::settings::Settings;
use crate::failure::Original;

/// Repositories, each index read once.
pub(super) struct Repositories {
    settings: Settings,
    /// Those that have a name.
    named: Vec<NamedRepository>,
    /// How the others are asked.
    access: Access,
    indices: HashMap<String, RepositoryIndex>,
}

impl Repositories {
    pub(super) fn new(settings: &Settings, username: &str, password: &str) -> Result<Repositories, Original> {
        let (username, password) = (username.to_owned(), SecretText::new(password));
        Ok(Repositories {
            named: repositories_file::load(settings)?,
            settings: settings.clone(),
            access: Access { username, password, ..Access::default() },
            indices: HashMap::new(),
        })
    }

    /// The repository that `@NAME` or `alias:NAME` means.
    pub(super) fn by_alias(&self, alias: &str) -> Option<&NamedRepository> {
        let name = repository_name(alias)?;
        self.named.iter().find(|repository| repository.name == name)
    }

    /// The repository's entry, if it has a name.
    pub(super) fn entry(&self, address: &str) -> Option<&NamedRepository> {
        self.named.iter().find(|repository| repository.is_at(address))
    }

    /// Fetches the repository's index.
    pub(super) fn refresh(&mut self, repository: &str) -> Result<(), Original> {
        let index = fetch_index(repository, self.access(repository))?;
        self.indices.insert(repository.to_owned(), index);
        Ok(())
    }

    fn access(&self, repository: &str) -> &Access {
        self.entry(repository).map_or(&self.access, |entry| &entry.access)
    }

    /// The index; one of a repository with a name may be the one that Helm keeps.
    fn index(&mut self, repository: &str) -> Result<&RepositoryIndex, Original> {
        if !self.indices.contains_key(repository) {
            match self.entry(repository) {
                Some(entry) => {
                    let index = entry.cached_index(&self.settings)?;
                    self.indices.insert(repository.to_owned(), index);
                }
                None => self.refresh(repository).map_err(|error| not_reached(repository, &error))?,
            }
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
        let name = archive_name(&address)
            .ok_or_else(|| Original::new(format!("could not download {address}: it names no file")))?
            .to_owned();
        let failed = |error| Original::new(format!("could not download {address}: {error}"));
        let archive = self.access(repository).get(address.as_str(), repository).map_err(failed)?;
        Ok((name, archive))
    }
}

/// The repository's index, as its server has it now.
pub(super) fn fetch_index(repository: &str, access: &Access) -> Result<RepositoryIndex, Original> {
    let address = resolve(repository, "index.yaml")?;
    let bytes = access.get(address.as_str(), repository)?;
    RepositoryIndex::parse(&String::from_utf8_lossy(&bytes)).map_err(|error| Original::of(&error))
}

/// An address from the repository's.
pub(super) fn resolve(repository: &str, reference: &str) -> Result<Url, Original> {
    chart_address(repository, reference).map_err(|error| {
        let text = if reference.contains("://") { reference } else { repository };
        Original::new(format!("failed to parse {text} as URL: {error}"))
    })
}
