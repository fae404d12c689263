//! Signatures that `ssh-keygen -Y sign` makes.

use russh::keys::ssh_key::{HashAlg, PublicKey, SshSig};

use super::SignatureError;

/// How one begins.
pub(super) const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
/// What Git's signatures are made for.
const NAMESPACE: &str = "git";

pub(super) fn verify(signature: &str, content: &[u8], files: &[String]) -> Result<String, SignatureError> {
    let signature = SshSig::from_pem(signature)
        .map_err(|_no_signature| SignatureError::Unreadable("unable to unarmor SSH signature"))?;
    let mut is_any_read = false;
    for file in files {
        // A file with a line that is no key is passed over as a whole.
        let Some(keys) = public_keys(file) else { continue };
        is_any_read = true;
        if let Some(key) = keys.iter().find(|key| key.verify(NAMESPACE, content, &signature).is_ok()) {
            return Ok(key.fingerprint(HashAlg::Sha256).to_string());
        }
    }
    Err(match is_any_read {
        true => SignatureError::NoMatch("authorized keys"),
        false => SignatureError::Unreadable("unable to parse authorized keys"),
    })
}

fn public_keys(file: &str) -> Option<Vec<PublicKey>> {
    let lines = file.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| PublicKey::from_openssh(line).ok()).collect()
}
