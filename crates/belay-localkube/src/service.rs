//! The API as a `tower` service: the whole of it, without a socket.

use std::convert::Infallible;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::StreamExt as _;
use http::{HeaderValue, Response, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Body, Frame};
use serde_json::Value;

use crate::admission::WebhookAnswer;
use crate::api::{Answer, answer};
use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::request::{Query, Request, User};
use crate::status::ApiError;

/// What responses are made of.
pub type ResponseBody = UnsyncBoxBody<Bytes, Infallible>;

/// How the cluster behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether Deployments make Pods that become ready, Jobs complete, and so on.
    pub simulate_workloads: bool,
    /// The clock that objects' times come from.
    pub clock: Clock,
    /// Keep the state in this file across restarts.
    pub data: Option<PathBuf>,
    /// Make names, uids and tokens from this number instead of by chance.
    pub seed: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { simulate_workloads: true, clock: Clock::System, data: None, seed: None }
    }
}

/// A cluster in this process. It ends when the last clone goes.
#[derive(Debug, Clone)]
pub struct LocalKube {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) tasks: Arc<crate::controllers::Tasks>,
}

impl LocalKube {
    /// An empty cluster with its system namespaces. Call it within a tokio runtime.
    pub fn new(settings: &Settings) -> Self {
        let cluster = Arc::new(Cluster::new(settings));
        crate::controllers::bootstrap(&cluster);
        let tasks = crate::controllers::spawn(&cluster, settings.simulate_workloads);
        Self { cluster, tasks: Arc::new(tasks) }
    }

    /// The API for an administrator; `Impersonate-User` is honoured.
    pub fn service(&self) -> KubeService {
        KubeService { cluster: self.cluster.clone(), _tasks: self.tasks.clone(), is_guarded: false }
    }

    /// The API for whoever carries a token.
    pub(crate) fn guarded_service(&self) -> KubeService {
        KubeService { is_guarded: true, ..self.service() }
    }

    /// Answer webhooks of this URL here, from now on: what they are asked, and what they say, are AdmissionReviews.
    pub fn answer_webhook(
        &self,
        url: &str,
        webhook: impl Fn(&Value) -> WebhookAnswer + Send + Sync + 'static,
    ) {
        self.cluster.inside.add(url, Arc::new(webhook));
    }

    /// Forget the past, so that open watches and continue tokens of before are answered with 410.
    pub fn compact(&self) {
        self.cluster.with(|state| state.store.compact());
    }
}

/// The API as a service.
#[derive(Debug, Clone)]
pub struct KubeService {
    cluster: Arc<Cluster>,
    _tasks: Arc<crate::controllers::Tasks>,
    /// Whether those without a token are nobody, instead of the administrator.
    is_guarded: bool,
}

impl<B> tower::Service<http::Request<B>> for KubeService
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let (cluster, is_guarded) = (self.cluster.clone(), self.is_guarded);
        Box::pin(async move {
            let answered = handle(&cluster, is_guarded, request).await;
            Ok(answered.unwrap_or_else(|error| refused(&error)))
        })
    }
}

async fn handle<B>(
    cluster: &Arc<Cluster>,
    is_guarded: bool,
    request: http::Request<B>,
) -> Result<Response<ResponseBody>, ApiError>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (parts, body) = request.into_parts();
    let user = user_of(cluster, &parts.headers, is_guarded, parts.uri.path())?;
    let body = crate::body::read(body).await?;
    let request = Request {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: Query::parse(parts.uri.query().unwrap_or_default()),
        headers: parts.headers,
        body,
        user,
    };
    answer(cluster, &request).await.map(response)
}

/// Who asks; paths that tell nothing are open.
fn user_of(
    cluster: &Cluster,
    headers: &http::HeaderMap,
    is_guarded: bool,
    path: &str,
) -> Result<User, ApiError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = text("authorization").strip_prefix("Bearer ").unwrap_or_default();
    let open = matches!(path, "/version" | "/healthz" | "/livez" | "/readyz");
    let user = match cluster.with(|state| crate::tokens::bearer(state, token)) {
        Some(user) => user,
        None if is_guarded && !open => return Err(ApiError::unauthorized()),
        None => User::admin(),
    };
    let impersonated = text("impersonate-user");
    if impersonated.is_empty() {
        return Ok(user);
    }
    crate::access::may_impersonate(cluster, &user, impersonated)?;
    let mut groups: Vec<String> = headers
        .get_all("impersonate-group")
        .iter()
        .filter_map(|value| value.to_str().ok().map(str::to_owned))
        .collect();
    if let Some(account) = impersonated.strip_prefix("system:serviceaccount:")
        && groups.is_empty()
    {
        groups.push("system:serviceaccounts".into());
        if let Some((namespace, _)) = account.split_once(':') {
            groups.push(format!("system:serviceaccounts:{namespace}"));
        }
    }
    if impersonated != "system:anonymous" && !groups.iter().any(|group| group == "system:authenticated") {
        groups.push("system:authenticated".into());
    }
    Ok(User { name: impersonated.to_owned(), uid: text("impersonate-uid").to_owned(), groups })
}

fn response(answer: Answer) -> Response<ResponseBody> {
    match answer {
        Answer::Json { code, value, warnings, media } => {
            let mut response = json_response(code, &value);
            if let Ok(media) = HeaderValue::from_str(media) {
                response.headers_mut().insert(header::CONTENT_TYPE, media);
            }
            for warning in warnings {
                let text = format!("299 - \"{}\"", warning.replace('\\', "\\\\").replace('"', "\\\""));
                if let Ok(value) = HeaderValue::from_str(&text) {
                    response.headers_mut().append(header::WARNING, value);
                }
            }
            response
        }
        Answer::Text(text) => {
            with_type(200, "text/plain; charset=utf-8", Full::new(Bytes::from(text)).boxed_unsync())
        }
        Answer::Bytes { bytes, media } => with_type(200, media, Full::new(Bytes::from(bytes)).boxed_unsync()),
        Answer::Watch(watcher) => {
            let frames = watcher.into_stream().map(|line| Ok(Frame::data(line)));
            with_type(200, "application/json", http_body_util::BodyExt::boxed_unsync(StreamBody::new(frames)))
        }
    }
}

pub(crate) fn refused(error: &ApiError) -> Response<ResponseBody> {
    let mut response = json_response(error.code, &error.to_status());
    if let Some(seconds) = error.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn json_response(code: u16, value: &Value) -> Response<ResponseBody> {
    with_type(code, "application/json", Full::new(Bytes::from(value.to_string() + "\n")).boxed_unsync())
}

fn with_type(code: u16, media: &'static str, body: ResponseBody) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    *response.status_mut() =
        http::StatusCode::from_u16(code).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    response
}
