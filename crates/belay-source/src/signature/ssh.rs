//! Signatures that `ssh-keygen -Y sign` makes.

use russh::keys::ssh_key::{HashAlg, PublicKey, SshSig};

use super::Refusal;

/// How one begins.
pub(super) const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
/// What Git's signatures are made for.
const NAMESPACE: &str = "git";

pub(super) fn verify(signature: &str, content: &[u8], files: &[String]) -> Result<String, Refusal> {
    let signature = SshSig::from_pem(signature).map_err(|_no_signature| Refusal::SshSignature)?;
    let mut is_any_read = false;
    let mut why = Vec::new();
    for file in files {
        // A file with a line that is no key is passed over as a whole.
        let Some(keys) = public_keys(file) else { continue };
        is_any_read = true;
        for key in keys {
            match refusal(&key, content, &signature) {
                None => return Ok(key.fingerprint(HashAlg::Sha256).to_string()),
                Some(reason) if !why.contains(&reason) => why.push(reason),
                Some(_) => {}
            }
        }
    }
    Err(match is_any_read {
        true => Refusal::NoSshMatch(why),
        false => Refusal::AuthorizedKeys,
    })
}

/// Why the key did not sign it, as the original says it.
fn refusal(key: &PublicKey, content: &[u8], signature: &SshSig) -> Option<&'static str> {
    if key.key_data() != signature.public_key() {
        Some("public key does not match")
    } else if signature.namespace() != NAMESPACE {
        Some("namespace does not match")
    } else if key.verify(NAMESPACE, content, signature).is_err() {
        Some("ssh: signature did not verify")
    } else {
        None
    }
}

fn public_keys(file: &str) -> Option<Vec<PublicKey>> {
    let lines = file.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| PublicKey::from_openssh(line).ok()).collect()
}
