//! Private keys for SSH.

use russh::keys::PrivateKey;

/// Whether a private key is encrypted, whatever its form.
pub fn is_encrypted_key(pem: &str) -> bool {
    if pem.contains("ENCRYPTED") {
        return true;
    }
    PrivateKey::from_openssh(pem).is_ok_and(|key| key.is_encrypted())
}
