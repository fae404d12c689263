//! A scenario file: what it says.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;
use serde_json::Value;

/// One file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// What it shows, for people.
    #[serde(rename = "scenario")]
    _title: String,
    /// `belay` when an engine has to work for it, empty when it is about the API alone.
    #[serde(default)]
    pub(crate) engine: String,
    /// The steps, in order.
    pub(crate) steps: Vec<Step>,
}

/// One step; exactly one field is set.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Step {
    /// A commit in the scenario's repository.
    Commit(Commit),
    /// Revert the newest commit.
    Revert {},
    /// Create or change objects as `kubectl apply --server-side` does.
    Apply(Vec<Value>),
    /// Create one object; `error` holds when it must fail.
    Create(Create),
    /// Change one object.
    Patch(Patch),
    /// Delete one object.
    Delete(Target),
    /// Wait until the object is as said.
    Expect(Expectation),
    /// Wait until the object is gone.
    Absent(Target),
    /// Watch that the object stays as said for a while.
    Stays(Stays),
}

/// A commit.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Commit {
    /// Files to write, by path.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    /// Files to take away.
    #[serde(default)]
    pub(crate) delete: Vec<String>,
    /// The message.
    pub(crate) message: String,
}

/// Which object.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Target {
    /// `apps/v1 Deployment namespace/name`, or `v1 Namespace name`.
    pub(crate) object: String,
    /// Most seconds to wait.
    #[serde(default = "patience")]
    pub(crate) within: f64,
}

fn patience() -> f64 {
    20.0
}

/// A create, with what the answer must say when it fails.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    /// The object.
    pub(crate) body: Value,
    /// A text that the error must hold; empty means it must succeed.
    #[serde(default)]
    pub(crate) error: String,
}

/// A patch by somebody.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Patch {
    /// Which object.
    pub(crate) object: String,
    /// `merge`, `strategic`, `json` or `apply`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The field manager.
    #[serde(default)]
    pub(crate) manager: String,
    /// Whether an apply takes fields over.
    #[serde(default)]
    pub(crate) force: bool,
    /// The patch.
    pub(crate) body: Value,
    /// A text that the error must hold; empty means it must succeed.
    #[serde(default)]
    pub(crate) error: String,
}

/// What an object must come to be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectation {
    /// Which object.
    pub(crate) object: String,
    /// Fields that must be there with these values. A list must hold the items, in any order. A
    /// text `~word` must be contained.
    #[serde(default)]
    pub(crate) holds: Value,
    /// JSON pointers of fields that must be absent.
    #[serde(default)]
    pub(crate) lacks: Vec<String>,
    /// Most seconds to wait.
    #[serde(default = "patience")]
    pub(crate) within: f64,
}

/// What an object must keep being.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stays {
    /// Which object.
    pub(crate) object: String,
    /// As in an expectation.
    pub(crate) holds: Value,
    /// For how many seconds.
    #[serde(rename = "for")]
    pub(crate) seconds: f64,
}

/// Reads a file.
pub(crate) fn read(file: &Path) -> anyhow::Result<Scenario> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let value = belay_goyaml::to_json_strict(&text).with_context(|| file.display().to_string())?;
    serde_json::from_value(value).with_context(|| file.display().to_string())
}
