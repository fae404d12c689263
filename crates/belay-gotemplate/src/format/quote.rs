//! Go's quoting of strings and runes.

/// Go's `strconv.Quote`.
pub fn go_quote(text: &[u8]) -> String {
    quote_with(text, '"', false)
}

/// Go's `strconv.Quote`, in ASCII only when asked.
pub(crate) fn quote_with(text: &[u8], quote: char, ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            push_escaped(&mut out, character, quote, ascii);
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out.push(quote);
    out
}

/// Go's `strconv.QuoteRune`.
pub fn go_quote_rune(character: char) -> String {
    quote_rune(u32::from(character).into(), false)
}

/// The same for any number.
pub(crate) fn quote_rune(rune: i64, ascii: bool) -> String {
    let character = u32::try_from(rune).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
    let mut out = String::from('\'');
    push_escaped(&mut out, character, '\'', ascii);
    out.push('\'');
    out
}

fn push_escaped(out: &mut String, character: char, quote: char, ascii: bool) {
    match character {
        _ if character == quote || character == '\\' => {
            out.push('\\');
            out.push(character);
        }
        ' '..='~' => out.push(character),
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        '\0'..='\x1f' | '\x7f' => out.push_str(&format!("\\x{:02x}", u32::from(character))),
        _ if !ascii && is_printable(character) => out.push(character),
        '\u{10000}'.. => out.push_str(&format!("\\U{:08x}", u32::from(character))),
        _ => out.push_str(&format!("\\u{:04x}", u32::from(character))),
    }
}

/// Go's `%#U`.
pub(crate) fn go_unicode_point(character: char) -> String {
    let code = u32::from(character);
    if is_printable(character) { format!("U+{code:04X} '{character}'") } else { format!("U+{code:04X}") }
}

/// Go's `unicode.IsPrint`. Rust's Debug escapes what is not printable, and combining marks, which
/// Go prints.
pub(crate) fn is_printable(character: char) -> bool {
    match character {
        ' '..='~' => true,
        '\0'..='\u{a0}' | '\u{ad}' => false,
        _ => {
            let escaped = character.escape_debug().len() > 1;
            !escaped || is_mark(character)
        }
    }
}

/// Marks `escape_debug` escapes because they extend the character before.
fn is_mark(character: char) -> bool {
    // At the start of a string a mark is escaped, after a letter it is not.
    let mut text = String::from('a');
    text.push(character);
    text.escape_debug().count() == 2
}
