//! Get and list, and the forms an object can be answered in.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::cluster::State;
use crate::object::{name, namespace, text};
use crate::request::{Query, Target};
use crate::resources::Definition;
use crate::selectors::Selector;
use crate::status::ApiError;
use crate::store::{Items, ObjectKey};

/// What the client accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Whole,
    Metadata,
    Table,
}

impl Form {
    pub(crate) fn of(accept: &str) -> Result<Self, ApiError> {
        if accept.trim().is_empty() {
            return Ok(Self::Whole);
        }
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            if !matches!(media, "application/json" | "*/*" | "application/*" | "application/yaml") {
                continue;
            }
            let as_kind = parts.filter_map(|part| part.strip_prefix("as=")).next();
            match as_kind {
                None => return Ok(Self::Whole),
                Some("Table") => return Ok(Self::Table),
                Some("PartialObjectMetadata" | "PartialObjectMetadataList") => return Ok(Self::Metadata),
                Some(_) => {}
            }
        }
        Err(ApiError::not_acceptable())
    }
}

/// One object in the version and form asked for.
pub(crate) fn show(target: &Target, object: &Value, form: Form, query: &Query) -> Value {
    match form {
        Form::Whole => in_version(target, object),
        Form::Metadata => partial(object),
        Form::Table => {
            let objects = [in_version(target, object)];
            let metadata = json!({ "resourceVersion": text(object, &["metadata", "resourceVersion"]) });
            crate::table::of(target, &objects, metadata, query)
        }
    }
}

/// Only metadata, as `meta.k8s.io/v1`.
pub(crate) fn partial(object: &Value) -> Value {
    json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"] })
}

/// The object under the version asked for. Versions differ in name only: there are no conversion webhooks.
pub(crate) fn in_version(target: &Target, object: &Value) -> Value {
    let wanted = target.api_version();
    if text(object, &["apiVersion"]) == wanted {
        return object.clone();
    }
    let mut shown = belay_schema::convert(object, &wanted);
    if target.definition.group == "events.k8s.io" {
        shown = crate::subresources::event_of_group(&shown);
    }
    shown["apiVersion"] = wanted.into();
    if let Ok(schema) = target.schema()
        && schema.is_custom()
    {
        belay_schema::prune(&schema, &mut shown);
        belay_schema::default_object(&schema, &mut shown);
    }
    shown
}

pub(crate) fn get(state: &State, target: &Target) -> Result<Arc<Value>, ApiError> {
    state.live(&target.definition, &target.namespace, &target.name)
}

/// The selector of a request, its field paths checked.
pub(crate) fn selector(target: &Target, query: &Query) -> Result<Selector, ApiError> {
    let selector = Selector::parse(query.get("labelSelector"), query.get("fieldSelector"))?;
    let declared = target.declared()?;
    for path in selector.field_paths() {
        let known = matches!(path, "metadata.name" | "metadata.namespace")
            || declared.selectable.iter().any(|selectable| selectable == path);
        if !known {
            let message = format!("field label not supported: {path}");
            let whole = format!(
                "Unable to find {:?} that match label selector {:?}, field selector {:?}: {message}",
                format!("{}, Resource={}", target.api_version(), target.definition.resource),
                query.get("labelSelector"),
                query.get("fieldSelector")
            );
            return Err(ApiError::bad_request(whole));
        }
    }
    Ok(selector)
}

/// A page of a list.
struct Page {
    objects: Vec<Arc<Value>>,
    version: u64,
    next: Option<ObjectKey>,
    remaining: usize,
}

pub(crate) fn list(state: &State, target: &Target, form: Form, query: &Query) -> Result<Value, ApiError> {
    let selector = selector(target, query)?;
    let page = page(state, target, query, &selector)?;
    let mut metadata = json!({ "resourceVersion": page.version.to_string() });
    if let Some(key) = &page.next {
        metadata["continue"] = token(page.version, key).into();
        if selector.is_empty() {
            metadata["remainingItemCount"] = page.remaining.into();
        }
    }
    let objects = page.objects.iter().map(|object| in_version(target, object));
    Ok(match form {
        Form::Table => crate::table::of(target, &objects.collect::<Vec<_>>(), metadata, query),
        Form::Metadata => {
            let items: Vec<Value> = page.objects.iter().map(|object| partial(object)).collect();
            json!({ "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": items })
        }
        Form::Whole => {
            let kind = list_kind(&target.definition);
            let is_custom = target.definition.is_custom();
            let items: Vec<Value> = objects
                .map(|mut object| {
                    // Items of built-in lists do not repeat what the list says.
                    if !is_custom && let Some(object) = object.as_object_mut() {
                        object.shift_remove("apiVersion");
                        object.shift_remove("kind");
                    }
                    object
                })
                .collect();
            json!({ "kind": kind, "apiVersion": target.api_version(), "metadata": metadata, "items": items })
        }
    })
}

fn list_kind(definition: &Definition) -> String {
    if definition.list_kind.is_empty() {
        format!("{}List", definition.kind)
    } else {
        definition.list_kind.clone()
    }
}

fn page(state: &State, target: &Target, query: &Query, selector: &Selector) -> Result<Page, ApiError> {
    let key = target.definition.storage();
    let limit =
        query.number("limit").filter(|limit| *limit > 0).and_then(|limit| usize::try_from(limit).ok());
    let (version, after) = match query.get("continue") {
        "" => (asked_version(state, query)?, None),
        token => parse_token(token).map(|(version, key)| (version, Some(key)))?,
    };
    let matching = |object: &&Arc<Value>| selector.matches(object);
    let current = state.store.version();
    let snapshot: Option<Items> = match version {
        Some(version) if version < current => Some(state.store.snapshot(&key, version)?),
        _ => None,
    };
    let in_scope =
        |object: &&Arc<Value>| target.namespace.is_empty() || namespace(object) == target.namespace;
    let beyond = |object: &&Arc<Value>| {
        after
            .as_ref()
            .is_none_or(|after| (namespace(object), name(object)) > (after.0.as_str(), after.1.as_str()))
    };
    let mut objects: Vec<Arc<Value>> = match &snapshot {
        Some(items) => items.values().filter(in_scope).filter(beyond).filter(matching).cloned().collect(),
        None => state.store.list(&key, &target.namespace).filter(beyond).filter(matching).cloned().collect(),
    };
    let total = objects.len();
    let mut next = None;
    if let Some(limit) = limit
        && total > limit
    {
        objects.truncate(limit);
        next = objects.last().map(|last| (namespace(last).to_owned(), name(last).to_owned()));
    }
    let remaining = total - objects.len();
    Ok(Page { objects, version: version.unwrap_or(current).min(current), next, remaining })
}

/// The version a list is asked at; `None` for the latest.
fn asked_version(state: &State, query: &Query) -> Result<Option<u64>, ApiError> {
    let given = query.get("resourceVersion");
    let matching = query.get("resourceVersionMatch");
    if given.is_empty() {
        if !matching.is_empty() {
            let said = "resourceVersionMatch is forbidden unless resourceVersion is provided";
            let error = belay_schema::FieldError::forbidden("resourceVersionMatch", said);
            return Err(ApiError::invalid("meta.k8s.io", "ListOptions", "", &[error]));
        }
        return Ok(None);
    }
    let version: u64 = given.parse().map_err(|_| invalid_version(given))?;
    if version > state.store.version() {
        let message = format!("Too large resource version: {version}, current: {}", state.store.version());
        return Err(ApiError::new(504, "Timeout", message).with_retry_after(1));
    }
    Ok((matching == "Exact").then_some(version))
}

pub(crate) fn invalid_version(given: &str) -> ApiError {
    ApiError::bad_request(format!(
        "Invalid value: {given:?}: strconv.ParseUint: parsing {given:?}: invalid syntax"
    ))
}

fn token(version: u64, key: &ObjectKey) -> String {
    STANDARD.encode(json!({ "v": "meta.k8s.io/v1", "rv": version, "start": [key.0, key.1] }).to_string())
}

fn parse_token(token: &str) -> Result<(Option<u64>, ObjectKey), ApiError> {
    let refused = || ApiError::bad_request("continue key is not valid: it was not issued by this server");
    let bytes = STANDARD.decode(token).map_err(|_| refused())?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|_| refused())?;
    let part = |index: usize| value["start"][index].as_str().map(str::to_owned).ok_or_else(refused);
    Ok((Some(value["rv"].as_u64().ok_or_else(refused)?), (part(0)?, part(1)?)))
}
