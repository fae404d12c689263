//! The steps of looks at apps as spans, sent to an OpenTelemetry collector (OTLP over HTTP, in JSON), where one is named.
//!
//! Sending is nobody's business but a task's of its own: what it cannot take in time is dropped and counted. OTLP's own
//! crates would bring gRPC and protobuf along, for one message.

mod message;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use belay_metrics::Metrics;
use reqwest::Client;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::timeout;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// The spans that are sent.
pub(crate) const TARGET: &str = "belay::steps";
/// Spans that wait to be sent; more are dropped.
const MOST_WAITING: usize = 4096;
/// Spans of one request.
const MOST_AT_ONCE: usize = 512;
/// How long spans wait for others.
const GATHER: Duration = Duration::from_secs(2);
/// How long a collector may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A span that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    trace: u128,
    id: u64,
    /// Nothing for the first of its trace.
    parent: Option<u64>,
    name: String,
    attributes: BTreeMap<&'static str, String>,
    began: SystemTime,
    ended: SystemTime,
}

/// Takes spans in as they end.
pub(crate) struct Spans {
    sender: Sender<Span>,
    metrics: Metrics,
}

/// Sends what has been taken in.
pub(crate) struct Exporter {
    spans: Receiver<Span>,
    url: String,
    client: Client,
    metrics: Metrics,
}

/// Both ends of the way to a collector, of which this is the base of the URLs.
pub(crate) fn to(endpoint: &str, metrics: &Metrics) -> anyhow::Result<(Spans, Exporter)> {
    let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    let client = Client::builder().timeout(PATIENCE).build()?;
    let (sender, spans) = channel(MOST_WAITING);
    let exporter = Exporter { spans, url, client, metrics: metrics.clone() };
    Ok((Spans { sender, metrics: metrics.clone() }, exporter))
}

impl Spans {
    /// Which spans are wanted: those of steps.
    pub(crate) fn are_wanted(metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.target() == TARGET
    }
}

/// A span that goes on.
struct Open {
    trace: u128,
    id: u64,
    parent: Option<u64>,
    fields: Fields,
    began: SystemTime,
}

#[derive(Default)]
struct Fields {
    name: Option<String>,
    others: BTreeMap<&'static str, String>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "otel.name" => self.name = Some(value.to_owned()),
            name => drop(self.others.insert(name, value.to_owned())),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let parent = span.parent().and_then(|parent| {
            let extensions = parent.extensions();
            extensions.get::<Open>().map(|open| (open.trace, open.id))
        });
        let (trace, parent) = match parent {
            Some((trace, id)) => (trace, Some(id)),
            None => (rand::random(), None),
        };
        let open = Open { trace, id: rand::random(), parent, fields, began: SystemTime::now() };
        span.extensions_mut().insert(open);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(open) = span.extensions_mut().remove::<Open>() else { return };
        let Open { trace, id, parent, fields, began } = open;
        let name = fields.name.unwrap_or_else(|| span.name().to_owned());
        let ended = SystemTime::now();
        let span = Span { trace, id, parent, name, attributes: fields.others, began, ended };
        if self.sender.try_send(span).is_err() {
            self.metrics.spans_dropped(1);
        }
    }
}

impl Exporter {
    /// Sends until the process ends.
    pub(crate) async fn run(mut self) {
        let mut is_failing = false;
        let mut batch = Vec::new();
        while self.spans.recv_many(&mut batch, MOST_AT_ONCE).await > 0 {
            let gather = async {
                while let Some(left) = MOST_AT_ONCE.checked_sub(batch.len()).filter(|left| *left > 0) {
                    if self.spans.recv_many(&mut batch, left).await == 0 {
                        return;
                    }
                }
            };
            let _full_or_over = timeout(GATHER, gather).await;
            match self.send(&batch).await {
                Ok(()) => is_failing = false,
                Err(error) => {
                    self.metrics.spans_dropped(batch.len());
                    if !std::mem::replace(&mut is_failing, true) {
                        tracing::warn!(error = format!("{error:#}"), "spans are not taken by the collector");
                    }
                }
            }
            batch.clear();
        }
    }

    async fn send(&self, batch: &[Span]) -> anyhow::Result<()> {
        let body = message::of(batch).to_string();
        let request = self.client.post(&self.url).header("content-type", "application/json").body(body);
        request.send().await?.error_for_status()?;
        Ok(())
    }
}
