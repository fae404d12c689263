//! A chart repository's `index.yaml`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::version;
use crate::yaml::{self, YamlError};

/// The charts of a repository, the newest version of each first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RepositoryIndex {
    charts: BTreeMap<String, Vec<ChartVersion>>,
}

/// One version of a chart in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartVersion {
    /// The version as the index writes it.
    pub version: String,
    /// Where the archive is: addresses, absolute or from the repository's.
    pub urls: Vec<String>,
    /// The archive's SHA-256, if the index names it.
    pub digest: Option<String>,
}

/// Why a text is no index.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Not YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// Nothing in it.
    #[error("empty index.yaml file")]
    Empty,
    /// No `apiVersion`.
    #[error("no API version specified")]
    NoVersion,
}

/// Why an index has no such chart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotInIndex {
    /// No chart has that name.
    #[error("no chart name found")]
    Name,
    /// The chart has no version at all.
    #[error("no chart version found")]
    NoVersions,
    /// What is asked for is no range of versions.
    #[error("improper constraint: {range}")]
    Range {
        /// What is asked for.
        range: String,
    },
    /// No version is in the range.
    #[error("no chart version found for {chart}-{range}")]
    Version {
        /// The chart.
        chart: String,
        /// The range.
        range: String,
    },
}

impl RepositoryIndex {
    /// Reads `index.yaml`. Entries that name no version or a wrong one are passed over.
    pub fn parse(text: &str) -> Result<RepositoryIndex, IndexError> {
        if text.is_empty() {
            return Err(IndexError::Empty);
        }
        // Repositories with thousands of versions write JSON, which is read faster.
        let index: Value = match serde_json::from_str(text) {
            Ok(index) => index,
            Err(_) => yaml::decode(text)?,
        };
        if index["apiVersion"].as_str().is_none_or(str::is_empty) {
            return Err(IndexError::NoVersion);
        }
        let mut charts = BTreeMap::new();
        for (name, entries) in index["entries"].as_object().into_iter().flatten() {
            let mut versions: Vec<ChartVersion> =
                entries.as_array().into_iter().flatten().filter_map(chart_version).collect();
            versions.sort_by(|one, other| version::compare(&other.version, &one.version));
            charts.insert(name.clone(), versions);
        }
        Ok(RepositoryIndex { charts })
    }

    /// The newest version of the chart in the range that can be fetched; nothing asked for means the newest release.
    pub fn find(&self, chart: &str, range: &str) -> Option<&ChartVersion> {
        newest(self.charts.get(chart)?.iter().filter(|candidate| !candidate.urls.is_empty()), range)
    }

    /// As [`RepositoryIndex::find`], for a person who named the chart: the version may say no address, and what is
    /// missing is told.
    pub fn get(&self, chart: &str, range: &str) -> Result<&ChartVersion, NotInIndex> {
        let versions = self.charts.get(chart).ok_or(NotInIndex::Name)?;
        if versions.is_empty() {
            return Err(NotInIndex::NoVersions);
        }
        if !range.is_empty() && !version::is_range(range) {
            return Err(NotInIndex::Range { range: range.to_owned() });
        }
        let missing = || NotInIndex::Version { chart: chart.to_owned(), range: range.to_owned() };
        newest(versions.iter(), range).ok_or_else(missing)
    }

    /// Whether some version of some chart is at this address, as the index writes it.
    pub fn names_address(&self, address: &str) -> bool {
        self.charts.values().flatten().any(|version| version.urls.iter().any(|url| url == address))
    }

    /// Whether there is a chart of that name.
    pub fn has(&self, chart: &str) -> bool {
        self.charts.contains_key(chart)
    }
}

/// The version of that very text, else the first in the range: versions are sorted, the newest first.
fn newest<'a>(
    versions: impl Iterator<Item = &'a ChartVersion> + Clone,
    range: &str,
) -> Option<&'a ChartVersion> {
    let range = if range.is_empty() { "*" } else { range };
    let exact = versions.clone().find(|candidate| candidate.version == range);
    exact.or_else(|| versions.into_iter().find(|candidate| version::satisfies(range, &candidate.version)))
}

fn chart_version(entry: &Value) -> Option<ChartVersion> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let version = match &entry["version"] {
        Value::Number(number) => crate::decode::number_text(number),
        other => text(other)?,
    };
    let urls: Vec<String> = entry["urls"].as_array().into_iter().flatten().filter_map(text).collect();
    if !version::is_version(&version) {
        return None;
    }
    Some(ChartVersion { version, urls, digest: text(&entry["digest"]).filter(|digest| !digest.is_empty()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = "
apiVersion: v1
entries:
  db:
  - {version: 1.2.0, urls: [db-1.2.0.tgz]}
  - {version: 1.10.0, urls: [db-1.10.0.tgz], digest: abc}
  - {version: 2.0.0-rc.1, urls: [db-2.0.0-rc.1.tgz]}
  - {version: nonsense, urls: [x.tgz]}
  - {version: 3.0.0}
";

    #[test]
    fn the_newest_version_in_the_range_is_found() {
        let index = RepositoryIndex::parse(INDEX).expect("an index");
        let found = |range: &str| index.find("db", range).map(|found| found.version.as_str());
        assert_eq!(found("^1.0.0"), Some("1.10.0"));
        assert_eq!(found("~1.2"), Some("1.2.0"));
        assert_eq!(found(""), Some("1.10.0"), "no pre-release unless it is asked for");
        assert_eq!(found("2.0.0-rc.1"), Some("2.0.0-rc.1"));
        assert_eq!(found(">2"), None);
        assert!(index.find("web", "").is_none());
    }

    #[test]
    fn what_is_missing_is_told() {
        let index = RepositoryIndex::parse(INDEX).expect("an index");
        let said = |chart: &str, range: &str| index.get(chart, range).map_err(|error| error.to_string());
        assert_eq!(
            said("db", "").map(|found| found.version.as_str()),
            Ok("3.0.0"),
            "though it has no address"
        );
        assert_eq!(said("db", ">0.0.0-0 <3").map(|found| found.version.as_str()), Ok("2.0.0-rc.1"));
        assert_eq!(said("web", ""), Err("no chart name found".to_owned()));
        assert_eq!(said("db", "4.x"), Err("no chart version found for db-4.x".to_owned()));
        assert_eq!(said("db", "x y"), Err("improper constraint: x y".to_owned()));
        assert!(index.names_address("db-1.2.0.tgz") && !index.names_address("db.tgz"));
    }

    #[test]
    fn bad_m1_what_is_no_index_is_refused() {
        assert!(matches!(RepositoryIndex::parse(""), Err(IndexError::Empty)));
        assert!(matches!(RepositoryIndex::parse("<html>"), Err(IndexError::NoVersion)));
        assert!(matches!(RepositoryIndex::parse("a: b: c"), Err(IndexError::Yaml(_))));
    }
}
