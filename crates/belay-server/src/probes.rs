//! Health, readiness and a few numbers for Prometheus.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use belay_cluster::RunningLook;
use belay_metrics::{Gauge, Metrics};
use serde_json::json;

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

/// Everything that is counted; where apps are not to be named, how many there are and what was answered.
pub(crate) async fn metrics(State(shared): State<Shared>) -> Response {
    let own = vec![apps(&shared), answers(&shared.counters)];
    let text = match shared.names_apps {
        true => shared.engine.metrics(own),
        false => Metrics::new().text(&own),
    };
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

fn apps(shared: &Shared) -> Gauge {
    let mut counts = BTreeMap::<_, u32>::new();
    for app in shared.engine.apps() {
        *counts.entry((app.family.as_str(), app.sync.as_str(), app.health.as_str())).or_default() += 1;
    }
    let mut apps = Gauge::new("belay_apps");
    for ((family, sync, health), count) in counts {
        apps.add(&[family, sync, health], f64::from(count));
    }
    apps
}

fn answers(counters: &Counters) -> Gauge {
    let mut answers = Gauge::new("belay_http_responses_total");
    for (class, counter) in counters.answers.iter().enumerate().skip(1) {
        let count = u32::try_from(counter.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        answers.add(&[&format!("{class}xx")], f64::from(count));
    }
    answers
}

/// What is worked on now, the oldest first, with step and age: a look that is stuck stands at the top. Not there unless it
/// was switched on.
pub(crate) async fn debug(State(shared): State<Shared>) -> Response {
    let Some(looks) = shared.engine.looks() else { return StatusCode::NOT_FOUND.into_response() };
    let one = |look: RunningLook| {
        let (step_age, age) = (look.step_age.as_secs_f64(), look.age.as_secs_f64());
        json!({"app": look.app, "step": look.step, "stepSeconds": step_age, "seconds": age})
    };
    let looks: Vec<_> = looks.into_iter().map(one).collect();
    Json(json!({ "looks": looks })).into_response()
}
