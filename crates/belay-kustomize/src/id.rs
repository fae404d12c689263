//! Names of objects: group, version, kind, namespace, name.

use std::collections::HashSet;
use std::fmt;
use std::sync::OnceLock;

use serde::Deserialize;

/// The namespace of objects that live in none.
const NO_NAMESPACE: &str = "_non_namespaceable_";

/// Group, version and kind. Where it selects, an empty part selects all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Gvk {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
}

impl Gvk {
    pub(crate) fn of(api_version: &str, kind: &str) -> Gvk {
        let (group, version) = split_api_version(api_version);
        Gvk { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
    }

    /// Whether every part that `selector` names is this one's.
    pub(crate) fn is_selected(&self, selector: &Gvk) -> bool {
        (selector.group.is_empty() || selector.group == self.group)
            && (selector.version.is_empty() || selector.version == self.version)
            && (selector.kind.is_empty() || selector.kind == self.kind)
    }

    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    pub(crate) fn is_cluster_scoped(&self) -> bool {
        is_cluster_scoped(&self.api_version(), &self.kind)
    }
}

impl fmt::Display for Gvk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
        write!(
            formatter,
            "{}.{}.{}",
            or(&self.kind, "[noKind]"),
            or(&self.version, "[noVer]"),
            or(&self.group, "[noGrp]")
        )
    }
}

/// `apps/v1` is group `apps`, version `v1`; `v1` has no group.
pub(crate) fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// Whether the kind is one of those known to live outside of namespaces.
pub(crate) fn is_cluster_scoped(api_version: &str, kind: &str) -> bool {
    static KINDS: OnceLock<HashSet<(&str, &str)>> = OnceLock::new();
    let kinds = KINDS.get_or_init(|| {
        let table = include_str!("../data/cluster_scoped.txt");
        table.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' ')).collect()
    });
    kinds.contains(&(api_version, kind))
}

/// Which object: two ids are equal when they name the same object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ResourceId {
    pub(crate) gvk: Gvk,
    pub(crate) name: String,
    /// As it counts: `default` for none, and a name of its own for objects outside of namespaces.
    pub(crate) namespace: String,
}

impl ResourceId {
    pub(crate) fn new(gvk: Gvk, name: &str, namespace: &str) -> ResourceId {
        let is_cluster_scoped = gvk.is_cluster_scoped();
        ResourceId::scoped(gvk, name, namespace, is_cluster_scoped)
    }

    pub(crate) fn scoped(gvk: Gvk, name: &str, namespace: &str, is_cluster_scoped: bool) -> ResourceId {
        let namespace = effective_namespace(is_cluster_scoped, namespace);
        ResourceId { gvk, name: name.to_owned(), namespace }
    }

    pub(crate) fn is_cluster_scoped(&self) -> bool {
        self.namespace == NO_NAMESPACE
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespace = if self.is_cluster_scoped() { "[noNs]" } else { &self.namespace };
        write!(formatter, "{}/{}.{}", self.gvk, self.name, namespace)
    }
}

fn effective_namespace(cluster_scoped: bool, namespace: &str) -> String {
    match namespace {
        _ if cluster_scoped => NO_NAMESPACE.to_owned(),
        "" => "default".to_owned(),
        name => name.to_owned(),
    }
}

/// Where a transformer looks: kinds and a path of fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FieldSpec {
    /// Only objects of this group; empty for all.
    pub group: String,
    /// Only objects of this version; empty for all.
    pub version: String,
    /// Only objects of this kind; empty for all.
    pub kind: String,
    /// Fields from the top, parted by `/`; lists are walked through.
    pub path: String,
    /// Whether a missing field is made.
    pub create: bool,
}

impl FieldSpec {
    pub(crate) fn gvk(&self) -> Gvk {
        Gvk { group: self.group.clone(), version: self.version.clone(), kind: self.kind.clone() }
    }

    /// Whether this place lies on objects of that kind.
    pub(crate) fn selects(&self, gvk: &Gvk) -> bool {
        (self.kind.is_empty() || self.kind == gvk.kind)
            && (self.group.is_empty() || self.group == gvk.group)
            && (self.version.is_empty() || self.version == gvk.version)
    }
}
