//! A proxy before a real API server, in which requests come to grief.
//!
//! One connection to it is one connection to the API server; who asks, and as whom, is passed on as it came.

use std::fmt;
use std::io::{Error, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, BodyStream, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::schedule::{Fault, Schedule, Wish};

/// How long a slow request waits at most.
const SLOW: Duration = Duration::from_secs(3);
/// How long a watch goes well at most, before its fault.
const WELL: Duration = Duration::from_secs(4);

type Body = UnsyncBoxBody<Bytes, Error>;

/// A request that has come to the proxy.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) at: Instant,
    pub(super) method: Method,
    /// With its query.
    pub(super) path: String,
    pub(super) fault: Option<Fault>,
    /// What the API server has answered; none if it has not heard of it.
    pub(super) status: Option<StatusCode>,
}

impl fmt::Debug for Asked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, self.path)?;
        if let Some(status) = self.status {
            write!(formatter, " -> {}", status.as_u16())?;
        }
        self.fault.map_or(Ok(()), |fault| write!(formatter, " ({fault})"))
    }
}

impl Asked {
    /// Whether it was to change something.
    pub(super) fn is_write(&self) -> bool {
        let asks_about_itself = self.path.starts_with("/apis/authorization.k8s.io/")
            || self.path.starts_with("/apis/authentication.k8s.io/");
        self.method != Method::GET && !asks_about_itself && !self.path.contains("dryRun=All")
    }

    /// Whether it is about the replicas' Leases.
    pub(super) fn is_of_leases(&self) -> bool {
        self.path.starts_with("/apis/coordination.k8s.io/")
    }
}

/// A running proxy. It stops listening when it is dropped.
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    listening: JoinHandle<()>,
}

impl Proxy {
    /// Listens on loopback, before the API server of this address, with the keys of its folder.
    pub(super) async fn start(server: SocketAddr, keys: &Path, schedule: Arc<Schedule>) -> Result<Proxy> {
        let (acceptor, connector) = tls(keys)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let asked = Arc::default();
        let way = Way { server, connector, schedule, asked: Arc::clone(&asked) };
        let listening = tokio::spawn(async move {
            loop {
                // A connection that cannot be accepted is made again by who wants it.
                if let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, acceptor.clone(), way.clone()));
                }
            }
        });
        Ok(Proxy { address, asked, listening })
    }

    /// What was asked since then.
    pub(super) fn asked_since(&self, since: Instant) -> Vec<Asked> {
        locked(&self.asked).iter().filter(|asked| asked.at >= since).cloned().collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the proxy shows, which is what the API server behind it shows, and what it trusts.
fn tls(keys: &Path) -> Result<(TlsAcceptor, TlsConnector)> {
    let certificate = CertificateDer::from_pem_file(keys.join("api.crt")).context("api.crt")?;
    let key = PrivateKeyDer::from_pem_file(keys.join("api.key")).context("api.key")?;
    let authority = CertificateDer::from_pem_file(keys.join("ca.crt")).context("ca.crt")?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let shown = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority)?;
    let trusted = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok((TlsAcceptor::from(Arc::new(shown)), TlsConnector::from(Arc::new(trusted))))
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, way: Way) {
    let _best_effort = stream.set_nodelay(true);
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let connection = Arc::new(tokio::sync::Mutex::new(None));
    let service = service_fn(|request| {
        let (way, connection) = (way.clone(), Arc::clone(&connection));
        async move { way.pass(request, &mut *connection.lock().await).await }
    });
    // How a connection ends is the business of who made it.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// The way to the API server.
#[derive(Clone)]
struct Way {
    server: SocketAddr,
    connector: TlsConnector,
    schedule: Arc<Schedule>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// The connection that belongs to one with us, once there is one.
type Connection = Option<SendRequest<Full<Bytes>>>;

impl Way {
    async fn pass(
        &self,
        request: Request<Incoming>,
        connection: &mut Connection,
    ) -> Result<Response<Body>, Error> {
        let wish = wish(request.method(), request.uri().query().unwrap_or_default());
        let fault = self.schedule.draw(wish);
        let place = self.note(&request, fault);
        match fault {
            Some(Fault::Slow) => tokio::time::sleep(self.schedule.time(SLOW)).await,
            Some(Fault::Conflict) => return Ok(refuse(StatusCode::CONFLICT, "Conflict")),
            Some(Fault::Gone) => return Ok(refuse(StatusCode::GONE, "Expired")),
            Some(Fault::TooMany) => return Ok(refuse(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests")),
            Some(Fault::Broken) => {
                return Ok(refuse(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"));
            }
            Some(Fault::Unavailable) => {
                return Ok(refuse(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"));
            }
            Some(Fault::LostRequest) => return Err(ErrorKind::ConnectionReset.into()),
            Some(Fault::SilentRequest) => {
                self.schedule.silence().await;
                return Err(ErrorKind::ConnectionReset.into());
            }
            _ => {}
        }
        let (response, body) = self.forward(request, connection).await?.into_parts();
        if let Some(asked) = locked(&self.asked).get_mut(place) {
            asked.status = Some(response.status);
        }
        let body = match fault {
            Some(Fault::LostReply) => {
                body.collect().await.map_err(Error::other)?;
                return Err(ErrorKind::ConnectionReset.into());
            }
            Some(Fault::SilentReply) => {
                body.collect().await.map_err(Error::other)?;
                self.schedule.silence().await;
                return Err(ErrorKind::ConnectionReset.into());
            }
            Some(fault @ (Fault::Cut | Fault::Expired | Fault::Silent)) if response.status == 200 => {
                self.until_it_strikes(body, fault)
            }
            // A watch from before the storm would not meet it.
            None if wish == Wish::Watch && !self.schedule.has_faults() => self.until_the_storm(body),
            _ => body.map_err(Error::other).boxed_unsync(),
        };
        Ok(Response::from_parts(response, body))
    }

    fn note(&self, request: &Request<Incoming>, fault: Option<Fault>) -> usize {
        let mut asked = locked(&self.asked);
        asked.push(Asked {
            at: Instant::now(),
            method: request.method().clone(),
            path: request.uri().to_string(),
            fault,
            status: None,
        });
        asked.len() - 1
    }

    async fn forward(
        &self,
        request: Request<Incoming>,
        connection: &mut Connection,
    ) -> Result<Response<Incoming>, Error> {
        let (head, body) = request.into_parts();
        let body = Full::new(body.collect().await.map_err(Error::other)?.to_bytes());
        let mut sender = match connection.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        sender.ready().await.map_err(Error::other)?;
        let answer = sender.send_request(Request::from_parts(head, body)).await.map_err(Error::other)?;
        *connection = Some(sender);
        Ok(answer)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Error> {
        let stream = TcpStream::connect(self.server).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::IpAddress(self.server.ip().into());
        let stream = self.connector.connect(name, stream).await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(Error::other)?;
        tokio::spawn(connection);
        Ok(sender)
    }

    /// The events of a watch until there are faults.
    fn until_the_storm(&self, body: Incoming) -> Body {
        let events = TryStreamExt::map_err(BodyStream::new(body), Error::other);
        BodyExt::boxed_unsync(StreamBody::new(events.take_until(self.schedule.storm())))
    }

    /// The events of a watch until its fault strikes.
    fn until_it_strikes(&self, body: Incoming, fault: Fault) -> Body {
        let schedule = Arc::clone(&self.schedule);
        let time = Box::pin(tokio::time::sleep(schedule.time(WELL)));
        let events = Box::pin(BodyStream::new(body));
        let frames = stream::unfold(Some((events, time, false)), move |state| {
            let schedule = Arc::clone(&schedule);
            async move {
                let (mut events, mut time, mut is_over) = state?;
                loop {
                    let event = tokio::select! {
                        event = events.next() => event?,
                        () = &mut time, if !is_over => {
                            is_over = true;
                            if schedule.strikes(fault) {
                                return Some((strike(fault, &schedule).await, None));
                            }
                            continue;
                        }
                    };
                    return Some((event.map_err(Error::other), Some((events, time, is_over))));
                }
            }
        });
        BodyExt::boxed_unsync(StreamBody::new(frames))
    }
}

/// What a watch comes to.
async fn strike(fault: Fault, schedule: &Schedule) -> Result<Frame<Bytes>, Error> {
    match fault {
        Fault::Expired => {
            let status = status(StatusCode::GONE, "Expired");
            // Events come whole, each with the end of its line.
            Ok(Frame::data(format!("{}\n", json!({"type": "ERROR", "object": status})).into()))
        }
        Fault::Silent => {
            schedule.silence().await;
            Err(ErrorKind::ConnectionReset.into())
        }
        _ => Err(ErrorKind::ConnectionReset.into()),
    }
}

fn wish(method: &Method, query: &str) -> Wish {
    let is_watch = query.split('&').any(|part| part == "watch=true" || part == "watch=1");
    match *method {
        Method::GET if is_watch => Wish::Watch,
        Method::GET if query.split('&').any(|part| part.starts_with("limit=")) => Wish::List,
        Method::GET => Wish::Read,
        _ => Wish::Write,
    }
}

fn status(code: StatusCode, reason: &str) -> serde_json::Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": reason,
        "message": format!("{reason}: said by the proxy"), "code": code.as_u16()})
}

fn refuse(code: StatusCode, reason: &str) -> Response<Body> {
    let body = Full::new(Bytes::from(status(code, reason).to_string()));
    let mut response = Response::new(body.map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    if code == StatusCode::TOO_MANY_REQUESTS {
        headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
    }
    response
}
