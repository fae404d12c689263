//! `POST /api/webhook`: a Git host says that a repository has changed.
//!
//! A push is noted and answered; who reads that repository is made to look again beside that. Its content is not trusted
//! for anything else. What is answered says nothing about which repositories are known.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::api::problem;
use crate::body;
use crate::engine::{Push, WebhookSecrets};
use crate::guard::same_bytes;
use crate::serve::Shared;

/// Largest body.
const LARGEST_BODY: usize = 3 * 1024 * 1024;
/// The header of GitHub's signature.
const GITHUB_SIGNATURE: &str = "x-hub-signature-256";

/// Whose form a body has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sender {
    GitHub,
    GitLab,
    Generic,
}

pub(crate) async fn receive(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if parts.headers.contains_key(header::ORIGIN) {
        return problem(StatusCode::FORBIDDEN, "a browser's page may not ask this");
    }
    let secrets = match shared.engine.webhook_secrets().await {
        Ok(secrets) => secrets,
        Err(error) => {
            tracing::warn!(%error, "webhook not taken");
            return problem(StatusCode::SERVICE_UNAVAILABLE, "the signature cannot be checked now");
        }
    };
    let sender = sender(&parts.headers);
    if !may_be_signed(sender, &parts.headers, &secrets) {
        // Without a look at the body, which may be long.
        return not_signed();
    }
    let body = match body::read(body, LARGEST_BODY).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    if !is_signed_beside(sender, &parts.headers, &body, &secrets).await {
        return not_signed();
    }
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return problem(StatusCode::BAD_REQUEST, "the body is not the JSON of a push");
    };
    if is_other_event(sender, &parts.headers) {
        return (StatusCode::OK, Json(json!({"message": "not a push, nothing to do"}))).into_response();
    }
    let Some(push) = push(sender, &body) else {
        return problem(StatusCode::BAD_REQUEST, "the body is not the JSON of a push");
    };
    if let Err(error) = shared.engine.repository_changed(&push) {
        tracing::warn!(%error, "webhook not taken");
        return problem(StatusCode::SERVICE_UNAVAILABLE, error.to_string());
    }
    (StatusCode::OK, Json(json!({"message": "taken"}))).into_response()
}

fn sender(headers: &HeaderMap) -> Sender {
    if headers.contains_key("x-github-event") {
        Sender::GitHub
    } else if headers.contains_key("x-gitlab-event") {
        Sender::GitLab
    } else {
        Sender::Generic
    }
}

fn not_signed() -> Response {
    problem(StatusCode::UNAUTHORIZED, "the signature does not match")
}

/// Whether a body could bear out what the headers show.
fn may_be_signed(sender: Sender, headers: &HeaderMap, secrets: &WebhookSecrets) -> bool {
    is_signed_by(sender, headers, secrets, |_secret| headers.contains_key(GITHUB_SIGNATURE))
}

/// Long bodies are looked through in a thread of their own: others would have to wait for that.
async fn is_signed_beside(
    sender: Sender,
    headers: &HeaderMap,
    body: &Bytes,
    secrets: &WebhookSecrets,
) -> bool {
    if body.len() <= body::SHORT {
        return is_signed(sender, headers, body, secrets);
    }
    let (headers, body, secrets) = (headers.clone(), body.clone(), secrets.clone());
    let checked = tokio::task::spawn_blocking(move || is_signed(sender, &headers, &body, &secrets));
    checked.await.unwrap_or(false)
}

fn is_signed(sender: Sender, headers: &HeaderMap, body: &[u8], secrets: &WebhookSecrets) -> bool {
    is_signed_by(sender, headers, secrets, |secret| signed_by_github(headers, body, secret))
}

/// A sender whose secret is set must sign. The generic form, which has no secret of its own, must
/// carry one of the others' signatures as soon as one of them is set.
fn is_signed_by(
    sender: Sender,
    headers: &HeaderMap,
    secrets: &WebhookSecrets,
    by_github: impl Fn(&str) -> bool,
) -> bool {
    let github = secrets.github.as_ref().map(|secret| by_github(secret.expose()));
    let gitlab = secrets.gitlab.as_ref().map(|secret| {
        let token = headers.get("x-gitlab-token").map(|token| token.as_bytes());
        same_bytes(token.unwrap_or_default(), secret.expose().as_bytes())
    });
    match sender {
        Sender::GitHub => github.unwrap_or(true),
        Sender::GitLab => gitlab.unwrap_or(true),
        Sender::Generic => {
            (github.is_none() && gitlab.is_none()) || github == Some(true) || gitlab == Some(true)
        }
    }
}

fn signed_by_github(headers: &HeaderMap, body: &[u8], secret: &str) -> bool {
    let signature = headers.get(GITHUB_SIGNATURE).and_then(|signature| signature.to_str().ok());
    let signature = signature.and_then(|signature| hex::decode(signature.strip_prefix("sha256=")?).ok());
    let Some(signature) = signature else {
        return false;
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body);
    // Compares in constant time.
    !secret.is_empty() && mac.verify_slice(&signature).is_ok()
}

fn is_other_event(sender: Sender, headers: &HeaderMap) -> bool {
    let event =
        |name: &str| headers.get(name).and_then(|event| event.to_str().ok()).unwrap_or_default().to_owned();
    match sender {
        Sender::GitHub => event("x-github-event") != "push",
        Sender::GitLab => {
            !["Push Hook", "Tag Push Hook", "System Hook"].contains(&event("x-gitlab-event").as_str())
        }
        Sender::Generic => false,
    }
}

fn push(sender: Sender, body: &Value) -> Option<Push> {
    let urls = |names: &[&str], place: &Value| -> Vec<String> {
        let urls = names.iter().filter_map(|name| place[*name].as_str());
        urls.filter(|url| !url.is_empty()).map(str::to_owned).collect()
    };
    let repositories = match sender {
        Sender::GitHub => urls(&["clone_url", "html_url", "ssh_url", "git_url"], &body["repository"]),
        Sender::GitLab => urls(&["git_http_url", "web_url", "git_ssh_url"], &body["project"]),
        Sender::Generic => urls(&["repository"], body),
    };
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let push = Push { repositories, reference: text("ref"), commit: text("after") };
    (!push.repositories.is_empty()).then_some(push)
}
