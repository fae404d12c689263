//! The charts that a chart asks for and does not hold, which `helm dependency build` would put into its `charts/`: those
//! of other folders of the tree, and what is to be fetched.

use belay_filetree::{FileTree, Kind, TreePath};
use belay_helm::lock::OutOfSync;
use belay_helm::version::{is_range, satisfies};
use belay_helm::{Chart, Dependency, repository_name};

/// What is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MissingCharts {
    /// The folder of the chart that asks.
    pub(crate) folder: TreePath,
    /// What is to be fetched.
    pub(crate) fetched: Vec<WantedChart>,
    /// Charts of the tree: their names, and where they are.
    pub(crate) local: Vec<(String, TreePath)>,
}

/// A chart of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WantedChart {
    pub(crate) name: String,
    /// The version, or a range of versions.
    pub(crate) version: String,
    /// Whether a lock names the version.
    pub(crate) is_locked: bool,
    /// The repository's URL.
    pub(crate) repository: String,
    /// Whether the repository was named otherwise than by its URL.
    pub(crate) is_named: bool,
}

/// Why what is missing cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MissingChartsError {
    #[error(transparent)]
    OutOfSync(#[from] OutOfSync),
    #[error("no repository definition for {repository}. Please add them via 'helm repo add'")]
    NoRepository { repository: String },
    #[error("dependency {name} is in an OCI registry ({repository}): OCI is not supported yet")]
    Oci { name: String, repository: String },
    #[error("directory {path} not found")]
    NoFolder { path: String },
    #[error("can't get a valid version for dependency {name}")]
    NoVersion { name: String },
    #[error("dependency {name:?} has an invalid version/constraint format: improper constraint: {version}")]
    NoRange { name: String, version: String },
    #[error("the chart that dependency {name} names cannot be read")]
    Local {
        name: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the chart cannot be read")]
    Chart(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What the chart in a folder asks for and does not hold. `named` are the repositories that have a name.
pub(super) fn missing_charts(
    tree: &dyn FileTree,
    folder: &TreePath,
    named: &dyn Fn(&str) -> Option<String>,
) -> Result<MissingCharts, MissingChartsError> {
    let chart = Chart::load(tree, folder).map_err(|error| MissingChartsError::Chart(Box::new(error)))?;
    let mut wishes = chart.metadata.dependencies.clone().unwrap_or_default();
    let mut by_name = Vec::new();
    for wish in &mut wishes {
        if let Some(url) = url_of_name(wish, named)? {
            wish.repository.clone_from(&url);
            by_name.push(url);
        }
    }
    let locked = chart.locked(&wishes)?.map(<[Dependency]>::to_vec);
    let is_locked = locked.is_some();
    let mut missing = MissingCharts { folder: folder.clone(), fetched: Vec::new(), local: Vec::new() };
    let absent = chart.missing_dependencies();
    for wish in locked.unwrap_or(wishes) {
        if absent.contains(&wish.name.as_str()) {
            let is_named = by_name.contains(&wish.repository);
            missing.add(tree, wish, is_named, is_locked)?;
        }
    }
    Ok(missing)
}

/// The URL of a repository that is named `@NAME` or `alias:NAME`; nothing for one that is not.
fn url_of_name(
    wish: &Dependency,
    named: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<String>, MissingChartsError> {
    let repository = &wish.repository;
    match repository_name(repository) {
        None if repository.is_empty() || repository.contains("://") => Ok(None),
        name => match name.and_then(named) {
            Some(url) => Ok(Some(url)),
            None => Err(MissingChartsError::NoRepository { repository: repository.clone() }),
        },
    }
}

impl MissingCharts {
    fn add(
        &mut self,
        tree: &dyn FileTree,
        wish: Dependency,
        is_named: bool,
        is_locked: bool,
    ) -> Result<(), MissingChartsError> {
        let Dependency { name, version, repository, .. } = wish;
        if !is_range(&version) {
            return Err(MissingChartsError::NoRange { name, version });
        }
        if let Some(place) = repository.strip_prefix("file://") {
            let from = self.local(tree, &name, &version, place)?;
            self.local.push((name, from));
            return Ok(());
        }
        if repository.starts_with("oci://") {
            return Err(MissingChartsError::Oci { name, repository });
        }
        // What names no repository has to be in the folder: that it is not is what the render says.
        if !repository.is_empty() {
            self.fetched.push(WantedChart { name, version, is_locked, repository, is_named });
        }
        Ok(())
    }

    /// The folder that `file://` names, from the chart's own.
    fn local(
        &self,
        tree: &dyn FileTree,
        name: &str,
        version: &str,
        place: &str,
    ) -> Result<TreePath, MissingChartsError> {
        let fault = |source: Box<dyn std::error::Error + Send + Sync>| MissingChartsError::Local {
            name: name.to_owned(),
            source,
        };
        let from = self.folder.join(place).map_err(|error| fault(Box::new(error)))?;
        let kind = tree.kind(&from).map_err(|error| fault(Box::new(error)))?;
        if kind != Some(Kind::Directory) {
            return Err(MissingChartsError::NoFolder { path: from.as_str().to_owned() });
        }
        let chart = Chart::load(tree, &from).map_err(|error| fault(Box::new(error)))?;
        match satisfies(version, &chart.metadata.version) {
            true => Ok(from),
            false => Err(MissingChartsError::NoVersion { name: name.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_causes::chain;
    use belay_filetree::MemoryTree;

    const URL: &str = "https://charts.example.com";

    fn chart(name: &str, wishes: &str) -> String {
        format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\ndependencies: [{wishes}]\n")
    }

    fn missing(files: &[(&str, &str)]) -> Result<MissingCharts, String> {
        let tree = MemoryTree::of(files.iter().copied());
        let named = |name: &str| (name == "stable").then(|| URL.to_owned());
        missing_charts(&tree, &TreePath::parse("app").unwrap(), &named).map_err(|error| chain(&error))
    }

    #[test]
    fn what_is_missing_is_fetched_or_lies_in_the_tree() {
        let wishes = "{name: db, version: ^1, repository: '@stable'}, {name: near, version: 1.x, repository: 'file://../lib/near'}, \
                      {name: here, version: '*', repository: ''}";
        let found = missing(&[
            ("app/Chart.yaml", &chart("app", wishes)),
            ("app/charts/here/Chart.yaml", &chart("here", "")),
            ("lib/near/Chart.yaml", &chart("near", "")),
        ])
        .unwrap();
        let db = WantedChart {
            name: "db".to_owned(),
            version: "^1".to_owned(),
            is_locked: false,
            repository: URL.to_owned(),
            is_named: true,
        };
        assert_eq!(found.fetched, [db]);
        assert_eq!(found.local, [("near".to_owned(), TreePath::parse("lib/near").unwrap())]);
    }

    #[test]
    fn a_lock_names_the_versions_and_has_to_fit() {
        let wish = Dependency {
            name: "db".to_owned(),
            version: "^1".to_owned(),
            repository: URL.to_owned(),
            ..Dependency::default()
        };
        let choice = Dependency { version: "1.4.0".to_owned(), ..wish.clone() };
        let lock = belay_helm::Lock::of(&[wish], vec![choice], "2026-01-01T00:00:00Z").to_yaml();
        let of = |version: &str| {
            let wishes = format!("{{name: db, version: {version}, repository: '{URL}'}}");
            missing(&[("app/Chart.yaml", &chart("app", &wishes)), ("app/Chart.lock", &lock)])
        };
        let found = of("^1").unwrap();
        let db = &found.fetched[0];
        assert!(db.is_locked && db.version == "1.4.0" && !db.is_named);
        assert_eq!(
            of("^2").unwrap_err(),
            "the lock file (Chart.lock) is out of sync with the dependencies file (Chart.yaml). Please update the dependencies \
             with 'helm dependency update'"
        );
    }

    #[test]
    fn bad_p1_what_cannot_be_had_is_named() {
        for (wish, said) in [
            ("repository: '@other', version: '1'", "no repository definition for @other."),
            ("repository: stable, version: '1'", "no repository definition for stable."),
            ("repository: 'oci://h/c', version: '1'", "OCI is not supported yet"),
            ("repository: 'file://../gone', version: '1'", "directory gone not found"),
            (
                "repository: 'file://../../../etc', version: '1'",
                "the chart that dependency db names cannot be read: ",
            ),
            ("repository: 'file://../near', version: ^2", "can't get a valid version for dependency db"),
            ("repository: 'https://h', version: x y", "improper constraint: x y"),
        ] {
            let app = chart("app", &format!("{{name: db, {wish}}}"));
            let error =
                missing(&[("app/Chart.yaml", &app), ("near/Chart.yaml", &chart("near", ""))]).unwrap_err();
            assert!(error.contains(said), "{wish}: {error}");
        }
    }
}
