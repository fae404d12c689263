//! Detached OpenPGP signatures, as `gpg` makes them for Git.

use pgp::composed::{Deserializable, DetachedSignature, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::{KeyFlags, Signature, SignatureType};
use pgp::ser::Serialize;
use pgp::types::{Duration, KeyDetails, PublicParams, Tag, Timestamp};

use super::Refusal;

/// How one begins.
pub(super) const BEGIN: &str = "-----BEGIN PGP SIGNATURE-----";
/// Keys of RSA have at least so many bits, less what a generator may miss.
const LEAST_RSA: u16 = 2047;
/// A signer's clock may be ahead by this many seconds.
const CLOCKS: i64 = 300;

/// The id of the key, among those of the rings, whose owner signed the content.
pub(super) fn verify(signature: &str, content: &[u8], rings: &[String], now: i64) -> Result<String, Refusal> {
    let signature =
        DetachedSignature::from_string(signature).ok().map(|(signature, _headers)| signature.signature);
    let mut is_any_read = false;
    for ring in rings {
        let Ok((keys, _headers)) = SignedPublicKey::from_string_many(ring) else { continue };
        is_any_read = true;
        for key in keys.flatten() {
            if signature.as_ref().is_some_and(|signature| is_signed_by(signature, content, &key, now)) {
                return Ok(hex::encode_upper(key.primary_key.legacy_key_id()));
            }
        }
    }
    Err(match is_any_read || rings.is_empty() {
        true => Refusal::NoMatch("key rings"),
        false => Refusal::KeyRing,
    })
}

/// Whether a key, or one of its subkeys that may sign, made the signature, and is good now.
pub(super) fn is_signed_by(signature: &Signature, content: &[u8], key: &SignedPublicKey, now: i64) -> bool {
    if !is_document(signature) || is_over(signature.created(), signature.signature_expiration_time(), now) {
        return false;
    }
    let primary = &key.primary_key;
    let is_revoked = key.details.revocation_signatures.iter().any(|one| one.verify_key(primary).is_ok());
    let Some(own) = own_signature(key).filter(|_| !is_revoked) else { return false };
    if is_over(Some(primary.created_at()), own.key_expiration_time(), now)
        || is_over(own.created(), own.signature_expiration_time(), now)
    {
        return false;
    }
    if may_sign(own) && is_strong(primary) && signature.verify(primary, content).is_ok() {
        return true;
    }
    key.public_subkeys.iter().any(|subkey| {
        is_bound(subkey, key, now) && is_strong(&subkey.key) && signature.verify(&subkey.key, content).is_ok()
    })
}

/// Of the kind that Git makes, over a hash that nobody can forge.
fn is_document(signature: &Signature) -> bool {
    matches!(signature.typ(), Some(SignatureType::Binary | SignatureType::Text))
        && !matches!(signature.hash_alg(), None | Some(HashAlgorithm::Sha1))
        && is_sound(signature)
}

fn is_sound(signature: &Signature) -> bool {
    !matches!(signature.hash_alg(), None | Some(HashAlgorithm::Md5 | HashAlgorithm::Ripemd160))
}

/// What the key's owner says of it last: beside a name, or of the key alone.
fn own_signature(key: &SignedPublicKey) -> Option<&Signature> {
    let primary = &key.primary_key;
    let directly = key.details.direct_signatures.iter().filter(|one| one.verify_key(primary).is_ok());
    let of_names = key.details.users.iter().filter_map(|user| {
        let own = user
            .signatures
            .iter()
            .filter(|one| one.verify_certification(primary, Tag::UserId, &user.id).is_ok());
        let newest = newest(own)?;
        (newest.typ() != Some(SignatureType::CertRevocation)).then_some(newest)
    });
    newest(directly.chain(of_names).filter(|one| is_sound(one)))
}

/// Whether the key's owner says that the subkey is the key's, and that it may sign, and it says so, too.
fn is_bound(subkey: &SignedPublicSubKey, key: &SignedPublicKey, now: i64) -> bool {
    let primary = &key.primary_key;
    let own = subkey.signatures.iter().filter(|one| one.verify_subkey_binding(primary, &subkey.key).is_ok());
    let own: Vec<&Signature> = own.collect();
    if own.iter().any(|one| one.typ() == Some(SignatureType::SubkeyRevocation)) {
        return false;
    }
    let Some(binding) = newest(own.into_iter().filter(|one| is_sound(one))) else { return false };
    let agrees = binding
        .embedded_signature()
        .is_some_and(|back| back.verify_primary_key_binding(&subkey.key, primary).is_ok());
    agrees
        && may_sign(binding)
        && !is_over(Some(subkey.key.created_at()), binding.key_expiration_time(), now)
        && !is_over(binding.created(), binding.signature_expiration_time(), now)
}

fn newest<'a>(signatures: impl Iterator<Item = &'a Signature>) -> Option<&'a Signature> {
    signatures.max_by_key(|signature| signature.created().map(|time| time.as_secs()))
}

/// Keys that say nothing of what they are for may sign.
fn may_sign(binding: &Signature) -> bool {
    let flags = binding.key_flags();
    flags.sign() || flags == KeyFlags::default()
}

/// Of a kind, and of a size, that the original trusts.
fn is_strong(key: &impl KeyDetails) -> bool {
    match key.public_params() {
        PublicParams::RSA(rsa) => rsa.to_bytes().is_ok_and(|bytes| bits(&bytes) >= LEAST_RSA),
        _ => !matches!(key.algorithm(), PublicKeyAlgorithm::DSA | PublicKeyAlgorithm::Elgamal),
    }
}

/// The length of the first number: it stands before it.
fn bits(numbers: &[u8]) -> u16 {
    numbers.first_chunk().map_or(0, |length| u16::from_be_bytes(*length))
}

/// Whether what began then and lasts so long has ended, or has not begun.
fn is_over(began: Option<Timestamp>, lasts: Option<Duration>, now: i64) -> bool {
    let Some(began) = began.map(|time| i64::from(time.as_secs())) else { return true };
    let ends = lasts.map(|lasts| i64::from(lasts.as_secs())).filter(|lasts| *lasts > 0);
    began > now + CLOCKS || ends.is_some_and(|lasts| began + lasts <= now)
}
