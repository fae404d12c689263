//! Actions of Deployments, StatefulSets, DaemonSets, Jobs and CronJobs.

use belay_manifest::Object;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Action, ActionError, Impact, Parameter};

const RESTARTED_AT: &str = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt";
/// Conditions by which a Job has ended, or is about to.
const ENDED: [&str; 4] = ["Complete", "Failed", "FailureTarget", "SuccessCriteriaMet"];

pub(super) fn list(object: &Object) -> Vec<Action> {
    let value = object.value();
    let is_on = |field: &str| value["spec"][field] == true;
    let action = |name: &str, icon: &str| Action {
        name: name.to_owned(),
        icon_class: format!("fa fa-fw fa-{icon}"),
        ..Action::default()
    };
    let scale = || Action {
        params: vec![Parameter { name: "replicas".to_owned() }],
        ..action("scale", "plus-circle")
    };
    match (object.gvk().group.as_str(), object.kind()) {
        ("apps", "Deployment") => vec![
            action("restart", "redo"),
            Action { disabled: is_on("paused"), ..action("pause", "pause-circle") },
            Action { disabled: !is_on("paused"), ..action("resume", "play-circle") },
            scale(),
        ],
        ("apps", "StatefulSet") => vec![action("restart", "redo"), scale()],
        ("apps", "DaemonSet") => vec![action("restart", "redo")],
        ("batch", "CronJob") => {
            let create = Action { display_name: "Create Job".to_owned(), ..action("create-job", "plus") };
            let turn = if is_on("suspend") { action("resume", "play") } else { action("suspend", "pause") };
            vec![create, turn]
        }
        ("batch", "Job") if !has_ended(value) => {
            let turn = if is_on("suspend") { action("resume", "play") } else { action("suspend", "pause") };
            let end = (!value["status"].is_null()).then(|| action("terminate", "stop"));
            std::iter::once(turn).chain(end).collect()
        }
        _ => super::custom::list(object),
    }
}

pub(super) fn run(
    object: &Object,
    name: &str,
    parameters: &[(String, String)],
    now: Timestamp,
) -> Result<Vec<Impact>, ActionError> {
    let mut value = object.value().clone();
    match (object.gvk().group.as_str(), object.kind(), name) {
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet", "restart") => {
            set(&mut value, RESTARTED_AT, json!(stamp(now)));
        }
        ("apps", "Deployment", "pause") => set(&mut value, "/spec/paused", json!(true)),
        ("apps", "Deployment", "resume") => remove(&mut value, "/spec", "paused"),
        ("apps", "Deployment" | "StatefulSet", "scale") => {
            set(&mut value, "/spec/replicas", json!(number("replicas", parameters)?));
        }
        ("batch", "CronJob" | "Job", "suspend") => set(&mut value, "/spec/suspend", json!(true)),
        ("batch", "CronJob" | "Job", "resume") => {
            if value["spec"]["suspend"] == true {
                set(&mut value, "/spec/suspend", json!(false));
            }
        }
        ("batch", "Job", "terminate") => terminate(&mut value, now),
        ("batch", "CronJob", "create-job") => return Ok(vec![Impact::Create(job_of(object, now))]),
        _ => return super::custom::run(object, name, parameters, now),
    }
    Ok(vec![Impact::Patch(value)])
}

fn has_ended(job: &Value) -> bool {
    let conditions = job["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|condition| {
        condition["status"] == "True" && ENDED.iter().any(|ended| condition["type"] == *ended)
    })
}

/// A parameter that has to be a number.
pub(super) fn number(name: &str, parameters: &[(String, String)]) -> Result<i64, ActionError> {
    let text = parameters.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value.as_str());
    text.trim().parse().map_err(|_| ActionError::NoNumber(text.to_owned()))
}

fn terminate(job: &mut Value, now: Timestamp) {
    if job["status"].is_null() || has_ended(job) {
        return;
    }
    let condition = json!({
        "lastTransitionTime": stamp(now),
        "message": "Job was terminated explicitly through Argo CD",
        "reason": "ManuallyTerminated",
        "status": "True",
        "type": "FailureTarget",
    });
    let mut conditions = job["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.push(condition);
    set(job, "/status/conditions", Value::Array(conditions));
}

/// The Job that a CronJob would make, as `kubectl create job --from` does.
fn job_of(cron_job: &Object, now: Timestamp) -> Value {
    let value = cron_job.value();
    let template = &value["spec"]["jobTemplate"];
    let mut job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": template["metadata"], "spec": template["spec"]});
    if !job["metadata"].is_object() {
        job["metadata"] = json!({});
    }
    let metadata = &value["metadata"];
    job["metadata"]["name"] = json!(format!("{}-{}", cron_job.name(), now.strftime("%y%m%d%H%M")));
    job["metadata"]["namespace"] = metadata["namespace"].clone();
    set(&mut job, "/metadata/annotations/cronjob.kubernetes.io~1instantiate", json!("manual"));
    job["metadata"]["ownerReferences"] = json!([{
        "apiVersion": value["apiVersion"],
        "kind": value["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "blockOwnerDeletion": true,
        "controller": true,
    }]);
    job
}

/// A time as Kubernetes writes it.
pub(super) fn stamp(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Sets a field, and makes the objects on the way.
pub(super) fn set(value: &mut Value, pointer: &str, to: Value) {
    let mut place = value;
    for name in pointer.split('/').skip(1) {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[name.replace("~1", "/")];
    }
    *place = to;
}

/// Takes a field away.
pub(super) fn remove(value: &mut Value, pointer: &str, name: &str) {
    if let Some(Value::Object(fields)) = value.pointer_mut(pointer) {
        fields.shift_remove(name);
    }
}
