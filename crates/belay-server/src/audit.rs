//! `POST /audit`: the API server tells who changed what (its audit webhook, `audit.k8s.io/v1`).
//!
//! Of an event no more is read than who, what and when: bodies of objects, which may be Secrets, are passed over. Who may
//! tell shows a token; without one nothing is taken.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::api::problem;
use crate::body;
use crate::guard::same_bytes;
use crate::serve::Shared;

/// Largest body: the API server sends up to 10 MiB at once.
const LARGEST_BODY: usize = 11 * 1024 * 1024;
/// Longest name of anything that is kept.
const LONGEST_NAME: usize = 256;

/// A change that somebody made, as the API server names the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// The API group, empty for the core.
    pub group: String,
    /// The resource, such as `configmaps`.
    pub resource: String,
    /// Empty for objects of the cluster.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// Who.
    pub user: String,
    /// The field manager that the request names, or the one that the API server makes of the client's name.
    pub manager: String,
    /// When it was answered.
    pub time: Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventList {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    items: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Event {
    stage: String,
    verb: String,
    user: User,
    #[serde(rename = "requestURI")]
    request_uri: String,
    user_agent: String,
    object_ref: Option<Reference>,
    response_status: Option<Status>,
    stage_timestamp: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct User {
    username: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Reference {
    resource: String,
    namespace: String,
    name: String,
    api_group: String,
    subresource: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    code: u16,
}

pub(crate) async fn receive(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(token) = shared.engine.audit_token() else { return StatusCode::NOT_FOUND.into_response() };
    let shown = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown = shown.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    if token.expose().is_empty() || !same_bytes(shown.as_bytes(), token.expose().as_bytes()) {
        return problem(StatusCode::UNAUTHORIZED, "the token does not match");
    }
    let body = match body::read_of_known(body, LARGEST_BODY).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let Ok(list) = serde_json::from_slice::<EventList>(&body) else {
        return problem(StatusCode::BAD_REQUEST, "the body is no list of audit events");
    };
    if (list.api_version.as_str(), list.kind.as_str()) != ("audit.k8s.io/v1", "EventList") {
        return problem(StatusCode::BAD_REQUEST, "the body is no EventList of audit.k8s.io/v1");
    }
    shared.engine.audited(list.items.into_iter().filter_map(change).collect());
    (StatusCode::OK, Json(json!({"message": "taken"}))).into_response()
}

/// What an event tells of a change; nothing for requests that changed nothing, or no object.
fn change(event: Event) -> Option<Audited> {
    let is_write = matches!(event.verb.as_str(), "create" | "update" | "patch" | "delete");
    let is_done = event.response_status.is_none_or(|status| (200..300).contains(&status.code));
    if event.stage != "ResponseComplete" || !is_write || !is_done || event.request_uri.contains("dryRun=") {
        return None;
    }
    let Reference { resource, namespace, name, api_group, subresource } = event.object_ref?;
    let manager = manager(&event.request_uri, &event.user_agent);
    let user = event.user.username;
    let names = [&resource, &namespace, &name, &api_group, &user, &manager];
    let is_kept = !name.is_empty() && subresource.is_empty() && !user.is_empty();
    (is_kept && names.iter().all(|name| name.len() <= LONGEST_NAME)).then_some(())?;
    let time = event.stage_timestamp.parse().ok()?;
    Some(Audited { group: api_group, resource, namespace, name, user, manager, time })
}

/// As the API server works it out: what the request says, else the client's name up to the first slash.
fn manager(uri: &str, user_agent: &str) -> String {
    let query = uri.split_once('?').map(|(_, query)| query).unwrap_or_default();
    let named = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "fieldManager");
    match named {
        Some((_, manager)) => manager.into_owned(),
        None => user_agent.split('/').next().unwrap_or_default().chars().take(128).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn event() -> Value {
        json!({"stage": "ResponseComplete", "verb": "patch", "user": {"username": "ada", "groups": ["devs"]},
            "requestURI": "/api/v1/namespaces/shop/configmaps/settings?fieldManager=kubectl-edit&fieldValidation=Strict",
            "userAgent": "kubectl/v1.34.4 (linux/amd64)", "stageTimestamp": "2026-01-01T00:00:00.123456Z",
            "objectRef": {"resource": "configmaps", "namespace": "shop", "name": "settings", "apiVersion": "v1"},
            "responseStatus": {"metadata": {}, "code": 200}, "requestObject": {"data": {"password": "canary"}}})
    }

    fn read(event: Value) -> Option<Audited> {
        change(serde_json::from_value(event).unwrap())
    }

    #[test]
    fn a_change_is_read_and_its_content_is_not() {
        let found = read(event()).unwrap();
        assert_eq!((found.user.as_str(), found.manager.as_str()), ("ada", "kubectl-edit"));
        assert_eq!((found.resource.as_str(), found.name.as_str()), ("configmaps", "settings"));
        assert!(!format!("{found:?}").contains("canary"));
        let mut unnamed = event();
        unnamed["requestURI"] = json!("/api/v1/namespaces/shop/configmaps/settings");
        assert_eq!(read(unnamed).unwrap().manager, "kubectl");
    }

    #[test]
    fn what_changed_nothing_is_passed_over() {
        for (path, value) in [
            ("/stage", json!("RequestReceived")),
            ("/verb", json!("get")),
            ("/responseStatus/code", json!(409)),
            ("/requestURI", json!("/api/v1/x?dryRun=All")),
            ("/objectRef", Value::Null),
            ("/objectRef/name", json!("")),
            ("/stageTimestamp", json!("yesterday")),
            ("/user/username", json!("a".repeat(300))),
        ] {
            let mut event = event();
            *event.pointer_mut(path).unwrap() = value;
            assert_eq!(read(event), None, "{path}");
        }
    }
}
