//! Classes of characters as YAML 1.1 knows them, on UTF-8 bytes. Past the end reads as NUL.

pub(crate) fn at(bytes: &[u8], index: usize) -> u8 {
    bytes.get(index).copied().unwrap_or(0)
}

pub(crate) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// CR, LF, NEL (U+0085), LS (U+2028) or PS (U+2029).
pub(crate) fn is_break(bytes: &[u8], index: usize) -> bool {
    match at(bytes, index) {
        b'\r' | b'\n' => true,
        0xC2 => at(bytes, index + 1) == 0x85,
        0xE2 => at(bytes, index + 1) == 0x80 && matches!(at(bytes, index + 2), 0xA8 | 0xA9),
        _ => false,
    }
}

pub(crate) fn is_break_or_end(bytes: &[u8], index: usize) -> bool {
    at(bytes, index) == 0 || is_break(bytes, index)
}

pub(crate) fn is_blank_or_end(bytes: &[u8], index: usize) -> bool {
    is_blank(at(bytes, index)) || is_break_or_end(bytes, index)
}

pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// Bytes of the character that starts with `byte`.
pub(crate) fn width(byte: u8) -> usize {
    match byte {
        0x00..=0x7F => 1,
        0x80..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xFF => 4,
    }
}

/// Whether the emitter may write the character as it is (tabs are not printable to it).
pub(crate) fn is_printable(character: char) -> bool {
    matches!(character,
        '\n' | ' '..='~' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FEFE}' | '\u{FF00}'..='\u{FFFD}')
}

/// Whether the reader accepts the character at all.
pub(crate) fn is_readable(character: char) -> bool {
    matches!(character,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}'
        | '\u{10000}'..='\u{10FFFF}')
}
