//! An artifact that another controller serves: brought over HTTP, as large as it may be, with the digest that it was
//! promised with. Redirects stay on the server.

use std::io::Read;
use std::time::{Duration, Instant};

use reqwest::blocking::{Client, Response};
use reqwest::header::LOCATION;
use reqwest::{StatusCode, Url};
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::access::Access;
use crate::address::check_host;
use crate::budget::TransportError;
use crate::http_client;

/// Bounds on an artifact that is fetched.
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

const MOST_REDIRECTS: usize = 10;

/// Why an artifact is not to be had. Worded as Flux words it, without anything that the server says.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactFetchError {
    /// It is no URL of a server, or of one that is never asked.
    #[error("failed to create a new request: {url:?} is no URL of an artifact: {reason}")]
    Url {
        /// What stands there.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server is not there, or slow.
    #[error("failed to download archive: {reason}")]
    Unreachable {
        /// Why.
        reason: String,
    },
    /// The server sends elsewhere.
    #[error("failed to download archive: the server sends to {to}, which is refused")]
    Redirect {
        /// The other server.
        to: String,
    },
    /// The server has none.
    #[error("file not found")]
    NotFound,
    /// The server says another thing than 200.
    #[error("failed to download archive from {url} (status: {status})")]
    Status {
        /// Where.
        url: String,
        /// What it says.
        status: StatusCode,
    },
    /// It is too large.
    #[error("artifact is greater than the max download size of {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// The digest is none that is known here.
    #[error("failed to verify archive: failed to parse digest '{0}'")]
    UnknownDigest(String),
    /// There is no digest.
    #[error("failed to verify archive: empty digest")]
    NoDigest,
    /// It is another thing than what was promised.
    #[error(
        "failed to verify archive: computed digest doesn't match provided '{0}' (check whether file size exceeds max download size)"
    )]
    WrongDigest(String),
}

/// Brings the bytes at a URL that have this digest. Blocks.
pub fn fetch_artifact(url: &str, digest: &str, limits: FetchLimits) -> Result<Vec<u8>, ArtifactFetchError> {
    let digest = Promised::parse(digest)?;
    let client = http_client::build(&Access::default()).map_err(|error| unreachable(&error))?;
    let mut place = read_url(url)?;
    let end = Instant::now() + limits.time;
    for _ in 0..=MOST_REDIRECTS {
        let response = ask(&client, &place, end)?;
        if response.status().is_redirection() {
            place = next_place(&place, &response)?;
            continue;
        }
        let bytes = content(response, &place, limits, end)?;
        return if digest.is_of(&bytes) {
            Ok(bytes)
        } else {
            Err(ArtifactFetchError::WrongDigest(digest.text))
        };
    }
    Err(unreachable(&TransportError::TooManyRedirects))
}

fn unreachable(error: &TransportError) -> ArtifactFetchError {
    ArtifactFetchError::Unreachable { reason: error.to_string() }
}

fn read_url(text: &str) -> Result<Url, ArtifactFetchError> {
    let refused =
        |reason: String| ArtifactFetchError::Url { url: crate::address::without_login(text), reason };
    let url = Url::parse(text).map_err(|error| refused(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused("its scheme is neither http nor https".to_owned()));
    }
    check_host(&url).map_err(|error| refused(error.to_string()))?;
    Ok(url)
}

fn ask(client: &Client, place: &Url, end: Instant) -> Result<Response, ArtifactFetchError> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(late());
    }
    client.get(place.clone()).timeout(left).send().map_err(|error| ArtifactFetchError::Unreachable {
        reason: belay_causes::chain(&error.without_url()),
    })
}

fn late() -> ArtifactFetchError {
    ArtifactFetchError::Unreachable { reason: "no answer in time".to_owned() }
}

/// The next place on the same server.
fn next_place(place: &Url, response: &Response) -> Result<Url, ArtifactFetchError> {
    let refused = |to: &str| ArtifactFetchError::Redirect { to: to.to_owned() };
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let next =
        place.join(location.ok_or_else(|| refused("nowhere"))?).map_err(|_no_url| refused("no URL"))?;
    match next.origin() == place.origin() {
        true => Ok(next),
        false => Err(refused(&format!("{}://{}", next.scheme(), next.host_str().unwrap_or_default()))),
    }
}

fn content(
    response: Response,
    place: &Url,
    limits: FetchLimits,
    end: Instant,
) -> Result<Vec<u8>, ArtifactFetchError> {
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Err(ArtifactFetchError::NotFound),
        status => {
            let url = crate::address::without_login(place.as_str());
            return Err(ArtifactFetchError::Status { url, status });
        }
    }
    let mut bytes = Vec::new();
    let mut part = vec![0; 64 * 1024];
    let mut body = response;
    loop {
        let count = body.read(&mut part).map_err(|error| ArtifactFetchError::Unreachable {
            // The error below may name the URL, with whatever it holds.
            reason: format!("the content broke off: {}", error.kind()),
        })?;
        if count == 0 {
            return Ok(bytes);
        }
        if (bytes.len() + count) as u64 > limits.bytes {
            return Err(ArtifactFetchError::TooLarge { limit: limits.bytes });
        }
        if Instant::now() > end {
            return Err(late());
        }
        bytes.extend_from_slice(&part[..count]);
    }
}

/// A digest as `sha256:…`.
struct Promised {
    text: String,
    digest: fn(&[u8]) -> String,
    value: String,
}

impl Promised {
    fn parse(text: &str) -> Result<Promised, ArtifactFetchError> {
        if text.is_empty() {
            return Err(ArtifactFetchError::NoDigest);
        }
        // The original's older artifacts name no algorithm.
        let text = if text.contains(':') { text.to_owned() } else { format!("sha256:{text}") };
        let unknown = || ArtifactFetchError::UnknownDigest(text.clone());
        let (algorithm, value) = text.split_once(':').ok_or_else(unknown)?;
        let (digest, length): (fn(&[u8]) -> String, _) = match algorithm {
            "sha256" => (|bytes| hex::encode(Sha256::digest(bytes)), 64),
            "sha384" => (|bytes| hex::encode(Sha384::digest(bytes)), 96),
            "sha512" => (|bytes| hex::encode(Sha512::digest(bytes)), 128),
            _ => return Err(unknown()),
        };
        let is_hex = value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if value.len() != length || !is_hex {
            return Err(unknown());
        }
        Ok(Promised { value: value.to_owned(), digest, text: text.clone() })
    }

    fn is_of(&self, bytes: &[u8]) -> bool {
        (self.digest)(bytes) == self.value
    }
}

#[cfg(test)]
mod tests;
