//! Texts that are not UTF-8. Go reads bytes; here each byte that is not UTF-8 is read as a character that stands in for
//! it, and becomes the byte again in the end.

use std::borrow::Cow;

/// Byte 0x80 has the stand-in U+10FF80, and so on: the end of the last private plane.
const FIRST: u32 = 0x10_FF00;
/// What a stand-in is longer than its byte.
const LONGER: usize = 3;

/// The bytes as a text with a character for each that is not UTF-8; nothing if there are such characters (U+10FF80 and
/// above) among them.
pub fn with_stand_ins(bytes: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        if chunk.valid().chars().any(|character| byte_of(character).is_some()) {
            return None;
        }
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().filter_map(|byte| char::from_u32(FIRST + u32::from(*byte))));
    }
    Some(text)
}

/// The bytes that a text with stand-ins was made of.
pub fn bytes_of(text: &str) -> Cow<'_, [u8]> {
    if text.chars().all(|character| byte_of(character).is_none()) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match byte_of(character) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

/// The text as Go reads it rune by rune.
pub(crate) fn runes_of(text: &str) -> String {
    let rune = |character| byte_of(character).map_or(character, |_| char::REPLACEMENT_CHARACTER);
    text.chars().map(rune).collect()
}

/// How many bytes a text with stand-ins has more than what was read.
pub(crate) fn surplus(text: &str) -> usize {
    LONGER * text.chars().filter(|character| byte_of(*character).is_some()).count()
}

fn byte_of(character: char) -> Option<u8> {
    u32::from(character).checked_sub(FIRST + 0x80).and_then(|above| u8::try_from(above + 0x80).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back() {
        let bytes = b"a\xff\xc3(\xed\xa0\x80 \xe2\x82\xac";
        let text = with_stand_ins(bytes).unwrap();
        assert_eq!(&*bytes_of(&text), bytes);
        assert_eq!(surplus(&text), text.len() - bytes.len());
        assert_eq!(runes_of(&text), "a\u{fffd}\u{fffd}(\u{fffd}\u{fffd}\u{fffd} €");
        assert_eq!(with_stand_ins(text.as_bytes()), None);
    }
}
