//! Asking a webhook over HTTPS.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Certificate, Client, redirect};
use serde_json::Value;

use super::inside::{Webhook, WebhookAnswer};
use super::review::{self, Verdict};

/// Longer answers are not read.
const MAX_ANSWER: usize = 3 * 1024 * 1024;

/// A question that is ready to be sent.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) url: String,
    /// Its authority, as PEM in base64; empty for those that everybody trusts.
    pub(super) authority: String,
    pub(super) seconds: u64,
    /// Whether the answer may change the object.
    pub(super) changes: bool,
    pub(super) review: Value,
}

impl Call {
    /// What the webhook says, one in this process if there is one; the error is why it could not be asked.
    pub(super) async fn ask(&self, inside: Option<Webhook>) -> Result<Verdict, String> {
        let send = async {
            match inside {
                Some(webhook) => self.ask_inside(webhook(&self.review)).await,
                None => self.send().await,
            }
        };
        let sent = tokio::time::timeout(Duration::from_secs(self.seconds), send).await;
        let answer = sent.unwrap_or_else(|_| Err(self.unreached("context deadline exceeded")));
        let answer = answer.map_err(|reason| format!("failed to call webhook: {reason}"))?;
        review::read(&answer, &self.review, self.changes)
            .map_err(|reason| format!("received invalid webhook response: {reason}"))
    }

    async fn ask_inside(&self, answer: WebhookAnswer) -> Result<Value, String> {
        tokio::time::sleep(answer.after).await;
        answer.review.map_err(|reason| self.unreached(&reason))
    }

    async fn send(&self) -> Result<Value, String> {
        let client = self.client().map_err(|error| error.to_string())?;
        let address = self.address();
        let request = client.post(address).json(&self.review);
        let mut response = request.send().await.map_err(|error| self.unreached(&reason(&error)))?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| self.unreached(&reason(&error)))? {
            body.extend_from_slice(&part);
            if body.len() > MAX_ANSWER {
                return Err("the answer is too large".to_owned());
            }
        }
        if !status.is_success() {
            return Err(match status.as_u16() {
                404 => "the server could not find the requested resource".to_owned(),
                code if code >= 500 => format!(
                    "an error on the server ({:?}) has prevented the request from succeeding",
                    String::from_utf8_lossy(&body)
                ),
                _ => "the server rejected our request for an unknown reason".to_owned(),
            });
        }
        serde_json::from_slice(&body).map_err(|error| error.to_string())
    }

    fn client(&self) -> Result<Client, reqwest::Error> {
        let builder = Client::builder().no_proxy().redirect(redirect::Policy::none());
        let pem = STANDARD.decode(&self.authority).unwrap_or_default();
        if pem.is_empty() {
            return builder.build();
        }
        builder.tls_certs_only(Certificate::from_pem_bundle(&pem)?).build()
    }

    fn address(&self) -> String {
        let sign = if self.url.contains('?') { '&' } else { '?' };
        format!("{}{sign}timeout={}s", self.url, self.seconds)
    }

    fn unreached(&self, reason: &str) -> String {
        format!("Post {:?}: {reason}", self.address())
    }
}

/// The innermost cause, as Go's client words those that are met most.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let text = cause.to_string();
    if text.contains("Connection refused") {
        let host = error.url().map(|url| {
            format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(443))
        });
        return format!("dial tcp {}: connect: connection refused", host.unwrap_or_default());
    }
    if text.contains("UnknownIssuer") {
        return "tls: failed to verify certificate: x509: certificate signed by unknown authority".to_owned();
    }
    text
}
