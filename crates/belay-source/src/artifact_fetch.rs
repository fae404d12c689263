//! An artifact that another controller serves: brought over HTTP, as large as it may be, with the digest that it was
//! promised with. Redirects stay on the server.

use reqwest::StatusCode;
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::access::Access;
use crate::download::{DownloadError, FetchLimits, Redirects, download};

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

impl From<DownloadError> for ArtifactFetchError {
    fn from(error: DownloadError) -> ArtifactFetchError {
        match error {
            DownloadError::Url { url, reason } => ArtifactFetchError::Url { url, reason },
            DownloadError::Unreachable { reason } => ArtifactFetchError::Unreachable { reason },
            DownloadError::Redirect { to } => ArtifactFetchError::Redirect { to },
            DownloadError::Status { status: StatusCode::NOT_FOUND, .. } => ArtifactFetchError::NotFound,
            DownloadError::Status { url, status } => ArtifactFetchError::Status { url, status },
            DownloadError::TooLarge { limit } => ArtifactFetchError::TooLarge { limit },
        }
    }
}

/// Brings the bytes at a URL that have this digest. Blocks.
pub fn fetch_artifact(url: &str, digest: &str, limits: FetchLimits) -> Result<Vec<u8>, ArtifactFetchError> {
    let digest = Promised::parse(digest)?;
    let bytes = download(url, &Access::default(), Redirects::OnTheServer, limits)?;
    if digest.is_of(&bytes) { Ok(bytes) } else { Err(ArtifactFetchError::WrongDigest(digest.text)) }
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
