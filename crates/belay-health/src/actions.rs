//! What can be done with an object, and what that changes: users' Lua, and actions of the built-in kinds.

mod built_in;
mod custom;
mod rollout;

use belay_lua::{Clock, Libraries, Returned, Script};
use belay_manifest::Object;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Something that can be done with an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Action {
    /// Its name.
    pub name: String,
    /// Whether it cannot be done now.
    pub disabled: bool,
    /// Its name for people, when that is another.
    pub display_name: String,
    /// How it is drawn.
    pub icon_class: String,
    /// What it asks for.
    pub params: Vec<Parameter>,
}

/// What an action asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Parameter {
    /// Its name.
    pub name: String,
}

/// What an action changes.
#[derive(Debug, Clone, PartialEq)]
pub enum Impact {
    /// The object as it shall be.
    Patch(Value),
    /// An object that shall be made.
    Create(Value),
}

/// The actions that an installation defines for a kind, as `argocd-cm` writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct OwnActions {
    /// The script that says what can be done.
    #[serde(rename = "discovery.lua")]
    pub discovery: String,
    /// The scripts that do it.
    pub definitions: Vec<Definition>,
    /// Whether the built-in actions stay.
    #[serde(rename = "mergeBuiltinActions")]
    pub merge_built_in: bool,
}

/// An action that an installation defines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// Its script.
    #[serde(rename = "action.lua")]
    pub script: String,
}

/// Why an action cannot be listed or run.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// The script failed.
    #[error(transparent)]
    Lua(#[from] belay_lua::Error),
    /// The script returned something else than a table.
    #[error("expect table output from Lua script, not {0}")]
    NoTable(&'static str),
    /// The script returned a table of another shape.
    #[error("the action's output cannot be read")]
    Output(#[from] serde_json::Error),
    /// Nobody defines it.
    #[error("built-in script does not exist")]
    Unknown,
    /// It needs a number.
    #[error("invalid number: {0}")]
    NoNumber(String),
    /// No such instance is well.
    #[error("Could not find a healthy instance matching the criteria: {0}")]
    NoInstance(String),
    /// It returned something to do that is neither of both.
    #[error("unsupported operation: {0:?}")]
    Operation(String),
}

/// What can be done with an object, by name.
pub fn list(object: &Object, own: Option<&OwnActions>, clock: Clock) -> Result<Vec<Action>, ActionError> {
    let mut found = match own {
        Some(own) => discovered(object, &own.discovery, clock)?,
        None => Vec::new(),
    };
    if own.is_none_or(|own| own.merge_built_in) {
        let more = built_in::list(object).into_iter();
        let more: Vec<_> =
            more.filter(|action| found.iter().all(|known| known.name != action.name)).collect();
        found.extend(more);
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// What an action changes.
pub fn run(
    object: &Object,
    name: &str,
    parameters: &[(String, String)],
    own: Option<&OwnActions>,
    clock: Clock,
) -> Result<Vec<Impact>, ActionError> {
    let defined = own.and_then(|own| own.definitions.iter().find(|definition| definition.name == name));
    let Some(definition) = defined else {
        return built_in::run(object, name, parameters, clock());
    };
    let output = match evaluate(object, &definition.script, parameters, clock)? {
        Value::Array(items) => items,
        patched => return Ok(vec![Impact::Patch(with_empty_objects(patched, object.value()))]),
    };
    let impact = |item: &Value| match item["operation"].as_str().unwrap_or_default() {
        "create" => Ok(Impact::Create(item["resource"].clone())),
        "patch" => Ok(Impact::Patch(with_empty_objects(item["resource"].clone(), object.value()))),
        other => Err(ActionError::Operation(other.to_owned())),
    };
    output.iter().map(impact).collect()
}

fn evaluate(
    object: &Object,
    source: &str,
    parameters: &[(String, String)],
    clock: Clock,
) -> Result<Value, ActionError> {
    let script = Script { source, libraries: Libraries::Restricted, parameters };
    match belay_lua::run(script, object.value(), clock)? {
        Returned::Table(table) => Ok(table),
        Returned::Nothing => Err(ActionError::NoTable("nil")),
        Returned::Other(kind) => Err(ActionError::NoTable(kind)),
    }
}

fn discovered(object: &Object, source: &str, clock: Clock) -> Result<Vec<Action>, ActionError> {
    let Value::Object(actions) = evaluate(object, source, &[], clock)? else { return Ok(Vec::new()) };
    let read = |(name, value): (String, Value)| {
        // An empty table says nothing more.
        let action = if value.is_array() { Action::default() } else { serde_json::from_value(value)? };
        Ok(Action { name, ..action })
    };
    actions.into_iter().map(read).collect()
}

/// Lua cannot tell an empty object from an empty list: what was an object stays one.
fn with_empty_objects(value: Value, was: &Value) -> Value {
    match (value, was) {
        (Value::Array(items), Value::Object(_)) if items.is_empty() => Value::Object(Map::new()),
        (Value::Array(items), Value::Array(old)) => {
            let old = old.iter().chain(std::iter::repeat(&Value::Null));
            items.into_iter().zip(old).map(|(item, old)| with_empty_objects(item, old)).collect()
        }
        (Value::Object(fields), Value::Object(old)) => fields
            .into_iter()
            .map(|(name, value)| {
                let old = old.get(&name).unwrap_or(&Value::Null);
                (name, with_empty_objects(value, old))
            })
            .collect(),
        (value, _) => value,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    fn clock() -> Timestamp {
        Timestamp::from_second(1_767_225_600).expect("a time in range")
    }

    fn object(value: Value) -> Object {
        Object::new(value).unwrap()
    }

    fn deployment(spec: Value) -> Object {
        object(
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}),
        )
    }

    fn names(object: &Object, own: Option<&OwnActions>) -> Vec<String> {
        let name = |action: Action| if action.disabled { format!("-{}", action.name) } else { action.name };
        list(object, own, clock).unwrap().into_iter().map(name).collect()
    }

    fn patched(object: &Object, name: &str, parameters: &[(&str, &str)]) -> Value {
        let parameters: Vec<_> =
            parameters.iter().map(|(one, two)| (one.to_string(), two.to_string())).collect();
        match run(object, name, &parameters, None, clock).unwrap().remove(0) {
            Impact::Patch(value) => value["spec"].clone(),
            Impact::Create(value) => value,
        }
    }

    #[test]
    fn built_in_kinds_have_actions() {
        assert_eq!(names(&deployment(json!({})), None), ["pause", "restart", "-resume", "scale"]);
        assert_eq!(
            names(&deployment(json!({"paused": true})), None),
            ["-pause", "restart", "resume", "scale"]
        );
        let job = |status: Value| {
            object(
                json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"}, "spec": {}, "status": status}),
            )
        };
        assert_eq!(names(&job(json!({})), None), ["suspend", "terminate"]);
        assert_eq!(
            names(&job(json!({"conditions": [{"type": "Complete", "status": "True"}]})), None),
            [""; 0]
        );
    }

    #[test]
    fn actions_change_what_they_say() {
        let web = deployment(json!({"paused": true, "replicas": 1}));
        assert_eq!(patched(&web, "resume", &[]), json!({"replicas": 1}));
        assert_eq!(patched(&web, "scale", &[("replicas", "3")]), json!({"paused": true, "replicas": 3}));
        let restarted = patched(&web, "restart", &[]);
        assert_eq!(
            restarted["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"],
            "2026-01-01T00:00:00Z"
        );
        let refused = run(&web, "scale", &[("replicas".into(), "many".into())], None, clock).unwrap_err();
        assert_eq!(refused.to_string(), "invalid number: many");
        assert!(matches!(run(&web, "explode", &[], None, clock), Err(ActionError::Unknown)));
    }

    #[test]
    fn a_job_is_made_of_a_cron_job() {
        let cron_job = object(
            json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "night", "namespace": "shop", "uid": "u"},
            "spec": {"jobTemplate": {"metadata": {"labels": {"a": "b"}}, "spec": {"template": {}}}}}),
        );
        assert_eq!(
            patched(&cron_job, "create-job", &[]),
            json!({"apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"labels": {"a": "b"}, "name": "night-2601010000", "namespace": "shop",
                "annotations": {"cronjob.kubernetes.io/instantiate": "manual"},
                "ownerReferences": [{"apiVersion": "batch/v1", "kind": "CronJob", "name": "night", "uid": "u", "blockOwnerDeletion": true, "controller": true}]},
            "spec": {"template": {}}})
        );
    }

    #[test]
    fn kinds_that_controllers_bring_have_actions() {
        let of = |api_version: &str, kind: &str, rest: Value| {
            let mut value = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a", "namespace": "n", "generation": 3}});
            value.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            object(value)
        };
        let rollout = |status: Value| {
            let spec = json!({"strategy": {"canary": {"steps": [{}, {}]}}});
            of("argoproj.io/v1alpha1", "Rollout", json!({"spec": spec, "status": status}))
        };
        let going = rollout(
            json!({"currentPodHash": "b", "stableRS": "a", "currentStepIndex": 1, "observedGeneration": "3", "pauseConditions": [{}]}),
        );
        assert_eq!(
            names(&going, None),
            ["abort", "pause", "promote-full", "restart", "resume", "-retry", "skip-current-step"]
        );
        let idle = rollout(json!({"currentStepIndex": 2}));
        assert_eq!(
            names(&idle, None),
            ["-abort", "-pause", "-promote-full", "restart", "-resume", "-retry", "-skip-current-step"]
        );
        let skipped = match run(&going, "skip-current-step", &[], None, clock).unwrap().remove(0) {
            Impact::Patch(value) => value["status"].clone(),
            Impact::Create(value) => value,
        };
        assert_eq!(
            skipped,
            json!({"currentPodHash": "b", "stableRS": "a", "currentStepIndex": 2, "observedGeneration": "3"})
        );

        let flux = of("kustomize.toolkit.fluxcd.io/v1", "Kustomization", json!({"spec": {"suspend": true}}));
        assert_eq!(names(&flux, None), ["-reconcile", "resume", "-suspend"]);
        assert_eq!(patched(&flux, "resume", &[]), json!({"suspend": false}));
        let app = of(
            "argoproj.io/v1alpha1",
            "Application",
            json!({"spec": {"syncPolicy": {"automated": {"prune": true}}}}),
        );
        assert_eq!(
            patched(&app, "toggle-auto-sync", &[]),
            json!({"syncPolicy": {"automated": {"prune": true, "enabled": false}}})
        );
        let template = of("argoproj.io/v1alpha1", "WorkflowTemplate", json!({}));
        assert_eq!(
            patched(&template, "create-workflow", &[])["spec"],
            json!({"workflowTemplateRef": {"name": "a"}})
        );
        let secret =
            of("external-secrets.io/v1", "ExternalSecret", json!({"spec": {"refreshInterval": "0s"}}));
        assert_eq!(names(&secret, None), ["-refresh"]);
        let cluster = of(
            "postgresql.cnpg.io/v1",
            "Cluster",
            json!({"status": {"currentPrimary": "a-2", "instancesStatus": {"healthy": ["a-1", "a-2"]}}}),
        );
        assert_eq!(names(&cluster, None), ["promote", "reload", "restart", "suspend"]);
        assert!(run(&cluster, "promote", &[("instance".into(), "9".into())], None, clock).is_err());
        let scaled = of("keda.sh/v1alpha1", "ScaledObject", json!({}));
        assert_eq!(names(&scaled, None), ["pause", "paused-replicas", "-resume"]);
        assert!(run(&scaled, "paused-replicas", &[("replicas".into(), "-1".into())], None, clock).is_err());
    }

    #[test]
    fn an_installation_defines_its_own() {
        let own = |merge: bool| {
            OwnActions {
            discovery: "return {rename = {displayName = 'Rename', disabled = false}, restart = {disabled = true}, plain = {}}".into(),
            definitions: vec![
                Definition { name: "rename".into(), script: "obj.spec.title = actionParams.title return obj".into() },
                Definition { name: "copy".into(), script: "return {{operation = 'create', resource = {kind = 'Copy'}}}".into() },
                Definition { name: "move".into(), script: "return {{operation = 'move', resource = {}}}".into() },
            ],
            merge_built_in: merge,
        }
        };
        let web = deployment(json!({"selector": {}, "list": []}));
        assert_eq!(names(&web, Some(&own(false))), ["plain", "rename", "-restart"]);
        assert_eq!(
            names(&web, Some(&own(true))),
            ["pause", "plain", "rename", "-restart", "-resume", "scale"]
        );
        let run = |name: &str| run(&web, name, &[("title".into(), "new".into())], Some(&own(false)), clock);
        let renamed = match run("rename").unwrap().remove(0) {
            Impact::Patch(value) => value,
            Impact::Create(value) => panic!("{value} is made"),
        };
        // Empty objects stay objects, empty lists lists.
        assert_eq!(renamed["spec"], json!({"list": [], "selector": {}, "title": "new"}));
        assert_eq!(run("copy").unwrap(), [Impact::Create(json!({"kind": "Copy"}))]);
        assert_eq!(run("move").unwrap_err().to_string(), "unsupported operation: \"move\"");
    }
}
