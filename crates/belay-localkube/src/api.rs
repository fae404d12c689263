//! From a request to an answer.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use crate::admission::{Admission, admitted};
use crate::cluster::{Cluster, State};
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

pub(crate) async fn answer(cluster: &Arc<Cluster>, request: &Request) -> Result<Answer, ApiError> {
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
        return subresources::answer(cluster, request, &target).await;
    }
    if target.definition.group == "events.k8s.io"
        && matches!(request.method, Method::POST | Method::PUT | Method::PATCH)
    {
        return write_event(cluster, request, &target).await;
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
            let done = write(cluster, &target, &options, |mut writer| writer.create(object.clone())).await?;
            written(request, &target, done)?
        }
        (&Method::PUT, false) => {
            let options = Options::of(request)?;
            let object = body::object(request)?;
            let done = write(cluster, &target, &options, |mut writer| writer.update(object.clone())).await?;
            written(request, &target, done)?
        }
        (&Method::PATCH, false) => written(request, &target, patch(cluster, request, &target).await?)?,
        (&Method::DELETE, false) => delete_one(cluster, request, &target).await?,
        (&Method::DELETE, true) => delete_all(cluster, request, &target).await?,
        _ => return Err(ApiError::method_not_allowed()),
    };
    if let Answer::Json { warnings, .. } = &mut answer {
        warnings.extend(target.declared()?.deprecation.clone());
    }
    Ok(answer)
}

/// Do a write for a client, with everybody asked who wants to be.
pub(crate) async fn write(
    cluster: &Arc<Cluster>,
    target: &Target,
    options: &Options,
    mut work: impl FnMut(Writer<'_>) -> Result<Written, ApiError>,
) -> Result<Written, ApiError> {
    let mut attempt = |state: &mut State| work(Writer { state, target, options });
    let Some(admission) = &options.admission else { return cluster.with(attempt) };
    let mut written = admitted(cluster, admission, &mut attempt).await?;
    written.warnings.extend(admission.warnings());
    Ok(written)
}

pub(crate) async fn patch(
    cluster: &Arc<Cluster>,
    request: &Request,
    target: &Target,
) -> Result<Written, ApiError> {
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
    write(cluster, target, &options, |mut writer| writer.patch(kind, &patch)).await
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
async fn write_event(cluster: &Arc<Cluster>, request: &Request, target: &Target) -> Result<Answer, ApiError> {
    let Some(core) = cluster.with(|state| state.definition_of("v1", "Event")) else {
        return Err(ApiError::no_such_resource());
    };
    let core = Target::of(&core, &target.namespace, &target.name);
    let options = Options::of(request)?;
    let done = match request.method {
        Method::POST => {
            let event = subresources::event_of_core(&body::object(request)?);
            write(cluster, &core, &options, |mut writer| writer.create(event.clone())).await?
        }
        Method::PUT => {
            let event = subresources::event_of_core(&body::object(request)?);
            write(cluster, &core, &options, |mut writer| writer.update(event.clone())).await?
        }
        _ if PatchKind::of(request.content_type())? == PatchKind::Json => {
            return Err(ApiError::not_supported("JSON patches of events.k8s.io"));
        }
        _ => {
            let kind = PatchKind::of(request.content_type())?;
            let patch = subresources::event_of_core(&body::yaml(&request.body)?);
            write(cluster, &core, &options, |mut writer| writer.patch(kind, &patch)).await?
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
    let mut options = DeleteOptions::parse(&request.query, &body)?;
    let mut shown = json!({ "kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1" });
    for (field, given) in body.as_object().into_iter().flatten() {
        if !matches!(field.as_str(), "kind" | "apiVersion") {
            shown[field] = given.clone();
        }
    }
    options.admission = Some(Arc::new(Admission::new(request, shown, options.dry_run)));
    Ok(options)
}

/// Delete for a client, with everybody asked who wants to be.
pub(crate) async fn delete_asked(
    cluster: &Arc<Cluster>,
    target: &Target,
    options: &DeleteOptions,
) -> Result<Deleted, ApiError> {
    match &options.admission {
        Some(admission) => admitted(cluster, admission, |state| delete(state, target, options)).await,
        None => cluster.with(|state| delete(state, target, options)),
    }
}

async fn delete_one(cluster: &Arc<Cluster>, request: &Request, target: &Target) -> Result<Answer, ApiError> {
    let options = delete_options(request)?;
    let form = Form::of(request.header("accept"))?;
    let shown = match delete_asked(cluster, target, &options).await? {
        Deleted::Waiting(object) => show(target, &object, form, &request.query),
        Deleted::Gone(last) if answers_object(&target.definition) => {
            show(target, &last, form, &request.query)
        }
        Deleted::Gone(last) => success(target, &last),
    };
    let warnings = options.admission.map(|admission| admission.warnings()).unwrap_or_default();
    Ok(Answer::Json { code: 200, value: shown, warnings, media: "application/json" })
}

async fn delete_all(cluster: &Arc<Cluster>, request: &Request, target: &Target) -> Result<Answer, ApiError> {
    let options = delete_options(request)?;
    let form = Form::of(request.header("accept"))?;
    let selector = crate::read::selector(target, &request.query)?;
    let (listed, matching) = cluster.with(|state| {
        let listed = list(state, target, form, &request.query)?;
        let all = state.store.list(&target.definition.storage(), &target.namespace);
        let matching: Vec<Arc<Value>> = all.filter(|object| selector.matches(object)).cloned().collect();
        Ok((listed, matching))
    })?;
    for object in matching {
        let one = Target {
            namespace: crate::object::namespace(&object).to_owned(),
            name: crate::object::name(&object).to_owned(),
            ..target.clone()
        };
        match delete_asked(cluster, &one, &options).await {
            // Somebody else was quicker.
            Err(error) if error.code == 404 => {}
            answer => {
                answer?;
            }
        }
    }
    Ok(Answer::ok(listed))
}
