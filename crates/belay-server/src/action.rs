//! What a person can ask of an app.

use serde::{Deserialize, Serialize};

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Action {
    /// Make the cluster equal to Git.
    Sync {
        /// Delete what Git no longer names.
        #[serde(default)]
        prune: bool,
        /// Ask the API server, change nothing.
        #[serde(default)]
        dry_run: bool,
    },
    /// Look at Git and the cluster again.
    Refresh,
    /// Leave the app alone, or stop leaving it alone.
    Suspend {
        /// Whether to leave it alone.
        suspend: bool,
    },
}

/// What an action would do, said before it is done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// The effect in a sentence.
    pub effect: String,
    /// What happens object by object, or what else to know.
    pub steps: Vec<String>,
    /// Whether something is deleted or overwritten.
    pub destructive: bool,
    /// Why it cannot be done now; empty if it can.
    pub refused: String,
}

/// What was asked for was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// What happens now, in a sentence.
    pub message: String,
}

/// Why an action was not done.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// There is no such app.
    #[error("there is no app {0}")]
    NotFound(String),
    /// It makes no sense for this app now.
    #[error("{0}")]
    Refused(String),
    /// The API server did not take it.
    #[error("the API server did not take the change of {app}")]
    Write {
        /// The app.
        app: String,
        /// What it said.
        #[source]
        source: kube::Error,
    },
}
