//! `resource.exclusions` and `resource.inclusions`: which kinds there are for us.

use belay_filetree::Glob;
use belay_goyaml::Node;

use super::document::Key;
use super::error::SettingsError;

/// Kinds that change all the time and that nobody manages.
const ALWAYS_EXCLUDED: [(&str, Option<&str>); 4] = [
    ("events.k8s.io", None),
    ("metrics.k8s.io", None),
    ("", Some("Event")),
    ("coordination.k8s.io", Some("Lease")),
];

/// Which kinds are watched, compared and pruned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceFilter {
    pub(super) exclusions: Vec<FilteredResource>,
    pub(super) inclusions: Vec<FilteredResource>,
}

/// One entry: an empty list stands for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FilteredResource {
    groups: Vec<String>,
    kinds: Vec<String>,
    clusters: Vec<String>,
}

impl ResourceFilter {
    /// Whether a kind does not exist for us in the cluster of this URL. Exclusions come before inclusions; where there
    /// are inclusions for the cluster, all else is excluded.
    pub fn is_excluded(&self, group: &str, kind: &str, cluster: &str) -> bool {
        let always = ALWAYS_EXCLUDED
            .iter()
            .any(|(excluded, only)| *excluded == group && only.is_none_or(|only| only == kind));
        let names = |entry: &&FilteredResource| entry.matches(group, kind, cluster);
        if always || self.exclusions.iter().any(|entry| names(&entry)) {
            return true;
        }
        let mut here = self.inclusions.iter().filter(|entry| entry.is_for(cluster)).peekable();
        here.peek().is_some() && !here.any(|entry| names(&entry))
    }
}

impl FilteredResource {
    fn matches(&self, group: &str, kind: &str, cluster: &str) -> bool {
        let kinds = self.kinds.is_empty() || self.kinds.iter().any(|own| own == "*" || own == kind);
        kinds && any_glob(&self.groups, group) && self.is_for(cluster)
    }

    fn is_for(&self, cluster: &str) -> bool {
        any_glob(&self.clusters, cluster)
    }
}

fn any_glob(patterns: &[String], text: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| glob_matches(pattern, text))
}

/// Whether a pattern covers the whole text; one that is not well formed covers nothing.
pub(super) fn glob_matches(pattern: &str, text: &str) -> bool {
    pattern == text || Glob::compile(pattern).is_ok_and(|glob| glob.is_match(text))
}

pub(super) fn read(key: &Key<'_>, text: &str) -> Result<Vec<FilteredResource>, SettingsError> {
    let Some(root) = key.parse(text)? else { return Ok(Vec::new()) };
    key.list("the value", &root)?.iter().map(|item| entry(key, item)).collect()
}

fn entry(key: &Key<'_>, node: &Node) -> Result<FilteredResource, SettingsError> {
    let mut entry = FilteredResource::default();
    for (name, value) in key.fields("an entry", node, &["apiGroups", "kinds", "clusters"])? {
        let texts = key.texts(name, value)?;
        match name {
            "apiGroups" => entry.groups = texts,
            "kinds" => entry.kinds = texts,
            _ => entry.clusters = texts,
        }
    }
    Ok(entry)
}
