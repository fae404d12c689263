//! Bytes to text, as the reader of Go's libraries does: UTF-8, or UTF-16 after its mark.

use std::borrow::Cow;

use crate::characters::{at, width};
use crate::error::Error;

/// The text of a file: UTF-8, or UTF-16 if it starts with a byte order mark of that.
///
/// Errors are worded as Go's YAML libraries word them (`yaml: invalid leading UTF-8 octet`).
pub fn text_from_bytes(bytes: &[u8]) -> Result<Cow<'_, str>, Error> {
    match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes).map(Cow::Owned),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes).map(Cow::Owned),
        _ => std::str::from_utf8(bytes)
            .map(Cow::Borrowed)
            .map_err(|error| utf8_error(bytes, error.valid_up_to())),
    }
}

fn utf8_error(bytes: &[u8], offset: usize) -> Error {
    let lead = at(bytes, offset);
    let length = width(lead);
    let trailing = bytes.get(offset + 1..offset + length);
    let message = match trailing {
        _ if matches!(lead, 0x80..=0xBF | 0xF8..) => "invalid leading UTF-8 octet",
        None => "incomplete UTF-8 octet sequence",
        Some(trailing) if trailing.iter().any(|byte| byte & 0xC0 != 0x80) => "invalid trailing UTF-8 octet",
        Some(trailing) => match (lead, trailing[0]) {
            (0xC0 | 0xC1, _) | (0xE0, ..0xA0) | (0xF0, ..0x90) => "invalid length of a UTF-8 sequence",
            _ => "invalid Unicode character",
        },
    };
    placed(&bytes[..offset], message)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Error> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(pairs.len());
    for character in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        let character = character.map_err(|error| {
            let message = match error.unpaired_surrogate() {
                0xDC00.. => "unexpected low surrogate area",
                _ => "expected low surrogate area",
            };
            placed(text.as_bytes(), message)
        })?;
        text.push(character);
    }
    match rest {
        [] => Ok(text),
        _ => Err(placed(text.as_bytes(), "incomplete UTF-16 character")),
    }
}

/// An error after `before`; Go prints no line for it.
fn placed(before: &[u8], message: &str) -> Error {
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    Error::at((line, column), (0, 0), message)
}
