//! Git over `http(s)`: one request after the other in the thread of the fetch, within its budget.
//! A login goes to the server it is for and to no other; redirects are followed on the first request
//! alone, never from `https` to `http`, and never to another server with our certificate.

use std::io::{self, BufRead, BufReader, Cursor, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use gix::protocol::transport::client::blocking_io::http::{
    GetResponse, Http, PostBodyDataKind, PostResponse,
};
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue, LOCATION};
use reqwest::{StatusCode, Url};

use crate::access::{Access, Login};
use crate::address::check_host;
use crate::budget::{Budget, TransportError};
use crate::gauge::Gauge;
use crate::{github_app, http_client};

/// As many as Flux's and Argo CD's clients follow.
const MOST_REDIRECTS: usize = 10;
/// What we say is what others wait for; nobody needs to ask for more.
const MOST_ASKED: usize = 64 * 1024 * 1024;

/// The connection to one server.
#[derive(Clone)]
pub(crate) struct HttpTransport {
    client: Client,
    own: Url,
    authorization: Option<HeaderValue>,
    has_certificate: bool,
    base: Option<String>,
    budget: Budget,
}

impl HttpTransport {
    /// Prepares what is needed to ask the server of this URL.
    pub(crate) fn new(url: &Url, access: &Access, budget: Budget) -> Result<HttpTransport, TransportError> {
        Ok(HttpTransport {
            client: http_client::build(access)?,
            own: url.clone(),
            authorization: access.login.as_ref().map(|login| authorization(login, access)).transpose()?,
            has_certificate: !access.tls.certificate.is_empty(),
            base: None,
            budget,
        })
    }

    fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.own.origin()
    }

    fn prepared(&self, request: RequestBuilder, url: &Url, headers: &[String]) -> RequestBuilder {
        let mut request = request;
        for line in headers {
            let Some((name, value)) = line.split_once(':') else { continue };
            let name = HeaderName::try_from(name);
            if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value.trim())) {
                request = request.header(name, value);
            }
        }
        match &self.authorization {
            Some(value) if self.is_own(url) => request.header(AUTHORIZATION, value.clone()),
            _ => request,
        }
    }

    fn send(&self, request: RequestBuilder) -> Result<Response, TransportError> {
        let left = self.budget.time_left()?;
        request.timeout(left).send().map_err(|error| {
            if error.is_timeout() && self.budget.time_left().is_err() {
                return self.budget.late();
            }
            TransportError::Unreachable { reason: reason(&error) }
        })
    }

    fn checked(&self, response: Response) -> Result<Response, TransportError> {
        match response.status() {
            status if status.is_success() => Ok(response),
            StatusCode::UNAUTHORIZED => Err(self.refused(response.url())),
            StatusCode::FORBIDDEN => Err(TransportError::Forbidden),
            StatusCode::NOT_FOUND => Err(TransportError::NotFound),
            status => Err(TransportError::Status { status: status.as_u16() }),
        }
    }

    /// Why the server asks for a login.
    fn refused(&self, url: &Url) -> TransportError {
        match &self.authorization {
            None => TransportError::AuthenticationRequired,
            Some(_) if self.is_own(url) => TransportError::LoginRejected,
            Some(_) => TransportError::LoginElsewhere { host: url.host_str().unwrap_or_default().to_owned() },
        }
    }

    /// Asks for the list of references, wherever the server sends us for it.
    fn first(&mut self, url: &str, base: &str, headers: &[String]) -> Result<Response, TransportError> {
        let tail = url.strip_prefix(base).unwrap_or_default().to_owned();
        let unreadable = |_| TransportError::Redirect { to: "no URL".to_owned() };
        let mut place = Url::parse(url).map_err(unreadable)?;
        for _ in 0..=MOST_REDIRECTS {
            let response = self.send(self.prepared(self.client.get(place.clone()), &place, headers))?;
            if !response.status().is_redirection() {
                let response = self.checked(response)?;
                if place.as_str() != url {
                    self.base = Some(place.as_str().strip_suffix(&tail).unwrap_or(base).to_owned());
                }
                return Ok(response);
            }
            place = self.next_place(&place, &response, &tail)?;
        }
        Err(TransportError::TooManyRedirects)
    }

    fn next_place(&self, place: &Url, response: &Response, tail: &str) -> Result<Url, TransportError> {
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let refused = |to: &str| TransportError::Redirect { to: to.to_owned() };
        let mut next =
            place.join(location.ok_or_else(|| refused("nowhere"))?).map_err(|_no_url| refused("no URL"))?;
        let _ = next.set_username("");
        let _ = next.set_password(None);
        let is_weaker = place.scheme() == "https" && next.scheme() != "https";
        let shows_certificate = self.has_certificate && !self.is_own(&next);
        let is_web = matches!(next.scheme(), "http" | "https");
        if !is_web || is_weaker || shows_certificate || !next.as_str().ends_with(tail) {
            return Err(refused(&format!("{}://{}", next.scheme(), next.host_str().unwrap_or_default())));
        }
        check_host(&next).map_err(|_forbidden| refused(next.host_str().unwrap_or_default()))?;
        Ok(next)
    }
}

/// The header that tells who asks.
fn authorization(login: &Login, access: &Access) -> Result<HeaderValue, TransportError> {
    let basic = |username: &str, password: &str| {
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
        format!("Basic {pair}")
    };
    let text = match login {
        Login::Basic { username, password } => basic(username, password.reveal()),
        Login::GithubApp(app) => {
            let token =
                app.token(access).map_err(|error| TransportError::GithubApp { reason: error.to_string() })?;
            basic(github_app::USERNAME, token.reveal())
        }
        Login::Bearer(token) => format!("Bearer {}", token.reveal()),
    };
    let mut value = HeaderValue::try_from(text).map_err(|_odd| TransportError::Access {
        what: "the token",
        reason: "it holds characters that no token has".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// What went wrong below HTTP, in one line, without the URL.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

impl Http for HttpTransport {
    type Headers = Part;
    type ResponseBody = Part;
    type PostBody = Asked;

    fn get(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::Result<GetResponse<Part, Part>> {
        let headers = lines(headers);
        let response = self
            .first(url, base_url, &headers)
            .map_err(|error| gix::Error::from_error(self.budget.note(error)))?;
        let exchange = Exchange::answered(response, self.budget.clone());
        let (headers, body) = exchange.parts();
        Ok(GetResponse { headers, body })
    }

    fn post(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _kind: PostBodyDataKind,
    ) -> gix::Result<PostResponse<Part, Part, Asked>> {
        let exchange = Exchange::waiting(self.clone(), url, lines(headers));
        let (headers, body) = exchange.clone().parts();
        Ok(PostResponse { post_body: Asked { exchange }, headers, body })
    }

    fn configure(&mut self, _config: &dyn std::any::Any) -> gix::Result {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.base.clone()
    }
}

fn lines(headers: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<String> {
    headers.into_iter().map(|line| line.as_ref().to_owned()).collect()
}

/// A request and its answer. The request goes out when somebody wants to read the answer.
#[derive(Clone)]
struct Exchange(Arc<Mutex<State>>);

enum State {
    Waiting { transport: Box<HttpTransport>, url: String, headers: Vec<String>, asked: Vec<u8> },
    Answered { headers: Cursor<Vec<u8>>, body: Box<BufReader<Metered>> },
    Failed,
}

impl Exchange {
    fn waiting(transport: HttpTransport, url: &str, headers: Vec<String>) -> Exchange {
        let (transport, url) = (Box::new(transport), url.to_owned());
        Exchange(Arc::new(Mutex::new(State::Waiting { transport, url, headers, asked: Vec::new() })))
    }

    fn answered(response: Response, budget: Budget) -> Exchange {
        Exchange(Arc::new(Mutex::new(answered(response, budget))))
    }

    fn parts(self) -> (Part, Part) {
        let part = |of| Part { exchange: self.clone(), of, buffer: Cursor::default() };
        (part(Of::Headers), part(Of::Body))
    }
}

fn answered(response: Response, budget: Budget) -> State {
    let mut headers = Vec::new();
    for (name, value) in response.headers() {
        headers.extend([name.as_str().as_bytes(), b":", value.as_bytes(), b"\n"].concat());
    }
    let body =
        BufReader::with_capacity(64 * 1024, Metered { response, gauge: Gauge::new(budget.clone()), budget });
    State::Answered { headers: Cursor::new(headers), body: Box::new(body) }
}

impl State {
    /// Sends the request if it waits.
    fn sent(&mut self) -> io::Result<(&mut Cursor<Vec<u8>>, &mut BufReader<Metered>)> {
        if let State::Waiting { .. } = self {
            let State::Waiting { transport, url, headers, asked } = std::mem::replace(self, State::Failed)
            else {
                return Err(broken());
            };
            let budget = transport.budget.clone();
            *self = post(&transport, &url, &headers, asked)
                .map(|response| answered(response, budget.clone()))
                .map_err(|error| io::Error::other(budget.note(error)))?;
        }
        match self {
            State::Answered { headers, body } => Ok((headers, body)),
            _ => Err(broken()),
        }
    }
}

fn post(
    transport: &HttpTransport,
    url: &str,
    headers: &[String],
    asked: Vec<u8>,
) -> Result<Response, TransportError> {
    let place = Url::parse(url).map_err(|_no_url| TransportError::Redirect { to: "no URL".to_owned() })?;
    let request = transport.prepared(transport.client.post(place.clone()), &place, headers);
    let response = transport.send(request.body(asked))?;
    if response.status().is_redirection() {
        return Err(TransportError::TooManyRedirects);
    }
    transport.checked(response)
}

fn broken() -> io::Error {
    io::Error::from(io::ErrorKind::BrokenPipe)
}

/// An answer's body, as far as the budget goes.
struct Metered {
    response: Response,
    budget: Budget,
    gauge: Gauge,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.response.read(buffer).inspect_err(|_broken| {
            let fault = match self.budget.time_left() {
                Ok(_) => TransportError::Unreachable { reason: "the answer broke off".to_owned() },
                Err(late) => late,
            };
            self.budget.note(fault);
        })?;
        self.gauge.take(&buffer[..count])?;
        Ok(count)
    }
}

/// What is written to the server.
pub(crate) struct Asked {
    exchange: Exchange,
}

impl Write for Asked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.exchange.0.lock().unwrap_or_else(PoisonError::into_inner);
        let State::Waiting { asked, .. } = &mut *state else { return Err(broken()) };
        if asked.len() + bytes.len() > MOST_ASKED {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        asked.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Of {
    Headers,
    Body,
}

/// The head or the body of an answer.
pub(crate) struct Part {
    exchange: Exchange,
    of: Of,
    buffer: Cursor<Vec<u8>>,
}

impl Part {
    /// Reads on when what was read is used up.
    fn filled(&mut self) -> io::Result<()> {
        if (self.buffer.position() as usize) < self.buffer.get_ref().len() {
            return Ok(());
        }
        let mut bytes = std::mem::take(&mut self.buffer).into_inner();
        bytes.resize(64 * 1024, 0);
        let mut state = self.exchange.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (headers, body) = state.sent()?;
        let count = match self.of {
            Of::Headers => headers.read(&mut bytes)?,
            Of::Body => body.read(&mut bytes)?,
        };
        bytes.truncate(count);
        self.buffer = Cursor::new(bytes);
        Ok(())
    }
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.filled()?;
        self.buffer.read(buffer)
    }
}

impl BufRead for Part {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.filled()?;
        self.buffer.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.buffer.consume(count);
    }
}
