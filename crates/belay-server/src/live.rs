//! The engine over a live cluster: Argo CD's and Flux's resources, read from watches.
//!
//! An index in memory holds a row for each app; a change of an app's resource, of one of its
//! objects or of what these own makes that row anew.

mod act;
mod argo;
mod differences;
mod engine;
mod flux;
mod index;
mod measures;
mod pushes;
mod resource;
mod tree;

use std::sync::Arc;

use belay_cluster::RunningLook;
use belay_ledger::{AuditedChange, Entry, Standing};
use belay_manifest::{Object, ObjectKey, Secret};
use belay_metrics::{ClusterState, Metrics};
use jiff::Timestamp;

use crate::app::{AppKind, AppRef, AppSummary, Revision};

pub use engine::LiveEngine;

/// What Git says and why it was or was not done, from the controllers. Must answer from memory.
pub trait DesiredState: Send + Sync + 'static {
    /// The object as the app's sources render it; none if they do not, or if it is not known.
    fn desired(&self, app: &AppRef, object: &ObjectKey) -> Option<Object>;

    /// Subject, author and time of a commit of a repository, if it is known.
    fn commit(&self, repository: &str, commit: &str) -> Option<Revision> {
        let _ = (repository, commit);
        None
    }

    /// Annotations of Secrets that nobody is to see.
    fn hidden_annotations(&self) -> Vec<String> {
        Vec::new()
    }

    /// When an app was synced last, and why it is left if it is.
    fn standing(&self, app: &AppRef) -> Standing {
        let _ = app;
        Standing::default()
    }

    /// Since when the oldest field is changed that somebody changed in the cluster and that differs now.
    fn drifts_since(&self, app: &AppRef) -> Option<Timestamp> {
        let _ = app;
        None
    }

    /// The URL of the cluster that an app deploys to, if it is known.
    fn server(&self, app: &AppRef) -> Option<String> {
        let _ = app;
        None
    }

    /// A repository's URL as Argo CD compares URLs.
    fn repository(&self, url: &str) -> String {
        url.to_owned()
    }

    /// The clusters that are known.
    fn clusters(&self) -> Vec<ClusterState> {
        Vec::new()
    }

    /// Makes these look again at once, and ask their repositories anew. `false` if whoever works on them may be another
    /// process, which has to be asked through the API server.
    fn look_again(&self, readers: &[Reader]) -> bool {
        let _ = readers;
        false
    }

    /// Where it is counted what happens.
    fn metrics(&self) -> Metrics {
        Metrics::new()
    }

    /// What whoever tells of changes has to show; nothing where nobody is to tell.
    fn audit_token(&self) -> Option<Secret<String>> {
        None
    }

    /// Takes in who changed what.
    fn audited(&self, changes: Vec<AuditedChange>) {
        drop(changes);
    }

    /// Who changed an object by a field manager at a time (RFC 3339); nothing where nobody has told.
    fn author(&self, object: &ObjectKey, manager: &str, time: &str) -> Option<String> {
        let _ = (object, manager, time);
        None
    }

    /// What is worked on now, for who may see that.
    fn looks(&self) -> Option<Vec<RunningLook>> {
        None
    }

    /// What happened to an app and why, oldest first.
    fn past(&self, app: &AppRef) -> Vec<Entry> {
        let _ = app;
        Vec::new()
    }
}

/// An Application or a GitRepository, and a repository that it reads from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// The resource.
    pub object: ObjectKey,
    /// The URL as it is written there.
    pub repository: String,
}

/// Nothing is known of what Git says.
#[derive(Debug, Clone, Copy, Default)]
pub struct NothingDesired;

impl DesiredState for NothingDesired {
    fn desired(&self, _: &AppRef, _: &ObjectKey) -> Option<Object> {
        None
    }
}

/// Where the families' settings live.
#[derive(Debug, Clone)]
pub struct LiveSettings {
    /// The namespace of `argocd-secret`.
    pub argocd_namespace: String,
    /// Whether Argo CD's resources are looked at.
    pub argo: bool,
    /// Whether Flux's resources are looked at.
    pub flux: bool,
}

/// The row of an app as its resource and its source tell it, without a look at its objects; none for
/// objects that are no app.
pub fn summary(object: &Object, source: Option<&Object>) -> Option<AppSummary> {
    Some(match index::app_of(&object.key())?.kind {
        AppKind::Application => argo::summary(&NothingDesired, object),
        kind => flux::summary(&NothingDesired, kind, object, source),
    })
}

/// The source that a Flux app reads from.
pub fn source_of(object: &Object) -> Option<ObjectKey> {
    match index::app_of(&object.key())?.kind {
        AppKind::Application => None,
        kind => flux::source_key(kind, object),
    }
}

/// What the parts of the engine share.
#[derive(Clone)]
pub(crate) struct Sight {
    pub(crate) live: belay_cluster::LiveState,
    pub(crate) desired: Arc<dyn DesiredState>,
}
