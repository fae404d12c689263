//! An AdmissionReview: the question, and the answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use belay_schema::convert;
use serde_json::{Value, json};

use super::Admission;
use super::hook::Subject;
use crate::object::{items, name, namespace, text};
use crate::request::Target;
use crate::status::ApiError;

/// What a webhook said.
#[derive(Debug, Clone, Default)]
pub(super) struct Verdict {
    pub(super) allowed: bool,
    /// A JSON patch.
    pub(super) patch: Option<Value>,
    pub(super) warnings: Vec<String>,
    /// A `Status` that says why not.
    status: Value,
}

/// The question. Its uid is what the answer must repeat.
pub(super) fn request(admission: &Admission, target: &Target, version: &str, subject: &Subject<'_>) -> Value {
    let shown = |object: Option<&Value>| match object {
        Some(object) => convert(object, &target.definition.api_version(version)),
        None => Value::Null,
    };
    let mut request = attributes(target, subject);
    request["uid"] = uuid::Uuid::new_v4().to_string().into();
    request["kind"]["version"] = version.into();
    request["resource"]["version"] = version.into();
    let user = &admission.user;
    request["userInfo"] = json!({ "username": user.name, "uid": user.uid, "groups": user.groups });
    request["object"] = shown(subject.object);
    request["oldObject"] = shown(subject.old);
    request["dryRun"] = admission.dry_run.into();
    request["options"] = admission.options.clone();
    json!({ "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request })
}

/// What is asked about, without the objects.
pub(super) fn attributes(target: &Target, subject: &Subject<'_>) -> Value {
    let definition = &target.definition;
    let kind = json!({ "group": definition.group, "version": target.version, "kind": definition.kind });
    let resource =
        json!({ "group": definition.group, "version": target.version, "resource": definition.resource });
    let given = subject.object.or(subject.old);
    let name = if target.name.is_empty() { given.map(name).unwrap_or_default() } else { &target.name };
    let mut attributes = json!({
        "kind": kind, "resource": resource, "requestKind": kind, "requestResource": resource,
        "name": name, "operation": subject.operation.as_str(),
    });
    // A Namespace is its own namespace to webhooks.
    let space = if definition.group.is_empty() && definition.resource == "namespaces" {
        name
    } else if target.namespace.is_empty() {
        given.map(namespace).unwrap_or_default()
    } else {
        &target.namespace
    };
    if !space.is_empty() {
        attributes["namespace"] = space.into();
    }
    if !target.subresource.is_empty() {
        attributes["subResource"] = target.subresource.as_str().into();
        attributes["requestSubResource"] = target.subresource.as_str().into();
    }
    attributes
}

/// Read an answer, which must be about the question; the error says what is wrong with it.
pub(super) fn read(answer: &Value, question: &Value, may_change: bool) -> Result<Verdict, String> {
    let (kind, version) = (text(answer, &["kind"]), text(answer, &["apiVersion"]));
    if (kind, version) != ("AdmissionReview", "admission.k8s.io/v1") {
        return Err(format!(
            "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got {version}, Kind={kind}"
        ));
    }
    let response = &answer["response"];
    if response.is_null() {
        return Err("webhook response was absent".to_owned());
    }
    let (expected, uid) = (text(question, &["request", "uid"]), text(response, &["uid"]));
    if expected != uid {
        return Err(format!("expected response.uid={expected:?}, got {uid:?}"));
    }
    let warnings = items(response, &["warnings"]).iter().filter_map(|text| text.as_str().map(str::to_owned));
    Ok(Verdict {
        allowed: response["allowed"] == true,
        patch: if may_change { patch(response)? } else { None },
        warnings: warnings.collect(),
        status: response["status"].clone(),
    })
}

fn patch(response: &Value) -> Result<Option<Value>, String> {
    let (encoded, kind) = (text(response, &["patch"]), text(response, &["patchType"]));
    match (encoded, kind) {
        ("", "") => Ok(None),
        ("", _) => Err("webhook returned response.patchType but not response.patch".to_owned()),
        (_, "") => Err("webhook returned response.patch but not response.patchType".to_owned()),
        (encoded, "JSONPatch") => {
            let bytes = STANDARD.decode(encoded).map_err(|error| error.to_string())?;
            serde_json::from_slice(&bytes).map(Some).map_err(|error| error.to_string())
        }
        (_, other) => Err(format!("invalid value of response.patchType={other:?}, expected JSONPatch")),
    }
}

impl Verdict {
    /// Nothing against it.
    pub(super) fn allowed() -> Verdict {
        Verdict { allowed: true, ..Verdict::default() }
    }

    /// The refusal, in the API server's words.
    pub(super) fn denial(&self, webhook: &str) -> ApiError {
        let denied = format!("admission webhook {webhook:?} denied the request");
        let (message, reason) = (text(&self.status, &["message"]), text(&self.status, &["reason"]));
        let said = match (message, reason) {
            ("", "") => format!("{denied} without explanation"),
            ("", reason) => format!("{denied}: {reason}"),
            (message, _) => format!("{denied}: {message}"),
        };
        let code =
            self.status["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(0).max(400);
        let mut refused = ApiError::new(code, known_reason(reason), said);
        refused.details = self.status["details"].clone();
        refused
    }
}

fn known_reason(reason: &str) -> &'static str {
    const KNOWN: [&str; 9] = [
        "AlreadyExists",
        "BadRequest",
        "Conflict",
        "Forbidden",
        "InternalError",
        "Invalid",
        "NotFound",
        "TooManyRequests",
        "Unauthorized",
    ];
    KNOWN.into_iter().find(|known| *known == reason).unwrap_or_default()
}
