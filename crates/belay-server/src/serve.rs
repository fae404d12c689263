//! All routes together, and serving them.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn_with_state, map_response};
use axum::routing::{get, post};
use belay_manifest::Secret;
use tower_http::compression::CompressionLayer;

use crate::engine::Engine;
use crate::{api, assets, audit, guard, probes, stream, webhook};

/// How the server behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The token of this start; every change needs it.
    pub token: Secret<String>,
    /// Names, beside `localhost` and addresses, under which the server may be asked.
    pub hosts: Vec<String>,
    /// Our own version, for people.
    pub version: String,
}

/// What the routes share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) counters: Arc<probes::Counters>,
    /// Whether apps may be named.
    pub(crate) names_apps: bool,
}

/// All routes: the UI, `/api/belay/v1`, `/api/webhook` and the probes.
pub fn router(engine: Arc<dyn Engine>, settings: Settings) -> Router {
    let settings = Arc::new(settings);
    let shared = Shared { engine, settings: settings.clone(), counters: Arc::default(), names_apps: true };
    let pages = Router::new()
        .nest("/api/belay/v1", api::routes(&shared).merge(stream::routes()))
        .route("/debug", get(probes::debug))
        .fallback(assets::answer)
        .layer(from_fn_with_state(settings, guard::same_site));
    finished(pages.merge(open_routes()), shared)
}

/// `/api/webhook`, the probes and metrics only: for an address that others reach. Shows no app.
pub fn public_router(engine: Arc<dyn Engine>) -> Router {
    finished(open_routes(), without_token(engine, false))
}

/// `/metrics` only, in full: for an address that Prometheus reaches.
pub fn metrics_router(engine: Arc<dyn Engine>) -> Router {
    let routes = Router::new().route("/metrics", get(probes::metrics));
    finished(routes, without_token(engine, true))
}

/// For routes that change nothing.
fn without_token(engine: Arc<dyn Engine>, names_apps: bool) -> Shared {
    // Nothing there is changed by token, and nothing equals an empty one.
    let settings = Settings { token: Secret::new(String::new()), hosts: Vec::new(), version: String::new() };
    Shared { engine, settings: Arc::new(settings), counters: Arc::default(), names_apps }
}

/// Probes come from the kubelet and webhooks under any name; neither shows anything.
fn open_routes() -> Router<Shared> {
    Router::new()
        .route("/api/webhook", post(webhook::receive))
        .route("/audit", post(audit::receive))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .route("/healthz", get(probes::healthz))
        .route("/livez", get(probes::healthz))
        .route("/readyz", get(probes::readyz))
        .route("/metrics", get(probes::metrics))
}

fn finished(routes: Router<Shared>, shared: Shared) -> Router {
    let counters = shared.counters.clone();
    routes
        .with_state(shared)
        .layer(CompressionLayer::new())
        .layer(map_response(move |response| probes::count(counters.clone(), response)))
}
