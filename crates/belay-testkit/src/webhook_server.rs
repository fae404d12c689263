//! Admission webhooks over HTTPS, with an authority of their own.
//!
//! Each path is a webhook. What it says is set beforehand and may be changed while it is served; a path of which nothing
//! was said allows everything.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::tls::{Clients, Identity, ServerCertificate, TlsServerError, identity, serve};

/// Longer than any API server waits.
const HANGS: Duration = Duration::from_secs(60);

/// What a webhook does.
#[derive(Debug, Clone, Default)]
pub struct Webhook {
    /// The names of the objects that it means; all of them when empty. Others are allowed as they are.
    pub objects: Vec<String>,
    /// What it says.
    pub answer: WebhookAnswer,
}

/// What a webhook says.
#[derive(Debug, Clone, Default)]
pub enum WebhookAnswer {
    /// Nothing against it.
    #[default]
    Allow,
    /// No, with this `Status`.
    Deny(Value),
    /// Yes, with this JSON patch.
    Patch(Value),
    /// An internal error.
    Break,
    /// Nothing at all.
    Hang,
}

/// A server of webhooks on the loopback address. It stops when it is dropped.
#[derive(Debug)]
pub struct WebhookServer {
    address: SocketAddr,
    authority: String,
    known: Known,
    task: JoinHandle<()>,
}

/// Webhooks by their paths, and how often each was asked.
#[derive(Debug, Clone, Default)]
struct Known(Arc<Mutex<HashMap<String, (Webhook, Asked)>>>);

/// How often a webhook was asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// About what was to happen.
    pub in_earnest: usize,
    /// About what was only tried.
    pub for_dry_runs: usize,
}

impl WebhookServer {
    /// Listens and serves from now on, in tasks of the current runtime.
    pub async fn start() -> Result<WebhookServer, TlsServerError> {
        let Identity { authority, tls, .. } = identity(ServerCertificate::Good, Clients::Anybody)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let known = Known::default();
        let router = Router::new().fallback(answer).with_state(known.clone());
        let task = tokio::spawn(serve(listener, tls, router));
        Ok(WebhookServer { address, authority, known, task })
    }

    /// Where a webhook is: `https://127.0.0.1:PORT/PATH`.
    pub fn url_of(&self, path: &str) -> String {
        format!("https://{}/{}", self.address, path.trim_start_matches('/'))
    }

    /// Who vouches for the server, as a configuration's `caBundle` says it.
    pub fn authority(&self) -> String {
        STANDARD.encode(&self.authority)
    }

    /// From now on a webhook does this.
    pub fn set(&self, path: &str, webhook: Webhook) {
        self.known.lock().entry(path.trim_start_matches('/').to_owned()).or_default().0 = webhook;
    }

    /// How often a webhook was asked.
    pub fn asked(&self, path: &str) -> Asked {
        self.known.lock().get(path.trim_start_matches('/')).map(|known| known.1).unwrap_or_default()
    }
}

impl Drop for WebhookServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Known {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Webhook, Asked)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a question, and gives who is to answer it.
    fn ask(&self, path: &str, is_dry_run: bool) -> Webhook {
        let mut known = self.lock();
        let (webhook, asked) = known.entry(path.to_owned()).or_default();
        if is_dry_run {
            asked.for_dry_runs += 1;
        } else {
            asked.in_earnest += 1;
        }
        webhook.clone()
    }
}

async fn answer(State(known): State<Known>, uri: Uri, Json(review): Json<Value>) -> Response {
    let request = &review["request"];
    let webhook = known.ask(uri.path().trim_start_matches('/'), request["dryRun"] == true);
    let name = request["name"].as_str().unwrap_or_default();
    let is_meant = webhook.objects.is_empty() || webhook.objects.iter().any(|object| object == name);
    let mut response = json!({ "uid": request["uid"], "allowed": true });
    match webhook.answer {
        _ if !is_meant => {}
        WebhookAnswer::Allow => {}
        WebhookAnswer::Deny(status) => {
            response["allowed"] = false.into();
            response["status"] = status;
        }
        // What is deleted cannot be changed.
        WebhookAnswer::Patch(_) if request["operation"] == "DELETE" => {}
        WebhookAnswer::Patch(patch) => {
            response["patchType"] = "JSONPatch".into();
            response["patch"] = STANDARD.encode(patch.to_string()).into();
        }
        WebhookAnswer::Break => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        WebhookAnswer::Hang => tokio::time::sleep(HANGS).await,
    }
    Json(json!({ "apiVersion": review["apiVersion"], "kind": review["kind"], "response": response }))
        .into_response()
}
