//! Signatures of commits and tags, by OpenPGP and by SSH.

mod key_ring;
mod openpgp;
mod ssh;

use bytes::Bytes;

pub use self::key_ring::{ClearSignedError, KeyRing, KeyRingError};

/// The signed objects that led to a checkout, as Git stores them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignedObjects {
    /// The commit.
    pub commit: Bytes,
    /// The annotated tag that was asked for, and its id.
    pub tag: Option<(String, Bytes)>,
}

/// What is signed, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    what: &'static str,
    content: Vec<u8>,
    signature: String,
}

/// The keys that are trusted.
#[derive(Debug, Clone, Default)]
pub struct TrustedKeys {
    /// OpenPGP's public keys, armored.
    pub openpgp: Vec<String>,
    /// Files of SSH's public keys, one a line.
    pub ssh: Vec<String>,
}

/// Why a signature is not one of a trusted key. Worded as Flux words it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is none, or one of another kind.
    #[error("unsupported signature type: {0}")]
    Unsupported(&'static str),
    /// There are no keys of its kind.
    #[error(
        "{kind} signature detected but no {kind} public keys found in secret (keys with {ending} suffix)"
    )]
    NoKeys {
        /// Whose signature it is.
        kind: &'static str,
        /// How such keys are named.
        ending: &'static str,
    },
    /// The keys did not make it.
    #[error("unable to verify Git {what}")]
    NotVerified {
        /// What was signed.
        what: String,
        /// Why.
        #[source]
        reason: Refusal,
    },
}

/// Why keys did not make a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is over nothing.
    #[error("unable to verify payload: payload is empty")]
    NoContent,
    /// No trusted key made it.
    #[error("unable to verify payload with any of the given {0}: no matching key")]
    NoMatch(&'static str),
    /// No trusted SSH key made it, for these reasons.
    #[error("unable to verify payload with any of the given authorized keys: {}", joined(.0))]
    NoSshMatch(Vec<&'static str>),
    /// No ring holds a key.
    #[error("unable to read armored key ring: openpgp: invalid argument: no armored data found")]
    KeyRing,
    /// No file holds keys.
    #[error("unable to parse authorized keys: unable to parse authorized key: ssh: no key found")]
    AuthorizedKeys,
    /// The signature cannot be read.
    #[error("unable to unarmor SSH signature: invalid PEM block")]
    SshSignature,
}

fn joined(reasons: &[&str]) -> String {
    std::iter::once("no matching key").chain(reasons.iter().copied()).collect::<Vec<_>>().join("\n")
}

impl Signed {
    /// A commit, taken apart. Without a signature it is empty.
    pub fn commit(raw: &[u8]) -> Signed {
        let (mut content, mut signature) = (Vec::with_capacity(raw.len()), Vec::new());
        let (mut is_header, mut is_signature) = (true, false);
        for line in raw.split_inclusive(|byte| *byte == b'\n') {
            is_signature = is_header
                && match line.strip_prefix(b"gpgsig ") {
                    // A second one would say another thing than the first.
                    Some(first) if signature.is_empty() => {
                        signature.extend_from_slice(first);
                        true
                    }
                    _ if is_signature && line.starts_with(b" ") => {
                        signature.extend_from_slice(&line[1..]);
                        true
                    }
                    _ => false,
                };
            is_header &= line != b"\n";
            if !is_signature {
                content.extend_from_slice(line);
            }
        }
        Signed { what: "commit", content, signature: String::from_utf8_lossy(&signature).into_owned() }
    }

    /// A tag object, taken apart: its signature is the end of its message.
    pub fn tag(raw: &[u8]) -> Signed {
        let mut start = raw.len();
        let mut position = 0;
        for line in raw.split_inclusive(|byte| *byte == b'\n') {
            if [openpgp::BEGIN, ssh::BEGIN].iter().any(|begin| line.starts_with(begin.as_bytes())) {
                start = position;
            }
            position += line.len();
        }
        let (content, signature) = raw.split_at(start);
        let signature = String::from_utf8_lossy(signature).into_owned();
        Signed { what: "tag", content: content.to_vec(), signature }
    }

    /// Whether there is a signature at all.
    pub fn is_signed(&self) -> bool {
        !self.signature.trim().is_empty()
    }

    /// The id, or the fingerprint, of the trusted key that made the signature. Keys are good or not at a time, in
    /// seconds since 1970.
    pub fn verify(&self, keys: &TrustedKeys, now: i64) -> Result<String, SignatureError> {
        let signature = self.signature.trim();
        let not_verified =
            |kind: &str, reason| SignatureError::NotVerified { what: format!("{}{kind}", self.what), reason };
        let is_empty = self.content.is_empty();
        if signature.starts_with(openpgp::BEGIN) {
            if keys.openpgp.is_empty() {
                return Err(SignatureError::NoKeys { kind: "PGP", ending: ".asc" });
            }
            let found = match is_empty {
                true => Err(Refusal::NoContent),
                false => openpgp::verify(signature, &self.content, &keys.openpgp, now),
            };
            found.map_err(|reason| not_verified("", reason))
        } else if signature.starts_with(ssh::BEGIN) {
            if keys.ssh.is_empty() {
                return Err(SignatureError::NoKeys { kind: "SSH", ending: ".sshpub" });
            }
            let found = match is_empty {
                true => Err(Refusal::NoContent),
                false => ssh::verify(signature, &self.content, &keys.ssh),
            };
            found.map_err(|reason| not_verified(" SSH signature", reason))
        } else {
            Err(SignatureError::Unsupported(match signature {
                "" => "empty",
                text if text.starts_with("-----BEGIN SIGNED MESSAGE-----") => "x509",
                _ => "unknown",
            }))
        }
    }
}

#[cfg(test)]
mod tests;
