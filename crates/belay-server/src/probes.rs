//! Health, readiness and a few numbers for Prometheus.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::serve::Shared;

/// Answers, by class of status.
#[derive(Default)]
pub(crate) struct Counters {
    answers: [AtomicU64; 6],
}

pub(crate) async fn count(counters: Arc<Counters>, response: Response) -> Response {
    let class = usize::from(response.status().as_u16() / 100);
    if let Some(counter) = counters.answers.get(class) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
    response
}

pub(crate) async fn healthz() -> &'static str {
    "ok"
}

pub(crate) async fn readyz(State(shared): State<Shared>) -> Response {
    let readiness = shared.engine.readiness();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}

pub(crate) async fn metrics(State(shared): State<Shared>) -> Response {
    let mut counts = std::collections::BTreeMap::<_, usize>::new();
    for app in shared.engine.apps() {
        *counts.entry((app.family.as_str(), app.sync.as_str(), app.health.as_str())).or_default() += 1;
    }
    let mut text =
        String::from("# HELP belay_apps Apps by family, sync and health.\n# TYPE belay_apps gauge\n");
    for ((family, sync, health), count) in counts {
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "belay_apps{{family=\"{family}\",sync=\"{sync}\",health=\"{health}\"}} {count}");
    }
    text.push_str("# HELP belay_http_responses_total HTTP answers by class of status.\n# TYPE belay_http_responses_total counter\n");
    for (class, counter) in shared.counters.answers.iter().enumerate().skip(1) {
        let _ = writeln!(
            text,
            "belay_http_responses_total{{class=\"{class}xx\"}} {}",
            counter.load(Ordering::Relaxed)
        );
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
