//! From a request to an answer.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::delete::{DeleteOptions, Deleted, answers_object, delete, success};
use crate::read::{Form, get, list, show};
use crate::request::{Request, Target};
use crate::status::ApiError;
use crate::watch::Watcher;
use crate::write::{Options, PatchKind, Writer, Written};
use crate::{body, discovery, subresources};

/// What is sent back.
pub(crate) enum Answer {
    Json { code: u16, value: Value, warnings: Vec<String>, media: &'static str },
    Text(String),
    Bytes { bytes: Vec<u8>, media: &'static str },
    Watch(Box<Watcher>),
}

impl Answer {
    pub(crate) fn ok(value: Value) -> Self {
        Self::Json { code: 200, value, warnings: Vec::new(), media: "application/json" }
    }

    pub(crate) fn created(value: Value) -> Self {
        Self::Json { code: 201, value, warnings: Vec::new(), media: "application/json" }
    }
}

pub(crate) fn answer(cluster: &Arc<Cluster>, request: &Request) -> Result<Answer, ApiError> {
    match request.path.trim_end_matches('/') {
        "/healthz" | "/livez" | "/readyz" => return Ok(Answer::Text("ok".into())),
        "/version" => return Ok(Answer::ok(discovery::version())),
        "" => {
            return Ok(Answer::ok(
                json!({ "paths": ["/api", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"] }),
            ));
        }
        _ => {}
    }
    if ["/healthz/", "/livez/", "/readyz/"].iter().any(|prefix| request.path.starts_with(prefix)) {
        return Ok(Answer::Text("ok".into()));
    }
    let resources = cluster.with(|state| state.resources.clone());
    if request.path == "/openapi/v2" {
        return discovery::second_openapi(&resources, request.header("accept"));
    }
    if request.path.starts_with("/openapi/v3") {
        return discovery::openapi(&resources, &request.path).map(Answer::ok);
    }
    if let Some(found) = discovery::answer(&resources, &request.path, request.header("accept")) {
        let value = found?;
        let media = match value["apiVersion"].as_str() {
            Some("apidiscovery.k8s.io/v2") => {
                "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
            }
            Some("apidiscovery.k8s.io/v2beta1") => {
                "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"
            }
            _ => "application/json",
        };
        return Ok(Answer::Json { code: 200, value, warnings: Vec::new(), media });
    }
    let mut target = Target::parse(&resources, &request.path)?;
    // The old form of a watch.
    let watches = request.query.is_true("watch");
    crate::access::authorize(cluster, request, &target)?;
    if !target.subresource.is_empty() {
        return subresources::answer(cluster, request, &target);
    }
    if target.definition.group == "events.k8s.io"
        && matches!(request.method, Method::POST | Method::PUT | Method::PATCH)
    {
        return write_event(cluster, request, &target);
    }
    if let Some(answer) = crate::access::review(cluster, request, &target)? {
        return Ok(answer);
    }
    let is_collection = target.name.is_empty();
    check_verb(request, &target, is_collection)?;
    let query = &request.query;
    let mut answer = match (&request.method, is_collection) {
        (&Method::GET, _) if watches => {
            if !is_collection {
                let name = std::mem::take(&mut target.name);
                return watch_one(cluster, request, target, &name);
            }
            let form = Form::of(request.header("accept"))?;
            Answer::Watch(Box::new(Watcher::open(cluster, target.clone(), form, query)?))
        }
        (&Method::GET, false) => {
            let form = Form::of(request.header("accept"))?;
            let object = cluster.with(|state| get(state, &target))?;
            Answer::ok(show(&target, &object, form, query))
        }
        (&Method::GET, true) => {
            let form = Form::of(request.header("accept"))?;
            Answer::ok(cluster.with(|state| list(state, &target, form, query))?)
        }
        (&Method::POST, true) => {
            let options = Options::of(request)?;
            let object = body::object(request)?;
            check_namespace_given(&target)?;
            written(
                request,
                &target,
                cluster.with(|state| Writer { state, target: &target, options: &options }.create(object))?,
            )?
        }
        (&Method::PUT, false) => {
            let options = Options::of(request)?;
            let object = body::object(request)?;
            written(
                request,
                &target,
                cluster.with(|state| Writer { state, target: &target, options: &options }.update(object))?,
            )?
        }
        (&Method::PATCH, false) => written(request, &target, patch(cluster, request, &target)?)?,
        (&Method::DELETE, false) => delete_one(cluster, request, &target)?,
        (&Method::DELETE, true) => delete_all(cluster, request, &target)?,
        _ => return Err(ApiError::method_not_allowed()),
    };
    if let Answer::Json { warnings, .. } = &mut answer {
        warnings.extend(target.declared()?.deprecation.clone());
    }
    Ok(answer)
}

pub(crate) fn patch(cluster: &Cluster, request: &Request, target: &Target) -> Result<Written, ApiError> {
    let options = Options::of(request)?;
    let kind = PatchKind::of(request.content_type())?;
    let mut options = options;
    if kind == PatchKind::Apply {
        // An applier must name itself.
        options.manager = request.query.get("fieldManager").to_owned();
        check_namespace_given(target)?;
    }
    let patch =
        if kind == PatchKind::Apply { body::yaml(&request.body)? } else { body::json(&request.body)? };
    cluster.with(|state| Writer { state, target, options: &options }.patch(kind, &patch))
}

/// Answer a write.
pub(crate) fn written(request: &Request, target: &Target, written: Written) -> Result<Answer, ApiError> {
    let form = Form::of(request.header("accept"))?;
    let value = show(target, &written.object, form, &request.query);
    let code = if written.created { 201 } else { 200 };
    Ok(Answer::Json { code, value, warnings: written.warnings, media: "application/json" })
}

fn check_namespace_given(target: &Target) -> Result<(), ApiError> {
    if target.definition.namespaced && target.namespace.is_empty() {
        return Err(ApiError::method_not_allowed());
    }
    Ok(())
}

fn check_verb(request: &Request, target: &Target, is_collection: bool) -> Result<(), ApiError> {
    let verb = crate::access::verb(request, is_collection);
    let known = target.definition.verbs.iter().any(|known| known == verb);
    if known { Ok(()) } else { Err(ApiError::method_not_allowed()) }
}

/// Both kinds of Event are the same objects; they are kept as core has them.
fn write_event(cluster: &Arc<Cluster>, request: &Request, target: &Target) -> Result<Answer, ApiError> {
    let Some(core) = cluster.with(|state| state.definition_of("v1", "Event")) else {
        return Err(ApiError::no_such_resource());
    };
    let core = Target::of(&core, &target.namespace, &target.name);
    let options = Options::of(request)?;
    let done = match request.method {
        Method::POST => {
            let event = subresources::event_of_core(&body::object(request)?);
            cluster.with(|state| Writer { state, target: &core, options: &options }.create(event))?
        }
        Method::PUT => {
            let event = subresources::event_of_core(&body::object(request)?);
            cluster.with(|state| Writer { state, target: &core, options: &options }.update(event))?
        }
        _ if PatchKind::of(request.content_type())? == PatchKind::Json => {
            return Err(ApiError::not_supported("JSON patches of events.k8s.io"));
        }
        _ => {
            let kind = PatchKind::of(request.content_type())?;
            let patch = subresources::event_of_core(&body::yaml(&request.body)?);
            cluster.with(|state| Writer { state, target: &core, options: &options }.patch(kind, &patch))?
        }
    };
    written(request, target, done)
}

fn watch_one(
    cluster: &Arc<Cluster>,
    request: &Request,
    target: Target,
    name: &str,
) -> Result<Answer, ApiError> {
    let form = Form::of(request.header("accept"))?;
    let query = request.query.with("fieldSelector", &format!("metadata.name={name}"));
    Ok(Answer::Watch(Box::new(Watcher::open(cluster, target, form, &query)?)))
}

fn delete_options(request: &Request) -> Result<DeleteOptions, ApiError> {
    let body = if request.body.is_empty() { Value::Null } else { body::object(request)? };
    DeleteOptions::parse(&request.query, &body)
}

fn delete_one(cluster: &Cluster, request: &Request, target: &Target) -> Result<Answer, ApiError> {
    let options = delete_options(request)?;
    let form = Form::of(request.header("accept"))?;
    match cluster.with(|state| delete(state, target, &options))? {
        Deleted::Waiting(object) => Ok(Answer::ok(show(target, &object, form, &request.query))),
        Deleted::Gone(last) if answers_object(&target.definition) => {
            Ok(Answer::ok(show(target, &last, form, &request.query)))
        }
        Deleted::Gone(last) => Ok(Answer::ok(success(target, &last))),
    }
}

fn delete_all(cluster: &Cluster, request: &Request, target: &Target) -> Result<Answer, ApiError> {
    let options = delete_options(request)?;
    let form = Form::of(request.header("accept"))?;
    cluster.with(|state| {
        let listed = list(state, target, form, &request.query)?;
        let selector = crate::read::selector(target, &request.query)?;
        let key = target.definition.storage();
        let matching: Vec<Arc<Value>> = state
            .store
            .list(&key, &target.namespace)
            .filter(|object| selector.matches(object))
            .cloned()
            .collect();
        for object in matching {
            let one = Target {
                namespace: crate::object::namespace(&object).to_owned(),
                name: crate::object::name(&object).to_owned(),
                ..target.clone()
            };
            delete(state, &one, &options)?;
        }
        Ok(Answer::ok(listed))
    })
}
