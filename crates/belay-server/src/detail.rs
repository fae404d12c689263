//! One app and one resource of it, in full. Plain data that goes over the wire as it is.

use belay_ledger::Entry;
use belay_manifest::ObjectKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::{AppSummary, Health, Revision, Sync};

/// Everything the page of one app shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppDetail {
    /// Its row in the list.
    pub summary: AppSummary,
    /// How it stands, in a sentence.
    pub sentence: String,
    /// Its objects and what these own.
    pub tree: Tree,
    /// Past syncs, newest first.
    pub history: Vec<HistoryEntry>,
    /// What happened and what was decided, newest first.
    pub why: Vec<Reason>,
    /// What a person should know.
    pub conditions: Vec<Condition>,
    /// Fields that somebody changed in the cluster.
    pub drift: Vec<FieldDifference>,
}

/// The resource tree: what is managed, and below it what it owns.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tree {
    /// The app itself first.
    pub nodes: Vec<TreeNode>,
    /// From owner to owned, by node id.
    pub edges: Vec<Edge>,
    /// Old ReplicaSets that are not shown.
    pub folded: usize,
    /// Objects left out because the tree became too large.
    pub left_out: usize,
}

/// One object of the tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TreeNode {
    /// Unique within the tree.
    pub id: String,
    /// Which object.
    pub object: ObjectKey,
    /// Whether Git names it (not only an owner in the cluster).
    pub managed: bool,
    /// Whether live equals desired; none for objects that Git does not name.
    pub sync: Option<Sync>,
    /// How well it is; none for kinds without health.
    pub health: Option<Health>,
    /// Why.
    pub message: String,
    /// When it was created (RFC 3339), empty if it is missing.
    pub created: String,
    /// What tells it from its like: images, replicas, ready containers.
    pub info: Vec<String>,
}

/// From an owner to what it owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// Id of the owner.
    pub from: String,
    /// Id of the owned.
    pub to: String,
}

/// One past sync.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// What was deployed.
    pub revision: Revision,
    /// When (RFC 3339).
    pub time: String,
    /// How it ended, such as `Succeeded`.
    pub outcome: String,
    /// Who or what asked for it, empty if unknown.
    pub initiator: String,
}

/// Something that happened to the app, and what was decided. Values of Secrets are masked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// When (RFC 3339).
    pub time: String,
    /// What Git said then, empty if unknown.
    pub revision: String,
    /// What happened, in a sentence.
    pub cause: String,
    /// What was decided, and by which rule.
    pub decision: String,
}

impl From<Entry> for Reason {
    fn from(entry: Entry) -> Reason {
        Reason {
            time: entry.time.to_string(),
            revision: entry.revision,
            cause: entry.trigger.to_string(),
            decision: entry.decision.to_string(),
        }
    }
}

/// A condition of the app's resource.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Its type, in the family's own words.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`; empty for Argo CD, whose conditions are all problems.
    pub status: String,
    /// The reason, in the family's own words.
    pub reason: String,
    /// For people.
    pub message: String,
    /// Since when (RFC 3339).
    pub time: String,
    /// Whether it needs a look.
    pub problem: bool,
}

/// One field that is not as desired. Values of Secrets are masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldDifference {
    /// The object.
    pub object: ObjectKey,
    /// The field's path.
    pub path: String,
    /// What Git says; none when it does not name the field.
    pub desired: Option<Value>,
    /// What the cluster has; none when the field is missing there.
    pub live: Option<Value>,
    /// The field manager that set the live value, empty if unknown.
    pub manager: String,
    /// When that manager last changed the object (RFC 3339), empty if unknown.
    pub time: String,
    /// Who that was, as the API server's audit log says; empty where nobody tells.
    pub user: String,
}

/// Everything the page of one resource shows. Values of Secrets are masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceDetail {
    /// Its node in the tree.
    pub node: TreeNode,
    /// What Git says; none if Git does not name it or that is not known.
    pub desired: Option<Value>,
    /// What the cluster has; none if it is missing. Without `managedFields`.
    pub live: Option<Value>,
    /// The fields that differ.
    pub differences: Vec<FieldDifference>,
    /// Who writes to it, latest first.
    pub managers: Vec<Manager>,
    /// What owns it.
    pub owners: Vec<ObjectKey>,
    /// What happened to it, latest first.
    pub events: Vec<Event>,
    /// When others changed it and what was decided then, latest first.
    pub why: Vec<Reason>,
}

/// A field manager of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manager {
    /// Its name.
    pub name: String,
    /// `Apply` or `Update`.
    pub operation: String,
    /// The subresource it writes through, mostly empty.
    pub subresource: String,
    /// When it last changed a field (RFC 3339).
    pub time: String,
}

/// A Kubernetes Event about an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A word.
    pub reason: String,
    /// For people.
    pub message: String,
    /// Who told.
    pub source: String,
    /// How often.
    pub count: i64,
    /// When last (RFC 3339).
    pub time: String,
}
