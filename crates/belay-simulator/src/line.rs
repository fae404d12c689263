//! The line between one process and the API server: it is cut when the process dies, and every write is noted.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use belay_localkube::faults::{Broken, FaultyService};
use belay_localkube::{KubeService, ResponseBody};
use bytes::Bytes;
use futures::StreamExt as _;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;
use tower::{Service, ServiceExt as _};

/// Texts of more bytes are not kept.
const LONG: usize = 64 * 1024;

/// A write that reached the API server, or was meant to.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    /// `POST`, `PATCH`, …
    pub(crate) method: String,
    /// The path without its query.
    pub(crate) path: String,
    /// What was sent.
    pub(crate) body: Value,
    /// The answer's code; 0 when there was none.
    pub(crate) code: u16,
    /// When it was made.
    pub(crate) at: Instant,
}

impl Write {
    /// Whether it is about an Event, which nothing depends on.
    pub(crate) fn is_event(&self) -> bool {
        self.path.contains("/events")
    }
}

/// All writes so far, of all processes. What sees each one as soon as it is answered.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Noted>>);

#[derive(Default)]
struct Noted {
    writes: Vec<Write>,
    /// When each request was made, reads and watches among them.
    requests: Vec<Instant>,
}

impl Log {
    /// The writes from the `count`th on.
    pub(crate) fn writes_since(&self, count: usize) -> Vec<Write> {
        self.with(|noted| noted.writes.get(count..).unwrap_or_default().to_vec())
    }

    pub(crate) fn count(&self) -> usize {
        self.with(|noted| noted.writes.len())
    }

    /// When requests were made, reads and watches among them; those from the `count`th on.
    pub(crate) fn requests_since(&self, count: usize) -> Vec<Instant> {
        self.with(|noted| noted.requests.get(count..).unwrap_or_default().to_vec())
    }

    fn with<T>(&self, work: impl FnOnce(&mut Noted) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }
}

/// The API as one process reaches it.
#[derive(Clone)]
pub(crate) struct Line {
    service: FaultyService<KubeService>,
    log: Log,
    dead: watch::Receiver<bool>,
    /// Counts the times when all watches broke off.
    cuts: watch::Receiver<u64>,
}

impl Line {
    pub(crate) fn new(
        service: FaultyService<KubeService>,
        log: Log,
        dead: watch::Receiver<bool>,
        cuts: watch::Receiver<u64>,
    ) -> Line {
        Line { service, log, dead, cuts }
    }
}

impl Service<Request<kube::client::Body>> for Line {
    type Response = Response<ResponseBody>;
    type Error = Broken;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Broken>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<kube::client::Body>) -> Self::Future {
        let line = self.clone();
        Box::pin(async move {
            let mut dead = line.dead.clone();
            tokio::select! {
                biased;
                // Whoever still asks is dead, and waits for ever.
                () = death(&mut dead) => std::future::pending().await,
                answer = line.send(request) => answer,
            }
        })
    }
}

impl Line {
    async fn send(self, request: Request<kube::client::Body>) -> Result<Response<ResponseBody>, Broken> {
        let (parts, body) = request.into_parts();
        // A request's body lies in memory.
        let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
            return Err(Broken);
        };
        // What is only tried leaves nothing behind.
        let is_tried = parts.uri.query().is_some_and(|query| query.contains("dryRun="));
        let is_write = !is_tried && !matches!(parts.method, Method::GET | Method::HEAD);
        let place = is_write.then(|| self.note(&parts, &body));
        self.log.with(|noted| noted.requests.push(Instant::now()));
        let answer = self.service.clone().oneshot(Request::from_parts(parts, Full::new(body))).await;
        if let Some(place) = place {
            let code = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
            self.log.with(|noted| {
                let write = &mut noted.writes[place];
                write.code = code;
                tracing::debug!(write.method, write.path, write.code, "write");
            });
        }
        let end = end(self.dead.clone(), self.cuts.clone());
        answer.map(|answer| answer.map(|body| until(body, end)))
    }

    fn note(&self, parts: &http::request::Parts, body: &Bytes) -> usize {
        let write = Write {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            body: noted(body),
            code: 0,
            at: Instant::now(),
        };
        self.log.with(|noted| {
            noted.writes.push(write);
            noted.writes.len() - 1
        })
    }
}

/// What is kept of a body. Of very long texts that is how long they are.
fn noted(body: &Bytes) -> Value {
    let mut value = serde_json::from_slice(body).unwrap_or(Value::Null);
    if body.len() > LONG {
        shorten(&mut value);
    }
    value
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > LONG => *value = format!("{} bytes", text.len()).into(),
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}

async fn death(dead: &mut watch::Receiver<bool>) {
    if dead.wait_for(|dead| *dead).await.is_err() {
        // Nobody can end this process any more.
        std::future::pending::<()>().await;
    }
}

/// When a watch ends: with the process, or when all break off.
async fn end(mut dead: watch::Receiver<bool>, mut cuts: watch::Receiver<u64>) {
    cuts.mark_unchanged();
    tokio::select! {
        biased;
        () = death(&mut dead) => {}
        Ok(()) = cuts.changed() => {}
    }
}

fn until(body: ResponseBody, end: impl Future<Output = ()> + Send + 'static) -> ResponseBody {
    let frames = body.into_data_stream().map(|data| data.map(Frame::data));
    StreamBody::new(frames.take_until(Box::pin(end))).boxed_unsync()
}
