//! What all of Helm's commands know: where it keeps what it knows of repositories, which Belay reads and never writes
//! to, and the cluster.

use std::env;
use std::path::PathBuf;

use super::cluster::ClusterArguments;
use super::logging::Logging;
use crate::failure::Original;

/// Places that all of Helm's commands know.
#[derive(clap::Args, Clone, Default)]
pub(super) struct Settings {
    /// The file of the repositories that `helm repo add` noted; it is only read.
    #[arg(long, global = true, env = "HELM_REPOSITORY_CONFIG", value_name = "FILE")]
    repository_config: Option<PathBuf>,
    /// The folder of the indices that `helm repo update` fetched; it is only read.
    #[arg(long, global = true, env = "HELM_REPOSITORY_CACHE", value_name = "FOLDER")]
    repository_cache: Option<PathBuf>,
    /// The folder of the charts that Helm fetched; it is only read.
    #[arg(long, global = true, env = "HELM_CONTENT_CACHE", value_name = "FOLDER")]
    content_cache: Option<PathBuf>,
    /// No effect: OCI registries are not supported yet.
    #[arg(long, global = true, hide = true, env = "HELM_REGISTRY_CONFIG", value_name = "FILE")]
    registry_config: Option<PathBuf>,
    /// No effect: nothing is printed in colours.
    #[arg(long, global = true, hide = true, alias = "colour", value_name = "WHEN")]
    color: Option<String>,
    /// The release's namespace; without it the kubeconfig's.
    #[arg(short, long, global = true, env = "HELM_NAMESPACE")]
    namespace: Option<String>,
    /// Print what was rendered even where it is not YAML.
    #[arg(long, global = true)]
    pub(super) debug: bool,
    /// The cluster.
    #[command(flatten)]
    pub(super) cluster: ClusterArguments,
    /// The log.
    #[command(flatten)]
    logging: Box<Logging>,
}

impl Settings {
    /// Refuses what the flags cannot mean.
    pub(super) fn check(&self) -> Result<(), Original> {
        match self.color.as_deref() {
            None | Some("never" | "auto" | "always") => Ok(()),
            Some(other) => Err(Original::new(format!(
                "invalid color mode {other:?}: must be one of: never, auto, always"
            ))),
        }
    }

    /// The namespace that is given, else the kubeconfig's.
    pub(super) fn namespace(&self) -> String {
        let given = self.namespace.clone().filter(|namespace| !namespace.is_empty());
        given.or_else(|| self.cluster.namespace()).unwrap_or_else(|| "default".to_owned())
    }

    /// `repositories.yaml`
    pub(super) fn repositories_file(&self) -> PathBuf {
        self.repository_config.clone().unwrap_or_else(|| {
            own_folder("HELM_CONFIG_HOME", "XDG_CONFIG_HOME", ".config").join("repositories.yaml")
        })
    }

    /// The index of a repository, as Helm fetched it last.
    pub(super) fn cached_index(&self, repository: &str) -> PathBuf {
        let folder = self.repository_cache.clone().unwrap_or_else(|| cache().join("repository"));
        folder.join(if repository.is_empty() {
            "index.yaml".to_owned()
        } else {
            format!("{repository}-index.yaml")
        })
    }

    /// A chart that Helm fetched once, by the digest of its archive.
    pub(super) fn cached_chart(&self, digest: &str) -> PathBuf {
        let folder = self.content_cache.clone().unwrap_or_else(|| cache().join("content"));
        folder.join(digest.get(..2).unwrap_or_default()).join(format!("{digest}.chart"))
    }

    /// All places below one folder.
    #[cfg(test)]
    pub(super) fn below(folder: &std::path::Path) -> Settings {
        Settings {
            repository_config: Some(folder.join("repositories.yaml")),
            repository_cache: Some(folder.join("repository")),
            content_cache: Some(folder.join("content")),
            ..Settings::default()
        }
    }
}

fn cache() -> PathBuf {
    own_folder("HELM_CACHE_HOME", "XDG_CACHE_HOME", ".cache")
}

/// Helm's own variable names its folder, the general one the folder above it.
fn own_folder(own: &str, general: &str, below_home: &str) -> PathBuf {
    let named = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || named("HOME").unwrap_or_default().join(below_home);
    named(own).unwrap_or_else(|| named(general).unwrap_or_else(home).join("helm"))
}
