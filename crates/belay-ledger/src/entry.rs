//! One line of the ledger.

use std::fmt;

use belay_diff::Drift;
use belay_manifest::ObjectKey;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Most drifted fields that one entry names.
const MOST_FIELDS: usize = 50;
/// Most files of a commit that one entry names.
const MOST_FILES: usize = 50;

/// What happened to an app, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was decided.
    pub time: Timestamp,
    /// The app: `app/NAMESPACE/NAME`, `ks/…`, `hr/…`.
    pub app: String,
    /// What Git says: a commit's id or Flux's form of a revision; empty when it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub revision: String,
    /// Why the app was looked at.
    pub trigger: Trigger,
    /// What came of it.
    pub decision: Decision,
}

/// Why something was to be decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Trigger {
    /// Git says something else than when the app was synced last.
    Commit {
        /// The first line of the commit's message.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        subject: String,
        /// `Name <address>`
        #[serde(default, skip_serializing_if = "String::is_empty")]
        author: String,
        /// The files that the app reads and that differ; empty when that is not known.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        files: Vec<String>,
    },
    /// Somebody changed the cluster.
    Drift {
        /// What they changed; values of Secrets are masked.
        fields: Vec<Drift>,
    },
    /// A person asked, through the resource or a command.
    User {
        /// Who, as the request says; empty when it does not.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        name: String,
    },
    /// The app is not as its own resource says, which Git does not tell.
    State {
        /// What differs, in a few words.
        what: String,
    },
    /// The time of another try has come.
    Timer,
    /// Nothing of these: a webhook, an interval, the app's own resource.
    Look,
    /// Another app has to be ready first.
    Dependency,
    /// What was begun went on.
    Operation,
}

impl Trigger {
    /// Whether it is somebody's change of this object.
    pub fn is_about(&self, object: &ObjectKey) -> bool {
        matches!(self, Trigger::Drift { fields } if fields.iter().any(|field| field.object == *object))
    }
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "camelCase")]
pub enum Decision {
    /// The cluster is made equal to Git.
    Sync {
        /// What allows it: `automated policy`, `self-heal`, `on request`.
        by: String,
    },
    /// Something differs, and is left.
    Leave {
        /// The rule that says so.
        rule: Rule,
        /// In a sentence.
        message: String,
    },
    /// What was begun has ended.
    Finish {
        /// `Succeeded`, `Failed` or `Error`.
        phase: String,
        /// In a sentence.
        message: String,
    },
}

/// Why a difference is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Rule {
    /// The app's sync policy.
    Policy,
    /// A sync window.
    Window,
    /// The last try failed, and nothing has changed since.
    Failure,
    /// It was tried just now.
    Backoff,
    /// Somebody changes it back each time.
    Contest,
    /// Another app is not ready.
    Dependency,
    /// Git cannot be read or rendered.
    Source,
    /// Its resource says that it is to be left alone.
    Hold,
}

impl Entry {
    /// Whether it tells the same as an earlier one, but for the time.
    pub(crate) fn repeats(&self, earlier: &Entry) -> bool {
        self.revision == earlier.revision
            && self.trigger == earlier.trigger
            && self.decision == earlier.decision
    }

    /// Whether another one is the same, told again with more known of it.
    pub(crate) fn is_amended_by(&self, later: &Entry) -> bool {
        let is_drift =
            matches!((&self.trigger, &later.trigger), (Trigger::Drift { .. }, Trigger::Drift { .. }));
        is_drift && self.time == later.time && self.decision == later.decision
    }

    /// Holds what it names to a bound.
    pub(crate) fn cut(mut self) -> Entry {
        match &mut self.trigger {
            Trigger::Commit { files, .. } => files.truncate(MOST_FILES),
            Trigger::Drift { fields } => fields.truncate(MOST_FIELDS),
            Trigger::User { .. }
            | Trigger::State { .. }
            | Trigger::Timer
            | Trigger::Look
            | Trigger::Dependency
            | Trigger::Operation => {}
        }
        self
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trigger::Commit { subject, author, files, .. } => {
                formatter.write_str("commit")?;
                if !subject.is_empty() {
                    write!(formatter, " {subject:?}")?;
                }
                if !author.is_empty() {
                    write!(formatter, " by {author}")?;
                }
                if files.is_empty() { Ok(()) } else { write!(formatter, ": {}", files.join(", ")) }
            }
            Trigger::Drift { fields } => {
                formatter.write_str("drift")?;
                let mut separator = ": ";
                for field in fields {
                    write!(formatter, "{separator}{field}")?;
                    separator = "; ";
                }
                Ok(())
            }
            Trigger::User { name } if name.is_empty() => formatter.write_str("asked for"),
            Trigger::User { name } => write!(formatter, "asked for by {name}"),
            Trigger::State { what } => formatter.write_str(what),
            Trigger::Timer => formatter.write_str("timer"),
            Trigger::Look => formatter.write_str("a look"),
            Trigger::Dependency => formatter.write_str("dependency"),
            Trigger::Operation => formatter.write_str("operation"),
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Decision::Sync { by } => write!(formatter, "synced: {by}"),
            Decision::Leave { rule, message } => write!(formatter, "left ({rule}): {message}"),
            Decision::Finish { phase, message } if message.is_empty() => formatter.write_str(phase),
            Decision::Finish { phase, message } => write!(formatter, "{phase}: {message}"),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Rule::Policy => "policy",
            Rule::Window => "sync window",
            Rule::Failure => "last try failed",
            Rule::Backoff => "back-off",
            Rule::Contest => "contested",
            Rule::Dependency => "dependency",
            Rule::Source => "source",
            Rule::Hold => "hold",
        })
    }
}
