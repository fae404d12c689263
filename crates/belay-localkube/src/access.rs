//! Who may do what: admins everything, others what RBAC grants them; and the reviews that ask for it.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use crate::api::Answer;
use crate::cluster::{Cluster, State};
use crate::object::{at, items, namespace, text};
use crate::request::{Request, Target, User};
use crate::status::ApiError;
use crate::store::GroupResource;

const RBAC: &str = "rbac.authorization.k8s.io";

/// The verb that RBAC and discovery know a request by.
pub(crate) fn verb(request: &Request, is_collection: bool) -> &'static str {
    match (&request.method, is_collection) {
        (&Method::GET, _) if request.query.is_true("watch") => "watch",
        (&Method::GET, true) => "list",
        (&Method::GET, false) => "get",
        (&Method::POST, _) => "create",
        (&Method::PUT, _) => "update",
        (&Method::PATCH, _) => "patch",
        (&Method::DELETE, true) => "deletecollection",
        (&Method::DELETE, false) => "delete",
        _ => "",
    }
}

/// What somebody wants to do.
#[derive(Debug, Default)]
struct Attempt<'a> {
    verb: &'a str,
    group: &'a str,
    resource: String,
    namespace: &'a str,
    name: &'a str,
}

/// Refuse to act as another whom the user may not be.
pub(crate) fn may_impersonate(cluster: &Cluster, user: &User, other: &str) -> Result<(), ApiError> {
    let account = other.strip_prefix("system:serviceaccount:").and_then(|account| account.split_once(':'));
    let (resource, space, name) = match account {
        Some((space, name)) => ("serviceaccounts", space, name),
        None => ("users", "", other),
    };
    let attempt =
        Attempt { verb: "impersonate", group: "", resource: resource.to_owned(), namespace: space, name };
    if cluster.with(|state| is_allowed(state, user, &attempt)) {
        return Ok(());
    }
    let scope = if space.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {space:?}")
    };
    let cause =
        format!("User {:?} cannot impersonate resource {resource:?} in API group \"\" {scope}", user.name);
    Err(ApiError::forbidden("", resource, name, &cause))
}

/// Refuse what the user may not do.
pub(crate) fn authorize(cluster: &Cluster, request: &Request, target: &Target) -> Result<(), ApiError> {
    let resource = if target.subresource.is_empty() {
        target.definition.resource.clone()
    } else {
        format!("{}/{}", target.definition.resource, target.subresource)
    };
    let is_collection = target.name.is_empty();
    let attempt = Attempt {
        verb: verb(request, is_collection),
        group: &target.definition.group,
        resource,
        namespace: &target.namespace,
        name: &target.name,
    };
    if cluster.with(|state| is_allowed(state, &request.user, &attempt)) {
        return Ok(());
    }
    let scope = if target.namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {:?}", target.namespace)
    };
    let cause = format!(
        "User {:?} cannot {} resource {:?} in API group {:?} {scope}",
        request.user.name, attempt.verb, attempt.resource, attempt.group
    );
    Err(ApiError::forbidden(&target.definition.group, &target.definition.resource, &target.name, &cause))
}

fn is_allowed(state: &State, user: &User, attempt: &Attempt<'_>) -> bool {
    if user.groups.iter().any(|group| group == "system:masters") {
        return true;
    }
    let is_review = matches!(attempt.group, "authorization.k8s.io" | "authentication.k8s.io")
        && attempt.resource.starts_with("self")
        && attempt.verb == "create";
    if is_review {
        return true;
    }
    let everywhere = state.store.list(&GroupResource::new(RBAC, "clusterrolebindings"), "");
    let here = state.store.list(&GroupResource::new(RBAC, "rolebindings"), attempt.namespace);
    let here = here.filter(|_| !attempt.namespace.is_empty());
    everywhere.chain(here).any(|binding| {
        items(binding, &["subjects"]).iter().any(|subject| is_subject(user, subject))
            && rules_of(state, binding).iter().any(|rule| rule_allows(rule, attempt))
    })
}

fn is_subject(user: &User, subject: &Value) -> bool {
    let name = text(subject, &["name"]);
    match text(subject, &["kind"]) {
        "User" => user.name == name,
        "Group" => user.groups.iter().any(|group| group == name),
        "ServiceAccount" => {
            user.name == format!("system:serviceaccount:{}:{name}", text(subject, &["namespace"]))
        }
        _ => false,
    }
}

fn rules_of(state: &State, binding: &Value) -> Vec<Value> {
    let name = text(binding, &["roleRef", "name"]);
    let role = if text(binding, &["roleRef", "kind"]) == "Role" {
        state.store.get(&GroupResource::new(RBAC, "roles"), namespace(binding), name)
    } else {
        state.store.get(&GroupResource::new(RBAC, "clusterroles"), "", name)
    };
    match role {
        Some(role) => items(role, &["rules"]).to_vec(),
        None if name == "cluster-admin" => {
            vec![json!({ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] })]
        }
        None => Vec::new(),
    }
}

fn rule_allows(rule: &Value, attempt: &Attempt<'_>) -> bool {
    let has = |field: &str, wanted: &str| {
        items(rule, &[field]).iter().any(|item| item == "*" || item.as_str() == Some(wanted))
    };
    let names = items(rule, &["resourceNames"]);
    has("verbs", attempt.verb)
        && has("apiGroups", attempt.group)
        && has("resources", &attempt.resource)
        && (names.is_empty() || names.iter().any(|name| name.as_str() == Some(attempt.name)))
}

/// Reviews are answered and not stored.
pub(crate) fn review(
    cluster: &Arc<Cluster>,
    request: &Request,
    target: &Target,
) -> Result<Option<Answer>, ApiError> {
    let definition = &target.definition;
    if !matches!(definition.group.as_str(), "authorization.k8s.io" | "authentication.k8s.io") {
        return Ok(None);
    }
    if request.method != Method::POST {
        return Err(ApiError::method_not_allowed());
    }
    let mut review = crate::body::object(request)?;
    let user = match definition.kind.as_str() {
        "SelfSubjectAccessReview" => request.user.clone(),
        "TokenReview" => {
            cluster.with(|state| crate::tokens::review(state, &mut review));
            return Ok(Some(Answer::created(review)));
        }
        "SubjectAccessReview" | "LocalSubjectAccessReview" => User {
            name: text(&review, &["spec", "user"]).to_owned(),
            uid: text(&review, &["spec", "uid"]).to_owned(),
            groups: items(&review, &["spec", "groups"])
                .iter()
                .filter_map(|group| group.as_str().map(str::to_owned))
                .collect(),
        },
        "SelfSubjectReview" => {
            let user = &request.user;
            let mut shown = json!({ "username": user.name });
            if !user.uid.is_empty() {
                shown["uid"] = user.uid.as_str().into();
            }
            shown["groups"] = json!(user.groups);
            review["status"] = json!({ "userInfo": shown });
            return Ok(Some(Answer::created(review)));
        }
        other => return Err(ApiError::not_supported(other)),
    };
    let asked = at(&review, &["spec", "resourceAttributes"]);
    let subresource = text(asked, &["subresource"]);
    let resource = text(asked, &["resource"]).to_owned();
    let attempt = Attempt {
        verb: text(asked, &["verb"]),
        group: text(asked, &["group"]),
        resource: if subresource.is_empty() { resource } else { format!("{resource}/{subresource}") },
        namespace: text(asked, &["namespace"]),
        name: text(asked, &["name"]),
    };
    let allowed = cluster.with(|state| is_allowed(state, &user, &attempt));
    review["status"] = json!({ "allowed": allowed });
    Ok(Some(Answer::created(review)))
}
