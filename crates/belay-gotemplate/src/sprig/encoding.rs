//! Base64, base32 and checksums.

use sha2::Digest;

use crate::function::Functions;
use crate::value::Type::String as Str;
use crate::value::Value;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

type Encode = fn(&[u8]) -> String;

pub(super) fn register(functions: &mut Functions) {
    let encodings: [(&str, Encode); 6] = [
        ("b64enc", base64_encode),
        ("b32enc", |bytes| encode(bytes, BASE32, 5, 8)),
        ("sha1sum", |bytes| hex::encode(sha1::Sha1::digest(bytes))),
        ("sha256sum", |bytes| hex::encode(sha2::Sha256::digest(bytes))),
        ("sha512sum", |bytes| hex::encode(sha2::Sha512::digest(bytes))),
        ("adler32sum", |bytes| adler32(bytes).to_string()),
    ];
    for (name, encode) in encodings {
        functions.add(name, [Str], Str, move |_, arguments| Ok(Value::string(encode(arguments.text(0)?))));
    }
    // A text that cannot be decoded gives the error's text, not an error.
    functions.add("b64dec", [Str], Str, |_, arguments| {
        let decoded = decode(arguments.text(0)?, BASE64, 6, 4);
        Ok(decoded.map_or_else(|at| illegal("base64", at), Value::string))
    });
    functions.add("b32dec", [Str], Str, |_, arguments| {
        let decoded = decode(arguments.text(0)?, BASE32, 5, 8);
        Ok(decoded.map_or_else(|at| illegal("base32", at), Value::string))
    });
}

/// Base64 with the standard alphabet and padding.
pub(crate) fn base64_encode(bytes: &[u8]) -> String {
    encode(bytes, BASE64, 6, 4)
}

/// Bcrypt's own base64, without padding.
pub(super) fn bcrypt_encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    encode(bytes, ALPHABET, 6, 1)
}

/// Decodes base64; the error is where Go finds the fault.
pub(super) fn base64_decode(text: &[u8]) -> Result<Vec<u8>, usize> {
    decode(text, BASE64, 6, 4)
}

fn illegal(encoding: &str, at: usize) -> Value {
    Value::string(format!("illegal {encoding} data at input byte {at}"))
}

/// Encodes with padding to whole groups of digits.
fn encode(bytes: &[u8], alphabet: &[u8], bits: u32, group: usize) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / bits as usize + group);
    let mask = (1u32 << bits) - 1;
    let (mut held, mut count) = (0u32, 0);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        count += 8;
        while count >= bits {
            count -= bits;
            text.push(char::from(alphabet[((held >> count) & mask) as usize]));
        }
    }
    if count > 0 {
        text.push(char::from(alphabet[((held << (bits - count)) & mask) as usize]));
    }
    while !text.len().is_multiple_of(group) {
        text.push('=');
    }
    text
}

/// Decodes padded text; line ends are skipped. The error is where Go finds the fault.
fn decode(text: &[u8], alphabet: &[u8], bits: u32, group: usize) -> Result<Vec<u8>, usize> {
    let mut digits: Vec<(usize, u8)> = Vec::with_capacity(text.len());
    for (at, byte) in text.iter().enumerate().filter(|(_, byte)| !matches!(byte, b'\r' | b'\n')) {
        digits.push((at, *byte));
    }
    let padding = digits.iter().rev().take_while(|(_, byte)| *byte == b'=').count();
    let significant = digits.len() - padding;
    let mut bytes = Vec::with_capacity(text.len());
    let (mut held, mut count) = (0u32, 0);
    for (index, (at, byte)) in digits[..significant].iter().enumerate() {
        if *byte == b'=' && group == 4 && index % 4 >= 2 {
            // Padding inside: the fault is what follows it.
            let next = digits.get(index + 1).map_or(text.len(), |(at, _)| *at);
            let doubled = index % 4 == 2 && digits.get(index + 1).is_some_and(|(_, byte)| *byte == b'=');
            return Err(if doubled { digits.get(index + 2).map_or(text.len(), |(at, _)| *at) } else { next });
        }
        let digit = alphabet.iter().position(|digit| digit == byte).ok_or(*at)?;
        held = (held << bits) | digit as u32;
        count += bits;
        if count >= 8 {
            count -= 8;
            bytes.push((held >> count) as u8);
        }
    }
    let incomplete = significant % group;
    let needed = (group - incomplete) % group;
    let valid_length = match group {
        4 => incomplete != 1,
        _ => !matches!(incomplete, 1 | 3 | 6),
    };
    if !valid_length || padding != needed {
        let fault = match padding.cmp(&needed) {
            std::cmp::Ordering::Greater => significant + needed,
            _ if padding == 0 => digits.len() - incomplete,
            _ => digits.len(),
        };
        return Err(digits.get(fault).map_or(text.len(), |(at, _)| *at));
    }
    Ok(bytes)
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1u32, 0u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65521;
        b = (b + a) % 65521;
    }
    (b << 16) | a
}
