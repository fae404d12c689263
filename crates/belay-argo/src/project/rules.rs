//! What a project allows, decided by its spec alone.

use belay_argo_api::{
    AppProjectSpec, ApplicationDestination, ClusterResourceRestriction, DestinationServiceAccount, GroupKind,
    OrphanedResources, SyncWindow,
};
use belay_cluster::Scope;
use belay_filetree::{Glob, path_match};

use super::repository::{RepositoryPattern, normalised};

/// A project with everything that global projects add to it, ready to decide.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    /// Its name.
    pub(crate) name: String,
    /// When syncs are allowed.
    pub(crate) windows: Vec<SyncWindow>,
    /// Whom syncs act as.
    pub(crate) accounts: Vec<DestinationServiceAccount>,
    /// Whether objects of nobody are told of.
    pub(crate) orphaned: Option<OrphanedResources>,
    /// Whether no cluster counts but the project's own.
    only_own_clusters: bool,
    repositories: Vec<RepositoryPattern>,
    destinations: Vec<DestinationPattern>,
    source_namespaces: Vec<String>,
    cluster_allowed: Vec<ClusterResourceRestriction>,
    cluster_denied: Vec<ClusterResourceRestriction>,
    namespaced_allowed: Option<Vec<GroupKind>>,
    namespaced_denied: Vec<GroupKind>,
}

/// A cluster, as an app's destination means it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cluster {
    /// The URL of its API.
    pub(crate) server: String,
    /// Its name.
    pub(crate) name: String,
    /// The project that it is for; empty for all.
    pub(crate) project: String,
}

/// What Secrets give to one project alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Scoped {
    /// The URLs of its repositories.
    pub(crate) repositories: Vec<String>,
    /// The servers of its clusters, with the namespaces; all when empty.
    pub(crate) clusters: Vec<(String, Vec<String>)>,
}

impl Project {
    /// From a spec in which everything is merged already.
    pub(crate) fn new(name: &str, spec: &AppProjectSpec) -> Project {
        Project {
            name: name.to_owned(),
            windows: spec.sync_windows.clone(),
            accounts: spec.destination_service_accounts.clone(),
            orphaned: spec.orphaned_resources.clone(),
            only_own_clusters: spec.permit_only_project_scoped_clusters,
            repositories: spec.source_repos.iter().map(|entry| RepositoryPattern::new(entry)).collect(),
            destinations: spec.destinations.iter().map(DestinationPattern::new).collect(),
            source_namespaces: spec.source_namespaces.clone(),
            cluster_allowed: spec.cluster_resource_whitelist.clone(),
            cluster_denied: spec.cluster_resource_blacklist.clone(),
            namespaced_allowed: spec.namespace_resource_whitelist.clone(),
            namespaced_denied: spec.namespace_resource_blacklist.clone(),
        }
    }

    /// The same, with what Secrets give to it alone.
    pub(crate) fn with(&self, scoped: &Scoped) -> Project {
        let mut project = self.clone();
        project.repositories.extend(scoped.repositories.iter().map(|url| RepositoryPattern::new(url)));
        for (server, namespaces) in &scoped.clusters {
            let all = ["*".to_owned()];
            let namespaces = if namespaces.is_empty() { all.as_slice() } else { namespaces };
            project.destinations.extend(namespaces.iter().map(|namespace| {
                DestinationPattern::new(&ApplicationDestination {
                    server: server.clone(),
                    namespace: namespace.clone(),
                    ..ApplicationDestination::default()
                })
            }));
        }
        project
    }

    /// Whether apps may take files from this repository. Any denial that names it comes before what allows it; a
    /// denial that does not name it allows it.
    pub(crate) fn permits_repository(&self, url: &str) -> bool {
        let url = normalised(url);
        let is_denied = self.repositories.iter().any(|entry| entry.denies && entry.names(&url));
        !is_denied && self.repositories.iter().any(|entry| entry.denies || entry.names(&url))
    }

    /// Whether apps may deploy to this namespace of this cluster.
    pub(crate) fn permits_destination(&self, cluster: &Cluster, namespace: &str) -> bool {
        if self.only_own_clusters && cluster.project != self.name {
            return false;
        }
        let mut is_permitted = false;
        for entry in &self.destinations {
            let name = !cluster.name.is_empty() && entry.name.matches(&cluster.name);
            let server = !cluster.server.is_empty() && entry.server.matches(&cluster.server);
            let namespace = entry.namespace.matches(namespace);
            if (server || name) && namespace {
                is_permitted = true;
            } else if (!name && entry.name.denies)
                || (!server && entry.server.denies && namespace)
                || (!namespace && entry.namespace.denies && server)
            {
                return false;
            }
        }
        is_permitted
    }

    /// Whether apps may have such an object at all.
    pub(crate) fn permits_kind(&self, group: &str, kind: &str, name: &str, scope: Scope) -> bool {
        match scope {
            Scope::Namespaced => {
                let is_in = |list: &[GroupKind]| list.iter().any(|item| is_kind(item, group, kind));
                self.namespaced_allowed.as_deref().is_none_or(is_in) && !is_in(&self.namespaced_denied)
            }
            Scope::Cluster => {
                let is_in = |list: &[ClusterResourceRestriction]| {
                    list.iter().any(|item| {
                        matches_path(&item.kind, kind)
                            && matches_path(&item.group, group)
                            && (item.name.is_empty() || matches_path(&item.name, name))
                    })
                };
                is_in(&self.cluster_allowed) && !is_in(&self.cluster_denied)
            }
        }
    }

    /// Whether Applications of this namespace may belong to the project. Those of the control plane always may.
    pub(crate) fn permits_app_namespace(&self, namespace: &str, control_plane: &str) -> bool {
        namespace == control_plane || is_named(&self.source_namespaces, namespace)
    }
}

/// Whether a list of names, globs and `/expressions/` names this text.
pub(crate) fn is_named(list: &[String], text: &str) -> bool {
    list.iter().any(|entry| {
        let expression = entry.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
        let by_expression = expression.and_then(|expression| {
            regex::RegexBuilder::new(expression).size_limit(LARGEST_EXPRESSION).build().ok()
        });
        by_expression.is_some_and(|expression| expression.is_match(text))
            || Glob::compile(entry).is_ok_and(|glob| glob.is_match(text))
    })
}

/// Largest compiled expression, in bytes.
const LARGEST_EXPRESSION: usize = 1 << 20;

fn is_kind(item: &GroupKind, group: &str, kind: &str) -> bool {
    matches_path(&item.kind, kind) && matches_path(&item.group, group)
}

fn matches_path(pattern: &str, text: &str) -> bool {
    path_match(pattern, text).unwrap_or(false)
}

/// One entry of `destinations`.
#[derive(Debug, Clone)]
struct DestinationPattern {
    server: TextPattern,
    name: TextPattern,
    namespace: TextPattern,
}

impl DestinationPattern {
    fn new(entry: &ApplicationDestination) -> DestinationPattern {
        DestinationPattern {
            server: TextPattern::new(&entry.server),
            name: TextPattern::new(&entry.name),
            namespace: TextPattern::new(&entry.namespace),
        }
    }
}

/// A glob that may be turned round by a `!`.
#[derive(Debug, Clone)]
struct TextPattern {
    denies: bool,
    anything: bool,
    glob: Option<Glob>,
}

impl TextPattern {
    fn new(entry: &str) -> TextPattern {
        let (denies, pattern) = entry.strip_prefix('!').map_or((false, entry), |rest| (true, rest));
        TextPattern { denies, anything: entry == "*", glob: Glob::compile(pattern).ok() }
    }

    fn matches(&self, text: &str) -> bool {
        match &self.glob {
            _ if self.anything => true,
            Some(glob) => glob.is_match(text) != self.denies,
            // What is no pattern allows nothing.
            None => false,
        }
    }
}

#[cfg(test)]
mod tests;
