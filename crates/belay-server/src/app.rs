//! An app of either family, as the list shows it. Plain data that goes over the wire as it is.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use belay_manifest::ObjectKey;
use serde::{Deserialize, Serialize};

/// What an app is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AppKind {
    /// Argo CD's Application.
    #[serde(rename = "app")]
    Application,
    /// Flux's Kustomization.
    #[serde(rename = "ks")]
    Kustomization,
    /// Flux's HelmRelease.
    #[serde(rename = "hr")]
    HelmRelease,
}

impl AppKind {
    /// The short form in addresses and on the command line.
    pub fn short(self) -> &'static str {
        match self {
            AppKind::Application => "app",
            AppKind::Kustomization => "ks",
            AppKind::HelmRelease => "hr",
        }
    }

    /// API group and kind of the resource.
    pub fn group_and_kind(self) -> (&'static str, &'static str) {
        match self {
            AppKind::Application => ("argoproj.io", "Application"),
            AppKind::Kustomization => ("kustomize.toolkit.fluxcd.io", "Kustomization"),
            AppKind::HelmRelease => ("helm.toolkit.fluxcd.io", "HelmRelease"),
        }
    }

    /// Whose resource it is.
    pub fn family(self) -> Family {
        match self {
            AppKind::Application => Family::Argo,
            AppKind::Kustomization | AppKind::HelmRelease => Family::Flux,
        }
    }
}

/// A kind of app that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no kind of app: app, ks or hr")]
pub struct UnknownAppKind(String);

impl FromStr for AppKind {
    type Err = UnknownAppKind;

    fn from_str(text: &str) -> Result<AppKind, UnknownAppKind> {
        match text {
            "app" => Ok(AppKind::Application),
            "ks" => Ok(AppKind::Kustomization),
            "hr" => Ok(AppKind::HelmRelease),
            other => Err(UnknownAppKind(other.to_owned())),
        }
    }
}

/// Whose resource an app is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Argo CD.
    Argo,
    /// Flux.
    Flux,
}

impl Family {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Family::Argo => "argo",
            Family::Flux => "flux",
        }
    }
}

/// Which app.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AppRef {
    /// What it is written as.
    pub kind: AppKind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl AppRef {
    /// Its object.
    pub fn key(&self) -> ObjectKey {
        let (group, kind) = self.kind.group_and_kind();
        ObjectKey {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }
}

/// `app/argocd/web`.
impl fmt::Display for AppRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}/{}", self.kind.short(), self.namespace, self.name)
    }
}

/// Whether live equals desired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Sync {
    /// It does.
    Synced,
    /// It does not.
    OutOfSync,
    /// It cannot be told.
    Unknown,
}

impl Sync {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Sync::Synced => "Synced",
            Sync::OutOfSync => "OutOfSync",
            Sync::Unknown => "Unknown",
        }
    }
}

/// How well something is, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Health {
    /// It works.
    Healthy,
    /// It is paused on purpose.
    Suspended,
    /// It is on its way.
    Progressing,
    /// It is not in the cluster.
    Missing,
    /// It does not work.
    Degraded,
    /// It cannot be told.
    Unknown,
}

impl Health {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Health::Healthy => "Healthy",
            Health::Suspended => "Suspended",
            Health::Progressing => "Progressing",
            Health::Missing => "Missing",
            Health::Degraded => "Degraded",
            Health::Unknown => "Unknown",
        }
    }
}

impl From<belay_health::argo::Status> for Health {
    fn from(status: belay_health::argo::Status) -> Health {
        use belay_health::argo::Status;
        match status {
            Status::Healthy => Health::Healthy,
            Status::Suspended => Health::Suspended,
            Status::Progressing => Health::Progressing,
            Status::Missing => Health::Missing,
            Status::Degraded => Health::Degraded,
            Status::Unknown => Health::Unknown,
        }
    }
}

/// Where an app's manifests come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// URL of the repository, without credentials; or the name of the source resource if unresolved.
    pub repository: String,
    /// Folder or chart inside it.
    pub path: String,
    /// Branch, tag, commit or version that is asked for.
    pub target: String,
}

impl Source {
    /// As people may see it: a URL without its password.
    pub(crate) fn shown(mut self) -> Source {
        self.repository = crate::shown::text(&self.repository);
        self
    }
}

/// A commit, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revision {
    /// The full revision: a commit id, or a chart's version.
    pub id: String,
    /// First line of the commit's message, empty if unknown.
    pub subject: String,
    /// Who wrote it, empty if unknown.
    pub author: String,
    /// When (RFC 3339), empty if unknown.
    pub time: String,
}

/// One row of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppSummary {
    /// Which app.
    pub app: AppRef,
    /// Whose resource it is.
    pub family: Family,
    /// Argo CD's project, empty for Flux.
    pub project: String,
    /// Namespace that its objects go to, empty if each says its own.
    pub destination: String,
    /// Where its manifests come from.
    pub source: Source,
    /// What is in the cluster now.
    pub revision: Option<Revision>,
    /// Whether live equals desired.
    pub sync: Sync,
    /// How well it is.
    pub health: Health,
    /// What needs a person first, in one line; empty if nothing does.
    pub message: String,
    /// Number of fields that somebody changed in the cluster.
    pub drift: usize,
    /// Whether it is left alone.
    pub suspended: bool,
    /// Whether it is synced without being asked.
    pub automated: bool,
    /// The operation in flight, such as `Running` or `Deleting`; empty if none is.
    pub operation: String,
    /// Number of objects it manages.
    pub objects: usize,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// When it last changed (RFC 3339), empty if unknown.
    pub changed: String,
}
