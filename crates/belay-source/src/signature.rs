//! Signatures of commits and tags, by SSH. Those by OpenPGP are found, and refused.

mod ssh;

use bytes::Bytes;

/// The signed objects that led to a checkout, as Git stores them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignedObjects {
    /// The commit.
    pub commit: Bytes,
    /// The annotated tag that was asked for, and its id.
    pub tag: Option<(String, Bytes)>,
}

/// How an OpenPGP signature begins.
const OPENPGP: &str = "-----BEGIN PGP SIGNATURE-----";

/// What is signed, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    content: Vec<u8>,
    signature: String,
}

/// The keys that are trusted.
#[derive(Debug, Clone, Default)]
pub struct TrustedKeys {
    /// Files of SSH's public keys, one a line.
    pub ssh: Vec<String>,
}

/// Why a signature is not one of a trusted key. Worded as Flux words it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is none, or one of another kind.
    #[error("unsupported signature type: {0}")]
    Unsupported(&'static str),
    /// There are no SSH keys.
    #[error("SSH signature detected but no SSH public keys found in secret (keys with .sshpub suffix)")]
    NoKeys,
    /// It is an OpenPGP signature.
    #[error("an OpenPGP signature, which is not supported yet")]
    OpenPgp,
    /// The keys, or the signature, cannot be read.
    #[error("{0}")]
    Unreadable(&'static str),
    /// No trusted key made it.
    #[error("unable to verify payload with any of the given {0}: no matching key")]
    NoMatch(&'static str),
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
        Signed { content, signature: String::from_utf8_lossy(&signature).into_owned() }
    }

    /// A tag object, taken apart: its signature is the end of its message.
    pub fn tag(raw: &[u8]) -> Signed {
        let mut start = raw.len();
        let mut position = 0;
        for line in raw.split_inclusive(|byte| *byte == b'\n') {
            if [OPENPGP, ssh::BEGIN].iter().any(|begin| line.starts_with(begin.as_bytes())) {
                start = position;
            }
            position += line.len();
        }
        let (content, signature) = raw.split_at(start);
        Signed { content: content.to_vec(), signature: String::from_utf8_lossy(signature).into_owned() }
    }

    /// Whether there is a signature at all.
    pub fn is_signed(&self) -> bool {
        !self.signature.trim().is_empty()
    }

    /// The fingerprint of the trusted key that made the signature.
    pub fn verify(&self, keys: &TrustedKeys) -> Result<String, SignatureError> {
        let signature = self.signature.trim();
        if signature.starts_with(OPENPGP) {
            Err(SignatureError::OpenPgp)
        } else if signature.starts_with(ssh::BEGIN) {
            match keys.ssh.as_slice() {
                [] => Err(SignatureError::NoKeys),
                files => ssh::verify(signature, &self.content, files),
            }
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
