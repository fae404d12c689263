//! The service that has faults.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Method, Request, Response};
use hyper::body::Body;
use tower::{Layer, Service};

use super::{Fault, Faults, Kind};
use crate::service::{KubeService, ResponseBody, refused};
use crate::status::ApiError;

/// A connection that broke: whether the request arrived cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection broke")]
pub struct Broken;

/// A service with faults before it.
#[derive(Debug, Clone)]
pub struct FaultyService<S = KubeService> {
    faults: Faults,
    service: S,
}

impl<S> FaultyService<S> {
    pub(super) fn new(faults: Faults, service: S) -> Self {
        Self { faults, service }
    }
}

impl<S> Layer<S> for Faults {
    type Service = FaultyService<S>;

    fn layer(&self, service: S) -> FaultyService<S> {
        self.over(service)
    }
}

impl<S, B> Service<Request<B>> for FaultyService<S>
where
    S: Service<Request<B>, Response = Response<ResponseBody>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
{
    type Response = Response<ResponseBody>;
    type Error = Broken;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Broken>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        // The service behind is a clone that is always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (faults, service) = (self.faults.clone(), self.service.clone());
        Box::pin(send(faults, service, request))
    }
}

async fn send<S, B>(
    faults: Faults,
    mut service: S,
    mut request: Request<B>,
) -> Result<Response<ResponseBody>, Broken>
where
    S: Service<Request<B>, Response = Response<ResponseBody>, Error = Infallible>,
    B: Body,
{
    if faults.is_crashed() {
        return Err(Broken);
    }
    let path = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let kind = kind_of(request.method(), &path);
    let bytes = request.body().size_hint().lower();
    let fault = faults.of_request(kind, request.method().as_str(), &path, bytes);
    match fault {
        Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
        Some(Fault::Refuse(code)) => return Ok(refused(&refusal(code))),
        Some(Fault::TooMany(seconds)) => return Ok(refused(&refusal(429).with_retry_after(seconds))),
        Some(Fault::TooLarge) => return Ok(refused(&too_large())),
        Some(Fault::LoseRequest) => return Err(Broken),
        Some(Fault::ShortPage(most)) => {
            if let Some(short) = with_limit(&path, most).and_then(|path| path.parse().ok()) {
                *request.uri_mut() = short;
            }
        }
        _ => {}
    }
    let Ok(answer) = service.call(request).await;
    match fault {
        Some(Fault::LoseReply) => return Err(Broken),
        Some(Fault::Crash) => {
            faults.crash();
            return Err(Broken);
        }
        _ => {}
    }
    // Another request may have ended the process while this one was under way.
    if faults.is_crashed() {
        return Err(Broken);
    }
    if kind == Kind::Watch && answer.status().is_success() {
        return Ok(answer.map(|body| super::events::with_faults(faults, path, body)));
    }
    Ok(answer)
}

fn kind_of(method: &Method, path: &str) -> Kind {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let watches = query.split('&').any(|pair| matches!(pair, "watch=true" | "watch=1"));
    match *method {
        Method::GET if watches => Kind::Watch,
        Method::GET | Method::HEAD => Kind::Read,
        _ => Kind::Write,
    }
}

/// The path with a smaller page, if it asks for pages.
fn with_limit(path: &str, most: u32) -> Option<String> {
    let (path, query) = path.split_once('?')?;
    let smaller = |pair: &str| {
        let is_limit = pair.starts_with("limit=");
        if is_limit { format!("limit={most}") } else { pair.to_owned() }
    };
    let pairs: Vec<String> = query.split('&').map(smaller).collect();
    Some(format!("{path}?{}", pairs.join("&")))
}

/// The refusal of etcd, which an API server passes on.
fn too_large() -> ApiError {
    ApiError::new(500, "", "etcdserver: request is too large")
}

/// A refusal in the words of an API server that is in trouble.
fn refusal(code: u16) -> ApiError {
    let (reason, message) = match code {
        404 => ("NotFound", "the server could not find the requested resource"),
        409 => (
            "Conflict",
            "Operation cannot be fulfilled: the object has been modified; please apply your changes to the latest version and try again",
        ),
        410 => ("Expired", "The resourceVersion for the provided watch is too old."),
        429 => ("TooManyRequests", "The apiserver is busy, please try again later"),
        503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
        504 => ("Timeout", "the server was unable to return a response in the time allotted"),
        _ => ("InternalError", "an error on the server has prevented the request from succeeding"),
    };
    ApiError::new(code, reason, message)
}
