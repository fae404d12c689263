//! A scenario file: what it says.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::gate::GateMode;
use crate::webhooks::{Asked, Says};

/// One file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// What it shows, for people.
    #[serde(rename = "scenario")]
    _title: String,
    /// `belay` is short for `requires: [belay]`.
    #[serde(default)]
    engine: String,
    /// What must be there: `belay`, `argocd` or `flux` (who works for it), `controller-manager`,
    /// `workloads` (Pods that run). `kubectl` and `helm` go without saying where a step runs them.
    #[serde(default)]
    requires: Vec<String>,
    /// Runs after all others and beside none: it changes what all of them share.
    #[serde(default)]
    pub(crate) alone: bool,
    /// The steps, in order.
    pub(crate) steps: Vec<Step>,
}

impl Scenario {
    /// Everything that must be there.
    pub(crate) fn requirements(&self) -> impl Iterator<Item = &str> {
        let engine = (!self.engine.is_empty()).then_some(self.engine.as_str());
        let of_steps = self.steps.iter().filter_map(|step| -> Option<&str> { step.action.requirement() });
        self.requires.iter().map(String::as_str).chain(engine).chain(of_steps)
    }
}

/// One step: an action, and who meets it.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub(crate) struct Step {
    /// Its name in the file, for reports.
    pub(crate) name: String,
    /// `belay` when only Belay behaves so; the originals leave the step out.
    pub(crate) only: Option<String>,
    /// What to do.
    pub(crate) action: Action,
}

impl TryFrom<Value> for Step {
    type Error = String;

    fn try_from(value: Value) -> Result<Step, String> {
        Step::read(value).map_err(|error| format!("{error:#}"))
    }
}

impl Step {
    fn read(mut value: Value) -> anyhow::Result<Step> {
        let fields = value.as_object_mut().context("a step is a map with one action")?;
        let only = match fields.shift_remove("only") {
            None => None,
            Some(Value::String(who)) => Some(who),
            Some(other) => bail!("`only` is a word, not {other}"),
        };
        let names: Vec<String> = fields.keys().cloned().collect();
        let [name] = &names[..] else { bail!("a step has one action, not {names:?}") };
        ensure!(only.as_deref().is_none_or(|who| who == "belay"), "`only` is `belay` or left out");
        let action = serde_json::from_value(value).with_context(|| name.clone())?;
        Ok(Step { name: name.clone(), only, action })
    }
}

/// What a step does.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Action {
    /// A commit in the scenario's repository.
    Commit(Commit),
    /// Revert the newest commit.
    Revert {},
    /// Point a tag or a branch at a commit.
    Reference(Reference),
    /// From now on the repository's server fails in this way.
    Fault(FaultKind),
    /// From now on `$CLUSTER`, the scenario's own way to the API server, is `up`, `down` or hangs.
    Cluster(GateMode),
    /// From now on the webhook at `$WEBHOOKS/PATH` says this.
    Webhook(Says),
    /// Wait until a webhook was asked so often.
    Asked(Asked),
    /// Create or change objects as `kubectl apply --server-side` does.
    Apply(Vec<Value>),
    /// Create one object; `error` holds when it must fail.
    Create(Create),
    /// Change one object.
    Patch(Patch),
    /// Delete one object.
    Delete(Delete),
    /// Wait until the object is as said.
    Expect(Expectation),
    /// Wait until the object is gone.
    Absent(Target),
    /// Watch that the object stays as said for a while.
    Stays(Stays),
    /// Wait until an Event about an object is there.
    Event(Event),
    /// Run kubectl.
    Kubectl(CommandLine),
    /// Run helm.
    Helm(CommandLine),
    /// Send one request to the API server with the kubeconfig's credentials.
    Request(Request),
}

/// What scenarios require whose Git server misbehaves: that it is the runner's own.
pub(crate) const GIT_FAULTS: &str = "git-faults";

impl Action {
    /// What has to be there for it: a program, or a Git server that can be made to misbehave.
    fn requirement(&self) -> Option<&'static str> {
        match self {
            Action::Kubectl(_) => Some(Program::Kubectl.name()),
            Action::Helm(_) => Some(Program::Helm.name()),
            Action::Fault(_) => Some(GIT_FAULTS),
            _ => None,
        }
    }
}

/// A program that people run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    /// `kubectl`
    Kubectl,
    /// `helm`
    Helm,
}

impl Program {
    /// As people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Program::Kubectl => "kubectl",
            Program::Helm => "helm",
        }
    }
}

/// A commit. Its id is `$HEAD` from then on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Commit {
    /// Files to write, by path.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, Content>,
    /// Files to take away.
    #[serde(default)]
    pub(crate) delete: Vec<String>,
    /// Symbolic links to write, by path.
    #[serde(default)]
    pub(crate) links: BTreeMap<String, String>,
    /// Commits of submodules, by path.
    #[serde(default)]
    pub(crate) submodules: BTreeMap<String, String>,
    /// The message.
    pub(crate) message: String,
    /// Whether it goes to the scenario's second repository, `$SECOND`.
    #[serde(default)]
    pub(crate) second: bool,
    /// The branch, if it is not the default.
    pub(crate) branch: Option<String>,
    /// A variable that keeps the commit's id.
    pub(crate) save: Option<String>,
    /// Whether who follows the repository is told at once.
    #[serde(default = "yes")]
    pub(crate) announce: bool,
}

fn yes() -> bool {
    true
}

/// A file's content.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Content {
    /// As written.
    Text(String),
    /// Too large to be written down.
    Repeated(Repeated),
    /// A chart's archive.
    Packaged(Packaged),
}

/// The files of a chart that is packaged.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Packaged {
    pub(crate) chart: BTreeMap<String, String>,
}

/// A text that repeats; `$N` in it is the number of the turn, from 0.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Repeated {
    #[serde(default)]
    pub(crate) before: String,
    pub(crate) repeat: String,
    pub(crate) times: usize,
    #[serde(default)]
    pub(crate) after: String,
}

/// A tag or a branch to point somewhere.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Reference {
    /// A light tag.
    pub(crate) tag: Option<String>,
    /// A branch.
    pub(crate) branch: Option<String>,
    /// The commit.
    #[serde(default)]
    pub(crate) commit: String,
    /// In its place: a commit or a tag as Git stores it (somebody signed it), written first.
    #[serde(default)]
    pub(crate) object: String,
}

/// How the repository's server fails.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FaultKind {
    /// Not at all.
    None,
    /// It takes the request and never answers.
    Hang,
    /// It answers with a web page.
    Garbage,
    /// The connection breaks.
    Cut,
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

pub(crate) fn patience() -> f64 {
    30.0
}

/// A delete.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Delete {
    /// Which object.
    pub(crate) object: String,
    /// `Background`, `Foreground` or `Orphan`.
    #[serde(default)]
    pub(crate) propagation: Propagation,
}

/// What becomes of the objects that an object owns.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) enum Propagation {
    #[default]
    Background,
    Foreground,
    Orphan,
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
    /// `status` and the like.
    #[serde(default)]
    pub(crate) subresource: String,
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
    /// text `~word` must be contained, `!word` must be another.
    #[serde(default)]
    pub(crate) holds: Value,
    /// JSON pointers of fields that must be absent.
    #[serde(default)]
    pub(crate) lacks: Vec<String>,
    /// Variables that keep what is at these JSON pointers.
    #[serde(default)]
    pub(crate) save: BTreeMap<String, String>,
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

/// An Event of the core group.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Event {
    /// The object it is about, as in a target.
    pub(crate) about: String,
    /// As in an expectation.
    pub(crate) holds: Value,
    /// Most seconds to wait.
    #[serde(default = "patience")]
    pub(crate) within: f64,
}

/// A run of a program.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CommandLine {
    /// What follows the program's name.
    pub(crate) args: Vec<String>,
    /// Files of the folder that it runs in, by path. They stay for later steps.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    /// What it reads.
    #[serde(default)]
    pub(crate) stdin: String,
    /// Variables of its environment, such as `KUBE_EDITOR`.
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    /// The exit code.
    #[serde(default)]
    pub(crate) code: i32,
    /// Texts that it must print, in this order. Runs of spaces count as one.
    #[serde(default)]
    pub(crate) stdout: Vec<String>,
    /// Texts that it must not print.
    #[serde(default)]
    pub(crate) lacks: Vec<String>,
    /// Texts that must be among its errors and warnings.
    #[serde(default)]
    pub(crate) stderr: Vec<String>,
    /// A variable that keeps what it printed, without the last line end.
    pub(crate) save: Option<String>,
    /// Run it again until it is as said.
    #[serde(default)]
    pub(crate) retry: bool,
    /// Steps to take once it printed its first line. It is stopped when it printed `stdout`.
    #[serde(default)]
    pub(crate) meanwhile: Vec<Step>,
    /// Most seconds to wait.
    #[serde(default = "patience")]
    pub(crate) within: f64,
}

/// A request and its answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// `GET` if left out.
    #[serde(default = "get")]
    pub(crate) method: String,
    /// `/api/v1/…?…`
    pub(crate) path: String,
    /// Headers; `Content-Type` is JSON unless it is here.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// A text is sent as it is, anything else as JSON.
    #[serde(default)]
    pub(crate) body: Value,
    /// The status code.
    #[serde(default = "ok")]
    pub(crate) code: u16,
    /// What the JSON of the answer holds, as in an expectation.
    #[serde(default)]
    pub(crate) holds: Value,
    /// JSON pointers of fields that must be absent.
    #[serde(default)]
    pub(crate) lacks: Vec<String>,
    /// Texts that the answer must hold, in this order.
    #[serde(default)]
    pub(crate) contains: Vec<String>,
    /// Texts that the answer must not hold.
    #[serde(default)]
    pub(crate) hides: Vec<String>,
    /// Lines of JSON, as of a watch, that must come in this order, others between them or not.
    #[serde(default)]
    pub(crate) lines: Vec<Value>,
    /// Headers that the answer must have; `~word` must be contained.
    #[serde(default)]
    pub(crate) answers: BTreeMap<String, String>,
    /// Variables that keep what is at these JSON pointers.
    #[serde(default)]
    pub(crate) save: BTreeMap<String, String>,
    /// Ask again until it is as said.
    #[serde(default)]
    pub(crate) retry: bool,
    /// Most seconds to wait.
    #[serde(default = "patience")]
    pub(crate) within: f64,
}

fn get() -> String {
    "GET".to_owned()
}

fn ok() -> u16 {
    200
}

/// Reads a file. A step `include: FILE` stands for the list of steps in that file beside it.
pub(crate) fn read(file: &Path) -> anyhow::Result<Scenario> {
    let mut value = read_yaml(file)?;
    if let Some(steps) = value.get_mut("steps") {
        let folder = file.parent().unwrap_or(Path::new("."));
        *steps = included(folder, steps.take()).with_context(|| file.display().to_string())?;
    }
    serde_json::from_value(value).with_context(|| file.display().to_string())
}

fn included(folder: &Path, steps: Value) -> anyhow::Result<Value> {
    let Value::Array(steps) = steps else { bail!("`steps` is a list") };
    let mut all = Vec::new();
    for step in steps {
        match step.get("include").and_then(Value::as_str) {
            None => all.push(step),
            Some(name) => match read_yaml(&folder.join(name))? {
                Value::Array(steps) => all.extend(steps),
                _ => bail!("{name}: is no list of steps"),
            },
        }
    }
    Ok(Value::Array(all))
}

fn read_yaml(file: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    belay_goyaml::to_json_strict(&text).with_context(|| file.display().to_string())
}
