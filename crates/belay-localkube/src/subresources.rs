//! What stands below an object: status, scale, finalize, log, eviction.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use crate::api::{Answer, patch, write, written};
use crate::cluster::{Cluster, State};
use crate::delete::{DeleteOptions, delete};
use crate::object::{items, set, text};
use crate::read::{Form, get, show};
use crate::request::{Request, Target};
use crate::scale::{Change, Paths};
use crate::status::ApiError;
use crate::write::{Options, PatchKind};

pub(crate) async fn answer(
    cluster: &Arc<Cluster>,
    request: &Request,
    target: &Target,
) -> Result<Answer, ApiError> {
    if !target.definition.has_subresource(&target.version, &target.subresource) {
        return Err(ApiError::no_such_resource());
    }
    let group = target.definition.group.as_str();
    match (group, target.definition.resource.as_str(), target.subresource.as_str()) {
        (_, _, "status") => status(cluster, request, target).await,
        (_, _, "scale") => scale(cluster, request, target).await,
        ("", "namespaces", "finalize") => finalize(cluster, request, target),
        ("", "pods", "eviction") => evict(cluster, request, target),
        ("", "serviceaccounts", "token") => crate::tokens::create(cluster, request, target),
        ("", "pods", "log") => log(cluster, target),
        (_, resource, subresource) => Err(ApiError::not_supported(&format!("{resource}/{subresource}"))),
    }
}

async fn status(cluster: &Arc<Cluster>, request: &Request, target: &Target) -> Result<Answer, ApiError> {
    match request.method {
        Method::GET => {
            let object = cluster.with(|state| get(state, target))?;
            Ok(Answer::ok(show(target, &object, Form::of(request.header("accept"))?, &request.query)))
        }
        Method::PUT => {
            let options = Options::of(request)?;
            let object = crate::body::object(request)?;
            let done = write(cluster, target, &options, |mut writer| writer.update(object.clone())).await?;
            written(request, target, done)
        }
        Method::PATCH => written(request, target, patch(cluster, request, target).await?),
        _ => Err(ApiError::method_not_allowed()),
    }
}

/// A write to scale is a write to the replicas, owned under the subresource.
async fn scale(cluster: &Arc<Cluster>, request: &Request, target: &Target) -> Result<Answer, ApiError> {
    let paths = Paths::of(target)?;
    if request.method == Method::GET {
        let live = cluster.with(|state| get(state, target))?;
        return Ok(Answer::ok(paths.show(target, &live)));
    }
    let change = match request.method {
        Method::PUT => Change::Replace(crate::body::object(request)?),
        Method::PATCH => {
            let kind = PatchKind::of(request.content_type())?;
            let yaml = kind == PatchKind::Apply;
            let patch =
                if yaml { crate::body::yaml(&request.body)? } else { crate::body::json(&request.body)? };
            Change::Patch(kind, patch)
        }
        _ => return Err(ApiError::method_not_allowed()),
    };
    let mut options = Options::of(request)?;
    if matches!(change, Change::Patch(PatchKind::Apply, _)) {
        options.manager = request.query.get("fieldManager").to_owned();
    }
    let whole = Target { subresource: "scale".into(), ..target.clone() };
    let done = write(cluster, &whole, &options, |mut writer| writer.scale(&paths, change.clone())).await?;
    Ok(Answer::ok(paths.show(target, &done.object)))
}

/// Only the namespace's own finalizers change.
fn finalize(cluster: &Cluster, request: &Request, target: &Target) -> Result<Answer, ApiError> {
    if request.method != Method::PUT {
        return Err(ApiError::method_not_allowed());
    }
    let body = crate::body::object(request)?;
    cluster.with(|state| {
        let live = get(state, target)?;
        let mut object = (*live).clone();
        set(&mut object, &["spec", "finalizers"], json!(items(&body, &["spec", "finalizers"])));
        Ok(Answer::ok((*state.commit(&target.definition, object)).clone()))
    })
}

fn evict(cluster: &Cluster, request: &Request, target: &Target) -> Result<Answer, ApiError> {
    if request.method != Method::POST {
        return Err(ApiError::method_not_allowed());
    }
    let body = crate::body::object(request)?;
    let options = DeleteOptions::parse(&request.query, &body["deleteOptions"])?;
    let pod = Target { subresource: String::new(), ..target.clone() };
    cluster.with(|state| delete(state, &pod, &options))?;
    Ok(Answer::created(
        json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 }),
    ))
}

fn log(cluster: &Cluster, target: &Target) -> Result<Answer, ApiError> {
    let pod = cluster.with(|state: &mut State| get(state, target))?;
    let mut lines = String::new();
    for status in items(&pod, &["status", "containerStatuses"]) {
        let started = text(status, &["state", "running", "startedAt"]);
        if !started.is_empty() {
            lines.push_str(&format!(
                "{started} {} started ({})\n",
                text(status, &["name"]),
                text(status, &["image"])
            ));
        }
    }
    Ok(Answer::Text(lines))
}

/// Field names of an Event in core and in `events.k8s.io`.
const EVENT_FIELDS: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
    ("count", "deprecatedCount"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
];

/// A core Event as `events.k8s.io/v1` shows it.
pub(crate) fn event_of_group(event: &Value) -> Value {
    renamed(event, EVENT_FIELDS)
}

/// An Event of `events.k8s.io/v1` as core keeps it.
pub(crate) fn event_of_core(event: &Value) -> Value {
    let mut event = renamed(event, EVENT_FIELDS.map(|(core, grouped)| (grouped, core)));
    event["apiVersion"] = "v1".into();
    event
}

fn renamed(event: &Value, names: [(&str, &str); 7]) -> Value {
    let mut event = event.clone();
    if let Some(fields) = event.as_object_mut() {
        for (from, to) in names {
            if let Some(value) = fields.shift_remove(from) {
                fields.insert(to.to_owned(), value);
            }
        }
    }
    event
}
