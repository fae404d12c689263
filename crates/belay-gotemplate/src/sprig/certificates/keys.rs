//! Private keys: made, read from PEM, written, and used to sign.

use std::sync::Arc;

use ed25519_dalek::SigningKey as EdwardsKey;
use p224::ecdsa::signature::hazmat::PrehashSigner;
use p256::ecdsa::signature::Signer;
use rand_core::{TryCryptoRng, TryRng};
use rsa::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPrivateKey};
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, Pkcs1v15Sign, RsaPrivateKey};
use sha2::{Digest, Sha256};

use super::asn1::{self, Reader, bit_string, context, integer, sequence, value};
use super::pem;
use super::primes::random_prime;
use crate::function::{Call, FunctionError};
use crate::options::RandomSource;

type Result<T, E = String> = std::result::Result<T, E>;

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const RSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const EC_WITH_SHA2: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const NULL: &[u8] = &[0x05, 0x00];
/// What stands in front of a SHA-256 digest that RSA signs.
const DIGEST_PREFIX: &[u8] =
    &[0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];
/// The public exponent of every key that is made.
const RSA_EXPONENT: u64 = 65_537;
/// What a key takes from the budget, about as long as it takes to make.
const STEPS_PER_RSA_BIT: u64 = 1_000;
const DSA_STEPS: u64 = 20_000_000;

pub(super) enum PrivateKey {
    Rsa(Box<RsaPrivateKey>),
    Ec(Curve, Vec<u8>),
    Ed25519(Box<EdwardsKey>),
    /// Version, p, q, g, y and x, as they are written.
    Dsa(Vec<u8>),
}

#[derive(Clone, Copy)]
pub(super) enum Curve {
    P224,
    P256,
    P384,
    P521,
}

/// The key of a type, as `genPrivateKey` names it; nothing for other names.
pub(super) fn generate(call: &mut Call<'_>, kind: &str) -> Result<Option<PrivateKey>, FunctionError> {
    const NAME: &str = "genPrivateKey";
    Ok(Some(match kind {
        "" | "rsa" => generate_rsa(call, NAME, 4096)?,
        "dsa" => {
            call.charge_steps(DSA_STEPS)?;
            generate_dsa(&mut Source(call.random(NAME)?))
        }
        "ecdsa" => generate_p256(&*call.random(NAME)?)?,
        "ed25519" => {
            let mut seed = [0; 32];
            call.random(NAME)?.fill(&mut seed);
            PrivateKey::Ed25519(Box::new(EdwardsKey::from_bytes(&seed)))
        }
        _ => return Ok(None),
    }))
}

pub(super) fn generate_rsa(
    call: &mut Call<'_>,
    function: &str,
    bits: usize,
) -> Result<PrivateKey, FunctionError> {
    call.charge_steps(bits as u64 * STEPS_PER_RSA_BIT)?;
    let random = call.random(function)?;
    // Two primes make a key unless one is the other, or the exponent divides one less than one of them.
    let key = (0..4)
        .find_map(|_| rsa_key(random_prime(&*random, bits / 128)?, random_prime(&*random, bits / 128)?));
    key.map(|key| PrivateKey::Rsa(Box::new(key)))
        .ok_or_else(|| "error generating rsa key: the random source gives no key".into())
}

fn rsa_key(p: Vec<u64>, q: Vec<u64>) -> Option<RsaPrivateKey> {
    let number = |limbs: Vec<u64>| {
        let bytes: Vec<u8> = limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect();
        BoxedUint::from_le_slice_vartime(&bytes)
    };
    RsaPrivateKey::from_p_q(number(p), number(q), BoxedUint::from(RSA_EXPONENT)).ok()
}

fn generate_p256(random: &dyn RandomSource) -> Result<PrivateKey, FunctionError> {
    let mut scalar = [0; 32];
    // Almost every number is a key.
    for _ in 0..64 {
        random.fill(&mut scalar);
        if p256::SecretKey::from_slice(&scalar).is_ok() {
            return Ok(PrivateKey::Ec(Curve::P256, scalar.to_vec()));
        }
    }
    Err("failed to generate private key: the random source gives no key".into())
}

fn generate_dsa(source: &mut Source) -> PrivateKey {
    let Ok(components) =
        dsa::Components::try_generate_from_rng_with_key_size(source, dsa::KeySize::DSA_2048_256);
    let (p, q, g) =
        (components.p().to_be_bytes(), components.q().to_be_bytes(), components.g().to_be_bytes());
    let Ok(key) = dsa::SigningKey::try_generate_from_rng_with_components(source, components);
    let (y, x) = (key.verifying_key().y().to_be_bytes(), key.x().to_be_bytes());
    let numbers = [&[0][..], &p, &q, &g, &y, &x].map(integer);
    PrivateKey::Dsa(value(asn1::SEQUENCE, &numbers.concat()))
}

impl PrivateKey {
    pub(super) fn from_pem(text: &[u8]) -> Result<Self> {
        let block = pem::decode(text).ok_or("no PEM data in input")?;
        if block.kind == "PRIVATE KEY" {
            return Self::from_pkcs8(&block.bytes)
                .map_err(|error| format!("decoding PEM as PKCS#8: {error}"));
        }
        let Some(kind) = block.kind.strip_suffix(" PRIVATE KEY") else {
            return Err(format!("no private key data in PEM block of type {}", block.kind));
        };
        let placed = |error| format!("parsing {kind} private key from PEM: {error}");
        match kind {
            "RSA" => Self::from_pkcs1(&block.bytes).map_err(placed),
            "EC" => Self::from_sec1(&block.bytes, None).map_err(placed),
            "DSA" => Self::from_dsa(&block.bytes).map_err(placed),
            _ => Err(format!("invalid private key type {}", block.kind)),
        }
    }

    fn from_pkcs1(der: &[u8]) -> Result<Self> {
        let key =
            RsaPrivateKey::from_pkcs1_der(der).map_err(|error| format!("asn1: structure error: {error}"))?;
        Ok(Self::Rsa(Box::new(key)))
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self> {
        let parts = || {
            let mut body = Reader(Reader(der).take(asn1::SEQUENCE)?);
            body.take_integer()?;
            let mut algorithm = Reader(body.take(asn1::SEQUENCE)?);
            Some((algorithm.take(asn1::OBJECT)?, algorithm, body.take(asn1::OCTET_STRING)?))
        };
        let (algorithm, mut parameters, key) = parts().ok_or("asn1: structure error: not a PKCS#8 key")?;
        match algorithm {
            RSA => Self::from_pkcs1(key).map_err(|error| {
                format!("x509: failed to parse RSA private key embedded in PKCS#8: {error}")
            }),
            EC => Self::from_sec1(key, parameters.take(asn1::OBJECT))
                .map_err(|error| format!("x509: failed to parse EC private key embedded in PKCS#8: {error}")),
            ED25519 => {
                let seed =
                    Reader(key).take(asn1::OCTET_STRING).and_then(|seed| <&[u8; 32]>::try_from(seed).ok());
                let seed = seed.ok_or("x509: invalid Ed25519 private key")?;
                Ok(Self::Ed25519(Box::new(EdwardsKey::from_bytes(seed))))
            }
            _ => Err("x509: PKCS#8 wrapping contained private key with unknown algorithm".into()),
        }
    }

    fn from_sec1(der: &[u8], curve: Option<&[u8]>) -> Result<Self> {
        let parts = || {
            let mut body = Reader(Reader(der).take(asn1::SEQUENCE)?);
            body.take_integer()?;
            let scalar = body.take(asn1::OCTET_STRING)?;
            let own = body.take(context(0)).and_then(|own| Reader(own).take(asn1::OBJECT));
            Some((scalar, curve.or(own)))
        };
        let (scalar, curve) =
            parts().ok_or("x509: failed to parse EC private key: asn1: structure error: not a key")?;
        let curve = curve.and_then(Curve::of).ok_or("x509: unknown elliptic curve")?;
        let zeros = scalar.iter().take_while(|byte| **byte == 0).count();
        let digits = &scalar[zeros..];
        let padding = curve.bytes().checked_sub(digits.len()).ok_or("x509: invalid private key length")?;
        let scalar = [&vec![0; padding], digits].concat();
        match curve.point(&scalar) {
            Some(_) => Ok(Self::Ec(curve, scalar)),
            None => Err("x509: invalid elliptic curve private key value".into()),
        }
    }

    fn from_dsa(der: &[u8]) -> Result<Self> {
        let parts = || {
            let mut input = Reader(der);
            let whole = input.take_whole(asn1::SEQUENCE)?;
            let mut numbers = Reader(Reader(whole).take(asn1::SEQUENCE)?);
            for _ in 0..6 {
                numbers.take_integer()?;
            }
            Some(whole.to_vec())
        };
        parts().map(Self::Dsa).ok_or_else(|| "asn1: structure error: not a DSA key".to_owned())
    }

    pub(super) fn to_pem(&self) -> String {
        match self {
            Self::Rsa(key) => {
                let der = key.to_pkcs1_der().map(|document| document.as_bytes().to_vec());
                pem::encode("RSA PRIVATE KEY", &der.unwrap_or_default())
            }
            Self::Dsa(der) => pem::encode("DSA PRIVATE KEY", der),
            Self::Ec(curve, scalar) => {
                let id = value(context(0), &value(asn1::OBJECT, curve.id()));
                let point = value(context(1), &bit_string(&curve.point(scalar).unwrap_or_default()));
                let scalar = value(asn1::OCTET_STRING, scalar);
                pem::encode("EC PRIVATE KEY", &sequence(&[&integer(&[1]), &scalar, &id, &point]))
            }
            Self::Ed25519(key) => {
                let algorithm = sequence(&[&value(asn1::OBJECT, ED25519)]);
                let seed = value(asn1::OCTET_STRING, &value(asn1::OCTET_STRING, key.as_bytes()));
                pem::encode("PRIVATE KEY", &sequence(&[&integer(&[0]), &algorithm, &seed]))
            }
        }
    }

    /// The public key with its algorithm, and the bits of the key alone.
    pub(super) fn public(&self) -> Result<(Vec<u8>, Vec<u8>)> {
        let (algorithm, bits) = match self {
            Self::Rsa(key) => {
                let numbers = [integer(&key.n_bytes()), integer(&key.e_bytes())];
                (sequence(&[&value(asn1::OBJECT, RSA), NULL]), value(asn1::SEQUENCE, &numbers.concat()))
            }
            Self::Ec(curve, scalar) => (
                sequence(&[&value(asn1::OBJECT, EC), &value(asn1::OBJECT, curve.id())]),
                curve.point(scalar).ok_or("x509: invalid elliptic curve private key value")?,
            ),
            Self::Ed25519(key) => {
                (sequence(&[&value(asn1::OBJECT, ED25519)]), key.verifying_key().to_bytes().to_vec())
            }
            Self::Dsa(_) => return Err(CANNOT_SIGN.into()),
        };
        Ok((sequence(&[&algorithm, &bit_string(&bits)]), bits))
    }

    pub(super) fn signature_algorithm(&self) -> Result<Vec<u8>> {
        Ok(match self {
            Self::Rsa(_) => sequence(&[&value(asn1::OBJECT, RSA_WITH_SHA256), NULL]),
            Self::Ec(curve, _) => {
                sequence(&[&value(asn1::OBJECT, &[EC_WITH_SHA2, &[curve.hash()]].concat())])
            }
            Self::Ed25519(_) => sequence(&[&value(asn1::OBJECT, ED25519)]),
            Self::Dsa(_) => return Err(CANNOT_SIGN.into()),
        })
    }

    pub(super) fn sign(&self, body: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Rsa(key) => {
                let digest = [DIGEST_PREFIX, &Sha256::digest(body)].concat();
                key.sign(Pkcs1v15Sign::new_unprefixed(), &digest)
                    .map_err(|error| format!("crypto/rsa: {error}"))
            }
            Self::Ec(curve, scalar) => {
                curve.sign(scalar, body).ok_or_else(|| "invalid private key".to_owned())
            }
            Self::Ed25519(key) => Ok(key.sign(body).to_bytes().to_vec()),
            Self::Dsa(_) => Err(CANNOT_SIGN.into()),
        }
    }
}

const CANNOT_SIGN: &str = "x509: certificate private key does not implement crypto.Signer";

impl Curve {
    fn of(id: &[u8]) -> Option<Self> {
        [Self::P224, Self::P256, Self::P384, Self::P521].into_iter().find(|curve| curve.id() == id)
    }

    fn id(self) -> &'static [u8] {
        match self {
            Self::P224 => &[0x2b, 0x81, 4, 0, 33],
            Self::P256 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
            Self::P384 => &[0x2b, 0x81, 4, 0, 34],
            Self::P521 => &[0x2b, 0x81, 4, 0, 35],
        }
    }

    /// The last number of the signature algorithm: SHA-256, SHA-384, SHA-512.
    fn hash(self) -> u8 {
        match self {
            Self::P224 | Self::P256 => 2,
            Self::P384 => 3,
            Self::P521 => 4,
        }
    }

    /// The bytes of a scalar.
    fn bytes(self) -> usize {
        match self {
            Self::P224 => 28,
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// The public point, not compressed.
    fn point(self, scalar: &[u8]) -> Option<Vec<u8>> {
        Some(match self {
            Self::P224 => p224::ecdsa::SigningKey::from_slice(scalar)
                .ok()?
                .verifying_key()
                .to_encoded_point(false)
                .as_bytes()
                .to_vec(),
            Self::P256 => p256::ecdsa::SigningKey::from_slice(scalar)
                .ok()?
                .verifying_key()
                .to_sec1_point(false)
                .as_bytes()
                .to_vec(),
            Self::P384 => p384::ecdsa::SigningKey::from_slice(scalar)
                .ok()?
                .verifying_key()
                .to_sec1_point(false)
                .as_bytes()
                .to_vec(),
            Self::P521 => p521::ecdsa::SigningKey::from_slice(scalar)
                .ok()?
                .verifying_key()
                .to_sec1_point(false)
                .as_bytes()
                .to_vec(),
        })
    }

    fn sign(self, scalar: &[u8], body: &[u8]) -> Option<Vec<u8>> {
        Some(match self {
            Self::P224 => {
                // Go takes SHA-256 for the small curve, too.
                let key = p224::ecdsa::SigningKey::from_slice(scalar).ok()?;
                let signature: p224::ecdsa::Signature = key.sign_prehash(&Sha256::digest(body)).ok()?;
                signature.to_der().as_bytes().to_vec()
            }
            Self::P256 => {
                let signature: p256::ecdsa::Signature =
                    p256::ecdsa::SigningKey::from_slice(scalar).ok()?.sign(body);
                signature.to_der().as_bytes().to_vec()
            }
            Self::P384 => {
                let signature: p384::ecdsa::Signature =
                    p384::ecdsa::SigningKey::from_slice(scalar).ok()?.sign(body);
                signature.to_der().as_bytes().to_vec()
            }
            Self::P521 => {
                let signature: p521::ecdsa::Signature =
                    p521::ecdsa::SigningKey::from_slice(scalar).ok()?.sign(body);
                signature.to_der().as_bytes().to_vec()
            }
        })
    }
}

/// The host's random source as the crates for keys want it.
struct Source(Arc<dyn RandomSource>);

impl TryRng for Source {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Self::Error> {
        self.0.fill(buffer);
        Ok(())
    }
}

impl TryCryptoRng for Source {}
