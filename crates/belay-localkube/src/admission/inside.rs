//! Webhooks that are answered in this process: they need no connection, and wait by tokio's clock.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

/// What such a webhook says.
#[derive(Debug, Clone)]
pub struct WebhookAnswer {
    /// How long that takes.
    pub after: Duration,
    /// An AdmissionReview, or why there is none, in the words of Go's client.
    pub review: Result<Value, String>,
}

/// A webhook, asked with an AdmissionReview.
pub(crate) type Webhook = Arc<dyn Fn(&Value) -> WebhookAnswer + Send + Sync>;

/// Those that are answered here, by their URLs.
#[derive(Default)]
pub(crate) struct Inside(Mutex<HashMap<String, Webhook>>);

impl Inside {
    pub(crate) fn add(&self, url: &str, webhook: Webhook) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(url.to_owned(), webhook);
    }

    pub(super) fn get(&self, url: &str) -> Option<Webhook> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(url).cloned()
    }
}

impl fmt::Debug for Inside {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Inside").finish_non_exhaustive()
    }
}
