//! Passwords: hashed, derived, and text encrypted with them. Salts come from the host's random source.

use aes::Aes256;
use aes::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use hmac::Mac;

use super::encoding::{base64_decode, base64_encode, bcrypt_encode};
use crate::function::{Call, FunctionError, Functions};
use crate::value::Type::{String as Str, Uint64};
use crate::value::Value;

const BCRYPT_COST: u32 = 10;
const BCRYPT_MAX_BYTES: usize = 72;
/// What a slow hash takes from the budget, about as long as it runs.
const SLOW_HASH_STEPS: u64 = 1_000_000;
const BLOCK: usize = 16;

pub(super) fn register(functions: &mut Functions) {
    functions.add("bcrypt", [Str], Str, |call, arguments| {
        Ok(Value::string(bcrypt_text(call, "bcrypt", arguments.text(0)?)?))
    });
    functions.add("htpasswd", [Str, Str], Str, |call, arguments| {
        let user = arguments.text(0)?;
        if user.contains(&b':') {
            return Ok(Value::string([b"invalid username: ", &user[..]].concat()));
        }
        let hash = bcrypt_text(call, "htpasswd", arguments.text(1)?)?;
        Ok(Value::string([&user[..], b":", hash.as_bytes()].concat()))
    });
    functions.add("derivePassword", [Uint64, Str, Str, Str, Str], Str, |call, arguments| {
        let Value::Uint64(counter) = arguments.value(0)? else {
            return Err("the counter is not a number".into());
        };
        let kind = arguments.text(1)?.to_str();
        let Some((_, templates)) = TEMPLATES.iter().find(|(name, _)| *name == kind) else {
            return Ok(Value::string(format!("cannot find password template {kind}")));
        };
        call.charge_steps(2 * SLOW_HASH_STEPS)?;
        let (password, user, site) = (arguments.text(2)?, arguments.text(3)?, arguments.text(4)?);
        let seed = derived_seed(*counter as u32, password, user, site)?;
        Ok(Value::string(password_of(&seed, templates)))
    });
    functions.add("encryptAES", [Str, Str], Str, |call, arguments| {
        let (password, text) = (arguments.text(0)?, arguments.text(1)?);
        if text.is_empty() {
            return Ok(Value::string(""));
        }
        call.charge_bytes(text.len().saturating_mul(2))?;
        let mut start = [0; BLOCK];
        call.random("encryptAES")?.fill(&mut start);
        Ok(Value::string(base64_encode(&encrypt(password, text, start))))
    });
    functions.add("decryptAES", [Str, Str], Str, |call, arguments| {
        let (password, text) = (arguments.text(0)?, arguments.text(1)?);
        if text.is_empty() {
            return Ok(Value::string(""));
        }
        call.charge_bytes(text.len())?;
        let bytes = base64_decode(text).map_err(|at| format!("illegal base64 data at input byte {at}"))?;
        Ok(Value::string(decrypt(password, &bytes)?))
    });
}

/// Go's version of the format is `2a`; what goes wrong is the answer, not an error.
fn bcrypt_text(call: &mut Call<'_>, function: &str, password: &[u8]) -> Result<String, FunctionError> {
    if password.len() > BCRYPT_MAX_BYTES {
        return Ok(
            "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes".to_owned()
        );
    }
    call.charge_steps(SLOW_HASH_STEPS)?;
    let mut salt = [0; 16];
    call.random(function)?.fill(&mut salt);
    let mut ended = password.to_vec();
    ended.push(0);
    ended.truncate(BCRYPT_MAX_BYTES);
    let hash = bcrypt::bcrypt(BCRYPT_COST, salt, &ended);
    Ok(format!("$2a${BCRYPT_COST}${}{}", bcrypt_encode(&salt), bcrypt_encode(&hash[..23])))
}

type Templates = &'static [&'static str];

/// The shapes of derived passwords: each letter stands for a class of characters.
const TEMPLATES: [(&str, Templates); 6] = [
    ("maximum", &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"]),
    (
        "long",
        &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
    ),
    ("medium", &["CvcnoCvc", "CvcCvcno"]),
    ("short", &["Cvcn"]),
    ("basic", &["aaanaaan", "aannaaan", "aaannaaa"]),
    ("pin", &["nnnn"]),
];

fn characters(class: u8) -> &'static [u8] {
    match class {
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// The Master Password algorithm.
fn derived_seed(counter: u32, password: &[u8], user: &[u8], site: &[u8]) -> Result<[u8; 32], FunctionError> {
    const SCOPE: &[u8] = b"com.lyndir.masterpassword";
    let failed = |error: String| FunctionError::new(format!("failed to derive password: {error}"));
    let salt = [SCOPE, &(user.len() as u32).to_be_bytes(), user].concat();
    let parameters = scrypt::Params::new(15, 8, 2).map_err(|error| failed(error.to_string()))?;
    let mut key = [0; 64];
    scrypt::scrypt(password, &salt, &parameters, &mut key).map_err(|error| failed(error.to_string()))?;
    let message = [SCOPE, &(site.len() as u32).to_be_bytes(), site, &counter.to_be_bytes()].concat();
    let mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(&key).map_err(|error| failed(error.to_string()))?;
    Ok(mac.chain_update(&message).finalize().into_bytes().into())
}

fn password_of(seed: &[u8; 32], templates: &[&str]) -> Vec<u8> {
    let template = templates[usize::from(seed[0]) % templates.len()];
    let classes = template.bytes().map(characters);
    classes.zip(&seed[1..]).map(|(class, byte)| class[usize::from(*byte) % class.len()]).collect()
}

/// The password is the key: cut off at 32 bytes, filled up with zeros.
fn cipher(password: &[u8]) -> Aes256 {
    let mut key = [0; 32];
    let length = password.len().min(key.len());
    key[..length].copy_from_slice(&password[..length]);
    Aes256::new(&key.into())
}

/// AES-256 in CBC mode with padding; the start vector comes first.
fn encrypt(password: &[u8], text: &[u8], start: [u8; BLOCK]) -> Vec<u8> {
    let cipher = cipher(password);
    let padding = BLOCK - text.len() % BLOCK;
    let mut padded = text.to_vec();
    padded.resize(text.len() + padding, padding as u8);
    let mut out = start.to_vec();
    let mut previous = start;
    for chunk in padded.as_chunks::<BLOCK>().0 {
        let mut block: Block<Aes256> = exclusive_or(*chunk, previous).into();
        cipher.encrypt_block(&mut block);
        previous = block.into();
        out.extend_from_slice(&previous);
    }
    out
}

fn decrypt(password: &[u8], bytes: &[u8]) -> Result<Vec<u8>, FunctionError> {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let Some((start, blocks)) = blocks.split_first() else {
        let capacity = bytes.len().next_multiple_of(3);
        return Err(format!("runtime error: slice bounds out of range [:16] with capacity {capacity}").into());
    };
    if !rest.is_empty() {
        return Err("crypto/cipher: input not full blocks".into());
    }
    let cipher = cipher(password);
    let mut out = Vec::with_capacity(bytes.len());
    let mut previous = *start;
    for chunk in blocks {
        let mut block: Block<Aes256> = (*chunk).into();
        cipher.decrypt_block(&mut block);
        out.extend_from_slice(&exclusive_or(block.into(), previous));
        previous = *chunk;
    }
    let Some(padding) = out.last().map(|last| usize::from(*last)) else {
        return Err("runtime error: index out of range [-1]".into());
    };
    let length = out.len().checked_sub(padding).ok_or_else(|| {
        let end = out.len() as i64 - padding as i64;
        format!("runtime error: slice bounds out of range [:{end}]")
    })?;
    out.truncate(length);
    Ok(out)
}

fn exclusive_or(first: [u8; BLOCK], second: [u8; BLOCK]) -> [u8; BLOCK] {
    std::array::from_fn(|index| first[index] ^ second[index])
}
