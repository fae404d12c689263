//! `/api/belay/v1`: apps, one app, one resource, actions.

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use belay_manifest::ObjectKey;
use serde::Deserialize;
use serde_json::json;

use crate::action::{ActError, Action};
use crate::app::AppRef;
use crate::guard;
use crate::list::{ListQuery, list};
use crate::serve::Shared;

/// An action is a few words.
const LARGEST_BODY: usize = 16 * 1024;

pub(crate) fn routes(shared: &Shared) -> Router<Shared> {
    let changing = Router::new()
        .route("/apps/{kind}/{namespace}/{name}/actions", post(act))
        .route("/session", post(session))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn_with_state(shared.settings.clone(), guard::needs_token));
    Router::new()
        .route("/about", get(about))
        .route("/apps", get(apps))
        .route("/apps/{kind}/{namespace}/{name}", get(app))
        .route("/apps/{kind}/{namespace}/{name}/resource", get(resource))
        .route("/apps/{kind}/{namespace}/{name}/preview", get(preview))
        .merge(changing)
        .fallback(|| async { problem(StatusCode::NOT_FOUND, "there is no such route") })
}

/// An error as the API tells it.
pub(crate) fn problem(status: StatusCode, message: impl Into<String>) -> Response {
    (status, Json(json!({"error": message.into()}))).into_response()
}

async fn about(State(shared): State<Shared>) -> Response {
    Json(json!({"name": "belay", "version": shared.settings.version, "readiness": shared.engine.readiness()}))
        .into_response()
}

/// Tells a page whether its token is the right one.
async fn session() -> Response {
    Json(json!({"token": "valid"})).into_response()
}

async fn apps(State(shared): State<Shared>, query: Result<Query<ListQuery>, QueryRejection>) -> Response {
    match query {
        Ok(Query(query)) => Json(list(shared.engine.apps(), &query)).into_response(),
        Err(_) => problem(StatusCode::BAD_REQUEST, "offset and limit are whole numbers"),
    }
}

/// The parts of an app's address.
#[derive(Deserialize)]
struct AppPath {
    kind: String,
    namespace: String,
    name: String,
}

impl AppPath {
    fn app(self) -> Result<AppRef, Response> {
        let kind = self.kind.parse().map_err(|error| problem(StatusCode::NOT_FOUND, format!("{error}")))?;
        Ok(AppRef { kind, namespace: self.namespace, name: self.name })
    }
}

fn no_such_app(app: &AppRef) -> Response {
    problem(StatusCode::NOT_FOUND, format!("there is no app {app}"))
}

async fn app(State(shared): State<Shared>, Path(path): Path<AppPath>) -> Response {
    let app = match path.app() {
        Ok(app) => app,
        Err(response) => return response,
    };
    shared.engine.app(&app).map_or_else(|| no_such_app(&app), |detail| Json(detail).into_response())
}

/// Which object, in the query.
#[derive(Deserialize)]
struct ObjectQuery {
    #[serde(default)]
    group: String,
    kind: String,
    #[serde(default)]
    namespace: String,
    name: String,
}

async fn resource(
    State(shared): State<Shared>,
    Path(path): Path<AppPath>,
    query: Result<Query<ObjectQuery>, QueryRejection>,
) -> Response {
    let app = match path.app() {
        Ok(app) => app,
        Err(response) => return response,
    };
    let Ok(Query(query)) = query else {
        return problem(StatusCode::BAD_REQUEST, "kind and name of the object are needed");
    };
    let key =
        ObjectKey { group: query.group, kind: query.kind, namespace: query.namespace, name: query.name };
    match shared.engine.resource(&app, &key).await {
        Some(detail) => Json(detail).into_response(),
        None => problem(StatusCode::NOT_FOUND, format!("{app} has no object {key}")),
    }
}

/// An action, in the query of its preview.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ActionQuery {
    action: String,
    #[serde(default)]
    prune: bool,
    #[serde(default)]
    dry_run: bool,
}

impl ActionQuery {
    fn action(&self) -> Option<Action> {
        match self.action.as_str() {
            "sync" => Some(Action::Sync { prune: self.prune, dry_run: self.dry_run }),
            "refresh" => Some(Action::Refresh),
            "suspend" => Some(Action::Suspend { suspend: true }),
            "resume" => Some(Action::Suspend { suspend: false }),
            _ => None,
        }
    }
}

async fn preview(
    State(shared): State<Shared>,
    Path(path): Path<AppPath>,
    query: Result<Query<ActionQuery>, QueryRejection>,
) -> Response {
    let app = match path.app() {
        Ok(app) => app,
        Err(response) => return response,
    };
    let Some(action) = query.ok().and_then(|Query(query)| query.action()) else {
        return problem(StatusCode::BAD_REQUEST, "action is one of sync, refresh, suspend, resume");
    };
    match shared.engine.preview(&app, &action) {
        Ok(preview) => Json(preview).into_response(),
        Err(error) => act_problem(&error),
    }
}

async fn act(
    State(shared): State<Shared>,
    Path(path): Path<AppPath>,
    action: Result<Json<Action>, JsonRejection>,
) -> Response {
    let app = match path.app() {
        Ok(app) => app,
        Err(response) => return response,
    };
    let action = match action {
        Ok(Json(action)) => action,
        Err(rejection) => return problem(rejection.status(), "the body is no action"),
    };
    tracing::info!(%app, ?action, "asked for in the web UI");
    match shared.engine.act(&app, &action).await {
        Ok(accepted) => (StatusCode::ACCEPTED, Json(accepted)).into_response(),
        Err(error) => act_problem(&error),
    }
}

/// The one table from why an action was not done to the status.
fn act_problem(error: &ActError) -> Response {
    let status = match error {
        ActError::NotFound(_) => StatusCode::NOT_FOUND,
        ActError::Refused(_) => StatusCode::CONFLICT,
        ActError::Write { .. } => StatusCode::BAD_GATEWAY,
    };
    problem(status, belay_causes::chain(error))
}
