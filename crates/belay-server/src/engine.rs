//! What the server needs of the rest of Belay.

use std::sync::Arc;

use belay_cluster::RunningLook;
use belay_manifest::{ObjectKey, Secret};
use belay_metrics::{Gauge, Metrics};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::action::{Accepted, ActError, Action, Preview};
use crate::app::{AppRef, AppSummary};
use crate::audit::Audited;
use crate::detail::{AppDetail, ResourceDetail};

/// The apps of one cluster: looked at from memory, changed through the API server.
pub trait Engine: Send + Sync + 'static {
    /// All apps, in any order. Must not ask anybody.
    fn apps(&self) -> Vec<Arc<AppSummary>>;

    /// One app's row. Must not ask anybody.
    fn summary(&self, app: &AppRef) -> Option<Arc<AppSummary>>;

    /// One app in full.
    fn app(&self, app: &AppRef) -> Option<AppDetail>;

    /// One object of an app in full. Secrets come masked.
    fn resource<'a>(
        &'a self,
        app: &'a AppRef,
        object: &'a ObjectKey,
    ) -> BoxFuture<'a, Option<ResourceDetail>>;

    /// What an action would do.
    fn preview(&self, app: &AppRef, action: &Action) -> Result<Preview, ActError>;

    /// Does it, or starts it.
    fn act<'a>(&'a self, app: &'a AppRef, action: &'a Action) -> BoxFuture<'a, Result<Accepted, ActError>>;

    /// Names each app of which something changed: its row, its tree, or that it exists.
    fn subscribe(&self) -> broadcast::Receiver<AppRef>;

    /// Somebody says that a repository has changed: whoever uses it looks again, soon. Must not ask anybody; unknown
    /// repositories are no fault.
    fn repository_changed(&self, push: &Push) -> Result<(), TooManyPushes>;

    /// What webhooks must be signed with.
    fn webhook_secrets(&self) -> BoxFuture<'_, Result<WebhookSecrets, SecretsUnknown>>;

    /// What whoever tells of changes has to show; nothing where nobody is to tell.
    fn audit_token(&self) -> Option<Secret<String>> {
        None
    }

    /// Takes in who changed what.
    fn audited(&self, changes: Vec<Audited>) {
        drop(changes);
    }

    /// Everything that is counted, with these gauges, in Prometheus' text format.
    fn metrics(&self, more: Vec<Gauge>) -> String {
        Metrics::new().text(&more)
    }

    /// What is worked on now; nothing where that is not to be shown.
    fn looks(&self) -> Option<Vec<RunningLook>> {
        None
    }

    /// Whether what the server shows is the cluster's state.
    fn readiness(&self) -> Readiness;
}

/// A repository has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Push {
    /// URLs under which the repository is known.
    pub repositories: Vec<String>,
    /// The reference that moved, such as `refs/heads/main`; empty if the sender did not say.
    pub reference: String,
    /// The commit at which the reference is now; empty if the sender did not say.
    pub commit: String,
}

/// More is said to have changed than is remembered at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many repositories are said to have changed at once")]
pub struct TooManyPushes;

/// What webhooks must be signed with; without a secret, unsigned ones are taken.
#[derive(Debug, Clone, Default)]
pub struct WebhookSecrets {
    /// GitHub's.
    pub github: Option<Secret<String>>,
    /// GitLab's.
    pub gitlab: Option<Secret<String>>,
}

/// The secrets of webhooks cannot be read, so none can be checked.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the secrets of webhooks cannot be read: {0}")]
pub struct SecretsUnknown(pub String);

/// Whether the server's picture is the cluster's state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// Whether all watches had their first list.
    pub ready: bool,
    /// What is waited for.
    pub waiting_for: Vec<String>,
}
