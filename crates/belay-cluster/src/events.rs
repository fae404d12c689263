//! Kubernetes Events about the objects that we work on.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use belay_manifest::Object;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{Api, DynamicObject, PostParams};
use kube::core::ApiResource;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// Events that may wait to be written; who has one more waits, too. As many as client-go keeps.
const WAITING: usize = 1_000;
/// Longest message of an Event that the API server takes, in bytes.
const LONGEST_MESSAGE: usize = 1024;

/// Whether an Event is good news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Something happened as it should.
    Normal,
    /// Something needs a look.
    Warning,
}

/// Writes Events under one controller's name, one after the other and beside the work they tell of, as client-go's
/// recorder does. A failed write is logged, never returned; what waits when the process ends is lost.
#[derive(Clone)]
pub struct EventRecorder {
    client: Client,
    controller: &'static str,
    writer: Arc<OnceLock<Writer>>,
}

/// The task that writes, and what it has before it.
struct Writer {
    waiting: mpsc::Sender<DynamicObject>,
    task: AbortHandle,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl EventRecorder {
    /// A recorder that names this controller as the source.
    pub fn new(client: Client, controller: &'static str) -> EventRecorder {
        EventRecorder { client, controller, writer: Arc::default() }
    }

    /// Records an Event about an object.
    pub async fn record(
        &self,
        about: &Object,
        severity: Severity,
        reason: &str,
        message: &str,
        annotations: &BTreeMap<String, String>,
    ) {
        self.record_labelled(about, severity, reason, message, annotations, &BTreeMap::new()).await;
    }

    /// Records an Event about an object, with labels of its own.
    pub async fn record_labelled(
        &self,
        about: &Object,
        severity: Severity,
        reason: &str,
        message: &str,
        annotations: &BTreeMap<String, String>,
        labels: &BTreeMap<String, String>,
    ) {
        let namespace = if about.namespace().is_empty() { "default" } else { about.namespace() };
        let mut event = event(about, namespace, self.controller, severity, reason, message);
        event["metadata"]["annotations"] = json!(annotations);
        if !labels.is_empty() {
            event["metadata"]["labels"] = json!(labels);
        }
        if let Ok(event) = serde_json::from_value::<DynamicObject>(event) {
            let writer = self.writer.get_or_init(|| Writer::start(self.client.clone()));
            // Only a process that ends has no writer.
            let _ = writer.waiting.send(event).await;
        }
    }
}

impl Writer {
    fn start(client: Client) -> Writer {
        let (waiting, events) = mpsc::channel(WAITING);
        Writer { waiting, task: tokio::spawn(write(client, events)).abort_handle() }
    }
}

async fn write(client: Client, mut events: mpsc::Receiver<DynamicObject>) {
    let resource = ApiResource::erase::<k8s_openapi::api::core::v1::Event>(&());
    while let Some(event) = events.recv().await {
        let namespace = event.metadata.namespace.as_deref().unwrap_or("default");
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
        if let Err(error) = api.create(&PostParams::default(), &event).await {
            let name = event.metadata.name.as_deref().unwrap_or_default();
            tracing::debug!(event = name, %error, "event not recorded");
        }
    }
}

fn event(
    about: &Object,
    namespace: &str,
    controller: &str,
    severity: Severity,
    reason: &str,
    message: &str,
) -> Value {
    let now = crate::simulation::now();
    let kind = match severity {
        Severity::Normal => "Normal",
        Severity::Warning => "Warning",
    };
    json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": format!("{}.{:x}", about.name(), now.as_nanosecond()), "namespace": namespace},
        "involvedObject": {
            "apiVersion": about.api_version(), "kind": about.kind(), "name": about.name(),
            "namespace": about.namespace(), "uid": about.uid(),
            "resourceVersion": about.value()["metadata"]["resourceVersion"],
        },
        "reason": reason, "message": shortened(message), "type": kind,
        "source": {"component": controller}, "reportingComponent": controller, "reportingInstance": controller,
        "firstTimestamp": whole_seconds(now), "lastTimestamp": whole_seconds(now), "count": 1,
    })
}

fn whole_seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

fn shortened(message: &str) -> String {
    if message.len() <= LONGEST_MESSAGE {
        return message.to_owned();
    }
    let mut end = LONGEST_MESSAGE - 3;
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", &message[..end])
}
