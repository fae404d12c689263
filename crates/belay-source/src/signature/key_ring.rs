//! Rings of OpenPGP's public keys as files hold them, and the messages that their keys clear-signed.

use pgp::composed::{CleartextSignedMessage, PublicOrSecret, SignedPublicKey};
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::Signature;
use pgp::types::KeyDetails;

use super::openpgp::is_signed_by;

const MESSAGE: &str = "-----BEGIN PGP SIGNED MESSAGE-----";

/// Public keys that are trusted.
#[derive(Debug, Clone, Default)]
pub struct KeyRing {
    keys: Vec<SignedPublicKey>,
}

/// Why a file is no ring. Worded as Helm words it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRingError {
    /// It begins as no key does.
    #[error("openpgp: invalid data: tag byte does not have MSB set")]
    NoPacket,
    /// It is a keybox, in which other things stand between the keys.
    #[error("keyboxes of GnuPG are not supported yet: give a file that `gpg --export` wrote")]
    Keybox,
    /// A key in it cannot be read.
    #[error("openpgp: invalid data: {0}")]
    Key(String),
}

/// Why a text is none that a trusted key signed. Worded as Helm words it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClearSignedError {
    /// It is not clear-signed.
    #[error("signature block not found")]
    NoSignature,
    /// The key is not in the ring.
    #[error("openpgp: signature made by unknown entity")]
    UnknownKey,
    /// The key is in the ring, and did not sign this, or may not.
    #[error("openpgp: invalid signature: {0} verification failure")]
    Wrong(&'static str),
}

impl KeyRing {
    /// Reads an armored ring or a binary one.
    pub fn read(file: &[u8]) -> Result<KeyRing, KeyRingError> {
        if file.get(8..12) == Some(b"KBXf") {
            return Err(KeyRingError::Keybox);
        }
        let is_armored = file.trim_ascii_start().starts_with(b"-----BEGIN PGP");
        match file.first() {
            None => return Ok(KeyRing::default()),
            Some(first) if !is_armored && *first < 0x80 => return Err(KeyRingError::NoPacket),
            Some(_) => {}
        }
        let unread = |error: pgp::errors::Error| KeyRingError::Key(error.to_string());
        let (found, _headers) = PublicOrSecret::from_reader_many_buf(file).map_err(unread)?;
        let mut keys = Vec::new();
        for key in found {
            keys.push(match key.map_err(unread)? {
                PublicOrSecret::Public(key) => key,
                PublicOrSecret::Secret(key) => key.to_public_key(),
            });
        }
        Ok(KeyRing { keys })
    }

    /// The text of the message, if a key of the ring signed it that is good at the time, in seconds since 1970.
    pub fn open(&self, message: &str, now: i64) -> Result<String, ClearSignedError> {
        let start = message.find(MESSAGE).ok_or(ClearSignedError::NoSignature)?;
        let (message, _headers) = CleartextSignedMessage::from_string(&message[start..])
            .map_err(|_unread| ClearSignedError::NoSignature)?;
        let text = message.signed_text();
        let signatures = message.signatures();
        let is_signed = |key: &SignedPublicKey| {
            signatures.iter().any(|signature| is_signed_by(signature, text.as_bytes(), key, now))
        };
        if self.keys.iter().any(is_signed) {
            return Ok(text.replace("\r\n", "\n"));
        }
        let maker = self.keys.iter().find_map(|key| signatures.iter().find_map(|one| maker(one, key)));
        Err(maker.map_or(ClearSignedError::UnknownKey, |algorithm| {
            ClearSignedError::Wrong(match algorithm {
                PublicKeyAlgorithm::RSA => "RSA",
                PublicKeyAlgorithm::ECDSA => "ECDSA",
                _ => "EdDSA",
            })
        }))
    }
}

/// The kind of the key, if the signature says that it made it.
fn maker(signature: &Signature, key: &SignedPublicKey) -> Option<PublicKeyAlgorithm> {
    let says = |key: &dyn KeyDetails| {
        let by_id = signature.issuer_key_id().into_iter().any(|id| *id == key.legacy_key_id());
        let by_print = signature.issuer_fingerprint().into_iter().any(|print| *print == key.fingerprint());
        (by_id || by_print).then(|| key.algorithm())
    };
    let of_subkeys = || key.public_subkeys.iter().find_map(|subkey| says(&subkey.key));
    says(&key.primary_key).or_else(of_subkeys)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINARY: &[u8] = include_bytes!("cases/charts/ada.gpg");
    const ARMORED: &[u8] = include_bytes!("cases/charts/ada.asc");
    const OTHER: &[u8] = include_bytes!("cases/charts/bob.gpg");
    /// `helm package --sign --key ada`
    const SIGNED: &str = include_str!("cases/charts/c-1.0.0.tgz.prov");
    /// Well after it was made.
    const NOW: i64 = 1_900_000_000;

    #[test]
    fn a_message_of_a_key_in_any_kind_of_ring_is_opened() {
        for ring in [BINARY, ARMORED] {
            let text = KeyRing::read(ring).unwrap().open(SIGNED, NOW).unwrap();
            assert!(text.starts_with("apiVersion: v2\nname: c\n"), "{text}");
            assert!(text.contains("\n...\nfiles:\n  c-1.0.0.tgz: sha256:"), "{text}");
        }
        let spaced = format!("a word before\n{}", SIGNED.replace("\nname: c\n", "\nname: c  \n"));
        assert!(KeyRing::read(BINARY).unwrap().open(&spaced, NOW).is_ok(), "blanks at the end say nothing");
    }

    #[test]
    fn bad_x1_what_no_key_of_the_ring_signed_is_refused() {
        let open = |ring: &[u8], message: &str| KeyRing::read(ring).unwrap().open(message, NOW);
        let changed = SIGNED.replace("name: c\n", "name: d\n");
        assert_eq!(open(BINARY, &changed), Err(ClearSignedError::Wrong("RSA")));
        for ring in [OTHER, b""] {
            assert_eq!(open(ring, SIGNED), Err(ClearSignedError::UnknownKey));
        }
        assert_eq!(open(BINARY, "hello"), Err(ClearSignedError::NoSignature));
        let cut = &SIGNED[..SIGNED.len() - 60];
        assert!(open(BINARY, cut).is_err());
        assert_eq!(
            KeyRing::read(BINARY).unwrap().open(SIGNED, 1_000_000_000),
            Err(ClearSignedError::Wrong("RSA"))
        );
    }

    #[test]
    fn bad_m5_rings_of_garbage_open_nothing() {
        let opens = |ring: &[u8]| KeyRing::read(ring).is_ok_and(|ring| ring.open(SIGNED, NOW).is_ok());
        assert!(opens(BINARY) && opens(ARMORED));
        let armored = |text: &str| format!("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{text}\n").into_bytes();
        for garbage in [
            armored(""),
            armored("!!!!"),
            armored("QUJD\n=AAAA\n-----END PGP PUBLIC KEY BLOCK-----"),
            armored(&"QUJD".repeat(100_000)),
            vec![0x99; 1 << 20],
            vec![0xff; 1000],
            b"\x99\xff\xff".to_vec(),
            b"-----BEGIN CERTIFICATE-----".to_vec(),
        ] {
            let start = String::from_utf8_lossy(&garbage[..garbage.len().min(60)]).into_owned();
            assert!(KeyRing::read(&garbage).is_err(), "{start}");
        }
        // Cut anywhere within its first key, it holds none.
        for length in (1..250).step_by(7) {
            assert!(!opens(&BINARY[..length]), "{length}");
            assert!(!opens(&ARMORED[..length]), "{length}");
        }
    }

    #[test]
    fn bad_x1_what_is_no_ring_is_refused() {
        assert!(matches!(KeyRing::read(b"hello"), Err(KeyRingError::NoPacket)));
        assert!(matches!(KeyRing::read(b"\0\0\0\x20\x01\x01\0\x02KBXf"), Err(KeyRingError::Keybox)));
    }
}
