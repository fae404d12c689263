//! Structured logs on standard error, and spans for whoever collects traces.

mod sink;

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::traces::Spans;

pub(crate) use sink::Sink;

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging; `default` applies where `RUST_LOG` says nothing.
pub(crate) fn start(format: LogFormat, default: &str) {
    start_with(format, default, std::io::stderr, None);
}

/// Starts logging to a writer and, where somebody wants them, taking in spans.
pub(crate) fn start_with<W>(format: LogFormat, default: &str, writer: W, spans: Option<Spans>)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_unset| EnvFilter::new(default));
    // What the first tells in detail are the API server's answers, and they may quote a Secret. The second are no logs.
    let filter = ["kube_client=info", "belay::steps=off"].iter().fold(filter, |filter, directive| {
        match directive.parse() {
            Ok(directive) => filter.add_directive(directive),
            Err(_never) => filter,
        }
    });
    let is_coloured = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines = tracing_subscriber::fmt::layer::<Registry>().with_ansi(is_coloured).with_writer(writer);
    let lines = match format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let spans = spans.map(|spans| spans.with_filter(filter_fn(Spans::are_wanted)));
    // A second start in one process (a test) leaves the first in place.
    let _ = Registry::default().with(lines.with_filter(filter)).with(spans).try_init();
}
