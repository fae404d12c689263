//! A file over HTTP, from servers alone: bounded in bytes and time, every place of a redirect looked at.

use std::io::Read;
use std::time::{Duration, Instant};

use reqwest::blocking::{Client, Response};
use reqwest::header::LOCATION;
use reqwest::{StatusCode, Url};

use crate::access::{Access, Login};
use crate::address::{check_host, without_login};
use crate::budget::TransportError;
use crate::http_client;

/// Bounds on what is fetched.
#[derive(Debug, Clone, Copy)]
pub struct FetchLimits {
    /// Most bytes.
    pub bytes: u64,
    /// Most time, from the first byte to the last.
    pub time: Duration,
}

impl Default for FetchLimits {
    fn default() -> FetchLimits {
        FetchLimits { bytes: 128 * 1024 * 1024, time: Duration::from_secs(60) }
    }
}

/// Where a server may send to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redirects {
    /// To other places of its own.
    OnTheServer,
    /// To any server that may be asked.
    ToServers,
}

pub(crate) const MOST_REDIRECTS: usize = 10;

/// Why a file is not to be had. URLs are shown without a login, and nothing of what the server says.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DownloadError {
    #[error("{reason}")]
    Url { url: String, reason: String },
    #[error("{reason}")]
    Unreachable { reason: String },
    #[error("the server sends to {to}, which is refused")]
    Redirect { to: String },
    #[error("{status}")]
    Status { url: String, status: StatusCode },
    #[error("more than {limit} bytes")]
    TooLarge { limit: u64 },
}

impl DownloadError {
    /// Whether asking again may help when nobody changes anything here.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            DownloadError::Unreachable { .. } => true,
            DownloadError::Status { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            DownloadError::Url { .. } | DownloadError::Redirect { .. } | DownloadError::TooLarge { .. } => {
                false
            }
        }
    }
}

/// Brings the bytes at a URL. A name and a password go to its server alone. Blocks.
pub(crate) fn download(
    url: &str,
    access: &Access,
    redirects: Redirects,
    limits: FetchLimits,
) -> Result<Vec<u8>, DownloadError> {
    let client = http_client::build(access).map_err(|error| unreachable(&error))?;
    let first = read_url(url)?;
    let mut place = first.clone();
    let end = Instant::now() + limits.time;
    for _ in 0..=MOST_REDIRECTS {
        let login = access.login.as_ref().filter(|_| place.origin() == first.origin());
        let response = ask(&client, &place, login, end)?;
        if response.status().is_redirection() {
            place = next_place(&place, &response, redirects)?;
            continue;
        }
        return content(response, &place, limits, end);
    }
    Err(unreachable(&TransportError::TooManyRedirects))
}

fn unreachable(error: &TransportError) -> DownloadError {
    DownloadError::Unreachable { reason: error.to_string() }
}

fn read_url(text: &str) -> Result<Url, DownloadError> {
    let refused = |reason: String| DownloadError::Url { url: without_login(text), reason };
    let url = Url::parse(text).map_err(|error| refused(error.to_string()))?;
    if !is_of_server(&url) {
        return Err(refused("its scheme is neither http nor https".to_owned()));
    }
    check_host(&url).map_err(|error| refused(error.to_string()))?;
    Ok(url)
}

fn is_of_server(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

fn ask(client: &Client, place: &Url, login: Option<&Login>, end: Instant) -> Result<Response, DownloadError> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(late());
    }
    let request = client.get(place.clone()).timeout(left);
    let request = match login {
        Some(Login::Basic { username, password }) => request.basic_auth(username, Some(password.reveal())),
        Some(Login::Bearer(_) | Login::GithubApp(_)) | None => request,
    };
    request
        .send()
        .map_err(|error| DownloadError::Unreachable { reason: belay_causes::chain(&error.without_url()) })
}

fn late() -> DownloadError {
    DownloadError::Unreachable { reason: "no answer in time".to_owned() }
}

/// Where the server sends to.
fn next_place(place: &Url, response: &Response, redirects: Redirects) -> Result<Url, DownloadError> {
    let refused = |to: &str| DownloadError::Redirect { to: to.to_owned() };
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let next =
        place.join(location.ok_or_else(|| refused("nowhere"))?).map_err(|_no_url| refused("no URL"))?;
    let may_go = match redirects {
        Redirects::OnTheServer => next.origin() == place.origin(),
        Redirects::ToServers => is_of_server(&next) && check_host(&next).is_ok(),
    };
    match may_go {
        true => Ok(next),
        false => Err(refused(&format!("{}://{}", next.scheme(), next.host_str().unwrap_or_default()))),
    }
}

fn content(
    response: Response,
    place: &Url,
    limits: FetchLimits,
    end: Instant,
) -> Result<Vec<u8>, DownloadError> {
    if response.status() != StatusCode::OK {
        return Err(DownloadError::Status { url: without_login(place.as_str()), status: response.status() });
    }
    let mut bytes = Vec::new();
    let mut part = vec![0; 64 * 1024];
    let mut body = response;
    loop {
        let count = body.read(&mut part).map_err(|error| DownloadError::Unreachable {
            // The error below may name the URL, with whatever it holds.
            reason: format!("the content broke off: {}", error.kind()),
        })?;
        if count == 0 {
            return Ok(bytes);
        }
        if (bytes.len() + count) as u64 > limits.bytes {
            return Err(DownloadError::TooLarge { limit: limits.bytes });
        }
        if Instant::now() > end {
            return Err(late());
        }
        bytes.extend_from_slice(&part[..count]);
    }
}
